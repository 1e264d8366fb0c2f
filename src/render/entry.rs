//! The alerts that a message lists, as far as the receiver may see them.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::model::{Contact, Event, Reason, phone, text, time::elapsed};

use super::{
    AlertView, MessageView,
    display::{self, sign_of_end},
    link, privacy,
};

/// Characters of the last message that a template gets as `text`.
pub(super) const TEXT: usize = 500;
/// Characters of a name among other words, so that a line has room for them.
const WHO: usize = 60;
/// Characters of any other value, since a customer may write megabytes.
const VALUE: usize = 10_000;
/// Characters of all values of a contact. An entry of a list counts as some, since a list may have a million entries.
const CONTACT: usize = 100_000;
/// The largest number of tags, and of segments.
const LISTED: usize = 100;
/// The number of characters for which a value counts in addition to its own.
const EACH: usize = 10;

/// One listed alert, as far as the receiver may see it.
pub(super) struct ListedAlert<'a> {
    pub(super) told: AlertView<'a>,
    /// The contact, filtered by privacy.
    pub(super) contact: Value,
    pub(super) user_id: String,
    pub(super) name: String,
    /// The name as it is written among other words.
    pub(super) who: String,
    /// The number under which the customer can be reached without the inbox; empty if not known.
    pub(super) phone_number: String,
    pub(super) email: String,
    pub(super) platform: String,
    pub(super) bot: String,
    pub(super) agent: String,
    pub(super) agent_slack: String,
    pub(super) tags: Vec<String>,
    pub(super) segments: Vec<String>,
    pub(super) text: String,
    pub(super) waiting: SignedDuration,
    /// The reason of the end, with the agent's name if known; empty while the alert fires.
    pub(super) outcome: String,
    /// The sign of the end; empty while the alert fires.
    pub(super) sign: &'static str,
    pub(super) link: String,
    /// The rest of the 24 hours for an answer, if that limit applies.
    pub(super) reply_window: Option<SignedDuration>,
}

/// The listed alerts, longest-waiting first.
pub(super) fn entries<'a>(telling: &MessageView<'a>) -> Vec<ListedAlert<'a>> {
    let mut order: Vec<AlertView<'a>> = telling.alerts.to_vec();
    order.sort_by(|one, other| {
        waiting(*other, telling.now)
            .cmp(&waiting(*one, telling.now))
            .then_with(|| one.alert.since.cmp(&other.alert.since))
            .then_with(|| one.alert.id.cmp(&other.alert.id))
    });
    order.truncate(telling.max_listed.max(1));
    order.into_iter().map(|told| ListedAlert::of(told, telling)).collect()
}

/// The time that the customer has waited, or had waited at the end.
fn waiting(told: AlertView<'_>, now: Timestamp) -> SignedDuration {
    let until = told.alert.resolution.as_ref().map_or(now, |resolution| resolution.ended_at);
    elapsed(told.alert.since, until)
}

impl<'a> ListedAlert<'a> {
    fn of(told: AlertView<'a>, telling: &MessageView<'_>) -> Self {
        let (contact, name) = privacy::seen(&told.alert.contact, telling.privacy);
        let line = |text: &str| text::one_line(text, 80);
        let names = telling.names;
        let agent = &contact.agent_assigned;
        let json = clean(contact.json(), &mut { CONTACT });
        Self {
            user_id: line(&contact.id),
            platform: line(display::platform(&contact.platform())),
            bot: line(names.bot(contact.bot_id())),
            agent: line(names.agent(agent)),
            agent_slack: line(names.agent_slack(agent)),
            tags: contact.profile.user_details.tags.iter().take(LISTED).map(|tag| line(tag)).collect(),
            segments: contact.segments.iter().take(LISTED).map(|id| line(names.segment(id))).collect(),
            text: text::lines(&contact.last_message.text, TEXT),
            waiting: waiting(told, telling.now),
            outcome: outcome(told, &contact, telling),
            link: telling.contact_link.map(|template| link::fill(template, &json)).unwrap_or_default(),
            reply_window: reply_window(&contact, telling.now),
            contact: json,
            who: who(&line(&name), &contact.id),
            phone_number: line(&phone_number(&contact)),
            email: line(&contact.profile.user_details.contact.email),
            sign: told.alert.resolution.as_ref().map_or("", |end| sign_of_end(end.reason)),
            name: line(&name),
            told,
        }
    }
}

/// The end in words. The agent who answered or took the customer is the assigned one, if the configuration has a name
/// for them.
fn outcome(told: AlertView<'_>, contact: &Contact, telling: &MessageView<'_>) -> String {
    let Some(end) = &told.alert.resolution else { return String::new() };
    let agent = telling.names.agents.get(&contact.agent_assigned).map(|agent| line_of(&agent.name));
    match (agent.filter(|name| text::shows_a_name(name)), end.reason) {
        (Some(agent), Reason::AnsweredByAgent) => format!("answered by {agent}"),
        (Some(agent), Reason::Taken) => format!("taken by {agent}"),
        (_, reason) => reason.phrase().to_owned(),
    }
}

/// The name as it is written among other words; a User ID gets "Customer" before it.
fn who(name: &str, id: &str) -> String {
    if name == id { format!("Customer {name}") } else { display::isolated(&text::cut(name, WHO)) }
}

/// The number by which the customer can be called, as people read it; a certain number is preferred to an uncertain
/// one.
fn phone_number(contact: &Contact) -> String {
    let who = &contact.profile.user_details;
    let (prefix, number) = (&who.contact.phone.prefix, &who.contact.phone.number);
    phone::with_prefix(prefix, number)
        .or_else(|| phone::international(&who.whats_app_number))
        .or_else(|| Some(display::as_it_came(prefix, number)).filter(|came| !came.is_empty()))
        .unwrap_or_else(|| display::as_it_came("", &who.whats_app_number))
}

/// The rest of the 24 hours for an answer; `None` if they do not apply or are over.
fn reply_window(contact: &Contact, now: Timestamp) -> Option<SignedDuration> {
    contact.reply_window_ends().map(|ends| elapsed(now, ends)).filter(|left| *left > SignedDuration::ZERO)
}

/// The names of all rules of the message, each once, beginning with the message's own.
pub(super) fn rules(telling: &MessageView<'_>) -> Vec<String> {
    let mut names = vec![line_of(&telling.rule.name)];
    for told in telling.alerts {
        let name = line_of(&told.rule.name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

pub(super) fn line_of(text: &str) -> String {
    text::one_line(text, 200)
}

/// Removes harmful characters and limits the length of every text, also of undocumented fields' names. Once nothing is
/// `left`, texts are empty and lists end. Documented fields stay nevertheless, since templates are strict.
fn clean(value: Value, left: &mut usize) -> Value {
    match value {
        Value::String(text) => Value::String(clean_text(&text, left)),
        Value::Array(entries) => {
            let mut kept = Vec::new();
            for entry in entries {
                if *left == 0 {
                    break;
                }
                kept.push(clean(entry, left));
            }
            kept.into()
        }
        Value::Object(fields) => {
            let mut kept = Map::new();
            for (name, value) in fields {
                let value = if name == "extra" { undocumented(value, left) } else { clean(value, left) };
                kept.insert(clean_text(&name, &mut { VALUE }), value);
            }
            kept.into()
        }
        other => {
            *left = left.saturating_sub(EACH);
            other
        }
    }
}

fn undocumented(value: Value, left: &mut usize) -> Value {
    let Value::Object(fields) = value else { return clean(value, left) };
    let mut kept = Map::new();
    for (name, value) in fields {
        if *left == 0 {
            break;
        }
        kept.insert(clean_text(&name, left), undocumented(value, left));
    }
    kept.into()
}

fn clean_text(text: &str, left: &mut usize) -> String {
    let wanted = text.chars().filter(|c| *c == '\n' || *c == '\t' || !text::is_harmful(*c));
    let mut kept = String::new();
    let most = VALUE.min(*left);
    let count = wanted.take(most).map(|c| kept.push(c)).count();
    *left = left.saturating_sub(count + EACH);
    kept
}

pub(super) fn is_resolved(telling: &MessageView<'_>) -> bool {
    telling.event == Event::Resolved
}
