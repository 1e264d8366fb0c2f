//! Limits that end a round of delivery before everything is sent.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{clock::Clock, receivers::Ending};

/// Limits of a round; none by default.
#[derive(Clone)]
pub struct Limits<'a> {
    /// The time, by the steady clock, after which no attempt is begun.
    pub deadline: Option<Duration>,
    pub stop: CancellationToken,
    pub asked: &'a (dyn Fn() + Send + Sync),
}

impl Limits<'_> {
    /// Whether no further attempt may be begun.
    pub(super) fn are_reached(&self, clock: &dyn Clock) -> bool {
        (self.asked)();
        self.stop.is_cancelled() || self.deadline.is_some_and(|deadline| clock.steady() >= deadline)
    }

    /// The limits of an attempt that begins now.
    pub(super) fn ending(&self, clock: &dyn Clock) -> Ending {
        let left = self.deadline.map(|deadline| deadline.saturating_sub(clock.steady()));
        Ending::new(left, self.stop.clone())
    }
}

impl Default for Limits<'_> {
    fn default() -> Self {
        Self { deadline: None, stop: CancellationToken::new(), asked: &|| {} }
    }
}
