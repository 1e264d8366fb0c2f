//! Authentication, validation, the rate limit, pages.

use std::collections::HashSet;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};

use super::{Bench, TOKEN, body, everyone, noon, on_page, refused, settings};
use crate::sandbox::Settings;
use crate::sandbox::records::Order;
use crate::sandbox::validate::{FIELDS, FieldShape};

fn without(path: &str) -> Value {
    let mut body = everyone();
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let parent = if parent.is_empty() { String::new() } else { format!("/{parent}") };
    body.pointer_mut(&parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    body
}

#[tokio::test]
async fn the_token_and_its_type_are_asked_for() {
    let bench = Bench::new(settings()).await;
    let good = format!("Bearer {TOKEN}");
    for (token, kind) in [
        (None, Some("Key")),
        (Some(good.as_str()), None),
        (Some(good.as_str()), Some("key")),
        (Some("Bearer other"), Some("Key")),
        (Some(TOKEN), Some("Key")),
    ] {
        for path in ["/inbox/users", "/inbox/segments"] {
            let url = format!("{}{path}", bench.running.url());
            let mut request =
                if path == "/inbox/users" { bench.client.post(url).json(&everyone()) } else { bench.client.get(url) };
            if let Some(token) = token {
                request = request.header(AUTHORIZATION, token);
            }
            if let Some(kind) = kind {
                request = request.header("authtype", kind);
            }
            let message = refused(request.send().await.unwrap(), 401, "UNAUTHORIZED").await;
            assert_eq!(message, "Bearer token is invalid or has expired.");
        }
    }
}

#[test]
fn the_body_has_the_documented_fields_and_no_other() {
    let page: Value = serde_json::from_str(include_str!("../../../tests/fixtures/inbox-fields.json")).unwrap();
    assert_eq!(json!(FIELDS.map(|(name, _)| name)), page["request"]);
}

#[tokio::test]
async fn every_field_is_required() {
    let bench = Bench::new(settings()).await;
    for (path, _) in FIELDS {
        let message = refused(bench.ask(&without(path)).await, 400, "BAD_REQUEST").await;
        assert_eq!(message, format!("`{path}` is required."));
    }
    assert_eq!(bench.ask(&everyone()).await.status(), 200);
}

#[tokio::test]
async fn every_field_has_its_type_and_its_values() {
    let bench = Bench::new(Settings { rate_limit: 0, ..settings() }).await;
    for (path, shape) in FIELDS {
        let wrong = match shape {
            FieldShape::Text => vec![json!(1), Value::Null],
            FieldShape::Time => vec![json!("yesterday"), json!(0), Value::Null],
            FieldShape::Flag => vec![json!("true"), json!(0), Value::Null],
            FieldShape::Texts => vec![json!(""), json!([1]), json!({}), Value::Null],
            FieldShape::Some(_) => vec![json!(["open?"]), json!("OPEN"), json!([null])],
            FieldShape::Object => vec![json!([]), json!(""), Value::Null],
            FieldShape::Page => vec![json!(0), json!(-1), json!(1.5), json!("1"), Value::Null],
            FieldShape::Export => vec![json!("csv"), json!(""), json!(false)],
        };
        for value in wrong {
            let message = refused(bench.ask(&body(&[(path, value)])).await, 400, "BAD_REQUEST").await;
            assert_eq!(message, format!("`{path}` must be {shape}."));
        }
    }
}

#[tokio::test]
async fn the_page_s_example_is_accepted() {
    let mut body = body(&[("applicableFilters", json!(["userInteracted"])), ("userInteracted", json!(true))]);
    body["isContact"] = json!(true);
    let bench = Bench::with(&[json!({})]).await;
    assert_eq!(bench.page(&body).await.len(), 1);
}

#[tokio::test]
async fn the_body_must_be_json_and_not_too_large() {
    let bench = Bench::new(settings()).await;
    let url = format!("{}/inbox/users", bench.running.url());
    let post = |kind: &'static str, text: String| {
        let request = bench.client.post(&url).bearer_auth(TOKEN).header("authtype", "Key").header(CONTENT_TYPE, kind);
        async move { request.body(text).send().await.unwrap() }
    };
    let bad = [
        ("application/json", "{".to_owned(), "The body must be JSON."),
        ("application/json", "[]".to_owned(), "The body must be a JSON object."),
        ("text/plain", everyone().to_string(), "`Content-Type` must be `application/json`."),
    ];
    for (kind, text, message) in bad {
        assert_eq!(refused(post(kind, text).await, 400, "BAD_REQUEST").await, message);
    }
    let large = post("application/json", " ".repeat(1024 * 1024 + 1)).await;
    refused(large, 413, "PAYLOAD_TOO_LARGE").await;
    assert_eq!(post("application/json; charset=utf-8", everyone().to_string()).await.status(), 200);
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let bench = Bench::new(settings()).await;
    let get = |path: &str| bench.client.get(format!("{}{path}", bench.running.url())).send();
    refused(get("/").await.unwrap(), 404, "NOT_FOUND").await;
    refused(get("/inbox/users").await.unwrap(), 405, "METHOD_NOT_ALLOWED").await;
}

#[tokio::test]
async fn the_rate_limit_is_of_any_sixty_seconds() {
    let bench = Bench::new(Settings { rate_limit: 3, ..settings() }).await;
    assert_eq!(bench.ask(&everyone()).await.status(), 200);
    bench.advance(20);
    // A request that is refused for its body counts; one that is refused for its token does not.
    assert_eq!(bench.ask(&json!({})).await.status(), 400);
    let url = format!("{}/inbox/segments", bench.running.url());
    assert_eq!(bench.client.get(&url).send().await.unwrap().status(), 401);
    let segments = bench.client.get(&url).bearer_auth(TOKEN).header("authtype", "Key");
    assert_eq!(segments.send().await.unwrap().status(), 200);

    let full = bench.ask(&everyone()).await;
    assert_eq!(full.headers()["retry-after"], "40");
    refused(full, 429, "TOO_MANY_REQUESTS").await;
    bench.advance(39);
    assert_eq!(bench.ask(&everyone()).await.headers()["retry-after"], "1");
    bench.advance(1);
    assert_eq!(bench.ask(&everyone()).await.status(), 200);
    assert_eq!(bench.ask(&everyone()).await.headers()["retry-after"], "20");

    let statuses: Vec<_> = bench.sandbox.log().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [200, 400, 401, 200, 429, 429, 200, 429]);
    assert_eq!(bench.sandbox.requests().len(), 6);
    assert_eq!(bench.sandbox.log()[0].at, noon());
}

#[tokio::test]
async fn pages_are_stable_and_the_newest_message_comes_first() {
    let bench = Bench::new(Settings { contacts: 45, waiting: 5, page_size: 20, ..settings() }).await;
    let mut pages = Vec::new();
    for page in 1..=4 {
        pages.push(bench.page(&on_page(page)).await);
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [20, 20, 5, 0]);
    let all: Vec<Value> = pages.into_iter().flatten().collect();
    assert!(all.is_sorted_by(|a, b| a["lastMessage"]["at"].as_str() >= b["lastMessage"]["at"].as_str()));
    let distinct: HashSet<_> = all.iter().map(|contact| contact["_id"].as_str()).collect();
    assert_eq!(distinct.len(), 45);
    assert_eq!(bench.page(&body(&[("page", json!(2.0))])).await.len(), 20);
}

#[tokio::test]
async fn records_of_the_same_time_are_in_the_order_of_their_ids() {
    for (order, expected) in
        [(Order::NewestFirst, ["c", "a", "b"]), (Order::OldestFirst, ["a", "b", "c"]), (Order::Id, ["a", "b", "c"])]
    {
        let bench = Bench::new(Settings { order, ..settings() }).await;
        bench.add(&json!({ "_id": "b" })).await;
        bench.add(&json!({ "_id": "a" })).await;
        bench.advance(1);
        bench.add(&json!({ "_id": "c" })).await;
        assert_eq!(bench.ids(&everyone()).await, expected);
    }
}

#[test]
fn settings_do_not_show_the_token() {
    assert!(!format!("{:?}", settings()).contains(TOKEN));
}

#[tokio::test]
async fn segments_have_names() {
    let bench = Bench::new(settings()).await;
    let url = format!("{}/inbox/segments", bench.running.url());
    let response = bench.client.get(url).bearer_auth(TOKEN).header("authtype", "Key").send().await.unwrap();
    let envelope: Value = response.json().await.unwrap();
    assert_eq!(envelope["code"], json!(200));
    for segment in envelope["data"].as_array().unwrap() {
        assert!(["_id", "_customer", "segmentName"].iter().all(|name| segment[name].is_string()));
    }
}

#[tokio::test]
async fn it_ends_when_told_to_even_with_a_slow_answer_under_way() {
    let bench = Bench::new(settings()).await;
    bench.sandbox.fault(crate::sandbox::Fault::inbox(crate::sandbox::FaultKind::Delay { ms: 600_000 }));
    let shutdown = bench.shutdown.clone();
    let asked = everyone();
    let (answer, ()) = tokio::join!(bench.ask(&asked), async {
        while bench.sandbox.log().is_empty() {
            tokio::task::yield_now().await;
        }
        shutdown.cancel();
    });
    assert_eq!(answer.status(), 200);
    bench.running.ended().await.unwrap();
}
