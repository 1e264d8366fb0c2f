//! Absences that are doubted: everybody gone at once, pages that hide customers, filters that differ.

use super::{Bench, LIVE, Mode, WAITING, all, faults::friendly, seconds, waiting};
use crate::{
    engine::reach::Incomplete,
    sandbox::{By, CustomerAction, Fault, FaultKind},
};

/// An empty page, in the documented good answer.
fn nobody() -> Fault {
    Fault::inbox(friendly(r#"{"success":true,"message":"","code":200,"data":[]}"#)).repeated(10_000)
}

#[tokio::test]
async fn everybody_gone_at_once_is_doubted_and_ends_nobody() {
    for mode in [Mode::Daemon, Mode::Once] {
        let bench = Bench::new(&[("waiting", WAITING)], 5).await;
        bench.good().await;
        bench.inbox.sandbox.fault(nobody());
        for poll in 0..19 {
            bench.advance(15);
            let polled = bench.run(mode).await;
            assert_eq!((polled.failure, polled.gap, polled.complete), (None, Some(Incomplete::Emptied(5, 5)), false));
            assert_eq!((bench.ended(), bench.firing().await), (vec![], all(5)), "poll {poll}");
            assert_eq!(bench.look_ups(), if poll == 0 { 5 } else { 3 });
        }
        bench.inbox.sandbox.clear_faults();
        let polled = bench.good().await;
        assert_eq!((polled.gap, polled.complete, bench.told().await), (None, true, (5, 0)));
        assert_eq!(bench.poller.store.snapshot("main").await.unwrap().memory.doubt, crate::model::Doubt::default());
    }
}

#[tokio::test]
async fn what_has_lasted_for_three_polls_and_five_minutes_is_believed() {
    // The seconds between two polls, and the poll in which the absence is believed.
    for (mode, pause, believed) in
        [(Mode::Daemon, 15, 20), (Mode::Daemon, 150, 2), (Mode::Once, 300, 2), (Mode::Once, 100, 3)]
    {
        let bench = Bench::new(&[("waiting", WAITING)], 4).await;
        bench.good().await;
        bench.inbox.sandbox.fault(nobody());
        for poll in 0..=believed {
            assert_eq!(bench.ended(), [], "{mode:?} {pause} {poll}");
            bench.advance(pause);
            bench.run(mode).await;
        }
        assert_eq!(bench.ended_by("gone"), all(4), "{mode:?} {pause}");
        assert_eq!(bench.told().await, (4, 4));
        let polled = bench.good().await;
        assert_eq!((polled.gap, polled.complete), (None, true));
    }
}

#[tokio::test]
async fn a_failure_in_between_neither_counts_nor_ends_the_doubt() {
    let bench = Bench::new(&[("waiting", WAITING)], 4).await;
    bench.good().await;
    bench.inbox.sandbox.fault(nobody());
    bench.good().await;
    let polls =
        || async { bench.poller.store.snapshot("main").await.unwrap().memory.doubt.emptied.map(|one| one.polls) };
    for _ in 0..30 {
        bench.inbox.sandbox.clear_faults();
        bench.inbox.sandbox.fault(Fault::inbox(FaultKind::status(500)).repeated(3));
        assert!(bench.poll().await.failure.is_some());
        assert_eq!((polls().await, bench.ended()), (Some(1), vec![]));
    }
    bench.inbox.sandbox.fault(nobody());
    bench.good().await;
    assert_eq!((polls().await, bench.ended()), (Some(2), vec![]));
    bench.good().await;
    assert_eq!((polls().await, bench.ended_by("gone")), (None, all(4)));
}

#[tokio::test]
async fn who_is_seen_answered_ends_while_others_are_missing() {
    let bench = Bench::new(&[("waiting", WAITING)], 4).await;
    bench.good().await;
    for id in all(4) {
        bench
            .inbox
            .sandbox
            .act(&id, &CustomerAction::Answer(By::Agent, "Here.".to_owned()), bench.now() + seconds(1))
            .unwrap();
    }
    // The list is empty, and look-ups find all of them.
    let polled = bench.good().await;
    assert_eq!((polled.gap, bench.ended_by("answered-by-agent")), (None, all(4)));
}

#[tokio::test]
async fn half_of_them_are_not_everybody() {
    for mode in [Mode::Daemon, Mode::Once] {
        let bench = Bench::new(&[("waiting", WAITING)], 6).await;
        bench.good().await;
        for id in &all(6)[..3] {
            bench.inbox.sandbox.remove(id).unwrap();
        }
        for _ in 0..2 {
            bench.advance(15);
            assert_eq!(bench.run(mode).await.gap, None);
        }
        assert_eq!(bench.ended_by("gone"), all(6)[..3]);
    }
    // Two contacts are too few for a doubt.
    let bench = Bench::new(&[("waiting", WAITING)], 2).await;
    bench.good().await;
    for id in all(2) {
        bench.inbox.sandbox.remove(&id).unwrap();
    }
    bench.good().await;
    bench.good().await;
    assert_eq!(bench.ended_by("gone"), all(2));
}

#[tokio::test]
async fn all_of_one_rule_are_doubted_beside_others_who_are_there() {
    let bench = Bench::new(&[("live", LIVE), ("waiting", WAITING)], 3).await;
    for index in 10..16 {
        let mut chat = waiting(index);
        (chat["isLiveChatActive"], chat["lastMessage"]["by"]) = (true.into(), "bot".into());
        bench.inbox.sandbox.put(chat).unwrap();
    }
    bench.good().await;
    bench.advance(90);
    bench.good().await;
    assert_eq!(bench.firing().await.len(), 9);
    for id in all(3) {
        bench.inbox.sandbox.remove(&id).unwrap();
    }
    for _ in 0..5 {
        assert_eq!(bench.good().await.gap, Some(Incomplete::Emptied(3, 9)));
    }
    assert_eq!(bench.ended(), []);
}

#[tokio::test]
async fn look_ups_that_fail_prove_nothing() {
    let bench = Bench::new(&[("waiting", WAITING)], 4).await;
    bench.good().await;
    for _ in 0..5 {
        bench.inbox.sandbox.clear_faults();
        // The walk reads one page and confirms it; then come look-ups.
        let empty = friendly(r#"{"success":true,"message":"","code":200,"data":[]}"#);
        bench.inbox.sandbox.fault(Fault::inbox(empty).repeated(2));
        bench.inbox.sandbox.fault(Fault::inbox(FaultKind::status(400)).repeated(10));
        assert_eq!(bench.poll().await.failure.map(|error| error.name()), Some("bad-request"));
        assert_eq!((bench.ended(), bench.firing().await), (vec![], all(4)));
    }
}

#[tokio::test]
async fn an_empty_page_in_the_middle_hides_nobody() {
    // Pages of five: 12 are three pages, 8 are two.
    for customers in [12, 8] {
        for mode in [Mode::Daemon, Mode::Once] {
            let bench = Bench::new(&[("waiting", WAITING)], customers).await;
            bench.good().await;
            let empty = friendly(r#"{"success":true,"message":"","code":200,"data":[]}"#);
            bench.inbox.sandbox.fault(Fault::inbox(empty).on_page(2).repeated(10_000));
            for _ in 0..5 {
                bench.advance(15);
                bench.run(mode).await;
                assert_eq!((bench.ended(), bench.firing().await), (vec![], all(customers)), "{customers} {mode:?}");
            }
        }
    }
}
