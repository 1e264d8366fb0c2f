//! Commands beside the watcher: acknowledgements, silences, the history.

use jiff::SignedDuration;

use super::fixtures::{TestDriver, alert, at, beginning, contract, resolved};
use crate::model::{Ack, AlertId, Changes, Entry, Happened, Matchers, Silence, history::HistoryQuery};

fn ack(by: &str, seconds: i64) -> Ack {
    Ack { at: at(seconds), by: by.to_owned(), comment: "on it".to_owned() }
}

async fn the_first_acknowledgement_stays_whatever_a_tick_writes(driver: TestDriver) {
    let state = driver.fresh();
    let (store, beside) = (state.open().await, state.open().await);
    let firing = alert("c", at(0));
    store.commit("main", beginning(&firing)).await.unwrap();
    let before = beside.acknowledge(firing.id.clone(), ack("asha", 5)).await.unwrap();
    assert_eq!(before.unwrap().ack, None);
    // A tick that had read the alert before.
    let other = crate::model::Alert { missed_walks: 1, ack: Some(ack("an agent", 6)), ..firing.clone() };
    for stale in [firing.clone(), other] {
        store.commit("main", Changes { alerts: vec![stale], ..Changes::default() }).await.unwrap();
        assert_eq!(store.snapshot("main").await.unwrap().alerts[0].ack, Some(ack("asha", 5)));
    }
    let again = beside.acknowledge(firing.id.clone(), ack("ravi", 9)).await.unwrap();
    assert_eq!(again.unwrap().ack, Some(ack("asha", 5)));
    assert_eq!(beside.acknowledge(AlertId("none".to_owned()), ack("ravi", 9)).await.unwrap(), None);
    let told = store.history(HistoryQuery::default()).await.unwrap();
    let told: Vec<_> = told.iter().filter(|entry| entry.happened == Happened::Acknowledged).collect();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].who.as_str(), told[0].detail.as_str(), told[0].at), ("asha", "on it", at(5)));

    // An alert that is over cannot be acknowledged.
    store
        .commit("main", Changes { alerts: vec![resolved(&alert("d", at(0)), at(9))], ..Changes::default() })
        .await
        .unwrap();
    let over = beside.acknowledge(alert("d", at(0)).id, ack("ravi", 10)).await.unwrap().unwrap();
    assert!(over.ack.is_none() && store.with_id(&over.id.0).await.unwrap()[0].ack.is_none());
}

async fn silences_come_and_go(driver: TestDriver) {
    let state = driver.fresh();
    let store = state.open().await;
    let matchers = Matchers { rule: Some("r".to_owned()), tag: Some("vip \"x\"".to_owned()), ..Matchers::default() };
    let silence = Silence {
        id: 0,
        matchers,
        created_at: at(0),
        ends_at: at(600),
        comment: "a comment".to_owned(),
        created_by: "asha".to_owned(),
    };
    let id = store.silence(silence.clone()).await.unwrap();
    let stored = Silence { id, ..silence.clone() };
    assert_eq!(store.silences().await.unwrap(), std::slice::from_ref(&stored));
    assert_eq!(store.snapshot("main").await.unwrap().silences, std::slice::from_ref(&stored));
    assert_eq!(store.open_of("support").await.unwrap().silences, std::slice::from_ref(&stored));
    assert_eq!(store.expire(id, at(60)).await.unwrap(), Some(stored));
    assert_eq!(store.silences().await.unwrap()[0].ends_at, at(60));
    // An ended silence keeps its end, and a number is never used twice.
    store.expire(id, at(90)).await.unwrap();
    assert_eq!(store.silences().await.unwrap()[0].ends_at, at(60));
    assert_eq!(store.expire(99, at(90)).await.unwrap(), None);
    store.prune(at(61)).await.unwrap();
    assert_eq!(store.silences().await.unwrap(), []);
    let next = store.silence(Silence { ends_at: at(700), ..silence }).await.unwrap();
    assert!(next > id);
}

async fn history_is_kept_for_its_time_and_goes_in_small_parts(driver: TestDriver) {
    let state = driver.fresh();
    let store = state.open().await;
    let (one, other) = (alert("c", at(0)), crate::model::Alert { rule: "s".to_owned(), ..alert("d", at(0)) });
    let entries = (0..1_300_i64).map(|second| {
        let about = if second % 2 == 0 { &one } else { &other };
        Entry::of(about, Happened::Firing, at(second)).who("support").detail("a detail")
    });
    store.commit("main", Changes { history: entries.collect(), ..Changes::default() }).await.unwrap();
    let of = async |asked: HistoryQuery| store.history(asked).await.unwrap().len();
    let asked = |since: i64| HistoryQuery { since: Some(at(since)), ..HistoryQuery::default() };
    assert_eq!((of(HistoryQuery::default()).await, of(asked(1_290)).await), (1_300, 10));
    assert_eq!(of(HistoryQuery { rule: Some("s".to_owned()), ..asked(1_290) }).await, 5);
    assert_eq!(of(HistoryQuery { contact: Some("c".to_owned()), ..HistoryQuery::default() }).await, 650);
    let first = &store.history(HistoryQuery::default()).await.unwrap()[0];
    assert_eq!((first.at, first.alert.clone(), first.contact.as_str(), first.name.as_str()), (at(0), one.id, "c", "c"));

    // More than fit into one transaction.
    store.prune(at(1_200) + SignedDuration::from_micros(1)).await.unwrap();
    assert_eq!(of(HistoryQuery::default()).await, 99);
}

contract! { the_first_acknowledgement_stays_whatever_a_tick_writes, silences_come_and_go, history_is_kept_for_its_time_and_goes_in_small_parts }
