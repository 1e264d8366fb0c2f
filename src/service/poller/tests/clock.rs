//! Rules that look at the clock: judged at the right second, between polls too, and not on knowledge that may be
//! outdated.

use serde_json::{Value, json};

use super::{Bench, LIVE, Mode, noon, seconds, waiting};
use crate::{
    model::time::iso,
    sandbox::{BadRecord, By, CustomerAction, Fault, FaultKind},
};

fn live(index: usize) -> Value {
    let mut contact = waiting(index);
    contact["isLiveChatActive"] = json!(true);
    contact
}

async fn bench() -> Bench {
    let bench = Bench::new(&[("live", LIVE)], 0).await;
    bench.inbox.sandbox.put(live(0)).unwrap();
    let polled = bench.good().await;
    assert_eq!((polled.contacts, polled.fired), (1, 0));
    bench
}

#[tokio::test]
async fn a_tick_fires_in_the_right_second_and_once() {
    let bench = bench().await;
    bench.inbox.sandbox.clear_logs();
    let first_seen = bench.now();
    bench.advance(90);
    assert_eq!(bench.poller.tick(true).await.unwrap(), 0, "90 s are not more than 90 s");
    bench.advance(1);
    assert_eq!(bench.poller.tick(true).await.unwrap(), 1);
    assert_eq!((bench.inbox.sandbox.log().len(), bench.look_ups()), (1, 1), "after one look at the customer");
    let alert = bench.poller.store.snapshot("main").await.unwrap().alerts.remove(0);
    assert_eq!((alert.since, alert.fired_at), (first_seen, Some(first_seen + seconds(91))));
    for _ in 0..3 {
        bench.advance(1);
        assert_eq!(bench.poller.tick(true).await.unwrap(), 0);
    }
    bench.good().await;
    assert_eq!(bench.told().await, (1, 0));
}

#[tokio::test]
async fn polls_in_between_do_not_begin_the_wait_anew() {
    let bench = bench().await;
    let first_seen = bench.now();
    for _ in 0..6 {
        assert_eq!(bench.good().await.fired, 0);
    }
    bench.advance(1);
    assert_eq!(bench.poller.tick(true).await.unwrap(), 1);
    assert_eq!(bench.now(), first_seen + seconds(91));
}

#[tokio::test]
async fn who_was_answered_meanwhile_is_not_told_of() {
    let bench = bench().await;
    bench.advance(80);
    bench.inbox.sandbox.act("c000", &CustomerAction::Answer(By::Agent, "Hi.".to_owned()), bench.now()).unwrap();
    assert_eq!(bench.good().await.fired, 0);
    bench.advance(60);
    assert_eq!(bench.poller.tick(true).await.unwrap(), 0);
    assert!(bench.poller.store.snapshot("main").await.unwrap().candidates.is_empty());
}

#[tokio::test]
async fn who_is_missing_is_not_told_of() {
    let bench = bench().await;
    bench.advance(80);
    bench.inbox.sandbox.act("c000", &CustomerAction::LiveChat(false), bench.now()).unwrap();
    assert_eq!(bench.good().await.fired, 0);
    assert_eq!(bench.poller.tick(true).await.unwrap(), 0, "once not seen: what is known may be out of date");
    bench.good().await;
    assert!(bench.poller.store.snapshot("main").await.unwrap().candidates.is_empty());
}

#[tokio::test]
async fn an_outage_is_no_time_to_judge_what_was_known_before() {
    let bench = bench().await;
    bench.advance(70);
    for fired in [0, 0, 1] {
        let polled = if fired == 0 {
            bench.inbox.sandbox.fault(Fault::inbox(FaultKind::status(500)).repeated(3));
            bench.poll().await
        } else {
            bench.good().await
        };
        assert_eq!(polled.fired, fired);
        bench.advance(10);
    }
}

#[tokio::test]
async fn a_customer_who_waited_before_the_first_sight_fires_at_once() {
    let text = LIVE.replace("since = \"match\"", "");
    let bench = Bench::new(&[("live", &text)], 0).await;
    let mut contact = live(0);
    contact["lastMessage"]["at"] = iso(noon() - seconds(91)).into();
    bench.inbox.sandbox.put(contact).unwrap();
    bench.inbox.sandbox.put(live(1)).unwrap();
    assert_eq!(bench.good().await.fired, 1);
    assert_eq!(bench.firing().await, ["c000"]);
    // c001 wrote 61 s before noon.
    bench.advance(14);
    assert_eq!(bench.poller.tick(true).await.unwrap(), 0);
    bench.advance(1);
    assert_eq!(bench.poller.tick(true).await.unwrap(), 1);
}

#[tokio::test]
async fn a_torn_walk_that_does_not_show_somebody_is_no_knowledge_either() {
    let bench = bench().await;
    bench.advance(60);
    bench.inbox.sandbox.act("c000", &CustomerAction::LiveChat(false), bench.now()).unwrap();
    let bad = Fault::inbox(FaultKind::BadRecord { what: BadRecord::Null }).on_page(1);
    bench.inbox.sandbox.fault(bad.repeated(2));
    assert_eq!(bench.good().await.fired, 0);
    bench.advance(16);
    assert_eq!(bench.poller.tick(true).await.unwrap(), 0);
}

/// Twelve live chats, of which a poll may read one page; `c000` has ended or was deleted.
async fn narrow(gone: bool) -> Bench {
    let mut bench = bench().await;
    bench.poller.requests_per_poll = 1;
    for index in 1..12 {
        bench.inbox.sandbox.put(live(index)).unwrap();
    }
    bench.good().await;
    if gone {
        bench.inbox.sandbox.remove("c000").unwrap();
    } else {
        bench.inbox.sandbox.act("c000", &CustomerAction::LiveChat(false), bench.now()).unwrap();
    }
    bench
}

#[tokio::test]
async fn narrow_walks_tell_of_those_who_wait_and_of_nobody_else() {
    for gone in [false, true] {
        let bench = narrow(gone).await;
        let mut look_ups = 0;
        for _ in 0..6 {
            assert_eq!(bench.run(Mode::Daemon).await.failure, None);
            for _ in 0..15 {
                bench.advance(1);
                bench.poller.tick(true).await.unwrap();
            }
            look_ups += bench.look_ups();
        }
        assert!(look_ups > 0 && look_ups <= 10 * 6);
        assert!(!bench.firing().await.contains(&"c000".to_owned()), "gone: {gone}");
        for _ in 0..25 {
            bench.good().await;
        }
        assert_eq!(bench.firing().await, super::all(12)[1..], "by the sweep all the others are told of");
    }
}

#[tokio::test]
async fn a_candidate_whose_look_up_fails_waits_for_a_better_poll() {
    let bench = bench().await;
    bench.advance(80);
    let bad = || Fault::inbox(FaultKind::BadRecord { what: BadRecord::Null }).on_page(1).repeated(2);
    bench.inbox.sandbox.act("c000", &CustomerAction::LiveChat(false), bench.now()).unwrap();
    bench.inbox.sandbox.fault(bad());
    bench.inbox.sandbox.fault(Fault::inbox(FaultKind::status(500)).on_page(1).repeated(3));
    let polled = bench.poll().await;
    assert_eq!((polled.failure.map(|error| error.name()), polled.fired), (Some("server"), 0));
    bench.inbox.sandbox.act("c000", &CustomerAction::LiveChat(true), bench.now()).unwrap();
    assert_eq!(bench.good().await.fired, 1);
}

#[tokio::test]
async fn what_was_read_before_the_clock_jumped_is_read_again() {
    for by in [8 * 3_600, -8 * 3_600] {
        let bench = bench().await;
        bench.inbox.sandbox.clear_logs();
        bench.advance(15);
        // The machine sleeps after the first page; meanwhile the customer gets an answer.
        let asleep = std::sync::atomic::AtomicBool::new(false);
        let page = |_| {
            if !asleep.swap(true, std::sync::atomic::Ordering::SeqCst) {
                bench.inbox.clock.set(seconds(by));
                bench
                    .inbox
                    .sandbox
                    .act("c000", &CustomerAction::Answer(By::Agent, "Hi.".to_owned()), bench.now())
                    .unwrap();
            }
        };
        let polled = bench.poller.run_once(Mode::Daemon, &page).await.unwrap();
        assert_eq!((polled.failure, polled.fired), (None, 0), "{by}");
        assert_eq!(bench.told().await, (0, 0), "{by}");
    }
}

#[tokio::test]
async fn a_clock_that_was_set_tells_nobody_twice_and_nobody_again() {
    for by in [8 * 3_600, -8 * 3_600, 90 * 86_400, -90 * 86_400] {
        let bench = bench().await;
        bench.advance(60);
        bench.good().await;
        bench.advance(20);
        assert_eq!(bench.poller.tick(true).await.unwrap(), 1);
        bench.inbox.clock.set(seconds(by));
        // Nothing newer than the jump is known.
        assert_eq!(bench.poller.tick(false).await.unwrap(), 0, "{by}");
        bench.good().await;
        assert_eq!(bench.told().await, (1, 0), "{by}");
        bench.inbox.clock.set(seconds(-by));
        bench.good().await;
        bench.inbox.sandbox.act("c000", &CustomerAction::Answer(By::Agent, "Hi.".to_owned()), bench.now()).unwrap();
        bench.good().await;
        bench.good().await;
        assert_eq!(bench.told().await, (1, 1), "{by}");
    }
}
