//! Mails under TLS, and logins, which are sent under TLS only.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedKey, IsCa, KeyPair, date_time_ymd, generate_simple_self_signed,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

use super::{FROM, Server, attempt, body, email};
use crate::{
    model::{Attempt, Blame, Outcome},
    receivers::testing::{TIMEOUT, parcel, rejected, retry},
    sandbox::smtp::{Mail, SinkSettings, Stage},
};

/// The TLS configuration of a server, and its certificate for a client.
pub(super) fn certificate() -> (Arc<ServerConfig>, Vec<u8>) {
    certificate_for("127.0.0.1")
}

pub(super) fn certificate_for(name: &str) -> (Arc<ServerConfig>, Vec<u8>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    (Arc::new(config.with_single_cert(vec![cert.der().clone()], key).unwrap()), cert.der().to_vec())
}

async fn over_tls(implicit: bool, password: &str, known: bool) -> (Attempt, Vec<Mail>) {
    let (tls, root) = certificate();
    let login = Some(("me@x.org".to_owned(), "hunter2:/".to_owned()));
    let server = Server::start(SinkSettings { login, tls: Some(tls), implicit }).await;
    let (scheme, query) = if implicit { ("smtps", "") } else { ("smtp", "?tls=required") };
    let url = format!("{scheme}://me%40x.org:{password}@127.0.0.1:{}{query}", server.port);
    let roots = if known { vec![b"no certificate".to_vec(), root] } else { Vec::new() };
    let email = email(&url, FROM, &["a@x.org"], TIMEOUT, &roots);
    let sent = email.send(&parcel(body())).await;
    let shown = format!("{email:?} {sent:?}");
    assert!(!shown.contains("hunter") && !shown.contains("me@"), "{shown}");
    (sent, server.sink.mails())
}

#[tokio::test]
async fn logs_in_over_tls() {
    for implicit in [true, false] {
        let (sent, mails) = over_tls(implicit, "hunter2%3A%2F", true).await;
        assert_eq!((sent.outcome, mails.len()), (Outcome::Delivered, 1), "{implicit}");

        let (sent, mails) = over_tls(implicit, "hunter3", true).await;
        let reason = "535 5.7.8 at the login";
        assert_eq!((sent.outcome, mails.len()), (rejected(Blame::Receiver, reason), 0), "{implicit}");

        let (sent, mails) = over_tls(implicit, "hunter2%3A%2F", false).await;
        let reason = "no connection (TLS: the certificate's issuer is not known here: add it to the system's \
            certificates, or to the file that SSL_CERT_FILE names) when connecting";
        assert_eq!((sent.outcome, mails.len()), (retry(None, reason, false), 0), "{implicit}");
    }
}

#[tokio::test]
async fn without_tls_or_login_there_is_no_mail_to_one_who_was_told_to_have_them() {
    let server = Server::plain().await;
    let url = format!("smtp://u:hunter2@127.0.0.1:{}?tls=required", server.port);
    let sent = email(&url, FROM, &["a@x.org"], TIMEOUT, &[]).send(&parcel(body())).await;
    let reason = "the server offers no STARTTLS when connecting";
    assert_eq!(sent, attempt(rejected(Blame::Receiver, reason), &[]));

    let (tls, root) = certificate();
    let server = Server::start(SinkSettings { login: None, tls: Some(tls), implicit: true }).await;
    let url = format!("smtps://u:hunter2@127.0.0.1:{}", server.port);
    let sent = email(&url, FROM, &["a@x.org"], TIMEOUT, &[root]).send(&parcel(body())).await;
    let reason = "the server offers no login by PLAIN or LOGIN at the login";
    assert_eq!(sent, attempt(rejected(Blame::Receiver, reason), &[]));
}

#[tokio::test]
async fn a_login_that_fails_for_now_is_tried_again() {
    let (tls, root) = certificate();
    let login = Some(("u".to_owned(), "p".to_owned()));
    let server = Server::start(SinkSettings { login, tls: Some(tls), implicit: true }).await;
    server.sink.fault(Stage::Auth, 454, 1);
    let url = format!("smtps://u:p@127.0.0.1:{}", server.port);
    let sent = email(&url, FROM, &["a@x.org"], TIMEOUT, &[root]).send(&parcel(body())).await;
    assert_eq!(sent, attempt(retry(None, "454 4.0.0 at the login", false), &[]));
}

/// A server with a self-signed certificate as `openssl req -x509` makes it: it claims to be an authority.
fn own_certificate(name: &str, expired: bool) -> (Arc<ServerConfig>, Vec<u8>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    if expired {
        params.not_after = date_time_ymd(2020, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let cert = params.self_signed(&key).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    (Arc::new(config.with_single_cert(vec![cert.der().clone()], key).unwrap()), cert.der().to_vec())
}

#[tokio::test]
async fn a_certificate_of_a_servers_own_making_is_trusted_where_it_is_known() {
    let unknown = "the certificate's issuer is not known here";
    for (name, expired, known, right) in [
        ("127.0.0.1", false, true, None),
        ("127.0.0.1", false, false, Some(unknown)),
        ("relay.example.com", false, true, Some("the certificate is for another name")),
        ("127.0.0.1", true, true, Some("the certificate has expired")),
    ] {
        for implicit in [true, false] {
            let (tls, own) = own_certificate(name, expired);
            // Another certificate of the same name is not trusted.
            let roots = if known { vec![own] } else { vec![own_certificate(name, expired).1] };
            let server = Server::start(SinkSettings { login: None, tls: Some(tls), implicit }).await;
            let (scheme, query) = if implicit { ("smtps", "") } else { ("smtp", "?tls=required") };
            let url = format!("{scheme}://127.0.0.1:{}{query}", server.port);
            let sent = email(&url, FROM, &["a@x.org"], TIMEOUT, &roots).send(&parcel(body())).await;
            match (right, &sent.outcome) {
                (None, outcome) => assert_eq!(*outcome, Outcome::Delivered, "{name}"),
                (Some(right), Outcome::Retry { reason, ambiguous: false, .. }) => {
                    assert!(reason.contains(right), "{reason}");
                }
                (_, outcome) => panic!("{name}: {outcome:?}"),
            }
            assert_eq!(server.sink.mails().len(), usize::from(right.is_none()), "{name}");
        }
    }
}
