//! What ends a round of delivery before everything is sent.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{clock::Clock, receivers::Ending};

/// What ends a round; by default nothing.
#[derive(Clone)]
pub struct Limits<'a> {
    /// When, by the steady clock, nothing is begun any more.
    pub deadline: Option<Duration>,
    /// The word to stop.
    pub stop: CancellationToken,
    /// Hears of every attempt before it is begun.
    pub asked: &'a (dyn Fn() + Send + Sync),
}

impl Limits<'_> {
    /// Whether nothing is to be begun any more.
    pub(super) fn are_reached(&self, clock: &dyn Clock) -> bool {
        (self.asked)();
        self.stop.is_cancelled() || self.deadline.is_some_and(|deadline| clock.steady() >= deadline)
    }

    /// What this is for an attempt that begins now.
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
