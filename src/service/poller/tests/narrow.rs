//! Where the budget does not allow full walks at every poll: new customers at once, ends by a sweep.

use std::sync::Arc;

use jiff::SignedDuration;

use super::{Bench, Mode, Polled, WAITING, all, waiting};
use crate::{
    model::time::iso,
    sandbox::{BadRecord, By, CustomerAction, Fault, FaultKind},
    service::gate::BudgetGate,
};

/// Twelve customers, of whom a poll may read one page.
async fn bench() -> Bench {
    let mut bench = Bench::new(&[("waiting", WAITING)], 12).await;
    bench.poller.requests_per_poll = 1;
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
    let everything = |body: &serde_json::Value| body["lastSeenAt"]["startAt"] == "" && body["searchText"] == "";
    bench.inbox.sandbox.requests().iter().any(everything)
}

#[tokio::test]
async fn who_is_new_is_seen_and_nobody_is_taken_for_absent() {
    let bench = bench().await;
    bench.inbox.sandbox.act("c003", &CustomerAction::Answer(By::Agent, "Hi.".to_owned()), bench.now()).unwrap();
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
        bench.inbox.sandbox.fault(Fault::inbox(FaultKind::status(500)).repeated(3));
        assert!(bench.poll().await.failure.is_some());
    }
    let polled = bench.good().await;
    assert_eq!((polled.fired, was_full(&bench)), (1, false));
}

#[tokio::test]
async fn a_walk_that_stays_torn_is_not_tried_at_every_poll() {
    let bench = bench().await;
    bench.advance(300);
    let bad = Fault::inbox(FaultKind::BadRecord { what: BadRecord::Null });
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
        bench.inbox.sandbox.fault(Fault::inbox(FaultKind::status(500)).on_page(2).repeated(3));
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

/// The next run of a schedule, a minute later, with so many requests and no time to wait for more.
async fn scheduled(bench: &mut Bench, requests: u32) {
    bench.advance(60);
    let (clock, store) = (Arc::clone(&bench.poller.clock), bench.poller.store.clone());
    let deadline = bench.now() + SignedDuration::from_secs(50);
    bench.poller.gate = BudgetGate::open("main", requests, clock, store, Some(deadline)).await.unwrap();
    let polled = bench.run(Mode::Once).await;
    assert_eq!(polled.failure, None);
    assert!(bench.inbox.sandbox.requests().len() <= usize::try_from(requests).unwrap());
}

#[tokio::test]
async fn a_full_walk_that_does_not_fit_into_a_run_goes_on_in_the_next() {
    let mut bench = Bench::new(&[("waiting", WAITING)], 33).await;
    scheduled(&mut bench, 4).await;
    assert_eq!(bench.firing().await.len(), 20, "four pages of five");
    scheduled(&mut bench, 4).await;
    assert_eq!(bench.firing().await, all(33));

    bench.inbox.sandbox.act("c003", &CustomerAction::Answer(By::Agent, "Hi.".to_owned()), bench.now()).unwrap();
    bench.inbox.sandbox.remove("c030").unwrap();
    for index in 40..50 {
        write(&bench, index);
        scheduled(&mut bench, 4).await;
        assert!(bench.firing().await.contains(&format!("c{index:03}")), "who is new is told of at once");
    }
    for _ in 0..30 {
        scheduled(&mut bench, 4).await;
    }
    assert_eq!(bench.ended_by("answered-by-agent"), ["c003"]);
    assert_eq!(bench.ended_by("gone"), ["c030"]);
    assert_eq!(bench.told().await, (43, 2));
}

#[tokio::test]
async fn a_part_of_long_ago_is_walked_anew() {
    let mut bench = Bench::new(&[("waiting", WAITING)], 33).await;
    scheduled(&mut bench, 4).await;
    bench.advance(3_600);
    bench.inbox.sandbox.clear_logs();
    scheduled(&mut bench, 4).await;
    let sweeps = bench.inbox.sandbox.requests().into_iter().filter(|body| body["lastSeenAt"]["startAt"] == "");
    assert_eq!(sweeps.map(|body| body["page"].clone()).next(), Some(1.into()));
}

/// A rule that notifies the same receiver again after five minutes.
const ESCALATES: &str = r#"
[filter]
lastMessageBy = ["user"]
status = ["OPEN", "INPROGRESS"]
[[notify]]
to = ["support"]
[[notify]]
after = "5m"
to = ["support"]
repeat = "2m"
"#;

/// Three customers who wrote a minute ago, one page at a poll, and no full walk for long.
async fn escalating() -> Bench {
    let mut bench = Bench::new(&[("waiting", ESCALATES)], 12).await;
    bench.poller.requests_per_poll = 1;
    bench.poller.sweep_every = SignedDuration::from_hours(1);
    bench.good().await;
    assert_eq!(bench.told().await, (12, 0));
    bench
}

#[tokio::test]
async fn who_is_about_to_be_escalated_on_old_knowledge_is_looked_up() {
    let bench = escalating().await;
    // One was answered and one cannot be found; no list shows that.
    bench.inbox.sandbox.act("c003", &CustomerAction::Answer(By::Agent, "Hi.".to_owned()), bench.now()).unwrap();
    bench.inbox.sandbox.remove("c004").unwrap();
    bench.advance(210);
    bench.inbox.sandbox.clear_logs();
    bench.good().await;
    // A page shows five of the waiting contacts; those that are on no page are looked up.
    assert_eq!((bench.look_ups(), bench.ended_by("answered-by-agent")), (2, vec!["c003".to_owned()]));
    assert!(bench.inbox.sandbox.requests().len() <= 1 + 3 + 2, "{:?}", bench.inbox.sandbox.requests());
    bench.advance(45);
    bench.poller.tick(true).await.unwrap();
    let history = bench.poller.store.history(crate::model::history::HistoryQuery::default()).await.unwrap();
    let escalated =
        |contact: &str| history.iter().any(|entry| entry.contact == contact && entry.detail == "step 2 fired");
    assert!(!escalated("c003") && !escalated("c004"), "{history:?}");
    assert_eq!(history.iter().filter(|entry| entry.detail == "step 2 fired").count(), 10);
}

#[tokio::test]
async fn nobody_is_escalated_while_the_inbox_cannot_be_read() {
    let bench = escalating().await;
    bench.advance(400);
    bench.inbox.sandbox.fault(Fault::inbox(FaultKind::status(500)).repeated(3));
    assert!(bench.poll().await.failure.is_some());
    assert_eq!(bench.poller.tick(false).await.unwrap(), 0);
    let memory = bench.poller.store.memories().await.unwrap().remove(0).1;
    assert!(memory.failing.is_some_and(|failing| failing.why.contains("HTTP 500")));
    bench.advance(3_600);
    assert!(bench.good().await.owed >= 12, "due, once, when it can be read again");
    assert!(bench.poller.store.memories().await.unwrap().remove(0).1.failing.is_none());
}

#[tokio::test]
async fn narrow_polls_are_good_while_the_last_complete_walk_is_recent() {
    let bench = bench().await;
    for _ in 0..30 {
        let polled = bench.good().await;
        assert!(polled.complete, "{polled:?}");
    }
}

#[tokio::test]
async fn polls_are_not_complete_while_no_full_walk_comes_to_its_end() {
    let mut bench = Bench::new(&[("waiting", WAITING)], 60).await;
    // The first poll reads as much as is free, not everything.
    let (clock, store) = (Arc::clone(&bench.poller.clock), bench.poller.store.clone());
    bench.poller.gate = BudgetGate::open("main", 4, clock, store, None).await.unwrap();
    bench.poller.requests_per_poll = 1;
    let mut complete = Vec::new();
    for _ in 0..40 {
        bench.advance(45);
        complete.push(bench.good().await.complete);
    }
    assert!(!complete[0] && complete.contains(&true), "{complete:?}");
    let memory = bench.poller.store.snapshot("main").await.unwrap().memory;
    let first = complete.iter().position(|complete| *complete).unwrap();
    assert!(first >= 3, "thirteen pages, four a poll at most: {complete:?}");
    assert!(memory.walks.values().all(|walk| walk.whole_at.is_some()));
}

#[tokio::test]
async fn what_is_not_understood_lasts_until_a_complete_walk() {
    let bench = bench().await;
    bench.advance(300);
    let bad = Fault::inbox(FaultKind::BadRecord { what: BadRecord::Null });
    bench.inbox.sandbox.fault(bad.on_page(3).repeated(2));
    let odd = || async { bench.poller.store.snapshot("main").await.unwrap().memory.odd_records };
    let polled = bench.good().await;
    assert_eq!((polled.complete, polled.unread().as_deref()), (false, Some("1 record was not understood")));
    assert_eq!(odd().await.map(|odd| odd.count), Some(1));
    bench.good().await;
    assert!(!was_full(&bench));
    assert!(odd().await.is_some(), "a narrow walk has not seen it");
    bench.advance(300);
    assert!(bench.good().await.complete);
    assert!(was_full(&bench));
    assert_eq!(odd().await, None);
}

#[tokio::test]
async fn more_than_may_be_kept_is_read_in_parts() {
    let mut bench = Bench::new(&[("waiting", WAITING)], 33).await;
    // Three pages of five, or four.
    bench.poller.most_bytes = 45_000;
    let (mut fired, mut polls) = (0, 0);
    loop {
        bench.advance(15);
        let polled = bench.run(if polls == 1 { Mode::Once } else { Mode::Daemon }).await;
        assert_eq!((polled.failure.clone(), polled.unread()), (None, None));
        assert!((3..=20).contains(&polled.contacts), "{polled:?}");
        (fired, polls) = (fired + polled.fired, polls + 1);
        if polled.complete {
            break;
        }
    }
    assert!((2..=3).contains(&polls), "{polls}");
    assert_eq!((fired, bench.firing().await.len()), (33, 33));
}

#[tokio::test]
async fn a_page_that_is_more_than_may_be_kept_is_told() {
    let mut bench = Bench::new(&[("waiting", WAITING)], 33).await;
    bench.poller.most_bytes = 6_000;
    for mode in [Mode::Daemon, Mode::Once] {
        bench.advance(400);
        let polled = bench.run(mode).await;
        assert_eq!((polled.failure.clone(), polled.complete, polled.contacts), (None, false, 0));
        assert_eq!(polled.unread().as_deref(), Some("the API returns more than the 0 MiB of memory that a poll keeps"));
        let odd = bench.poller.store.snapshot("main").await.unwrap().memory.odd_records.unwrap();
        assert!(odd.what.is_some_and(|what| what.starts_with("the API returns more than")));
    }
    bench.poller.most_bytes = 1 << 20;
    bench.advance(400);
    assert!(bench.good().await.complete);
    assert_eq!(bench.poller.store.snapshot("main").await.unwrap().memory.odd_records, None);
}

/// A one-shot run that begins while a pause of the API lasts for so many more seconds.
async fn paused(bench: &mut Bench, pause: i64) -> Polled {
    let (clock, store) = (Arc::clone(&bench.poller.clock), bench.poller.store.clone());
    let now = bench.now();
    store.remember_requests("main", vec![now], Some((now, now + SignedDuration::from_secs(pause))));
    let deadline = now + SignedDuration::from_secs(40);
    bench.poller.gate = BudgetGate::open("main", 80, clock, store, Some(deadline)).await.unwrap();
    bench.run(Mode::Once).await
}

#[tokio::test]
async fn a_run_waits_out_a_pause_that_the_api_asked_for() {
    for known in [false, true] {
        let mut bench = Bench::new(&[("waiting", WAITING)], 33).await;
        if known {
            bench.good().await;
            write(&bench, 40);
        }
        let began = bench.now();
        let polled = paused(&mut bench, 30).await;
        assert_eq!((polled.failure, polled.goes_on, polled.contacts), (None, None, 33 + usize::from(known)));
        assert!(polled.complete && bench.now() >= began + SignedDuration::from_secs(30));
    }
}

#[tokio::test]
async fn a_pause_that_is_longer_than_the_run_is_a_failure_and_nothing_is_asked() {
    let mut bench = Bench::new(&[("waiting", WAITING)], 33).await;
    let polled = paused(&mut bench, 41).await;
    let words = "the API's request limit is used up; it asks to wait 41 s";
    assert_eq!((polled.unread().as_deref(), polled.complete), (Some(words), false));
    assert_eq!(bench.inbox.sandbox.requests().len(), 0);
    // The next run, a minute later, reads everything.
    bench.advance(60);
    assert!(paused(&mut bench, 0).await.complete);
}

#[tokio::test]
async fn a_pause_in_the_middle_of_a_run_is_waited_out() {
    for (pause, failure) in [(20, None), (50, Some("rate-limited"))] {
        let mut bench = Bench::new(&[("waiting", WAITING)], 33).await;
        bench.inbox.sandbox.fault(Fault::inbox(FaultKind::too_many(pause)).on_page(3));
        let polled = paused(&mut bench, 0).await;
        assert_eq!((polled.failure.map(|error| error.name()), polled.goes_on), (failure, None), "{pause}");
        assert_eq!(polled.contacts, if failure.is_none() { 33 } else { 10 });
    }
}

#[tokio::test]
async fn a_walk_that_goes_on_is_said() {
    let mut bench = Bench::new(&[("waiting", WAITING)], 33).await;
    bench.advance(60);
    let (clock, store) = (Arc::clone(&bench.poller.clock), bench.poller.store.clone());
    let deadline = bench.now() + SignedDuration::from_secs(50);
    bench.poller.gate = BudgetGate::open("main", 4, clock, store, Some(deadline)).await.unwrap();
    let polled = bench.run(Mode::Once).await;
    assert_eq!((polled.failure, polled.goes_on, polled.complete), (None, Some(4), false));
}
