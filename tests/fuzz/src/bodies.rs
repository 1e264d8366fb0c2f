//! What must hold for every message, whatever customers wrote and admins made of it.

use pengwatch::inside::{Body, is_harmful};
use serde_json::Value;

/// A body is acceptable to its receiver: valid, within limits, one line where one line is meant. `free`
/// is what an admin wrote: what stands there may stand in the message, too.
pub fn check(body: &Body, free: &str) {
    let part = |name| body.part(body.kind(), name).unwrap_or_else(|| panic!("no {name}: {body:?}"));
    match body.kind() {
        "slack" => {
            let payload = json(part("payload"));
            limits(&payload);
            each_text(&payload, &mut |text| {
                let calls = ["<!zq", "<@zq", "<#zq"].iter().any(|call| text.contains(call));
                assert!(!calls || free.contains("zq"), "a customer calls people: {text:?}");
            });
        }
        "webhook" => {
            json(part("payload"));
        }
        "email" => {
            let (subject, html) = (part("subject"), part("html"));
            let line = !subject.chars().any(|c| matches!(c, '\n' | '\r') || c.is_control());
            assert!(line && subject.chars().count() <= 200, "{subject:?}");
            assert!(free.contains("zq") || !html.contains("<!zq") && !html.contains("</zq"), "{html:?}");
        }
        _ => {
            let text = part("text");
            let control = text.chars().find(|c| *c != '\n' && is_harmful(*c) && !free.contains(*c));
            assert!(control.is_none(), "{control:?} for a terminal: {text:?}");
        }
    }
}

/// A body that was made by our own templates: every `<`, `>` and `&` in it is ours.
pub fn check_ours(body: &Body, ours: &[&str]) {
    check(body, "");
    if let Some(payload) = body.part("slack", "payload") {
        each_text(&json(payload), &mut |text| {
            let rest = ours.iter().fold(text.to_owned(), |rest, own| rest.replace(own, ""));
            let entity = |at: usize| ["&amp;", "&lt;", "&gt;"].iter().any(|entity| rest[at..].starts_with(entity));
            let bare = rest.match_indices('&').any(|(at, _)| !entity(at));
            assert!(!bare && !rest.contains(['<', '>']), "a customer's marks: {text:?}");
        });
    }
}

fn json(payload: &str) -> Value {
    serde_json::from_str(payload).unwrap_or_else(|error| panic!("{error}: {payload}"))
}

/// Slack's limits, as its reference has them.
fn limits(payload: &Value) {
    let length = |object: &Value| object["text"].as_str().unwrap_or_default().encode_utf16().count();
    let size = length(payload);
    assert!(size > 0 && size <= 40_000, "a text of {size}");
    let none = Vec::new();
    let blocks = payload["blocks"].as_array().unwrap_or(&none);
    assert!(blocks.len() <= 50, "{} blocks", blocks.len());
    for block in blocks {
        let most = if block["type"] == "header" { 150 } else { 3_000 };
        assert!(length(&block["text"]) <= most, "{block}");
        if block["type"] == "section" {
            assert!(block.get("text").is_none_or(|text| length(text) > 0), "{block}");
            let fields = block["fields"].as_array().unwrap_or(&none);
            assert!(fields.len() <= 10 && fields.iter().all(|field| (1..=2_000).contains(&length(field))), "{block}");
        }
    }
}

fn each_text(value: &Value, then: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => then(text),
        Value::Array(entries) => entries.iter().for_each(|entry| each_text(entry, then)),
        Value::Object(fields) => fields.values().for_each(|value| each_text(value, then)),
        _ => {}
    }
}
