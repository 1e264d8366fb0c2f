//! Where the budget does not allow full walks at every poll: new customers at once, ends by a sweep.

use super::{Bench, Mode, WAITING, all, waiting};
use crate::{
    model::time::iso,
    sandbox::{BadRecord, By, Deed, Fault, Kind},
};

/// Twelve customers, of whom a poll may read one page.
async fn bench() -> Bench {
    let mut bench = Bench::new(&[("waiting", WAITING)], 12).await;
    bench.poller.share = 1;
    bench.good().await;
    assert_eq!(bench.firing().await, all(12));
    bench
}

fn write(bench: &Bench, index: usize) {
    let mut contact = waiting(index);
    contact["lastSeenAt"] = iso(bench.now()).into();
    contact["lastMessage"]["at"] = iso(bench.now()).into();
    bench.inbox.sandbox.put(contact).unwrap();
}

/// Whether the last poll read everything.
fn was_full(bench: &Bench) -> bool {
    bench.inbox.sandbox.requests().iter().any(|body| body["lastSeenAt"]["startAt"] == "")
}

#[tokio::test]
async fn who_is_new_is_seen_and_nobody_is_taken_for_absent() {
    let bench = bench().await;
    bench.inbox.sandbox.act("c003", &Deed::Answer(By::Agent, "Hi.".to_owned()), bench.now()).unwrap();
    bench.inbox.sandbox.remove("c004").unwrap();
    for index in 20..25 {
        write(&bench, index);
        let polled = bench.good().await;
        assert_eq!((polled.fired, polled.resolved, was_full(&bench)), (1, 0, false));
        assert_eq!(bench.look_ups(), 0);
    }
    bench.advance(300);
    bench.good().await;
    assert!(was_full(&bench));
    assert_eq!(bench.ended_by("answered-by-agent"), ["c003"]);
    assert_eq!(bench.told().await, (17, 1));
}

#[tokio::test]
async fn more_news_than_a_narrow_walk_may_read_make_a_full_one_due() {
    let bench = bench().await;
    for index in 20..33 {
        write(&bench, index);
    }
    let polled = bench.good().await;
    assert_eq!((polled.fired, was_full(&bench)), (5, false));
    let polled = bench.good().await;
    assert_eq!((polled.fired, was_full(&bench)), (8, true));
}

#[tokio::test]
async fn what_came_during_a_failure_is_still_new_after_it() {
    let bench = bench().await;
    write(&bench, 20);
    for _ in 0..15 {
        bench.inbox.sandbox.fault(Fault::inbox(Kind::status(500)).repeated(3));
        assert!(bench.poll().await.failure.is_some());
    }
    let polled = bench.good().await;
    assert_eq!((polled.fired, was_full(&bench)), (1, false));
}

#[tokio::test]
async fn a_walk_that_stays_torn_is_not_tried_at_every_poll() {
    let bench = bench().await;
    bench.advance(300);
    let bad = Fault::inbox(Kind::BadRecord { what: BadRecord::Null });
    bench.inbox.sandbox.fault(bad.on_page(3).repeated(2));
    bench.good().await;
    assert!(was_full(&bench));
    for _ in 0..3 {
        bench.good().await;
        assert!(!was_full(&bench));
    }
    assert_eq!(bench.firing().await, all(12));
}

#[tokio::test]
async fn a_full_walk_that_failed_is_due_again() {
    let bench = bench().await;
    bench.advance(300);
    for _ in 0..2 {
        bench.inbox.sandbox.fault(Fault::inbox(Kind::status(500)).on_page(2).repeated(3));
        assert!(bench.poll().await.failure.is_some());
        assert!(was_full(&bench));
    }
    bench.good().await;
    assert!(was_full(&bench));
    bench.good().await;
    assert!(!was_full(&bench));
}

#[tokio::test]
async fn a_single_run_reads_all_that_is_free() {
    let bench = bench().await;
    bench.advance(3_600);
    write(&bench, 20);
    assert_eq!(bench.run(Mode::Once).await.fired, 1);
    assert!(was_full(&bench), "its budget is all that is free");
}
