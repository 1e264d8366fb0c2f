//! Mails to a hostile server: floods, garbage, replies at the wrong time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsAcceptor;

use super::tls::{certificate, certificate_for};
use super::{FROM, body, email};
use crate::{
    model::{Attempt, Outcome},
    receivers::testing::{TIMEOUT, parcel},
};

/// The right replies in order: greeting, `EHLO`, `MAIL`, `RCPT`, `DATA`, the mail.
const RIGHT: [&str; 6] = ["220 hi", "250 hi", "250 ok", "250 ok", "354 go on", "250 kept"];

/// What a server sends from some step on, instead of the right reply.
#[derive(Clone, Copy, Debug)]
enum Harm {
    /// Repeats this without end.
    Flood(&'static [u8]),
    /// Sends this and closes the connection.
    Says(&'static [u8]),
    /// Repeats this without end, a little at a time.
    Trickle(&'static [u8]),
}

/// The kind of TLS, and when it begins.
#[derive(Clone)]
enum Security {
    None,
    Implicit(Arc<ServerConfig>),
    StartTls(Arc<ServerConfig>),
}

/// A server that does harm instead of sending `RIGHT[at]`; returns its port, and how many harmful bytes were read from
/// it or wait in the sockets' buffers.
async fn harmful(at: usize, harm: Harm, security: Security) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (security, counter) = (security.clone(), Arc::clone(&counter));
            tokio::spawn(async move {
                match security {
                    Security::None => talk(stream, 0, at, harm, &counter).await,
                    Security::Implicit(tls) => {
                        let stream = TlsAcceptor::from(tls).accept(stream).await?;
                        talk(stream, 0, at, harm, &counter).await
                    }
                    Security::StartTls(tls) => {
                        let mut stream = BufReader::new(stream);
                        stream.write_all(b"220 hi\r\n").await?;
                        for answer in ["250-hi\r\n250 STARTTLS\r\n", "220 go on\r\n"] {
                            stream.read_line(&mut String::new()).await?;
                            stream.write_all(answer.as_bytes()).await?;
                        }
                        let mut stream = TlsAcceptor::from(tls).accept(stream.into_inner()).await?;
                        // There is no greeting under TLS: the client speaks first.
                        BufReader::new(&mut stream).read_line(&mut String::new()).await?;
                        talk(stream, 1, at, harm, &counter).await
                    }
                }
            });
        }
    });
    (port, taken)
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    begin: usize,
    at: usize,
    harm: Harm,
    taken: &AtomicUsize,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    for answer in &RIGHT[begin..at] {
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        let mut line = String::new();
        while line.is_empty() || answer.starts_with("354") && line != ".\r\n" {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
        }
    }
    match harm {
        Harm::Flood(words) => {
            let words = words.repeat(8_192 / words.len());
            loop {
                stream.write_all(&words).await?;
                taken.fetch_add(words.len(), Ordering::SeqCst);
            }
        }
        Harm::Says(words) => {
            stream.write_all(words).await?;
            stream.shutdown().await
        }
        Harm::Trickle(words) => {
            for word in words.chunks(1).cycle() {
                stream.write_all(word).await?;
                sleep(Duration::from_millis(10)).await;
            }
            Ok(())
        }
    }
}

async fn send(url: &str, root: Option<Vec<u8>>, timeout: Duration) -> Attempt {
    let roots: Vec<_> = root.into_iter().collect();
    email(url, FROM, &["a@x.org"], timeout, &roots).send(&parcel(body())).await
}

/// The reason of a retry; checks whether it is ambiguous as expected.
fn later(attempt: &Attempt, ambiguous: bool, what: &str) -> String {
    let Outcome::Retry { reason, ambiguous: said, .. } = &attempt.outcome else { panic!("{what}: {attempt:?}") };
    assert_eq!(*said, ambiguous, "{what}: {reason}");
    reason.clone()
}

#[tokio::test]
async fn a_flood_ends_soon_and_takes_no_room() {
    for (at, right) in RIGHT.into_iter().enumerate() {
        for words in [&b"2"[..], b"250-on and on\r\n", b"250-\n", b"\0\xff", b"\xff\n", b"\r\n"] {
            let what = format!("{words:?} instead of {right}");
            let (port, taken) = harmful(at, Harm::Flood(words), Security::None).await;
            let began = Instant::now();
            let sent = send(&format!("smtp://127.0.0.1:{port}"), None, TIMEOUT).await;
            assert!(began.elapsed() < TIMEOUT / 2, "{what}: {:?}", began.elapsed());
            let reason = later(&sent, at == 5, &what);
            assert!(
                reason.contains("an answer that does not end") || reason.contains("unexpected reply"),
                "{what}: {reason}"
            );
            // Much of it has never left the sockets' buffers.
            assert!(taken.load(Ordering::SeqCst) < 8 << 20, "{what}: {taken:?}");
        }
    }
}

#[tokio::test]
async fn a_flood_under_tls_is_none_the_better() {
    for (at, words) in [(1, &b"2"[..]), (1, b"250-on and on\r\n"), (2, b"2"), (5, b"250-\n")] {
        let (tls, root) = certificate();
        for (security, scheme, query) in
            [(Security::Implicit(tls.clone()), "smtps", ""), (Security::StartTls(tls), "smtp", "?tls=required")]
        {
            let (port, taken) = harmful(at, Harm::Flood(words), security).await;
            let sent = send(&format!("{scheme}://127.0.0.1:{port}{query}"), Some(root.clone()), TIMEOUT).await;
            let reason = later(&sent, at == 5, scheme);
            assert!(reason.contains("an answer that does not end"), "{scheme} {words:?}: {reason}");
            assert!(taken.load(Ordering::SeqCst) < 8 << 20, "{scheme}: {taken:?}");
        }
    }
}

#[tokio::test]
async fn half_an_answer_is_none() {
    for (at, right) in RIGHT.into_iter().enumerate() {
        for words in [&b""[..], b"2", b"250", b"250 almost", b"250-more\r\n", b"250-more\r\n250 almost", b"999 no\r\n"]
        {
            let what = format!("{words:?} instead of {right}");
            let (port, _) = harmful(at, Harm::Says(words), Security::None).await;
            let reason = later(&send(&format!("smtp://127.0.0.1:{port}"), None, TIMEOUT).await, at == 5, &what);
            assert!(reason.contains("lost connection") || reason.contains("no connection"), "{what}: {reason}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_to_its_end_is_not_waited_for() {
    for at in [0, 1, 5] {
        let (port, _) = harmful(at, Harm::Trickle(b"250-slow\r\n"), Security::None).await;
        let began = Instant::now();
        let sent = send(&format!("smtp://127.0.0.1:{port}"), None, Duration::from_millis(300)).await;
        assert!(later(&sent, at == 5, "trickle").starts_with("no answer in time"), "{sent:?}");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_yes_to_another_question_is_none() {
    // Sent with the greeting, so that it arrives before anything was asked.
    let early = Harm::Says(b"220 hi\r\n250 hi\r\n250 ok\r\n250 ok\r\n354 go on\r\n250 kept\r\n");
    let (port, _) = harmful(0, early, Security::None).await;
    let reason = later(&send(&format!("smtp://127.0.0.1:{port}"), None, TIMEOUT).await, false, "early");
    assert_eq!(reason, "unexpected reply or lost connection when connecting");
    // A yes to `DATA`, and a "go on" to the mail.
    for (at, words) in [(4, &b"250 ok\r\n"[..]), (5, b"354 more\r\n"), (2, b"354 go on\r\n"), (0, b"354 go on\r\n")] {
        let (port, _) = harmful(at, Harm::Says(words), Security::None).await;
        let sent = send(&format!("smtp://127.0.0.1:{port}"), None, TIMEOUT).await;
        assert!(later(&sent, at == 5, RIGHT[at]).starts_with("unexpected reply"), "{sent:?}");
    }
}

#[tokio::test]
async fn an_answer_ahead_of_its_question_is_none_under_tls_either() {
    let (tls, root) = certificate();
    for (security, scheme, query) in
        [(Security::Implicit(tls.clone()), "smtps", ""), (Security::StartTls(tls), "smtp", "?tls=required")]
    {
        let early = Harm::Says(b"250 hi\r\n250 ok\r\n250 ok\r\n354 go on\r\n250 kept\r\n");
        let (port, _) = harmful(1, early, security).await;
        let sent = send(&format!("{scheme}://127.0.0.1:{port}{query}"), Some(root.clone()), TIMEOUT).await;
        let reason = later(&sent, false, scheme);
        assert_eq!(reason, "unexpected reply or lost connection at the sender", "{scheme}");
    }
}

#[tokio::test]
async fn what_is_said_in_the_clear_is_not_believed_under_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 hi\r\n").await.unwrap();
        for answer in ["250-hi\r\n250 STARTTLS\r\n", "220 go on\r\n250-hi\r\n250 AUTH PLAIN\r\n235 welcome\r\n"] {
            stream.read_line(&mut String::new()).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        let mut rest = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest).await;
        rest
    });
    let url = format!("smtp://u:hunter2@127.0.0.1:{port}?tls=required");
    let reason = later(&send(&url, None, TIMEOUT).await, false, "injected");
    assert_eq!(reason, "the server sent something before TLS began when connecting");
    assert_eq!(server.await.unwrap(), b"", "nothing more was said to this server");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_none() {
    let (tls, root) = certificate_for("mail.example.com");
    for (security, scheme, query) in
        [(Security::Implicit(tls.clone()), "smtps", ""), (Security::StartTls(tls), "smtp", "?tls=required")]
    {
        let (port, _) = harmful(1, Harm::Says(b""), security).await;
        let sent = send(&format!("{scheme}://127.0.0.1:{port}{query}"), Some(root.clone()), TIMEOUT).await;
        let reason = later(&sent, false, scheme);
        assert_eq!(
            reason,
            "no connection (TLS: the certificate is for another name: it needs the host's name in its subjectAltName) when connecting",
            "{scheme}"
        );
    }
}
