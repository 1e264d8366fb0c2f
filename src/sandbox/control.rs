//! `/sandbox/…`: makes customers wait, get answers and leave, requests faults, and shows what the sinks got.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Router, routing};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::actions::{By, CustomerAction};
use super::answer::SandboxAnswer;
use super::fault::{Fault, Place};
use super::{Sandbox, SandboxError, sinks};

/// The routes for tests and the demo.
pub(super) fn routes() -> Router<Sandbox> {
    Router::new()
        .route("/sandbox/customers", routing::post(customers))
        .route("/sandbox/write", routing::post(write))
        .route("/sandbox/answer", routing::post(answer))
        .route("/sandbox/close", routing::post(close))
        .route("/sandbox/live-chat", routing::post(live_chat))
        .route("/sandbox/assign", routing::post(assign))
        .route("/sandbox/remove", routing::post(remove))
        .route("/sandbox/fault", routing::post(fault))
        .route("/sandbox/sinks", routing::get(sinks))
}

type Body = Result<Bytes, BytesRejection>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Write {
    id: String,
    #[serde(default)]
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    id: String,
    by: By,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Who {
    id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LiveChat {
    id: String,
    active: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Assign {
    id: String,
    agent: Option<String>,
}

async fn customers(State(sandbox): State<Sandbox>, body: Body) -> Response {
    reply(read(body).and_then(|given: Value| Ok(sandbox.make(given)?)))
}

async fn write(State(sandbox): State<Sandbox>, body: Body) -> Response {
    reply(read(body).and_then(|Write { id, text }| done(&sandbox, &id, &CustomerAction::Write(text))))
}

async fn answer(State(sandbox): State<Sandbox>, body: Body) -> Response {
    reply(read(body).and_then(|Reply { id, by, text }| done(&sandbox, &id, &CustomerAction::Answer(by, text))))
}

async fn close(State(sandbox): State<Sandbox>, body: Body) -> Response {
    reply(read(body).and_then(|Who { id }| done(&sandbox, &id, &CustomerAction::Close)))
}

async fn live_chat(State(sandbox): State<Sandbox>, body: Body) -> Response {
    reply(read(body).and_then(|LiveChat { id, active }| done(&sandbox, &id, &CustomerAction::LiveChat(active))))
}

async fn assign(State(sandbox): State<Sandbox>, body: Body) -> Response {
    let assigned = read(body)
        .and_then(|Assign { id, agent }| done(&sandbox, &id, &CustomerAction::Assign(agent.unwrap_or_default())));
    reply(assigned)
}

async fn remove(State(sandbox): State<Sandbox>, body: Body) -> Response {
    reply(read(body).and_then(|Who { id }| Ok(sandbox.remove(&id).ok_or(SandboxError::NoSuchContact)?)))
}

async fn fault(State(sandbox): State<Sandbox>, body: Body) -> Response {
    reply(read(body).and_then(|fault: Fault| {
        if let Some(mistake) = fault.mistake() {
            return Err(Refused(StatusCode::BAD_REQUEST, mistake.to_owned()));
        }
        if fault.at == Place::Mail && !sandbox.takes_mail() {
            return Err(SandboxError::NoMailSink.into());
        }
        sandbox.fault(fault);
        Ok(Value::Null)
    }))
}

async fn sinks(State(sandbox): State<Sandbox>) -> Response {
    let shown = |received: Vec<super::Received>| received.iter().map(sinks::shown).collect::<Vec<_>>();
    let mails: Vec<_> = sandbox.mails().iter().map(sinks::shown_mail).collect();
    reply(Ok(json!({ "slack": shown(sandbox.slack()), "webhooks": shown(sandbox.webhooks()), "mails": mails })))
}

/// Performs the action now, and answers with the changed contact.
fn done(sandbox: &Sandbox, id: &str, action: &CustomerAction) -> Result<Value, Refused> {
    sandbox.act(id, action, sandbox.now())?;
    Ok(sandbox.contact(id).unwrap_or_default())
}

/// A status with its reason.
struct Refused(StatusCode, String);

impl From<SandboxError> for Refused {
    fn from(mistake: SandboxError) -> Self {
        let status = match mistake {
            SandboxError::NoSuchContact => StatusCode::NOT_FOUND,
            SandboxError::NoObject | SandboxError::NoId | SandboxError::NoMailSink => StatusCode::BAD_REQUEST,
        };
        Self(status, mistake.to_string())
    }
}

fn read<T: DeserializeOwned>(body: Body) -> Result<T, Refused> {
    let body = body.map_err(|_| Refused(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 1 MiB".to_owned()))?;
    serde_json::from_slice(&body).map_err(|error| Refused(StatusCode::BAD_REQUEST, error.to_string()))
}

/// The envelope and the structure of errors are the API's own.
fn reply(result: Result<Value, Refused>) -> Response {
    match result {
        Ok(data) => SandboxAnswer::success(data),
        Err(Refused(status, message)) => SandboxAnswer::error(status, &message),
    }
    .into_response()
}
