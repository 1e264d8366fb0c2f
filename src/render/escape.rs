//! One escape for each kind of file: how `{{…}}` is written into it.
//!
//! The admin's own text in a template is never touched; everything that comes out of `{{…}}` is.

use crate::model::text::is_harmful;

/// How the values of one kind of file are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Escape {
    /// Slack's control characters, then JSON string content.
    SlackJson,
    /// Slack's control characters.
    Slack,
    /// HTML text and attributes.
    Html,
    /// Nothing: plain text for people.
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
            Self::Nothing => text.to_owned(),
            Self::Json => json(text),
            Self::Console => console(text),
        }
    }
}

/// Slack's three control characters. With `<` gone there is no `<!channel>`, no `<@U…>` and no link
/// with a false label; this is the whole of Slack's own rule.
pub(super) fn slack(text: &str) -> String {
    replace(text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    })
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
