//! Watches the watcher: what is wrong now → what is told, to receivers of its own.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use super::shared::Shared;
use crate::{
    clock::Clock,
    engine::{faults, retry::BROKEN_AFTER, watch::watch},
    model::{
        Alert, Backlog, InboxMemory, Loss, MissingRules, Problem, Trouble, WATCHDOG, snapshot::ConditionFailed,
        time::human,
    },
    store::{Store, StoreError},
};

/// The watchdog of the whole program.
pub struct WatchdogLoop {
    /// Who is told.
    pub notify: Vec<String>,
    /// An inbox that cannot be read for so long is trouble.
    pub after: SignedDuration,
    /// Inboxes that are watched.
    pub inboxes: Vec<String>,
    /// Receivers that there are.
    pub receivers: Vec<String>,
    pub store: Store,
    /// The rules, and what is wrong with them.
    pub shared: Arc<Shared>,
    pub clock: Arc<dyn Clock>,
}

impl WatchdogLoop {
    /// One look; gives how many notifications are owed by it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn run_once(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let mut snapshot = self.store.snapshot(WATCHDOG).await?;
        self.shared.roster.without_the_gone(&mut snapshot.told);
        let mut troubles = Vec::new();
        let mut memories = self.store.memories().await?;
        memories.retain(|(inbox, _)| self.inboxes.contains(inbox));
        let memories: Vec<_> = memories.into_iter().map(|(inbox, memory)| (inbox, memory.by_our_clock())).collect();
        for (inbox, memory) in &memories {
            troubles.extend(of_inbox(inbox, memory, self.after, now));
        }
        troubles.extend(of_runs(&memories));
        troubles.extend(of_conditions(&memories));
        for (rule, mistake) in &self.shared.live().mistakes {
            troubles.push(trouble(Problem::RuleRejected, rule, mistake, now));
        }
        troubles.extend(self.shared.live().rules.lost.as_ref().map(of_rules));
        let mut backlogs = self.store.backlogs().await?;
        backlogs.retain(|receiver, _| self.receivers.contains(receiver));
        troubles.extend(of_receivers(&backlogs, self.after, now));
        troubles.extend(of_templates(&self.shared.templates(), &snapshot.alerts));
        troubles.extend(self.store.loss().await?.and_then(|loss| of_state(self.store.path(), &loss, now)));
        let told: Vec<Trouble> = snapshot.alerts.iter().filter_map(Trouble::of).collect();
        troubles.extend(unproved(&told, &troubles, &memories, &backlogs));
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
        let detail = match &odd.what {
            Some(what) => what.clone(),
            None if odd.count == 1 => "1 record".to_owned(),
            None => format!("{} records", odd.count),
        };
        troubles.push(trouble(Problem::RecordsNotUnderstood, inbox, &detail, odd.since));
    }
    if let Some(emptied) = &memory.doubt.emptied {
        troubles.push(trouble(Problem::InboxEmptied, inbox, &emptied.to_string(), emptied.since));
    }
    if let Some((since, detail)) = memory.differing() {
        troubles.push(trouble(Problem::FilterDiffers, inbox, &detail, since));
    }
    if let Some(short) = &memory.short {
        let detail = format!("a full walk of {} pages or more does not come to its end in time", short.pages);
        troubles.push(trouble(Problem::BudgetShort, inbox, &detail, short.since));
    }
    if let Some(since) = memory.clocks.differ_since {
        troubles.push(trouble(Problem::ClockDiffers, inbox, &memory.clocks.words(), since));
    }
    troubles
}

/// Reported problems that still exist in another form: they must not be reported as over.
fn unproved(
    told: &[Trouble],
    troubles: &[Trouble],
    memories: &[(String, InboxMemory)],
    backlogs: &BTreeMap<String, Backlog>,
) -> Vec<Trouble> {
    let lasts = |told: &&Trouble| match told.problem {
        // A failure of another kind does not mean that the inbox is read again.
        Problem::InboxUnreadable | Problem::TokenRefused => {
            memories.iter().any(|(inbox, memory)| *inbox == told.subject && memory.failing.is_some())
        }
        Problem::OutboxStuck => backlogs.get(&told.subject).is_some_and(|backlog| backlog.untried_since.is_some()),
        // What was dropped by hand, or waits again after a replay, has not arrived.
        Problem::ReceiverBroken => {
            backlogs.get(&told.subject).is_some_and(|backlog| backlog.accepted_at.is_none_or(|at| at < told.since))
        }
        _ => false,
    };
    let is_known =
        |told: &Trouble| troubles.iter().any(|known| known.problem == told.problem && known.subject == told.subject);
    told.iter().filter(|told| !is_known(told)).filter(lasts).cloned().collect()
}

/// A template that failed is mended when it was rendered well, not when nobody has tried it since.
fn of_templates(rendered: &BTreeMap<String, Option<(String, Timestamp)>>, told: &[Alert]) -> Vec<Trouble> {
    let failing = rendered.iter().filter_map(|(name, fault)| {
        let (fault, since) = fault.as_ref()?;
        Some(trouble(Problem::TemplateFailed, name, fault, *since))
    });
    let untried = told
        .iter()
        .filter_map(Trouble::of)
        .filter(|told| told.problem == Problem::TemplateFailed && !rendered.contains_key(&told.subject));
    failing.chain(untried).collect()
}

/// A state that vanished, or is an older copy, is told for a while; so is one that vanishes again and again.
fn of_state(path: &Path, loss: &Loss, now: Timestamp) -> Option<Trouble> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    loss.lasts(now).then(|| trouble(Problem::StateLost, &name, &loss.words(), loss.found_at))
}

/// Conditions that could not be judged: one trouble a rule, however many inboxes it looks at.
fn of_conditions(memories: &[(String, InboxMemory)]) -> Vec<Trouble> {
    let mut found: BTreeMap<&str, (ConditionFailed, usize)> = BTreeMap::new();
    for (rule, failed) in memories.iter().flat_map(|(_, memory)| &memory.conditions) {
        let (first, contacts) = found.entry(rule).or_insert_with(|| (failed.clone(), 0));
        first.since = first.since.min(failed.since);
        *contacts += failed.contacts;
    }
    let told = |(rule, (failed, contacts)): (&str, (ConditionFailed, usize))| {
        let detail = faults::words(&failed.part, &failed.why, contacts);
        trouble(Problem::ConditionFailed, rule, &detail, failed.since)
    };
    found.into_iter().map(told).collect()
}

/// Rules that have vanished are one trouble, however many they are.
fn of_rules(lost: &MissingRules) -> Trouble {
    trouble(Problem::RulesMissing, "rules", &lost.words(), lost.since)
}

/// Runs that did not come are one trouble, however many inboxes were not read.
fn of_runs(memories: &[(String, InboxMemory)]) -> Option<Trouble> {
    let missed = memories.iter().find_map(|(_, memory)| memory.runs.missed.as_ref())?;
    let words = |seconds| human(SignedDuration::from_secs(seconds));
    let detail = format!("no run for {}, where there is one every {}", words(missed.gap), words(missed.usual));
    Some(trouble(Problem::RunsMissed, "run --once", &detail, missed.since))
}

fn of_receivers(backlogs: &BTreeMap<String, Backlog>, after: SignedDuration, now: Timestamp) -> Vec<Trouble> {
    let of = |(receiver, backlog): (&String, &Backlog)| {
        let lasts = |since: &Timestamp| now.duration_since(*since) >= after.max(BROKEN_AFTER);
        let reception = &backlog.reception;
        // One that is broken explains why messages wait, or were given up.
        if let Some(broken_at) = reception.broken_at {
            let since = reception.failing_since.unwrap_or(broken_at);
            let detail = format!("{}. It is tried every two minutes or so", reception.last_error);
            return Some(trouble(Problem::ReceiverBroken, receiver, &detail, since));
        }
        if let Some((at, why)) = &backlog.given_up {
            let detail = format!("a message was given up: {why}");
            return Some(trouble(Problem::ReceiverBroken, receiver, &detail, *at));
        }
        let since = backlog.untried_since.filter(lasts)?;
        Some(trouble(Problem::OutboxStuck, receiver, &reception.last_error, since))
    };
    backlogs.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests;
