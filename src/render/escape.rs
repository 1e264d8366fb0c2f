//! One escape for each kind of file: how `{{…}}` is written into it.
//!
//! The admin's own text in a template is never touched; everything that comes out of `{{…}}` is.

use crate::model::text::{is_harmful, turns_direction};

/// How the values of one kind of file are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Escape {
    /// Slack's control characters and codes of emoji, then JSON string content.
    SlackJson,
    /// Slack's control characters and codes of emoji.
    Slack,
    /// HTML text and attributes.
    Html,
    /// Nothing but marks that turn the direction of what follows: plain text for people.
    Nothing,
    /// JSON string content.
    Json,
    /// No control characters: a terminal obeys them.
    Console,
}

impl Escape {
    /// Every kind: each has a registry of its own.
    pub(super) const ALL: [Self; 6] =
        [Self::SlackJson, Self::Slack, Self::Html, Self::Nothing, Self::Json, Self::Console];

    /// `text` made safe for this kind of file.
    pub(super) fn apply(self, text: &str) -> String {
        match self {
            Self::SlackJson => json(&slack(text)),
            Self::Slack => slack(text),
            Self::Html => html(text),
            Self::Nothing => text.chars().filter(|c| !turns_direction(*c)).collect(),
            Self::Json => json(text),
            Self::Console => console(text),
        }
    }
}

/// Slack's three control characters. With `<` gone there is no `<!channel>`, no `<@U…>` and no link
/// with a false label; this is the whole of Slack's own rule. What looks like the code of an emoji would be shown as
/// one.
pub(super) fn slack(text: &str) -> String {
    let escaped = replace(text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        c if turns_direction(c) => Some(""),
        _ => None,
    });
    without_codes(&escaped)
}

/// The longest name of an emoji, in characters.
const CODE: usize = 100;

/// `:fire:` with a joiner of no width behind the first colon, so that it stays these six characters. Addresses keep
/// theirs: they lead somewhere.
fn without_codes(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for token in text.split_inclusive(char::is_whitespace) {
        if token.contains("://") {
            shown.push_str(token);
            continue;
        }
        for (at, c) in token.char_indices() {
            shown.push(c);
            if c == ':' && begins_with_a_name(&token[at + 1..]) {
                shown.push('\u{2060}');
            }
        }
    }
    shown
}

/// Whether this begins with the name of an emoji and a colon; a time of day does not.
fn begins_with_a_name(text: &str) -> bool {
    let Some((name, _)) = text.split_once(':') else { return false };
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '+' | '-' | '\'');
    let is_name = !name.is_empty() && name.chars().count() <= CODE && name.chars().all(fits);
    is_name && (!name.chars().all(|c| c.is_ascii_digit()) || matches!(name, "100" | "1234"))
}

/// HTML text and quoted attributes. Handlebars' own escape also rewrites `=` and the backquote,
/// which mail clients show wrongly in previews.
fn html(text: &str) -> String {
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
fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

/// One line for a terminal: a customer can neither move the cursor nor begin a line of their own.
pub(super) fn console(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !is_harmful(*c)).collect()
}

fn replace(text: &str, by: fn(char) -> Option<&'static str>) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match by(c) {
            Some(entity) => escaped.push_str(entity),
            None => escaped.push(c),
        }
    }
    escaped
}
