//! Everything that is stored is read back unchanged, all of it or nothing.

use jiff::SignedDuration;
use strum::VariantArray;

use super::fixtures::{TestDriver, alert, at, beginning, contact, contract, message, notification, resolved};
use crate::model::{
    Alert, Candidate, Changes, DeliveryStep, Event, Happened, InboxMemory, MessageId, Problem, Reason,
    snapshot::WalkMemory,
};

async fn everything_comes_back_as_it_was(driver: TestDriver) {
    let state = driver.fresh();
    let store = state.open().await;
    let mut memory = InboxMemory { page_size: Some(20), page_size_at: Some(at(1)), ..InboxMemory::default() };
    memory.walks.insert("q".to_owned(), WalkMemory { complete_at: Some(at(2)), pages: 3, ..WalkMemory::default() });
    memory.segments.insert("s1".to_owned(), "Returning".to_owned());
    let candidate = Candidate {
        file: "f".to_owned(),
        inbox: "main".to_owned(),
        rule: "r".to_owned(),
        contact: contact("d"),
        first_seen: at(3),
        missed_walks: 1,
    };
    let firing = alert("c", at(0));
    let changes = Changes { candidates: vec![candidate.clone()], memory: Some(memory.clone()), ..beginning(&firing) };
    store.commit("main", changes).await.unwrap();
    store.remember_requests("main", vec![at(1), at(2)], Some((at(2), at(60))));
    drop(store);

    let store = state.open().await;
    let snapshot = store.snapshot("main").await.unwrap();
    assert_eq!(snapshot.alerts, std::slice::from_ref(&firing));
    assert_eq!(snapshot.candidates, [candidate]);
    assert_eq!(snapshot.memory, memory);
    assert_eq!(snapshot.told.iter().map(|told| told.receiver.as_str()).collect::<Vec<_>>(), ["support"]);
    assert_eq!(store.requests("main").await.unwrap(), (vec![at(1), at(2)], Some((at(2), at(60)))));
    store.remember_requests("main", vec![at(3)], None);
    assert_eq!(store.requests("main").await.unwrap(), (vec![at(3)], None));
    let open = store.open_of("support").await.unwrap();
    assert_eq!(open.owed[0].notification, notification(&firing, "support", Event::Fired, at(0)));
    assert_eq!(store.snapshot("second").await.unwrap(), crate::model::Snapshot::default());
    assert_eq!(store.requests("second").await.unwrap(), (vec![], None));
}

#[test]
fn the_names_in_a_stored_state_stay() {
    fn names<T: VariantArray + Copy + Into<&'static str>>() -> String {
        T::VARIANTS.iter().map(|value| (*value).into()).collect::<Vec<_>>().join(" ")
    }
    assert_eq!(names::<Event>(), "fired repeated resolved");
    assert_eq!(
        names::<Reason>(),
        "answered-by-agent answered-by-bot closed live-chat-ended live-chat-expired taken wrote-again read blocked gone \
         window-closed no-longer-matches rule-changed rule-removed mended"
    );
    assert_eq!(
        names::<Happened>(),
        "pending firing vanished lapsed returned resolved acknowledged owed dropped sent ambiguous refused superseded \
         dead rule-edited rule-renamed"
    );
    assert_eq!(
        names::<Problem>(),
        "inbox-unreadable token-refused rule-rejected receiver-broken outbox-stuck records-not-understood budget-short \
         runs-missed template-failed inbox-emptied filter-differs state-lost state-unwritable condition-failed \
         clock-differs rules-missing"
    );
}

async fn every_reason_comes_back(driver: TestDriver) {
    let state = driver.fresh();
    let store = state.open().await;
    for (number, reason) in (0..).zip(Reason::VARIANTS) {
        let firing = alert(reason.name(), at(number));
        store.commit("main", beginning(&firing)).await.unwrap();
        let mut ended = resolved(&firing, at(100));
        if let Some(resolution) = &mut ended.resolution {
            resolution.reason = *reason;
            resolution.ended_at = at(90);
        }
        store.commit("main", Changes { alerts: vec![ended.clone()], ..Changes::default() }).await.unwrap();
        let open = store.open_of("support").await.unwrap();
        assert_eq!(open.owed.last().map(|owed| &owed.alert), Some(&ended));
    }
    assert_eq!(store.snapshot("main").await.unwrap().alerts, []);
}

async fn a_commit_that_fails_has_not_happened(driver: TestDriver) {
    let state = driver.fresh();
    let store = state.open().await;
    let first = alert("c", at(0));
    store.commit("main", beginning(&first)).await.unwrap();
    let before = store.snapshot("main").await.unwrap();
    // A second open alert of the same customer and rule is impossible, and so is a notification without an alert.
    let twice = Changes { alerts: vec![alert("new", at(1)), alert("c", at(1))], ..beginning(&alert("other", at(1))) };
    let nobody = Changes {
        owed: vec![notification(&alert("x", at(1)), "support", Event::Fired, at(1))],
        ..beginning(&alert("new", at(1)))
    };
    for changes in [twice, nobody] {
        let error = store.commit("main", changes).await.unwrap_err();
        assert!(error.to_string().contains("failed"), "{error}");
        assert_eq!(store.snapshot("main").await.unwrap(), before);
        assert_eq!(store.notifications().await.unwrap().len(), 1);
    }
    // After its end another one is possible.
    store.commit("main", Changes { alerts: vec![resolved(&first, at(2))], ..Changes::default() }).await.unwrap();
    store.commit("main", beginning(&alert("c", at(3)))).await.unwrap();
}

async fn a_mail_that_some_recipients_have_counts_as_told(driver: TestDriver) {
    let state = driver.fresh();
    let store = state.open().await;
    let firing = alert("c", at(0));
    store.commit("main", beginning(&firing)).await.unwrap();
    let ids = vec![store.open_of("support").await.unwrap().owed[0].id];
    let id = MessageId("m".to_owned());
    store.record(DeliveryStep::Composed { message: message("m", "support", at(0)), ids }).await.unwrap();
    let settled = vec!["a@example.com".to_owned()];
    let again = DeliveryStep::Again {
        now: at(5),
        message: id,
        at: at(5),
        plain: false,
        ambiguous: false,
        settled: settled.clone(),
        reached: settled.clone(),
        reason: "451".to_owned(),
    };
    store.record(again).await.unwrap();
    let open = store.open_of("support").await.unwrap();
    assert_eq!((open.messages[0].1.clone(), open.messages[0].0.next_at), (settled, at(5)));
    assert!(open.owed[0].told && open.owed[0].told_of_beginning);
}

async fn what_waits_is_counted_by_receiver(driver: TestDriver) {
    let state = driver.fresh();
    let store = state.open().await;
    let firing = alert("c", at(0));
    let owed = ["support", "leads"].map(|receiver| notification(&firing, receiver, Event::Fired, at(0)));
    store.commit("main", Changes { owed: owed.to_vec(), ..beginning(&alert("d", at(1))) }).await.unwrap_err();
    store.commit("main", Changes { owed: owed.to_vec(), ..beginning(&firing) }).await.unwrap();
    store.commit("main", beginning(&alert("d", at(1)))).await.unwrap();
    let waiting = store.waiting().await.unwrap();
    let counts: Vec<_> = waiting.iter().map(|waiting| (waiting.receiver.as_str(), waiting.notifications)).collect();
    assert_eq!(counts, [("leads", 1), ("support", 2)]);
    assert!(waiting.iter().all(|waiting| waiting.next_at.is_none() && waiting.last_error.is_empty()));
}

async fn old_ends_are_forgotten_when_nothing_is_owed(driver: TestDriver) {
    let state = driver.fresh();
    let store = state.open().await;
    for (number, id) in (0..).zip(["firing", "owing", "done", "fresh"]) {
        let firing = alert(id, at(number));
        store.commit("main", beginning(&firing)).await.unwrap();
        if id != "firing" {
            let end = at(if id == "fresh" { 1_000 } else { 10 });
            store.commit("main", Changes { alerts: vec![resolved(&firing, end)], ..Changes::default() }).await.unwrap();
        }
        if id != "owing" {
            let ids = vec![store.open_of("support").await.unwrap().owed.last().unwrap().id];
            store.record(DeliveryStep::Composed { message: message(id, "support", at(number)), ids }).await.unwrap();
            let message = MessageId(id.to_owned());
            store.record(DeliveryStep::Delivered { message, at: at(number), reached: Vec::new() }).await.unwrap();
        }
    }
    assert_eq!(store.prune(at(10)).await.unwrap(), 0, "what ended then is not before it");
    assert_eq!(store.prune(at(10) + SignedDuration::from_micros(1)).await.unwrap(), 1);
    assert_eq!(store.notifications().await.unwrap().len(), 3);
    assert_eq!(store.snapshot("main").await.unwrap().alerts.len(), 1);
}

async fn inboxes_and_receivers_that_are_gone_owe_nothing(driver: TestDriver) {
    let state = driver.fresh();
    let store = state.open().await;
    let (kept, other) = (alert("kept", at(0)), Alert { inbox: "old".to_owned(), ..alert("other", at(1)) });
    let mut changes = beginning(&kept);
    changes.owed.push(notification(&kept, "gone", Event::Fired, at(0)));
    store.commit("main", changes).await.unwrap();
    store.commit("old", beginning(&other)).await.unwrap();
    let composed = message("m", "gone", at(2));
    let owed = store.open_of("gone").await.unwrap().owed[0].id;
    store.record(DeliveryStep::Composed { message: composed, ids: vec![owed] }).await.unwrap();

    let known = || store.forget_others(vec!["main".to_owned()], vec!["support".to_owned()], Vec::new(), at(9));
    assert_eq!(known().await.unwrap(), (1, 1));
    assert_eq!(known().await.unwrap(), (0, 0), "once");
    assert_eq!(store.snapshot("main").await.unwrap().alerts, [kept]);
    assert_eq!(store.snapshot("old").await.unwrap().alerts, []);
    assert!(store.open_of("gone").await.unwrap().messages.is_empty());
    let waiting = store.waiting().await.unwrap();
    assert_eq!(waiting.iter().map(|waiting| waiting.receiver.as_str()).collect::<Vec<_>>(), ["support"]);
}

contract! { everything_comes_back_as_it_was, every_reason_comes_back, a_commit_that_fails_has_not_happened, a_mail_that_some_recipients_have_counts_as_told, what_waits_is_counted_by_receiver, old_ends_are_forgotten_when_nothing_is_owed, inboxes_and_receivers_that_are_gone_owe_nothing }
