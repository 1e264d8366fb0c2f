//! One poll: now → plan → walk → snapshot → tick → commit.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    clock::Clock,
    gate::BudgetGate,
    shared::Shared,
    walks::{Means, Walker, reaches},
};
use crate::{
    engine::{Observed, Query, Tick, evaluate::Surroundings, missing, plan, tick, tick::time_matters},
    inbox::{Client, InboxError},
    model::{
        Alert, AlertId, Candidate, Changes, Contact, ContactId, Entry, Happened, InboxMemory, Snapshot,
        snapshot::{Failing, OddRecords},
    },
    rules::{Filter, Rule},
    store::{Store, StoreError},
};

/// Names of segments are asked for at most this often.
const SEGMENTS_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// An alert that has begun does not wait longer for them.
const NAMES_WITHIN: Duration = Duration::from_secs(3);

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The next poll comes soon.
    Daemon,
    /// The next run may come late: what is missing is confirmed at once.
    Once,
}

/// The poller of one inbox.
pub struct Poller {
    /// The inbox's name.
    pub inbox: String,
    /// Its client.
    pub client: Client,
    /// Its budget.
    pub gate: BudgetGate,
    /// A full walk at least this often.
    pub sweep_every: SignedDuration,
    /// Whoever is to be told of within that time is about to be: the next poll is not later than that.
    pub soon: SignedDuration,
    /// A poll's fair part of the budget, in requests.
    pub share: usize,
    /// Where state is kept.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Rules and names.
    pub shared: Arc<Shared>,
    /// Alerts of which the last poll knew nothing newer: nobody is told of them by time alone.
    pub doubtful: Mutex<BTreeSet<AlertId>>,
    /// Held from the last look at the state until what was made of it is stored.
    pub judging: tokio::sync::Mutex<()>,
}

/// What one poll did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Polled {
    /// Contacts seen.
    pub contacts: usize,
    /// Episodes that began.
    pub fired: usize,
    /// Episodes that ended.
    pub resolved: usize,
    /// Notifications owed.
    pub owed: usize,
    /// Whether everything that was walked was read and understood.
    pub complete: bool,
    /// The inbox could not be read, wholly or partly; no alert was touched by what is missing.
    pub failure: Option<InboxError>,
}

/// One poll under way.
struct Poll {
    mode: Mode,
    now: Timestamp,
    queries: Vec<Query>,
    memory: InboxMemory,
    observed: Observed,
}

impl Poller {
    /// One poll.
    ///
    /// # Errors
    /// The store failed: the poll has not happened.
    pub async fn run_once(&self, mode: Mode, progress: &(dyn Fn(u32) + Send + Sync)) -> Result<Polled, StoreError> {
        // 1. Now: everything in this poll is judged as of one moment.
        let began = self.clock.now();

        // 2. What is remembered.
        let snapshot = self.store.snapshot(&self.inbox).await?;
        let memory = snapshot.memory.clone();
        self.shared.learn_segments(&memory.segments);

        // 3. Plan: the fewest queries that serve all rules.
        let live = self.shared.live();
        let rules = live.rules.of_inbox(&self.inbox);
        let queries = plan::queries(&rules);

        // 4. Walk them.
        let mut poll = Poll { mode, now: began, queries, memory, observed: Observed::default() };
        let failure = self.walk(&mut poll, progress).await;
        poll.observed.fresh = failure.is_none();

        // 5. Look for those who are missing where they should be, unless the inbox is out of reach.
        let failure = match failure {
            failure @ (None | Some(InboxError::BadRequest { .. })) => {
                failure.or(self.find_missing(&rules, &snapshot, &mut poll).await)
            }
            failed => failed,
        };
        let (doubtful, failure) = match failure {
            None => self.confirm(&rules, &snapshot, &mut poll.observed, began).await,
            failed => (BTreeSet::new(), failed),
        };
        let Poll { observed, mut memory, .. } = poll;

        // 6. Judge, by what is remembered now: time and people went on during the walk.
        let judging = self.judging.lock().await;
        let mut snapshot = self.store.snapshot(&self.inbox).await?;
        let is_doubtful = |candidate: &&mut Candidate| doubtful.contains(&candidate_key(candidate));
        snapshot.candidates.iter_mut().filter(is_doubtful).for_each(|candidate| candidate.missed_walks = 1);
        let now = self.clock.now();
        let names = self.shared.names();
        let inbox = self.inbox.as_str();
        let outcome =
            tick(Tick { inbox, rules: &live.rules, snapshot: &snapshot, observed: &observed, names: &names, now });
        self.doubtful.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&observed.doubtful);
        for (rule, fault) in &outcome.faults {
            tracing::warn!(inbox, rule, fault, "rule.condition_failed: those contacts count as not matching");
        }
        if observed.unreadable > 0 {
            tracing::warn!(
                inbox,
                records = observed.unreadable,
                "inbox.records_not_understood: nobody's alert ends by them"
            );
        }

        // 7. Names of segments, where a new alert shows some.
        self.name_segments(&outcome.changes.alerts, &mut memory).await;

        // 8. Commit: state and what is owed, together or not at all.
        let polled = summary(&observed, &outcome.changes, failure);
        let mut changes = outcome.changes;
        let known: BTreeSet<_> = changes.candidates.iter().map(candidate_key).collect();
        let kept = snapshot.candidates.iter().filter(|candidate| {
            let key = candidate_key(candidate);
            doubtful.contains(&key) && !known.contains(&key) && !changes.dropped.contains(&key)
        });
        changes.candidates.extend(kept.cloned().collect::<Vec<_>>());
        memory.live_chats = outcome.live_chats;
        memory.polled_at = Some(began);
        memory.failing = polled.failure.as_ref().map(|error| Failing {
            since: memory.failing.map_or(began, |failing| failing.since),
            why: error.to_string(),
            token_refused: matches!(error, InboxError::TokenRefused { .. }),
        });
        memory.odd_records = match observed.unreadable {
            0 if polled.complete => None,
            0 => memory.odd_records,
            count => Some(OddRecords { since: memory.odd_records.map_or(began, |odd| odd.since), count }),
        };
        changes.memory = (memory != snapshot.memory).then_some(memory);
        log(inbox, &changes);
        if !changes.is_empty() {
            self.store.commit(inbox, changes).await?;
        }
        drop(judging);
        if let Some(error) = &polled.failure
            // A one-shot run says it at its end.
            && mode == Mode::Daemon
        {
            tracing::warn!(inbox, fault = error.name(), %error, "poll.failed: no alert is ended by this");
        }
        Ok(polled)
    }

    /// Between two polls, and while one reads: time may begin an episode or make a step due, edits of rules, acknowledgements
    /// and silences may have come. `good`: the last poll was.
    ///
    /// # Errors
    /// The store failed: the tick has not happened.
    pub async fn tick(&self, good: bool) -> Result<usize, StoreError> {
        // A poll that is about to end judges all of this itself.
        let Ok(_judging) = self.judging.try_lock() else { return Ok(0) };
        let snapshot = self.store.snapshot(&self.inbox).await?;
        if !time_matters(&snapshot) {
            return Ok(0);
        }
        let live = self.shared.live();
        let names = self.shared.names();
        let doubtful = self.doubtful.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let observed = Observed { fresh: good, doubtful, ..Observed::between_polls() };
        let outcome = tick(Tick {
            inbox: &self.inbox,
            rules: &live.rules,
            snapshot: &snapshot,
            observed: &observed,
            names: &names,
            now: self.clock.now(),
        });
        let owed = outcome.changes.owed.len();
        log(&self.inbox, &outcome.changes);
        if !outcome.changes.is_empty() {
            self.store.commit(&self.inbox, outcome.changes).await?;
        }
        Ok(owed)
    }

    fn walker<'a>(&'a self, progress: &'a (dyn Fn(u32) + Send + Sync)) -> Walker<'a> {
        Walker { client: &self.client, gate: &self.gate, verify_every: self.sweep_every, progress }
    }

    async fn walk(&self, poll: &mut Poll, progress: &(dyn Fn(u32) + Send + Sync)) -> Option<InboxError> {
        let Poll { mode, now, queries, memory, observed } = poll;
        let now = *now;
        let free = self.gate.free().await;
        let means = Means { free, share: self.share, sweep_every: self.sweep_every, now };
        let walker = self.walker(progress);
        let mut failure = None;
        for (query, reach) in queries.iter().zip(reaches(queries, memory, *mode, means)) {
            match walker.query(query, reach, memory, observed, now).await {
                Ok(()) => {}
                // The others may be taken all the same.
                Err(error @ InboxError::BadRequest { .. }) => failure = Some(error),
                Err(error) => return Some(error),
            }
        }
        failure
    }

    /// Looks firing contacts up that were not seen; a one-shot run then walks again, to be sure of
    /// those that were not found.
    async fn find_missing(&self, rules: &[Arc<Rule>], snapshot: &Snapshot, poll: &mut Poll) -> Option<InboxError> {
        let Poll { mode, now, queries, memory, observed } = poll;
        let now = *now;
        let wanted: Vec<Contact> = missing::to_look_up(rules, snapshot, observed).into_iter().cloned().collect();
        let mut failure = None;
        for contact in wanted {
            match self.look_up(&contact, observed, now).await {
                Ok(()) => {}
                Err(InboxError::OutOfTime) => return failure,
                // What one contact is searched by may not please the API; the others are found all the same.
                Err(error @ InboxError::BadRequest { .. }) => failure = Some(error),
                Err(error) => return Some(error),
            }
        }
        if *mode == Mode::Daemon {
            return failure;
        }
        let unsure = missing::rules_to_confirm(rules, snapshot, observed);
        let walker = self.walker(&|_| {});
        for query in queries.iter().filter(|query| query.rules.iter().any(|rule| unsure.contains(rule))) {
            match walker.query(query, super::walks::Reach::Full, memory, observed, now).await {
                // Without time for a second walk, the next run confirms.
                Ok(()) | Err(InboxError::OutOfTime) => {}
                Err(error) => return Some(error),
            }
        }
        failure
    }

    /// One small request for one contact, where there is something to search it by; found, it is seen.
    async fn look_up(&self, contact: &Contact, observed: &mut Observed, now: Timestamp) -> Result<(), InboxError> {
        let Some(search) = contact.search_text() else { return Ok(()) };
        let page = self.client.page(&self.gate, &Filter::for_look_up(search), 1, now).await?;
        page.contacts.into_iter().filter(|found| found.id == contact.id).for_each(|found| observed.see(found));
        Ok(())
    }

    /// Whom people are about to be told of, but who was not seen, by a torn walk or a narrow one, is looked
    /// up: what is known of them may be out of date. Of those that are not found nobody is told until they
    /// are seen again.
    async fn confirm(
        &self,
        rules: &[Arc<Rule>],
        snapshot: &Snapshot,
        observed: &mut Observed,
        now: Timestamp,
    ) -> (BTreeSet<(String, ContactId)>, Option<InboxError>) {
        let soon = now.checked_add(self.soon).unwrap_or(now);
        let names = self.shared.names();
        let unsure = missing::to_confirm(
            rules,
            snapshot,
            observed,
            Surroundings { inbox: &self.inbox, names: &names, live_chats: &snapshot.memory.live_chats, now: soon },
        );
        for contact in unsure.contacts.iter().take(missing::MOST_LOOK_UPS) {
            match self.look_up(contact, observed, now).await {
                Ok(()) | Err(InboxError::BadRequest { .. }) => {}
                Err(error) => {
                    observed.fresh = false;
                    return (BTreeSet::new(), Some(error));
                }
            }
        }
        let is_unseen = |contact: &Contact| !observed.contacts.contains_key(&contact.contact_id());
        let alerts =
            snapshot.alerts.iter().filter(|alert| unsure.alerts.contains(&alert.id) && is_unseen(&alert.contact));
        let doubtful: BTreeSet<AlertId> = alerts.map(|alert| alert.id.clone()).collect();
        let candidates = unsure.candidates.iter().map(|place| &snapshot.candidates[*place]);
        let candidates = candidates.filter(|candidate| is_unseen(&candidate.contact)).map(candidate_key).collect();
        observed.doubtful = doubtful;
        (candidates, None)
    }

    /// Nothing depends on these names: where they are refused, the ids are shown.
    async fn name_segments(&self, alerts: &[Alert], memory: &mut InboxMemory) {
        let now = self.clock.now();
        let unnamed = alerts
            .iter()
            .flat_map(|alert| &alert.contact.segments)
            .any(|segment| !memory.segments.contains_key(segment));
        let recent = memory.segments_at.is_some_and(|at| now.duration_since(at) < SEGMENTS_EVERY && at <= now);
        // An alert must not wait for a name.
        if !unnamed || recent || self.gate.free().await == 0 {
            return;
        }
        memory.segments_at = Some(now);
        let fault = match tokio::time::timeout(NAMES_WITHIN, self.client.segments(&self.gate)).await {
            Ok(Ok(segments)) => {
                memory.segments = segments;
                return self.shared.learn_segments(&memory.segments);
            }
            Ok(Err(error)) => error.name(),
            Err(_) => "timeout",
        };
        tracing::info!(inbox = self.inbox, fault, "segments.unknown: their ids are shown");
    }
}

fn candidate_key(candidate: &Candidate) -> (String, ContactId) {
    (candidate.rule.clone(), candidate.contact.contact_id())
}

fn summary(observed: &Observed, changes: &Changes, failure: Option<InboxError>) -> Polled {
    let count = |what: Happened| changes.history.iter().filter(|entry| entry.happened == what).count();
    Polled {
        contacts: observed.contacts.len(),
        fired: count(Happened::Firing),
        resolved: count(Happened::Resolved),
        owed: changes.owed.len(),
        complete: failure.is_none() && observed.coverage.values().all(|walks| walks.complete > 0 || !walks.ended),
        failure,
    }
}

/// One event for each transition, where it is decided.
fn log(inbox: &str, changes: &Changes) {
    for entry in &changes.history {
        let Entry { alert, rule, contact, who, detail, .. } = entry;
        let (what, detail) = (entry.happened.name(), detail.as_str());
        match entry.happened {
            Happened::Firing | Happened::Resolved | Happened::RuleRenamed | Happened::Dropped => {
                tracing::info!(inbox, rule, %alert, contact, detail, "alert.{what}");
            }
            Happened::Acknowledged => tracing::info!(inbox, rule, %alert, contact, "alert.{what}"),
            Happened::Owed => tracing::debug!(inbox, rule, %alert, receiver = who, detail, "notification.{what}"),
            _ => tracing::debug!(inbox, rule, %alert, contact, detail, "alert.{what}"),
        }
    }
}

#[cfg(test)]
mod tests;
