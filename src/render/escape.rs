//! The escapes for `{{…}}` in files of each kind of text.
//!
//! The admin's own text in a template is not changed; every value of `{{…}}` is escaped.

use crate::model::text::{is_harmful, turns_direction};

/// Does not escape anything, for JSON: JSON has its own escape, and the program that reads it gets the text as it is.
pub(crate) fn nothing(text: &str) -> String {
    text.to_owned()
}

/// Escapes plain text for people: removes only characters that turn the direction of the text after them.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|c| !turns_direction(*c)).collect()
}

/// Escapes HTML text and quoted attributes. Handlebars' own escape also rewrites `=` and the backquote, which mail
/// clients then show wrongly in previews.
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

/// Escapes a text between the quotes of a JSON string.
pub(super) fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

/// Escapes one line for a terminal: a customer cannot move the cursor or begin a new line.
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
