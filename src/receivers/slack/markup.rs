//! Slack's escape, which makes a customer's words plain text.

use crate::{model::text::turns_direction, render::escape::replace};

/// Escapes Slack's three control characters. Without `<` there are no `<!channel>`, no `<@U…>` and no link with a false
/// label; that is Slack's own rule. Emoji codes are broken up as well, since Slack would show them as emoji.
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

/// Adds a word joiner, which has no width, behind the first colon of `:fire:`, so that it is shown as written.
/// Addresses are not changed, so that they keep working.
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

/// Whether this begins with an emoji's name and a colon; a time of day does not.
fn begins_with_a_name(text: &str) -> bool {
    let Some((name, _)) = text.split_once(':') else { return false };
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '+' | '-' | '\'');
    let is_name = !name.is_empty() && name.chars().count() <= CODE && name.chars().all(fits);
    is_name && (!name.chars().all(|c| c.is_ascii_digit()) || matches!(name, "100" | "1234"))
}
