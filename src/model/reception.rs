//! The state of a receiver: whether it accepts messages.

use jiff::Timestamp;

/// How a receiver accepts messages; the default is a receiver that works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiverState {
    /// Time of the first failure since it last accepted a message.
    pub failing_since: Option<Timestamp>,
    /// When it was found broken: it has failed for too long, or refuses for good. One message is tried now
    /// and then, the others wait.
    pub broken_at: Option<Timestamp>,
    /// The time before which it is not tried, because it asked for a pause or is broken.
    pub not_before: Option<Timestamp>,
    /// Its last error, for operators: no secret, no customer's text.
    pub last_error: String,
}

impl ReceiverState {
    /// Whether it is broken.
    pub fn is_broken(&self) -> bool {
        self.broken_at.is_some()
    }

    /// When it may be tried, if that is later than now.
    pub fn waits_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.not_before.filter(|at| *at > now)
    }
}
