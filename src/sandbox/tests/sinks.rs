//! The sinks: what Slack accepts, and what is remembered.

use serde_json::{Value, json};

use super::{Bench, settings};
use crate::sandbox::smtp::SmtpSink;

async fn slack(bench: &Bench, payload: &Value) -> (u16, String) {
    let response = bench.post("/services/T/B/secret", payload).await;
    (response.status().as_u16(), response.text().await.unwrap())
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

fn header(text: &str) -> Value {
    json!({ "type": "header", "text": { "type": "plain_text", "text": text } })
}

fn blocks(blocks: &[Value]) -> Value {
    json!({ "blocks": blocks })
}

#[tokio::test]
async fn slack_takes_what_fits() {
    let bench = Bench::new(settings()).await;
    let context = json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": "x" }] });
    let fields = json!({ "type": "section", "fields": [{ "type": "mrkdwn", "text": "*a*" }] });
    for payload in [
        json!({ "text": "hello" }),
        blocks(&[section(&"é".repeat(3_000)), header(&"é".repeat(150)), json!({ "type": "divider" }), context, fields]),
        blocks(&vec![section("x"); 50]),
    ] {
        assert_eq!(slack(&bench, &payload).await, (200, "ok".to_owned()));
    }
    assert_eq!(bench.sandbox.slack().len(), 3);
    assert_eq!(bench.sandbox.slack()[0].json().unwrap(), json!({ "text": "hello" }));
}

#[tokio::test]
async fn slack_refuses_what_does_not() {
    let bench = Bench::new(settings()).await;
    let named = json!({ "type": "divider", "block_id": "same" });
    for (payload, mistake) in [
        (json!([]), "invalid_payload"),
        (json!({ "text": 1 }), "invalid_payload"),
        (json!({}), "no_text"),
        (json!({ "text": " ", "blocks": [] }), "no_text"),
        (json!({ "blocks": {} }), "invalid_blocks"),
        (blocks(&vec![section("x"); 51]), "invalid_blocks"),
        (blocks(&[section("")]), "invalid_blocks"),
        (blocks(&[section(&"x".repeat(3_001))]), "invalid_blocks"),
        (blocks(&[header(&"x".repeat(151))]), "invalid_blocks"),
        (blocks(&[json!({ "type": "header", "text": { "type": "mrkdwn", "text": "x" } })]), "invalid_blocks"),
        (blocks(&[json!({ "type": "section" })]), "invalid_blocks"),
        (blocks(&[json!({ "type": "banner" })]), "invalid_blocks"),
        (blocks(&[json!("x")]), "invalid_blocks"),
        (blocks(&[json!({ "type": "context", "elements": [] })]), "invalid_blocks"),
        (blocks(&[named.clone(), named]), "invalid_blocks"),
    ] {
        assert_eq!(slack(&bench, &payload).await, (400, mistake.to_owned()), "{payload}");
    }
    let url = format!("{}/services/T/B/secret", bench.running.url());
    let response = bench.client.post(url).body("no json").send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "invalid_payload");
    assert!(bench.sandbox.slack().iter().all(|received| received.status == 400));
}

#[tokio::test]
async fn webhooks_are_kept_to_the_byte() {
    let bench = Bench::new(settings()).await;
    let url = format!("{}/webhook/ops/1", bench.running.url());
    let body = "{ \"a\" : 1 }";
    let response = bench.client.post(url).header("Webhook-Id", "msg_1").body(body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let received = bench.sandbox.webhooks().remove(0);
    assert_eq!((received.body.as_str(), received.path.as_str()), (body, "/webhook/ops/1"));
    assert_eq!(received.header("webhook-id"), Some("msg_1"));
    assert!(!format!("{received:?}").contains("ops"));

    slack(&bench, &json!({ "text": "hello" })).await;
    let shown = bench.client.get(format!("{}/sandbox/sinks", bench.running.url())).send().await.unwrap();
    let shown: Value = shown.json().await.unwrap();
    assert_eq!(shown["data"]["slack"][0]["body"]["text"], json!("hello"));
    assert_eq!(shown["data"]["webhooks"][0]["headers"]["webhook-id"], json!("msg_1"));
    bench.sandbox.clear_logs();
    assert!(bench.sandbox.slack().is_empty() && bench.sandbox.webhooks().is_empty());
}

/// Brings a mail to the sandbox's mail sink; returns whether it was accepted.
async fn bring(address: std::net::SocketAddr, subject: &str) -> bool {
    use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
    let mail = Message::builder().from("a@example.com".parse().unwrap()).to("b@example.com".parse().unwrap());
    let mail = mail.subject(subject).header(lettre::message::header::ContentType::TEXT_PLAIN).body("Hello".to_owned());
    let relay = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string()).port(address.port());
    relay.build().send(mail.unwrap()).await.is_ok()
}

#[tokio::test]
async fn mail_is_a_sink_like_the_others() {
    let bench = Bench::new(settings()).await;
    let fault = json!({ "at": "mail", "kind": { "status": { "code": 451 } } });
    let refused = bench.post("/sandbox/fault", &fault).await;
    assert_eq!(refused.status(), 400, "there is no mail sink yet");

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    bench.sandbox.with_mail(SmtpSink::start(listener, bench.shutdown.clone()));
    assert_eq!(bench.post("/sandbox/fault", &fault).await.status(), 200);
    assert!(!bring(address, "refused").await);
    assert!(bring(address, "taken").await);
    let sinks: Value =
        bench.client.get(format!("{}/sandbox/sinks", bench.running.url())).send().await.unwrap().json().await.unwrap();
    let mails = &sinks["data"]["mails"];
    assert_eq!((&mails[0]["subject"], &mails[0]["to"]), (&json!("taken"), &json!(["b@example.com"])));
    assert_eq!((&mails[0]["text"], mails.get(1)), (&json!("Hello"), None));
    for odd in [json!("html"), json!({ "status": { "code": 250 } })] {
        let response = bench.post("/sandbox/fault", &json!({ "at": "mail", "kind": odd })).await;
        assert_eq!(response.status(), 400);
    }
    bench.sandbox.clear_logs();
    assert!(bench.sandbox.mails().is_empty());
}
