//! Contacts that fall due by the clock are looked at before anybody is notified.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Bench, LIVE, Mode, noon, seconds, waiting};
use crate::{
    engine::Observed,
    model::{Contact, Event, time::iso},
    sandbox::{BadRecord, By, CustomerAction, Fault, FaultKind},
    service::gate::BudgetGate,
};

/// A rule that notifies the leads after half a minute.
const VIP: &str = r#"
for = "30s"
[filter]
lastMessageBy = ["user"]
[[notify]]
to = ["support"]
"#;

/// A contact that wrote this many seconds after noon.
fn wrote(index: usize, second: i64) -> Value {
    let at = iso(noon() + seconds(second));
    let mut contact = waiting(index);
    contact["lastMessage"]["at"] = at.clone().into();
    contact["updatedAt"] = at.clone().into();
    contact["lastSeenAt"] = at.into();
    contact
}

fn answer(bench: &Bench, id: &str) {
    bench.inbox.sandbox.act(id, &CustomerAction::Answer(By::Agent, "Hi.".to_owned()), bench.now()).unwrap();
}

/// Lets seconds pass, with a tick each, and a poll every fifteen.
async fn pass(bench: &Bench, seconds: i64) {
    for _ in 0..seconds {
        bench.advance(1);
        if (bench.now().duration_since(noon()).as_secs()) % 15 == 0 {
            assert_eq!(bench.poller.run_once(Mode::Daemon, &|_| {}).await.unwrap().failure, None);
        } else {
            bench.poller.tick(true).await.unwrap();
        }
    }
}

/// Event and contact of everything that was ever owed.
async fn owed(bench: &Bench) -> Vec<(Event, String)> {
    let history = bench.poller.store.history(crate::model::history::HistoryQuery::default()).await.unwrap();
    let contact: BTreeMap<String, String> =
        history.into_iter().map(|entry| (entry.alert.0.clone(), entry.contact)).collect();
    let notifications = bench.poller.store.notifications().await.unwrap();
    notifications.into_iter().map(|(owed, _)| (owed.event, contact[&owed.alert.0].clone())).collect()
}

async fn bench(text: &str) -> Bench {
    let bench = Bench::new(&[("vip", text)], 0).await;
    bench.poller.run_once(Mode::Daemon, &|_| {}).await.unwrap();
    bench
}

#[tokio::test]
async fn an_answer_eight_seconds_before_the_due_moment_tells_nobody() {
    let bench = bench(VIP).await;
    bench.inbox.sandbox.put(wrote(0, 8)).unwrap();
    pass(&bench, 30).await;
    answer(&bench, "c000");
    bench.inbox.sandbox.clear_logs();
    pass(&bench, 8).await;
    assert_eq!((bench.look_ups(), bench.inbox.sandbox.requests().len()), (1, 1), "one look, at the due moment");
    assert_eq!(owed(&bench).await, []);
    assert_eq!(bench.firing().await, [""; 0]);
    pass(&bench, 60).await;
    assert_eq!(owed(&bench).await, []);
}

#[tokio::test]
async fn who_still_waits_is_told_of_in_that_second_and_a_reminder_is_checked_as_well() {
    let bench = bench(&format!("{VIP}repeat = \"1m\"\n")).await;
    bench.inbox.sandbox.put(wrote(0, 8)).unwrap();
    pass(&bench, 38).await;
    assert_eq!(owed(&bench).await, [(Event::Fired, "c000".to_owned())]);
    let fired_at = bench.poller.store.snapshot("main").await.unwrap().alerts[0].fired_at;
    assert_eq!(fired_at, Some(noon() + seconds(38)));
    pass(&bench, 54).await;
    answer(&bench, "c000");
    // The reminder falls due six seconds later, seven seconds before the next poll.
    pass(&bench, 7).await;
    let told = [(Event::Fired, "c000".to_owned()), (Event::Resolved, "c000".to_owned())];
    assert_eq!(owed(&bench).await, told, "the end, and no reminder before it");
}

#[tokio::test]
async fn a_condition_that_looks_at_the_clock_is_checked() {
    let mut bench = bench(LIVE).await;
    let mut contact = wrote(0, 0);
    contact["isLiveChatActive"] = json!(true);
    bench.inbox.sandbox.put(contact).unwrap();
    pass(&bench, 100).await;
    answer(&bench, "c000");
    bench.poller.sweep_every = SignedDuration::from_mins(30);
    pass(&bench, 30).await;
    assert_eq!(owed(&bench).await, []);
}

#[tokio::test]
async fn many_at_once_are_one_page_and_those_it_does_not_show_are_looked_up() {
    let bench = bench(VIP).await;
    for index in 0..4 {
        bench.inbox.sandbox.put(wrote(index, 8)).unwrap();
    }
    pass(&bench, 31).await;
    answer(&bench, "c002");
    bench.inbox.sandbox.clear_logs();
    pass(&bench, 7).await;
    let since: Vec<Value> =
        bench.inbox.sandbox.requests().iter().map(|body| body["lastSeenAt"]["startAt"].clone()).collect();
    assert_eq!((bench.look_ups(), since), (1, vec![iso(noon() + seconds(8)).into(), json!("")]));
    let mut told: Vec<String> = owed(&bench).await.into_iter().map(|(_, contact)| contact).collect();
    told.sort();
    assert_eq!(told, ["c000", "c001", "c003"]);
}

/// A contact without a search text, and without `lastSeenAt`.
fn nameless(second: i64) -> Value {
    let mut contact = wrote(0, second);
    contact["profile"] = json!({});
    contact["lastSeenAt"] = Value::Null;
    contact
}

#[tokio::test]
async fn whom_nothing_can_show_is_told_after_a_sweeps_time() {
    let bench = bench(VIP).await;
    bench.inbox.sandbox.put(nameless(8)).unwrap();
    pass(&bench, 15).await;
    // No page shows that customer any more, and no page is evidence: each has a record that is not understood.
    bench.inbox.sandbox.remove("c000").unwrap();
    bench
        .inbox
        .sandbox
        .fault(Fault::inbox(FaultKind::BadRecord { what: BadRecord::Null }).on_page(1).repeated(100_000));
    pass(&bench, 38 + 299 - 15).await;
    assert_eq!(owed(&bench).await, []);
    bench.inbox.sandbox.clear_logs();
    pass(&bench, 1).await;
    assert_eq!(owed(&bench).await, [(Event::Fired, "c000".to_owned())], "nobody waits for ever");
}

#[tokio::test]
async fn while_the_inbox_cannot_be_read_nobody_is_told_on_what_was_known() {
    let bench = bench(VIP).await;
    bench.inbox.sandbox.put(wrote(0, 8)).unwrap();
    pass(&bench, 20).await;
    bench.inbox.sandbox.fault(Fault::inbox(FaultKind::status(500)).repeated(100_000));
    for _ in 0..40 {
        bench.advance(15);
        assert!(bench.poller.run_once(Mode::Daemon, &|_| {}).await.unwrap().failure.is_some());
        assert_eq!(bench.poller.tick(false).await.unwrap(), 0);
    }
    bench.inbox.sandbox.clear_faults();
    bench.advance(15);
    bench.poller.run_once(Mode::Daemon, &|_| {}).await.unwrap();
    assert_eq!(owed(&bench).await, [(Event::Fired, "c000".to_owned())]);
}

#[tokio::test]
async fn a_look_that_fails_is_not_repeated_before_the_next_poll_which_tells() {
    let bench = bench(VIP).await;
    bench.inbox.sandbox.put(wrote(0, 8)).unwrap();
    pass(&bench, 37).await;
    bench.inbox.sandbox.clear_logs();
    bench.inbox.sandbox.fault(Fault::inbox(FaultKind::status(500)).repeated(3));
    pass(&bench, 7).await;
    assert_eq!((owed(&bench).await, bench.inbox.sandbox.log().len()), (vec![], 3), "three tries of one look");
    pass(&bench, 1).await;
    assert_eq!(owed(&bench).await, [(Event::Fired, "c000".to_owned())]);
}

#[tokio::test]
async fn without_a_free_request_the_next_poll_tells() {
    let mut bench = bench(VIP).await;
    bench.inbox.sandbox.put(wrote(0, 8)).unwrap();
    pass(&bench, 30).await;
    let (clock, store) = (Arc::clone(&bench.poller.clock), bench.poller.store.clone());
    bench.poller.gate = BudgetGate::open("main", 1, clock, store, None).await.unwrap();
    bench.inbox.sandbox.clear_logs();
    pass(&bench, 14).await;
    assert_eq!((owed(&bench).await, bench.inbox.sandbox.log().len()), (vec![], 0));
    let (clock, store) = (Arc::clone(&bench.poller.clock), bench.poller.store.clone());
    bench.poller.gate = BudgetGate::open("main", 100, clock, store, None).await.unwrap();
    pass(&bench, 1).await;
    assert_eq!(owed(&bench).await, [(Event::Fired, "c000".to_owned())]);
}

#[tokio::test]
async fn a_thousand_due_moments_an_hour_starve_no_sweep() {
    let mut bench = bench(VIP).await;
    // Forty pages of five in the inbox, of which the rule's list has ten.
    for index in 500..540 {
        bench.inbox.sandbox.put(wrote(index, -3_600)).unwrap();
    }
    let (clock, store) = (Arc::clone(&bench.poller.clock), bench.poller.store.clone());
    bench.poller.gate = BudgetGate::open("main", 80, clock, store, None).await.unwrap();
    bench.poller.requests_per_poll = 20;
    let mut sweeps = 0;
    for second in 1..=240_i64 {
        if second % 4 == 0 {
            let index = usize::try_from(second / 4).unwrap();
            bench.inbox.sandbox.put(wrote(index, second)).unwrap();
        }
        // Every second customer is answered four seconds before.
        if second > 26 && (second - 26) % 8 == 0 {
            let id = format!("c{:03}", (second - 26) / 4);
            answer(&bench, &id);
        }
        pass(&bench, 1).await;
        let memory = bench.poller.store.snapshot("main").await.unwrap().memory;
        let whole_at = memory.walks.values().next().and_then(|walk| walk.whole_at);
        sweeps += usize::from(whole_at == Some(bench.now()));
    }
    assert_eq!(bench.inbox.sandbox.log().iter().filter(|one| one.status == 429).count(), 0);
    assert!(sweeps >= 8, "{sweeps} of 16 polls read everything");
    let told = owed(&bench).await;
    let answered: Vec<_> = told.iter().filter(|(event, _)| *event == Event::Resolved).collect();
    assert!(answered.is_empty(), "{answered:?}");
    for index in (1..=48).step_by(2) {
        let id = format!("c{index:03}");
        assert!(told.contains(&(Event::Fired, id.clone())), "{id} waits for ever: {told:?}");
    }
}

#[tokio::test]
async fn who_was_answered_during_a_long_walk_is_asked_for_again() {
    for mode in [Mode::Daemon, Mode::Once] {
        let bench = Bench::new(&[("vip", VIP)], 12).await;
        let (answered, pages) = (AtomicBool::new(false), std::sync::atomic::AtomicU32::new(0));
        let polled = bench
            .poller
            .run_once(mode, &|page| {
                pages.fetch_max(page, Ordering::SeqCst);
                bench.advance(5);
                // The first page was read.
                if !answered.swap(true, Ordering::SeqCst) {
                    answer(&bench, "c001");
                }
            })
            .await
            .unwrap();
        assert!(pages.load(Ordering::SeqCst) >= 3, "a long walk");
        assert_eq!((polled.failure, bench.told().await), (None, (11, 0)), "{mode:?}");
        assert!(!bench.firing().await.contains(&"c001".to_owned()), "{mode:?}");
    }
}

#[tokio::test]
async fn a_single_run_keeps_time_and_requests_for_a_look() {
    // The list has more pages than a minute has requests: the walk waits for slots, and stops before the deadline.
    let mut bench = Bench::new(&[("vip", VIP)], 200).await;
    let (clock, store) = (Arc::clone(&bench.poller.clock), bench.poller.store.clone());
    let deadline = bench.now() + seconds(50);
    bench.poller.gate = BudgetGate::open("main", 24, clock, store, Some(deadline)).await.unwrap();
    bench.poller.run_once(Mode::Once, &|_| bench.advance(1)).await.unwrap();
    assert!(bench.now() < deadline);
    let requests = bench.inbox.sandbox.requests().len();
    // Half of what is free: three requests were kept back.
    assert_eq!((requests, bench.look_ups()), (24 - 3 + 1, 1));
}

#[tokio::test]
async fn what_a_look_shows_is_newer_than_a_page_that_was_read_before() {
    let bench = Bench::new(&[("vip", VIP)], 0).await;
    let at = |second: i64| noon() + seconds(second);
    let read = |by: &str| {
        let mut contact = waiting(0);
        contact["lastMessage"]["by"] = json!(by);
        Contact::read(contact).unwrap()
    };
    let knowledge = &bench.poller.knowledge;
    knowledge.reading();
    let (mut page, mut look) = (Observed::default(), Observed::default());
    page.see_at(read("user"), at(1));
    look.see_at(read("agent"), at(5));
    knowledge.looked(&look);
    knowledge.add_glimpses(&mut page);
    assert_eq!(page.contacts.values().next().unwrap().last_message.by, "agent");
    // An older sight does not replace a newer one.
    let mut page = Observed::default();
    page.see_at(read("user"), at(9));
    knowledge.looked(&look);
    knowledge.add_glimpses(&mut page);
    assert_eq!(page.contacts.values().next().unwrap().last_message.by, "user");
}

#[tokio::test]
async fn what_was_held_is_looked_at_before_it_is_sent() {
    let bench = bench(VIP).await;
    bench.inbox.sandbox.put(wrote(0, 8)).unwrap();
    bench.inbox.sandbox.put(wrote(1, 8)).unwrap();
    pass(&bench, 38).await;
    let alerts = bench.poller.store.snapshot("main").await.unwrap().alerts;
    let all: Vec<_> = alerts.iter().collect();
    bench.inbox.sandbox.clear_logs();
    assert_eq!(bench.poller.check(&all).await.unwrap(), Vec::<&crate::model::Alert>::new());
    assert_eq!(bench.inbox.sandbox.log().len(), 0, "they were seen just now");
    answer(&bench, "c001");
    bench.advance(5);
    assert_eq!(bench.poller.check(&all).await.unwrap(), Vec::<&crate::model::Alert>::new());
    assert_eq!(bench.firing().await, ["c000"]);
    // A contact that cannot be found is asked for once between two polls.
    bench.inbox.sandbox.remove("c000").unwrap();
    bench.advance(5);
    bench.inbox.sandbox.clear_logs();
    for _ in 0..3 {
        let unknown = bench.poller.check(&all[..1]).await.unwrap();
        assert_eq!(unknown.len(), 1);
    }
    assert_eq!(bench.inbox.sandbox.log().len(), 1);
}
