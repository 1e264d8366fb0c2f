//! Why a connection failed, in words that hold no address.

use std::{error::Error, io};

/// The innermost cause that is known not to hold an address.
pub fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    if error.is_dns() {
        return "the host's name was not found".to_owned();
    }
    let mut found = "no further detail".to_owned();
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            found = tls(error);
        } else if let Some(error) = error.downcast_ref::<io::Error>() {
            found = io_cause(error);
        }
        source = error.source();
    }
    found
}

/// The cause of an I/O error. I/O errors wrap TLS errors and one another without showing them in `source`.
pub fn io_cause(error: &io::Error) -> String {
    let Some(inner) = error.get_ref() else { return error.kind().to_string() };
    let tls = inner.downcast_ref::<rustls::Error>().map(tls);
    let deeper = || inner.downcast_ref::<io::Error>().map(io_cause);
    tls.or_else(deeper).unwrap_or_else(|| error.kind().to_string())
}

/// Names only the kind of error, since some TLS errors list all names of a certificate.
fn tls(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) => {
            "TLS: the certificate's issuer is not known here: add it to the system's certificates, or to the file that SSL_CERT_FILE names".to_owned()
        }
        rustls::Error::InvalidCertificate(
            rustls::CertificateError::NotValidForName | rustls::CertificateError::NotValidForNameContext { .. },
        ) => "TLS: the certificate is for another name: it needs the host's name in its subjectAltName".to_owned(),
        rustls::Error::InvalidCertificate(
            rustls::CertificateError::Expired | rustls::CertificateError::ExpiredContext { .. },
        ) => "TLS: the certificate has expired".to_owned(),
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(why))
            if why.0.to_string() == "UnsupportedCertVersion" =>
        {
            "TLS: the certificate is of X.509 version 1: it needs version 3, with the host's name in its subjectAltName"
                .to_owned()
        }
        rustls::Error::InvalidCertificate(_) => "TLS: the certificate is not valid".to_owned(),
        rustls::Error::AlertReceived(alert) => format!("TLS: the other end says {alert:?}"),
        _ => "TLS failed".to_owned(),
    }
}
