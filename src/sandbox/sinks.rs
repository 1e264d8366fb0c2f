//! Receivers that only keep what they get: an incoming webhook of Slack, and any other webhook.

use std::collections::HashSet;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::{Router, routing};
use serde_json::{Value, json};

use super::answer::SandboxAnswer;
use super::fault::{Place, spoil};
use super::line::Cutter;
use super::smtp::Mail;
use super::{Received, Sandbox};
use crate::model::time::iso;

/// The most blocks in one message.
const MOST_BLOCKS: usize = 50;

/// The routes of the sinks.
pub(super) fn routes() -> Router<Sandbox> {
    Router::new().route("/services/{*rest}", routing::post(slack)).route("/webhook/{*rest}", routing::post(webhook))
}

async fn slack(
    sandbox: State<Sandbox>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    receive(Place::Slack, &sandbox, &cutter, (&uri, &headers), body).await
}

async fn webhook(
    sandbox: State<Sandbox>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    receive(Place::Webhook, &sandbox, &cutter, (&uri, &headers), body).await
}

async fn receive(
    place: Place,
    sandbox: &Sandbox,
    cutter: &Cutter,
    (uri, headers): (&Uri, &HeaderMap),
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Ok(body) = body else {
        return SandboxAnswer::text(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large")
            .send(cutter, sandbox.shutdown())
            .await;
    };
    let answer = sandbox.with(|state, now| {
        let answer = match place {
            Place::Slack => match slack_mistake(&body) {
                Some(mistake) => SandboxAnswer::text(StatusCode::BAD_REQUEST, mistake),
                None => SandboxAnswer::text(StatusCode::OK, "ok"),
            },
            _ => SandboxAnswer::json(StatusCode::OK, &json!({ "received": true })),
        };
        let answer = match state.faults.take(place, None) {
            Some(kind) => spoil(&kind, place, answer),
            None => answer,
        };
        let headers = headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let received = Received {
            at: now,
            path: uri.path().to_owned(),
            headers,
            body: String::from_utf8_lossy(&body).into_owned(),
            status: answer.shown_status(),
        };
        state.keep(place, received);
        answer
    });
    answer.send(cutter, sandbox.shutdown()).await
}

/// The messages of a sink, for `GET /sandbox/sinks`.
pub(super) fn shown(received: &Received) -> Value {
    let headers: serde_json::Map<_, _> =
        received.headers.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let body = received.json().unwrap_or_else(|| Value::from(received.body.as_str()));
    json!({
        "at": iso(received.at), "path": received.path, "headers": headers, "body": body, "status": received.status,
    })
}

/// The mails of the mail sink, for `GET /sandbox/sinks`.
pub(super) fn shown_mail(mail: &Mail) -> Value {
    json!({
        "from": mail.from, "to": mail.to, "subject": mail.subject(), "text": mail.text(), "html": mail.html(),
        "data": mail.data,
    })
}

/// Slack's name for the mistake in a payload.
fn slack_mistake(body: &[u8]) -> Option<&'static str> {
    let Ok(Value::Object(payload)) = serde_json::from_slice::<Value>(body) else { return Some("invalid_payload") };
    let text = match payload.get("text") {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) => text.as_str(),
        Some(_) => return Some("invalid_payload"),
    };
    let blocks: &[Value] = match payload.get("blocks") {
        None | Some(Value::Null) => &[],
        Some(Value::Array(blocks)) => blocks,
        Some(_) => return Some("invalid_blocks"),
    };
    if blocks.len() > MOST_BLOCKS || !blocks.iter().all(block_fits) {
        return Some("invalid_blocks");
    }
    let ids: Vec<_> = blocks.iter().filter_map(|block| block.get("block_id")).collect();
    let distinct: HashSet<_> = ids.iter().filter_map(|id| id.as_str()).collect();
    if distinct.len() < ids.len() {
        return Some("invalid_blocks");
    }
    (text.trim().is_empty() && blocks.is_empty()).then_some("no_text")
}

fn block_fits(block: &Value) -> bool {
    let many = |name: &str, most: usize, fits: &dyn Fn(&Value) -> bool| {
        let list = block.get(name).and_then(Value::as_array);
        list.is_some_and(|list| (1..=most).contains(&list.len()) && list.iter().all(fits))
    };
    let id_fits = block.get("block_id").is_none_or(|id| id.as_str().is_some_and(|id| id.chars().count() <= 255));
    id_fits
        && match block.get("type").and_then(Value::as_str) {
            Some("section") => {
                let text = block.get("text");
                let fields = block.get("fields").is_none() || many("fields", 10, &|field| text_fits(field, 2_000));
                (text.is_some() || block.get("fields").is_some())
                    && text.is_none_or(|text| text_fits(text, 3_000))
                    && fields
            }
            Some("header") => {
                block.get("text").is_some_and(|text| text["type"] == "plain_text" && text_fits(text, 150))
            }
            Some("context") => many("elements", 10, &|element| element["type"] == "image" || text_fits(element, 3_000)),
            Some("actions") => many("elements", 25, &Value::is_object),
            Some("image") => {
                let short = |name: &str, most| {
                    block[name].as_str().is_some_and(|text| (1..=most).contains(&text.chars().count()))
                };
                short("alt_text", 2_000) && short("image_url", 3_000)
            }
            Some("divider" | "rich_text") => true,
            _ => false,
        }
}

/// Whether something is a text object of at most `most` characters.
fn text_fits(text: &Value, most: usize) -> bool {
    let kind = text["type"].as_str();
    let length = text["text"].as_str().map_or(0, |text| text.chars().count());
    matches!(kind, Some("mrkdwn" | "plain_text")) && (1..=most).contains(&length)
}
