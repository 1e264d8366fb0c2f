//! What is remembered of one inbox between two polls, and what one poll changes.
//!
//! The store returns a [`Snapshot`], the engine makes [`Changes`] of it, and the store commits them in one transaction:
//! a poll whose commit fails has not happened.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Alert, AlertId, Candidate, Clocks, ContactId, Differs, Doubt, Entry, Notification, Silence};

/// A receiver that was told of a firing alert, or is about to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldReceiver {
    pub alert: AlertId,
    pub receiver: String,
    /// The step of the rule that notified it.
    pub step: u32,
    pub template: String,
}

/// How the last full walk of a query went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WalkMemory {
    /// When it was first begun.
    pub first_at: Option<Timestamp>,
    /// When it began, if it was complete.
    pub complete_at: Option<Timestamp>,
    /// When it came to its end, if it was complete: the time of the poll in which it did.
    pub whole_at: Option<Timestamp>,
    /// When it began, if it came to any end: one that stays torn must not be tried at every poll.
    pub ended_at: Option<Timestamp>,
    /// Number of requests that it took.
    pub pages: u32,
    /// Number of the last page that had records.
    pub filled: u32,
    /// Number of walks in a row whose pages differ in size.
    pub uneven: u32,
    /// Set while the records that it returns do not pass its own filter.
    pub differs: Option<Differs>,
    /// Whether it returned contacts that pass its filter beside others that do not, since the API does not apply it.
    pub loose: bool,
    /// When a walk of any kind last began; a narrow one is over the contacts that came since.
    pub looked_at: Option<Timestamp>,
    /// The newest `lastSeenAt` that records had shown then, from which the next narrow walk asks.
    pub shown_to: Option<Timestamp>,
    /// A full walk that did not fit into one poll and goes on in the next.
    pub part: Option<WalkPart>,
}

/// What a walk shows about the page size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageSize {
    /// Nothing that contradicts the known size.
    Unchanged,
    /// Full pages of this size, down to an empty one.
    Confirmed(usize),
    /// The known size is wrong, or pages differ.
    Wrong,
}

/// The first part of a full walk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalkPart {
    pub began_at: Timestamp,
    /// Number of pages read so far.
    pub pages: u32,
    /// Ids of the contacts seen so far.
    pub seen: BTreeSet<String>,
    /// Whether there were records that were not understood; such a walk is not evidence of any absence.
    #[serde(default)]
    pub torn: bool,
    /// The newest `lastSeenAt` that records had shown when it began.
    #[serde(default)]
    pub shown_to: Option<Timestamp>,
}

/// What is known of an inbox besides its alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InboxMemory {
    /// The page size, once learned.
    pub page_size: Option<usize>,
    /// When a walk to an empty page last confirmed it.
    pub page_size_at: Option<Timestamp>,
    /// The walks, by the query's fingerprint.
    pub walks: BTreeMap<String, WalkMemory>,
    /// Names of segments by id.
    pub segments: BTreeMap<String, String>,
    /// When the segments were last asked for, with or without success.
    pub segments_at: Option<Timestamp>,
    /// Live chats without an answer by an agent, by contact; one that ends without it was missed.
    pub live_chats: BTreeMap<String, LiveChat>,
    /// Absences that are not believed yet.
    pub doubt: Doubt,
    /// When the last poll began.
    pub polled_at: Option<Timestamp>,
    /// Since when polls succeed, without a long pause between two of them.
    pub readable_since: Option<Timestamp>,
    /// Set while polls fail; `None` after a good one.
    pub failing: Option<Failing>,
    /// Set while records are not understood; `None` after a complete walk.
    pub odd_records: Option<OddRecords>,
    /// Set while the budget is not enough for the rules.
    pub short: Option<Short>,
    /// The one-shot runs so far; empty where a daemon polls.
    pub runs: Runs,
    /// Conditions that could not be judged, by rule.
    pub conditions: BTreeMap<String, ConditionFailed>,
    /// This machine's clock and the API's. All other times here are by the API's.
    pub clocks: Clocks,
    /// The newest `lastSeenAt` that records have shown.
    pub shown_to: Option<Timestamp>,
}

/// A rule's condition could not be judged for some contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionFailed {
    pub since: Timestamp,
    /// When it last failed for somebody.
    pub seen_at: Timestamp,
    /// The part of the condition, as the admin wrote it.
    pub part: String,
    /// Why, without a customer's value.
    pub why: String,
    /// Number of contacts for which it failed.
    pub contacts: usize,
    /// The fingerprint of the condition.
    pub condition: String,
}

impl InboxMemory {
    /// Filters whose returned records do not pass their own check: since when, and what comes.
    pub fn differing(&self) -> Option<(Timestamp, String)> {
        let told = || self.walks.values().filter_map(|walk| walk.differs.as_ref()).filter(|differs| differs.is_told());
        let what: Vec<&str> = told().map(|differs| differs.what.as_str()).collect();
        Some((told().map(|differs| differs.since).min()?, what.join("; ")))
    }

    /// Why the last poll did not show everything, in an operator's words, and since when.
    pub fn trouble(&self) -> Option<(Timestamp, String)> {
        let failing = self.failing.as_ref().map(|failing| (failing.since, failing.why.clone()));
        let emptied = self.doubt.emptied.as_ref().map(|emptied| (emptied.since, emptied.to_string()));
        failing.or(emptied).or_else(|| self.differing())
    }
}

/// The request budget is not enough for the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Short {
    pub since: Timestamp,
    /// Number of pages of the walk that does not come to its end, as far as it came.
    pub pages: u32,
}

/// The times of one-shot runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Runs {
    /// When the last one began.
    pub last_at: Option<Timestamp>,
    /// Pauses between the last ones, in seconds, the newest last.
    pub gaps: Vec<i64>,
    /// Set if there were none for much longer than usual before the last one.
    pub missed: Option<Missed>,
}

/// No run came for much longer than usual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// When the run before began.
    pub since: Timestamp,
    /// The usual pause, in seconds.
    pub usual: i64,
    /// The pause before this run, in seconds.
    pub gap: i64,
}

/// Number of pauses that are remembered.
const GAPS: usize = 9;
/// Number of pauses from which the usual one is known.
const ENOUGH: usize = 4;
/// Seconds by which a pause may be longer than usual by chance.
const SLACK: i64 = 120;

impl Runs {
    /// Notes that a one-shot run begins.
    pub fn begin(&mut self, now: Timestamp) {
        let last_at = self.last_at.replace(now);
        self.missed = None;
        // After the clock was set back, the pause is not known.
        let Some(since) = last_at.filter(|at| *at <= now) else { return };
        let gap = now.duration_since(since).as_secs();
        let mut sorted = self.gaps.clone();
        sorted.sort_unstable();
        let usual = sorted.get(sorted.len() / 2).copied().filter(|_| sorted.len() >= ENOUGH);
        self.missed = usual
            .filter(|usual| gap >= usual.saturating_mul(3) && gap >= usual + SLACK)
            .map(|usual| Missed { since, usual, gap });
        self.gaps.push(gap);
        self.gaps.drain(..self.gaps.len().saturating_sub(GAPS));
    }
}

/// A live chat without an answer by an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveChat {
    /// When it was first seen.
    pub began_at: Timestamp,
    /// When it was seen to be over, still without an answer by an agent.
    pub missed_at: Option<Timestamp>,
}

/// The inbox cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    pub since: Timestamp,
    /// What failed last, in an operator's words.
    pub why: String,
    /// Whether the token is refused.
    #[serde(default)]
    pub token_refused: bool,
}

/// Records that are not understood, or that are too many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OddRecords {
    pub since: Timestamp,
    /// Number of them in the last poll that had some.
    pub count: usize,
    /// What else cannot be read, in an operator's words.
    #[serde(default)]
    pub what: Option<String>,
}

/// The state of one inbox before a poll.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Open alerts, the pending ones included.
    pub alerts: Vec<Alert>,
    /// Candidates of rules that look at the clock.
    pub candidates: Vec<Candidate>,
    /// The receivers that were told of the alerts, or are about to be.
    pub told: Vec<ToldReceiver>,
    /// Silences of all inboxes, those that have ended too.
    pub silences: Vec<Silence>,
    /// Everything else that is remembered of the inbox.
    pub memory: InboxMemory,
}

/// What one poll changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Alerts that began, changed or ended.
    pub alerts: Vec<Alert>,
    /// Candidates that came or changed.
    pub candidates: Vec<Candidate>,
    /// Candidates that are dropped, by rule and contact.
    pub dropped: Vec<(String, ContactId)>,
    /// Pending alerts that are forgotten.
    pub vanished: Vec<AlertId>,
    pub owed: Vec<Notification>,
    /// The entries for the history, in order.
    pub history: Vec<Entry>,
    /// The inbox's memory, if it changed.
    pub memory: Option<InboxMemory>,
}

impl Changes {
    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::Runs;

    /// What each run notes as missed, as (usual pause, pause).
    fn missed(pauses: &[i64]) -> Vec<Option<(i64, i64)>> {
        let (mut runs, mut now) = (Runs::default(), Timestamp::UNIX_EPOCH);
        runs.begin(now);
        let run = |pause: &i64| {
            now += SignedDuration::from_secs(*pause);
            runs.begin(now);
            runs.missed.as_ref().map(|missed| (missed.usual, missed.gap))
        };
        pauses.iter().map(run).collect()
    }

    #[test]
    fn runs_that_did_not_come_by_table() {
        for (pauses, told) in [
            (vec![60; 9], vec![None; 9]),
            (vec![60, 61, 59, 60, 2_580, 60], vec![None, None, None, None, Some((60, 2_580)), None]),
            // The usual pause is not known yet.
            (vec![60, 60, 60, 2_580], vec![None; 4]),
            // A run that was late, and a schedule of seconds.
            (vec![60, 60, 60, 60, 179], vec![None; 5]),
            (vec![5, 5, 5, 5, 60], vec![None; 5]),
            (vec![300, 300, 300, 300, 800, 900], vec![None, None, None, None, None, Some((300, 900))]),
            // The clock was set back.
            (vec![60, 60, 60, 60, -7_200, 60], vec![None; 6]),
        ] {
            assert_eq!(missed(&pauses), told, "{pauses:?}");
        }
        // A schedule that changes becomes the usual one.
        let changed = missed(&[vec![60; 9], vec![600; 12]].concat());
        assert_eq!(changed.iter().filter(|one| one.is_some()).count(), 5, "{changed:?}");
        assert!(changed[14..].iter().all(Option::is_none), "{changed:?}");
    }
}
