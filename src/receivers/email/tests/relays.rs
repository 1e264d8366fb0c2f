//! Mail relays as they are: the name for `EHLO`, and the relays' answers.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::{FROM, Server, body, email};
use crate::{
    model::Outcome,
    receivers::testing::{TIMEOUT, parcel},
};

#[tokio::test]
async fn it_calls_itself_as_it_is_told() {
    for name in ["pengwatch.example.com", "[192.0.2.7]", "localhost"] {
        let server = Server::plain().await;
        let email = server.email(&["a@x.org"]).called(Some(name.to_owned()));
        assert_eq!(email.send(&parcel(body())).await.outcome, Outcome::Delivered);
        assert_eq!(server.sink.hellos(), [name]);
    }
}

#[tokio::test]
async fn by_itself_it_has_a_full_name_or_an_address() {
    for (from, right) in [(FROM, "example.com"), ("p@localhost", "[127.0.0.1]")] {
        let server = Server::plain().await;
        let url = format!("smtp://127.0.0.1:{}", server.port);
        let email = email(&url, from, &["a@x.org"], TIMEOUT, &[]).called(None);
        assert_eq!(email.send(&parcel(body())).await.outcome, Outcome::Delivered);
        let said = server.sink.hellos().pop().unwrap_or_default();
        // If the machine's name has a domain, it is that name.
        let machine = super::super::connection::machine().filter(|name| name.contains('.'));
        assert_eq!(said, machine.unwrap_or_else(|| right.to_owned()), "{from}");
    }
}

#[tokio::test]
async fn relays_that_speak_in_their_own_way() {
    for (greeting, hello, ok) in [
        ("220 relay ESMTP\r\n", "250-relay\r\n250 8BITMIME\r\n", "250 ok\r\n"),
        ("220-one\r\n220-two\r\n220 three\r\n", "250-relay at your service\r\n250-SIZE\r\n250 HELP\r\n", "250\r\n"),
        ("220\r\n", "250 relay\r\n", "250\r\n"),
        ("220 \r\n", "250-relay\n250-size 5\n250 pipelining\n", "250-fine\n250 queued\n"),
        ("220-\r\n220 relay\r\n", "250\r\n", "250 2.0.0 \u{fc}bernommen\r\n"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let relay = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            stream.write_all(greeting.as_bytes()).await.unwrap();
            let mut heard = Vec::new();
            let mut in_mail = false;
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return heard;
                }
                let line = line.trim_end();
                let answer = match line.split(' ').next().unwrap_or_default() {
                    _ if in_mail && line != "." => continue,
                    "EHLO" => hello,
                    "DATA" => "354\r\n",
                    _ => ok,
                };
                in_mail = line == "DATA";
                heard.push(line.split([' ', ':']).next().unwrap_or_default().to_owned());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let url = format!("smtp://127.0.0.1:{port}");
        let email = email(&url, FROM, &["a@x.org"], TIMEOUT, &[]);
        assert_eq!(email.send(&parcel(body())).await.outcome, Outcome::Delivered, "{greeting} {hello} {ok}");
        email.rest().await;
        drop(email);
        assert_eq!(relay.await.unwrap(), ["EHLO", "MAIL", "RCPT", "DATA", ".", "QUIT"], "{greeting} {hello} {ok}");
    }
}
