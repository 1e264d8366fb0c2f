//! Replies of a mail server, all at once.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener},
    thread,
    time::{Duration, Instant},
};

use pengwatch::inside::{Email, MessageId, Outcome, OutgoingMessage, SmtpAddress, mail_body};

use super::now;

/// For the whole conversation.
const TIMEOUT: Duration = Duration::from_secs(2);

pub fn read(data: &[u8]) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let said = data.to_vec();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        // The client may hang up at any time.
        let _ = stream.set_read_timeout(Some(TIMEOUT));
        let _ = stream.write_all(&said);
        let _ = stream.shutdown(Shutdown::Write);
        let _ = std::io::copy(&mut Read::by_ref(&mut stream).take(1 << 20), &mut std::io::sink());
    });
    let address = SmtpAddress::parse(&format!("smtp://127.0.0.1:{port}")).expect("an address");
    let mailbox = |text: &str| text.parse().expect("a mail address");
    let to = vec![mailbox("a@example.com"), mailbox("b@example.com")];
    let email = Email::new(address, mailbox("p@example.com"), to, TIMEOUT, &[]).expect("a sender");
    let text = || "hunter2\n.\nQUIT".to_owned();
    let parcel = OutgoingMessage {
        id: MessageId("m1".to_owned()),
        body: mail_body(text(), text(), text()),
        now: now(),
        thread: None,
        settled: Vec::new(),
        only: None,
    };
    let began = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let attempt = runtime.block_on(email.send(&parcel));
    assert!(began.elapsed() < TIMEOUT * 5, "it took {:?}", began.elapsed());
    // Settled recipients were accepted or refused; there are never more than there are recipients.
    assert!(
        attempt.settled.iter().all(|settled| ["a@example.com", "b@example.com"].contains(&settled.as_str())),
        "{attempt:?}"
    );
    if let Outcome::Retry { reason, .. } | Outcome::Rejected { reason, .. } = &attempt.outcome {
        let words = !reason.contains("hunter2") && !reason.contains("zq") && !reason.contains(char::is_control);
        assert!(words && !reason.is_empty() && reason.len() < 300, "{reason:?}");
    }
    drop(runtime);
    // It ends with the connection; where there was none, this is one.
    let _ = std::net::TcpStream::connect(("127.0.0.1", port));
    server.join().expect("the server");
}
