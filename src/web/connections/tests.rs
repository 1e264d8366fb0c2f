//! The server with clients that send nothing, send slowly, or send too much.

use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    routing::{get, post},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{BODY, Room, serve};

/// Long enough for a busy machine.
const SOON: Duration = Duration::from_secs(5);

struct Serving {
    address: std::net::SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Serving {
    async fn start(room: Room) -> Self {
        let app = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/slow", get(|| async { sleep(Duration::from_millis(100)).await }))
            .route("/hanging", get(std::future::pending::<()>))
            .route("/length", post(|body: Bytes| async move { body.len().to_string() }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let task = tokio::spawn(serve(listener, app, room, stop.clone()));
        Self { address, stop, task }
    }

    async fn short() -> Self {
        Self::start(Room { lasting: Duration::from_millis(200), ..Room::default() }).await
    }

    /// A connection over which `words` were sent.
    async fn say(&self, words: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(words).await.unwrap();
        stream
    }

    async fn is_healthy(&self) -> bool {
        let stream = self.say(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let answer = end(stream).await;
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok\n")
    }
}

/// All that is received until the connection ends; fails if it does not end within [`SOON`].
async fn end(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A connection that is reset has ended, too.
    let _ = timeout(SOON, stream.read_to_end(&mut answer)).await.expect("an end");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn idle_connections_keep_nobody_out() {
    let serving = Serving::start(Room::default()).await;
    let mut idle = Vec::new();
    for words in [&b""[..], b"GET", b"GET /hanging HTTP/1.1\r\nhost: x\r\n\r\n"].iter().cycle().take(300) {
        idle.push(serving.say(words).await);
    }
    let began = Instant::now();
    assert!(serving.is_healthy().await);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    // The oldest connections were closed, the newest are still open.
    let newest = idle.pop().unwrap();
    for oldest in idle.drain(..40) {
        assert_eq!(end(oldest).await, "");
    }
    assert!(timeout(Duration::from_millis(20), end(newest)).await.is_err());
}

#[tokio::test]
async fn a_connection_ends_whatever_its_client_does() {
    let serving = Serving::short().await;
    for words in [
        &b""[..],
        b"GET /healthz",
        b"GET /hanging HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n123",
    ] {
        assert_eq!(end(serving.say(words).await).await, "", "{words:?}");
    }
    // Slow clients, in the head and in the body.
    for words in [&b"GET /healthz HTTP/1.1\r\nx: "[..], b"POST /length HTTP/1.1\r\ncontent-length: 999999\r\n\r\n"] {
        let mut stream = serving.say(words).await;
        let began = Instant::now();
        while stream.write_all(b"y").await.is_ok() {
            assert!(began.elapsed() < SOON, "{words:?}");
            sleep(Duration::from_millis(10)).await;
        }
    }
    assert!(serving.is_healthy().await);
}

#[tokio::test]
async fn a_connection_is_for_one_request() {
    let serving = Serving::start(Room::default()).await;
    let twice = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2);
    let answer = end(serving.say(&twice).await).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 1, "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
}

#[tokio::test]
async fn too_much_is_refused() {
    let serving = Serving::start(Room::default()).await;
    let post = |length: usize| format!("POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
    let body = |length: usize| post(length) + &"x".repeat(length);
    assert!(end(serving.say(body(BODY).as_bytes()).await).await.ends_with(&BODY.to_string()));
    assert!(end(serving.say(body(BODY + 1).as_bytes()).await).await.starts_with("HTTP/1.1 413 "));

    // A head that is too large, and a body without a stated length. The connection may be reset meanwhile.
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(4_096));
    for (head, more) in [
        ("GET /healthz HTTP/1.1\r\nx: ", "y"),
        ("GET /healthz HTTP/1.1\r\n", "x: y\r\n"),
        ("POST /length HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n", chunk.as_str()),
    ] {
        let mut stream = serving.say(head.as_bytes()).await;
        let more = more.repeat(64 * 1024 / more.len());
        let flood = async { while stream.write_all(more.as_bytes()).await.is_ok() {} };
        assert!(timeout(SOON, flood).await.is_ok(), "{head}");
    }
    for garbage in [&b"\x16\x03\x01\x02\x00\x01"[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\r\n\0\r\n\r\n"] {
        let answer = end(serving.say(garbage).await).await;
        assert!(!answer.contains("200 OK"), "{garbage:?}: {answer}");
    }
    assert!(serving.is_healthy().await);
}

#[tokio::test]
async fn the_end_waits_for_answers_and_not_for_clients() {
    let serving = Serving::start(Room::default()).await;
    let _idle = (serving.say(b"").await, serving.say(b"GET /hanging HTTP/1.1\r\nhost: x\r\n\r\n").await);
    let slow = serving.say(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    sleep(Duration::from_millis(30)).await;
    serving.stop.cancel();
    assert!(end(slow).await.starts_with("HTTP/1.1 200 OK\r\n"));
    timeout(SOON, serving.task).await.unwrap().unwrap();
    assert!(TcpStream::connect(serving.address).await.is_err());
}
