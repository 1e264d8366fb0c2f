//! What is owed, and what is sent for it.
//!
//! `Owed` → `Message` → `Attempt`: the engine owes [`Notification`]s, the deliverer composes them to
//! a [`Message`] whose id is stored before the first attempt.

use std::fmt;

use jiff::Timestamp;

use super::AlertId;

/// What a message tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// A customer is waiting.
    Fired,
    /// It is over.
    Resolved,
}

impl Event {
    /// The stored name, and the one that templates see.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Resolved => "resolved",
        }
    }

    /// The event with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Fired, Self::Resolved].into_iter().find(|event| event.name() == name)
    }
}

/// The store's number of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NotificationId(pub i64);

/// One thing owed to one receiver about one alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The episode that it is about.
    pub alert: AlertId,
    /// The rule's name.
    pub rule: String,
    /// The inbox's name.
    pub inbox: String,
    /// Who is told.
    pub receiver: String,
    /// Which `[[notify]]` of the rule, from 0.
    pub step: u32,
    /// What is told.
    pub event: Event,
    /// The folder in `templates/`.
    pub template: String,
    /// When it fell due.
    pub due_at: Timestamp,
}

/// The id of a message: stored before the first attempt, the same in every retry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub String);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is really sent: one or more notifications for the same receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Who gets it.
    pub receiver: String,
    /// When it was composed.
    pub created_at: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// Not to be tried before.
    pub next_at: Timestamp,
    /// Whether an attempt ended without a known outcome: the receiver counts as told.
    pub ambiguous: bool,
    /// Whether the receiver refused the payload: it goes out as plain built-in text.
    pub plain: bool,
    /// The last failure, for operators; empty before the first.
    pub last_error: String,
}
