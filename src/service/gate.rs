//! The request budget: its ledger, its memory across restarts, and the deadline of a run.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::{api_clock::ApiClock, metrics::Metrics};
use crate::{
    clock::Clock,
    inbox::{Gate, Hold, InboxError, MOST_PAUSE, RequestLedger},
    model::Dated,
    store::Store,
};

/// The longest part of a one-shot run's time that is kept for a look at contacts that are due.
const LONGEST_LOOK: SignedDuration = SignedDuration::from_secs(5);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Requests of the budget.
    pub requests: usize,
    /// Time before the deadline.
    pub time: SignedDuration,
}

/// A gate that does not use what is kept for others.
#[derive(Clone, Copy)]
pub struct Keeping<'a> {
    gate: &'a BudgetGate,
    keep: Keep,
}

/// The gate of one inbox.
///
/// It counts by the steady clock, in timestamps that continue from the time at which it was opened. So setting the
/// machine's clock does not free requests, and does not make pauses longer.
pub struct BudgetGate {
    inbox: String,
    ledger: Mutex<RequestLedger>,
    clock: Arc<dyn Clock>,
    opened_at: Timestamp,
    opened_steady: Duration,
    store: Store,
    deadline: Option<Timestamp>,
    limit: u32,
    metrics: Option<Arc<Metrics>>,
    api_clock: Option<Arc<ApiClock>>,
}

impl BudgetGate {
    /// Opens a gate of `limit` requests a minute that continues from what is stored; `deadline` is the time at which a
    /// one-shot run must have ended.
    ///
    /// # Errors
    /// The store failed.
    pub async fn open(
        inbox: &str,
        limit: u32,
        clock: Arc<dyn Clock>,
        store: Store,
        deadline: Option<Timestamp>,
    ) -> Result<Self, crate::store::StoreError> {
        let (times, hold) = store.requests(inbox).await?;
        // A stored pause has the same upper limit as a `Retry-After`.
        let hold = hold.filter(|(since, until)| until.duration_since(*since) <= MOST_PAUSE);
        let ledger = RequestLedger::new(limit, times).held(hold.map(|(since, until)| Hold { since, until }));
        let (opened_at, opened_steady) = (clock.now(), clock.steady());
        let ledger = Mutex::new(ledger);
        Ok(Self {
            inbox: inbox.to_owned(),
            ledger,
            clock,
            opened_at,
            opened_steady,
            store,
            deadline,
            limit,
            metrics: None,
            api_clock: None,
        })
    }

    /// Counts the requests in these metrics.
    #[must_use]
    pub fn counted(self, metrics: Arc<Metrics>) -> Self {
        Self { metrics: Some(metrics), ..self }
    }

    /// Measures the API's clock by its answers.
    #[must_use]
    pub fn measured(self, api_clock: Arc<ApiClock>) -> Self {
        Self { api_clock: Some(api_clock), ..self }
    }

    /// The time as it would be if nobody had set the clock since the gate was opened.
    fn steady(&self) -> Timestamp {
        let passed = self.clock.steady().saturating_sub(self.opened_steady);
        self.opened_at.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// Stores the requests for the next start, in times of the wall clock.
    fn remember(&self, ledger: &RequestLedger) {
        let moved = self.clock.now().duration_since(self.steady());
        let as_of_now = |time: Timestamp| time.checked_add(moved).ok();
        let times = ledger.times().into_iter().filter_map(as_of_now);
        let hold = ledger.pause().and_then(|hold| Some((as_of_now(hold.since)?, as_of_now(hold.until)?)));
        self.store.remember_requests(&self.inbox, times.collect(), hold);
    }

    /// The number of requests that are free now.
    pub async fn free(&self) -> usize {
        let free = self.ledger.lock().await.free(self.steady());
        if let Some(metrics) = &self.metrics {
            metrics.budget(&self.inbox, self.limit, free);
        }
        free
    }

    /// The number of requests that may be made in a minute.
    pub fn limit(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }

    /// Waits out a pause that the API asked for, if it ends before the deadline; during the pause it is not known how
    /// many requests are free.
    pub async fn wait_out(&self) {
        let left = {
            let mut ledger = self.ledger.lock().await;
            let now = self.steady();
            ledger.wait(now);
            ledger.pause().map(|hold| hold.until.duration_since(now))
        };
        let Some(left) = left.filter(|left| self.remaining().is_none_or(|remaining| *left < remaining)) else { return };
        tracing::info!(inbox = self.inbox, seconds = left.as_secs(), "inbox.paused: the API asked to be left alone");
        self.clock.sleep(left.unsigned_abs()).await;
    }

    /// This gate for a user that leaves something to others.
    pub fn keeping(&self, keep: Keep) -> Keeping<'_> {
        Keeping { gate: self, keep }
    }

    /// What the walks of a poll leave for a look at contacts that are due: an eighth of the budget, and of the time of
    /// a one-shot run.
    pub fn kept_for_due(&self) -> Keep {
        let time = self.remaining().map_or(SignedDuration::ZERO, |left| (left / 8).min(LONGEST_LOOK));
        Keep { requests: self.limit() / 8, time }
    }

    async fn enter_keeping(&self, keep: Keep) -> Result<(), InboxError> {
        let deadline = self.deadline.map(|deadline| deadline.checked_sub(keep.time).unwrap_or(deadline));
        loop {
            let mut ledger = self.ledger.lock().await;
            let now = self.steady();
            let wait = ledger.wait_keeping(now, keep.requests);
            let begins = now.checked_add(wait).unwrap_or(Timestamp::MAX);
            if deadline.is_some_and(|deadline| begins >= deadline) {
                return Err(match ledger.pause().filter(|hold| hold.until >= begins) {
                    // The API refuses requests, which is a failure.
                    Some(hold) => InboxError::RateLimited { retry_after: Some(hold.until.duration_since(now)) },
                    None => InboxError::OutOfTime,
                });
            }
            if wait.is_zero() {
                ledger.begin(now);
                self.remember(&ledger);
                return Ok(());
            }
            drop(ledger);
            self.clock.sleep(wait.unsigned_abs()).await;
        }
    }
}

impl Gate for BudgetGate {
    async fn enter(&self) -> Result<(), InboxError> {
        self.enter_keeping(Keep::default()).await
    }

    async fn leave(&self) {
        let mut ledger = self.ledger.lock().await;
        ledger.end(self.steady());
        self.remember(&ledger);
    }

    fn dated(&self, dated: Dated) {
        if let Some(api_clock) = &self.api_clock {
            api_clock.hear(dated);
        }
    }

    fn ended(&self, outcome: &'static str) {
        if let Some(metrics) = &self.metrics {
            metrics.requested(&self.inbox, outcome);
        }
    }

    async fn hold(&self, pause: SignedDuration) {
        let now = self.steady();
        let until = now.checked_add(pause).unwrap_or(Timestamp::MAX);
        let mut ledger = self.ledger.lock().await;
        ledger.hold(now, until);
        self.remember(&ledger);
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn api_now(&self) -> Timestamp {
        self.api_clock.as_ref().map_or_else(|| self.clock.now(), |clock| clock.now())
    }

    fn remaining(&self) -> Option<SignedDuration> {
        self.deadline.map(|deadline| deadline.duration_since(self.steady()))
    }
}

impl Gate for Keeping<'_> {
    async fn enter(&self) -> Result<(), InboxError> {
        self.gate.enter_keeping(self.keep).await
    }

    async fn leave(&self) {
        self.gate.leave().await;
    }

    fn dated(&self, dated: Dated) {
        self.gate.dated(dated);
    }

    fn ended(&self, outcome: &'static str) {
        self.gate.ended(outcome);
    }

    async fn hold(&self, pause: SignedDuration) {
        self.gate.hold(pause).await;
    }

    fn now(&self) -> Timestamp {
        self.gate.now()
    }

    fn api_now(&self) -> Timestamp {
        self.gate.api_now()
    }

    fn remaining(&self) -> Option<SignedDuration> {
        Some(self.gate.remaining()? - self.keep.time)
    }
}

#[cfg(test)]
mod tests;
