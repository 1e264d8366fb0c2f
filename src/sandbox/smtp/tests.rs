//! The mail server, from a client's side.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::{KEPT, Mail, SinkSettings, SinkTrouble, SmtpSink, Stage};

/// Says all of `lines` at once, and gives all that comes back.
async fn talk(stream: &mut TcpStream, said: &[u8]) -> String {
    // It may hang up in the middle.
    let _ = stream.write_all(said).await;
    let _ = stream.shutdown().await;
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard).await;
    String::from_utf8(heard).unwrap()
}

async fn sink(settings: SinkSettings) -> (SmtpSink, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (SmtpSink::start_with(settings, listener, CancellationToken::new()), stream)
}

fn codes(heard: &str) -> Vec<&str> {
    heard.lines().filter(|line| line.as_bytes().get(3) == Some(&b' ')).map(|line| &line[..3]).collect()
}

const MAIL: &str =
    "MAIL FROM:<a@x> SIZE=9\r\nRCPT TO:<b@x>\r\nrcpt to: <c@x>\r\nDATA\r\nSubject: hi\r\n\r\n..dot\r\n.\r\n";

#[tokio::test]
async fn keeps_mails() {
    let (sink, mut stream) = sink(SinkSettings::default()).await;
    let said = format!("EHLO me\r\nNOOP\r\n{MAIL}RSET\r\nHELO me\nQUIT\r\n");
    let heard = talk(&mut stream, said.as_bytes()).await;
    assert_eq!(codes(&heard).join(" "), "220 250 250 250 250 250 354 250 250 250 221");
    let to = vec!["b@x".to_owned(), "c@x".to_owned()];
    let data = "Subject: hi\r\n\r\n.dot\r\n".to_owned();
    assert_eq!(sink.mails(), [Mail { from: "a@x".to_owned(), to, data }]);
    assert_eq!(sink.connections(), 1);
}

#[tokio::test]
async fn keeps_to_the_order_of_things() {
    for (said, last) in [
        ("DATA\r\n", "503"),
        ("RCPT TO:<a@x>\r\n", "503"),
        ("MAIL FROM:<a@x>\r\nMAIL FROM:<a@x>\r\n", "503"),
        ("MAIL FROM:<a@x>\r\nDATA\r\n", "503"),
        ("MAIL FROM:<a@x>\r\nRCPT TO:<a@x>\r\nRSET\r\nDATA\r\n", "503"),
        ("MAIL a@x\r\n", "501"),
        ("MAIL FROM:<a@x>\r\nRCPT ö\r\n", "501"),
        ("STARTTLS\r\n", "502"),
        ("AUTH GUESS\r\n", "504"),
        ("\r\n", "500"),
        ("GET / HTTP/1.1\r\n", "500"),
    ] {
        let (sink, mut stream) = sink(SinkSettings::default()).await;
        let heard = talk(&mut stream, said.as_bytes()).await;
        assert_eq!(codes(&heard).last(), Some(&last), "{said}: {heard}");
        assert!(sink.mails().is_empty());
    }
}

#[tokio::test]
async fn asks_for_the_login() {
    let plain = "AHUAcA=="; // \0u\0p
    for (said, answer) in [
        (format!("AUTH PLAIN {plain}\r\n"), "235"),
        (format!("AUTH PLAIN\r\n{plain}\r\n"), "235"),
        ("AUTH LOGIN\r\ndQ==\r\ncA==\r\n".to_owned(), "235"),
        ("AUTH LOGIN dQ==\r\ncA==\r\n".to_owned(), "235"),
        ("AUTH LOGIN\r\ndQ==\r\ndQ==\r\n".to_owned(), "535"),
        ("AUTH PLAIN !!\r\n".to_owned(), "535"),
        ("MAIL FROM:<a@x>\r\n".to_owned(), "530"),
    ] {
        let (_sink, mut stream) =
            sink(SinkSettings { login: Some(("u".to_owned(), "p".to_owned())), ..SinkSettings::default() }).await;
        let heard = talk(&mut stream, format!("EHLO me\r\n{said}").as_bytes()).await;
        assert!(heard.contains("250 AUTH PLAIN LOGIN\r\n"), "{heard}");
        assert_eq!(codes(&heard).last(), Some(&answer), "{said}: {heard}");
    }
}

#[tokio::test]
async fn misbehaves_as_scripted() {
    for (stage, heard_codes, kept) in [
        (Stage::Greeting, "451 250 250 250 354 250", 1),
        (Stage::Mail, "220 451 503 503 503", 0),
        (Stage::Rcpt, "220 250 451 250 354 250", 1),
        (Stage::Data, "220 250 250 250 451", 0),
        (Stage::End, "220 250 250 250 354 451", 0),
    ] {
        let (sink, mut stream) = sink(SinkSettings::default()).await;
        sink.fault(stage, 451, 1);
        let heard = talk(&mut stream, MAIL.as_bytes()).await;
        assert!(codes(&heard).join(" ").starts_with(heard_codes), "{stage:?}: {heard}");
        assert_eq!(sink.mails().len(), kept, "{stage:?}");
    }
}

#[tokio::test]
async fn hangs_up_delays_and_refuses_one() {
    let (slow, mut stream) = sink(SinkSettings::default()).await;
    slow.trouble_for("c@x", Stage::End, SinkTrouble::Delay(Duration::from_millis(20)), 1);
    slow.refuse("b@x", 550, 1);
    let heard = talk(&mut stream, MAIL.as_bytes()).await;
    assert_eq!(codes(&heard).join(" "), "220 250 550 250 354 250");
    assert_eq!(slow.mails()[0].to, ["c@x"]);

    let (cut, mut stream) = sink(SinkSettings::default()).await;
    cut.trouble(Stage::End, SinkTrouble::HangUp, 1);
    let heard = talk(&mut stream, MAIL.as_bytes()).await;
    assert_eq!(codes(&heard).join(" "), "220 250 250 250 354");
    assert_eq!(cut.mails().len(), 1, "the mail was taken, its answer was lost");
}

#[tokio::test]
async fn is_bounded() {
    let (sink, mut stream) = sink(SinkSettings::default()).await;
    let long = format!("{}\r\n", "x".repeat(1_000)).repeat(1_100);
    let said = format!("MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n{long}.\r\n{}", MAIL.repeat(KEPT + 1));
    let heard = talk(&mut stream, said.as_bytes()).await;
    assert!(heard.contains("552 "), "a mail that is too long");
    assert_eq!(sink.mails().len(), KEPT);

    let (sink, mut stream) = self::sink(SinkSettings::default()).await;
    let endless = talk(&mut stream, &vec![b'x'; 200_000]).await;
    assert!(codes(&endless).len() <= 1, "{endless}");
    assert!(sink.mails().is_empty());
}

#[tokio::test]
async fn garbage_does_no_harm() {
    for said in [&b"\xff\xfe\r\n\0\r\n"[..], b"MAIL FROM:<\xff>\r\nRCPT TO:<\xff>\r\nDATA\r\n\xff", b"\x16\x03\x01\0\n"]
    {
        let (sink, mut stream) = sink(SinkSettings::default()).await;
        talk(&mut stream, said).await;
        assert!(sink.mails().is_empty());
    }
}

#[tokio::test]
async fn stops_when_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let _sink = SmtpSink::start(listener, shutdown.clone());
    let mut stream = TcpStream::connect(address).await.unwrap();
    assert_eq!(stream.read(&mut [0; 99]).await.unwrap(), "220 sandbox ESMTP\r\n".len());
    shutdown.cancel();
    assert_eq!(stream.read(&mut [0; 99]).await.unwrap_or(0), 0);
    assert!(TcpStream::connect(address).await.is_err());
}

#[test]
fn reads_mails() {
    let data = "Subject: =?utf-8?b?w6TDtg==?=\r\n =?utf-8?q?=C3=BC_x?= plain\r\n\
                Content-Type: multipart/alternative;\r\n boundary=\"B\"\r\n\r\n\
                --B\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
                a=\r\nb =C3=A4 =zz\r\nc\r\n\
                --B\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+\r\nPC9iPg==\r\n--B--\r\n";
    let mail = Mail { from: String::new(), to: Vec::new(), data: data.to_owned() };
    assert_eq!(mail.subject(), "äöü x plain");
    assert_eq!(mail.text(), "ab ä =zz\nc");
    assert_eq!(mail.html(), "<b></b>");
    assert_eq!(mail.header("x-none"), None);
    let bare = Mail { data: "content-type: text/plain\r\n\r\nhi\r\n".to_owned(), ..mail };
    assert_eq!((bare.text(), bare.html(), bare.subject()), ("hi".to_owned(), String::new(), String::new()));
}
