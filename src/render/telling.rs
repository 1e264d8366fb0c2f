//! The input and the output of this room: a message's alerts, and the rendered message.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::model::{Alert, Body, Event, Names, Privacy};

/// What messages say about a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleWords {
    pub name: String,
    /// The rule's description; may be empty.
    pub description: String,
    /// `info`, `warning` or `critical`.
    pub severity: String,
    /// The time zone of times in the rule's messages.
    pub timezone: TimeZone,
}

#[derive(Clone, Copy, Debug)]
pub struct AlertView<'a> {
    pub alert: &'a Alert,
    /// The rule that raised the alert; a message that is grouped by receiver has several rules.
    pub rule: &'a RuleWords,
    /// The part of the wait in open hours, if the rule counts in open hours.
    pub waiting_open: Option<SignedDuration>,
}

/// Everything that a message is rendered from.
#[derive(Clone, Copy, Debug)]
pub struct MessageView<'a> {
    pub event: Event,
    /// The rule; of several rules, the first alert's.
    pub rule: &'a RuleWords,
    pub inbox: &'a str,
    pub receiver: &'a str,
    /// The `[[notify]]` of the rule, counted from 0.
    pub step: u32,
    /// All alerts of the message, in any order.
    pub alerts: &'a [AlertView<'a>],
    /// The largest number of alerts that are listed.
    pub max_listed: usize,
    /// How much the receiver may see.
    pub privacy: Privacy,
    /// Names of agents, bots and segments.
    pub names: &'a Names,
    /// The inbox's `contact_link`, like `https://app.example.com/inbox/{{contact._id}}`.
    pub contact_link: Option<&'a str>,
    /// The delay of the message, if it is worth mentioning.
    pub delayed: Option<SignedDuration>,
    /// The time of the message.
    pub now: Timestamp,
}

/// A rendered message.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    pub body: Body,
    /// The template's error, if the built-in text is sent instead. It never contains a customer's text.
    pub fault: Option<String>,
}
