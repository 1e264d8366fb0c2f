//! Decides which certificates of mail servers are trusted.
//!
//! Certificates of the known authorities are trusted, and a server's own self-signed one that is in the system's store
//! or in the file that `SSL_CERT_FILE` names. Most self-signed certificates claim to be authorities, which `WebPKI`
//! refuses for a server; name and validity are checked nevertheless.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// The name of that refusal in `WebPKI`.
const AUTHORITY_AS_SERVER: &str = "CaUsedAsEndEntity";

#[derive(Debug)]
pub(super) struct Trust {
    authorities: Arc<WebPkiServerVerifier>,
    own: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// Trusts `authorities`, and a server whose own certificate is one of `own`.
    pub(super) fn new(
        authorities: RootCertStore,
        own: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, VerifierBuilderError> {
        let authorities = WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), provider).build()?;
        Ok(Self { authorities, own })
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judged = self.authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match judged {
            // `WebPKI` checks the validity before it returns this error.
            Err(Error::InvalidCertificate(CertificateError::Other(why)))
                if why.0.to_string() == AUTHORITY_AS_SERVER =>
            {
                if !self.own.iter().any(|own| own == end_entity) {
                    return Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
                }
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            judged => judged,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}
