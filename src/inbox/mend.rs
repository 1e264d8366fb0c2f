//! Repairs a record that is not valid JSON.
//!
//! A text cut in the middle of an emoji, a control character, a number that no computer has, or a value that is
//! nested without end must not prevent its customer's alert. What cannot be known becomes a value that no documented
//! field understands, so that it ends no alert.

use std::{borrow::Cow, iter};

use super::{
    quotes::escaped,
    split::{self, is_blank},
};

/// The deepest nesting of a record. What lies deeper is undocumented, and is dropped.
const DEEPEST: usize = 64;

/// The JSON that a record may stand for: as it came, without its faults, and with the quotes in its texts escaped.
pub(crate) fn readings(raw: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let without_faults = iter::once_with(move || Cow::from(mended(raw)));
    let with_quotes = iter::once_with(move || escaped(raw)).flatten().map(|escaped| Cow::from(mended(&escaped)));
    iter::once(Cow::from(raw)).chain(without_faults).chain(with_quotes)
}

/// The record as JSON, as far as it can be repaired.
pub(crate) fn mended(raw: &str) -> String {
    within(raw, usize::MAX, usize::MAX).unwrap_or_default()
}

/// The same, with every text cut after `longest` bytes; `None`: it is still larger than `most`.
pub(crate) fn within(raw: &str, longest: usize, most: usize) -> Option<String> {
    let mut mended = String::new();
    let mut rest = raw;
    let mut depth = 0_usize;
    while let Some(character) = rest.chars().next() {
        let length = match character {
            '"' => text(rest, longest, &mut mended),
            '[' | '{' if depth == DEEPEST => {
                mended.push_str("null");
                split::value(rest).map_or(rest.len(), str::len)
            }
            '[' | '{' | ']' | '}' => {
                depth = if matches!(character, '[' | '{') { depth + 1 } else { depth.saturating_sub(1) };
                mended.push(character);
                1
            }
            ',' | ':' => {
                mended.push(character);
                1
            }
            blank if is_blank(blank) => 1,
            _ => word(rest, &mut mended),
        };
        rest = rest.get(length..).unwrap_or_default();
        if mended.len() > most {
            return None;
        }
    }
    Some(mended)
}

/// A literal or a number. What only looks like a number becomes a text, which is never read as a documented number.
fn word(rest: &str, mended: &mut String) -> usize {
    let ends = |character: char| is_blank(character) || matches!(character, ',' | ':' | '"' | '[' | ']' | '{' | '}');
    let word = &rest[..rest.find(ends).unwrap_or(rest.len())];
    let looks_so = word.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first))
        || matches!(word, "NaN" | "Infinity" | "undefined");
    if looks_so && serde_json::from_str::<serde_json::Number>(word).is_err() {
        mended.push_str(&serde_json::Value::from(word).to_string());
    } else {
        mended.push_str(word);
    }
    word.len()
}

/// Writes a text with the escapes of JSON; returns how much of `rest` it was.
fn text(rest: &str, longest: usize, mended: &mut String) -> usize {
    mended.push('"');
    let begins = mended.len();
    let mut at = 1;
    while let Some(character) = rest[at..].chars().next() {
        match character {
            '"' => {
                mended.push('"');
                return at + 1;
            }
            _ if mended.len() - begins >= longest => {
                // The rest is skipped, with its escapes.
                at += if character == '\\' {
                    1 + rest[at + 1..].chars().next().map_or(0, char::len_utf8)
                } else {
                    character.len_utf8()
                };
            }
            '\\' => at += escape(&rest[at..], mended),
            control if control < ' ' => {
                // Its quotes are those of a text.
                mended.push_str(serde_json::Value::from(control.to_string()).to_string().trim_matches('"'));
                at += 1;
            }
            other => {
                mended.push(other);
                at += other.len_utf8();
            }
        }
    }
    at
}

/// Writes one escape. Half of a character is replaced; an escape that JSON does not know stays as text.
fn escape(rest: &str, mended: &mut String) -> usize {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let low = rest.get(6..).and_then(unit).is_some_and(|unit| (0xdc00..0xe000).contains(&unit));
    let kept = match (unit(rest), rest.as_bytes().get(1)) {
        (Some(0xd800..0xdc00), _) if low => 12,
        (Some(0xd800..0xe000), _) => {
            mended.push_str("\\ufffd");
            return 6;
        }
        (Some(_), _) => 6,
        (None, Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')) => 2,
        (None, _) => {
            mended.push_str("\\\\");
            return 1;
        }
    };
    mended.push_str(&rest[..kept]);
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::mended;

    #[test]
    fn what_was_meant_by_table() {
        for (raw, meant) in [
            (r#""hi \ud83d""#, json!("hi \u{fffd}")),
            (r#""\ude00 hi""#, json!("\u{fffd} hi")),
            (r#""\ud83d\ud83d\ude00""#, json!("\u{fffd}\u{1f600}")),
            (r#""\ud83d\n\u00e9\\ud83d""#, json!("\u{fffd}\né\\ud83d")),
            (r#""\ud83dé""#, json!("\u{fffd}é")),
            // An escape that JSON does not know, or half of an escape.
            (r#""C:\users \x41 \u12""#, json!("C:\\users \\x41 \\u12")),
            (r#""\u+123""#, json!("\\u+123")),
            ("\"a\u{0}\u{1}\tb\r\nc\"", json!("a\u{0}\u{1}\tb\r\nc")),
            ("[1e999, -1e999, NaN, Infinity, 0x1f, 01]", json!(["1e999", "-1e999", "NaN", "Infinity", "0x1f", "01"])),
            ("{ \"a\" : [ true , null ] ,\u{b}\"b\":-1.5e3 }", json!({ "a": [true, null], "b": -1500.0 })),
        ] {
            let read: Value = serde_json::from_str(&mended(raw)).unwrap_or_else(|error| panic!("{raw} {error}"));
            assert_eq!(read, meant, "{raw}");
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_dropped() {
        let deep = format!(r#"{{"_id":"c1","x":{}1{},"y":2}}"#, "[".repeat(100_000), "]".repeat(100_000));
        let read: Value = serde_json::from_str(&mended(&deep)).unwrap();
        assert_eq!((&read["_id"], &read["y"]), (&json!("c1"), &json!(2)));
    }

    proptest! {
        #[test]
        fn no_text_panics(raw in r#"[{}\[\]",:\\u8dé0-9a-f ]*"#) {
            let _ = mended(&raw);
        }

        #[test]
        fn a_text_of_anything_is_a_text(inside in r#"[^"\\]{0,30}"#) {
            let read: Result<String, _> = serde_json::from_str(&mended(&format!("\"{inside}\"")));
            prop_assert_eq!(read.ok(), Some(inside));
        }
    }
}
