//! Shared by the tests of the senders.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};

use crate::model::{Attempt, Blame, Body, MessageId, Outcome, OutgoingMessage};

/// Long enough for a busy machine.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// The time of every attempt here: 2021-02-25T15:42:10Z, as in the specification's test vector.
pub(super) fn now() -> Timestamp {
    Timestamp::from_second(1_614_267_730).unwrap()
}

pub(super) fn parcel(body: Body) -> OutgoingMessage {
    OutgoingMessage { id: MessageId("m1".to_owned()), body, now: now(), thread: None, settled: Vec::new(), only: None }
}

/// A client as the program builds it, with only the bundled roots.
pub(super) fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().take(1);
    Client::builder()
        .tls_certs_only(roots.filter_map(|der| Certificate::from_der(der).ok()))
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(TIMEOUT)
        .build()
        .unwrap()
}

pub(super) fn retry(after: Option<i64>, reason: &str, ambiguous: bool) -> Outcome {
    Outcome::Retry { after: after.map(SignedDuration::from_secs), reason: reason.to_owned(), ambiguous }
}

pub(super) fn rejected(fault: Blame, reason: &str) -> Outcome {
    Outcome::Rejected { reason: reason.to_owned(), fault }
}

/// Checks that the attempt was refused because of the payload, and does not repeat it.
pub(super) fn payload_fault(attempt: &Attempt) {
    let Outcome::Rejected { reason, fault: Blame::Payload } = &attempt.outcome else { panic!("{attempt:?}") };
    assert!(reason.contains("was not made for"), "{reason}");
    assert!(!format!("{attempt:?}").contains("hunter2"), "{attempt:?}");
}

/// How a server misbehaves.
#[derive(Clone, Copy, Debug)]
pub(super) enum Manners {
    /// Reads and never answers.
    Silent,
    /// Reads a little and closes the connection.
    HangsUp,
    /// Answers this and closes the connection.
    Says(&'static str),
}

/// The base URL of a server that misbehaves like this.
pub(super) async fn server(manners: Manners) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 4_096];
            let _ = stream.read(&mut bytes).await;
            match manners {
                Manners::Silent => {
                    tokio::spawn(async move { while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {} });
                }
                Manners::HangsUp => {}
                Manners::Says(text) => {
                    let _ = stream.write_all(text.as_bytes()).await;
                    let _ = stream.shutdown().await;
                }
            }
        }
    });
    url
}

/// A base URL where no server listens, and where none will while the test runs.
pub(super) async fn nobody() -> String {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    // While the port is bound and not listened on, it is refused and not given to others.
    tokio::spawn(async move {
        let _held = socket;
        std::future::pending::<()>().await;
    });
    url
}
