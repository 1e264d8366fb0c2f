//! The settings for delivery to one receiver, and which of its persons a notification is for: an end goes to exactly
//! the persons who were notified of the beginning.

use jiff::SignedDuration;

use super::group::{GroupBy, group};
use crate::model::{Attempt, Outcome, Owed};

/// The settings of one receiver that decide what becomes of what is owed to it.
#[derive(Clone, Debug)]
pub struct DeliverySettings {
    pub receiver: String,
    /// The receiver that gets its messages while it is broken.
    pub fallback: Option<String>,
    /// The persons whom it reaches: the recipients of a mail. For other kinds no person is known by name, and this
    /// holds the kind.
    pub persons: Vec<String>,
    /// Whether an attempt reports which of them it has reached.
    pub by_person: bool,
    /// Whether the receiver recognises by a message's id that it already has the message.
    pub knows_ids: bool,
    /// How notifications are combined into messages.
    pub group: GroupBy,
    /// Age at which a message is given up.
    pub give_up_after: SignedDuration,
    /// The limit of messages under way to it at once.
    pub in_flight: usize,
}

impl DeliverySettings {
    /// Whether the receiver reaches anybody of this audience.
    pub(crate) fn reaches(&self, audience: Option<&[String]>) -> bool {
        self.part(audience).is_none_or(|part| !part.is_empty())
    }

    /// The persons of an audience whom the receiver reaches; `None`: all of them.
    pub(crate) fn part(&self, audience: Option<&[String]>) -> Option<Vec<String>> {
        let audience = audience?;
        let part: Vec<String> = self.persons.iter().filter(|person| audience.contains(person)).cloned().collect();
        (part.len() < self.persons.len()).then_some(part)
    }

    /// The persons who may get a message as soon as an attempt begins: of several recipients of a mail the first.
    pub(crate) fn first_of(&self, settled: &[String], only: Option<&[String]>) -> Vec<String> {
        let open = |person: &&String| !settled.contains(person) && only.is_none_or(|only| only.contains(person));
        self.persons.iter().filter(open).take(1).cloned().collect()
    }

    /// The persons who got a message in an attempt, or may have got it.
    pub(crate) fn reached(&self, attempt: &Attempt) -> Vec<String> {
        match attempt.outcome {
            _ if self.by_person => attempt.reached.clone(),
            Outcome::Delivered | Outcome::Unclear { .. } | Outcome::Retry { ambiguous: true, .. } => {
                self.persons.clone()
            }
            Outcome::Retry { .. } | Outcome::Rejected { .. } => Vec::new(),
        }
    }

    /// Combines notifications into messages.
    pub(crate) fn grouped<'a>(&self, owed: Vec<&'a Owed>, by: GroupBy) -> Vec<Vec<&'a Owed>> {
        group(owed, by, |owed| &owed.notification, |owed| self.part(owed.audience.as_deref()))
    }
}
