//! Who writes down how far a mail to several recipients has come, while it is under way.
//!
//! One envelope follows the other. Without a note between them nobody would know after a kill which of the
//! recipients have the mail.

use std::future::ready;

use futures_util::future::BoxFuture;

/// What is known of a mail when the next recipient's turn comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailProgress {
    /// Recipients who got it in this attempt, or may have got it.
    pub reached: Vec<String>,
    /// All recipients that need no further attempt.
    pub settled: Vec<String>,
    /// Whose envelope is begun now.
    pub next: String,
}

/// Hears of every recipient but the first, before the envelope is begun.
pub trait Witness: Send + Sync {
    /// Writes it down; `false`: that failed, and the recipient is left for another attempt.
    fn hears(&self, progress: MailProgress) -> BoxFuture<'_, bool>;
}

/// Writes nothing down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nobody;

impl Witness for Nobody {
    fn hears(&self, _: MailProgress) -> BoxFuture<'_, bool> {
        Box::pin(ready(true))
    }
}
