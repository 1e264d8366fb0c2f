//! The text of last resort, in Rust: it cannot fail.
//!
//! Goes out when a template fails, or a receiver refuses what a template made. First line: who
//! waits, how long, where.

use serde_json::{Value, json};

use crate::model::{text, time::human};

use super::{
    MessageView,
    entry::{ListedAlert, entries, rule, rules},
    headline::headline,
};

/// Characters of a message in the lists.
const TEXT: usize = 200;

/// A message without any markup; nothing of it is escaped.
#[derive(Clone, Debug, PartialEq)]
pub struct Plain {
    /// The first line, which alone says what it is about.
    pub subject: String,
    /// The subject is the first of them.
    pub lines: Vec<String>,
    /// The same for programs.
    pub json: Value,
    /// Whether customers' words may be in it: they are not to be read as markup.
    pub of_customers: bool,
}

/// The message in its plainest form.
pub(super) fn plain(telling: &MessageView<'_>) -> Plain {
    let entries = entries(telling);
    Plain {
        subject: headline(telling, &entries),
        lines: lines(telling, &entries),
        json: webhook(telling, &entries),
        of_customers: true,
    }
}

fn lines(telling: &MessageView<'_>, entries: &[ListedAlert<'_>]) -> Vec<String> {
    let mut lines = vec![headline(telling, entries)];
    if let ([entry], 1) = (entries, telling.alerts.len()) {
        lines.extend([quoted(entry), reach(entry)].into_iter().filter(|line| !line.is_empty()));
        return lines;
    }
    let several = rules(telling).len() > 1;
    for entry in entries {
        let rule = if several { text::one_line(&entry.told.rule.name, 200) } else { String::new() };
        let parts = [
            format!("{} {}", entry.sign, entry.who).trim().to_owned(),
            human(entry.waiting),
            entry.outcome.clone(),
            entry.platform.clone(),
            rule,
            quoted(entry),
            reach(entry),
        ];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        lines.push(format!("- {}", parts.join(" · ")));
    }
    let more = telling.alerts.len().saturating_sub(entries.len());
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

fn quoted(entry: &ListedAlert<'_>) -> String {
    let text = text::one_line(&entry.text, TEXT);
    if text.is_empty() { text } else { format!("“{text}”") }
}

fn reach(entry: &ListedAlert<'_>) -> String {
    let id = format!("User ID {}", entry.user_id);
    let parts = [entry.link.as_str(), &id, &entry.phone_number, &entry.email];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// The keys that the built-in `webhook.json.hbs` gives as well: programs rely on them.
fn webhook(telling: &MessageView<'_>, entries: &[ListedAlert<'_>]) -> Value {
    json!({
        "event": telling.event.name(),
        "rule": rule(telling.rule, false),
        "inbox": telling.inbox,
        "receiver": telling.receiver,
        "step": telling.step,
        "count": telling.alerts.len(),
        "more": telling.alerts.len().saturating_sub(entries.len()),
        "alerts": entries.iter().map(ListedAlert::webhook).collect::<Vec<_>>(),
    })
}
