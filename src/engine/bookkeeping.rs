//! What is remembered of an inbox after a poll: since when it is readable, which records were not understood, and
//! whether the budget is enough.

use jiff::{SignedDuration, Timestamp};

use super::{
    Observed, Query,
    reach::{Incomplete, Mode},
};
use crate::model::{
    InboxMemory,
    snapshot::{Failing, OddRecords, Runs, Short},
};

/// Why an inbox could not be read, wholly or partly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PollFailure {
    /// A text for operators.
    pub why: String,
    /// Whether the API refuses the token.
    pub token_refused: bool,
    /// Whether no request was free any more in this run.
    pub out_of_time: bool,
}

/// How one poll ended.
#[derive(Debug)]
pub(crate) struct PollEnd<'a> {
    pub queries: &'a [Query],
    pub observed: &'a Observed,
    pub failure: Option<PollFailure>,
    /// Why not everything was read although no request failed.
    pub gap: Option<Incomplete>,
    pub mode: Mode,
    /// Whether a poll came before in this run. A daemon that has just started has read nothing for a while.
    pub goes_on: bool,
    /// The longest time between two full walks.
    pub sweep_every: SignedDuration,
    /// When the poll began, by the API's clock.
    pub began: Timestamp,
}

/// Notes the end of a poll in the inbox's memory.
pub(crate) fn note(memory: &mut InboxMemory, poll: &PollEnd<'_>) {
    let PollEnd { queries, observed, failure, mode, goes_on, sweep_every, began, .. } = poll;
    let (sweep_every, began) = (*sweep_every, *began);
    memory.walks.retain(|id, _| queries.iter().any(|query| query.id == *id));
    note_filters(queries, observed, memory, began);
    memory.readable_since = match failure {
        None => readable_since(memory, sweep_every, began).filter(|_| *goes_on).or(Some(began)),
        Some(_) => None,
    };
    memory.polled_at = Some(began);
    memory.failing = failure.as_ref().map(|failure| Failing {
        since: memory.failing.as_ref().map_or(began, |failing| failing.since),
        why: failure.why.clone(),
        token_refused: failure.token_refused,
    });
    memory.odd_records = odd_records(memory, poll);
    let short_since = memory.short.as_ref().map_or(began, |short| short.since);
    memory.short = match short_of_budget(queries, memory, sweep_every, began) {
        // A failed request says nothing about the budget.
        _ if failure.as_ref().is_some_and(|failure| !failure.out_of_time) => memory.short.take(),
        None => None,
        Some(pages) => Some(Short { since: short_since, pages }),
    };
    match mode {
        Mode::Once => memory.runs.begin(began),
        Mode::Daemon => memory.runs = Runs::default(),
    }
}

/// Records that were not understood, until every query has had a complete walk since.
fn odd_records(memory: &InboxMemory, poll: &PollEnd<'_>) -> Option<OddRecords> {
    let known = memory.odd_records.as_ref();
    let too_much = poll.gap.filter(|gap| matches!(gap, Incomplete::TooLarge(_) | Incomplete::TooLong));
    if poll.observed.unreadable == 0 && too_much.is_none() {
        let is_over = poll.queries.iter().all(|query| was_whole_since(query, memory));
        return known.filter(|_| !is_over).cloned();
    }
    let since = known.map_or(poll.began, |odd| odd.since);
    Some(OddRecords { since, count: poll.observed.unreadable, what: too_much.map(|gap| gap.to_string()) })
}

/// Since when polls have succeeded, if the last one was recent enough.
fn readable_since(memory: &InboxMemory, sweep_every: SignedDuration, now: Timestamp) -> Option<Timestamp> {
    let is_recent = |at: &Timestamp| *at <= now && now.duration_since(*at) <= late_after(memory, sweep_every);
    memory.polled_at.filter(is_recent)?;
    memory.readable_since.filter(|since| *since <= now)
}

/// Time after a full walk from which the next one is late.
fn late_after(memory: &InboxMemory, sweep_every: SignedDuration) -> SignedDuration {
    // Where runs are rare, a walk may take several of them.
    let mut gaps = memory.runs.gaps.clone();
    gaps.sort_unstable();
    let usual = SignedDuration::from_secs(gaps.get(gaps.len() / 2).copied().unwrap_or(0));
    sweep_every.saturating_mul(2).max(usual.saturating_mul(3))
}

/// Whether a query's last complete walk is too long ago, or there was none, so that its results are not known.
pub(crate) fn is_overdue(query: &Query, memory: &InboxMemory, sweep_every: SignedDuration, now: Timestamp) -> bool {
    let walk = memory.walks.get(&query.id);
    let whole_at = walk.and_then(|walk| walk.whole_at.or(walk.complete_at));
    // A time in the future was noted by a clock that was ahead; the real time is not known.
    whole_at.is_none_or(|at| now.duration_since(at) >= late_after(memory, sweep_every) || at > now)
}

/// Whether a complete walk of a query began after the first record that was not understood.
fn was_whole_since(query: &Query, memory: &InboxMemory) -> bool {
    let complete_at = memory.walks.get(&query.id).and_then(|walk| walk.complete_at);
    memory.odd_records.as_ref().is_none_or(|odd| complete_at.is_some_and(|at| at > odd.since))
}

/// The pages of the longest full walk that is far too late because requests were missing.
fn short_of_budget(
    queries: &[Query],
    memory: &InboxMemory,
    sweep_every: SignedDuration,
    now: Timestamp,
) -> Option<u32> {
    let late = late_after(memory, sweep_every);
    let of = |query: &Query| {
        let walk = memory.walks.get(&query.id)?;
        let part = walk.part.as_ref()?;
        let since = walk.ended_at.or(walk.first_at)?;
        (now.duration_since(since) >= late).then(|| walk.pages.max(part.pages))
    };
    queries.iter().filter_map(of).max()
}

/// Notes what the returned records say about the filters of their queries.
fn note_filters(queries: &[Query], observed: &Observed, memory: &mut InboxMemory, now: Timestamp) {
    for query in queries {
        if let Some(returned) = observed.returned.get(&query.id) {
            returned.note(query, memory.walks.entry(query.id.clone()).or_default(), now);
        }
    }
}
