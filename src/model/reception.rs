//! How a receiver takes messages.

use jiff::Timestamp;

/// How a receiver accepts messages; the default is a receiver that works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiverState {
    /// The first failure since it last took something.
    pub failing_since: Option<Timestamp>,
    /// When it was found broken: it has failed for too long, or refuses for good. One message is tried now
    /// and then, the others wait.
    pub broken_at: Option<Timestamp>,
    /// It is not tried before: it asked for a pause, or is broken.
    pub not_before: Option<Timestamp>,
    /// What it last failed with, for operators: no secret, no customer's text.
    pub last_error: String,
}

impl ReceiverState {
    /// Whether it is broken.
    pub fn is_broken(&self) -> bool {
        self.broken_at.is_some()
    }

    /// When it may be tried, where that is later than now.
    pub fn waits_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.not_before.filter(|at| *at > now)
    }
}
