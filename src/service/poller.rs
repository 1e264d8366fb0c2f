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
    pub gate: BudgetGate,
    /// The longest time between two full walks.
    pub sweep_every: SignedDuration,
    /// A poll's fair share of the budget, in requests.
    pub requests_per_poll: usize,
    /// How many bytes of the API's answers one poll keeps.
    pub most_bytes: usize,
    pub store: Store,
    /// The time by the API's clock; everything that is stored of an inbox uses it.
    pub clock: Arc<ApiClock>,
    /// Rules and names.
    pub shared: Arc<Shared>,
    /// When contacts were seen, and which were looked for.
    pub knowledge: Knowledge,
    /// Held while the inbox is asked about contacts that are due.
    pub looking: tokio::sync::Mutex<()>,
    /// Held from reading the state until the result of judging it is stored.
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
    /// Notifications that are owed by it.
    pub owed: usize,
    /// Whether everything that this poll read was understood, and no query's last complete walk is overdue.
    pub complete: bool,
    /// The reason why not everything was read, if no request failed.
    pub gap: Option<Incomplete>,
    /// A filter that the API understands differently; nobody is notified by its rules.
    pub differs: Option<String>,
    /// How many pages were read of a full walk that continues in the next poll.
    pub goes_on: Option<u32>,
    /// The reason why the inbox could not be read, wholly or partly; alerts of what is missing were not touched.
    pub failure: Option<InboxError>,
    /// Conditions that could not be judged.
    pub faults: Vec<RuleFault>,
}

impl Polled {
    /// The reason why the inbox was not read completely, unless the next poll simply continues.
    pub fn unread(&self) -> Option<String> {
        let gap = || self.gap.filter(|gap| gap.is_fault()).map(|gap| gap.to_string());
        self.failure.as_ref().map(ToString::to_string).or_else(gap).or_else(|| self.differs.clone())
    }
}

impl Poller {
    /// Polls once.
    ///
    /// # Errors
    /// The store failed: the poll has not happened.
    pub async fn run_once(&self, mode: Mode, progress: &(dyn Fn(u32) + Send + Sync)) -> Result<Polled, StoreError> {
        // 1. Now. What was read before the clock was set or the machine slept is read again.
        let mut jumps = Jumps::of(self.clock.ours());
        let mut reading = self.read(mode, progress).await?;
        if jumps.since(self.clock.ours()).is_some() {
            tracing::warn!(inbox = self.inbox, "clock.jumped: the inbox is read again");
            self.knowledge.forget();
            reading = self.read(mode, progress).await?;
        }
        let InboxReading { live, mut poll, mut failure } = reading;
        self.shared.at("poll.read");

        // 6. Judge by the state as it is now, since time and people went on during the walk. Contacts of whom somebody
        // would be notified on old knowledge are looked at first.
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

        // 7. Get names of segments, if a new alert shows segments without one.
        self.name_segments(&outcome.changes.alerts, &mut memory).await;

        // 8. Commit the state and what is owed together.
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
            tracing::warn!(inbox, differs, "filter.differs: nobody is notified by rules with this filter");
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
            // A one-shot run reports it at its end.
            && mode == Mode::Daemon
        {
            tracing::warn!(inbox, fault = error.name(), %error, "poll.failed: no alert is ended by this");
        }
        Ok(polled)
    }

    /// The stored state of the inbox by the API's clock, without what was sent to receivers that are gone. A silence is
    /// stored by our clock.
    async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let mut snapshot = self.store.snapshot(&self.inbox).await?;
        self.shared.roster.without_the_gone(&mut snapshot.told);
        let ahead = self.clock.ahead();
        snapshot.silences = snapshot.silences.into_iter().map(|silence| silence.moved(-ahead)).collect();
        snapshot.memory.set_right(self.clock.now());
        Ok(snapshot)
    }

    /// Moves the history to our clock, since it is one for all inboxes and receivers.
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
            let (rule, words) = (&fault.rule, fault.message());
            tracing::warn!(
                inbox,
                rule,
                fault = words,
                "rule.condition_failed: for these contacts, no alert of the rule begins or ends"
            );
        }
        if records > 0 {
            tracing::warn!(inbox, records, "inbox.records_not_understood: no alert is ended by them");
        }
    }

    /// Judges what a poll saw by the state as it is now; the caller holds the lock.
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

    /// Asks for contacts of whom somebody would be notified, and that this poll has not seen or saw a while ago.
    async fn look_again(&self, due: &[DueMoment], poll: &mut Poll) -> Option<InboxError> {
        let due = self.knowledge.in_turn(due, true);
        match self.look(&due, &poll.memory, &mut poll.observed).await {
            // Without time or requests, the next poll notifies.
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

/// Logs one event for each transition.
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
