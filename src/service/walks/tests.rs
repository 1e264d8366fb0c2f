//! Which query is walked how far.

use jiff::{SignedDuration, Timestamp};

use super::{Means, Reach, reaches};
use crate::{
    engine::Query,
    inbox::testing::noon,
    model::{InboxMemory, snapshot::WalkMemory},
    rules::Filter,
    service::poller::Mode,
};

fn query(id: &str) -> Query {
    Query { id: id.to_owned(), filter: Filter::default(), rules: vec![id.to_owned()] }
}

/// A memory of queries: pages, and how long ago a full walk came to an end.
fn memory(walks: &[(&str, u32, Option<i64>)]) -> InboxMemory {
    let ago = |seconds: i64| noon() - SignedDuration::from_secs(seconds);
    let walks = walks.iter().map(|(id, pages, ended)| {
        let walk = WalkMemory { ended_at: ended.map(ago), pages: *pages, looked_at: Some(ago(15)), complete_at: None };
        ((*id).to_owned(), walk)
    });
    InboxMemory { walks: walks.collect(), ..InboxMemory::default() }
}

fn means(free: usize, share: usize) -> Means {
    Means { free, share, sweep_every: SignedDuration::from_mins(5), now: noon() }
}

fn narrow(cap: u32) -> Reach {
    let since: Timestamp = noon() - SignedDuration::from_secs(15 + 120);
    Reach::Narrow { since, cap }
}

#[test]
fn what_fits_is_walked_fully() {
    let queries = [query("a"), query("b")];
    let recent = memory(&[("a", 20, Some(15)), ("b", 5, Some(15))]);
    for (mode, means, expected) in [
        (Mode::Daemon, means(100, 25), [Reach::Full; 2]),
        (Mode::Daemon, means(24, 25), [narrow(12); 2]),
        (Mode::Daemon, means(100, 24), [narrow(12); 2]),
        (Mode::Once, means(25, 1), [Reach::Full; 2]),
        (Mode::Once, means(24, 100), [narrow(50); 2]),
        // A cap is at least a page.
        (Mode::Daemon, means(0, 1), [narrow(1); 2]),
    ] {
        assert_eq!(reaches(&queries, &recent, mode, means), expected, "{mode:?} {means:?}");
    }
}

#[test]
fn a_query_that_was_never_walked_or_not_for_long_is_walked_fully() {
    let queries = [query("new"), query("old"), query("recent"), query("never to its end"), query("of the future")];
    let known = memory(&[
        ("old", 50, Some(300)),
        ("recent", 50, Some(299)),
        ("never to its end", 50, None),
        ("of the future", 50, Some(-10)),
    ]);
    let daemon = reaches(&queries, &known, Mode::Daemon, means(100, 10));
    assert_eq!(daemon, [Reach::Full, Reach::Full, narrow(2), Reach::Full, Reach::Full]);
    // A single run has its deadline: what is new comes first.
    let once = reaches(&queries, &known, Mode::Once, means(100, 10));
    assert_eq!(once, [Reach::Full, narrow(2), narrow(2), narrow(2), narrow(2)]);
}

#[test]
fn small_queries_are_never_narrow_for_want_of_a_share() {
    let queries = [query("a"), query("b"), query("c")];
    let known = memory(&[("a", 2, Some(15)), ("b", 2, Some(15)), ("c", 2, Some(15))]);
    assert_eq!(reaches(&queries, &known, Mode::Daemon, means(100, 1)), [Reach::Full; 3]);
}
