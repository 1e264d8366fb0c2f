//! Rounds of delivery to a receiver that answers by a script.

mod bench;
mod broken;
mod flight;
mod held;
mod persons;
mod unclear;

use std::time::Duration;

use bench::{Bench, Says};
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use crate::receivers::slack::kind::SlackKind;
use crate::{
    clock::Clock,
    engine::group::GroupBy,
    model::Event,
    service::{
        deliverer::{Delivered, Deliverer, Limits},
        pace::SendPace,
    },
};

const DAY: i64 = 24 * 3_600;

/// A message as the receiver saw it: event, contacts, and how many more.
fn message(event: &str, contacts: &[&str], more: usize) -> (String, Vec<String>, usize) {
    (event.to_owned(), contacts.iter().map(|contact| (*contact).to_owned()).collect(), more)
}

#[tokio::test]
async fn grouping_by_table() {
    let fired = |contacts: &[&str]| message("fired", contacts, 0);
    for (group, expected) in [
        (GroupBy::Rule, vec![fired(&["a", "b", "d"]), fired(&["c"])]),
        (GroupBy::Contact, vec![fired(&["a"]), fired(&["b"]), fired(&["c"]), fired(&["d"])]),
        (GroupBy::Receiver, vec![fired(&["a", "b", "c", "d"])]),
    ] {
        let mut bench = Bench::new().await;
        bench.settings.group = group;
        for (rule, contact) in [("r", "a"), ("r", "b"), ("s", "c"), ("r", "d")] {
            bench.fire_for(rule, contact, &["support"]).await;
            bench.advance(1);
        }
        let round = bench.round().await;
        assert_eq!((round.sent, bench.messages()), (expected.len(), expected), "{group:?}");
        assert_eq!(bench.round().await, Delivered::default(), "once");
    }
}

#[tokio::test]
async fn a_digest_lists_the_longest_waiting_and_counts_the_others() {
    let mut bench = Bench::new().await;
    bench.layout.max_listed = 2;
    for contact in ["a", "b", "c", "d"] {
        bench.fire(contact).await;
        bench.advance(1);
    }
    bench.round().await;
    assert_eq!(bench.messages(), [message("fired", &["a", "b"], 2)]);
    // A backlog of thousands is one message as well.
    assert_eq!(bench.states().await, ["delivered"; 4]);
}

#[tokio::test]
async fn beginnings_and_ends_are_different_messages() {
    let bench = Bench::new().await;
    bench.fire("a").await;
    bench.round().await;
    bench.resolve("a").await;
    bench.fire("b").await;
    bench.round().await;
    assert_eq!(
        bench.messages(),
        [message("fired", &["a"], 0), message("resolved", &["a"], 0), message("fired", &["b"], 0)]
    );
}

#[tokio::test]
async fn the_id_is_stored_before_the_first_attempt_and_stays() {
    let bench = Bench::new().await;
    bench.script(&[Says::Status(503), Says::HangsUp, Says::Status(429), Says::Status(200)]);
    bench.fire("a").await;
    for _ in 0..4 {
        bench.round().await;
        bench.advance(60);
    }
    let got = bench.got();
    assert_eq!(got.iter().map(|got| got.attempts_stored).collect::<Vec<_>>(), [Some(1), Some(2), Some(3), Some(4)]);
    assert!(got.iter().all(|one| one.id == got[0].id && one.id.starts_with("pw_")), "{got:?}");
    assert_eq!(bench.states().await, ["delivered"]);
}

#[tokio::test]
async fn a_retry_waits_its_time() {
    let bench = Bench::new().await;
    bench.script(&[Says::Status(503), Says::RetryAfter(30), Says::Status(200)]);
    bench.fire("a").await;
    let round = bench.round().await;
    let wait = round.next_at.unwrap().duration_since(bench.now());
    assert!(wait >= SignedDuration::from_millis(800) && wait <= SignedDuration::from_millis(1_200), "{wait}");
    assert_eq!((round.sent, round.failed), (0, 1));
    let idle = bench.round().await;
    assert_eq!((idle.sent, idle.failed, idle.next_at), (0, 0, idle.next_at), "not before its time");
    assert!(idle.next_at.is_some());
    bench.advance(2);
    let round = bench.round().await;
    assert_eq!(round.next_at, Some(bench.now() + SignedDuration::from_secs(30)));
    bench.advance(29);
    assert_eq!(bench.round().await.sent, 0);
    bench.advance(1);
    assert_eq!(bench.round().await, Delivered { sent: 1, ..Delivered::default() });
}

#[tokio::test]
async fn what_is_over_before_it_was_told_is_not_told() {
    // The outcomes of the first attempts, and what the receiver is sent after the end.
    for (script, heard, states) in [
        (vec![], vec![], vec!["superseded", "superseded"]),
        (vec![Says::Status(503)], vec![], vec!["superseded", "superseded"]),
        (vec![Says::Status(503), Says::Status(500)], vec![], vec!["superseded", "superseded"]),
        // The answer got lost: the receiver counts as notified.
        (vec![Says::HangsUp], vec!["resolved"], vec!["superseded", "delivered"]),
        (vec![Says::Status(504)], vec!["resolved"], vec!["superseded", "delivered"]),
        (vec![Says::HangsUp, Says::Status(503)], vec!["resolved"], vec!["superseded", "delivered"]),
        (vec![Says::Status(200)], vec!["resolved"], vec!["delivered", "delivered"]),
        (vec![Says::Status(404)], vec![], vec!["superseded", "superseded"]),
    ] {
        let bench = Bench::new().await;
        bench.fire("a").await;
        for says in &script {
            bench.script(&[*says]);
            bench.round().await;
            bench.advance(60);
        }
        let attempts = bench.got().len();
        assert_eq!(attempts, script.len());
        bench.resolve("a").await;
        let round = bench.round().await;
        let events: Vec<String> = bench.messages().split_off(attempts).into_iter().map(|(event, ..)| event).collect();
        assert_eq!(events, heard, "{script:?}");
        // The end of an episode that was never sent is withdrawn with its beginning.
        assert_eq!(bench.states().await, states, "{script:?}");
        assert_eq!(round.next_at, None);
        assert!(bench.store.waiting().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_digest_loses_those_who_were_answered_meanwhile() {
    let bench = Bench::new().await;
    bench.script(&[Says::Status(503)]);
    bench.fire("a").await;
    bench.fire("b").await;
    bench.round().await;
    bench.resolve("a").await;
    bench.advance(5);
    bench.round().await;
    assert_eq!(bench.messages(), [message("fired", &["a", "b"], 0), message("fired", &["b"], 0)]);
    assert_eq!(bench.got()[0].id, bench.got()[1].id);
}

#[tokio::test]
async fn a_refused_payload_goes_out_as_plain_text_once() {
    for (second, states) in [(Says::Status(200), ["delivered"]), (Says::Status(400), ["dead"])] {
        let mut bench = Bench::new().await;
        bench.speak(&SlackKind);
        bench.script(&[Says::Status(400), second]);
        bench.fire("a").await;
        assert_eq!(bench.round().await.next_at, Some(bench.now()), "at once");
        assert_eq!(bench.states().await, ["owed"]);
        bench.round().await;
        assert_eq!(bench.states().await, states);
        bench.advance(600);
        assert_eq!(bench.round().await, Delivered::default());
        let got = bench.got();
        assert_eq!(got.iter().map(|got| got.body.contains("\"blocks\"")).collect::<Vec<_>>(), [true, false]);
    }
}

#[tokio::test]
async fn a_message_is_given_up_after_a_day() {
    let bench = Bench::new().await;
    bench.script(&[Says::Status(503); 3]);
    bench.fire("a").await;
    bench.round().await;
    bench.advance(DAY - 1);
    assert_eq!(bench.round().await.failed, 1);
    bench.advance(600);
    assert_eq!(bench.round().await, Delivered { dead: 1, ..Delivered::default() });
    assert_eq!(bench.states().await, ["dead"]);
}

#[tokio::test]
async fn after_a_crash_an_attempt_under_way_counts_as_told() {
    for still_firing in [true, false] {
        let bench = Bench::new().await;
        bench.fire("a").await;
        let id = bench.crash_in_an_attempt().await;
        if !still_firing {
            bench.resolve("a").await;
        }
        bench.round().await;
        let event = if still_firing { "fired" } else { "resolved" };
        assert_eq!(bench.messages(), [message(event, &["a"], 0)]);
        assert_eq!(bench.got()[0].id == id, still_firing, "the same message comes again with its id");
    }
}

#[tokio::test]
async fn without_a_crash_nothing_is_recovered() {
    let bench = Bench::new().await;
    bench.script(&[Says::Status(503)]);
    bench.fire("a").await;
    bench.round().await;
    bench.store.recover(bench.now()).await.unwrap();
    bench.resolve("a").await;
    bench.round().await;
    assert_eq!(bench.messages().len(), 1, "it was never told");
}

#[tokio::test]
async fn receivers_do_not_delay_each_other() {
    let bench = Bench::new().await;
    let other = Bench::beside(&bench, "leads").await;
    bench.fire_for("r", "a", &["support", "leads"]).await;
    bench.script(&[Says::Status(503), Says::Status(404)]);
    bench.round().await;
    assert_eq!(other.round().await.sent, 1);
    bench.advance(60);
    bench.round().await;
    assert_eq!(bench.states().await, ["owed", "delivered"]);
    bench.resolve("a").await;
    bench.round().await;
    other.round().await;
    assert_eq!(other.messages(), [message("fired", &["a"], 0), message("resolved", &["a"], 0)]);
    assert_eq!(bench.got().len(), 2);
}

#[tokio::test]
async fn the_next_episode_does_not_overtake_the_end_of_the_last_one() {
    let bench = Bench::new().await;
    bench.script(&[Says::Status(200), Says::Status(503), Says::Status(503)]);
    bench.fire("a").await;
    bench.round().await;
    bench.resolve("a").await;
    bench.round().await;
    bench.advance(10);
    bench.fire("a").await;
    bench.fire_for("s", "other", &["support"]).await;
    // The end fails again. The beginning behind it waits; another customer's message does not.
    let round = bench.round().await;
    assert_eq!((round.sent, round.failed), (1, 1));
    bench.round().await;
    bench.advance(10);
    bench.round().await;
    let heard: Vec<_> =
        bench.messages().into_iter().map(|(event, contacts, _)| format!("{event} {}", contacts[0])).collect();
    assert_eq!(heard, ["fired a", "resolved a", "resolved a", "fired other", "resolved a", "fired a"]);
}

#[tokio::test]
async fn it_stops_between_two_messages() {
    let bench = Bench::new().await;
    let mut deliverer = bench.deliverer();
    deliverer.settings.group = GroupBy::Contact;
    for contact in ["a", "b", "c"] {
        bench.fire(contact).await;
    }
    let now = bench.now();
    let limits = Limits { deadline: Some(bench.clock.steady()), ..Limits::default() };
    let round = deliverer.run_once(&limits).await.unwrap();
    assert_eq!((round.sent, round.next_at), (0, Some(now)));
    let stop = CancellationToken::new();
    let asked = || {
        if !bench.got().is_empty() {
            stop.cancel();
        }
    };
    let limits = Limits { stop: stop.clone(), asked: &asked, ..Limits::default() };
    let round = deliverer.run_once(&limits).await.unwrap();
    assert_eq!((round.sent, round.next_at), (1, Some(now)));
    assert_eq!(deliverer.run_once(&Limits::default()).await.unwrap().sent, 2);
}

#[tokio::test]
async fn the_pace_holds_over_rounds() {
    let mut bench = Bench::new().await;
    bench.settings.group = GroupBy::Contact;
    let deliverer =
        Deliverer { pace: std::sync::Arc::new(SendPace::of(Duration::from_mins(1), 2)), ..bench.deliverer() };
    let began = bench.now();
    // The clock of the bench advances where the code sleeps.
    for (contact, at) in [("a", 0), ("b", 0), ("c", 60), ("d", 120)] {
        bench.fire(contact).await;
        assert_eq!(deliverer.run_once(&Limits::default()).await.unwrap().sent, 1);
        assert_eq!(bench.now().duration_since(began).as_secs(), at, "{contact}");
    }
}

#[tokio::test]
async fn what_waits_for_its_turn_until_the_deadline_is_not_begun() {
    let mut bench = Bench::new().await;
    bench.settings.group = GroupBy::Contact;
    let deliverer =
        Deliverer { pace: std::sync::Arc::new(SendPace::of(Duration::from_mins(1), 1)), ..bench.deliverer() };
    for contact in ["a", "b"] {
        bench.fire(contact).await;
    }
    let limits = Limits { deadline: Some(bench.clock.steady() + Duration::from_secs(30)), ..Limits::default() };
    assert_eq!(deliverer.run_once(&limits).await.unwrap().sent, 1);
    assert_eq!(bench.states().await, ["delivered", "owed"]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_moves_no_deadline() {
    let bench = Bench::new().await;
    bench.fire("a").await;
    let limits = Limits { deadline: Some(bench.clock.steady() + Duration::from_secs(10)), ..Limits::default() };
    bench.advance(10);
    bench.clock.set(SignedDuration::from_hours(-1));
    assert_eq!(bench.deliverer().run_once(&limits).await.unwrap().sent, 0);
    assert_eq!(bench.got().len(), 0);
}

#[tokio::test]
async fn runs_that_end_before_the_answer_add_up_to_a_broken_receiver() {
    let mut bench = Bench::new().await;
    bench.settings.fallback = Some("leads".to_owned());
    bench.script(&[Says::Slowly(Duration::from_mins(1)); 2]);
    bench.fire("a").await;
    for (is_broken, handed_over) in [(false, 0), (true, 1)] {
        let limits = Limits { deadline: Some(bench.clock.steady() + Duration::from_millis(1)), ..Limits::default() };
        let round = bench.deliverer().run_once(&limits).await.unwrap();
        assert_eq!((round.failed, round.handed_over), (1, handed_over));
        let reception = bench.store.open_of("support").await.unwrap().reception;
        assert!(reception.failing_since.is_some(), "{reception:?}");
        assert_eq!((reception.is_broken(), reception.last_error.as_str()), (is_broken, "no answer in time"));
        bench.advance(300);
    }
    let [first, second] = bench.got().try_into().unwrap();
    assert_eq!(first.id, second.id);
}

#[tokio::test]
async fn a_preview_sends_nothing() {
    let bench = Bench::new().await;
    bench.fire("a").await;
    assert_eq!(bench.deliverer().preview().await.unwrap().len(), 1);
    assert_eq!((bench.got().len(), bench.states().await), (0, vec!["owed".to_owned()]));
    assert_eq!(bench.owed(Event::Fired).await, 1);
}
