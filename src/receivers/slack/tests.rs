//! Messages to Slack, and its answers.

mod limits;

use std::time::Duration;

use mockito::{Matcher, Server};

use super::{Slack, format};
use crate::{
    model::{Attempt, Blame, Outcome},
    receivers::{
        console,
        testing::{Manners, TIMEOUT, client, nobody, parcel, payload_fault, rejected, retry, server},
    },
};

const PATH: &str = "/services/T1/B1/hunter2";

async fn send(base: &str, timeout: Duration) -> Attempt {
    let slack = Slack::new(client(), format!("{base}{PATH}").into(), timeout).unwrap();
    slack.send(&parcel(format::body(r#"{"text":"hunter2 ä"}"#))).await
}

#[tokio::test]
async fn posts_the_payload() {
    let mut server = Server::new_async().await;
    let mock = server
        .mock("POST", PATH)
        .match_header("content-type", "application/json")
        .match_body(Matcher::Exact(r#"{"text":"hunter2 ä"}"#.to_owned()))
        .with_body("ok")
        .create_async()
        .await;
    let attempt = send(&server.url(), TIMEOUT).await;
    assert_eq!(attempt, Attempt::from(Outcome::Delivered));
    mock.assert_async().await;
}

#[tokio::test]
async fn every_answer_by_table() {
    let payload = |reason: &str| rejected(Blame::Payload, reason);
    let receiver = |reason: &str| rejected(Blame::Receiver, reason);
    let proxy = |status: u16| {
        let why = "the answer is neither Slack's `ok` nor another yes: is there a proxy in between?";
        Outcome::Unclear { reason: format!("HTTP {status}: {why}") }
    };
    let says_no = |status: u16| format!("HTTP {status}: the answer says that it was not accepted");
    let redirect = |status: u16| receiver(&format!("HTTP {status}: redirects are not followed"));
    for (status, body, outcome) in [
        (200, "ok", Outcome::Delivered),
        (200, "ok\n", Outcome::Delivered),
        (200, "<html>hunter2</html>", proxy(200)),
        (200, "", proxy(200)),
        (200, "invalid_token", receiver("HTTP 200: invalid_token")),
        (200, "no_service", receiver("HTTP 200: no_service")),
        (200, "invalid_blocks", payload("HTTP 200: invalid_blocks")),
        (200, "ratelimited", retry(None, "HTTP 200: ratelimited", false)),
        (200, "OK", Outcome::Delivered),
        (200, "\"ok\"", Outcome::Delivered),
        (200, "1", Outcome::Delivered),
        (200, r#"{"ok":true}"#, Outcome::Delivered),
        (200, r#"{"success":true}"#, Outcome::Delivered),
        (200, r#"{"result":"success","msg":""}"#, Outcome::Delivered),
        (201, "ok", Outcome::Delivered),
        (201, "", Outcome::Delivered),
        (202, r#"{"status":"accepted"}"#, Outcome::Delivered),
        (202, "", Outcome::Delivered),
        (204, "", Outcome::Delivered),
        (202, "<html>hunter2</html>", proxy(202)),
        (200, "{}", proxy(200)),
        (200, r#"{"ok":true,"error":"hunter2"}"#, proxy(200)),
        (200, r#"{"ok":false,"error":"no_service"}"#, receiver("HTTP 200: no_service")),
        (200, r#"{"ok":false,"error":"channel_is_archived"}"#, receiver("HTTP 200: channel_is_archived")),
        (200, r#"{"ok":false,"error":"msg_too_long"}"#, payload("HTTP 200: msg_too_long")),
        (200, r#"{"ok":false,"error":"rate_limited"}"#, retry(None, "HTTP 200: rate_limited", false)),
        (200, r#"{"success":false,"error":"hunter2"}"#, payload(&says_no(200))),
        (200, r#"{"success":false,"error":"hunter2 token revoked"}"#, receiver(&says_no(200))),
        (200, r#"{"success":false,"error":"temporarily unavailable"}"#, retry(None, &says_no(200), false)),
        (200, r#"{"status":503}"#, retry(None, "HTTP 200: the answer says 503", false)),
        (200, r#"{"ok":false,"error_code":403}"#, receiver("HTTP 200: the answer says 403")),
        (400, r#"{"ok":false,"error":"invalid_blocks"}"#, payload("HTTP 400: invalid_blocks")),
        (301, "ok", redirect(301)),
        (302, "", redirect(302)),
        (307, "", redirect(307)),
        (400, "invalid_payload", payload("HTTP 400: invalid_payload")),
        (400, "invalid_blocks", payload("HTTP 400: invalid_blocks")),
        (400, "invalid_blocks_format", payload("HTTP 400: invalid_blocks_format")),
        (400, "no_text", payload("HTTP 400: no_text")),
        (400, "too_many_attachments", payload("HTTP 400: too_many_attachments")),
        (400, "user_not_found", payload("HTTP 400: user_not_found")),
        (400, "hunter2", payload("HTTP 400")),
        (400, "no_service", receiver("HTTP 400: no_service")),
        (413, "", payload("HTTP 413")),
        (401, "", receiver("HTTP 401")),
        (403, "action_prohibited", receiver("HTTP 403: action_prohibited")),
        (403, "invalid_token", receiver("HTTP 403: invalid_token")),
        (403, "hunter2", receiver("HTTP 403")),
        (404, "channel_not_found", receiver("HTTP 404: channel_not_found")),
        (404, "no_service", receiver("HTTP 404: no_service")),
        (404, "no_team", receiver("HTTP 404: no_team")),
        (404, "user_not_found", receiver("HTTP 404: user_not_found")),
        (410, "channel_is_archived", receiver("HTTP 410: channel_is_archived")),
        (408, "", retry(None, "HTTP 408", false)),
        (429, "rate_limited", retry(None, "HTTP 429: rate_limited", true)),
        (500, "rollup_error", retry(None, "HTTP 500: rollup_error", false)),
        (502, "<html>hunter2</html>", retry(None, "HTTP 502", false)),
        (503, "", retry(None, "HTTP 503", false)),
        (504, "", retry(None, "HTTP 504", true)),
    ] {
        let mut server = Server::new_async().await;
        server
            .mock("POST", PATH)
            .with_status(status)
            .with_header("location", "/elsewhere")
            .with_body(body)
            .create_async()
            .await;
        let elsewhere = server.mock("GET", "/elsewhere").with_body("ok").expect(0).create_async().await;
        assert_eq!(send(&server.url(), TIMEOUT).await.outcome, outcome, "{status} {body}");
        elsewhere.assert_async().await;
    }
}

#[tokio::test]
async fn waits_as_long_as_slack_says() {
    for (value, seconds) in [("30", 30), ("Thu, 25 Feb 2021 15:43:00 GMT", 50), ("86400", 3_600)] {
        let mut server = Server::new_async().await;
        let mock = server.mock("POST", PATH).with_status(429).with_header("retry-after", value);
        mock.with_header("date", "Thu, 25 Feb 2021 15:42:10 GMT").create_async().await;
        let outcome = send(&server.url(), TIMEOUT).await.outcome;
        assert_eq!(outcome, retry(Some(seconds), "HTTP 429", true), "{value}");
    }
}

#[tokio::test]
async fn faults_on_the_way() {
    let short = Duration::from_millis(100);
    let outcome = send(&server(Manners::Silent).await, short).await.outcome;
    assert_eq!(outcome, retry(None, "no answer in time", true));

    let outcome = send(&server(Manners::HangsUp).await, TIMEOUT).await.outcome;
    assert!(matches!(outcome, Outcome::Retry { ambiguous: true, .. }), "{outcome:?}");

    let outcome = send(&nobody().await, TIMEOUT).await.outcome;
    assert_eq!(outcome, retry(None, "cannot connect: connection refused", false));

    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
    let outcome = send(&server(Manners::Says(cut)).await, TIMEOUT).await.outcome;
    assert!(matches!(outcome, Outcome::Unclear { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_flood_in_the_answer_is_cut() {
    let mut server = Server::new_async().await;
    server.mock("POST", PATH).with_body("ok".repeat(1_000_000)).create_async().await;
    let outcome = send(&server.url(), TIMEOUT).await.outcome;
    assert!(matches!(outcome, Outcome::Unclear { .. }), "{outcome:?}");
}

#[tokio::test]
async fn the_address_does_not_leak() {
    let slack = Slack::new(client(), format!("http://hunter2.invalid{PATH}").into(), TIMEOUT).unwrap();
    let body = format::body("hunter2");
    let mut shown = vec![format!("{slack:?} {:?}", slack.send(&parcel(body)).await)];
    for manners in [Manners::HangsUp, Manners::Says("hunter2\r\n\r\n"), Manners::Says("HTTP/1.1 500 hunter2\r\n\r\n")] {
        shown.push(format!("{:?}", send(&server(manners).await, TIMEOUT).await));
    }
    shown.push(format!("{:?}", Slack::new(client(), "hunter2://x".into(), TIMEOUT)));
    let shown = shown.join("\n");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("cannot connect: the host's name was not found"), "{shown}");
}

#[tokio::test]
async fn takes_its_own_kind_of_body_only() {
    let slack = Slack::new(client(), "http://127.0.0.1:9".into(), TIMEOUT).unwrap();
    payload_fault(&slack.send(&parcel(console::format::body("hunter2"))).await);
}
