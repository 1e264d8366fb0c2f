//! The budget is never exceeded in any minute, and nothing waits below it.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{RequestLedger, WINDOW};
use crate::inbox::testing::noon;

fn millis(millis: i64) -> SignedDuration {
    SignedDuration::from_millis(millis)
}

/// How many of `times` are in the minute that ends at `end`, without its beginning.
fn within(times: &[Timestamp], end: Timestamp) -> usize {
    times.iter().filter(|time| **time <= end && end.duration_since(**time) < WINDOW).count()
}

#[test]
fn a_full_ledger_waits_for_its_oldest_request() {
    let mut ledger = RequestLedger::new(3, []);
    for second in [0, 10, 20] {
        let now = noon() + SignedDuration::from_secs(second);
        assert_eq!(ledger.wait(now), SignedDuration::ZERO);
        ledger.begin(now);
        ledger.end(now + millis(500));
    }
    let at = |seconds: i64| noon() + SignedDuration::from_secs(seconds);
    assert_eq!((ledger.free(at(30)), ledger.wait(at(30))), (0, millis(30_500)));
    assert_eq!((ledger.free(at(61)), ledger.wait(at(61))), (1, SignedDuration::ZERO));
    assert_eq!(ledger.free(at(81)), 3);
}

#[test]
fn a_smaller_limit_after_a_restart_holds_for_what_was_before() {
    let times: Vec<Timestamp> = (0..10).rev().map(|second| noon() + SignedDuration::from_secs(second)).collect();
    let mut ledger = RequestLedger::new(4, times);
    assert_eq!(ledger.free(noon() + SignedDuration::from_secs(10)), 0);
    assert_eq!(ledger.wait(noon() + SignedDuration::from_secs(10)), SignedDuration::from_secs(56));
}

#[test]
fn a_hold_is_waited_out_and_the_longest_one_counts() {
    let mut ledger = RequestLedger::new(100, []);
    ledger.hold(noon(), noon() + SignedDuration::from_secs(30));
    ledger.hold(noon() + SignedDuration::from_secs(1), noon() + SignedDuration::from_secs(5));
    let soon = noon() + SignedDuration::from_secs(1);
    assert_eq!((ledger.free(soon), ledger.wait(soon)), (0, SignedDuration::from_secs(29)));
    let later = noon() + SignedDuration::from_secs(30);
    assert_eq!((ledger.free(later), ledger.wait(later)), (100, SignedDuration::ZERO));
}

#[test]
fn a_clock_that_was_set_back_stops_nothing_and_forgets_nothing() {
    for back in [1, 59, 60, 3_600, 86_400 * 365] {
        let mut ledger = RequestLedger::new(2, [noon(), noon()]);
        ledger.hold(noon(), noon() + SignedDuration::from_secs(90));
        let now = noon() - SignedDuration::from_secs(back);
        assert_eq!(ledger.free(now), 0, "{back}");
        assert_eq!(ledger.wait(now), SignedDuration::from_secs(90), "{back}");
        let mut ledger = RequestLedger::new(2, [noon(), noon()]);
        assert_eq!(ledger.wait(now), WINDOW, "{back}");
        assert_eq!(ledger.wait(now + WINDOW), SignedDuration::ZERO, "{back}");
    }
}

proptest! {
    #[test]
    fn never_more_than_the_limit_in_any_minute_and_no_wait_without_need(
        limit in 1_u32..12,
        earlier in proptest::collection::vec(0_i64..90_000, 0..15),
        steps in proptest::collection::vec((0_i64..20_000, 0_i64..3_000), 1..80),
    ) {
        let limit_of = usize::try_from(limit).unwrap();
        // The requests before the restart were within the limit.
        let mut times: Vec<Timestamp> = Vec::new();
        let mut before: Vec<i64> = earlier;
        before.sort_unstable();
        for at in before {
            let at = noon() - millis(90_000 - at);
            if within(&times, at) < limit_of {
                times.push(at);
            }
        }
        let mut ledger = RequestLedger::new(limit, times.iter().copied());
        let mut now = noon();
        for (pause, takes) in steps {
            now += millis(pause);
            let wait = ledger.wait(now);
            prop_assert!(wait >= SignedDuration::ZERO && wait <= WINDOW);
            if wait.is_zero() {
                prop_assert!(within(&times, now) < limit_of);
                prop_assert_eq!(ledger.free(now), limit_of - within(&times, now));
            } else {
                // A millisecond earlier would have been too early.
                prop_assert_eq!(ledger.free(now), 0);
                prop_assert_eq!(within(&times, now + wait - millis(1)), limit_of);
                now += wait;
                prop_assert_eq!(ledger.wait(now), SignedDuration::ZERO);
            }
            ledger.begin(now);
            // The provider may count it at any moment until the answer.
            now += millis(takes);
            ledger.end(now);
            times.push(now);
            prop_assert!(within(&times, now) <= limit_of);
            for end in &times {
                prop_assert!(within(&times, *end) <= limit_of);
            }
        }
    }
}
