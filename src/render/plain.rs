//! The built-in plain text, written in Rust so that it cannot fail.
//!
//! It is sent when a template fails, or when a receiver refuses a template's message. Its first line says who waits,
//! how long and where.

use serde_json::Value;

use crate::model::{text, time::human};

use super::{
    MessageView,
    context::context,
    entry::{ListedAlert, entries, rules},
    headline::headline,
};

/// Characters of a customer's message that are shown.
const TEXT: usize = 200;

/// A message without markup; its texts are not escaped.
#[derive(Clone, Debug, PartialEq)]
pub struct Plain {
    /// The first line, which is understood by itself.
    pub subject: String,
    /// All lines, beginning with the subject.
    pub lines: Vec<String>,
    /// The same message for programs.
    pub json: Value,
    /// Whether it may contain customers' words, which must not be read as markup.
    pub of_customers: bool,
}

/// Makes the plain text of a message.
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

/// The keys of the built-in `webhook.json.hbs`, on which programs rely.
const OF_MESSAGE: [&str; 8] = ["event", "rule", "inbox", "receiver", "step", "count", "more", "alerts"];
const OF_ALERT: [&str; 18] = [
    "id",
    "rule",
    "inbox",
    "contact",
    "name",
    "platform",
    "bot",
    "agent",
    "tags",
    "segments",
    "text",
    "since",
    "waiting",
    "fired_at",
    "resolved_at",
    "ended_at",
    "reason",
    "link",
];
const OF_RULE: [&str; 3] = ["name", "description", "severity"];

/// What the built-in `webhook.json.hbs` sends, without a template.
fn webhook(telling: &MessageView<'_>, entries: &[ListedAlert<'_>]) -> Value {
    let mut message = picked(context(telling, entries), &OF_MESSAGE);
    message["rule"] = picked(message["rule"].take(), &OF_RULE);
    for alert in message["alerts"].as_array_mut().into_iter().flatten() {
        *alert = picked(alert.take(), &OF_ALERT);
        alert["rule"] = picked(alert["rule"].take(), &OF_RULE);
    }
    message
}

/// The values of these names, in their order. A program gets the unit of a duration in its name.
fn picked(mut of: Value, names: &[&str]) -> Value {
    let key = |name: &str| if name == "waiting" { "waiting_seconds".to_owned() } else { name.to_owned() };
    Value::Object(names.iter().map(|name| (key(name), of[name].take())).collect())
}
