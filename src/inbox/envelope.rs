//! Checks what surrounds the records: whether an answer states success, and nothing in it contradicts that.
//!
//! An empty list ends every alert, so it is believed only from an answer in which nothing reports an error and nothing
//! contradicts itself. The documented good answer is `{success, message, code, data}`; anything else beside these is
//! judged by its name.

use jiff::SignedDuration;
use serde_json::{Map, Value};

use super::{InboxError, loose, mend::mended, split};

/// The depth to which values beside the records are examined.
const DEEPEST: usize = 4;

/// The largest part of one value, in bytes, that is examined.
const LONGEST: usize = 64 * 1024;

/// A successful answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Good<'a> {
    /// The list of records, as text.
    pub data: &'a str,
    /// The total number of records, if the answer states it; at least 1 if it states that more follow.
    pub stated: Option<u64>,
}

/// Reads an answer that came with a good HTTP status.
///
/// # Errors
/// The fault.
pub(crate) fn read(status: u16, retry_after: Option<SignedDuration>, body: &str) -> Result<Good<'_>, InboxError> {
    let body = body.trim_start_matches('\u{feff}').trim_matches(split::is_blank);
    match body.as_bytes().first() {
        None => return Err(InboxError::Empty { status }),
        Some(b'<') => return Err(InboxError::Html { status }),
        Some(b'{') => {}
        // Otherwise a list would be read as the fields of an envelope.
        Some(_) => {
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok();
            return Err(if is_json { wrong("it is not an object") } else { InboxError::NotJson });
        }
    }
    let envelope = Envelope::of(body)?;
    let failure = || envelope.failure(retry_after);
    match envelope.beside.get("success").map(truth) {
        Some(Some(true)) => {}
        Some(Some(false)) => return Err(failure()),
        _ => return Err(wrong("`success` is missing")),
    }
    if let Some(key) = accusation(&envelope.beside, DEEPEST) {
        let error = failure();
        return Err(match error {
            InboxError::Unsuccessful { .. } => InboxError::Contradiction { key },
            named => named,
        });
    }
    let data = envelope.data.filter(|data| *data != "null").ok_or(wrong("`data` is missing"))?;
    if split::entries(data).is_none() {
        return Err(wrong("`data` is not a list"));
    }
    Ok(Good { data, stated: stated(&envelope.beside) })
}

/// The documented error's code in an answer whose HTTP status is not a success.
pub(crate) fn error_code_of(body: &str) -> Option<String> {
    error_code(Envelope::of(body).ok()?.beside.get("error"))
}

fn wrong(what: &'static str) -> InboxError {
    InboxError::WrongShape { what }
}

struct Envelope<'a> {
    /// Checks everything besides the records.
    beside: Map<String, Value>,
    data: Option<&'a str>,
}

impl<'a> Envelope<'a> {
    fn of(body: &'a str) -> Result<Self, InboxError> {
        let mut envelope = Self { beside: Map::new(), data: None };
        let fields = split::fields(body).ok().or_else(|| loose::fields(body)).ok_or(InboxError::NotJson)?;
        for (name, raw) in fields {
            let twice = if name == "data" {
                envelope.data.replace(raw).is_some()
            } else {
                let value = value(raw).ok_or(InboxError::NotJson)?;
                envelope.beside.insert(name.to_owned(), value).is_some()
            };
            if twice {
                return Err(wrong("a field occurs twice"));
            }
        }
        Ok(envelope)
    }

    /// The error that the answer's own status reports.
    fn failure(&self, retry_after: Option<SignedDuration>) -> InboxError {
        let error = self.beside.get("error");
        let code = error_code(error);
        let of_error = error.and_then(|error| ["statusCode", "status", "code"].iter().find_map(|key| error.get(key)));
        let own = ["code", "statusCode", "status"].iter().filter_map(|key| number(self.beside.get(*key)?));
        let status = of_error.and_then(number).or_else(|| own.into_iter().find(|status| !is_good(*status)));
        match (status.and_then(|status| u16::try_from(status).ok()), code.as_deref()) {
            (Some(status @ (401 | 403)), _) => InboxError::TokenRefused { status },
            (_, Some("UNAUTHORIZED")) => InboxError::TokenRefused { status: 401 },
            (Some(429), _) => InboxError::RateLimited { retry_after },
            (Some(400), _) => InboxError::BadRequest { code },
            _ => InboxError::Unsuccessful { code },
        }
    }
}

/// A value beside the records, repaired if needed.
fn value(raw: &str) -> Option<Value> {
    if raw.len() > LONGEST {
        return Some(Value::Null);
    }
    serde_json::from_str(raw).or_else(|_| serde_json::from_str(&mended(raw))).ok()
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "ok" | "1" => Some(true),
            "false" | "no" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// The name of the first field that reports an error.
fn accusation(fields: &Map<String, Value>, depth: usize) -> Option<String> {
    fields.iter().find_map(|(name, value)| {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let accuses = match plain.as_str() {
            "success" | "ok" | "successful" | "succeeded" | "complete" | "completed" | "iscomplete" => {
                truth(value) == Some(false)
            }
            "code" | "statuscode" | "httpcode" | "httpstatus" | "httpstatuscode" | "responsecode" => {
                !is_good_code(value)
            }
            "status" | "result" | "state" | "statustext" | "reason" => !is_good_status(value),
            "message" | "messages" | "msg" | "detail" | "details" | "description" | "title" => texts_speak(value),
            "timeout" => *value == Value::Bool(true),
            _ if names_a_fault(&plain) => says_something(value),
            _ => false,
        };
        let inside = || match value {
            Value::Object(inside) if depth > 0 => accusation(inside, depth - 1),
            _ => None,
        };
        if accuses { Some(shown(name)) } else { inside() }
    })
}

/// A field's name as it may stand in a message: the API chose it, but it may contain anything.
fn shown(name: &str) -> String {
    let is_plain = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if is_plain { name.to_owned() } else { "a field".to_owned() }
}

/// Whether a field of this name reports errors.
fn names_a_fault(plain: &str) -> bool {
    ["error", "exception", "fail", "timedout", "unauthorized", "unavailable"].iter().any(|part| plain.contains(part))
        || ["err", "fault", "partial", "incomplete", "degraded", "truncated", "aborted"]
            .iter()
            .any(|part| plain.starts_with(part))
        || ["stacktrace", "stack"].contains(&plain)
}

/// Whether a value reports something. Empty values, in all spellings, do not.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => !number.as_u64().is_some_and(|number| number == 0 || is_good(number)),
        Value::String(text) => {
            let text = text.trim().to_ascii_lowercase();
            !matches!(
                text.as_str(),
                "" | "0" | "200" | "false" | "none" | "null" | "no" | "ok" | "undefined" | "n/a" | "-"
            )
        }
        Value::Array(entries) => entries.iter().any(says_something),
        // `conversationSummary.errorStatus` has this shape.
        Value::Object(fields) if fields.get("isError").and_then(truth) == Some(false) => false,
        Value::Object(fields) => fields.values().any(says_something),
    }
}

/// Statuses of a whole answer, not of an answer in progress or of a part.
pub(crate) fn is_good(status: u64) -> bool {
    (200..=299).contains(&status) && !matches!(status, 202 | 205..=207 | 226)
}

fn number(value: &Value) -> Option<u64> {
    let of_text = |text: &str| {
        let digits = text.trim().split(|character: char| !character.is_ascii_digit()).next()?;
        digits.parse().ok()
    };
    value.as_u64().or_else(|| whole(value.as_f64()?)).or_else(|| of_text(value.as_str()?))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(number: f64) -> Option<u64> {
    (0.0..1.0e15).contains(&number).then_some(number as u64)
}

/// `code` repeats the HTTP status. An absent or empty one means nothing.
fn is_good_code(value: &Value) -> bool {
    match (number(value), value) {
        (Some(status), _) => is_good(status),
        (None, Value::Null) => true,
        (None, Value::String(text)) => text.trim().is_empty() || is_good_word(text),
        (None, _) => false,
    }
}

fn is_good_status(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::Number(_) => number(value).is_some_and(|status| status == 1 || is_good(status)),
        Value::String(text) => match number(value) {
            Some(status) if (100..=599).contains(&status) => is_good(status),
            _ => !speaks(text),
        },
        // In objects, the fields' names decide.
        Value::Null | Value::Array(_) | Value::Object(_) => true,
    }
}

fn is_good_word(text: &str) -> bool {
    matches!(
        text.trim().to_ascii_lowercase().as_str(),
        "ok" | "success" | "successful" | "succeeded" | "done" | "found"
    )
}

/// Whether a message, of whatever shape, reports an error. In a successful answer it is empty.
fn texts_speak(value: &Value) -> bool {
    match value {
        Value::String(text) => speaks(text),
        Value::Array(entries) => entries.iter().any(texts_speak),
        Value::Object(fields) => fields.values().any(texts_speak),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Words with which messages report errors. "Not found" is not one of them, because some programs say it of an empty
/// list.
const WORDS: [&str; 44] = [
    "error",
    "exception",
    "fail",
    "wrong",
    "invalid",
    "not valid",
    "not success",
    "unsuccess",
    "unauthori",
    "forbidden",
    "denied",
    "expired",
    "refused",
    "rejected",
    "timeout",
    "timed out",
    "time out",
    "unavailable",
    "not available",
    "overload",
    "too many",
    "rate limit",
    "throttl",
    "exceeded",
    "quota",
    "suspend",
    "disabled",
    "try again",
    "retry",
    "maintenance",
    "could not",
    "couldn't",
    "cannot",
    "can't",
    "can not",
    "unable",
    "abort",
    "partial result",
    "partial data",
    "degraded",
    "incomplete",
    "bad request",
    "internal server",
    "required",
];

fn speaks(text: &str) -> bool {
    let mut text = text.to_lowercase();
    for harmless in ["no errors", "no error", "without errors", "without error", "0 errors", "0 failed", "no failures"]
    {
        text = text.replace(harmless, "");
    }
    WORDS.iter().any(|word| text.contains(word))
}

/// The number of records that the answer states.
fn stated(beside: &Map<String, Value>) -> Option<u64> {
    let totals = [
        "total",
        "totalcount",
        "totalrecords",
        "totalresults",
        "totalitems",
        "totalusers",
        "totalcontacts",
        "totaldocs",
        "count",
    ];
    let more = ["hasmore", "hasnext", "hasnextpage"];
    let of = |(name, value): (&String, &Value)| {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        match value {
            Value::Bool(true) if more.contains(&plain.as_str()) => Some(u64::MAX),
            Value::Number(_) | Value::String(_) if totals.contains(&plain.as_str()) => number(value),
            Value::Object(inside) if ["meta", "pagination", "paging", "page", "pageinfo"].contains(&plain.as_str()) => {
                stated(inside)
            }
            _ => None,
        }
    };
    beside.iter().filter_map(of).max()
}

/// The documented error's code, if it looks like a code; anything else may hold a customer's text.
fn error_code(error: Option<&Value>) -> Option<String> {
    let error = error?;
    let code = error.as_str().or_else(|| error.get("code")?.as_str())?;
    let plain = !code.is_empty() && code.len() <= 40 && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    plain.then(|| code.to_owned())
}
