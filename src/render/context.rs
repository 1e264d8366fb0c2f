//! The names that a template can use, each in one row of a table: its value, and whether a customer can write it.
//!
//! All values are filtered by privacy and cleaned of harmful characters first, so that neither a template nor a helper
//! can reach what its receiver may not see.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    MessageView, RuleWords,
    entry::{ListedAlert, TEXT, line_of, rules},
    headline::headline,
    shape::TemplateShape,
};
use crate::model::{Contact, text, time::iso};

/// A message and the alerts that it lists.
pub(super) struct ListedMessage<'a> {
    pub(super) telling: &'a MessageView<'a>,
    pub(super) entries: &'a [ListedAlert<'a>],
}

/// A name, its shape, and its value.
type Row<ValueOf> = (&'static str, fn() -> TemplateShape, ValueOf);
type MessageRow = Row<fn(&ListedMessage<'_>) -> Value>;
type AlertRow = Row<fn(&ListedAlert<'_>) -> Value>;
type RuleRow = Row<fn(&RuleWords) -> Value>;

/// The names outside of any block.
const MESSAGE: [MessageRow; 16] = [
    ("event", safe, |of| of.telling.event.name().into()),
    ("headline", customers, |of| headline(of.telling, of.entries).into()),
    ("now", safe, |of| iso(of.telling.now).into()),
    ("rule", shape_of_rule, |of| rule(of.telling.rule)),
    ("rules", || list(safe()), |of| rules(of.telling).into()),
    ("inbox", safe, |of| line_of(of.telling.inbox).into()),
    ("receiver", safe, |of| line_of(of.telling.receiver).into()),
    ("step", safe, |of| of.telling.step.into()),
    ("count", safe, |of| of.telling.alerts.len().into()),
    ("more", safe, |of| of.telling.alerts.len().saturating_sub(of.entries.len()).into()),
    ("delayed", safe, |of| seconds(of.telling.delayed)),
    ("alerts", || list(shape_of_alert()), |of| of.entries.iter().map(alert).collect()),
    // These are the watchdog's, and empty in every other message.
    ("problem", safe, |_| "".into()),
    ("state", safe, |_| "".into()),
    ("detail", safe, |_| "".into()),
    ("since", safe, |_| "".into()),
];

/// The names of an alert. Tags may be a customer's text, since bots set them from what customers write; so may the
/// platform, which is shown as the API spells it.
const ALERT: [AlertRow; 27] = [
    ("id", safe, |of| of.told.alert.id.0.as_str().into()),
    ("rule", shape_of_rule, |of| rule(of.told.rule)),
    ("inbox", safe, |of| line_of(&of.told.alert.inbox).into()),
    ("contact", shape_of_contact, |of| of.contact.clone()),
    ("name", customers, |of| of.name.as_str().into()),
    ("who", customers, |of| of.who.as_str().into()),
    ("phone_number", customers, |of| of.phone_number.as_str().into()),
    ("email", customers, |of| of.email.as_str().into()),
    ("sign", safe, |of| of.sign.into()),
    ("platform", customers, |of| of.platform.as_str().into()),
    ("bot", safe, |of| of.bot.as_str().into()),
    ("agent", safe, |of| of.agent.as_str().into()),
    ("agent_slack", safe, |of| of.agent_slack.as_str().into()),
    ("tags", || list(customers()), |of| json!(of.tags)),
    ("segments", || list(safe()), |of| json!(of.segments)),
    ("text", customers, |of| of.text.as_str().into()),
    ("since", safe, |of| iso(of.told.alert.since).into()),
    ("waiting", safe, |of| of.waiting.as_secs().into()),
    ("waiting_open", safe, |of| seconds(of.told.waiting_open)),
    ("fired_at", safe, |of| time(of.told.alert.fired_at)),
    ("resolved_at", safe, |of| time(of.told.alert.resolution.as_ref().map(|end| end.at))),
    ("ended_at", safe, |of| time(of.told.alert.resolution.as_ref().map(|end| end.ended_at))),
    ("reason", safe, |of| of.told.alert.resolution.as_ref().map_or("", |end| end.reason.phrase()).into()),
    ("outcome", safe, |of| of.outcome.as_str().into()),
    ("link", safe, |of| of.link.as_str().into()),
    ("ack_link", safe, |_| "".into()),
    ("reply_window", safe, |of| seconds(of.reply_window)),
];

/// The names of a rule.
const RULE: [RuleRow; 4] = [
    ("name", safe, |of| line_of(&of.name).into()),
    ("description", safe, |of| text::one_line(&of.description, TEXT).into()),
    ("severity", safe, |of| of.severity.as_str().into()),
    ("timezone", safe, |of| {
        let zone = jiff::fmt::temporal::DateTimePrinter::new().time_zone_to_string(&of.timezone);
        zone.unwrap_or_else(|_| "UTC".to_owned()).into()
    }),
];

/// The values of a message.
pub(super) fn context(telling: &MessageView<'_>, entries: &[ListedAlert<'_>]) -> Value {
    let message = ListedMessage { telling, entries };
    object(MESSAGE.iter().map(|(name, _, value)| (*name, value(&message))))
}

/// The shape of all values of a message.
pub(super) fn shape_of_message() -> TemplateShape {
    TemplateShape::Fields(MESSAGE.iter().map(|(name, shape, _)| (*name, shape())).collect())
}

/// The shape of one alert.
pub(super) fn shape_of_alert() -> TemplateShape {
    TemplateShape::Fields(ALERT.iter().map(|(name, shape, _)| (*name, shape())).collect())
}

fn shape_of_rule() -> TemplateShape {
    TemplateShape::Fields(RULE.iter().map(|(name, shape, _)| (*name, shape())).collect())
}

fn shape_of_contact() -> TemplateShape {
    let mut shape = TemplateShape::of(&Contact::kind());
    if let TemplateShape::Fields(fields) = &mut shape {
        fields.push(("extra", TemplateShape::Free));
    }
    shape
}

fn alert(of: &ListedAlert<'_>) -> Value {
    object(ALERT.iter().map(|(name, _, value)| (*name, value(of))))
}

fn rule(of: &RuleWords) -> Value {
    object(RULE.iter().map(|(name, _, value)| (*name, value(of))))
}

fn object(fields: impl Iterator<Item = (&'static str, Value)>) -> Value {
    Value::Object(fields.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn safe() -> TemplateShape {
    TemplateShape::Safe
}

fn customers() -> TemplateShape {
    TemplateShape::Customers
}

fn list(of: TemplateShape) -> TemplateShape {
    TemplateShape::List(Box::new(of))
}

/// A duration in seconds; empty for none, since templates ask `{{#if}}`.
fn seconds(duration: Option<SignedDuration>) -> Value {
    duration.map_or_else(|| "".into(), |duration| duration.as_secs().into())
}

fn time(at: Option<Timestamp>) -> Value {
    at.map(iso).unwrap_or_default().into()
}
