//! The text of last resort, in Rust: it cannot fail.
//!
//! Goes out when a template fails, or a receiver refuses what a template made. First line: who
//! waits, how long, where.

use serde_json::{Value, json};

use crate::model::{Body, text, time::human};

use super::{
    Format, MessageView,
    entry::{ListedAlert, entries, rule, rules},
    escape,
    headline::headline,
};

/// Characters of a message in the lists.
const TEXT: usize = 200;

/// The message in its plainest form.
pub(super) fn body(format: Format, telling: &MessageView<'_>) -> Body {
    let entries = entries(telling);
    match format {
        Format::Slack => {
            let text = text::cut(&escape::slack(&lines(telling, &entries).join("\n")), 12_000);
            let text = super::slack::whole(text);
            // A customer's words are no formatting, and an address in them needs no preview.
            let payload = json!({ "text": text, "mrkdwn": false, "unfurl_links": false, "unfurl_media": false });
            Body::Slack { payload: payload.to_string() }
        }
        Format::Email => {
            let text = lines(telling, &entries).join("\n");
            let html = escape::Escape::Html.apply(&text).replace('\n', "<br>\n");
            Body::Email {
                subject: text::line_of_ours(&headline(telling, &entries), super::file::SUBJECT),
                html: format!("<!DOCTYPE html><html><body><p>{html}</p></body></html>"),
                text,
            }
        }
        Format::Webhook => Body::Webhook { payload: webhook(telling, &entries).to_string() },
        Format::Console => {
            let lines = lines(telling, &entries);
            Body::Console { text: lines.iter().map(|line| escape::console(line)).collect::<Vec<_>>().join("\n") }
        }
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
