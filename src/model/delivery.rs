//! Delivery as it stands between two rounds: what is owed, the steps of sending it, and what waits.
//!
//! Only data: what is done with it is decided by the engine, and the store keeps it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Alert, Message, MessageId, Notification, NotificationId, ReceiverState, Silence};

/// One notification that is owed, with what is needed to say whether it is still true.
#[derive(Clone, Debug, PartialEq)]
pub struct Owed {
    /// Its number.
    pub id: NotificationId,
    pub notification: Notification,
    /// The alert as it is now.
    pub alert: Alert,
    /// The message that it was put into.
    pub message: Option<MessageId>,
    /// Whether the receiver may have got it already: an attempt's outcome is not known.
    pub told: bool,
    /// Whether some recipients of its mail have got it, and others are still to be tried.
    pub partly_settled: bool,
    /// Whether the receiver was told that this alert began, or may have been.
    pub told_of_beginning: bool,
    /// Of an end: the persons who were told of the beginning, or may have been; `None`: all whom the receiver
    /// reaches.
    pub audience: Option<Vec<String>>,
    /// Since when it is tried; `None` where it is in no message.
    pub tried_since: Option<Timestamp>,
}

/// Everything that is owed to one receiver.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Open {
    /// In the order in which it was owed.
    pub owed: Vec<Owed>,
    /// Messages that are to be sent, oldest first, with the recipients that need no further attempt.
    pub messages: Vec<(Message, Vec<String>)>,
    /// Every silence that is remembered.
    pub silences: Vec<Silence>,
    /// How the receiver takes messages.
    pub reception: ReceiverState,
}

impl Open {
    /// What a message tells of.
    pub fn told_by<'a>(&'a self, message: &'a MessageId) -> impl Iterator<Item = &'a Owed> {
        self.owed.iter().filter(move |owed| owed.message.as_ref() == Some(message))
    }
}

/// One step of delivery.
#[derive(Clone, Debug, PartialEq)]
pub enum DeliveryStep {
    /// What is no longer true is withdrawn.
    Superseded {
        /// Which notifications, and why.
        ids: Vec<(NotificationId, &'static str)>,
        at: Timestamp,
    },
    /// What is not to be said now leaves the messages that it was put into.
    Held {
        /// Which notifications.
        ids: Vec<NotificationId>,
    },
    /// A message was composed.
    Composed {
        message: Message,
        /// What it tells of.
        ids: Vec<NotificationId>,
    },
    /// An attempt begins.
    Attempting {
        message: MessageId,
        /// Who may get it before anything else is recorded.
        trying: Vec<String>,
    },
    /// The attempt goes on with another recipient of the mail.
    GoesOn {
        message: MessageId,
        /// Persons who got it in this attempt, or may have got it.
        reached: Vec<String>,
        /// Recipients that need no further attempt.
        settled: Vec<String>,
        /// Who may get it before anything else is recorded.
        trying: Vec<String>,
    },
    /// The receiver accepted it.
    Delivered {
        message: MessageId,
        at: Timestamp,
        /// Persons who got it in this attempt.
        reached: Vec<String>,
    },
    /// It is to be tried again.
    Again {
        message: MessageId,
        /// When the attempt ended.
        now: Timestamp,
        /// Not before.
        at: Timestamp,
        /// As plain built-in text from now on.
        plain: bool,
        /// Whether the receiver may have got it.
        ambiguous: bool,
        /// Recipients that need no further attempt.
        settled: Vec<String>,
        /// Persons who got it in this attempt, or may have got it.
        reached: Vec<String>,
        reason: String,
    },
    /// It will not be tried any more.
    Dead {
        message: MessageId,
        at: Timestamp,
        reason: String,
        /// Whether the receiver may have got it.
        ambiguous: bool,
        /// Recipients that need no further attempt.
        settled: Vec<String>,
        /// Persons who got it in this attempt, or may have got it.
        reached: Vec<String>,
    },
}

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRecord {
    /// What becomes of the message.
    pub recorded: DeliveryStep,
    /// When it ended.
    pub at: Timestamp,
    pub message: MessageId,
    /// Recipients of a mail that were refused for good while others got it: why, without the whole address.
    pub refused: Vec<String>,
    /// Whose it is.
    pub receiver: String,
    /// How that one takes messages.
    pub reception: ReceiverState,
    /// What goes over to the fallback, where the message is given up.
    pub handed: Option<HandOver>,
}

/// What one receiver was to be notified of, for another one, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOver {
    pub to: String,
    /// Which notifications.
    pub ids: Vec<NotificationId>,
}

/// What is left over to others: a message that a receiver was to get and has not taken, about an alert that lasts.
#[derive(Clone, Debug, PartialEq)]
pub struct Left {
    /// The notification's number.
    pub id: NotificationId,
    /// By which step it is owed.
    pub step: u32,
    /// The alert as it is now.
    pub alert: Alert,
    /// Receivers that were notified of the alert or are to be, each with whether that was given up.
    pub heard: BTreeMap<String, bool>,
}

/// What goes over to others for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The notification's number.
    pub id: NotificationId,
    /// Who is told now.
    pub to: Vec<String>,
    pub step: u32,
    pub template: String,
}

/// How a receiver is reached: its kind with a fingerprint of the address, or the recipients of a mail. What begins
/// with [`VIA`] is the way there alone.
pub(crate) type Address = Vec<String>;

/// Before the relay of a mail in an [`Address`].
pub(crate) const VIA: &str = "via:";

/// What became of a receiver that was known before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiverChange {
    /// It is reached in another way.
    Moved(String),
    /// It is reached as before, under another name.
    Renamed { from: String, to: String },
}

/// What waits for one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub receiver: String,
    /// Notifications that are owed.
    pub notifications: usize,
    /// The next attempt, where there has been one.
    pub next_at: Option<Timestamp>,
    /// What the last attempt failed with.
    pub last_error: String,
}

/// What waits for one receiver, and how it takes messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How it takes messages.
    pub reception: ReceiverState,
    /// Since when the oldest of what waits is to be told.
    pub waits_since: Option<Timestamp>,
    /// Since when the oldest message waits that nobody has tried.
    pub untried_since: Option<Timestamp>,
    /// When a message was last given up, where none was accepted since, and why.
    pub given_up: Option<(Timestamp, String)>,
    /// When a message was last accepted.
    pub accepted_at: Option<Timestamp>,
    /// Messages that wait.
    pub messages: usize,
    /// Messages that were given up and are kept.
    pub dead: usize,
}

/// A message that no receiver has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    pub message: Message,
    /// Whether it was given up; else it waits for its next attempt.
    pub dead: bool,
    /// What it tells of, each with the contact's name.
    pub told: Vec<(Notification, String)>,
}

/// What became of a wish about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Yes,
    /// The message is in no state for it: sent, or withdrawn.
    No,
    /// There is no such message.
    Unknown,
}
