//! Faults on request, like those of a real inbox, its proxies and the receivers.
//!
//! Faults wait in a queue. A request that would be answered properly takes the first one for its
//! kind; a request that is refused (token, rate limit, a bad body) takes none.

use std::time::Duration;

use axum::http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{End, SandboxAnswer, error_body};
use super::smtp::SinkTrouble;

/// Whose requests a fault is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// `POST /inbox/users`.
    #[default]
    Inbox,
    /// `GET /inbox/segments`.
    Segments,
    Slack,
    Webhook,
    /// The mail sink, at the end of a mail.
    Mail,
}

/// A record that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadRecord {
    /// A string instead of an object.
    Text,
    Null,
    WithoutId,
}

/// A kind of fault.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// Another status: at the inbox with the documented error, at a sink with its name, unless `body` is given.
    Status {
        /// The status.
        code: u16,
        /// The body, if it is not the usual one.
        #[serde(default)]
        body: Option<String>,
        /// The header `Retry-After`, in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// 502 with a proxy's page in HTML.
    Html,
    /// 200 with an empty body.
    Empty,
    /// A complete HTTP answer whose JSON ends in the middle.
    HalfJson,
    /// The whole length is announced, but the connection ends in the middle of the body.
    Cut,
    /// 200 with the documented structure of an error.
    NoSuccess,
    /// `data` is not an array.
    DataNoArray,
    /// JSON of another shape.
    WrongShape,
    /// 302.
    Redirect { to: String },
    /// A proper answer, but late.
    Delay {
        /// The delay in milliseconds.
        ms: u64,
    },
    /// The connection is closed without an answer.
    Close,
    /// The connection is reset without an answer.
    Reset,
    /// There is a bad record among the good ones.
    BadRecord { what: BadRecord },
    /// After this page the first record of the next one moves to the front, as if its customer
    /// had written: the page's last record comes again, and the moved one is missed.
    MoveToFront,
    /// After this page its first record is removed: the first record of the next page is missed.
    Vanish,
}

/// A fault that waits for its request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The requests that it is for.
    #[serde(default)]
    pub at: Place,
    /// Only for this page of the inbox.
    #[serde(default)]
    pub page: Option<usize>,
    /// The number of times.
    #[serde(default = "once")]
    pub times: u32,
    pub kind: FaultKind,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// Once, for the next request at `place`.
    pub fn at(place: Place, kind: FaultKind) -> Self {
        Self { at: place, page: None, times: 1, kind }
    }

    /// Once, for the next request for a page of the inbox.
    pub fn inbox(kind: FaultKind) -> Self {
        Self::at(Place::Inbox, kind)
    }

    /// Once, for the next message to Slack.
    pub fn slack(kind: FaultKind) -> Self {
        Self::at(Place::Slack, kind)
    }

    /// Once, for the next webhook.
    pub fn webhook(kind: FaultKind) -> Self {
        Self::at(Place::Webhook, kind)
    }

    /// Once, for the next mail.
    pub fn mail(kind: FaultKind) -> Self {
        Self::at(Place::Mail, kind)
    }

    /// The same, this number of times.
    #[must_use]
    pub fn repeated(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// The same, only for this page.
    #[must_use]
    pub fn on_page(self, page: usize) -> Self {
        Self { page: Some(page), ..self }
    }

    /// Why the fault is impossible, for whoever requested it.
    pub(super) fn mistake(&self) -> Option<&'static str> {
        let data = matches!(
            self.kind,
            FaultKind::NoSuccess
                | FaultKind::DataNoArray
                | FaultKind::WrongShape
                | FaultKind::BadRecord { .. }
                | FaultKind::MoveToFront
                | FaultKind::Vanish
        );
        match &self.kind {
            _ if self.page.is_some() && self.at != Place::Inbox => Some("`page` is for `\"at\": \"inbox\"` only"),
            _ if data && self.at != Place::Inbox => Some("this kind is for `\"at\": \"inbox\"` only"),
            FaultKind::Status { code, .. } if self.at == Place::Mail && !(400..=599).contains(code) => {
                Some("`code` must be from 400 to 599 for `\"at\": \"mail\"`")
            }
            _ if self.at == Place::Mail && self.kind.trouble().is_none() => {
                Some("for `\"at\": \"mail\"` there are `status`, `close` and `delay`")
            }
            FaultKind::Status { code, .. } if !(200..=599).contains(code) => Some("`code` must be from 200 to 599"),
            _ => None,
        }
    }
}

impl FaultKind {
    /// A bare status.
    pub fn status(code: u16) -> Self {
        Self::Status { code, body: None, retry_after: None }
    }

    /// The same for a client of the mail sink; `None`: a mail server has no such fault.
    pub(super) fn trouble(&self) -> Option<SinkTrouble> {
        match self {
            Self::Status { code, .. } => Some(SinkTrouble::Code(*code)),
            Self::Close => Some(SinkTrouble::HangUp),
            Self::Delay { ms } => Some(SinkTrouble::Delay(Duration::from_millis(*ms))),
            _ => None,
        }
    }

    /// 429 with `Retry-After`.
    pub fn too_many(retry_after: u64) -> Self {
        Self::Status { code: 429, body: None, retry_after: Some(retry_after) }
    }
}

/// The queue of faults.
#[derive(Default)]
pub(super) struct Queue(Vec<Fault>);

impl Queue {
    pub(super) fn push(&mut self, fault: Fault) {
        if fault.times > 0 {
            self.0.push(fault);
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes the fault for a request out of the queue, once.
    pub(super) fn take(&mut self, at: Place, page: Option<usize>) -> Option<FaultKind> {
        let index = self.0.iter().position(|fault| fault.at == at && (fault.page.is_none() || fault.page == page))?;
        let fault = self.0.get_mut(index)?;
        fault.times -= 1;
        if fault.times > 0 {
            return Some(fault.kind.clone());
        }
        Some(self.0.remove(index).kind)
    }
}

/// Makes a proper answer faulty.
pub(super) fn spoil(kind: &FaultKind, at: Place, mut answer: SandboxAnswer) -> SandboxAnswer {
    match kind {
        FaultKind::Status { code, body, retry_after } => {
            let answer = status_answer(*code, body.as_deref(), at);
            match retry_after {
                Some(seconds) => answer.with(header::RETRY_AFTER, seconds.to_string()),
                None => answer,
            }
        }
        FaultKind::Html => SandboxAnswer::html(
            StatusCode::BAD_GATEWAY,
            "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n",
        ),
        FaultKind::Empty => SandboxAnswer { body: Vec::new(), ..answer },
        FaultKind::HalfJson => {
            answer.body.truncate(answer.body.len() / 2);
            answer
        }
        FaultKind::Cut => SandboxAnswer { end: End::Cut, ..answer },
        FaultKind::Close => SandboxAnswer { end: End::Closed, ..answer },
        FaultKind::Reset => SandboxAnswer { end: End::Reset, ..answer },
        FaultKind::NoSuccess => {
            let body = error_body(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong.");
            SandboxAnswer::json(StatusCode::OK, &body)
        }
        FaultKind::DataNoArray => with_data(answer, |data| *data = json!({ "users": data.take() })),
        FaultKind::WrongShape => SandboxAnswer::json(StatusCode::OK, &json!([{ "status": "ok" }, 1, null])),
        FaultKind::Redirect { to } => SandboxAnswer::text(StatusCode::FOUND, "").with(header::LOCATION, to.clone()),
        FaultKind::Delay { ms } => SandboxAnswer { delay: Duration::from_millis(*ms), ..answer },
        FaultKind::BadRecord { what } => with_data(answer, |data| {
            if let Value::Array(records) = data {
                records.insert(records.len() / 2, bad_record(*what));
            }
        }),
        // These two change the inbox, not the answer.
        FaultKind::MoveToFront | FaultKind::Vanish => answer,
    }
}

fn status_answer(code: u16, body: Option<&str>, at: Place) -> SandboxAnswer {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reason = status.canonical_reason().unwrap_or("error");
    match (body, at, code) {
        (Some(body), ..) => SandboxAnswer::text(status, body),
        (None, Place::Slack | Place::Webhook | Place::Mail, _) => {
            SandboxAnswer::text(status, &reason.to_lowercase().replace([' ', '-'], "_"))
        }
        (None, Place::Inbox | Place::Segments, 401) => SandboxAnswer::error(status, super::answer::UNAUTHORIZED),
        (None, Place::Inbox | Place::Segments, _) => SandboxAnswer::error(status, &format!("{reason}.")),
    }
}

fn with_data(answer: SandboxAnswer, change: impl FnOnce(&mut Value)) -> SandboxAnswer {
    let Ok(mut envelope) = serde_json::from_slice::<Value>(&answer.body) else { return answer };
    if let Some(data) = envelope.get_mut("data") {
        change(data);
    }
    SandboxAnswer { body: envelope.to_string().into_bytes(), ..answer }
}

fn bad_record(what: BadRecord) -> Value {
    match what {
        BadRecord::Text => json!("a record that is no record"),
        BadRecord::Null => Value::Null,
        BadRecord::WithoutId => json!({ "platform": ["WEBSITE"], "status": "OPEN", "userInteracted": true }),
    }
}
