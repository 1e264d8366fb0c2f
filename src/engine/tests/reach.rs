//! How far each query is walked.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::fixtures::noon;
use crate::{
    engine::{
        Query,
        reach::{MOST_PAGES, Mode, Recent, RequestBudget, WalkPlan, reaches},
    },
    model::{
        Filter, InboxMemory,
        snapshot::{WalkMemory, WalkPart},
    },
};

fn query(id: &str) -> Query {
    Query { id: id.to_owned(), filter: Filter::default(), rules: vec![id.to_owned()] }
}

/// A memory of queries: pages, and how long ago a full walk ended.
fn memory(walks: &[(&str, u32, Option<i64>)]) -> InboxMemory {
    let ago = |seconds: i64| noon() - SignedDuration::from_secs(seconds);
    let walks = walks.iter().map(|(id, pages, ended)| {
        let walk =
            WalkMemory { ended_at: ended.map(ago), pages: *pages, looked_at: Some(ago(15)), ..WalkMemory::default() };
        ((*id).to_owned(), walk)
    });
    InboxMemory { walks: walks.collect(), ..InboxMemory::default() }
}

fn means(free: usize, requests_per_poll: usize) -> RequestBudget {
    RequestBudget { free, requests_per_poll, sweep_every: SignedDuration::from_mins(5), dated: true, now: noon() }
}

fn news(cap: u32) -> Recent {
    Recent { since: noon() - SignedDuration::from_secs(15 + 120), cap }
}

fn narrow(cap: u32) -> WalkPlan {
    WalkPlan::Narrow(news(cap))
}

fn part(new: u32, cap: u32) -> WalkPlan {
    WalkPlan::Part { news: Some(news(new)), cap }
}

#[test]
fn what_fits_is_walked_fully() {
    let queries = [query("a"), query("b")];
    let recent = memory(&[("a", 20, Some(15)), ("b", 5, Some(15))]);
    for (mode, means, expected) in [
        (Mode::Daemon, means(100, 25), [WalkPlan::Full; 2]),
        (Mode::Daemon, means(24, 25), [narrow(12); 2]),
        (Mode::Daemon, means(100, 24), [narrow(12); 2]),
        (Mode::Once, means(25, 1), [WalkPlan::Full; 2]),
        (Mode::Once, means(24, 100), [part(6, 6); 2]),
        // A cap is at least a page.
        (Mode::Daemon, means(0, 1), [narrow(1); 2]),
    ] {
        assert_eq!(reaches(&queries, &recent, mode, means), expected, "{mode:?} {means:?}");
    }
}

#[test]
fn what_does_not_fit_is_walked_a_part_at_a_time() {
    let queries = [query("new"), query("old"), query("recent"), query("never to its end"), query("of the future")];
    let known = memory(&[
        ("old", 50, Some(300)),
        ("recent", 50, Some(299)),
        ("never to its end", 50, None),
        ("of the future", 50, Some(-10)),
    ]);
    let first = WalkPlan::Part { news: None, cap: 20 };
    let daemon = reaches(&queries, &known, Mode::Daemon, means(100, 10));
    assert_eq!(daemon, [first, part(1, 10), narrow(2), part(1, 10), part(1, 10)]);
    let once = reaches(&queries, &known, Mode::Once, means(100, 10));
    assert_eq!(once, [first, part(10, 10), part(10, 10), part(10, 10), part(10, 10)]);
}

#[test]
fn a_part_is_followed_by_the_next() {
    let mut known = memory(&[("a", 100, Some(1))]);
    let walk = known.walks.get_mut("a").unwrap();
    walk.part = Some(WalkPart { began_at: noon(), pages: 40, seen: BTreeSet::new(), torn: false, shown_to: None });
    assert_eq!(reaches(&[query("a")], &known, Mode::Daemon, means(100, 10)), [part(5, 50)]);
}

#[test]
fn small_queries_are_never_narrow_for_want_of_a_share() {
    let queries = [query("a"), query("b"), query("c")];
    let known = memory(&[("a", 2, Some(15)), ("b", 2, Some(15)), ("c", 2, Some(15))]);
    assert_eq!(reaches(&queries, &known, Mode::Daemon, means(100, 1)), [WalkPlan::Full; 3]);
}

#[test]
fn a_walk_that_goes_on_hides_nobody_who_is_new() {
    let mut known = memory(&[("a", 10, Some(1))]);
    let mut reach = |ago: i64| {
        let walk = known.walks.get_mut("a").unwrap();
        walk.looked_at = Some(noon() - SignedDuration::from_secs(ago));
        walk.part = Some(WalkPart { began_at: noon(), pages: 4, seen: BTreeSet::new(), torn: false, shown_to: None });
        reaches(&[query("a")], &known, Mode::Once, means(100, 10))[0]
    };
    assert_eq!(reach(119), WalkPlan::Full);
    let news = Recent { since: noon() - SignedDuration::from_secs(120 + 120), cap: 50 };
    assert_eq!(reach(120), WalkPlan::Part { news: Some(news), cap: MOST_PAGES });
}
