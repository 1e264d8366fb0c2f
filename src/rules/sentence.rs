//! Describes a rule in one sentence, for the admin.

use std::fmt::Write;

use jiff::SignedDuration;

use super::{AckOn, Rule, Since, Step, hours::Count};
use crate::model::{
    Filter,
    filter::{FilterKey, TimeRange, Wanted, When},
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
    SPOKEN.iter().flat_map(|(key, what)| filter.get(*key).into_iter().flat_map(|wanted| spoken(what, wanted))).collect()
}

/// What each key asks for, in the order of a sentence: first what tells most.
const SPOKEN: [(FilterKey, &str); FilterKey::NAMES.len()] = [
    (FilterKey::LastMessageBy, "the last message by"),
    (FilterKey::Status, "the status"),
    (FilterKey::Tags, "the tag"),
    (FilterKey::Segments, "the segment"),
    (FilterKey::AgentAssigned, "the agent"),
    (FilterKey::BotWebsite, "the website bot"),
    (FilterKey::BotWhatsapp, "the WhatsApp bot"),
    (FilterKey::BotTelegram, "the Telegram bot"),
    (FilterKey::BotFacebook, "the Facebook bot"),
    (FilterKey::IsLiveChatActive, "an active live chat"),
    (FilterKey::IsOnline, "an open page"),
    (FilterKey::UserInteracted, "an interaction"),
    (FilterKey::IsContact, "contact details"),
    (FilterKey::HasOrdered, "an order"),
    (FilterKey::SearchText, "in name, phone or mail"),
    (FilterKey::LastSeenAt, "last seen"),
    (FilterKey::CreatedAt, "created"),
];

fn spoken(what: &str, wanted: &Wanted) -> Vec<String> {
    match wanted {
        Wanted::List(any) => vec![format!("{what} {}", joined(any, "or"))],
        Wanted::Flag(_) => vec![what.to_owned()],
        Wanted::Text(text) => vec![format!("`{text}` {what}")],
        Wanted::Range(range) => within(what, *range).into_iter().collect(),
        Wanted::Order { placed, since } => {
            let placed = placed.then(|| what.to_owned());
            placed.into_iter().chain(since.map(|since| format!("{what} since {}", moment(since)))).collect()
        }
    }
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
