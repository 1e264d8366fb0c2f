//! What all rooms that speak HTTP or TLS share: the one client, proxies, dates of answers, why a connection failed.
//!
//! This room uses no other room but `model`, and must not know what is requested or sent.

pub mod cause;
pub mod headers;
pub mod proxies;

use std::time::Duration;

use reqwest::{Certificate, Client, Proxy, redirect::Policy};

pub use self::proxies::Proxies;

/// Makes a client that verifies TLS with the system's roots and the bundled ones, follows no redirect (the token
/// would be sent along), waits for a connection no longer than `connect` and uses these proxies.
///
/// # Errors
/// If TLS cannot be set up.
pub fn client(connect: Duration, proxies: &Proxies) -> Result<Client, reqwest::Error> {
    // The bundled roots keep it working in a container that has none.
    let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter_map(|der| Certificate::from_der(der).ok());
    let proxies = proxies.clone();
    Client::builder()
        .proxy(Proxy::custom(move |url| proxies.address(url)))
        .tls_certs_merge(bundled)
        .redirect(Policy::none())
        .connect_timeout(connect)
        .user_agent(concat!("pengwatch/", env!("CARGO_PKG_VERSION")))
        .pool_idle_timeout(Duration::from_mins(1))
        .build()
}

/// Installs the program's TLS provider; `main` calls it first. A second call does nothing.
pub fn install_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
