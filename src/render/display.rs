//! Words for people: platforms, phone numbers, initials, signs.

use unicode_segmentation::UnicodeSegmentation;

use crate::model::{Reason, phone};

/// A platform's name as people write it; an unknown one as the API spells it.
pub(super) fn platform(api: &str) -> &str {
    match api.to_ascii_uppercase().as_str() {
        "WHATSAPP" => "WhatsApp",
        "WEBSITE" => "Website",
        "TELEGRAM" => "Telegram",
        "FACEBOOK" => "Facebook",
        "INSTAGRAM" => "Instagram",
        _ => api,
    }
}

/// The emoji of a severity, platform or event; empty for anything else.
pub(super) fn emoji(of: &str) -> &'static str {
    match of.to_ascii_lowercase().as_str() {
        "info" => "🔵",
        "warning" => "🟠",
        "critical" => "🔴",
        "resolved" => "✅",
        "whatsapp" => "💬",
        "website" => "🌐",
        "telegram" => "✈️",
        "facebook" => "👥",
        "instagram" => "📷",
        _ => "",
    }
}

/// The first letters of up to three words: `R. K.`. Empty for a name without letters: initials of a phone number would
/// reveal a part of it.
pub(super) fn initials(name: &str) -> String {
    // Only the part of a mail address before the `@` counts, since the domain is not a name.
    let name = name.trim_start_matches('@').split('@').next().unwrap_or_default();
    name.split(|c: char| c.is_whitespace() || c == '.' || c == '_' || c == '-')
        .filter_map(|word| word.graphemes(true).next())
        .filter(|first| first.chars().next().is_some_and(char::is_alphabetic))
        .take(3)
        .map(|first| format!("{}.", first.to_uppercase()))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Isolates a name that runs from right to left. Otherwise the words and numbers after it would be shown in another
/// order.
pub(super) fn isolated(name: &str) -> String {
    let right_to_left = |c: char| {
        matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
            || matches!(c, '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
    };
    if name.chars().any(right_to_left) { format!("\u{2068}{name}\u{2069}") } else { name.to_owned() }
}

/// Hides all but the last two characters; hides all of them if there are fewer than six.
pub(super) fn mask(text: &str) -> String {
    let parts: Vec<&str> = text.graphemes(true).collect();
    let shown = if parts.len() < 6 { 0 } else { 2 };
    // There are equally many dots for every length, since the length would reveal something, too.
    let hidden = if parts.is_empty() { "" } else { "••••" };
    format!("{hidden}{}", parts[parts.len() - shown..].concat())
}

/// Puts `> ` before each line, so that a customer's line cannot look like one of ours.
pub(super) fn quote(text: &str) -> String {
    text.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n")
}

/// A phone number as people read it, `+91 98123 45678`; a text that is not certainly a number stays as it came. Without
/// a prefix, the number begins with the country code.
pub(super) fn phone(prefix: &str, number: &str) -> String {
    let known =
        if prefix.trim().is_empty() { phone::international(number) } else { phone::with_prefix(prefix, number) };
    known.unwrap_or_else(|| as_it_came(prefix, number))
}

/// The text of both fields; empty if it has no digit.
pub(super) fn as_it_came(prefix: &str, number: &str) -> String {
    if !number.chars().any(char::is_numeric) {
        return String::new();
    }
    [prefix.trim(), number.trim()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The sign of an end, since not every end is a good one.
pub(super) fn sign_of_end(reason: Reason) -> &'static str {
    match reason {
        Reason::AnsweredByAgent | Reason::AnsweredByBot | Reason::Closed | Reason::LiveChatEnded => ANSWERED,
        Reason::LiveChatExpired | Reason::WindowClosed => MISSED,
        Reason::Taken
        | Reason::WroteAgain
        | Reason::Read
        | Reason::Blocked
        | Reason::Gone
        | Reason::NoLongerMatches
        | Reason::RuleChanged
        | Reason::RuleRemoved
        | Reason::Mended => OVER,
    }
}

/// Somebody answered or took care of the customer.
pub(super) const ANSWERED: &str = "✅";

/// The alert is over, and it is not known that anybody answered.
pub(super) const OVER: &str = "⚪";

/// The alert is over, and the customer left without an answer.
pub(super) const MISSED: &str = "⚠️";
