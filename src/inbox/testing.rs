//! Servers and gates that the tests of the client and of the poller share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use flate2::{Compress, Compression, FlushCompress};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_util::sync::CancellationToken;

use super::{Client, Gate, InboxError, Patience};
use crate::{
    clock::ManualClock,
    net::{self, proxies::Proxies},
    sandbox::{Running, Sandbox, Settings},
};

pub(crate) const TOKEN: &str = "made-up-token";

/// Attempts without pauses.
pub(crate) const AT_ONCE: Patience = Patience { tries: 3, first: Duration::ZERO };

pub(crate) fn noon() -> Timestamp {
    "2026-06-12T12:00:00Z".parse().unwrap()
}

/// A client as the program builds it, but without pauses.
pub(crate) fn client(url: &str) -> Client {
    within(url, SignedDuration::from_secs(10))
}

pub(crate) fn within(url: &str, timeout: SignedDuration) -> Client {
    over(http(), url, timeout)
}

pub(crate) fn http() -> reqwest::Client {
    net::install_crypto();
    net::client(Duration::from_secs(10), &Proxies::default()).unwrap()
}

fn over(http: reqwest::Client, url: &str, timeout: SignedDuration) -> Client {
    Client::new(http, url.parse().unwrap(), secrecy::SecretString::from(TOKEN), timeout).with_patience(AT_ONCE)
}

/// A gate that lets everything pass and records its calls.
#[derive(Default)]
pub(crate) struct Open {
    pub(crate) entered: AtomicU32,
    pub(crate) left: AtomicU32,
    pub(crate) held: Mutex<Vec<SignedDuration>>,
}

impl Open {
    pub(crate) fn requests(&self) -> u32 {
        assert_eq!(self.entered.load(Ordering::SeqCst), self.left.load(Ordering::SeqCst), "who enters leaves");
        self.entered.load(Ordering::SeqCst)
    }
}

impl Gate for Open {
    async fn enter(&self) -> Result<(), InboxError> {
        self.entered.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn leave(&self) {
        self.left.fetch_add(1, Ordering::SeqCst);
    }

    async fn hold(&self, pause: SignedDuration) {
        self.held.lock().push(pause);
    }

    fn now(&self) -> Timestamp {
        noon()
    }
}

/// A sandbox on loopback with its own clock.
pub(crate) struct Inbox {
    running: Running,
    http: reqwest::Client,
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: Arc<ManualClock>,
}

/// An inbox without a limit, pages of `page_size`, only listed filters applied.
pub(crate) async fn inbox(page_size: usize) -> Inbox {
    Inbox::start(page_size, http()).await
}

impl Inbox {
    pub(crate) async fn start(page_size: usize, http: reqwest::Client) -> Self {
        Self::dated(page_size, http, true).await
    }

    /// The same, with the header `Date` or without.
    pub(crate) async fn dated(page_size: usize, http: reqwest::Client, dated: bool) -> Self {
        let clock = Arc::new(ManualClock::at(noon()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let settings = Settings {
            token: TOKEN.to_owned(),
            page_size,
            rate_limit: 0,
            listed_filters_only: true,
            dated,
            ..Settings::default()
        };
        let running = Sandbox::start(settings, clock.clone(), listener, CancellationToken::new()).unwrap();
        Self { sandbox: running.sandbox(), running, http, clock }
    }

    pub(crate) fn client(&self) -> Client {
        over(self.http.clone(), self.running.url(), SignedDuration::from_secs(10))
    }

    /// This number of plain contacts; `c000` is the newest.
    pub(crate) fn fill(&self, total: usize) {
        for index in 0..total {
            self.sandbox.put(plain(index)).unwrap();
        }
    }
}

/// The smallest contact.
pub(crate) fn plain(index: usize) -> Value {
    let at = noon() - SignedDuration::from_secs(i64::try_from(index).unwrap());
    json!({ "_id": format!("c{index:03}"), "lastMessage": { "at": at.to_string(), "by": "user" } })
}

/// A server that answers every request with these bytes, repeats the last mebibyte of them this number of times, and
/// closes the connection.
pub(crate) async fn raw(answer: Vec<u8>, again: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (mut request, mut bytes) = (Vec::new(), [0; 8_192]);
            while !whole(&request) {
                match stream.read(&mut bytes).await {
                    Ok(read) if read > 0 => request.extend_from_slice(&bytes[..read]),
                    _ => break,
                }
            }
            let _ = stream.write_all(&answer).await;
            let tail = answer.len().saturating_sub(1 << 20);
            for _ in 0..again {
                if stream.write_all(&answer[tail..]).await.is_err() {
                    break;
                }
            }
            let _ = stream.shutdown().await;
        }
    });
    url
}

/// Whether a request is complete.
fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| body.len() >= length.trim().parse().unwrap_or(0))
}

/// An answer in gzip of some KiB or MiB that inflates to this number of MiB of spaces, and has no end.
pub(crate) fn bomb(mebibytes: usize) -> Vec<u8> {
    let mut deflate = Compress::new(Compression::best(), false);
    let mut block = Vec::with_capacity(64 * 1024);
    // After a full flush a block does not depend on the others, so it can be repeated.
    deflate.compress_vec(&vec![b' '; 1 << 20], &mut block, FlushCompress::Full).unwrap();
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n".to_vec();
    answer.extend([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
    answer.extend(block.repeat(mebibytes));
    answer
}

/// A server that sends the beginning, and then the word without end, one every ten milliseconds.
pub(crate) async fn trickling(head: &'static str, word: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 8_192]).await;
                let mut said = stream.write_all(head.as_bytes()).await;
                while said.is_ok() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    said = stream.write_all(word.as_bytes()).await;
                }
            });
        }
    });
    url
}

/// A beginning and a word to repeat, which fill memory with something other than a body.
pub(crate) const FLOODS: [(&str, &str); 5] = [
    ("HTTP/1.1 200 OK\r\n", "x: y\r\n"),
    ("HTTP/1.1 200 OK\r\nx: ", "y"),
    ("HTTP/1.1 200 ", "y"),
    ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;x=", "y"),
    ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", "x: y\r\n"),
];

/// A server that sends `head`, and then a gibibyte of the word.
pub(crate) async fn flooding(head: &str, word: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (head, words) = (head.to_owned(), word.repeat((1 << 20) / word.len()));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (head, words) = (head.clone(), words.clone());
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 8_192]).await;
                let mut said = stream.write_all(head.as_bytes()).await;
                for _ in 0..1_024 {
                    if said.is_err() {
                        break;
                    }
                    said = stream.write_all(words.as_bytes()).await;
                }
            });
        }
    });
    url
}
