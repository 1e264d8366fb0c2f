//! Who of those whom a receiver reaches is told: an end is for exactly the persons who heard of the beginning.

use futures_util::future::BoxFuture;

use super::{Deliverer, DeliverySettings};
use crate::{
    engine::group::{GroupBy, group},
    model::{Attempt, DeliveryStep, MessageId, Outcome, Owed},
    notify::{Witness, witness::MailProgress},
    render::Format,
};

impl DeliverySettings {
    /// Whether anybody of this audience is among those whom the receiver reaches.
    pub(super) fn reaches(&self, audience: Option<&[String]>) -> bool {
        self.part(audience).is_none_or(|part| !part.is_empty())
    }

    /// Those of an audience whom the receiver reaches; `None`: all of them.
    pub(super) fn part(&self, audience: Option<&[String]>) -> Option<Vec<String>> {
        let audience = audience?;
        let part: Vec<String> = self.persons.iter().filter(|person| audience.contains(person)).cloned().collect();
        (part.len() < self.persons.len()).then_some(part)
    }

    /// Who may get a message as soon as an attempt begins: of several recipients of a mail the first one.
    pub(super) fn first_of(&self, settled: &[String], only: Option<&[String]>) -> Vec<String> {
        let open = |person: &&String| !settled.contains(person) && only.is_none_or(|only| only.contains(person));
        self.persons.iter().filter(open).take(1).cloned().collect()
    }

    /// Who got a message in an attempt, or may have got it.
    pub(super) fn reached(&self, attempt: &Attempt) -> Vec<String> {
        match attempt.outcome {
            _ if self.format == Format::Email => attempt.reached.clone(),
            Outcome::Delivered | Outcome::Unclear { .. } | Outcome::Retry { ambiguous: true, .. } => {
                self.persons.clone()
            }
            Outcome::Retry { .. } | Outcome::Rejected { .. } => Vec::new(),
        }
    }
}

impl Deliverer {
    /// What becomes one message.
    pub(super) fn grouped<'a>(&self, owed: Vec<&'a Owed>, by: GroupBy) -> Vec<Vec<&'a Owed>> {
        group(owed, by, |owed| &owed.notification, |owed| self.manner.part(owed.audience.as_deref()))
    }

    /// Who writes down how far a mail has come.
    pub(super) fn witness<'a>(&'a self, message: &'a MessageId) -> Notes<'a> {
        Notes { deliverer: self, message }
    }
}

/// What is written down between two recipients of one mail.
pub(super) struct Notes<'a> {
    deliverer: &'a Deliverer,
    message: &'a MessageId,
}

impl Witness for Notes<'_> {
    fn hears(&self, progress: MailProgress) -> BoxFuture<'_, bool> {
        let MailProgress { reached, settled, next } = progress;
        let recorded = DeliveryStep::GoesOn { message: self.message.clone(), reached, settled, trying: vec![next] };
        Box::pin(async move {
            let written = self.deliverer.store.record(recorded).await;
            self.deliverer.shared.at("delivery.goes_on");
            written.inspect_err(|error| tracing::error!(%error, "store.failed: further recipients wait")).is_ok()
        })
    }
}
