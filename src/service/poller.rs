//! One poll: now → plan → walk → snapshot → tick → commit.

use std::sync::Arc;

use jiff::SignedDuration;

mod knowledge;
mod look;
pub(crate) mod poll;
mod read;

pub(crate) use self::knowledge::Knowledge;
use self::poll::{InboxReading, Poll};
use super::{
    api_clock::ApiClock,
    gate::BudgetGate,
    metrics::Counted,
    shared::{Live, Shared},
};
use crate::{
    clock::{Clock, Jumps},
    engine::{
        Observed, Tick, TickOutcome,
        bookkeeping::{self, PollEnd, PollFailure, is_overdue},
        due::DueMoment,
        faults::RuleFault,
        reach::{Incomplete, Mode},
        tick,
    },
    inbox::{Client, InboxError},
    model::{Changes, Clocks, Entry, Happened, Snapshot},
    store::{Store, StoreError},
};

/// The poller of one inbox.
pub struct Poller {
    pub inbox: String,
    pub client: Client,
    /// Its budget.
    pub gate: BudgetGate,
    /// A full walk at least this often.
    pub sweep_every: SignedDuration,
    /// A poll's fair part of the budget, in requests.
    pub requests_per_poll: usize,
    /// How many bytes of what the API sends one poll keeps.
    pub most_bytes: usize,
    pub store: Store,
    /// The time, by the API's clock: all that is stored of an inbox counts by it.
    pub clock: Arc<ApiClock>,
    /// Rules and names.
    pub shared: Arc<Shared>,
    /// When contacts were seen, and who was asked for.
    pub knowledge: Knowledge,
    /// Held while the inbox is asked about those who are due.
    pub looking: tokio::sync::Mutex<()>,
    /// Held from the last look at the state until what was made of it is stored.
    pub judging: tokio::sync::Mutex<()>,
}

/// What one poll did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Polled {
    pub contacts: usize,
    /// Episodes that began.
    pub fired: usize,
    /// Episodes that ended.
    pub resolved: usize,
    /// Notifications owed.
    pub owed: usize,
    /// Whether everything that this poll read was understood, and no query's last complete walk is overdue.
    pub complete: bool,
    /// Why not everything was read, where no request failed.
    pub gap: Option<Incomplete>,
    /// A filter that the API understands otherwise: nobody is told of by its rules.
    pub differs: Option<String>,
    /// Pages that are read of a full walk that goes on in the next poll.
    pub goes_on: Option<u32>,
    /// The inbox could not be read, wholly or partly; no alert was touched by what is missing.
    pub failure: Option<InboxError>,
    /// Conditions that could not be judged.
    pub faults: Vec<RuleFault>,
}

impl Polled {
    /// Why the inbox was not read completely, where the next poll does not simply go on.
    pub fn unread(&self) -> Option<String> {
        let gap = || self.gap.filter(|gap| gap.is_fault()).map(|gap| gap.to_string());
        self.failure.as_ref().map(ToString::to_string).or_else(gap).or_else(|| self.differs.clone())
    }
}

impl Poller {
    /// One poll.
    ///
    /// # Errors
    /// The store failed: the poll has not happened.
    pub async fn run_once(&self, mode: Mode, progress: &(dyn Fn(u32) + Send + Sync)) -> Result<Polled, StoreError> {
        // 1. Now. What was read before somebody set the clock, or the machine slept, is read again.
        let mut jumps = Jumps::of(self.clock.ours());
        let mut reading = self.read(mode, progress).await?;
        if jumps.since(self.clock.ours()).is_some() {
            tracing::warn!(inbox = self.inbox, "clock.jumped: the inbox is read again");
            self.knowledge.forget();
            reading = self.read(mode, progress).await?;
        }
        let InboxReading { live, mut poll, mut failure } = reading;
        self.shared.at("poll.read");

        // 6. Judge, by what is remembered now: time and people went on during the walk. Whom that would tell of on
        // old knowledge is asked for first.
        let mut judging = self.judging.lock().await;
        let (mut snapshot, mut outcome) = self.judge_poll(&live, &mut poll).await?;
        if failure.is_none() && !outcome.due.is_empty() {
            drop(judging);
            failure = self.look_again(&outcome.due, &mut poll).await;
            judging = self.judging.lock().await;
            (snapshot, outcome) = self.judge_poll(&live, &mut poll).await?;
        }
        let now = self.clock.now();
        let Poll { now: began, queries, observed, mut memory, gap, .. } = poll;
        let inbox = self.inbox.as_str();
        let emptied = outcome.doubt.emptied.as_ref().map(|emptied| Incomplete::Emptied(emptied.gone, emptied.open));
        let gap = gap.filter(|gap| gap.is_fault()).or(emptied).or(gap);
        self.warn_of(&outcome.faults, observed.unreadable);

        // 7. Names of segments, where a new alert shows some.
        self.name_segments(&outcome.changes.alerts, &mut memory).await;

        // 8. Commit: state and what is owed, together or not at all.
        let overdue = queries.iter().any(|query| is_overdue(query, &memory, self.sweep_every, began));
        let goes_on = queries.iter().filter_map(|query| memory.walks.get(&query.id)?.part.as_ref());
        let goes_on = goes_on.map(|part| part.pages).max();
        let mut polled =
            Polled { goes_on, faults: outcome.faults, ..summary(&observed, &outcome.changes, failure, gap, overdue) };
        let mut changes = self.with_history(outcome.changes);
        memory.live_chats = outcome.live_chats;
        memory.doubt = outcome.doubt;
        memory.conditions = outcome.conditions;
        let failure = polled.failure.as_ref().map(|error| PollFailure {
            why: error.to_string(),
            token_refused: matches!(error, InboxError::TokenRefused { .. }),
            out_of_time: *error == InboxError::OutOfTime,
        });
        bookkeeping::note(
            &mut memory,
            &PollEnd {
                queries: &queries,
                observed: &observed,
                failure,
                gap,
                mode,
                goes_on: mode == Mode::Once || self.polled_at().is_some(),
                sweep_every: self.sweep_every,
                began,
            },
        );
        if let Some((_, differs)) = memory.differing() {
            tracing::warn!(inbox, differs, "filter.differs: nobody is told of by it");
            (polled.complete, polled.differs) = (false, Some(differs));
        }
        if self.clock.is_no_clock() {
            memory.clocks = Clocks::default();
        }
        memory.clocks.note(self.clock.measured(), self.clock.ahead(), self.clock.ours().now());
        changes.memory = (memory != snapshot.memory).then_some(memory);
        log(inbox, &changes);
        self.shared.at("poll.judged");
        let metrics = &self.shared.metrics;
        if !changes.is_empty() {
            let counted = Counted::of(&changes);
            self.store.commit(inbox, changes).await?;
            metrics.changed(inbox, counted);
        }
        self.knowledge.polled(&observed, now);
        drop(judging);
        self.shared.at("poll.committed");
        let outcome = match &polled.failure {
            Some(_) => "failed",
            None if polled.complete => "complete",
            None => "incomplete",
        };
        metrics.polled(inbox, outcome, polled.contacts, self.clock.ours().now());
        if let Some(error) = &polled.failure
            // A one-shot run says it at its end.
            && mode == Mode::Daemon
        {
            tracing::warn!(inbox, fault = error.name(), %error, "poll.failed: no alert is ended by this");
        }
        Ok(polled)
    }

    /// What is remembered of the inbox, as far as anybody can still be told, by the API's clock; a silence is stored
    /// by ours.
    async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let mut snapshot = self.store.snapshot(&self.inbox).await?;
        self.shared.roster.without_the_gone(&mut snapshot.told);
        let ahead = self.clock.ahead();
        snapshot.silences = snapshot.silences.into_iter().map(|silence| silence.moved(-ahead)).collect();
        snapshot.memory.set_right(self.clock.now());
        Ok(snapshot)
    }

    /// The history is one of many inboxes and receivers, and goes by our clock.
    fn with_history(&self, mut changes: Changes) -> Changes {
        let ahead = self.clock.ahead();
        for entry in &mut changes.history {
            entry.at = entry.at.checked_add(ahead).unwrap_or(entry.at);
        }
        changes
    }

    fn warn_of(&self, faults: &[RuleFault], records: usize) {
        let inbox = self.inbox.as_str();
        for fault in faults {
            let (rule, words) = (&fault.rule, fault.words());
            tracing::warn!(inbox, rule, fault = words, "rule.condition_failed: nothing begins or ends by it for them");
        }
        if records > 0 {
            tracing::warn!(inbox, records, "inbox.records_not_understood: nobody's alert ends by them");
        }
    }

    /// What a poll saw, judged by what is remembered now; the caller holds the lock.
    async fn judge_poll(&self, live: &Live, poll: &mut Poll) -> Result<(Snapshot, TickOutcome), StoreError> {
        self.knowledge.add_glimpses(&mut poll.observed);
        let snapshot = self.snapshot().await?;
        let (names, now) = (self.shared.names(), self.clock.now());
        let outcome = tick(Tick {
            inbox: &self.inbox,
            rules: &live.rules,
            snapshot: &snapshot,
            observed: &poll.observed,
            names: &names,
            now,
        });
        Ok((snapshot, outcome))
    }

    /// Asks for those of whom people would be told on what this poll has not seen, or a while ago.
    async fn look_again(&self, due: &[DueMoment], poll: &mut Poll) -> Option<InboxError> {
        let due = self.knowledge.in_turn(due, true);
        match self.look(&due, &poll.memory, &mut poll.observed).await {
            // Without time or requests, the next poll tells.
            None | Some(InboxError::OutOfTime) => None,
            Some(error) => {
                poll.observed.fresh = false;
                Some(error)
            }
        }
    }
}

fn summary(
    observed: &Observed,
    changes: &Changes,
    failure: Option<InboxError>,
    gap: Option<Incomplete>,
    overdue: bool,
) -> Polled {
    let count = |what: Happened| changes.history.iter().filter(|entry| entry.happened == what).count();
    Polled {
        contacts: observed.contacts.len(),
        fired: count(Happened::Firing),
        resolved: count(Happened::Resolved),
        owed: changes.owed.len(),
        complete: failure.is_none() && gap.is_none() && !overdue,
        gap,
        differs: None,
        goes_on: None,
        failure,
        faults: Vec::new(),
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
