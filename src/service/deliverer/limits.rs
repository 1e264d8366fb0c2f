//! What ends a round of delivery before everything is sent.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{clock::Clock, receivers::Ending};

/// What ends a round; by default nothing.
#[derive(Clone)]
pub struct Limits<'a> {
    /// When, by the steady clock, no further attempt begins.
    pub deadline: Option<Duration>,
    /// The stop signal.
    pub stop: CancellationToken,
    /// Called before every attempt.
    pub asked: &'a (dyn Fn() + Send + Sync),
}

impl Limits<'_> {
    /// Whether no further attempt may begin.
    pub(super) fn are_reached(&self, clock: &dyn Clock) -> bool {
        (self.asked)();
        self.stop.is_cancelled() || self.deadline.is_some_and(|deadline| clock.steady() >= deadline)
    }

    /// These limits for an attempt that begins now.
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
