//! How one receiver is notified, and who of those whom it reaches: an end is for exactly the persons who heard of
//! the beginning.

use jiff::SignedDuration;

use super::group::{GroupBy, group};
use crate::model::{Attempt, Outcome, Owed};

/// How one receiver is notified, as far as it decides what becomes of what is owed to it.
#[derive(Clone, Debug)]
pub struct DeliverySettings {
    pub receiver: String,
    /// Who gets its messages when it takes none.
    pub fallback: Option<String>,
    /// Whom it reaches: the recipients of a mail; of another kind nobody is known by name, and this is the kind.
    pub persons: Vec<String>,
    /// Whether an attempt says which of them it has reached.
    pub by_person: bool,
    /// Whether the receiver sees by a message's id that it has it already.
    pub knows_ids: bool,
    /// What becomes one message.
    pub group: GroupBy,
    /// After this a message is given up.
    pub give_up_after: SignedDuration,
    /// How many messages may be under way to it at once.
    pub in_flight: usize,
}

impl DeliverySettings {
    /// Whether anybody of this audience is among those whom the receiver reaches.
    pub(crate) fn reaches(&self, audience: Option<&[String]>) -> bool {
        self.part(audience).is_none_or(|part| !part.is_empty())
    }

    /// Those of an audience whom the receiver reaches; `None`: all of them.
    pub(crate) fn part(&self, audience: Option<&[String]>) -> Option<Vec<String>> {
        let audience = audience?;
        let part: Vec<String> = self.persons.iter().filter(|person| audience.contains(person)).cloned().collect();
        (part.len() < self.persons.len()).then_some(part)
    }

    /// Who may get a message as soon as an attempt begins: of several recipients of a mail the first one.
    pub(crate) fn first_of(&self, settled: &[String], only: Option<&[String]>) -> Vec<String> {
        let open = |person: &&String| !settled.contains(person) && only.is_none_or(|only| only.contains(person));
        self.persons.iter().filter(open).take(1).cloned().collect()
    }

    /// Who got a message in an attempt, or may have got it.
    pub(crate) fn reached(&self, attempt: &Attempt) -> Vec<String> {
        match attempt.outcome {
            _ if self.by_person => attempt.reached.clone(),
            Outcome::Delivered | Outcome::Unclear { .. } | Outcome::Retry { ambiguous: true, .. } => {
                self.persons.clone()
            }
            Outcome::Retry { .. } | Outcome::Rejected { .. } => Vec::new(),
        }
    }

    /// What becomes one message.
    pub(crate) fn grouped<'a>(&self, owed: Vec<&'a Owed>, by: GroupBy) -> Vec<Vec<&'a Owed>> {
        group(owed, by, |owed| &owed.notification, |owed| self.part(owed.audience.as_deref()))
    }
}
