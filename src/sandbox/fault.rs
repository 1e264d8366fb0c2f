//! Faults on request: what goes wrong with a real inbox, its proxies and the receivers.
//!
//! Faults wait in a queue. A request that would be answered properly takes the first one that is
//! meant for it; a request that is refused (token, rate limit, a bad body) leaves the queue alone.

use std::time::Duration;

use axum::http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Answer, End, error_body};
use super::smtp::Trouble;

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

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Kind {
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
    /// Whole in HTTP's eyes, but the JSON stops in the middle.
    HalfJson,
    /// The length of the whole is announced, then the connection ends in the middle of the body.
    Cut,
    /// 200 with the documented structure of an error.
    NoSuccess,
    /// `data` is no array.
    DataNoArray,
    /// JSON of quite another shape.
    WrongShape,
    /// 302.
    Redirect { to: String },
    /// A proper answer, but late.
    Delay {
        /// How late, in milliseconds.
        ms: u64,
    },
    /// The connection is closed without an answer.
    Close,
    /// The connection is reset without an answer.
    Reset,
    /// A bad record stands among the good ones.
    BadRecord { what: BadRecord },
    /// After this page the first record of the next one moves to the front, as if its customer
    /// had written: the page's last record comes again, and the moved one is missed.
    MoveToFront,
    /// After this page its first record is removed: the first record of the next page is missed.
    Vanish,
}

/// Something that will go wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// For whose requests.
    #[serde(default)]
    pub at: Place,
    /// Only for this page of the inbox.
    #[serde(default)]
    pub page: Option<usize>,
    /// How often.
    #[serde(default = "once")]
    pub times: u32,
    pub kind: Kind,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// Once, for the next request at `place`.
    pub fn at(place: Place, kind: Kind) -> Self {
        Self { at: place, page: None, times: 1, kind }
    }

    /// Once, for the next request for a page of the inbox.
    pub fn inbox(kind: Kind) -> Self {
        Self::at(Place::Inbox, kind)
    }

    /// Once, for the next message to Slack.
    pub fn slack(kind: Kind) -> Self {
        Self::at(Place::Slack, kind)
    }

    /// Once, for the next webhook.
    pub fn webhook(kind: Kind) -> Self {
        Self::at(Place::Webhook, kind)
    }

    /// Once, for the next mail.
    pub fn mail(kind: Kind) -> Self {
        Self::at(Place::Mail, kind)
    }

    /// The same, so many times.
    #[must_use]
    pub fn repeated(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// The same, only for this page.
    #[must_use]
    pub fn on_page(self, page: usize) -> Self {
        Self { page: Some(page), ..self }
    }

    /// What makes no sense in it, for whoever asked for it.
    pub(super) fn mistake(&self) -> Option<&'static str> {
        let data = matches!(
            self.kind,
            Kind::NoSuccess
                | Kind::DataNoArray
                | Kind::WrongShape
                | Kind::BadRecord { .. }
                | Kind::MoveToFront
                | Kind::Vanish
        );
        match &self.kind {
            _ if self.page.is_some() && self.at != Place::Inbox => Some("`page` is for `\"at\": \"inbox\"` only"),
            _ if data && self.at != Place::Inbox => Some("this kind is for `\"at\": \"inbox\"` only"),
            Kind::Status { code, .. } if self.at == Place::Mail && !(400..=599).contains(code) => {
                Some("`code` must be from 400 to 599 for `\"at\": \"mail\"`")
            }
            _ if self.at == Place::Mail && self.kind.trouble().is_none() => {
                Some("for `\"at\": \"mail\"` there are `status`, `close` and `delay`")
            }
            Kind::Status { code, .. } if !(200..=599).contains(code) => Some("`code` must be from 200 to 599"),
            _ => None,
        }
    }
}

impl Kind {
    /// A bare status.
    pub fn status(code: u16) -> Self {
        Self::Status { code, body: None, retry_after: None }
    }

    /// The same to a client that brings a mail; `None` where a mail server knows no such thing.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Status { code, .. } => Some(Trouble::Code(*code)),
            Self::Close => Some(Trouble::HangUp),
            Self::Delay { ms } => Some(Trouble::Delay(Duration::from_millis(*ms))),
            _ => None,
        }
    }

    /// 429 with `Retry-After`.
    pub fn too_many(retry_after: u64) -> Self {
        Self::Status { code: 429, body: None, retry_after: Some(retry_after) }
    }
}

/// The faults to come.
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

    /// The fault for a request, and one less of it.
    pub(super) fn take(&mut self, at: Place, page: Option<usize>) -> Option<Kind> {
        let index = self.0.iter().position(|fault| fault.at == at && (fault.page.is_none() || fault.page == page))?;
        let fault = self.0.get_mut(index)?;
        fault.times -= 1;
        if fault.times > 0 {
            return Some(fault.kind.clone());
        }
        Some(self.0.remove(index).kind)
    }
}

/// A proper answer made wrong.
pub(super) fn spoil(kind: &Kind, at: Place, mut answer: Answer) -> Answer {
    match kind {
        Kind::Status { code, body, retry_after } => {
            let answer = status_answer(*code, body.as_deref(), at);
            match retry_after {
                Some(seconds) => answer.with(header::RETRY_AFTER, seconds.to_string()),
                None => answer,
            }
        }
        Kind::Html => Answer::html(
            StatusCode::BAD_GATEWAY,
            "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n",
        ),
        Kind::Empty => Answer { body: Vec::new(), ..answer },
        Kind::HalfJson => {
            answer.body.truncate(answer.body.len() / 2);
            answer
        }
        Kind::Cut => Answer { end: End::Cut, ..answer },
        Kind::Close => Answer { end: End::Closed, ..answer },
        Kind::Reset => Answer { end: End::Reset, ..answer },
        Kind::NoSuccess => {
            let body = error_body(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong.");
            Answer::json(StatusCode::OK, &body)
        }
        Kind::DataNoArray => with_data(answer, |data| *data = json!({ "users": data.take() })),
        Kind::WrongShape => Answer::json(StatusCode::OK, &json!([{ "status": "ok" }, 1, null])),
        Kind::Redirect { to } => Answer::text(StatusCode::FOUND, "").with(header::LOCATION, to.clone()),
        Kind::Delay { ms } => Answer { delay: Duration::from_millis(*ms), ..answer },
        Kind::BadRecord { what } => with_data(answer, |data| {
            if let Value::Array(records) = data {
                records.insert(records.len() / 2, bad_record(*what));
            }
        }),
        // These two change the inbox, not the answer.
        Kind::MoveToFront | Kind::Vanish => answer,
    }
}

fn status_answer(code: u16, body: Option<&str>, at: Place) -> Answer {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reason = status.canonical_reason().unwrap_or("error");
    match (body, at, code) {
        (Some(body), ..) => Answer::text(status, body),
        (None, Place::Slack | Place::Webhook | Place::Mail, _) => {
            Answer::text(status, &reason.to_lowercase().replace([' ', '-'], "_"))
        }
        (None, Place::Inbox | Place::Segments, 401) => Answer::error(status, super::answer::UNAUTHORIZED),
        (None, Place::Inbox | Place::Segments, _) => Answer::error(status, &format!("{reason}.")),
    }
}

fn with_data(answer: Answer, change: impl FnOnce(&mut Value)) -> Answer {
    let Ok(mut envelope) = serde_json::from_slice::<Value>(&answer.body) else { return answer };
    if let Some(data) = envelope.get_mut("data") {
        change(data);
    }
    Answer { body: envelope.to_string().into_bytes(), ..answer }
}

fn bad_record(what: BadRecord) -> Value {
    match what {
        BadRecord::Text => json!("a record that is no record"),
        BadRecord::Null => Value::Null,
        BadRecord::WithoutId => json!({ "platform": ["WEBSITE"], "status": "OPEN", "userInteracted": true }),
    }
}
