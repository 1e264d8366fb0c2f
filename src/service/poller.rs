//! One poll: now → plan → walk → snapshot → tick → commit.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{
    clock::Clock,
    gate::BudgetGate,
    shared::Shared,
    walks::{Means, Walker, reaches},
};
use crate::{
    engine::{
        Observed, Query, Tick,
        evaluate::{Judgement, Surroundings, judge, waiting_since},
        missing, plan, tick,
    },
    inbox::{Client, InboxError},
    model::{Alert, Candidate, Changes, Contact, Event, InboxMemory, Snapshot},
    rules::{Filter, Rule},
    store::{Store, StoreError},
};

/// Names of segments are asked for at most this often.
const SEGMENTS_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// An alert that has begun does not wait longer for them.
const NAMES_WITHIN: Duration = Duration::from_secs(3);

/// Candidates that match within that time are about to: a poll is not later than that.
const SOON: SignedDuration = SignedDuration::from_mins(1);

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
    /// A poll's fair part of the budget, in requests.
    pub share: usize,
    /// Where state is kept.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Rules and names.
    pub shared: Arc<Shared>,
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
        let mut snapshot = self.store.snapshot(&self.inbox).await?;
        let memory = snapshot.memory.clone();
        self.shared.learn_segments(&memory.segments);

        // 3. Plan: the fewest queries that serve all rules.
        let rules = self.shared.rules.of_inbox(&self.inbox);
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
            None => self.confirm_candidates(&rules, &mut snapshot, &mut poll.observed, began).await,
            failed => (Vec::new(), failed),
        };
        let Poll { observed, mut memory, .. } = poll;

        // 6. Judge.
        let now = self.clock.now();
        let names = self.shared.names();
        let inbox = self.inbox.as_str();
        let outcome = tick(Tick {
            inbox,
            rules: &self.shared.rules,
            snapshot: &snapshot,
            observed: &observed,
            names: &names,
            now,
        });
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
        let polled = summary(&observed, &snapshot, &outcome.changes, failure);
        let mut changes = outcome.changes;
        changes.candidates.extend(doubtful);
        changes.memory = (memory != snapshot.memory).then_some(memory);
        log(inbox, &snapshot, &changes);
        if !changes.is_empty() {
            self.store.commit(inbox, changes).await?;
        }
        if let Some(error) = &polled.failure
            // A one-shot run says it at its end.
            && mode == Mode::Daemon
        {
            tracing::warn!(inbox, fault = error.name(), %error, "poll.failed: no alert is ended by this");
        }
        Ok(polled)
    }

    /// Between two polls, time alone may begin an episode.
    ///
    /// # Errors
    /// The store failed: the tick has not happened.
    pub async fn tick(&self) -> Result<usize, StoreError> {
        let snapshot = self.store.snapshot(&self.inbox).await?;
        if snapshot.candidates.is_empty() {
            return Ok(0);
        }
        let names = self.shared.names();
        let observed = Observed::between_polls();
        let outcome = tick(Tick {
            inbox: &self.inbox,
            rules: &self.shared.rules,
            snapshot: &snapshot,
            observed: &observed,
            names: &names,
            now: self.clock.now(),
        });
        let owed = outcome.changes.owed.len();
        log(&self.inbox, &snapshot, &outcome.changes);
        if !outcome.changes.is_empty() {
            self.store.commit(&self.inbox, outcome.changes).await?;
        }
        Ok(owed)
    }

    /// Whether a rule's condition looks at the clock.
    pub fn needs_ticks(&self) -> bool {
        self.shared.rules.of_inbox(&self.inbox).iter().any(|rule| rule.looks_at_clock())
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
            let Some(search) = contact.search_text() else { continue };
            match self.client.page(&self.gate, &Filter::for_look_up(search), 1, now).await {
                Ok(page) => {
                    page.contacts
                        .into_iter()
                        .filter(|found| found.id == contact.id)
                        .for_each(|found| observed.see(found));
                }
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

    /// Candidates that are about to match but were not seen, by a torn walk or a narrow one, are
    /// looked up: what is known of them may be out of date. Those that are not found are not told
    /// of until they are seen again.
    async fn confirm_candidates(
        &self,
        rules: &[Arc<Rule>],
        snapshot: &mut Snapshot,
        observed: &mut Observed,
        now: Timestamp,
    ) -> (Vec<Candidate>, Option<InboxError>) {
        let soon = now.checked_add(SOON).unwrap_or(now);
        let names = self.shared.names();
        let surroundings = Surroundings { inbox: &self.inbox, names: &names, now: soon };
        let (mut doubtful, mut look_ups) = (Vec::new(), 0);
        for candidate in &mut snapshot.candidates {
            let id = candidate.contact.contact_id();
            let unseen = observed.of(&candidate.rule).complete == 0 && !observed.contacts.contains_key(&id);
            let rule = rules.iter().find(|rule| rule.name == candidate.rule);
            let Some(rule) = rule.filter(|_| unseen && candidate.missed_walks == 0) else { continue };
            let since = waiting_since(rule, &candidate.contact, candidate.first_seen, now);
            if judge(rule, &candidate.contact, since, surroundings, &mut Vec::new()) != Judgement::Match {
                continue;
            }
            if let Some(search) = candidate.contact.search_text().filter(|_| look_ups < missing::MOST_LOOK_UPS) {
                look_ups += 1;
                match self.client.page(&self.gate, &Filter::for_look_up(search), 1, now).await {
                    Ok(page) => page
                        .contacts
                        .into_iter()
                        .filter(|found| found.contact_id() == id)
                        .for_each(|found| observed.see(found)),
                    Err(InboxError::BadRequest { .. }) => {}
                    Err(error) => {
                        observed.fresh = false;
                        return (doubtful, Some(error));
                    }
                }
            }
            if !observed.contacts.contains_key(&id) {
                candidate.missed_walks = 1;
                doubtful.push(candidate.clone());
            }
        }
        (doubtful, None)
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

fn summary(observed: &Observed, before: &Snapshot, changes: &Changes, failure: Option<InboxError>) -> Polled {
    let known = |alert: &&Alert| before.alerts.iter().any(|old| old.id == alert.id);
    Polled {
        contacts: observed.contacts.len(),
        fired: changes.alerts.iter().filter(|alert| alert.is_firing() && !known(alert)).count(),
        resolved: changes.alerts.iter().filter(|alert| !alert.is_firing()).count(),
        owed: changes.owed.len(),
        failure,
    }
}

/// One event for each beginning and end, where it is decided.
fn log(inbox: &str, before: &Snapshot, changes: &Changes) {
    for alert in &changes.alerts {
        let owed = |event: Event| {
            let told = changes.owed.iter().filter(|owed| owed.alert == alert.id && owed.event == event);
            told.map(|owed| owed.receiver.as_str()).collect::<Vec<_>>().join(",")
        };
        let (id, rule, contact) = (&alert.id, alert.rule.as_str(), alert.contact.id.as_str());
        match &alert.resolution {
            Some(resolution) => {
                let (reason, owed) = (resolution.reason.name(), owed(Event::Resolved));
                tracing::info!(inbox, rule, alert = %id, contact, reason, owed, "alert.resolved");
            }
            None if !before.alerts.iter().any(|old| old.id == alert.id) => {
                let owed = owed(Event::Fired);
                tracing::info!(inbox, rule, alert = %id, contact, owed, "alert.firing");
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;
