//! Receivers' answers, and what they mean.

use std::time::Duration;

use super::{BODY_LIMIT, check_url, exchange, post};
use crate::{
    inbox::testing::{FLOODS, bomb, flooding, raw, trickling},
    model::{Blame, Outcome},
    receivers::testing::{Manners, TIMEOUT, client, nobody, now, rejected, retry, server},
};

async fn answer(url: &str, timeout: Duration) -> Result<super::Answer, Outcome> {
    exchange(post(&client(), &url.into(), "{}".to_owned(), timeout), now(), None).await
}

#[tokio::test]
async fn without_an_answer() {
    let short = Duration::from_millis(100);
    let silent = server(Manners::Silent).await;
    assert_eq!(answer(&silent, short).await.err(), Some(retry(None, "no answer in time", true)));

    let reason = "cannot connect: connection refused";
    assert_eq!(answer(&nobody().await, TIMEOUT).await.err(), Some(retry(None, reason, false)));

    let garbage = server(Manners::Says("SSH-2.0-OpenSSH\r\n\r\n")).await;
    for url in [server(Manners::HangsUp).await, garbage] {
        let Some(Outcome::Retry { reason, ambiguous: true, .. }) = answer(&url, TIMEOUT).await.err() else {
            panic!("{url}");
        };
        assert!(reason.starts_with("the connection broke off: "), "{reason}");
    }

    let unmade = answer("no address", TIMEOUT).await.err();
    assert_eq!(unmade, Some(rejected(Blame::Receiver, "the request could not be made")));
}

#[tokio::test]
async fn tls_with_somebody_who_does_not_speak_it() {
    let url = server(Manners::Says("HTTP/1.1 400 Bad Request\r\n\r\n")).await.replace("http://", "https://");
    let reason = "cannot connect: TLS failed";
    assert_eq!(answer(&url, TIMEOUT).await.err(), Some(retry(None, reason, false)));
}

#[tokio::test]
async fn a_long_body_is_read_in_part() {
    let mut server = mockito::Server::new_async().await;
    server.mock("POST", "/").with_body("x".repeat(3 * BODY_LIMIT)).create_async().await;
    assert_eq!(answer(&server.url(), TIMEOUT).await.ok().map(|answer| answer.body.len()), Some(BODY_LIMIT));
}

#[tokio::test]
async fn what_gzip_makes_of_a_body_is_read_in_part() {
    let answer = answer(&raw(bomb(4_096), 0).await, TIMEOUT).await.ok().unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, BODY_LIMIT));
}

#[tokio::test]
async fn a_trickle_ends_within_the_timeout() {
    let short = Duration::from_millis(200);
    let began = std::time::Instant::now();
    for head in ["", "HTTP/1.1 200 OK\r\nx: "] {
        let url = trickling(head, "H").await;
        assert_eq!(answer(&url, short).await.err(), Some(retry(None, "no answer in time", true)), "{head}");
    }
    // The status has arrived; the rest is not waited for any longer.
    let url = trickling("HTTP/1.1 204 OK\r\n\r\n", " ").await;
    assert_eq!(answer(&url, short).await.ok().map(|answer| answer.status), Some(204));
    let url = trickling("HTTP/1.1 200 OK\r\n\r\n", "o").await;
    let body = answer(&url, short).await.ok().unwrap().body;
    assert!(!body.is_empty() && body.len() < 100, "{body}");
    assert!(began.elapsed() < TIMEOUT, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_flood_that_is_no_body_is_not_read() {
    for (head, word) in FLOODS {
        let began = std::time::Instant::now();
        let got = answer(&flooding(head, word).await, TIMEOUT).await;
        match got {
            // The rest after the status does not matter.
            Ok(answer) => assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{head}{word}"),
            Err(outcome) => {
                let Outcome::Retry { reason, ambiguous: true, .. } = outcome else { panic!("{outcome:?}") };
                assert!(reason.starts_with("the connection broke off"), "{head}{word}: {reason}");
            }
        }
        assert!(began.elapsed() < TIMEOUT / 2, "{head}{word}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_short_one() {
    let url = server(Manners::Says("HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\nno_te")).await;
    let answer = answer(&url, TIMEOUT).await.ok().unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (404, "no_te"));
}

#[tokio::test]
async fn retry_after_is_obeyed_up_to_an_hour() {
    for (value, seconds) in [
        ("30", Some(30)),
        ("Thu, 25 Feb 2021 15:43:00 GMT", Some(50)),
        ("Thu, 25 Feb 2021 15:00:00 GMT", Some(0)),
        ("86400", Some(3_600)),
        ("soon", None),
    ] {
        let mut server = mockito::Server::new_async().await;
        let mock = server.mock("POST", "/").with_status(503).with_header("Retry-After", value);
        mock.with_header("Date", "Thu, 25 Feb 2021 15:42:10 GMT").create_async().await;
        let answer = answer(&server.url(), TIMEOUT).await.ok().unwrap();
        assert_eq!(answer.retry_after.map(|wait| wait.as_secs()), seconds, "{value}");
    }
}

#[test]
fn addresses() {
    assert_eq!(check_url(&"https://hooks.example.com/x".into()), Ok(()));
    for url in ["", "hunter2", "ftp://hunter2.example.com", "http://", "mailto:hunter2@example.com"] {
        let error = check_url(&url.into()).unwrap_err();
        assert!(error.contains("https://") && !error.contains("hunter2"), "{url}: {error}");
    }
}
