//! An answer's bytes → a page of contacts, or the named error.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, value::RawValue};

use super::InboxError;
use crate::model::{Contact, time::parse_retry_after};

/// One page as it came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The records that were understood, in order.
    pub contacts: Vec<Contact>,
    /// How many were not: one bad record does not lose the page.
    pub unreadable: usize,
    /// How many bytes the answer took.
    pub bytes: usize,
}

impl Page {
    /// How many records came.
    pub fn len(&self) -> usize {
        self.contacts.len() + self.unreadable
    }

    /// Whether none came.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The longest pause that is believed: who waits longer is blind for longer.
pub const MOST_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// Both envelopes: `{success, message, code, data}` and `{success, error}`.
#[derive(Deserialize)]
struct Envelope<'a> {
    success: Option<Value>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    error: Option<Value>,
    code: Option<Value>,
}

/// What of an answer decides, besides its body.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<&'a str>,
    /// The time, for a date in that header.
    pub now: Timestamp,
}

/// Reads a page of the inbox.
///
/// # Errors
/// The named fault; the records of such an answer are no evidence of anything.
pub fn page(head: Head<'_>, body: &[u8]) -> Result<Page, InboxError> {
    let mut page = Page { bytes: body.len(), ..Page::default() };
    for raw in data(head, body)? {
        match record(raw.get()).and_then(|value| Contact::read(value).ok()) {
            Some(contact) => page.contacts.push(contact),
            None => page.unreadable += 1,
        }
    }
    Ok(page)
}

fn record(raw: &str) -> Option<Value> {
    serde_json::from_str(raw).or_else(|_| serde_json::from_str(&without_halves(raw))).ok()
}

/// JSON whose halves of characters are replaced: a text cut in the middle of an emoji must not cost
/// its customer the alert.
fn without_halves(raw: &str) -> String {
    let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let mut mended = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        mended.push_str(&rest[..at]);
        rest = &rest[at..];
        let low = rest.get(6..).and_then(unit).is_some_and(|unit| (0xdc00..0xe000).contains(&unit));
        let (kept, length) = match unit(rest) {
            Some(0xd800..0xdc00) if low => (12, 12),
            Some(0xd800..0xe000) => {
                mended.push_str("\\ufffd");
                (0, 6)
            }
            Some(_) => (6, 6),
            None => {
                let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                (length, length)
            }
        };
        mended.push_str(&rest[..kept]);
        rest = &rest[length..];
    }
    mended.push_str(rest);
    mended
}

/// Reads `GET /inbox/segments`: names by id; entries without both are left out.
///
/// # Errors
/// The named fault.
pub fn segments(head: Head<'_>, body: &[u8]) -> Result<BTreeMap<String, String>, InboxError> {
    let named = |raw: &&RawValue| {
        let value: Value = serde_json::from_str(raw.get()).ok()?;
        let text = |key: &str| value.get(key)?.as_str().map(str::to_owned).filter(|text| !text.is_empty());
        Some((text("_id")?, text("segmentName")?))
    };
    Ok(data(head, body)?.iter().filter_map(named).collect())
}

fn data<'a>(head: Head<'_>, body: &'a [u8]) -> Result<Vec<&'a RawValue>, InboxError> {
    let retry_after =
        head.retry_after.and_then(|value| parse_retry_after(value, head.now)).map(|pause| pause.min(MOST_PAUSE));
    let code =
        || serde_json::from_slice::<Envelope>(body).ok().and_then(|envelope| error_code(envelope.error.as_ref()));
    match head.status {
        200..=299 => success(head.status, retry_after, body),
        300..=399 => Err(InboxError::Redirected { status: head.status }),
        400 => Err(InboxError::BadRequest { code: code() }),
        401 | 403 => Err(InboxError::TokenRefused { status: head.status }),
        429 => Err(InboxError::RateLimited { retry_after }),
        408 | 425 | 500..=599 => Err(InboxError::Server { status: head.status, retry_after }),
        status => Err(InboxError::Status { status }),
    }
}

fn success(status: u16, retry_after: Option<SignedDuration>, body: &[u8]) -> Result<Vec<&RawValue>, InboxError> {
    let start = body.iter().position(|byte| !byte.is_ascii_whitespace());
    match start.map(|at| body[at]) {
        None => return Err(InboxError::Empty { status }),
        Some(b'<') => return Err(InboxError::Html { status }),
        Some(b'{') => {}
        // A list, too, would be taken for the fields of an envelope.
        Some(_) => {
            let json = serde_json::from_slice::<IgnoredAny>(body).is_ok();
            return Err(if json { InboxError::WrongShape { what: "it is no object" } } else { InboxError::NotJson });
        }
    }
    let envelope: Envelope = serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => InboxError::WrongShape { what: "a field stands there twice" },
        _ => InboxError::NotJson,
    })?;
    match envelope.success.as_ref().map(truth) {
        Some(Some(true)) => {}
        Some(Some(false)) => return Err(unsuccessful(&envelope, retry_after)),
        _ => return Err(InboxError::WrongShape { what: "`success` is missing" }),
    }
    if envelope.error.as_ref().is_some_and(Value::is_object) {
        return Err(unsuccessful(&envelope, retry_after));
    }
    let data = envelope.data.ok_or(InboxError::WrongShape { what: "`data` is missing" })?;
    serde_json::from_str(data.get()).map_err(|_| InboxError::WrongShape { what: "`data` is no list" })
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => Some(number.as_f64() != Some(0.0)),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// An error that came with HTTP 200: its own status says what it is.
fn unsuccessful(envelope: &Envelope<'_>, retry_after: Option<SignedDuration>) -> InboxError {
    let number = |value: Option<&Value>| {
        let value = value?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok()).and_then(|number| u16::try_from(number).ok())
    };
    let error = envelope.error.as_ref();
    let code = error_code(error);
    let status = number(error.and_then(|error| error.get("statusCode"))).or_else(|| number(envelope.code.as_ref()));
    match (status, code.as_deref()) {
        (Some(status @ (401 | 403)), _) => InboxError::TokenRefused { status },
        (_, Some("UNAUTHORIZED")) => InboxError::TokenRefused { status: status.unwrap_or(401) },
        (Some(429), _) => InboxError::RateLimited { retry_after },
        (Some(400), _) => InboxError::BadRequest { code },
        _ => InboxError::Unsuccessful { code },
    }
}

/// The documented error's code, if it looks like one: anything else may hold a customer's text.
fn error_code(error: Option<&Value>) -> Option<String> {
    let code = error?.get("code")?.as_str()?;
    let plain = !code.is_empty() && code.len() <= 40 && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    plain.then(|| code.to_owned())
}

#[cfg(test)]
mod tests;
