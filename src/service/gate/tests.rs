//! The budget across restarts and under a deadline; the clock is moved by hand.

use std::sync::Arc;

use jiff::SignedDuration;

use super::BudgetGate;
use crate::{
    clock::{Clock, ManualClock},
    inbox::{Gate, InboxError, testing::noon},
    model::StateLocation,
    store::Store,
};

struct Bench {
    _folder: tempfile::TempDir,
    store: Store,
    clock: Arc<ManualClock>,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StateLocation::sqlite(folder.path().join("state.db"))).await.unwrap();
        Self { _folder: folder, store, clock: Arc::new(ManualClock::at(noon())) }
    }

    /// A gate as after a start, with its deadline so many seconds from now.
    async fn gate(&self, inbox: &str, limit: u32, deadline: i64) -> BudgetGate {
        let deadline = self.clock.now() + SignedDuration::from_secs(deadline);
        BudgetGate::open(inbox, limit, self.clock.clone(), self.store.clone(), Some(deadline)).await.unwrap()
    }

    fn advance(&self, millis: i64) {
        self.clock.advance(SignedDuration::from_millis(millis));
    }
}

#[tokio::test]
async fn below_the_limit_nothing_waits_and_above_it_the_deadline_counts() {
    let bench = Bench::new().await;
    let gate = bench.gate("main", 5, 50).await;
    for free in (0..5).rev() {
        gate.enter().await.unwrap();
        gate.leave().await;
        assert_eq!(gate.free().await, free);
    }
    assert_eq!(gate.enter().await, Err(InboxError::OutOfTime), "60 s are more than 50");
    bench.advance(50_000);
    assert_eq!(gate.enter().await, Err(InboxError::OutOfTime));
}

#[tokio::test]
async fn requests_of_the_last_minute_are_remembered_over_restarts() {
    let bench = Bench::new().await;
    for started in 0..3 {
        let gate = bench.gate("main", 4, 50).await;
        assert_eq!(gate.free().await, 4 - started);
        gate.enter().await.unwrap();
        bench.advance(10_000);
        gate.leave().await;
    }
    // A request whose process was killed before the answer came counts, too.
    bench.gate("main", 4, 50).await.enter().await.unwrap();
    assert_eq!(bench.gate("main", 4, 5).await.enter().await, Err(InboxError::OutOfTime));
    assert_eq!(bench.gate("other", 4, 50).await.free().await, 4, "each inbox has its own");
    bench.advance(60_000);
    assert_eq!(bench.gate("main", 4, 50).await.free().await, 4);
}

#[tokio::test]
async fn a_request_counts_from_its_answer_even_after_a_restart() {
    let bench = Bench::new().await;
    let gate = bench.gate("main", 1, 50).await;
    gate.enter().await.unwrap();
    bench.advance(20_000);
    gate.leave().await;
    bench.advance(45_000);
    // 65 s after it began and 45 s after its answer: the provider may have counted it at the answer.
    assert_eq!(gate.free().await, 0);
    assert_eq!(bench.gate("main", 1, 5).await.free().await, 0);
    bench.advance(15_000);
    assert_eq!(bench.gate("main", 1, 5).await.free().await, 1);
}

#[tokio::test]
async fn a_pause_that_was_asked_for_is_kept_to() {
    let bench = Bench::new().await;
    let gate = bench.gate("main", 100, 50).await;
    gate.hold(SignedDuration::from_secs(60)).await;
    let asked = |seconds| Err(InboxError::RateLimited { retry_after: Some(SignedDuration::from_secs(seconds)) });
    assert_eq!((gate.free().await, gate.enter().await), (0, asked(60)));
    // The next start knows of the pause, and the one after it.
    for left in [50, 40] {
        bench.advance(10_000);
        let next = bench.gate("main", 100, 5).await;
        assert_eq!((next.free().await, next.enter().await), (0, asked(left)));
    }
    assert_eq!(bench.gate("other", 100, 5).await.free().await, 100);
    gate.hold(SignedDuration::from_secs(60)).await;
    for seconds in [-3_600, 86_400] {
        bench.clock.set(SignedDuration::from_secs(seconds));
        assert_eq!(gate.free().await, 0, "the clock was set by {seconds} s");
    }
    bench.advance(60_000);
    assert_eq!(gate.free().await, 100);
    assert_eq!(bench.gate("main", 100, 5).await.free().await, 100);
    // No answer's pause is that long, so the stored one is ignored.
    bench.store.remember_requests(
        "main",
        vec![],
        Some((bench.clock.now(), bench.clock.now() + SignedDuration::from_hours(2))),
    );
    assert_eq!(bench.gate("main", 100, 5).await.free().await, 100);
}

#[tokio::test]
async fn a_clock_that_was_set_makes_no_request_free_and_none_wait_longer() {
    for seconds in [-86_400, 86_400] {
        let bench = Bench::new().await;
        let gate = bench.gate("main", 2, 1_000_000).await;
        for _ in 0..2 {
            gate.enter().await.unwrap();
            gate.leave().await;
        }
        bench.clock.set(SignedDuration::from_secs(seconds));
        assert_eq!(gate.free().await, 0, "they are of this minute");
        bench.advance(59_000);
        assert_eq!(gate.free().await, 0);
        // The next start continues from these requests, by the present time.
        assert_eq!(bench.gate("main", 2, 5).await.free().await, if seconds < 0 { 0 } else { 2 });
        bench.advance(1_000);
        assert_eq!(gate.enter().await, Ok(()));
        // After a jump, later requests are stored by the new time.
        assert_eq!(bench.gate("main", 2, 5).await.free().await, 1);
    }
    // If the clock was set back between two runs, times in the future count as now.
    let bench = Bench::new().await;
    bench.gate("main", 2, 50).await.enter().await.unwrap();
    bench.clock.set(SignedDuration::from_hours(-24));
    let gate = bench.gate("main", 2, 1_000_000).await;
    assert_eq!(gate.free().await, 1);
    bench.advance(60_000);
    assert_eq!(gate.free().await, 2);
}

#[tokio::test]
async fn a_wait_that_fits_is_waited() {
    let bench = Bench::new().await;
    let gate = Arc::new(bench.gate("main", 1, 1_000).await);
    gate.enter().await.unwrap();
    gate.leave().await;
    // The whole minute except for its last milliseconds.
    bench.advance(59_990);
    let waiting = tokio::spawn({
        let gate = Arc::clone(&gate);
        async move { gate.enter().await }
    });
    tokio::task::yield_now().await;
    bench.advance(10);
    assert_eq!(waiting.await.unwrap(), Ok(()));
}
