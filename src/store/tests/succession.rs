//! Receivers that are removed, added and renamed.

use super::fixtures::{TestDriver, alert, at, beginning, contract, message, notification};
use jiff::Timestamp;

use crate::{
    engine::successor::changes,
    model::{Address, Changes, DeliveryStep, Event, Left, MessageId, Passed, ReceiverChange, ReceiverState},
    store::Store,
};

/// Passes everything that was left on to these receivers.
fn passed(left: &[Left], to: &[&str]) -> Vec<Passed> {
    let to: Vec<String> = to.iter().map(ToString::to_string).collect();
    let one = |left: &Left| Passed { id: left.id, to: to.clone(), step: 0, template: "alert".to_owned() };
    left.iter().map(one).collect()
}

/// Records the present receivers; returns the old and the new names.
async fn know(store: &Store, receivers: Vec<(String, Address)>, now: Timestamp) -> Vec<(String, String)> {
    let changes = changes(&store.known_receivers().await.unwrap(), &receivers);
    store.know_receivers(receivers, changes.clone(), now).await.unwrap();
    let renamed = changes.into_iter().filter_map(|change| match change {
        ReceiverChange::Renamed { from, to } => Some((from, to)),
        ReceiverChange::Moved(_) => None,
    });
    renamed.collect()
}

/// Receiver, state and event of every notification.
async fn states(store: &Store) -> Vec<String> {
    let all = store.notifications().await.unwrap();
    all.iter().map(|(one, state)| format!("{} {} {state}", one.receiver, one.event.name())).collect()
}

async fn compose(store: &Store, id: &str, receiver: &str) -> MessageId {
    let ids = store.open_of(receiver).await.unwrap().owed.iter().map(|owed| owed.id).collect();
    store.record(DeliveryStep::Composed { message: message(id, receiver, at(1)), ids }).await.unwrap();
    MessageId(id.to_owned())
}

fn dead(message: MessageId) -> DeliveryStep {
    let (settled, reached) = (Vec::new(), Vec::new());
    DeliveryStep::Dead { message, at: at(2), reason: "HTTP 404".to_owned(), ambiguous: false, settled, reached }
}

async fn what_is_owed_and_what_was_given_up_goes_to_those_who_do_not_know(driver: TestDriver) {
    let state = driver.fresh();
    let store = state.open().await;
    store.commit("main", beginning(&alert("c", at(0)))).await.unwrap();
    let message = compose(&store, "m", "support").await;
    store.record(dead(message)).await.unwrap();
    assert_eq!(store.gone(vec!["leads".to_owned()]).await.unwrap(), ["support"]);
    let left = store.left_by("support").await.unwrap();
    assert_eq!(store.pass_on(passed(&left, &["leads"]), at(3)).await.unwrap(), 1);
    assert_eq!(states(&store).await, ["support fired superseded", "leads fired owed"]);
    assert!(store.kept().await.unwrap().is_empty(), "it is not in the outbox any more");
    // A receiver that was to be notified of it is not notified again, whatever happened then.
    let message = compose(&store, "n", "leads").await;
    store.record(dead(message)).await.unwrap();
    let mut changes = Changes::default();
    let alert = store.snapshot("main").await.unwrap().alerts[0].clone();
    changes.owed.push(notification(&alert, "support", Event::Repeated, at(4)));
    store.commit("main", changes).await.unwrap();
    let left = store.left_by("support").await.unwrap();
    assert_eq!(left[0].heard, [("leads".to_owned(), true), ("support".to_owned(), false)].into());
    assert_eq!(store.pass_on(passed(&left, &["leads", "night"]), at(5)).await.unwrap(), 1);
    assert_eq!(states(&store).await[3], "night fired owed");
    assert_eq!(store.pass_on(passed(&left, &["night"]), at(6)).await.unwrap(), 0, "once");
}

async fn a_receiver_with_the_same_address_goes_on_under_its_new_name(driver: TestDriver) {
    let address = |parts: &[&str]| parts.iter().map(ToString::to_string).collect::<Vec<_>>();
    for (old, new, same) in [
        (&["slack:1"][..], &["slack:1"][..], true),
        (&["mail:a", "mail:b", "via:x"], &["mail:b", "mail:c", "via:y"], true),
        (&["mail:a", "via:x"], &["mail:c", "via:x"], false),
        (&["slack:1"], &["slack:2"], false),
        (&["slack:1"], &["webhook:1"], false),
        // Its address was never recorded.
        (&[], &["slack:1"], false),
    ] {
        let state = driver.fresh();
        let store = state.open().await;
        let known = |name: &str, of: &[&str]| vec![(name.to_owned(), address(of))];
        know(&store, known("support", old), at(0)).await;
        store.commit("main", beginning(&alert("c", at(0)))).await.unwrap();
        let message = compose(&store, "m", "support").await;
        let reached = vec!["a".to_owned()];
        let (settled, reason) = (reached.clone(), "450".to_owned());
        let again = DeliveryStep::Again {
            message,
            now: at(1),
            at: at(9),
            plain: false,
            ambiguous: false,
            settled,
            reached,
            reason,
        };
        store.record(again).await.unwrap();
        let failing =
            ReceiverState { failing_since: Some(at(1)), last_error: "450".to_owned(), ..ReceiverState::default() };
        store.receives("support", failing.clone()).await.unwrap();
        let renamed = know(&store, known("helpdesk", new), at(2)).await;
        let right: Vec<_> = same.then(|| ("support".to_owned(), "helpdesk".to_owned())).into_iter().collect();
        assert_eq!(renamed, right, "{old:?} {new:?}");
        let (here, there) = (store.open_of("support").await.unwrap(), store.open_of("helpdesk").await.unwrap());
        let (now, empty) = if same { (there, here) } else { (here, there) };
        assert_eq!((now.messages.len(), empty.owed.len()), (1, 0), "{old:?} {new:?}");
        assert_eq!((now.messages[0].1.clone(), now.reception), (vec!["a".to_owned()], failing), "{old:?} {new:?}");
        assert!(now.owed[0].told && now.owed[0].told_of_beginning, "{old:?} {new:?}");
        assert!(know(&store, known("helpdesk", new), at(3)).await.is_empty(), "once");
    }
}

async fn whom_both_names_were_to_tell_is_told_once(driver: TestDriver) {
    let state = driver.fresh();
    let store = state.open().await;
    let at_one = |name: &str| (name.to_owned(), vec!["slack:1".to_owned()]);
    know(&store, vec![at_one("support"), at_one("helpdesk")], at(0)).await;
    let firing = alert("c", at(0));
    let mut changes = beginning(&firing);
    changes.owed.push(notification(&firing, "helpdesk", Event::Fired, at(0)));
    store.commit("main", changes).await.unwrap();
    know(&store, vec![at_one("helpdesk")], at(1)).await;
    assert_eq!(states(&store).await, ["helpdesk fired superseded", "helpdesk fired owed"]);
}

async fn a_list_that_shares_a_person_and_was_there_before_is_another_receiver(driver: TestDriver) {
    let state = driver.fresh();
    let store = state.open().await;
    let list = |name: &str, to: &[&str]| (name.to_owned(), to.iter().map(ToString::to_string).collect::<Vec<_>>());
    let (support, leads) = (list("support", &["mail:a", "mail:b"]), list("leads", &["mail:a", "mail:c"]));
    know(&store, vec![support, leads.clone()], at(0)).await;
    assert_eq!(know(&store, vec![leads], at(1)).await, []);
}

async fn another_address_under_the_same_name_begins_anew(driver: TestDriver) {
    let state = driver.fresh();
    let store = state.open().await;
    let known = |address: &str| vec![("support".to_owned(), vec![address.to_owned()])];
    know(&store, known("slack:1"), at(0)).await;
    store.commit("main", beginning(&alert("c", at(0)))).await.unwrap();
    compose(&store, "m", "support").await;
    let broken = ReceiverState { broken_at: Some(at(1)), not_before: Some(at(900)), ..ReceiverState::default() };
    store.receives("support", broken.clone()).await.unwrap();
    know(&store, known("slack:1"), at(2)).await;
    assert_eq!(store.open_of("support").await.unwrap().reception, broken, "the same address");
    know(&store, known("slack:2"), at(3)).await;
    assert_eq!(store.open_of("support").await.unwrap().reception, ReceiverState::default());
}

contract! { what_is_owed_and_what_was_given_up_goes_to_those_who_do_not_know, a_receiver_with_the_same_address_goes_on_under_its_new_name, whom_both_names_were_to_tell_is_told_once, a_list_that_shares_a_person_and_was_there_before_is_another_receiver, another_address_under_the_same_name_begins_anew }
