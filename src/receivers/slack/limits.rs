//! Keeps what a template returns within Slack's limits: text is cut visibly, and a message is never refused.
//!
//! The limits are from Slack's reference on Block Kit. Slack answers longer messages with `invalid_blocks` or
//! `msg_blocks_too_long`, and the alert would be lost for its length.

use serde_json::{Map, Value, json};

/// Blocks of a message.
const BLOCKS: usize = 50;
/// Characters of the texts of all blocks.
const ALL: usize = 13_000;
/// Characters of the payload's `text`.
const TEXT: usize = 40_000;
/// Characters of a section's text, and of any text without a limit of its own.
const SECTION: usize = 3_000;
/// Characters of one field of a section, and how many fields.
const FIELD: (usize, usize) = (2_000, 10);
/// Characters of a header.
const HEADER: usize = 150;
/// Characters of a button's text.
const BUTTON: usize = 75;
/// Characters of an address.
const URL: usize = 3_000;
/// Elements of a context block, and of an actions block.
const ELEMENTS: (usize, usize) = (10, 25);

/// The payload of `slack.json.hbs` within Slack's limits; `fallback` becomes its `text` if it has none.
pub(super) fn payload(mut payload: Map<String, Value>, fallback: &str) -> Value {
    // Both would make Slack treat `@channel` and `#general` in a customer's text as real mentions.
    payload.remove("link_names");
    payload.remove("parse");
    // A link that a customer wrote must not be previewed.
    for preview in ["unfurl_links", "unfurl_media"] {
        payload.entry(preview).or_insert(Value::Bool(false));
    }
    let text = payload.get("text").and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let text = cut(text.unwrap_or(fallback), TEXT);
    payload.insert("text".to_owned(), text.into());
    if let Some(Value::Array(list)) = payload.get_mut("blocks") {
        *list = blocks(std::mem::take(list));
        if list.is_empty() {
            payload.remove("blocks");
        }
    }
    if let Some(Value::Array(attachments)) = payload.get_mut("attachments") {
        for attachment in attachments {
            if let Some(Value::Array(list)) = attachment.get_mut("blocks") {
                *list = blocks(std::mem::take(list));
            }
        }
    }
    Value::Object(payload)
}

/// The payload around the text of `slack.txt.hbs`.
pub(super) fn text_payload(given: &str, fallback: &str) -> Value {
    let mut rest = given.trim();
    let mut sections = Vec::new();
    while !rest.is_empty() {
        let (section, behind) = split(rest, SECTION);
        sections.push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": section } }));
        rest = behind.trim_start_matches('\n');
    }
    let mut whole = Map::new();
    whole.insert("text".to_owned(), given.trim().into());
    whole.insert("blocks".to_owned(), sections.into());
    payload(whole, fallback)
}

/// Splits after at most `most` characters, at a line end if possible.
fn split(text: &str, most: usize) -> (&str, &str) {
    if length(text) <= most {
        return (text, "");
    }
    let head = head(text, most);
    let whole = whole(head.to_owned()).len();
    let at = head[..whole].rfind('\n').filter(|at| *at > 0).unwrap_or(whole);
    // The limit is longer than any entity; this only prevents an endless loop.
    if at == 0 { (text, "") } else { text.split_at(at) }
}

fn blocks(list: Vec<Value>) -> Vec<Value> {
    let all = list.len();
    let mut kept: Vec<Value> = Vec::new();
    let mut left = ALL;
    let mut cut_off = 0;
    for (at, mut block) in list.into_iter().enumerate() {
        if !bound(&mut block) {
            continue;
        }
        let size = size(&block);
        // Leaves room for the note about what was cut, unless this is the last block.
        let is_last = at + 1 == all;
        let full = kept.len() + 1 > if is_last { BLOCKS } else { BLOCKS - 1 };
        if cut_off > 0 || full || size > left.saturating_sub(if is_last { 0 } else { 40 }) {
            cut_off += 1;
            continue;
        }
        left -= size;
        kept.push(block);
    }
    if cut_off > 0 {
        let noun = if cut_off == 1 { "block" } else { "blocks" };
        kept.push(json!({
            "type": "context",
            "elements": [{ "type": "plain_text", "text": format!("… and {cut_off} more {noun} cut") }],
        }));
    }
    kept
}

/// Cuts one block to its limits; returns `false` if nothing is left that Slack would accept.
fn bound(block: &mut Value) -> bool {
    let Some(fields) = block.as_object_mut() else { return false };
    match fields.get("type").and_then(Value::as_str).unwrap_or_default() {
        "header" => text_object(fields.get_mut("text"), HEADER),
        "section" => section(fields),
        "context" => elements(fields, ELEMENTS.0),
        "actions" => elements(fields, ELEMENTS.1),
        _ => {
            walk(block);
            true
        }
    }
}

fn section(fields: &mut Map<String, Value>) -> bool {
    if !text_object(fields.get_mut("text"), SECTION) {
        fields.remove("text");
    }
    if let Some(Value::Array(list)) = fields.get_mut("fields") {
        list.retain_mut(|field| text_object(Some(field), FIELD.0));
        list.truncate(FIELD.1);
        if list.is_empty() {
            fields.remove("fields");
        }
    }
    if fields.get_mut("accessory").is_some_and(|accessory| !element(accessory)) {
        fields.remove("accessory");
    }
    fields.contains_key("text") || fields.contains_key("fields")
}

fn elements(fields: &mut Map<String, Value>, most: usize) -> bool {
    let Some(Value::Array(list)) = fields.get_mut("elements") else { return false };
    list.retain_mut(element);
    list.truncate(most);
    !list.is_empty()
}

/// Cuts a text object, button or image.
fn element(element: &mut Value) -> bool {
    match element.get("type").and_then(Value::as_str).unwrap_or_default() {
        "plain_text" | "mrkdwn" => text_object(Some(element), SECTION),
        "button" => {
            // A cut address would lead nowhere.
            let long =
                element.get("url").and_then(Value::as_str).is_some_and(|url| url.is_empty() || length(url) > URL);
            !long && text_object(element.get_mut("text"), BUTTON)
        }
        _ => {
            walk(element);
            true
        }
    }
}

/// Cuts one text object; returns `false` if it is absent or empty, which Slack refuses.
fn text_object(object: Option<&mut Value>, most: usize) -> bool {
    let Some(fields) = object.and_then(Value::as_object_mut) else { return false };
    if fields.get("type").and_then(Value::as_str) == Some("mrkdwn") {
        // Slack then does not turn addresses, `@names` and `#channels` in the text into links, since they may be a
        // customer's. `<https://…|label>` still works.
        fields.entry("verbatim").or_insert(Value::Bool(true));
    }
    match fields.get_mut("text") {
        Some(Value::String(text)) => {
            *text = cut(text, most);
            !text.trim().is_empty()
        }
        _ => false,
    }
}

/// Cuts the texts of blocks that are not known here.
fn walk(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for value in fields.values_mut() {
                walk(value);
            }
            if matches!(fields.get("type").and_then(Value::as_str), Some("plain_text" | "mrkdwn")) {
                text_object(Some(value), SECTION);
            } else if let Some(Value::String(text)) = fields.get_mut("text") {
                *text = cut(text, SECTION);
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(walk),
        _ => {}
    }
}

/// Characters of all texts in a block.
fn size(value: &Value) -> usize {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| match value {
                Value::String(text) if name == "text" => length(text),
                other => size(other),
            })
            .sum(),
        Value::Array(entries) => entries.iter().map(size).sum(),
        _ => 0,
    }
}

/// The length as Slack counts it, in UTF-16 units like JavaScript: an emoji has two.
pub(crate) fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Cuts to at most `most` characters, with `…` at the place.
pub(super) fn cut(given: &str, most: usize) -> String {
    if length(given) <= most {
        return given.to_owned();
    }
    let kept = whole(head(given, most.saturating_sub(1)).to_owned());
    let kept = kept.trim_end().trim_end_matches(['\u{200d}', '\u{fe0f}']);
    format!("{kept}…")
}

/// The longest beginning of at most `most` characters.
fn head(given: &str, most: usize) -> &str {
    let mut used = 0;
    for (at, c) in given.char_indices() {
        used += c.len_utf16();
        if used > most {
            return &given[..at];
        }
    }
    given
}

/// Removes a torn escape (`&am`) or link (`<https://ex`) at the end.
pub(super) fn whole(mut kept: String) -> String {
    let ellipsis = kept.ends_with('…');
    if ellipsis {
        kept.pop();
    }
    if let Some(at) = kept.rfind('&')
        && kept.len() - at < "&quot;".len()
        && !kept[at..].contains(';')
    {
        kept.truncate(at);
    }
    if let Some(at) = kept.rfind('<')
        && !kept[at..].contains('>')
        && kept[at + 1..].starts_with(['@', '#', '!', 'h', 'm'])
    {
        kept.truncate(at);
    }
    if ellipsis {
        kept.push('…');
    }
    kept
}
