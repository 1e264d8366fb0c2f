//! A clock that was wrong when something was stored: nothing waits for that time.

use jiff::{SignedDuration, Timestamp};

use super::fixtures::{TestDriver, alert, at, beginning, contract, message};
use crate::{
    engine::wrong_clock,
    model::{DeliveryStep, Matchers, Message, ReceiverState, Silence},
    store::Store,
};

/// A message that is to be tried in five minutes, a receiver that is broken and left alone for two, and a silence of
/// an hour: all of it by a clock that says `now`.
async fn written(store: &Store, now: Timestamp) {
    let minutes = |minutes| now + SignedDuration::from_mins(minutes);
    store.commit("main", beginning(&alert("c", now))).await.unwrap();
    let owed = store.open_of("support").await.unwrap().owed;
    let message = Message { attempts: 3, next_at: minutes(5), ..message("m", "support", now) };
    store.record(DeliveryStep::Composed { message, ids: vec![owed[0].id] }).await.unwrap();
    let reception = ReceiverState {
        failing_since: Some(now),
        broken_at: Some(now),
        not_before: Some(minutes(2)),
        last_error: "HTTP 503".to_owned(),
    };
    store.receives("support", reception).await.unwrap();
    let silence = Silence {
        id: 0,
        matchers: Matchers { rule: Some("r".to_owned()), ..Matchers::default() },
        created_at: now,
        ends_at: minutes(60),
        comment: "lunch".to_owned(),
        created_by: "ravi".to_owned(),
    };
    store.silence(silence).await.unwrap();
}

async fn start(store: &Store, now: Timestamp) {
    let newest = store.newest_time().await.unwrap();
    store.move_times(wrong_clock::at_start(newest, now)).await.unwrap();
}

/// Seconds from `now` until the message is tried, the receiver is tried and the silence ends; and how long the receiver
/// has failed and the message has waited.
async fn waits(store: &Store, now: Timestamp) -> [i64; 5] {
    let open = store.open_of("support").await.unwrap();
    let until = |at: Timestamp| at.duration_since(now).as_secs();
    let since = |at: Timestamp| now.duration_since(at).as_secs();
    let silence = store.silences().await.unwrap().remove(0);
    assert!(silence.is_active(now), "{silence:?}");
    [
        until(open.messages[0].0.next_at),
        until(open.reception.not_before.unwrap()),
        until(silence.ends_at),
        since(open.reception.failing_since.unwrap()),
        since(open.owed[0].tried_since.unwrap()),
    ]
}

async fn what_a_clock_that_was_ahead_put_off_is_not_put_off_for_longer(driver: TestDriver) {
    for ahead in [7_200, 86_400, 86_400 * 366 * 12] {
        let state = driver.fresh();
        let store = state.open().await;
        written(&store, at(ahead)).await;
        // The clock is corrected while nothing runs.
        start(&store, at(60)).await;
        assert_eq!(waits(&store, at(60)).await, [300, 120, 3_600, 0, 0], "{ahead}");
        // A second time changes nothing.
        start(&store, at(90)).await;
        assert_eq!(waits(&store, at(90)).await, [270, 90, 3_570, 30, 30], "{ahead}");

        // The clock is corrected while a watcher runs.
        let state = driver.fresh();
        let store = state.open().await;
        written(&store, at(ahead)).await;
        store.move_times(wrong_clock::was_set(SignedDuration::from_secs(10 - ahead), at(40))).await.unwrap();
        assert_eq!(waits(&store, at(40)).await, [270, 90, 3_570, 30, 30], "{ahead}");
    }
}

async fn a_clock_that_is_right_changes_nothing(driver: TestDriver) {
    let state = driver.fresh();
    let store = state.open().await;
    written(&store, at(0)).await;
    start(&store, at(30)).await;
    assert_eq!(waits(&store, at(30)).await, [270, 90, 3_570, 30, 30]);
}

async fn what_was_written_in_1970_is_not_given_up_for_its_age(driver: TestDriver) {
    let state = driver.fresh();
    let store = state.open().await;
    store.commit("main", beginning(&alert("c", at(0)))).await.unwrap();
    let owed = store.open_of("support").await.unwrap().owed;
    let first_boot = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(30);
    let message = message("m", "support", first_boot);
    store.record(DeliveryStep::Composed { message, ids: vec![owed[0].id] }).await.unwrap();
    start(&store, at(0)).await;
    let open = store.open_of("support").await.unwrap();
    assert_eq!((open.messages[0].0.created_at, open.owed[0].tried_since), (at(0), Some(at(0))));
}

contract! { what_a_clock_that_was_ahead_put_off_is_not_put_off_for_longer, a_clock_that_is_right_changes_nothing, what_was_written_in_1970_is_not_given_up_for_its_age }
