//! The documented endpoints: authentication, rate limit, validation and answers.

use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::{Router, body::Bytes, routing};
use jiff::Timestamp;
use serde_json::Value;

use super::answer::{SandboxAnswer, UNAUTHORIZED};
use super::fault::{Place, spoil};
use super::line::Cutter;
use super::validate::query;
use super::{Request, Sandbox, customers, state};

const USERS: &str = "/inbox/users";
const SEGMENTS: &str = "/inbox/segments";

/// The routes of the API.
pub(super) fn routes() -> Router<Sandbox> {
    Router::new().route(USERS, routing::post(users)).route(SEGMENTS, routing::get(segments))
}

async fn users(
    State(sandbox): State<Sandbox>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answer = sandbox.with(|state, now| {
        let read = read_body(&headers, body);
        let answer = answer_users(state, &headers, &read, now).at(now, state.settings.dated);
        let (size, body) = read.unwrap_or((0, Value::Null));
        state.requests.push(size, Request { at: now, path: USERS, body, status: answer.shown_status() });
        answer
    });
    answer.send(&cutter, sandbox.shutdown()).await
}

fn answer_users(
    state: &mut state::SandboxState,
    headers: &HeaderMap,
    body: &Result<(usize, Value), SandboxAnswer>,
    now: Timestamp,
) -> SandboxAnswer {
    if let Some(refusal) = refusal(state, headers, now) {
        return refusal;
    }
    let query = match body {
        Ok((_, body)) => match query(body) {
            Ok(query) => query,
            Err(message) => return SandboxAnswer::error(StatusCode::BAD_REQUEST, &message),
        },
        Err(answer) => return answer.clone(),
    };
    let answer = SandboxAnswer::success(Value::Array(state.page(&query)));
    match state.faults.take(Place::Inbox, Some(query.page)) {
        Some(kind) => {
            state.between_pages(&kind, &query, now);
            spoil(&kind, Place::Inbox, answer)
        }
        None => answer,
    }
}

async fn segments(
    State(sandbox): State<Sandbox>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    headers: HeaderMap,
) -> Response {
    let answer = sandbox.with(|state, now| {
        let answer = refusal(state, &headers, now).unwrap_or_else(|| {
            let answer = SandboxAnswer::success(customers::segments());
            match state.faults.take(Place::Segments, None) {
                Some(kind) => spoil(&kind, Place::Segments, answer),
                None => answer,
            }
        });
        let answer = answer.at(now, state.settings.dated);
        let request = Request { at: now, path: SEGMENTS, body: Value::Null, status: answer.shown_status() };
        state.requests.push(0, request);
        answer
    });
    answer.send(&cutter, sandbox.shutdown()).await
}

/// The answer to a request that is refused before its body is read: a wrong token, or too many requests.
fn refusal(state: &mut state::SandboxState, headers: &HeaderMap, now: Timestamp) -> Option<SandboxAnswer> {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = said("authorization").strip_prefix("Bearer ");
    if token != Some(state.settings.token.as_str()) || said("authtype") != "Key" {
        return Some(SandboxAnswer::error(StatusCode::UNAUTHORIZED, UNAUTHORIZED));
    }
    let seconds = state.admit(now).err()?;
    let limit = state.settings.rate_limit;
    let message = format!("Rate limit of {limit} requests per minute exceeded. Retry after {seconds} s.");
    let answer = SandboxAnswer::error(StatusCode::TOO_MANY_REQUESTS, &message);
    Some(answer.with(header::RETRY_AFTER, seconds.to_string()))
}

/// Reads the body as JSON; the error if it is too large or not JSON.
fn read_body(headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<(usize, Value), SandboxAnswer> {
    let body =
        body.map_err(|_| SandboxAnswer::error(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 1 MiB."))?;
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Err(SandboxAnswer::error(StatusCode::BAD_REQUEST, "`Content-Type` must be `application/json`."));
    }
    match serde_json::from_slice(&body) {
        Ok(value) => Ok((body.len(), value)),
        Err(_) => Err(SandboxAnswer::error(StatusCode::BAD_REQUEST, "The body must be JSON.")),
    }
}

/// The answer for every other path.
pub(super) async fn no_route() -> Response {
    answer_alone(StatusCode::NOT_FOUND, "There is no such endpoint.")
}

/// The answer for another method of a known path.
pub(super) async fn no_method() -> Response {
    answer_alone(StatusCode::METHOD_NOT_ALLOWED, "The endpoint has another method.")
}

fn answer_alone(status: StatusCode, message: &str) -> Response {
    SandboxAnswer::error(status, message).into_response()
}
