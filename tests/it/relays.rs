//! Mail relays with certificates of their own making, and what we call ourselves to them.

use std::sync::Arc;

use pengwatch::sandbox::smtp::SinkSettings;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};

use crate::harness::{Home, RULE};

/// What `openssl req -x509` makes for this name: it signs itself, and calls itself an authority.
fn own_certificate(name: &str) -> (SinkSettings, String) {
    pengwatch::net::install_crypto();
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let cert = params.self_signed(&key).expect("a certificate");
    let secret = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![cert.der().clone()], secret).expect("a certificate");
    (SinkSettings { login: None, tls: Some(Arc::new(config)), implicit: true }, cert.pem())
}

fn home(name: &str) -> (Home, String) {
    let (settings, pem) = own_certificate(name);
    let home = Home::watching().with_mail_that(settings);
    let url = format!("smtps://{}", home.relay());
    let home = home
        .env("SMTP_URL", &url)
        .file("rules/waiting.toml", &RULE.replace(r#""support", "leads", "ops", "screen""#, r#""leads""#));
    home.waits("c1", "Asha", "Hello?");
    (home, pem)
}

#[test]
fn a_certificate_that_the_environment_names_is_trusted() {
    for by_folder in [false, true] {
        let (home, pem) = home("127.0.0.1");
        home.edit(
            "pengwatch.toml",
            "to = [\"leads@example.com\"]",
            "to = [\"leads@example.com\"]\nehlo = \"watch.example.com\"",
        );
        let ran = home.run(&["run", "--once"]);
        ran.ends(1);
        assert!(ran.stderr.contains("to the file that SSL_CERT_FILE names"), "{}", ran.stderr);
        home.write("certs/relay.pem", &pem);
        let (name, value) = if by_folder { ("SSL_CERT_DIR", "certs") } else { ("SSL_CERT_FILE", "certs/relay.pem") };
        let path = home.path(value);
        // The outbox is not asked to wait.
        std::thread::sleep(std::time::Duration::from_secs(2));
        let home = home.env(name, path.to_str().expect("a path"));
        home.run(&["run", "--once"]).ends(0);
        assert_eq!(home.mail().mails().len(), 1, "{name}");
        assert_eq!(home.mail().hellos(), ["watch.example.com"]);
    }
}

#[test]
fn one_for_another_name_is_not_and_the_reason_says_what_it_needs() {
    let (home, pem) = home("relay.example.com");
    home.write("relay.pem", &pem);
    let path = home.path("relay.pem");
    let home = home.env("SSL_CERT_FILE", path.to_str().expect("a path"));
    let ran = home.run(&["run", "--once"]);
    ran.ends(1);
    assert!(ran.stderr.contains("it needs the host's name in its subjectAltName"), "{}", ran.stderr);
}
