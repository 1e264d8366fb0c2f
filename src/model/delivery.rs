//! Delivery between two rounds: what is owed, the steps of sending it, and what waits.
//!
//! Data only: the engine decides what is done with it, and the store keeps it.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use super::{Alert, Message, MessageId, Notification, NotificationId, ReceiverState, Silence};

/// One notification that is owed, with what is needed to judge whether it is still true.
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
    /// Whether the receiver was notified that this alert began, or may have been.
    pub told_of_beginning: bool,
    /// For an end, the persons who were told of the beginning, or may have been; `None`: all whom the receiver reaches.
    pub audience: Option<Vec<String>>,
    /// Since when it is tried; `None`: it is not in a message.
    pub tried_since: Option<Timestamp>,
}

/// Everything that is owed to one receiver.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Open {
    /// The notifications, in the order in which they were owed.
    pub owed: Vec<Owed>,
    /// Messages that are to be sent, oldest first, with the recipients that need no further attempt.
    pub messages: Vec<(Message, Vec<String>)>,
    /// Every silence that is remembered.
    pub silences: Vec<Silence>,
    pub reception: ReceiverState,
}

impl Open {
    /// The notifications in a message.
    pub fn told_by<'a>(&'a self, message: &'a MessageId) -> impl Iterator<Item = &'a Owed> {
        self.owed.iter().filter(move |owed| owed.message.as_ref() == Some(message))
    }

    /// Applies a step of delivery, as the store does.
    pub(crate) fn apply(&mut self, step: &DeliveryStep) {
        match step {
            DeliveryStep::Superseded { ids, .. } => {
                self.owed.retain(|owed| ids.iter().all(|(id, _)| *id != owed.id));
                self.drop_empty();
            }
            DeliveryStep::Held { ids } => {
                for owed in self.owed.iter_mut().filter(|owed| ids.contains(&owed.id)) {
                    (owed.message, owed.tried_since, owed.partly_settled) = (None, None, false);
                }
                self.drop_empty();
            }
            DeliveryStep::Composed { message, ids } => {
                for owed in self.owed.iter_mut().filter(|owed| ids.contains(&owed.id)) {
                    owed.message = Some(message.id.clone());
                    owed.tried_since.get_or_insert(message.created_at);
                    owed.partly_settled = false;
                }
                self.messages.push((message.clone(), Vec::new()));
                self.drop_empty();
            }
            DeliveryStep::Attempting { message, .. } => self.change(message, |known, _| known.attempts += 1),
            DeliveryStep::GoesOn { message, reached, settled, .. } => {
                self.settle(message, settled);
                if !reached.is_empty() {
                    self.tell(message, reached);
                }
            }
            DeliveryStep::Again { message, at, plain, ambiguous, settled, reached, reason, .. } => {
                self.change(message, |known, _| {
                    known.next_at = *at;
                    known.plain |= plain;
                    known.ambiguous |= ambiguous;
                    known.last_error.clone_from(reason);
                });
                self.settle(message, settled);
                // A recipient that has the mail was told, whatever becomes of the others.
                if *ambiguous || !settled.is_empty() {
                    self.tell(message, reached);
                }
            }
            DeliveryStep::Delivered { message, reached, .. } => {
                self.tell(message, reached);
                self.close(message);
            }
            DeliveryStep::Dead { message, ambiguous, settled, reached, .. } => {
                if *ambiguous || !settled.is_empty() {
                    self.tell(message, reached);
                }
                self.close(message);
            }
        }
    }

    /// Drops messages without a notification, which are not sent.
    pub(crate) fn drop_empty(&mut self) {
        let told: HashSet<&MessageId> = self.owed.iter().filter_map(|owed| owed.message.as_ref()).collect();
        self.messages.retain(|(message, _)| told.contains(&message.id));
    }

    fn change(&mut self, message: &MessageId, change: impl FnOnce(&mut Message, &mut Vec<String>)) {
        if let Some((message, settled)) = self.messages.iter_mut().find(|(known, _)| known.id == *message) {
            change(message, settled);
        }
    }

    /// Notes that these recipients of a mail need no further attempt.
    fn settle(&mut self, message: &MessageId, recipients: &[String]) {
        self.change(message, |_, settled| *settled = recipients.to_vec());
        for owed in self.owed.iter_mut().filter(|owed| owed.message.as_ref() == Some(message)) {
            owed.partly_settled = !recipients.is_empty();
        }
    }

    /// Notes that these persons have got a message, or may have got it.
    fn tell(&mut self, message: &MessageId, persons: &[String]) {
        let mut begun = HashSet::new();
        for owed in self.owed.iter_mut().filter(|owed| owed.message.as_ref() == Some(message)) {
            owed.told = true;
            if owed.notification.event.is_of_waiting() {
                begun.insert(owed.alert.id.clone());
            }
        }
        for owed in self.owed.iter_mut().filter(|owed| begun.contains(&owed.alert.id)) {
            owed.told_of_beginning = true;
            if let Some(audience) = &mut owed.audience {
                audience.extend(persons.iter().cloned());
                audience.sort_unstable();
                audience.dedup();
            }
        }
    }

    /// Removes a message that is sent or given up, with all of its notifications.
    fn close(&mut self, message: &MessageId) {
        self.owed.retain(|owed| owed.message.as_ref() != Some(message));
        self.messages.retain(|(known, _)| known.id != *message);
    }
}

/// One step of delivery.
#[derive(Clone, Debug, PartialEq)]
pub enum DeliveryStep {
    /// Notifications that are no longer true are withdrawn.
    Superseded {
        /// The notifications, each with the reason.
        ids: Vec<(NotificationId, &'static str)>,
        at: Timestamp,
    },
    /// Notifications that are not to be sent now leave the messages that they were put into.
    Held { ids: Vec<NotificationId> },
    /// A message was composed.
    Composed {
        message: Message,
        /// The notifications in it.
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
        /// The time before which it is not tried.
        at: Timestamp,
        /// Whether it is sent as plain built-in text from now on.
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

impl DeliveryStep {
    /// The step of a message that is given up, and that nobody has got.
    pub(crate) fn dead(message: &MessageId, at: Timestamp, reason: &str) -> Self {
        let (settled, reached) = (Vec::new(), Vec::new());
        Self::Dead { message: message.clone(), at, reason: reason.to_owned(), ambiguous: false, settled, reached }
    }
}

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRecord {
    /// What becomes of the message.
    pub recorded: DeliveryStep,
    /// When it ended.
    pub at: Timestamp,
    pub message: MessageId,
    /// Why recipients of a mail that others got were refused for good, without the whole address.
    pub refused: Vec<String>,
    pub receiver: String,
    /// The state of the receiver after the attempt.
    pub reception: ReceiverState,
    /// The notifications that go over to the fallback, if the message is given up.
    pub handed: Option<HandOver>,
}

/// Notifications that one receiver is owed, and that another one is to get, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOver {
    pub to: String,
    pub ids: Vec<NotificationId>,
}

/// A notification that is left over to others: a receiver was owed it and has not got it, and its alert is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Left {
    /// The notification's number.
    pub id: NotificationId,
    /// The step by which it is owed.
    pub step: u32,
    /// The alert as it is now.
    pub alert: Alert,
    /// Receivers that were notified of the alert or are to be, each with whether that was given up.
    pub heard: BTreeMap<String, bool>,
}

/// A notification that goes over to others for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The notification's number.
    pub id: NotificationId,
    /// Who is notified now.
    pub to: Vec<String>,
    pub step: u32,
    pub template: String,
}

/// How a receiver is reached: its kind with a fingerprint of the address, or the recipients of a mail. A part that
/// begins with [`VIA`] is only the way there.
pub(crate) type Address = Vec<String>;

/// Prefix of the relay of a mail in an [`Address`].
pub(crate) const VIA: &str = "via:";

/// A change of a receiver that was known before.
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
    /// Number of notifications that are owed.
    pub notifications: usize,
    /// Time of the next attempt, if there has been one.
    pub next_at: Option<Timestamp>,
    /// The error of the last attempt.
    pub last_error: String,
}

/// What waits for one receiver, and the state of the receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub reception: ReceiverState,
    /// Since when the oldest notification that waits in a message is tried.
    pub waits_since: Option<Timestamp>,
    /// Since when the oldest message waits that was not tried.
    pub untried_since: Option<Timestamp>,
    /// When a message was last given up, if none was accepted since, and why.
    pub given_up: Option<(Timestamp, String)>,
    /// When a message was last accepted.
    pub accepted_at: Option<Timestamp>,
    /// Number of messages that wait.
    pub messages: usize,
    /// Number of messages that were given up and are kept.
    pub dead: usize,
}

/// A message that was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    pub message: Message,
    /// Whether it was given up; else it waits for its next attempt.
    pub dead: bool,
    /// Its notifications, each with the contact's name.
    pub told: Vec<(Notification, String)>,
}

/// The result of a request about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Yes,
    /// The state of the message does not allow it: it was sent or withdrawn.
    No,
    /// There is no such message.
    Unknown,
}
