//! Repairs a record whose texts have quotes that are not escaped.
//!
//! What follows shows the end of such a text: after a value comes a comma with the next field, or the closing brackets.
//! If a field's name seems to be inside of a text, a quote is missing, and its place is unknown: such a record is not
//! repaired.

use super::split::is_blank;

/// The longest name of a field, in bytes.
const LONGEST_NAME: usize = 256;

/// The record with a backslash before each quote that belongs to a text; `None`: that cannot be known.
pub(crate) fn escaped(raw: &str) -> Option<String> {
    let mut escaped = String::with_capacity(raw.len() + 16);
    let mut open = Vec::new();
    let mut is_name = false;
    let mut copied = 0;
    let mut at = 0;
    while let Some(byte) = raw.as_bytes().get(at).copied() {
        match byte {
            b'"' => loop {
                at = next_quote(raw.as_bytes(), at + 1)?;
                if ends(raw, at + 1, &open, is_name) {
                    break;
                }
                if after_blanks(raw, at + 1).0 == Some(b':') {
                    return None;
                }
                escaped.push_str(&raw[copied..at]);
                escaped.push('\\');
                copied = at;
            },
            b'{' | b'[' => {
                open.push(byte);
                is_name = byte == b'{';
            }
            b'}' | b']' if open.pop() != Some(opening(byte)) => return None,
            b',' => is_name = open.last() == Some(&b'{'),
            b':' => is_name = false,
            _ => {}
        }
        at += 1;
    }
    escaped.push_str(&raw[copied..]);
    open.is_empty().then_some(escaped)
}

fn opening(closing: u8) -> u8 {
    if closing == b'}' { b'{' } else { b'[' }
}

/// The place of the next quote that is not escaped.
fn next_quote(raw: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match raw.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn after_blanks(raw: &str, from: usize) -> (Option<u8>, usize) {
    let rest = &raw.as_bytes()[from.min(raw.len())..];
    let blanks = rest.iter().take_while(|byte| is_blank(char::from(**byte))).count();
    (rest.get(blanks).copied(), from + blanks)
}

/// Whether the characters at `at` can follow a text within these brackets.
fn ends(raw: &str, at: usize, open: &[u8], is_name: bool) -> bool {
    let (mut next, mut at) = after_blanks(raw, at);
    if is_name {
        return next == Some(b':');
    }
    let mut open = open;
    while let (Some(closing @ (b'}' | b']')), Some((last, outer))) = (next, open.split_last()) {
        if *last != opening(closing) {
            return false;
        }
        open = outer;
        (next, at) = after_blanks(raw, at + 1);
    }
    match (next, open.last()) {
        (None, None) => true,
        (Some(b','), Some(b'{')) => begins_field(raw, at + 1),
        (Some(b','), Some(_)) => begins_value(raw, at + 1),
        _ => false,
    }
}

/// Whether there is a name with a colon at this place.
fn begins_field(raw: &str, at: usize) -> bool {
    let (Some(b'"'), at) = after_blanks(raw, at) else {
        return false;
    };
    let within = &raw.as_bytes()[..raw.len().min(at + LONGEST_NAME)];
    next_quote(within, at + 1).is_some_and(|end| after_blanks(raw, end + 1).0 == Some(b':'))
}

fn begins_value(raw: &str, at: usize) -> bool {
    let (next, at) = after_blanks(raw, at);
    let is_word = || ["true", "false", "null"].iter().any(|word| raw.as_bytes()[at..].starts_with(word.as_bytes()));
    next.is_some_and(|next| matches!(next, b'"' | b'{' | b'[' | b'-' | b'0'..=b'9') || is_word())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::escaped;

    #[test]
    fn what_was_meant_by_table() {
        for (raw, meant) in [
            (r#"{"a":"5" screen"}"#, json!({ "a": "5\" screen" })),
            (r#"{"a":"say "hi" now","b":1}"#, json!({ "a": "say \"hi\" now", "b": 1 })),
            (r#"{"a":""hi"","b":""}"#, json!({ "a": "\"hi\"", "b": "" })),
            (
                r#"{"a":"say "}" and "]", then "{", " , ok"}"#,
                json!({ "a": "say \"}\" and \"]\", then \"{\", \" , ok" }),
            ),
            (r#"{"a":{"b":["x "y" z","w"]},"c":"d"e" }"#, json!({ "a": { "b": ["x \"y\" z", "w"] }, "c": "d\"e" })),
            (
                r#"{ "a" : "b \" c "d" \\" , "e" : [ 1 , "f"g" , true ] }"#,
                json!({ "a": "b \" c \"d\" \\", "e": [1, "f\"g", true] }),
            ),
            (r#"{"a":"he said "no", and left","b":[]}"#, json!({ "a": "he said \"no\", and left", "b": [] })),
            (r#"{"a":"é "ü" 😀"}"#, json!({ "a": "é \"ü\" 😀" })),
            (r#"{"a"b":1}"#, json!({ "a\"b": 1 })),
            (r#""a" b""#, json!("a\" b")),
        ] {
            let read: Value =
                serde_json::from_str(&escaped(raw).unwrap()).unwrap_or_else(|error| panic!("{raw} {error}"));
            assert_eq!(read, meant, "{raw}");
        }
        for unknown in [
            // A quote is missing: what follows is a text, or a field.
            r#"{"a":"hello,"b":"OPEN"}"#,
            r#"{"a":"hello}"#,
            r#"{"a":hello","b":"OPEN"}"#,
            r#"{"a":"hello,"b":"OPEN","c":1}"#,
            r#"{"a":"C:\","b":1}"#,
            r#"{"a":"b"},{"a":"c"}"#,
            r#"{"a":"b"]}"#,
            r#"{"a":["b"}"#,
            r#"{"a":"b""#,
            "{\"a\":\"\\",
        ] {
            assert_eq!(escaped(unknown), None, "{unknown}");
        }
    }

    proptest! {
        #[test]
        fn what_is_json_stays(a in ".*", b in ".*", c in r#"[":,\[\]{}a ]*"#) {
            let text = json!({ "a": a, "b": [b, { "c": c }, 1.5, null], "": "" }).to_string();
            prop_assert_eq!(escaped(&text), Some(text));
        }

        #[test]
        fn a_quote_in_plain_words_is_found(words in proptest::collection::vec("[a-z é.!?]{1,8}", 1..8)) {
            let meant = words.join("\"");
            let read: Value = serde_json::from_str(&escaped(&format!(r#"{{"a":"{meant}","b":"{meant}"}}"#)).unwrap()).unwrap();
            prop_assert_eq!(read, json!({ "a": meant, "b": meant }));
        }

        #[test]
        fn no_text_panics(raw in r#"[\[\]{}",:\\ aé0]*"#) {
            let _ = escaped(&raw);
        }
    }
}
