//! What is remembered of an inbox after a poll.

use jiff::SignedDuration;

use super::fixtures::{at, noon};
use crate::{
    engine::{
        Observed, Query,
        bookkeeping::{PollEnd, PollFailure, is_overdue, note},
        reach::{Incomplete, Mode},
    },
    model::{
        Filter, InboxMemory,
        snapshot::{OddRecords, WalkMemory, WalkPart},
    },
};

const SWEEP: SignedDuration = SignedDuration::from_mins(5);

fn query() -> Query {
    Query { id: "q".to_owned(), filter: Filter::default(), rules: vec!["r".to_owned()] }
}

fn failure(why: &str) -> PollFailure {
    PollFailure { why: why.to_owned(), token_refused: false, out_of_time: false }
}

/// A poll of one query that began this long after noon.
struct Ended {
    seconds: i64,
    failure: Option<PollFailure>,
    gap: Option<Incomplete>,
    unreadable: usize,
    goes_on: bool,
}

impl Ended {
    fn well(seconds: i64) -> Self {
        Self { seconds, failure: None, gap: None, unreadable: 0, goes_on: true }
    }

    fn note(self, memory: &mut InboxMemory) {
        let Self { seconds, failure, gap, unreadable, goes_on } = self;
        let observed = Observed { unreadable, ..Observed::default() };
        let poll = PollEnd {
            queries: &[query()],
            observed: &observed,
            failure,
            gap,
            mode: Mode::Daemon,
            goes_on,
            sweep_every: SWEEP,
            began: at(seconds),
        };
        note(memory, &poll);
    }
}

/// The query's walk, with these changes.
fn walked(change: impl FnOnce(&mut WalkMemory)) -> InboxMemory {
    let mut walk = WalkMemory::default();
    change(&mut walk);
    InboxMemory { walks: [("q".to_owned(), walk)].into(), ..InboxMemory::default() }
}

#[test]
fn it_can_be_read_since_the_first_good_poll_in_a_row() {
    let mut memory = InboxMemory::default();
    let failed = |seconds| Ended { failure: Some(failure("HTTP 503")), ..Ended::well(seconds) };
    // A pause of more than twice the sweep is a new beginning, as is a daemon's first poll.
    for (ended, since) in [
        (Ended::well(0), Some(0)),
        (Ended::well(15), Some(0)),
        (failed(30), None),
        (Ended::well(45), Some(45)),
        (Ended::well(645), Some(45)),
        (Ended::well(1_246), Some(1_246)),
        (Ended { goes_on: false, ..Ended::well(1_260) }, Some(1_260)),
    ] {
        let seconds = ended.seconds;
        ended.note(&mut memory);
        assert_eq!((memory.readable_since, memory.polled_at), (since.map(at), Some(at(seconds))), "{seconds}");
    }
}

#[test]
fn a_failure_lasts_from_its_first_poll_with_the_latest_reason() {
    let mut memory = InboxMemory::default();
    for (seconds, why) in [(0, "HTTP 503"), (15, "no answer")] {
        Ended { failure: Some(failure(why)), ..Ended::well(seconds) }.note(&mut memory);
        let failing = memory.failing.as_ref().unwrap();
        assert_eq!((failing.since, failing.why.as_str()), (noon(), why));
    }
    Ended::well(30).note(&mut memory);
    assert_eq!(memory.failing, None);
}

#[test]
fn records_are_odd_until_a_whole_walk_began_after_them() {
    let mut memory = walked(|walk| walk.complete_at = Some(noon()));
    let odd = |count, what: Option<&str>| Some(OddRecords { since: noon(), count, what: what.map(str::to_owned) });
    Ended { unreadable: 2, ..Ended::well(0) }.note(&mut memory);
    assert_eq!(memory.odd_records, odd(2, None));
    Ended { unreadable: 3, ..Ended::well(15) }.note(&mut memory);
    assert_eq!(memory.odd_records, odd(3, None), "since the first");
    Ended::well(30).note(&mut memory);
    assert_eq!(memory.odd_records, odd(3, None), "the last whole walk began before");
    memory.walks.get_mut("q").unwrap().complete_at = Some(at(31));
    Ended::well(45).note(&mut memory);
    assert_eq!(memory.odd_records, None);
    Ended { gap: Some(Incomplete::TooLarge(64)), ..Ended::well(0) }.note(&mut memory);
    assert_eq!(memory.odd_records, odd(0, Some("the API returns more than the 64 MiB of memory that a poll keeps")));
}

#[test]
fn the_budget_is_short_where_a_walk_stays_unfinished_for_twice_the_sweep() {
    let part = || WalkPart { began_at: noon(), pages: 7, seen: [].into(), torn: false, shown_to: None };
    let mut memory = walked(|walk| (walk.first_at, walk.part, walk.pages) = (Some(noon()), Some(part()), 9));
    for (seconds, failed, short) in
        [(599, false, None), (600, true, None), (615, false, Some(615)), (630, true, Some(615))]
    {
        let failure = failed.then(|| failure("HTTP 503"));
        Ended { failure, ..Ended::well(seconds) }.note(&mut memory);
        let found = memory.short.as_ref().map(|short| (short.since, short.pages));
        assert_eq!(found, short.map(|since| (at(since), 9)), "{seconds}");
    }
    memory.walks.get_mut("q").unwrap().part = None;
    Ended::well(645).note(&mut memory);
    assert_eq!(memory.short, None);
}

#[test]
fn a_query_is_overdue_when_nobody_knows_what_it_returns() {
    for (whole_at, complete_at, overdue) in [
        (None, None, true),
        (Some(0), None, false),
        (None, Some(0), false),
        (Some(-599), Some(-900), false),
        (Some(-600), Some(0), true),
        // The walk was complete at a time of a clock that was ahead.
        (Some(1), None, true),
    ] {
        let memory = walked(|walk| (walk.whole_at, walk.complete_at) = (whole_at.map(at), complete_at.map(at)));
        assert_eq!(is_overdue(&query(), &memory, SWEEP, noon()), overdue, "{whole_at:?} {complete_at:?}");
    }
}
