//! Watches the watcher: what is wrong now → what is told, to receivers of its own.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{clock::Clock, deliverer::BROKEN_AFTER, shared::Shared};
use crate::{
    engine::watch::watch,
    model::{InboxMemory, Problem, Trouble, WATCHDOG},
    store::{Reception, Store, StoreError},
};

/// The watchdog of the whole program.
pub struct Watchdog {
    /// Who is told.
    pub notify: Vec<String>,
    /// An inbox that cannot be read for so long is trouble.
    pub after: SignedDuration,
    /// Inboxes that are watched.
    pub inboxes: Vec<String>,
    /// Where the state is.
    pub store: Store,
    /// The rules, and what is wrong with them.
    pub shared: Arc<Shared>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Watchdog {
    /// One look; gives how many notifications are owed by it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn run_once(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let snapshot = self.store.snapshot(WATCHDOG).await?;
        let mut troubles = Vec::new();
        for (inbox, memory) in self.store.memories().await? {
            if self.inboxes.contains(&inbox) {
                troubles.extend(of_inbox(&inbox, &memory, self.after, now));
            }
        }
        for (rule, mistake) in &self.shared.live().mistakes {
            troubles.push(trouble(Problem::RuleRejected, rule, mistake, now));
        }
        troubles.extend(of_receivers(&self.store.receptions().await?, self.after, now));
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

fn trouble(problem: Problem, subject: &str, detail: &str, since: Timestamp) -> Trouble {
    Trouble { problem, subject: subject.to_owned(), detail: detail.to_owned(), since }
}

/// What is wrong with one inbox: a refused token is told at once, and only as that.
fn of_inbox(inbox: &str, memory: &InboxMemory, after: SignedDuration, now: Timestamp) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    if let Some(failing) = &memory.failing {
        let lasts = now.duration_since(failing.since) >= after;
        if failing.token_refused {
            troubles.push(trouble(Problem::TokenRefused, inbox, &failing.why, failing.since));
        } else if lasts {
            troubles.push(trouble(Problem::InboxUnreadable, inbox, &failing.why, failing.since));
        }
    }
    if let Some(odd) = &memory.odd_records
        && now.duration_since(odd.since) >= after
    {
        let detail = if odd.count == 1 { "1 record".to_owned() } else { format!("{} records", odd.count) };
        troubles.push(trouble(Problem::RecordsNotUnderstood, inbox, &detail, odd.since));
    }
    troubles
}

fn of_receivers(receptions: &[Reception], after: SignedDuration, now: Timestamp) -> Vec<Trouble> {
    let mut troubles: Vec<Trouble> = Vec::new();
    for reception in receptions {
        let lasts = |least: SignedDuration| now.duration_since(reception.since) >= least;
        let problem = match (reception.dead, reception.tried) {
            (true, _) => Problem::ReceiverBroken,
            (false, true) if lasts(BROKEN_AFTER) => Problem::ReceiverBroken,
            (false, false) if lasts(after.max(BROKEN_AFTER)) => Problem::OutboxStuck,
            _ => continue,
        };
        // A receiver that is broken explains why others wait for it.
        let known = troubles.iter().any(|known| known.subject == reception.receiver);
        if !known {
            troubles.push(trouble(problem, &reception.receiver, &reception.last_error, reception.since));
        }
    }
    troubles
}

#[cfg(test)]
mod tests;
