//! The request budget at work: its ledger, its memory over restarts, and the deadline of a run.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::clock::Clock;
use crate::{
    inbox::{Gate, InboxError, Ledger},
    store::Store,
};

/// The gate of one inbox.
pub struct BudgetGate {
    inbox: String,
    ledger: Mutex<Ledger>,
    clock: Arc<dyn Clock>,
    store: Store,
    deadline: Option<Timestamp>,
}

impl BudgetGate {
    /// A gate of `limit` requests a minute that goes on from what is remembered; `deadline` is when
    /// a one-shot run must have ended.
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
        let ledger = Ledger::new(limit, store.requests(inbox).await?);
        Ok(Self { inbox: inbox.to_owned(), ledger: Mutex::new(ledger), clock, store, deadline })
    }

    /// How many requests are free now.
    pub async fn free(&self) -> usize {
        self.ledger.lock().await.free(self.clock.now())
    }

    /// Whether the run's time is over.
    pub fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| self.clock.now() >= deadline)
    }
}

impl Gate for BudgetGate {
    async fn enter(&self) -> Result<(), InboxError> {
        loop {
            let mut ledger = self.ledger.lock().await;
            let now = self.clock.now();
            let wait = ledger.wait(now);
            let begins = now.checked_add(wait).unwrap_or(Timestamp::MAX);
            if self.deadline.is_some_and(|deadline| begins >= deadline) {
                return Err(InboxError::OutOfTime);
            }
            if wait.is_zero() {
                ledger.begin(now);
                self.store.remember_requests(&self.inbox, ledger.times());
                return Ok(());
            }
            drop(ledger);
            tokio::time::sleep(wait.unsigned_abs()).await;
        }
    }

    async fn leave(&self) {
        let mut ledger = self.ledger.lock().await;
        ledger.end(self.clock.now());
        self.store.remember_requests(&self.inbox, ledger.times());
    }

    async fn hold(&self, pause: SignedDuration) {
        let now = self.clock.now();
        let until = now.checked_add(pause).unwrap_or(Timestamp::MAX);
        self.ledger.lock().await.hold(now, until);
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn remaining(&self) -> Option<SignedDuration> {
        self.deadline.map(|deadline| deadline.duration_since(self.clock.now()))
    }
}

#[cfg(test)]
mod tests;
