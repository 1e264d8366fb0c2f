//! Webhooks, their signatures and answers.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use jiff::Timestamp;
use mockito::{Matcher, Server};
use secrecy::SecretString;

use super::{Webhook, format};
use crate::{
    model::{Attempt, Blame, Body, MessageId, Outcome, OutgoingMessage},
    receivers::{
        slack,
        testing::{Manners, TIMEOUT, client, nobody, parcel, payload_fault, rejected, retry, server},
    },
};

const PATH: &str = "/in/hunter2";

fn body() -> Body {
    format::body(r#"{"test": 2432232314}"#)
}

fn webhook(base: &str, timeout: Duration) -> Webhook {
    Webhook::new(client(), format!("{base}{PATH}").into(), timeout).unwrap()
}

async fn send(base: &str) -> Outcome {
    webhook(base, TIMEOUT).send(&parcel(body())).await.outcome
}

/// The test vector of the specification's libraries.
fn published() -> OutgoingMessage {
    let now = Timestamp::from_second(1_614_265_330).unwrap();
    OutgoingMessage { id: MessageId("msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned()), now, ..parcel(body()) }
}

#[tokio::test]
async fn signs_as_the_specification_says() {
    let key = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    for secret in [format!("whsec_{key}"), key.to_owned(), format!(" whsec_{key}\n")] {
        let mut server = Server::new_async().await;
        let mock = server
            .mock("POST", PATH)
            .match_header("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
            .match_header("webhook-timestamp", "1614265330")
            .match_header("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
            .match_header("content-type", "application/json")
            .match_header("x-team", "support")
            .match_header("authorization", "Bearer hunter2")
            .match_body(Matcher::Exact(r#"{"test": 2432232314}"#.to_owned()))
            .with_status(204)
            .create_async()
            .await;
        let webhook = webhook(&server.url(), TIMEOUT).signed(&secret.into()).unwrap();
        let webhook = webhook.header("X-Team", &"support".into()).unwrap();
        let webhook = webhook.header("Authorization", &"Bearer hunter2".into()).unwrap();
        let attempt = webhook.send(&published()).await;
        assert_eq!(attempt, Attempt::from(Outcome::Delivered));
        mock.assert_async().await;
    }
}

#[test]
fn secrets() {
    let key = |secret: &str| {
        let webhook = webhook("http://127.0.0.1:9", TIMEOUT).signed(&secret.into())?;
        super::sign(&webhook.key.unwrap(), "id", Timestamp::UNIX_EPOCH, "{}").ok_or_else(String::new)
    };
    let raw = "a raw secret!?";
    assert_eq!(key(raw), key(&format!("whsec_{}", STANDARD.encode(raw))));
    assert_eq!(key(raw), key(&format!("whsec_{}", STANDARD_NO_PAD.encode(raw))));
    assert_eq!(key(raw), key(&STANDARD.encode(raw)));
    assert_ne!(key(raw), key("another raw secret!?"));
    for (secret, word) in [("whsec_hunter2!", "base64"), ("whsec_", "empty"), ("", "empty"), (" \n", "empty")] {
        let error = key(secret).unwrap_err();
        assert!(error.contains(word) && !error.contains("hunter2"), "{secret}: {error}");
    }
}

#[tokio::test]
async fn without_a_secret_there_is_no_signature() {
    let mut server = Server::new_async().await;
    let mock = server.mock("POST", PATH).match_header("webhook-signature", Matcher::Missing).create_async().await;
    assert_eq!(send(&server.url()).await, Outcome::Delivered);
    mock.assert_async().await;
}

#[test]
fn headers_that_can_not_be() {
    for (name, value, word) in [
        ("webhook-id", "x", "set by the program"),
        ("Webhook-Signature", "x", "set by the program"),
        ("Content-Length", "1", "set by the program"),
        ("X Team", "x", "not the name of a header"),
        ("", "x", "not the name of a header"),
        ("X-Team", "hunter2\r\nX-Admin: 1", "characters"),
    ] {
        let error = webhook("http://127.0.0.1:9", TIMEOUT).header(name, &value.into()).unwrap_err();
        assert!(error.contains(word) && !error.contains("hunter2"), "{name}: {error}");
    }
}

#[tokio::test]
async fn every_answer_by_table() {
    let payload = |status: u16| rejected(Blame::Payload, &format!("HTTP {status}"));
    let receiver = |status: u16| rejected(Blame::Receiver, &format!("HTTP {status}"));
    let redirect = |status: u16| rejected(Blame::Receiver, &format!("HTTP {status}: redirects are not followed"));
    let later = |status: u16| retry(Some(7), &format!("HTTP {status}"), status == 504);
    for (status, outcome) in [
        (200, Outcome::Delivered),
        (201, Outcome::Delivered),
        (202, Outcome::Delivered),
        (204, Outcome::Delivered),
        (301, redirect(301)),
        (302, redirect(302)),
        (308, redirect(308)),
        (400, payload(400)),
        (413, payload(413)),
        (415, payload(415)),
        (422, payload(422)),
        (401, receiver(401)),
        (403, receiver(403)),
        (404, receiver(404)),
        (405, receiver(405)),
        (410, receiver(410)),
        (408, later(408)),
        (425, later(425)),
        (429, later(429)),
        (500, later(500)),
        (502, later(502)),
        (503, later(503)),
        (504, later(504)),
    ] {
        let mut server = Server::new_async().await;
        let mock = server.mock("POST", PATH).with_status(status).with_body("hunter2");
        mock.with_header("location", "/elsewhere").with_header("retry-after", "7").create_async().await;
        let elsewhere = server.mock("GET", "/elsewhere").expect(0).create_async().await;
        assert_eq!(send(&server.url()).await, outcome, "{status}");
        elsewhere.assert_async().await;
    }
}

#[tokio::test]
async fn faults_on_the_way() {
    let silent = webhook(&server(Manners::Silent).await, Duration::from_millis(100));
    assert_eq!(silent.send(&parcel(body())).await.outcome, retry(None, "no answer in time", true));

    let outcome = send(&server(Manners::HangsUp).await).await;
    assert!(matches!(outcome, Outcome::Retry { ambiguous: true, .. }), "{outcome:?}");

    assert_eq!(send(&nobody().await).await, retry(None, "cannot connect: connection refused", false));

    // A yes counts even if what follows it is cut off.
    let cut = server(Manners::Says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")).await;
    assert_eq!(send(&cut).await, Outcome::Delivered);
}

#[tokio::test]
async fn secrets_do_not_leak() {
    let secret: SecretString = "whsec_aHVudGVyMg==".into();
    let webhook = webhook("http://hunter2.invalid", TIMEOUT).signed(&secret).unwrap();
    let webhook = webhook.header("Authorization", &"Bearer hunter2".into()).unwrap();
    let shown = format!("{webhook:?} {:?}", webhook.send(&parcel(body())).await);
    assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVyMg"), "{shown}");
}

#[tokio::test]
async fn an_id_that_no_header_holds_is_refused() {
    let odd = OutgoingMessage { id: MessageId("a\r\nb".to_owned()), ..parcel(body()) };
    let outcome = webhook("http://127.0.0.1:9", TIMEOUT).send(&odd).await.outcome;
    assert!(matches!(outcome, Outcome::Rejected { fault: Blame::Payload, .. }), "{outcome:?}");
}

#[tokio::test]
async fn takes_its_own_kind_of_body_only() {
    let webhook = webhook("http://127.0.0.1:9", TIMEOUT);
    payload_fault(&webhook.send(&parcel(slack::format::body("hunter2"))).await);
}
