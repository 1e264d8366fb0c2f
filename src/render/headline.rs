//! The first line of every message, in all formats: who waits, how long and where, or how it ended.
//!
//! A phone shows only this line of a message. All formats share it, and it names somebody even if many wait.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::model::{Event, text, time::human};

use super::{
    MessageView,
    display::{self, ANSWERED, MISSED, OVER},
    entry::{ListedAlert, is_resolved},
};

/// The shortest wait that is mentioned.
const WORTH_SAYING: SignedDuration = SignedDuration::from_secs(10);
/// The rest of the reply window below which it is mentioned.
const CLOSING: SignedDuration = SignedDuration::from_hours(2);
/// The most names in the line about an end.
const NAMED: usize = 3;
/// Characters of a name beside other names.
const SHORT: usize = 40;

pub(super) fn headline(telling: &MessageView<'_>, entries: &[ListedAlert<'_>]) -> String {
    // Two rules may list the same customer.
    let customers: BTreeSet<&str> = telling.alerts.iter().map(|told| told.alert.contact.id.as_str()).collect();
    let words = match (entries.first(), customers.len()) {
        (None, _) => String::new(),
        (Some(first), 1) if is_resolved(telling) => ended(first),
        (Some(first), 1) => waits(first, telling),
        (Some(_), count) if is_resolved(telling) => {
            format!("{count} customers are no longer waiting: {}", names(entries, count))
        }
        (Some(first), count) => {
            let name = short(first);
            let still = if is_repeated(telling) { "still " } else { "" };
            format!("{count} customers are {still}waiting, {name} the longest: {}", how_long_and_where(first, telling))
        }
    };
    format!("{} {}", sign(telling, entries), late(words, telling)).trim().to_owned()
}

/// Adds the delay: the alert tells how things were, and others may have acted since.
fn late(words: String, telling: &MessageView<'_>) -> String {
    let Some(delay) = telling.delayed.map(human).filter(|_| !words.is_empty()) else { return words };
    match telling.alerts.len() {
        1 => format!("{words}; this message was delayed by {delay}"),
        count => format!("{count} alerts delayed by {delay}: {words}"),
    }
}

/// The sign of the severity; for an end, the sign of the worst end in the list.
fn sign(telling: &MessageView<'_>, entries: &[ListedAlert<'_>]) -> &'static str {
    if !is_resolved(telling) {
        return display::emoji(&telling.rule.severity);
    }
    let signs: Vec<&str> = entries.iter().map(|entry| entry.sign).collect();
    [MISSED, OVER].into_iter().find(|sign| signs.contains(sign)).unwrap_or(ANSWERED)
}

fn waits(entry: &ListedAlert<'_>, telling: &MessageView<'_>) -> String {
    let place = place(entry, telling);
    let who = &entry.who;
    if is_repeated(telling) {
        format!("{who} is still waiting: {}", how_long_and_where(entry, telling))
    } else if entry.waiting < WORTH_SAYING {
        format!("{who} is waiting on {place}")
    } else {
        format!("{who} has waited {}", how_long_and_where(entry, telling))
    }
}

fn is_repeated(telling: &MessageView<'_>) -> bool {
    telling.event == Event::Repeated
}

fn how_long_and_where(entry: &ListedAlert<'_>, telling: &MessageView<'_>) -> String {
    let open = match entry.told.waiting_open {
        Some(open) if open < entry.waiting => format!(" ({} of open hours)", human(open)),
        _ => String::new(),
    };
    let closing = match entry.reply_window {
        Some(left) if left <= CLOSING => format!("; the reply window closes in {}", human(left)),
        _ => String::new(),
    };
    format!("{}{open} on {}{closing}", human(entry.waiting), place(entry, telling))
}

fn place<'a>(entry: &'a ListedAlert<'_>, telling: &'a MessageView<'_>) -> &'a str {
    if entry.platform.is_empty() { telling.inbox } else { &entry.platform }
}

fn ended(entry: &ListedAlert<'_>) -> String {
    let platform = if entry.platform.is_empty() { String::new() } else { format!(" ({})", entry.platform) };
    format!("{}: {} after {}{platform}", entry.who, entry.outcome, human(entry.waiting))
}

/// A name beside other names. A User ID is not cut, since it would be useless then.
fn short(entry: &ListedAlert<'_>) -> String {
    if entry.name == entry.user_id { entry.who.clone() } else { display::isolated(&text::cut(&entry.name, SHORT)) }
}

/// The first names, and how many more there are.
fn names(entries: &[ListedAlert<'_>], count: usize) -> String {
    let mut names: Vec<String> = Vec::new();
    for entry in entries {
        let name = short(entry);
        if names.len() < NAMED && !names.contains(&name) {
            names.push(name);
        }
    }
    let more = count.saturating_sub(names.len());
    let last = if more > 0 { Some(format!("{more} more")) } else { names.pop() };
    match last {
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} and {last}", names.join(", ")),
        None => String::new(),
    }
}
