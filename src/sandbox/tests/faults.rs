//! Every fault, as a client sees it.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Bench, everyone, on_page, refused, settings};
use crate::sandbox::{BadRecord, Fault, FaultKind, Place, Settings};

async fn bench() -> Bench {
    Bench::new(Settings { contacts: 6, page_size: 2, ..settings() }).await
}

#[tokio::test]
async fn statuses_come_with_the_documented_error() {
    let bench = bench().await;
    for (code, name) in [(400, "BAD_REQUEST"), (401, "UNAUTHORIZED"), (500, "INTERNAL_SERVER_ERROR")] {
        bench.sandbox.fault(Fault::inbox(FaultKind::status(code)));
        refused(bench.ask(&everyone()).await, code, name).await;
    }
    bench.sandbox.fault(Fault::inbox(FaultKind::too_many(7)));
    let answer = bench.ask(&everyone()).await;
    assert_eq!(answer.headers()["retry-after"], "7");
    refused(answer, 429, "TOO_MANY_REQUESTS").await;
    assert_eq!(bench.page(&everyone()).await.len(), 2);
}

#[tokio::test]
async fn faults_come_as_often_and_where_they_are_asked_for() {
    let bench = bench().await;
    bench.sandbox.fault(Fault::inbox(FaultKind::status(500)).repeated(2).on_page(2));
    bench.sandbox.fault(Fault::inbox(FaultKind::status(503)).on_page(3));
    let mut statuses = Vec::new();
    for page in [1, 2, 3, 2, 2, 3] {
        statuses.push(bench.ask(&on_page(page)).await.status().as_u16());
    }
    assert_eq!(statuses, [200, 500, 503, 500, 200, 200]);

    // A request that is refused anyway leaves the queue alone.
    bench.sandbox.fault(Fault::inbox(FaultKind::status(500)));
    assert_eq!(bench.ask(&json!({})).await.status(), 400);
    assert_eq!(bench.ask(&everyone()).await.status(), 500);
    bench.sandbox.fault(Fault::inbox(FaultKind::status(500)));
    bench.sandbox.clear_faults();
    assert_eq!(bench.ask(&everyone()).await.status(), 200);
}

#[tokio::test]
async fn answers_that_are_no_answers() {
    let bench = bench().await;
    let asked = async |kind| {
        bench.sandbox.fault(Fault::inbox(kind));
        let response = bench.ask(&everyone()).await;
        (response.status(), response.headers().clone(), response.text().await.unwrap())
    };
    let (status, headers, text) = asked(FaultKind::Html).await;
    assert_eq!(
        (status, headers["content-type"].to_str().unwrap()),
        (StatusCode::BAD_GATEWAY, "text/html; charset=utf-8")
    );
    assert!(text.contains("<h1>"));
    let (status, _, text) = asked(FaultKind::Empty).await;
    assert_eq!((status, text.as_str()), (StatusCode::OK, ""));
    let (status, _, text) = asked(FaultKind::HalfJson).await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.starts_with(r#"{"success":true"#) && serde_json::from_str::<Value>(&text).is_err());
    let (status, headers, _) = asked(FaultKind::Redirect { to: "/elsewhere".to_owned() }).await;
    assert_eq!((status, &headers["location"]), (StatusCode::FOUND, &"/elsewhere".parse().unwrap()));
}

#[tokio::test]
async fn json_that_is_not_what_was_asked_for() {
    let bench = bench().await;
    let asked = async |kind| {
        bench.sandbox.fault(Fault::inbox(kind));
        let response = bench.ask(&everyone()).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json::<Value>().await.unwrap()
    };
    let error = asked(FaultKind::NoSuccess).await;
    assert_eq!((&error["success"], &error["error"]["statusCode"]), (&json!(false), &json!(500)));
    assert!(asked(FaultKind::DataNoArray).await["data"].is_object());
    assert!(asked(FaultKind::WrongShape).await.is_array());
    for (what, fits) in [
        (BadRecord::Text, Value::is_string as fn(&Value) -> bool),
        (BadRecord::Null, Value::is_null),
        (BadRecord::WithoutId, |record: &Value| record.is_object() && record.get("_id").is_none()),
    ] {
        let answer = asked(FaultKind::BadRecord { what }).await;
        let records = answer["data"].as_array().unwrap();
        assert_eq!(records.len(), 3);
        assert!(fits(&records[1]) && records[0]["_id"].is_string() && records[2]["_id"].is_string());
    }
}

#[tokio::test]
async fn connections_end_in_the_middle_or_at_once() {
    let bench = bench().await;
    bench.sandbox.fault(Fault::inbox(FaultKind::Cut));
    let response = bench.ask(&everyone()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.content_length().unwrap() > 1_000);
    assert!(response.text().await.is_err());

    for kind in [FaultKind::Close, FaultKind::Reset] {
        bench.sandbox.fault(Fault::inbox(kind));
        assert!(bench.try_ask(&everyone()).await.is_err());
        assert_eq!(bench.sandbox.log().last().unwrap().status, 0);
    }
    assert_eq!(bench.page(&everyone()).await.len(), 2);
}

#[tokio::test]
async fn answers_come_late() {
    let bench = bench().await;
    bench.sandbox.fault(Fault::inbox(FaultKind::Delay { ms: 600_000 }));
    let asked = everyone();
    let waited = tokio::time::timeout(std::time::Duration::from_millis(300), bench.ask(&asked)).await;
    assert!(waited.is_err());
    // No other request waits for it.
    assert_eq!(bench.page(&everyone()).await.len(), 2);
}

#[tokio::test]
async fn records_move_while_one_pages() {
    let bench = bench().await;
    let before: Vec<_> = bench.sandbox.contacts().iter().map(|contact| contact["_id"].clone()).collect();
    bench.sandbox.fault(Fault::inbox(FaultKind::MoveToFront).on_page(1));
    assert_eq!(bench.ids(&on_page(1)).await, before[0..2]);
    assert_eq!(bench.ids(&on_page(2)).await, [before[1].clone(), before[3].clone()]);
    assert_eq!(bench.ids(&on_page(1)).await, [before[2].clone(), before[0].clone()]);

    bench.sandbox.fault(Fault::inbox(FaultKind::Vanish).on_page(1));
    assert_eq!(bench.ids(&on_page(1)).await.len(), 2);
    assert_eq!(bench.ids(&on_page(2)).await, [before[3].clone(), before[4].clone()]);
    assert!(bench.sandbox.contact(before[2].as_str().unwrap()).is_none());
}

#[tokio::test]
async fn large_answers_are_cut_too() {
    let bench = Bench::new(Settings { contacts: 300, page_size: 300, ..settings() }).await;
    bench.sandbox.fault(Fault::inbox(FaultKind::Cut));
    let mut response = bench.ask(&everyone()).await;
    let whole = response.content_length().unwrap();
    let mut came = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        came += chunk.len() as u64;
    }
    assert!(whole > 200_000);
    assert_eq!(came, whole / 2);
}

#[tokio::test]
async fn sinks_fail_too() {
    let bench = bench().await;
    let message = json!({ "text": "hello" });
    bench.sandbox.fault(Fault::slack(FaultKind::too_many(3)));
    bench.sandbox.fault(Fault::webhook(FaultKind::Status {
        code: 410,
        body: Some("gone for good".to_owned()),
        retry_after: None,
    }));
    let slack = bench.post("/services/a/b", &message).await;
    assert_eq!((slack.status().as_u16(), &slack.headers()["retry-after"]), (429, &"3".parse().unwrap()));
    assert_eq!(slack.text().await.unwrap(), "too_many_requests");
    let webhook = bench.post("/webhook/ops", &message).await;
    assert_eq!(webhook.status(), 410);
    assert_eq!(webhook.text().await.unwrap(), "gone for good");

    bench.sandbox.fault(Fault::at(Place::Slack, FaultKind::Close));
    let url = format!("{}/services/a/b", bench.running.url());
    assert!(bench.client.post(&url).json(&message).send().await.is_err());
    assert_eq!(bench.post("/services/a/b", &message).await.status(), 200);
    let statuses: Vec<_> = bench.sandbox.slack().iter().map(|received| received.status).collect();
    assert_eq!(statuses, [429, 0, 200]);
}

#[tokio::test]
async fn faults_are_asked_for_by_json() {
    let bench = bench().await;
    let good = json!({ "page": 2, "times": 2, "kind": { "status": { "code": 503 } } });
    assert_eq!(bench.post("/sandbox/fault", &good).await.status(), 200);
    assert_eq!(bench.ask(&on_page(2)).await.status(), 503);
    for kind in [json!("html"), json!({ "redirect": { "to": "/x" } }), json!({ "bad_record": { "what": "null" } })] {
        assert_eq!(bench.post("/sandbox/fault", &json!({ "kind": kind })).await.status(), 200);
    }
    for bad in [
        json!({ "kind": "fire" }),
        json!({ "kind": { "status": { "code": 42 } } }),
        json!({ "kind": "html", "after": 1 }),
        json!({ "at": "slack", "kind": "vanish" }),
        json!({ "at": "webhook", "page": 1, "kind": "close" }),
    ] {
        refused(bench.post("/sandbox/fault", &bad).await, 400, "BAD_REQUEST").await;
    }
}
