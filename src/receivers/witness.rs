//! Records how far a mail to several recipients has come while it is being sent.
//!
//! Recipients get one envelope after the other. Without a record between them it would not be known after a kill which
//! of them have the mail.

use std::future::ready;

use futures_util::future::BoxFuture;

/// The progress of a mail when the next recipient's turn comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailProgress {
    /// Recipients who got it in this attempt, or may have got it.
    pub reached: Vec<String>,
    /// All recipients that need no further attempt.
    pub settled: Vec<String>,
    /// The recipient whose envelope is begun now.
    pub next: String,
}

/// Is notified of every recipient but the first, before the envelope is begun.
pub trait Witness: Send + Sync {
    /// Records the progress; returns `false` if that failed, and the recipient is left for another attempt.
    fn hears(&self, progress: MailProgress) -> BoxFuture<'_, bool>;
}

/// Does not record anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nobody;

impl Witness for Nobody {
    fn hears(&self, _: MailProgress) -> BoxFuture<'_, bool> {
        Box::pin(ready(true))
    }
}
