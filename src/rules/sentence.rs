//! Describes a rule in one sentence, for the admin.

use std::fmt::Write;

use jiff::SignedDuration;

use super::{AckOn, Rule, Since, Step, hours::Count};
use crate::model::{
    Filter,
    filter::{TimeRange, When},
    time::compact,
};

/// The sentence: who is notified, when, and about which contacts.
pub(crate) fn sentence(rule: &Rule) -> String {
    let steps: Vec<String> = rule.notify.iter().map(|step| told(rule, step)).collect();
    let mut text = format!("Notifies {} about {}", joined(&steps, "and"), about(rule));
    if rule.r#for > SignedDuration::ZERO {
        let what = match rule.since {
            Since::Message => "who have waited",
            Since::Match => "who match for",
        };
        let _ = write!(text, ", {what} {}", long(rule, rule.r#for));
    }
    if !rule.ack_on.is_empty() {
        let what: Vec<String> = rule
            .ack_on
            .iter()
            .map(|ack| match ack {
                AckOn::Assigned => "an agent is assigned".to_owned(),
                AckOn::Status(status) => format!("the status is {status}"),
            })
            .collect();
        let _ = write!(text, "; quiet once {}", joined(&what, "or"));
    }
    if rule.hours.is_some() {
        text.push_str("; within its hours");
    }
    if !rule.resolved {
        text.push_str("; no message at the end");
    }
    text.push('.');
    text
}

/// The parts as a list in words, like `a, b and c`.
fn joined(parts: &[String], last: &str) -> String {
    match parts {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

fn told(rule: &Rule, step: &Step) -> String {
    let mut text = joined(&step.to, "and");
    if step.after > rule.r#for {
        let _ = write!(text, " after {}", long(rule, step.after));
    }
    if let Some(repeat) = step.repeat {
        let _ = write!(text, ", again every {}", long(rule, repeat));
        let grows = (step.repeat_factor > 1.0).then(|| format!("each pause {} times as long", step.repeat_factor));
        let limit = step
            .repeat_limit
            .map(|limit| if limit == 1 { "once".to_owned() } else { format!("{limit} times at most") });
        let details: Vec<String> = grows.into_iter().chain(limit).collect();
        if !details.is_empty() {
            let _ = write!(text, " ({})", details.join(", "));
        }
    }
    text
}

fn long(rule: &Rule, duration: SignedDuration) -> String {
    let open = rule.hours.as_ref().is_some_and(|hours| hours.count == Count::Business);
    format!("{}{}", compact(duration), if open { " of open time" } else { "" })
}

/// The contacts that the rule is about.
fn about(rule: &Rule) -> String {
    let filter = filtered(&rule.filter);
    let mut text =
        if filter.is_empty() { "contacts".to_owned() } else { format!("contacts with {}", joined(&filter, "and")) };
    if let Some(when) = &rule.when {
        // Long conditions have line breaks.
        let _ = write!(text, ", where `{}`", when.text().split_whitespace().collect::<Vec<_>>().join(" "));
    }
    if let Some(inboxes) = &rule.inboxes {
        let _ = write!(text, ", in the inbox {}", joined(inboxes, "or"));
    }
    text
}

/// The parts of a filter, in words.
fn filtered(filter: &Filter) -> Vec<String> {
    let bots = &filter.bots;
    let lists = [
        ("the last message by", &filter.last_message_by),
        ("the status", &filter.status),
        ("the tag", &filter.tags),
        ("the segment", &filter.segments),
        ("the agent", &filter.agent_assigned),
        ("the website bot", &bots.website),
        ("the WhatsApp bot", &bots.whatsapp),
        ("the Telegram bot", &bots.telegram),
        ("the Facebook bot", &bots.facebook),
    ];
    let flags = [
        ("an active live chat", filter.is_live_chat_active),
        ("an open page", filter.is_online),
        ("an interaction", filter.user_interacted),
        ("contact details", filter.is_contact),
        ("an order", filter.has_ordered),
    ];
    let lists = lists.into_iter().filter(|(_, any)| !any.is_empty());
    let mut words: Vec<String> = lists.map(|(what, any)| format!("{what} {}", joined(any, "or"))).collect();
    words.extend(flags.into_iter().filter(|(_, asked)| *asked).map(|(what, _)| what.to_owned()));
    if !filter.search_text.is_empty() {
        words.push(format!("`{}` in name, phone or mail", filter.search_text));
    }
    let ranges = [("last seen", filter.last_seen_at), ("created", filter.created_at)];
    words.extend(ranges.into_iter().filter_map(|(what, range)| within(what, range)));
    words.extend(filter.ordered_since.map(|since| format!("an order since {}", moment(since))));
    words
}

fn within(what: &str, range: TimeRange) -> Option<String> {
    match (range.start, range.end) {
        (None, None) => None,
        (Some(start), None) => Some(format!("{what} since {}", moment(start))),
        (None, Some(end)) => Some(format!("{what} before {}", moment(end))),
        (Some(start), Some(end)) => Some(format!("{what} between {} and {}", moment(start), moment(end))),
    }
}

fn moment(when: When) -> String {
    match when {
        When::At(at) => at.to_string(),
        When::Ago(ago) if ago.is_zero() => "now".to_owned(),
        When::Ago(ago) if ago.is_negative() => format!("{} from now", compact(-ago)),
        When::Ago(ago) => format!("{} ago", compact(ago)),
    }
}
