//! How alerts end: by what is seen, or by an absence that is certain.

use serde_json::json;

use super::{Bench, Ended, LIVE, Mode, WAITING, all, seconds, waiting};
use crate::{
    inbox::InboxError,
    sandbox::{BadRecord, By, CustomerAction, Fault, FaultKind},
};

fn answer(by: By) -> CustomerAction {
    CustomerAction::Answer(by, "Here I am.".to_owned())
}

#[tokio::test]
async fn an_answer_ends_it_at_its_own_time() {
    for mode in [Mode::Daemon, Mode::Once] {
        let bench = Bench::new(&[("waiting", WAITING)], 3).await;
        bench.good().await;
        let at = bench.now() + seconds(4);
        bench.inbox.sandbox.act("c001", &answer(By::Agent), at).unwrap();
        bench.advance(15);
        let polled = bench.run(mode).await;
        assert_eq!((polled.failure, polled.resolved, bench.look_ups()), (None, 1, 1), "it vanished from the list");
        let ended = Ended { contact: "c001".to_owned(), reason: "answered-by-agent".to_owned(), at };
        assert_eq!(bench.ended(), [ended]);
        assert_eq!(bench.firing().await, ["c000", "c002"]);
        assert_eq!(bench.told().await, (3, 1));
        bench.good().await;
        assert_eq!((bench.told().await, bench.look_ups()), ((3, 1), 0));
    }
}

#[tokio::test]
async fn every_reason_is_found_out() {
    let bench = Bench::new(&[("waiting", WAITING)], 5).await;
    bench.good().await;
    let sandbox = &bench.inbox.sandbox;
    sandbox.act("c000", &answer(By::Bot), bench.now() + seconds(1)).unwrap();
    sandbox.act("c001", &CustomerAction::Close, bench.now() + seconds(1)).unwrap();
    for (id, field, value) in [("c002", "isUserBlocked", json!(true)), ("c003", "unreadMessages", json!(0))] {
        let mut contact = sandbox.contact(id).unwrap();
        contact[field] = value;
        contact["status"] = if id == "c002" { json!("REVIEW") } else { json!("OPEN") };
        sandbox.put(contact).unwrap();
    }
    let mut contact = sandbox.contact("c004").unwrap();
    contact["status"] = json!("ONHOLD");
    sandbox.put(contact).unwrap();
    assert_eq!(bench.good().await.resolved, 5);
    let reasons: Vec<String> = bench.ended().into_iter().map(|ended| ended.reason).collect();
    assert_eq!(reasons, ["answered-by-bot", "closed", "blocked", "read", "no-longer-matches"]);
}

#[tokio::test]
async fn who_comes_again_is_a_new_episode() {
    let bench = Bench::new(&[("waiting", WAITING)], 1).await;
    bench.good().await;
    for episode in 1..4 {
        bench.inbox.sandbox.act("c000", &answer(By::Agent), bench.now() + seconds(5)).unwrap();
        bench.good().await;
        bench.inbox.sandbox.act("c000", &CustomerAction::Write(None), bench.now() + seconds(5)).unwrap();
        bench.good().await;
        assert_eq!(bench.told().await, (episode + 1, episode));
    }
}

#[tokio::test]
async fn who_is_gone_needs_two_complete_walks() {
    let bench = Bench::new(&[("waiting", WAITING)], 3).await;
    bench.good().await;
    bench.inbox.sandbox.remove("c001").unwrap();
    let polled = bench.good().await;
    assert_eq!((polled.resolved, bench.look_ups()), (0, 1));
    let polled = bench.good().await;
    assert_eq!((polled.resolved, bench.look_ups()), (1, 1));
    assert_eq!(bench.ended_by("gone"), ["c001"]);
}

#[tokio::test]
async fn who_is_back_in_between_was_never_gone() {
    let bench = Bench::new(&[("waiting", WAITING)], 3).await;
    bench.good().await;
    for _ in 0..3 {
        let contact = bench.inbox.sandbox.remove("c001").unwrap();
        bench.good().await;
        bench.inbox.sandbox.put(contact).unwrap();
        bench.good().await;
    }
    assert_eq!((bench.ended(), bench.told().await), (vec![], (3, 0)));
}

#[tokio::test]
async fn a_single_run_walks_again_to_be_sure() {
    let bench = Bench::new(&[("waiting", WAITING)], 7).await;
    bench.run(Mode::Once).await;
    bench.inbox.sandbox.remove("c001").unwrap();
    let polled = bench.run(Mode::Once).await;
    assert_eq!((polled.failure, polled.resolved), (None, 1));
    assert_eq!(bench.ended_by("gone"), ["c001"]);
    assert_eq!(bench.inbox.sandbox.requests().len(), 3 + 1 + 3);
    bench.run(Mode::Once).await;
    assert_eq!(bench.inbox.sandbox.requests().len(), 3, "nothing to confirm");
}

#[tokio::test]
async fn many_missing_are_looked_up_ten_at_a_time() {
    let bench = Bench::new(&[("waiting", WAITING)], 16).await;
    bench.good().await;
    for id in &all(16)[..15] {
        bench.inbox.sandbox.act(id, &answer(By::Agent), bench.now() + seconds(1)).unwrap();
    }
    let polled = bench.good().await;
    assert_eq!((polled.resolved, bench.look_ups()), (10, 10));
    let polled = bench.good().await;
    assert_eq!((polled.resolved, bench.look_ups()), (5, 5));
    assert_eq!(bench.ended_by("answered-by-agent").len(), 15);
    assert_eq!(bench.firing().await, ["c015"]);
}

#[tokio::test]
async fn who_moves_while_one_pages_is_looked_up_and_kept() {
    for page in 1..=2 {
        let bench = Bench::new(&[("waiting", WAITING)], 13).await;
        bench.good().await;
        bench.inbox.sandbox.fault(Fault::inbox(FaultKind::MoveToFront).on_page(page));
        bench.good().await;
        assert_eq!(bench.look_ups(), 1);
        bench.inbox.sandbox.fault(Fault::inbox(FaultKind::Vanish).on_page(page));
        bench.good().await;
        assert_eq!(bench.look_ups(), 1, "the one that it hid; the one that is gone had been seen");
        bench.good().await;
        bench.good().await;
        assert_eq!((bench.ended().len(), bench.ended_by("gone").len(), bench.told().await), (1, 1, (13, 1)));
    }
}

#[tokio::test]
async fn a_torn_walk_is_walked_again() {
    let bench = Bench::new(&[("waiting", WAITING)], 7).await;
    bench.good().await;
    bench.inbox.sandbox.remove("c001").unwrap();
    let torn = || Fault::inbox(FaultKind::BadRecord { what: BadRecord::WithoutId }).on_page(2);
    for resolved in [0, 1] {
        bench.inbox.sandbox.fault(torn());
        let polled = bench.good().await;
        assert_eq!(polled.resolved, resolved, "the second walk is complete");
        assert_eq!(
            bench.inbox.sandbox.requests().iter().filter(|body| body["page"] == 1 && body["searchText"] == "").count(),
            2
        );
    }
}

#[tokio::test]
async fn a_record_that_is_never_understood_makes_nobody_absent() {
    let bench = Bench::new(&[("waiting", WAITING)], 7).await;
    bench.good().await;
    bench.inbox.sandbox.remove("c001").unwrap();
    bench.inbox.sandbox.act("c002", &answer(By::Agent), bench.now() + seconds(1)).unwrap();
    for mode in [Mode::Daemon, Mode::Once, Mode::Daemon, Mode::Once] {
        bench.inbox.sandbox.clear_faults();
        bench
            .inbox
            .sandbox
            .fault(Fault::inbox(FaultKind::BadRecord { what: BadRecord::Null }).on_page(1).repeated(100));
        bench.advance(15);
        assert_eq!(bench.run(mode).await.failure, None);
        let reasons: Vec<String> = bench.ended().into_iter().map(|ended| ended.contact + " " + &ended.reason).collect();
        assert_eq!(reasons, ["c002 answered-by-agent"], "who is seen is evidence all the same");
    }
}

#[tokio::test]
async fn a_field_that_makes_no_sense_ends_nothing() {
    for (field, garbage) in [
        ("lastMessage", json!("yesterday")),
        ("lastMessage", json!([1])),
        ("status", json!(["OPEN"])),
        ("unreadMessages", json!("many")),
        ("unreadMessages", json!({})),
    ] {
        let bench = Bench::new(&[("waiting", WAITING)], 2).await;
        bench.good().await;
        let mut contact = waiting(0);
        contact[field] = garbage.clone();
        bench.inbox.sandbox.put(contact).unwrap();
        for _ in 0..3 {
            bench.good().await;
        }
        assert_eq!((bench.ended(), bench.firing().await), (vec![], all(2)), "{field} {garbage}");
        bench.inbox.sandbox.put(waiting(0)).unwrap();
        bench.good().await;
        assert_eq!(bench.told().await, (2, 0), "{field} {garbage}");
    }
}

#[tokio::test]
async fn a_search_that_the_api_refuses_keeps_nobody_else_from_being_found() {
    let bench = Bench::new(&[("waiting", WAITING)], 3).await;
    bench.good().await;
    for id in ["c001", "c002"] {
        bench.inbox.sandbox.act(id, &answer(By::Agent), bench.now() + seconds(1)).unwrap();
    }
    // The walk has one page and an empty one; then come the look-ups, the longest waiting first.
    bench.inbox.sandbox.fault(Fault::inbox(FaultKind::Delay { ms: 0 }).on_page(1));
    bench.inbox.sandbox.fault(Fault::inbox(FaultKind::status(400)).on_page(1));
    let polled = bench.poll().await;
    assert_eq!(polled.failure.map(|error| error.name()), Some("bad-request"));
    assert_eq!(bench.ended_by("answered-by-agent"), ["c001"]);
}

#[tokio::test]
async fn a_filter_that_the_api_refuses_keeps_no_other_rule_from_its_reasons() {
    let bench = Bench::new(&[("live", LIVE), ("waiting", WAITING)], 3).await;
    bench.good().await;
    bench.inbox.sandbox.act("c001", &answer(By::Agent), bench.now() + seconds(1)).unwrap();
    bench.inbox.sandbox.fault(Fault::inbox(FaultKind::status(400)).on_page(1));
    let polled = bench.poll().await;
    assert!(matches!(polled.failure, Some(InboxError::BadRequest { .. })));
    assert_eq!(bench.ended_by("answered-by-agent"), ["c001"]);
}
