//! The loops: how they recover, and how they slow down.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::supervised;
use crate::service::loops::{next_pause, scattered};

#[tokio::test]
async fn a_loop_that_fails_begins_anew() {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    supervised("test", Duration::ZERO, CancellationToken::new(), move || {
        let run = counted.fetch_add(1, Ordering::SeqCst);
        async move { assert!(run >= 2, "the first two fail") }
    })
    .await;
    assert_eq!(runs.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_loop_that_fails_while_stopping_stays_stopped() {
    let stop = CancellationToken::new();
    stop.cancel();
    supervised("test", Duration::from_hours(1), stop, || async { panic!("always") }).await;
}

#[test]
fn polls_slow_down_after_failures_and_come_back() {
    let seconds = SignedDuration::from_secs;
    let began = Timestamp::UNIX_EPOCH;
    let every = seconds(15);
    let at = |after: i64| began + seconds(after);
    for (pause, good, now, expected) in [
        (15, true, 0, 15),
        (15, false, 0, 25),
        (25, false, 59, 25),
        (25, false, 60, 50),
        (50, false, 600, 60),
        (60, true, 600, 15),
    ] {
        assert_eq!(next_pause(seconds(pause), every, good, &began, at(now)), seconds(expected), "{pause} {good} {now}");
    }
    // An inbox that is polled less than once a minute is not polled more often after failures.
    assert_eq!(next_pause(seconds(300), seconds(300), false, &began, at(600)), seconds(300));
}

#[test]
fn watchers_that_failed_together_do_not_come_back_together() {
    let (minute, now) = (SignedDuration::from_mins(1), "2026-06-12T12:00:00Z".parse::<Timestamp>().unwrap());
    let pauses: Vec<_> = (0..50).map(|inbox| scattered(minute, &format!("i{inbox}"), now)).collect();
    assert!(pauses.iter().all(|pause| *pause <= minute && *pause >= SignedDuration::from_secs(48)), "{pauses:?}");
    let different: std::collections::BTreeSet<_> = pauses.iter().collect();
    assert!(different.len() > 40, "{different:?}");
}
