//! Notifications that wait for a silence, are withdrawn meanwhile, or are handed over to a fallback.

use jiff::SignedDuration;

use super::{
    bench::{Bench, Says},
    message,
};
use crate::{
    model::{Ack, Happened, Matchers, Silence, history::HistoryQuery},
    service::deliverer::Delivered,
};

/// Silences one contact from now on.
async fn silence(bench: &Bench, contact: &str, seconds: i64) -> i64 {
    let silence = Silence {
        id: 0,
        matchers: Matchers { contact: Some(contact.to_owned()), ..Matchers::default() },
        created_at: bench.now(),
        ends_at: bench.now() + SignedDuration::from_secs(seconds),
        comment: String::new(),
        created_by: String::new(),
    };
    bench.store.silence(silence).await.unwrap()
}

#[tokio::test]
async fn what_is_silenced_leaves_its_message_and_is_sent_when_the_silence_ends() {
    let bench = Bench::new().await;
    bench.script(&[Says::Status(503)]);
    for contact in ["a", "b", "c"] {
        bench.fire(contact).await;
    }
    bench.round().await;
    silence(&bench, "b", 60).await;
    bench.advance(2);
    assert_eq!(bench.round().await.held, 1);
    assert_eq!(bench.messages()[1..], [message("fired", &["a", "c"], 0)]);
    assert_eq!(bench.states().await, ["delivered", "owed", "delivered"]);
    bench.advance(30);
    assert_eq!(bench.round().await, Delivered { held: 1, ..Delivered::default() });
    bench.advance(30);
    bench.round().await;
    assert_eq!(bench.messages()[2..], [message("fired", &["b"], 0)]);
    assert_eq!(bench.states().await, ["delivered"; 3]);
}

#[tokio::test]
async fn what_is_over_or_taken_before_the_silence_ends_is_never_told() {
    for end in ["resolved", "acknowledged"] {
        let bench = Bench::new().await;
        bench.fire("a").await;
        silence(&bench, "a", 60).await;
        bench.round().await;
        if end == "resolved" {
            bench.resolve("a").await;
        } else {
            let alert = bench.store.snapshot("main").await.unwrap().alerts[0].id.clone();
            let ack = Ack { at: bench.now(), by: "asha".to_owned(), comment: String::new() };
            bench.store.acknowledge(alert, ack).await.unwrap();
        }
        bench.advance(61);
        bench.round().await;
        assert_eq!((bench.messages(), bench.states().await.contains(&"owed".to_owned())), (vec![], false), "{end}");
        let history = bench.store.history(HistoryQuery::default()).await.unwrap();
        let withdrawn: Vec<_> = history.iter().filter(|entry| entry.happened == Happened::Superseded).collect();
        let why = if end == "resolved" { "step 1 fired: ended" } else { "step 1 fired: acknowledged" };
        assert_eq!((withdrawn[0].detail.as_str(), withdrawn[0].who.as_str()), (why, "support"));
    }
}

#[tokio::test]
async fn an_end_is_held_back_by_a_silence_and_told_after_it() {
    let bench = Bench::new().await;
    bench.fire("a").await;
    bench.round().await;
    silence(&bench, "a", 60).await;
    bench.resolve("a").await;
    assert_eq!(bench.round().await.held, 1);
    bench.advance(60);
    bench.round().await;
    assert_eq!(bench.messages()[1..], [message("resolved", &["a"], 0)]);
}

#[tokio::test]
async fn history_says_who_was_told_and_what_was_given_up() {
    let mut bench = Bench::new().await;
    bench.settings.give_up_after = SignedDuration::from_secs(1);
    bench.fire("a").await;
    bench.round().await;
    bench.script(&[Says::Status(503), Says::Status(503)]);
    bench.fire("b").await;
    bench.round().await;
    bench.advance(5);
    bench.round().await;
    let history = bench.store.history(HistoryQuery::default()).await.unwrap();
    let lines: Vec<_> =
        history.iter().map(|entry| (entry.happened, entry.contact.as_str(), entry.who.as_str())).collect();
    assert_eq!(lines, [(Happened::Sent, "a", "support"), (Happened::Dead, "b", "support")]);
    assert!(history[1].detail.starts_with("step 1 fired: "), "{}", history[1].detail);
}

#[tokio::test]
async fn a_fallback_is_told_by_a_receiver_that_is_broken_and_once() {
    let mut bench = Bench::new().await;
    bench.settings.fallback = Some("leads".to_owned());
    bench.script(&[Says::Status(503); 20]);
    bench.fire("a").await;
    let owed_to = async |receiver: &str| bench.store.open_of(receiver).await.unwrap().owed.len();
    for seconds in [0, 2, 4, 8, 16, 32, 64, 128] {
        bench.advance(seconds);
        assert_eq!(bench.round().await.handed_over, 0, "{seconds}");
    }
    assert_eq!(owed_to("leads").await, 0);
    bench.advance(160);
    assert_eq!(bench.round().await.handed_over, 1, "it has failed for five minutes");
    bench.advance(600);
    assert_eq!(bench.round().await.handed_over, 0, "once");
    assert_eq!((owed_to("leads").await, owed_to("support").await), (1, 1), "it is tried on all the same");
    let history = bench.store.history(HistoryQuery::default()).await.unwrap();
    let last = history.last().unwrap();
    assert_eq!(
        (last.happened, last.who.as_str(), last.detail.as_str()),
        (Happened::Owed, "leads", "in place of support")
    );
    // A new notification is handed over at once while the receiver is broken; ended ones are not owed any more.
    bench.fire("b").await;
    bench.fire("c").await;
    bench.resolve("c").await;
    assert_eq!(bench.round().await.handed_over, 1);
    bench.resolve("b").await;
    bench.advance(600);
    assert_eq!(bench.round().await.handed_over, 0);
}

#[tokio::test]
async fn a_receiver_that_refuses_for_good_hands_over_at_once_but_not_to_whom_knows() {
    let mut bench = Bench::new().await;
    bench.settings.fallback = Some("leads".to_owned());
    bench.script(&[Says::Status(410); 4]);
    bench.fire("a").await;
    bench.fire_for("s", "b", &["support", "leads"]).await;
    let round = bench.round().await;
    assert_eq!((round.failed, round.handed_over), (1, 1));
    assert_eq!(bench.store.open_of("leads").await.unwrap().owed.len(), 2);
}
