//! How values are worded for people: platforms, phone numbers, initials, signs.

use unicode_segmentation::UnicodeSegmentation;

use crate::model::{Reason, phone};

/// A platform as people write it; an unknown one as the API spells it.
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

/// The sign of a severity, platform or event; empty for anything else.
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

/// The first letters of up to three words: `R. K.`; empty for a name without letters (a phone
/// number has no initials that would not give part of it away).
pub(super) fn initials(name: &str) -> String {
    // Of a mail address the part before the `@`: the domain is no name.
    let name = name.trim_start_matches('@').split('@').next().unwrap_or_default();
    name.split(|c: char| c.is_whitespace() || c == '.' || c == '_' || c == '-')
        .filter_map(|word| word.graphemes(true).next())
        .filter(|first| first.chars().next().is_some_and(char::is_alphabetic))
        .take(3)
        .map(|first| format!("{}.", first.to_uppercase()))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A name that cannot turn the direction of what stands beside it: where its letters run from right to
/// left, it is set apart, or the words and numbers after it would be shown in another order.
pub(super) fn isolated(name: &str) -> String {
    let right_to_left = |c: char| {
        matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
            || matches!(c, '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
    };
    if name.chars().any(right_to_left) { format!("\u{2068}{name}\u{2069}") } else { name.to_owned() }
}

/// All but the two last characters hidden; all of them where there are fewer than six.
pub(super) fn mask(text: &str) -> String {
    let parts: Vec<&str> = text.graphemes(true).collect();
    let shown = if parts.len() < 6 { 0 } else { 2 };
    // The same number of dots for every length: the length is a hint, too.
    let hidden = if parts.is_empty() { "" } else { "••••" };
    format!("{hidden}{}", parts[parts.len() - shown..].concat())
}

/// Each line behind a `> `, so that no line of a customer's passes for one of ours.
pub(super) fn quote(text: &str) -> String {
    text.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n")
}

/// A phone number as people read it, `+91 98123 45678`; what is not certainly one, as it came. Without a prefix
/// the number has its country's code in front.
pub(super) fn phone(prefix: &str, number: &str) -> String {
    let known =
        if prefix.trim().is_empty() { phone::international(number) } else { phone::with_prefix(prefix, number) };
    known.unwrap_or_else(|| as_it_came(prefix, number))
}

/// What stands in both fields; nothing, where no digit does.
pub(super) fn as_it_came(prefix: &str, number: &str) -> String {
    if !number.chars().any(char::is_numeric) {
        return String::new();
    }
    [prefix.trim(), number.trim()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// How an end is marked: not every end is a good one.
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

/// Somebody was there for the customer.
pub(super) const ANSWERED: &str = "✅";

/// It is over, and nobody has answered that we know of.
pub(super) const OVER: &str = "⚪";

/// It is over, and the customer left with nothing.
pub(super) const MISSED: &str = "⚠️";
