//! Combines the recipients' results into one for the message.

use std::ops::ControlFlow;

use lettre::Address;
use lettre::message::Mailbox;

use super::failure::{SmtpFailure, SmtpStage};
use crate::{
    model::{Attempt, Blame, Outcome},
    receivers::witness::MailProgress,
};

/// The results so far.
pub(super) struct RecipientResults {
    /// Recipients settled now or before; while it is empty, nobody has got the mail.
    settled: Vec<String>,
    /// Whether a recipient's mail was accepted in this attempt.
    accepted: bool,
    /// Recipients who got it in this attempt, or may have got it.
    reached: Vec<String>,
    refused: Vec<Refusal>,
    /// Recipients for whom the mail's content was refused.
    disliked: Vec<Refusal>,
    /// The reason if the server refuses all mail from us.
    dead: Option<String>,
    later: Option<String>,
    ambiguous: bool,
}

struct Refusal {
    recipient: String,
    reason: String,
}

impl RecipientResults {
    /// Begins with the recipients that are already settled.
    pub(super) fn new(settled: &[String]) -> Self {
        Self {
            settled: settled.to_vec(),
            accepted: false,
            reached: Vec::new(),
            refused: Vec::new(),
            disliked: Vec::new(),
            dead: None,
            later: None,
            ambiguous: false,
        }
    }

    /// Adds one result. Breaks if further recipients would fail the same way.
    pub(super) fn add(&mut self, to: &Mailbox, result: Result<(), SmtpFailure>) -> ControlFlow<()> {
        let Err(failure) = result else {
            self.accepted = true;
            self.settled.push(to.email.to_string());
            self.reached.push(to.email.to_string());
            return ControlFlow::Continue(());
        };
        let about_the_recipient = failure.stage >= SmtpStage::Recipient;
        let reason =
            if about_the_recipient { format!("{failure} ({})", masked(&to.email)) } else { failure.to_string() };
        match (failure.is_final(), failure.stage) {
            (true, SmtpStage::Recipient | SmtpStage::Data) => {
                self.refused.push(Refusal { recipient: to.email.to_string(), reason });
            }
            (true, SmtpStage::Content) => self.disliked.push(Refusal { recipient: to.email.to_string(), reason }),
            (true, _) => self.dead = Some(reason),
            (false, _) => {
                if failure.is_ambiguous() {
                    self.ambiguous = true;
                    self.reached.push(to.email.to_string());
                }
                self.later.get_or_insert(reason);
            }
        }
        if about_the_recipient { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    /// Leaves the further recipients for another attempt.
    pub(super) fn put_off(&mut self, why: &str) {
        self.later.get_or_insert_with(|| why.to_owned());
    }

    /// The progress before the envelope to `next` is begun.
    pub(super) fn progress(&self, next: &Mailbox) -> MailProgress {
        MailProgress { reached: self.reached.clone(), settled: self.settled.clone(), next: next.email.to_string() }
    }

    /// The result for the message.
    pub(super) fn attempt(mut self) -> Attempt {
        if self.accepted {
            // The same content was accepted for others, so the recipient is to blame.
            self.refused.append(&mut self.disliked);
        }
        let told = !self.settled.is_empty();
        let mut refused = Vec::new();
        if told {
            for Refusal { recipient, reason } in &self.refused {
                tracing::warn!(mail.reason = reason, "a recipient of a mail is refused for good");
                self.settled.push(recipient.clone());
                refused.push(reason.clone());
            }
        }
        let outcome = if let Some(reason) = self.dead {
            Outcome::Rejected { reason, fault: Blame::Receiver }
        } else if let Some(first) = self.disliked.first() {
            Outcome::Rejected { reason: and_more(&first.reason, self.disliked.len()), fault: Blame::Payload }
        } else if let Some(reason) = self.later {
            Outcome::Retry { after: None, reason, ambiguous: self.ambiguous || told }
        } else if told {
            Outcome::Delivered
        } else {
            let reason = self.refused.first().map_or("no recipient", |first| &first.reason);
            Outcome::Rejected { reason: and_more(reason, self.refused.len()), fault: Blame::Receiver }
        };
        Attempt { outcome, settled: self.settled, reached: self.reached, refused }
    }
}

fn and_more(reason: &str, all: usize) -> String {
    if all > 1 { format!("{reason}, and {} more", all - 1) } else { reason.to_owned() }
}

/// The address as `l***@example.com`, which is enough to find it in the configuration.
fn masked(address: &Address) -> String {
    let first = address.user().chars().next().map(String::from).unwrap_or_default();
    format!("{first}***@{}", address.domain())
}
