//! One connection for several messages: when it is reused, and when it must not be.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::{FROM, Server, body, email};
use crate::{
    model::Outcome,
    receivers::testing::{TIMEOUT, parcel},
    sandbox::smtp::{SinkTrouble, Stage},
};

#[tokio::test]
async fn messages_share_a_connection_until_there_is_a_rest() {
    let server = Server::plain().await;
    let email = server.email(&["a@x.org", "b@x.org"]);
    // Closing without a connection does nothing.
    email.rest().await;
    for _ in 0..3 {
        assert_eq!(email.send(&parcel(body())).await.outcome, Outcome::Delivered);
    }
    assert_eq!(server.sink.connections(), 1);
    email.rest().await;
    assert!(email.kept().is_none());
    assert_eq!(email.send(&parcel(body())).await.outcome, Outcome::Delivered);
    assert_eq!((server.sink.connections(), server.got().len()), (2, 8));
}

#[tokio::test]
async fn a_refusal_of_a_recipient_costs_no_connection() {
    let server = Server::plain().await;
    let email = server.email(&["a@x.org", "b@x.org"]);
    server.sink.refuse("b@x.org", 451, 1);
    assert!(matches!(email.send(&parcel(body())).await.outcome, Outcome::Retry { .. }));
    assert_eq!(email.send(&parcel(body())).await.outcome, Outcome::Delivered);
    assert_eq!(server.sink.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_takes_no_further_mail_is_replaced() {
    for trouble in [SinkTrouble::Code(421), SinkTrouble::HangUp, SinkTrouble::Code(452), SinkTrouble::Code(550)] {
        let server = Server::plain().await;
        let email = server.email(&["a@x.org"]);
        assert_eq!(email.send(&parcel(body())).await.outcome, Outcome::Delivered);
        server.sink.trouble(Stage::Mail, trouble, 1);
        assert_eq!(email.send(&parcel(body())).await.outcome, Outcome::Delivered, "{trouble:?}");
        assert_eq!((server.sink.connections(), server.got().len()), (2, 2), "{trouble:?}");
    }
}

#[tokio::test]
async fn what_a_new_connection_meets_as_well_is_no_fault_of_the_old_one() {
    let server = Server::plain().await;
    let email = server.email(&["a@x.org"]);
    assert_eq!(email.send(&parcel(body())).await.outcome, Outcome::Delivered);
    server.sink.fault(Stage::Mail, 451, 2);
    let Outcome::Retry { reason, ambiguous: false, .. } = email.send(&parcel(body())).await.outcome else { panic!() };
    assert_eq!(reason, "451 4.0.0 at the sender");
    assert_eq!(server.sink.connections(), 2, "once, not again and again");
}

#[tokio::test]
async fn an_answer_that_got_lost_stays_so_on_a_kept_connection() {
    for (stage, ambiguous, got) in [(Stage::Rcpt, false, 1), (Stage::Data, false, 1), (Stage::End, true, 2)] {
        let server = Server::plain().await;
        let email = server.email(&["a@x.org"]);
        assert_eq!(email.send(&parcel(body())).await.outcome, Outcome::Delivered);
        server.sink.trouble(stage, SinkTrouble::HangUp, 1);
        let sent = email.send(&parcel(body())).await;
        let Outcome::Retry { ambiguous: said, .. } = sent.outcome else { panic!("{stage:?}: {sent:?}") };
        // The mail is not handed in again without the caller's knowledge.
        assert_eq!((said, server.got().len(), server.sink.connections()), (ambiguous, got, 1), "{stage:?}");
    }
}

#[tokio::test]
async fn a_conversation_that_was_dropped_is_not_taken_up_again() {
    for stage in [Stage::Mail, Stage::Rcpt, Stage::Data, Stage::End] {
        let server = Server::plain().await;
        let email = server.email(&["a@x.org"]);
        assert_eq!(email.send(&parcel(body())).await.outcome, Outcome::Delivered);
        server.sink.trouble(stage, SinkTrouble::Delay(Duration::from_mins(1)), 1);
        let dropped = timeout(Duration::from_millis(100), email.send(&parcel(body()))).await;
        assert!(dropped.is_err(), "{stage:?}");
        assert_eq!(email.send(&parcel(body())).await.outcome, Outcome::Delivered, "{stage:?}");
        assert_eq!(server.sink.connections(), 2, "{stage:?}");
    }
}

#[tokio::test]
async fn a_connection_that_has_rested_for_long_is_not_used() {
    let server = Server::plain().await;
    let email = server.email(&["a@x.org"]);
    for (rested, connections) in [(0, 1), (50, 1), (61, 2)] {
        if let Some(kept) = email.kept().as_mut() {
            kept.since = kept.since.checked_sub(Duration::from_secs(rested)).unwrap();
        }
        assert_eq!(email.send(&parcel(body())).await.outcome, Outcome::Delivered);
        assert_eq!(server.sink.connections(), connections, "{rested}");
    }
}

/// What the server does with a connection after its first mail.
#[derive(Clone, Copy, Debug)]
enum After {
    Closed,
    /// Sends an unrequested reply, as servers do after a long wait.
    ClosedWithAWord,
    /// Stays connected, but does not answer any more.
    Silent,
}

/// A server that accepts one mail for each connection; returns its port and what it was sent.
async fn one_mail_each(after: After) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut stream = take_one_mail(stream, &log).await?;
                match after {
                    After::Closed => {}
                    After::ClosedWithAWord => stream.write_all(b"421 4.4.2 timeout\r\n").await?,
                    After::Silent => while stream.read(&mut [0; 64]).await? > 0 {},
                }
                Ok::<_, std::io::Error>(())
            });
        }
    });
    (port, heard)
}

async fn take_one_mail(stream: TcpStream, heard: &Mutex<Vec<String>>) -> std::io::Result<BufReader<TcpStream>> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 hi\r\n").await?;
    for answer in ["250 hi", "250 ok", "250 ok", "354 go on", "250 kept"] {
        let mut line = String::new();
        while line.is_empty() || answer == "250 kept" && line != ".\r\n" {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(stream);
            }
        }
        heard.lock().push(line.trim_end().to_owned());
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(stream)
}

#[tokio::test]
async fn a_connection_that_died_meanwhile_is_replaced() {
    for after in [After::Closed, After::ClosedWithAWord, After::Silent] {
        let (port, heard) = one_mail_each(after).await;
        let limit = if matches!(after, After::Silent) { Duration::from_secs(2) } else { TIMEOUT };
        let email = email(&format!("smtp://127.0.0.1:{port}"), FROM, &["a@x.org", "b@x.org"], limit, &[]);
        let began = Instant::now();
        let sent = email.send(&parcel(body())).await;
        assert_eq!(sent.outcome, Outcome::Delivered, "{after:?}");
        assert!(began.elapsed() < limit, "{after:?}: {:?}", began.elapsed());
        let heard = heard.lock().clone();
        assert_eq!(heard.iter().filter(|line| line.starts_with("EHLO")).count(), 2, "{heard:?}");
        assert_eq!(heard.iter().filter(|line| *line == ".").count(), 2, "{heard:?}");
    }
}

#[tokio::test]
async fn a_rest_says_goodbye_and_waits_for_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = take_one_mail(stream, &Mutex::default()).await.unwrap();
        let mut rest = String::new();
        // The server never answers `QUIT`.
        stream.read_to_string(&mut rest).await.unwrap();
        rest
    });
    let email = email(&format!("smtp://127.0.0.1:{port}"), FROM, &["a@x.org"], TIMEOUT, &[]);
    assert_eq!(email.send(&parcel(body())).await.outcome, Outcome::Delivered);
    let began = Instant::now();
    email.rest().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(server.await.unwrap(), "QUIT\r\n");
}
