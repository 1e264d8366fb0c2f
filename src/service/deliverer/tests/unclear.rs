//! A receiver whose answers do not say whether it accepted a message.

use jiff::SignedDuration;

use super::bench::{Bench, Says};
use crate::model::{Event, Happened, history::HistoryQuery};
use crate::receivers::slack::kind::SlackKind;

const UNCLEAR: [Says; 6] = [
    Says::Text(200, "<html>hunter2</html>"),
    Says::Text(200, ""),
    Says::Text(200, "hunter2"),
    Says::Text(200, "{}"),
    Says::Text(201, "<!DOCTYPE html>"),
    Says::Text(200, r#"{"ok":true,"error":"hunter2"}"#),
];

/// Does rounds every few seconds for ten minutes, and every hour for a day; returns the number of posts.
async fn a_day(bench: &Bench) -> usize {
    for _ in 0..150 {
        bench.round().await;
        bench.advance(4);
    }
    for _ in 0..24 {
        bench.round().await;
        bench.advance(3_600);
    }
    bench.got().len()
}

#[tokio::test]
async fn what_it_may_have_got_is_repeated_once_and_then_told() {
    for says in UNCLEAR {
        let mut bench = Bench::new().await;
        bench.speak(&SlackKind);
        bench.settings.persons = vec!["slack".to_owned()];
        bench.settings.fallback = Some("leads".to_owned());
        bench.script(&vec![says; 200]);
        bench.fire("a").await;
        assert_eq!(a_day(&bench).await, 2, "{says:?}");
        assert_eq!(bench.states().await, ["dead", "owed"], "the fallback is told: {says:?}");
        let backlog = bench.store.backlogs().await.unwrap()["support"].clone();
        let (_, why) = backlog.given_up.unwrap();
        assert!(why.starts_with("sent twice, and it is not known whether it arrived: HTTP 20"), "{why}");
        assert!(why.contains("is there a proxy in between?") && !why.contains("hunter2"), "{why}");
        let history = bench.store.history(HistoryQuery::default()).await.unwrap();
        let happened: Vec<_> = history.iter().map(|entry| entry.happened).collect();
        assert!(happened.contains(&Happened::Ambiguous) && happened.contains(&Happened::Dead), "{happened:?}");
        // The receiver counts as notified, so there is an end, which is also tried twice.
        bench.resolve("a").await;
        assert_eq!(bench.owed(Event::Resolved).await, 1);
        assert_eq!(a_day(&bench).await, 4, "{says:?}");
    }
}

#[tokio::test]
async fn after_an_unclear_answer_a_yes_is_the_end_of_it() {
    let mut bench = Bench::new().await;
    bench.speak(&SlackKind);
    bench.script(&[UNCLEAR[0], Says::Text(200, r#"{"success":true}"#)]);
    bench.fire("a").await;
    assert_eq!((a_day(&bench).await, bench.states().await), (2, vec!["delivered".to_owned()]));
    assert_eq!(bench.store.backlogs().await.unwrap()["support"].given_up, None);
}

#[tokio::test]
async fn a_receiver_that_stays_unclear_gets_every_message_twice_at_most() {
    let mut bench = Bench::new().await;
    bench.speak(&SlackKind);
    bench.script(&vec![UNCLEAR[0]; 200]);
    for contact in 0..5 {
        bench.fire(&format!("c{contact}")).await;
        for _ in 0..90 {
            bench.round().await;
            bench.advance(4);
        }
    }
    assert_eq!(bench.got().len(), 10);
    assert_eq!(bench.states().await, ["dead"; 5]);
    assert!(bench.clock_is_past(SignedDuration::from_mins(29)));
}

#[tokio::test]
async fn a_webhook_that_says_no_with_a_status_of_success_has_not_accepted_it() {
    for (says, state) in [
        (Says::Text(200, r#"{"ok":false,"error":"hunter2"}"#), "dead"),
        (Says::Text(200, "<html>please log in</html>"), "dead"),
        (Says::Text(200, r#"{"success":false,"error":"temporarily unavailable"}"#), "owed"),
        (Says::Text(200, r#"{"error":"invalid token"}"#), "owed"),
        (Says::Text(200, r#"{"id":"4"}"#), "delivered"),
        (Says::Text(202, ""), "delivered"),
    ] {
        let bench = Bench::new().await;
        bench.script(&[says; 100]);
        bench.fire("a").await;
        for _ in 0..15 {
            bench.round().await;
            bench.advance(4);
        }
        let most = if state == "owed" { 8 } else { 2 };
        let got = bench.got();
        assert!(got.len() <= most, "{says:?}: {}", got.len());
        assert!(got.iter().all(|one| one.id == got[0].id), "by its id it is known again");
        assert_eq!(bench.states().await, [state], "{says:?}");
    }
}
