//! Slack's escape: what a customer wrote is text and nothing else.

use crate::{model::text::turns_direction, render::escape::replace};

/// Slack's three control characters. With `<` gone there is no `<!channel>`, no `<@U…>` and no link
/// with a false label; this is the whole of Slack's own rule. What looks like the code of an emoji would be shown as
/// one.
pub(crate) fn escape(text: &str) -> String {
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
