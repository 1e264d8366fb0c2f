//! A receiver that refuses everything: probes, what piles up meanwhile, and what it is sent afterwards.

use jiff::SignedDuration;

use super::{
    DAY,
    bench::{Bench, Says},
    message,
};
use crate::receivers::slack::kind::SlackKind;
use crate::{
    engine::{group::GroupBy, wrong_clock},
    model::{Happened, history::HistoryQuery},
};

#[tokio::test]
async fn a_receiver_that_refuses_for_good_is_tried_with_one_message_now_and_then() {
    for status in [401, 403, 404, 410, 302] {
        let bench = Bench::new().await;
        bench.script(&[Says::Status(status); 3]);
        for contact in ["a", "b", "c"] {
            bench.fire_for(contact, contact, &["support"]).await;
        }
        let round = bench.round().await;
        assert_eq!((round.sent, round.failed, round.dead), (0, 1, 0), "{status}");
        let pause = round.next_at.unwrap().duration_since(bench.now());
        assert!(pause >= SignedDuration::from_secs(96) && pause <= SignedDuration::from_secs(144), "{pause}");
        bench.advance(90);
        assert_eq!(bench.round().await.failed, 0, "not before its time");
        bench.advance(60);
        assert_eq!(bench.round().await.failed, 1);
        assert_eq!((bench.got().len(), bench.states().await), (2, vec!["owed".to_owned(); 3]), "nothing is given up");
    }
}

#[tokio::test]
async fn what_piled_up_is_one_message_that_says_how_late_it_is() {
    let mut bench = Bench::new().await;
    bench.speak(&SlackKind);
    bench.script(&[Says::Status(200), Says::Status(503)]);
    bench.fire("told").await;
    bench.round().await;
    bench.script(&vec![Says::Status(503); 3_000]);
    for minute in 0..14 {
        for second in [0, 30] {
            bench.fire_for(&format!("r{minute}"), &format!("c{minute}-{second}"), &["support"]).await;
            bench.round().await;
            bench.advance(30);
        }
    }
    bench.resolve("told").await;
    bench.resolve("c3-0").await;
    bench.script.lock().clear();
    let before = bench.got().len();
    bench.advance(150);
    let round = bench.round().await;
    assert_eq!(round.sent, 2, "who waits, and what is over");
    let mut texts: Vec<String> = bench.got()[before..].iter().map(|got| text(&got.body)).collect();
    // The message with fewer attempts is tried first.
    texts.sort_by_key(|text| text.contains("Customer told"));
    assert!(texts[0].contains("27 alerts delayed by 16 min: 27 customers are waiting, "), "{texts:?}");
    assert!(texts[1].contains("Customer told: answered by an agent after 14 min"), "{texts:?}");
    // From now on everything is as before.
    bench.fire("late").await;
    bench.round().await;
    let last = text(&bench.got().last().unwrap().body);
    assert!(!last.contains("delayed") && last.contains("Customer late is waiting"), "{last}");
    assert_eq!(bench.states().await.iter().filter(|state| *state == "owed").count(), 0);
}

fn text(body: &str) -> String {
    let payload: serde_json::Value = serde_json::from_str(body).unwrap();
    payload["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_message_that_comes_late_says_so() {
    for (seconds, late) in [(59, ""), (70, "; this message was delayed by 1 min")] {
        let mut bench = Bench::new().await;
        bench.speak(&SlackKind);
        bench.script(&[Says::Status(503)]);
        bench.fire("a").await;
        bench.round().await;
        bench.advance(seconds);
        bench.round().await;
        let last = text(&bench.got().last().unwrap().body);
        assert!(last.ends_with(&format!("on main{late}")) || late.is_empty() && !last.contains("delayed"), "{last}");
    }
}

#[tokio::test]
async fn what_it_may_have_got_keeps_its_id_and_is_not_put_together() {
    let bench = Bench::new().await;
    bench.script(&[Says::HangsUp, Says::Status(410)]);
    bench.fire("a").await;
    bench.round().await;
    bench.advance(5);
    bench.round().await;
    for contact in ["b", "c"] {
        bench.fire(contact).await;
        bench.round().await;
    }
    bench.advance(300);
    assert_eq!(bench.round().await.sent, 2);
    let fired = |contacts: &[&str]| message("fired", contacts, 0);
    assert_eq!(bench.messages()[2..], [fired(&["b", "c"]), fired(&["a"])]);
    let got = bench.got();
    assert!(got[0].id == got[1].id && got[1].id == got[3].id && got[2].id != got[3].id, "{got:?}");
    // The history distinguishes unknown outcomes from known ones.
    let history =
        bench.store.history(HistoryQuery { contact: Some("a".to_owned()), ..HistoryQuery::default() }).await.unwrap();
    let lines: Vec<_> = history.iter().map(|entry| (entry.happened, entry.detail.as_str())).collect();
    let broke_off = lines[0].1;
    assert!(broke_off.starts_with("step 1 fired: the connection broke off"), "{broke_off}");
    assert_eq!(lines.iter().map(|line| line.0).collect::<Vec<_>>(), [Happened::Ambiguous, Happened::Sent]);
}

#[tokio::test]
async fn a_probe_that_fails_again_keeps_its_message_while_nothing_changes() {
    let bench = Bench::new().await;
    bench.script(&[Says::Status(410); 4]);
    bench.fire("a").await;
    for _ in 0..3 {
        bench.round().await;
        bench.advance(150);
    }
    bench.fire_for("s", "b", &["support"]).await;
    bench.round().await;
    let ids: Vec<String> = bench.got().into_iter().map(|got| got.id).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3], "{ids:?}");
}

#[tokio::test]
async fn a_receiver_that_wants_each_alone_gets_each_alone() {
    let mut bench = Bench::new().await;
    bench.settings.group = GroupBy::Contact;
    bench.script(&[Says::Status(410)]);
    for contact in ["a", "b", "c"] {
        bench.fire(contact).await;
        bench.round().await;
    }
    bench.advance(150);
    assert_eq!(bench.round().await.sent, 3);
}

#[tokio::test]
async fn what_was_tried_for_a_day_is_given_up_and_what_is_younger_is_not() {
    let bench = Bench::new().await;
    bench.script(&[Says::Status(410); 500]);
    bench.fire("old").await;
    bench.round().await;
    bench.advance(DAY / 2);
    bench.fire("young").await;
    bench.round().await;
    assert_eq!(bench.states().await, ["owed", "owed"]);
    bench.advance(DAY / 2);
    assert_eq!(bench.round().await.dead, 1);
    assert_eq!(bench.states().await, ["dead", "owed"]);
    let kept = bench.store.kept().await.unwrap();
    let dead: Vec<_> = kept.iter().filter(|kept| kept.dead).map(|kept| kept.message.last_error.as_str()).collect();
    assert_eq!(dead, ["given up: HTTP 410"]);
    bench.advance(DAY / 2);
    assert_eq!(bench.round().await.dead, 1);
    assert_eq!(bench.states().await, ["dead", "dead"]);
}

#[tokio::test]
async fn what_it_may_have_got_is_given_up_as_well() {
    let bench = Bench::new().await;
    bench.script(&[Says::HangsUp, Says::Status(410)]);
    bench.fire("a").await;
    bench.round().await;
    bench.advance(5);
    bench.round().await;
    bench.advance(DAY);
    bench.script(&[Says::Status(410)]);
    assert_eq!((bench.round().await.dead, bench.states().await), (1, vec!["dead".to_owned()]));
    assert_eq!(bench.got().len(), 3, "it is tried once more");
}

#[tokio::test]
async fn it_is_known_over_restarts_and_a_replay_by_hand_tries_at_once() {
    let bench = Bench::new().await;
    bench.script(&[Says::Status(410)]);
    bench.fire("a").await;
    bench.round().await;
    bench.store.recover(bench.now()).await.unwrap();
    assert_eq!(bench.round().await.sent, 0);
    let kept = bench.store.kept().await.unwrap();
    bench.store.replay(kept[0].message.id.clone(), bench.now()).await.unwrap();
    assert_eq!(bench.round().await.sent, 1);
    assert!(!bench.store.open_of("support").await.unwrap().reception.is_broken());
}

#[tokio::test]
async fn a_pause_that_is_asked_for_is_of_the_receiver_not_of_one_message() {
    let bench = Bench::new().await;
    bench.script(&[Says::RetryAfter(30)]);
    for contact in ["a", "b", "c"] {
        bench.fire_for(contact, contact, &["support"]).await;
    }
    let round = bench.round().await;
    assert_eq!((bench.got().len(), round.next_at), (1, Some(bench.now() + SignedDuration::from_secs(30))));
    bench.fire("d").await;
    bench.advance(29);
    assert_eq!((bench.round().await.sent, bench.got().len()), (0, 1));
    bench.advance(1);
    assert_eq!(bench.round().await.sent, 4);
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_no_message_waiting() {
    for by in [SignedDuration::from_hours(-5), SignedDuration::from_hours(5)] {
        let bench = Bench::new().await;
        bench.script(&[Says::RetryAfter(30)]);
        bench.fire("a").await;
        bench.round().await;
        bench.clock.set(by);
        bench.store.move_times(wrong_clock::was_set(by, bench.now())).await.unwrap();
        assert_eq!(bench.round().await.sent, 0, "the pause is not over");
        bench.advance(30);
        assert_eq!(bench.round().await.sent, 1, "and is no longer than it was");
    }
    // A clock that was set while no process ran is recognized by a time that no pause explains.
    let bench = Bench::new().await;
    bench.script(&[Says::RetryAfter(30)]);
    bench.fire("a").await;
    bench.round().await;
    bench.clock.set(SignedDuration::from_hours(-5));
    bench.store.move_times(wrong_clock::at_start(None, bench.now())).await.unwrap();
    assert_eq!(bench.round().await.sent, 1);
}

#[tokio::test]
async fn who_was_off_for_a_day_tries_before_giving_up() {
    let bench = Bench::new().await;
    bench.script(&[Says::Status(410)]);
    bench.fire("a").await;
    bench.round().await;
    bench.advance(DAY + 3_600);
    let round = bench.round().await;
    assert_eq!((round.sent, round.dead, bench.states().await), (1, 0, vec!["delivered".to_owned()]));
}

#[tokio::test]
async fn an_end_that_piled_up_comes_before_the_next_beginning() {
    let bench = Bench::new().await;
    for contact in ["a", "c"] {
        bench.fire(contact).await;
    }
    bench.round().await;
    bench.script(&[Says::Status(410)]);
    bench.fire("b").await;
    bench.round().await;
    bench.resolve("a").await;
    bench.advance(1);
    bench.round().await;
    bench.fire("a").await;
    bench.advance(1);
    bench.round().await;
    bench.resolve("c").await;
    bench.advance(300);
    bench.round().await;
    let mut last = bench.messages().split_off(2);
    for (_, contacts, _) in &mut last {
        contacts.sort();
    }
    assert_eq!(last, [message("resolved", &["a", "c"], 0), message("fired", &["a", "b"], 0)]);
}

#[tokio::test]
async fn a_message_that_it_never_takes_is_not_every_probe() {
    let bench = Bench::new().await;
    // A notification that may have arrived keeps its message, which is refused again.
    bench.script(&[Says::HangsUp, Says::Status(410)]);
    bench.fire("a").await;
    bench.round().await;
    bench.advance(5);
    bench.round().await;
    bench.fire("b").await;
    bench.advance(300);
    bench.script(&[Says::Status(200), Says::Status(410)]);
    bench.round().await;
    assert_eq!(bench.messages()[2..], [message("fired", &["b"], 0), message("fired", &["a"], 0)]);
    assert_eq!(bench.states().await, ["owed", "delivered"]);
}

#[tokio::test]
async fn what_is_given_up_goes_over_to_the_fallback_in_one_step() {
    let mut bench = Bench::new().await;
    bench.settings.fallback = Some("leads".to_owned());
    bench.script(&[Says::Status(400), Says::Status(400)]);
    bench.fire("a").await;
    bench.round().await;
    let round = bench.round().await;
    assert_eq!((round.dead, round.handed_over), (1, 1));
    assert_eq!(bench.states().await, ["dead", "owed"]);
}

#[tokio::test]
async fn what_slack_may_have_got_is_no_flood_either() {
    let mut bench = Bench::new().await;
    bench.speak(&SlackKind);
    // Messages are known to arrive in spite of a 429.
    bench.script(&vec![Says::Status(429); 3_000]);
    for number in 0..12 {
        bench.fire_for(&format!("r{number}"), &format!("c{number}"), &["support"]).await;
    }
    for _ in 0..40 {
        bench.round().await;
        bench.advance(10);
    }
    bench.script.lock().clear();
    let before = bench.got().len();
    bench.advance(150);
    assert_eq!(bench.round().await.sent, 1);
    let last = text(&bench.got()[before].body);
    assert!(last.contains("12 alerts delayed by 9 min: 12 customers are waiting"), "{last}");
}

#[tokio::test]
async fn one_who_asks_for_an_hour_is_broken_after_five_minutes() {
    let mut bench = Bench::new().await;
    bench.settings.fallback = Some("leads".to_owned());
    bench.script(&[Says::RetryAfter(3_600)]);
    bench.fire("a").await;
    let round = bench.round().await;
    assert_eq!((round.handed_over, round.next_at), (0, Some(bench.now() + SignedDuration::from_mins(5))));
    bench.advance(299);
    assert_eq!(bench.round().await.handed_over, 0);
    bench.advance(1);
    assert_eq!(bench.round().await.handed_over, 1);
    assert!(bench.store.open_of("support").await.unwrap().reception.is_broken());
    // The receiver is not asked earlier than it allows.
    bench.advance(3_200);
    assert_eq!((bench.round().await.sent, bench.got().len()), (0, 1));
    bench.advance(100);
    assert_eq!(bench.round().await.sent, 1);
}

#[tokio::test]
async fn one_that_may_have_been_mended_is_tried_before_its_fallback_is_told() {
    let mut bench = Bench::new().await;
    bench.settings.fallback = Some("leads".to_owned());
    bench.script(&[Says::Status(410), Says::Status(410)]);
    bench.fire("a").await;
    assert_eq!(bench.round().await.handed_over, 1);
    // During the pause after a probe, a new notification does not wait for the next probe.
    bench.fire_for("s", "b", &["support"]).await;
    assert_eq!(bench.round().await.handed_over, 1);
    bench.advance(150);
    bench.fire_for("t", "c", &["support"]).await;
    assert_eq!(bench.round().await.handed_over, 1, "it was not mended");
    bench.advance(150);
    bench.fire_for("u", "d", &["support"]).await;
    let round = bench.round().await;
    assert_eq!((round.handed_over, round.sent > 0), (0, true));
}

#[tokio::test]
async fn a_clock_that_is_set_gives_nothing_up() {
    let bench = Bench::new().await;
    bench.script(&[Says::Status(503); 3]);
    bench.fire("a").await;
    bench.round().await;
    let by = SignedDuration::from_hours(25);
    bench.clock.set(by);
    bench.store.move_times(wrong_clock::was_set(by, bench.now())).await.unwrap();
    bench.advance(5);
    let round = bench.round().await;
    assert_eq!((round.failed, round.dead, bench.states().await), (1, 0, vec!["owed".to_owned()]));
}
