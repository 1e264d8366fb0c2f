//! Brings messages to their receivers: Slack, mail, a webhook, the console.
//!
//! Knows the wire and how each kind of receiver says yes, no and later; knows nothing of rules, of
//! templates or of what is stored. Bodies come rendered, secrets and the HTTP client come from the
//! caller, and what a send gives is data: [`Attempt`], from which [`retry::decide`] makes what to do.

pub mod console;
pub mod email;
mod response;
pub mod retry;
pub mod slack;
#[cfg(test)]
mod testing;
pub mod webhook;

pub use console::Console;
pub use email::Email;
pub use slack::Slack;
pub use webhook::Webhook;

use crate::model::{Attempt, Fault, Outcome, Parcel};

/// Everything that messages can be sent through.
#[derive(Debug)]
pub enum Sender {
    /// A Slack incoming webhook.
    Slack(Slack),
    /// Mail to one or more recipients.
    Email(Email),
    /// A webhook after the Standard Webhooks specification.
    Webhook(Webhook),
    /// The console.
    Console(Console),
}

impl Sender {
    /// Makes one attempt. It ends within the sender's timeout, a mail within it for each recipient.
    pub async fn send(&self, parcel: &Parcel) -> Attempt {
        match self {
            Self::Slack(slack) => slack.send(parcel).await,
            Self::Email(email) => email.send(parcel).await,
            Self::Webhook(webhook) => webhook.send(parcel).await,
            Self::Console(console) => console.send(parcel),
        }
    }
}

/// A body that this sender can't take: a mistake of ours, which another attempt as it is won't mend.
fn wrong_body(kind: &str) -> Attempt {
    rejected(Fault::Payload, format!("this message was not made for a receiver of type {kind}"))
}

fn rejected(fault: Fault, reason: impl Into<String>) -> Attempt {
    Outcome::Rejected { reason: reason.into(), fault }.into()
}
