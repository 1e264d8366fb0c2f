//! What the body of an answer says: yes, no, or neither. Programs that accept Slack's payloads spell a yes in many
//! ways, and some say no with a status of success.
//!
//! No part of a body is repeated, since it may be any text.

use serde_json::{Map, Value};

use super::response::Answer;
use crate::model::{Blame, Outcome};

/// The meaning of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It says that the message was accepted.
    Yes,
    /// It says that the message was not accepted, with the answer's reason: a word, for comparison, or a status.
    No(No),
    /// The body is empty.
    Nothing,
    /// The body is an HTML page.
    Page,
    /// The body says neither yes nor no, or both.
    Unclear,
}

/// Why an answer says no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum No {
    Word(String),
    Status(u16),
}

const YES: [&str; 17] = [
    "1",
    "200",
    "200 ok",
    "accepted",
    "created",
    "delivered",
    "done",
    "message sent",
    "ok",
    "okay",
    "posted",
    "queued",
    "received",
    "sent",
    "success",
    "successful",
    "true",
];
const NO: [&str; 12] =
    ["0", "denied", "error", "fail", "failed", "failure", "false", "forbidden", "invalid", "no", "not ok", "rejected"];
/// Keys that say yes or no.
const FLAGS: [&str; 11] = [
    "ok",
    "success",
    "successful",
    "succeeded",
    "accepted",
    "delivered",
    "sent",
    "status",
    "result",
    "code",
    "statuscode",
];
/// Keys that may hold a yes; any other value in them is only a text.
const TEXTS: [&str; 4] = ["message", "msg", "response", "text"];
/// Keys under which a number other than 0 is an error.
const CODES: [&str; 4] = ["errcode", "errorcode", "error_code", "statuscode"];
/// Keys that name an error.
const ERRORS: [&str; 4] = ["error", "errors", "errmsg", "error_message"];

impl Said {
    /// Reads the text of a body.
    pub(super) fn of(body: &str) -> Self {
        let text = body.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Self::Nothing;
        }
        let start: String = text.chars().take(200).collect::<String>().to_ascii_lowercase();
        if ["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| start.contains(tag)) {
            return Self::Page;
        }
        match serde_json::from_str(text) {
            Ok(Value::Object(object)) => Self::of_object(&object),
            Ok(Value::Array(_)) => Self::Unclear,
            Ok(value) => word(&plain(&value)),
            Err(_) => word(text),
        }
    }

    fn of_object(object: &Map<String, Value>) -> Self {
        let (mut yes, mut no, mut why) = (false, false, None);
        for (key, value) in object {
            let key = key.to_ascii_lowercase();
            if ERRORS.contains(&key.as_str()) {
                if !is_nothing(value) && word(&plain(value)) != Self::Yes {
                    no = true;
                    why = why.or(Some(No::Word(reason(value))));
                }
            } else if CODES.contains(&key.as_str()) && value.as_i64() == Some(0) {
                yes = true;
            } else if let Some(status) = value.as_u64().and_then(|status| u16::try_from(status).ok())
                && [&FLAGS[..], &CODES[..]].concat().contains(&key.as_str())
                && (200..=599).contains(&status)
            {
                match status {
                    200..=299 => yes = true,
                    status => (no, why) = (true, Some(No::Status(status))),
                }
            } else if CODES.contains(&key.as_str()) && value.as_i64().is_some() {
                no = true;
            } else if FLAGS.contains(&key.as_str()) {
                match word(&plain(value)) {
                    Self::Yes => yes = true,
                    Self::No(_) => no = true,
                    _ => {}
                }
            }
        }
        // These keys count only where no other key says no.
        let in_words = |key: &str| object.get(key).is_some_and(|value| word(&plain(value)) == Self::Yes);
        yes |= !no && TEXTS.into_iter().any(in_words);
        match (yes, no) {
            (true, false) => Self::Yes,
            (false, true) => Self::No(why.unwrap_or(No::Word(String::new()))),
            // The keys say nothing, or contradict each other.
            _ => Self::Unclear,
        }
    }
}

/// Reads one word, or one line.
fn word(text: &str) -> Said {
    let quotes = |char: char| char.is_whitespace() || matches!(char, '"' | '\'' | '.' | '!' | ';');
    let word = text.trim_matches(quotes).to_lowercase();
    if YES.contains(&word.as_str()) {
        return Said::Yes;
    }
    let begins = ["error:", "error ", "failed:", "failed "].iter().any(|start| word.starts_with(start));
    if NO.contains(&word.as_str()) || begins { Said::No(No::Word(word)) } else { Said::Unclear }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The error's own name.
fn reason(value: &Value) -> String {
    let inner = ["code", "type", "message"].iter().find_map(|key| value.get(key)).unwrap_or(value);
    plain(inner).to_lowercase()
}

/// Whether the value of an error's key means that there is no error.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => matches!(text.trim().to_lowercase().as_str(), "" | "none" | "null" | "false" | "0"),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Bool(true) => false,
    }
}

/// The outcome of a no with a status of success, if its word is not one of Slack's. If the body has a status of its
/// own, that counts, and `by_status` reads it like the status of an answer.
pub(super) fn no(answer: &Answer, why: &No, by_status: impl Fn(&Answer) -> Outcome) -> Outcome {
    const SAYS_NO: &str = "the answer says that it was not accepted";
    let word = match why {
        No::Status(status) => {
            let inner = Answer { status: *status, body: String::new(), ..answer.clone() };
            return match by_status(&inner) {
                Outcome::Retry { after, ambiguous, .. } => Outcome::Retry {
                    after,
                    reason: format!("HTTP {}: the answer says {status}", answer.status),
                    ambiguous,
                },
                Outcome::Rejected { fault, .. } => answer.no(&format!("the answer says {status}"), fault),
                _ => answer.no(SAYS_NO, Blame::Payload),
            };
        }
        No::Word(word) => word,
    };
    let has = |words: &[&str]| words.iter().any(|one| word.contains(one));
    if has(&[
        "rate",
        "too many",
        "limit",
        "timeout",
        "timed out",
        "unavailable",
        "busy",
        "try again",
        "tempora",
        "overload",
    ]) {
        return answer.later(SAYS_NO, false);
    }
    let of_the_receiver = [
        "token",
        "auth",
        "permission",
        "forbidden",
        "denied",
        "revoked",
        "disabled",
        "archived",
        "expired",
        "not_found",
        "not found",
        "inactive",
        "signature",
    ];
    answer.no(SAYS_NO, if has(&of_the_receiver) { Blame::Receiver } else { Blame::Payload })
}

#[cfg(test)]
mod tests {
    use super::{No, Said};

    #[test]
    fn a_yes_in_any_spelling() {
        for body in [
            "ok",
            "OK\r\n",
            "\"ok\"",
            "'ok'",
            "Ok.",
            "okay",
            "1",
            "true",
            "success",
            "Accepted",
            "\u{feff}ok",
            "200 OK",
            r#"{"ok":true}"#,
            r#"{"success":true}"#,
            r#"{"success": "true"}"#,
            r#"{"ok":1}"#,
            r#"{"Success":true,"error":null}"#,
            r#"{"status":"ok"}"#,
            r#"{"status":"success","id":"4"}"#,
            r#"{"result":"success","msg":""}"#,
            r#"{"status":200}"#,
            r#"{"errcode":0,"errmsg":"ok"}"#,
            r#"{"code":200,"message":"hunter2"}"#,
            r#"{"ok":true,"errors":[]}"#,
            r#"{"StatusCode":0}"#,
            r#"{"message":"ok"}"#,
            r#"{"msg":"Sent","id":4}"#,
        ] {
            assert_eq!(Said::of(body), Said::Yes, "{body}");
        }
    }

    #[test]
    fn a_no_says_why() {
        let word = |text: &str| Said::No(No::Word(text.to_owned()));
        for (body, right) in [
            (r#"{"ok":false}"#, word("")),
            (r#"{"ok":false,"error":"invalid_blocks"}"#, word("invalid_blocks")),
            (r#"{"success":false,"error":{"code":"no_service"}}"#, word("no_service")),
            (r#"{"error":"Token expired"}"#, word("token expired")),
            (r#"{"errors":["a"]}"#, word("[\"a\"]")),
            (r#"{"status":"error","message":"x"}"#, word("")),
            (r#"{"status":503}"#, Said::No(No::Status(503))),
            (r#"{"ok":false,"error_code":429}"#, Said::No(No::Status(429))),
            (r#"{"errcode":40001,"errmsg":"invalid credential"}"#, word("invalid credential")),
            ("false", word("false")),
            ("0", word("0")),
            ("Error: no such channel", word("error: no such channel")),
        ] {
            assert_eq!(Said::of(body), right, "{body}");
        }
    }

    #[test]
    fn neither() {
        for (body, right) in [
            ("", Said::Nothing),
            (" \r\n", Said::Nothing),
            ("<!DOCTYPE html><title>ok</title>", Said::Page),
            ("\n<HTML>ok", Said::Page),
            ("hunter2", Said::Unclear),
            ("{}", Said::Unclear),
            (r#"{"message":"hunter2"}"#, Said::Unclear),
            ("[]", Said::Unclear),
            ("null", Said::Unclear),
            (r#"{"ok":true,"error":"hunter2"}"#, Said::Unclear),
            (r#"{"ok":true"#, Said::Unclear),
        ] {
            assert_eq!(Said::of(body), right, "{body}");
        }
    }
}
