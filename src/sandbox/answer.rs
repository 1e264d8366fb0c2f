//! An answer, and how it is sent.
//!
//! The whole answer is decided while the state is locked, so that a delay or a cut afterwards holds no lock.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::line::Cutter;

/// How the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Properly, after the answer.
    Proper,
    /// In the middle of the body.
    Cut,
    /// Without an answer.
    Closed,
    /// By a reset, without an answer.
    Reset,
}

/// The answer to a request.
#[derive(Clone)]
pub(super) struct SandboxAnswer {
    /// The status; not sent if the connection ends without an answer.
    pub(super) status: StatusCode,
    /// Headers besides the length.
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Vec<u8>,
    /// The delay before the answer.
    pub(super) delay: Duration,
    /// How the connection ends.
    pub(super) end: End,
}

impl SandboxAnswer {
    fn new(status: StatusCode, content_type: &str, body: Vec<u8>) -> Self {
        let headers = vec![(header::CONTENT_TYPE, content_type.to_owned())];
        Self { status, headers, body, delay: Duration::ZERO, end: End::Proper }
    }

    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        Self::new(status, "application/json; charset=utf-8", body.to_string().into_bytes())
    }

    /// Plain text, like Slack's answers.
    pub(super) fn text(status: StatusCode, body: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body.as_bytes().to_vec())
    }

    /// HTML, like proxies' answers.
    pub(super) fn html(status: StatusCode, body: &str) -> Self {
        Self::new(status, "text/html; charset=utf-8", body.as_bytes().to_vec())
    }

    /// The documented envelope around `data`.
    pub(super) fn success(data: Value) -> Self {
        let mut envelope = json!({ "success": true, "message": "", "code": 200 });
        // Set apart, so that a page of records is moved, not copied.
        envelope["data"] = data;
        Self::json(StatusCode::OK, &envelope)
    }

    /// The documented structure of an error.
    pub(super) fn error(status: StatusCode, message: &str) -> Self {
        Self::json(status, &error_body(status, message))
    }

    /// The same with one more header.
    pub(super) fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same with the header `Date`; without a time, with an unreadable one, so that the server adds none.
    pub(super) fn at(self, now: Timestamp, dated: bool) -> Self {
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&now).ok().filter(|_| dated);
        self.with(header::DATE, date.unwrap_or_default())
    }

    /// The status for the log of requests; 0: no answer.
    pub(super) fn shown_status(&self) -> u16 {
        match self.end {
            End::Proper | End::Cut => self.status.as_u16(),
            End::Closed | End::Reset => 0,
        }
    }

    /// Waits, then answers or ends the connection. The end of the sandbox ends the wait.
    pub(super) async fn send(self, cutter: &Cutter, shutdown: &CancellationToken) -> Response {
        if !self.delay.is_zero() {
            tokio::select! {
                () = tokio::time::sleep(self.delay) => {}
                () = shutdown.cancelled() => {}
            }
        }
        match self.end {
            End::Proper => {}
            End::Cut => cutter.cut_after(self.body.len() / 2),
            End::Closed => cutter.drop_line(false),
            End::Reset => cutter.drop_line(true),
        }
        self.into_response()
    }

    /// The answer for HTTP, without its delay and its cut.
    pub(super) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// The documented structure of an error.
pub(super) fn error_body(status: StatusCode, message: &str) -> Value {
    json!({
        "success": false,
        "error": { "code": code(status), "message": message, "statusCode": status.as_u16() },
    })
}

/// The error's name: the status's, spelled as in the page's example.
fn code(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or("ERROR").to_uppercase().replace([' ', '-'], "_")
}

/// The page's own words for a refused token.
pub(super) const UNAUTHORIZED: &str = "Bearer token is invalid or has expired.";
