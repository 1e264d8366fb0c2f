//! Watches pengwatch itself, and notifies receivers of its own of what is wrong now.

use std::sync::Arc;

use jiff::SignedDuration;

use super::shared::Shared;
use crate::{
    clock::Clock,
    engine::{
        troubles::{WatcherState, troubles},
        watch::watch,
    },
    model::WATCHDOG,
    store::{Store, StoreError},
};

pub struct WatchdogLoop {
    /// The receivers that are notified.
    pub notify: Vec<String>,
    pub after: SignedDuration,
    pub inboxes: Vec<String>,
    pub receivers: Vec<String>,
    pub store: Store,
    /// The rules, and the mistakes in them.
    pub shared: Arc<Shared>,
    pub clock: Arc<dyn Clock>,
}

impl WatchdogLoop {
    /// Looks once; returns the number of notifications that are owed by it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn run_once(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let mut snapshot = self.store.snapshot(WATCHDOG).await?;
        self.shared.roster.without_the_gone(&mut snapshot.told);
        let mut memories = self.store.memories().await?;
        memories.retain(|(inbox, _)| self.inboxes.contains(inbox));
        let memories: Vec<_> = memories.into_iter().map(|(inbox, memory)| (inbox, memory.by_our_clock())).collect();
        let mut backlogs = self.store.backlogs().await?;
        backlogs.retain(|receiver, _| self.receivers.contains(receiver));
        let (live, loss) = (self.shared.live(), self.store.loss().await?);
        let state = self.store.location().short_name();
        let troubles = troubles(&WatcherState {
            memories: &memories,
            rejected: &live.mistakes,
            missing: live.rules.lost.as_ref(),
            backlogs: &backlogs,
            templates: &self.shared.templates(),
            loss: loss.as_ref().map(|loss| (state.as_str(), loss)),
            told: &snapshot.alerts,
            after: self.after,
            now,
        });
        let changes = watch(&snapshot, &troubles, &self.notify, now);
        for entry in &changes.history {
            let (problem, subject, what) = (&entry.rule, &entry.contact, entry.happened.name());
            tracing::debug!(problem, subject, "watchdog.{what}");
        }
        let owed = changes.owed.len();
        if !changes.is_empty() {
            self.store.commit(WATCHDOG, changes).await?;
        }
        Ok(owed)
    }
}
