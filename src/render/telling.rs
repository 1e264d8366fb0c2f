//! What goes in, and what comes out: a telling, and a message made ready for one kind of receiver.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::model::{Alert, Body, Event, Names, Privacy};

/// What messages say about a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleWords {
    pub name: String,
    /// Its description; may be empty.
    pub description: String,
    /// `info`, `warning` or `critical`.
    pub severity: String,
    /// The zone of the times in its messages.
    pub timezone: TimeZone,
}

/// One alert of a message, with the rule that raised it.
#[derive(Clone, Copy, Debug)]
pub struct AlertView<'a> {
    pub alert: &'a Alert,
    /// Its rule; a message that is grouped by receiver is about several.
    pub rule: &'a RuleWords,
    /// How much of the wait was in open hours, where the rule counts in them.
    pub waiting_open: Option<SignedDuration>,
}

/// Everything that one message is made of.
#[derive(Clone, Copy, Debug)]
pub struct MessageView<'a> {
    /// What is told.
    pub event: Event,
    /// The rule; of several, the first one's.
    pub rule: &'a RuleWords,
    pub inbox: &'a str,
    pub receiver: &'a str,
    /// Which `[[notify]]` of the rule, from 0.
    pub step: u32,
    /// All alerts of the message, in any order.
    pub alerts: &'a [AlertView<'a>],
    /// How many of them are listed.
    pub max_listed: usize,
    /// How much the receiver may see.
    pub privacy: Privacy,
    /// Names of agents, bots and segments.
    pub names: &'a Names,
    /// The inbox's `contact_link`, like `https://app.example.com/inbox/{{contact._id}}`.
    pub contact_link: Option<&'a str>,
    /// How much later than it should it is told, where that is worth a word.
    pub delayed: Option<SignedDuration>,
    /// The time of the message.
    pub now: Timestamp,
}

/// A message made ready.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// What is sent.
    pub body: Body,
    /// The template's error, when the built-in text goes out in its place. Never a customer's text.
    pub fault: Option<String>,
}
