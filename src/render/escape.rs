//! Escapes: how `{{…}}` is written into a file of one kind of text.
//!
//! The admin's own text in a template is never touched; everything that comes out of `{{…}}` is.

use crate::model::text::{is_harmful, turns_direction};

/// Nothing: what stands in JSON is escaped as JSON, and the program that reads it sees the text as it is.
pub(crate) fn nothing(text: &str) -> String {
    text.to_owned()
}

/// Plain text for people: nothing but marks that turn the direction of what follows.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|c| !turns_direction(*c)).collect()
}

/// HTML text and quoted attributes. Handlebars' own escape also rewrites `=` and the backquote,
/// which mail clients show wrongly in previews.
pub(crate) fn html(text: &str) -> String {
    replace(text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        c if turns_direction(c) => Some(""),
        _ => None,
    })
}

/// What stands between the quotes of a JSON string.
pub(super) fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

/// One line for a terminal: a customer can neither move the cursor nor begin a line of their own.
pub(crate) fn console(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !is_harmful(*c)).collect()
}

/// `text` with some characters replaced.
pub(crate) fn replace(text: &str, by: fn(char) -> Option<&'static str>) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match by(c) {
            Some(entity) => escaped.push_str(entity),
            None => escaped.push(c),
        }
    }
    escaped
}
