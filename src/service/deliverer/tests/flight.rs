//! Several messages under way to one receiver at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::bench::{Bench, Says};
use crate::{
    engine::group::GroupBy,
    service::deliverer::{Delivered, Limits},
};

#[tokio::test]
async fn a_webhook_gets_eight_at_once_and_no_more() {
    for most in [8, 1] {
        let mut bench = Bench::new().await;
        bench.settings.group = GroupBy::Contact;
        bench.settings.in_flight = most;
        for contact in 0..12 {
            bench.fire(&format!("c{contact}")).await;
        }
        bench.script(&vec![Says::Together(most); most]);
        assert_eq!(bench.round().await, Delivered { sent: 12, ..Delivered::default() });
        assert_eq!(bench.got().iter().map(|got| got.open).max(), Some(most));
    }
}

#[tokio::test]
async fn the_order_per_alert_is_kept_all_the_same() {
    let mut bench = Bench::new().await;
    bench.settings.in_flight = 8;
    bench.script(&[Says::Status(200)]);
    bench.fire("a").await;
    bench.round().await;
    bench.resolve("a").await;
    bench.fire("a").await;
    bench.fire_for("s", "b", &["support"]).await;
    // The end takes long. The next beginning waits for it; another customer's does not.
    bench.script(&[Says::Slowly(Duration::from_millis(80)), Says::Status(200), Says::Status(200)]);
    let round = bench.round().await;
    assert_eq!(round, Delivered { sent: 3, ..Delivered::default() });
    let heard: Vec<_> =
        bench.messages().into_iter().map(|(event, contacts, _)| format!("{event} {}", contacts[0])).collect();
    assert_eq!(heard, ["fired a", "resolved a", "fired b", "fired a"]);
    assert_eq!(bench.got().iter().map(|got| got.open).collect::<Vec<_>>(), [1, 1, 2, 1]);
}

#[tokio::test]
async fn when_the_receiver_turns_out_to_be_broken_nothing_more_is_begun() {
    let mut bench = Bench::new().await;
    bench.settings.group = GroupBy::Contact;
    bench.settings.in_flight = 8;
    bench.script(&[Says::Status(410); 20]);
    for contact in 0..20 {
        bench.fire(&format!("c{contact}")).await;
    }
    assert_eq!(bench.round().await.failed, 8, "those that were under way");
    assert_eq!(bench.round().await.failed, 0);
    bench.advance(150);
    assert_eq!(bench.round().await.failed, 1, "a probe is one message");
}

#[tokio::test]
async fn an_attempt_that_was_cut_off_may_have_arrived() {
    let bench = Bench::new().await;
    bench.script(&[Says::Slowly(Duration::from_secs(30))]);
    bench.fire("a").await;
    let deliverer = bench.deliverer();
    let limits = Limits::default();
    let round = tokio::time::timeout(Duration::from_millis(300), deliverer.run_once(&limits));
    assert!(round.await.is_err());
    bench.resolve("a").await;
    // A receiver that may have got the beginning gets the end.
    assert_eq!(bench.round().await.sent, 1);
    let events: Vec<String> = bench.messages().into_iter().map(|(event, ..)| event).collect();
    assert_eq!(events, ["fired", "resolved"]);
    assert_eq!(bench.states().await, ["superseded", "delivered"]);
}

#[tokio::test]
async fn a_yes_from_before_a_pause_does_not_end_it() {
    let mut bench = Bench::new().await;
    bench.settings.group = GroupBy::Contact;
    bench.settings.in_flight = 2;
    for contact in ["a", "b", "c"] {
        bench.fire(contact).await;
    }
    bench.script(&[Says::RetryAfter(30), Says::Slowly(Duration::from_millis(150))]);
    let round = bench.round().await;
    assert_eq!((round.sent, round.failed, bench.got().len()), (1, 1, 2), "the third one waits");
    bench.advance(30);
    assert_eq!(bench.round().await.sent, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_goes_on_while_the_next_one_is_prepared() {
    let mut bench = Bench::new().await;
    bench.settings.group = GroupBy::Contact;
    bench.settings.in_flight = 2;
    for contact in ["a", "b"] {
        bench.fire(contact).await;
    }
    let (got, prepared, arrived) = (Arc::clone(&bench.got), AtomicUsize::new(0), Arc::new(AtomicBool::new(false)));
    let seen = Arc::clone(&arrived);
    // The first attempt is not polled while the second one is prepared, however long it takes to arrive.
    let second_is_slow = move |point: &'static str| {
        if point == "delivery.attempting" && prepared.fetch_add(1, Ordering::SeqCst) == 1 {
            let until = Instant::now() + Duration::from_secs(5);
            while got.lock().is_empty() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(2));
            }
            seen.store(!got.lock().is_empty(), Ordering::SeqCst);
        }
    };
    let mut deliverer = bench.deliverer();
    Arc::get_mut(&mut deliverer.shared).unwrap().points = Some(Arc::new(second_is_slow));
    assert_eq!(deliverer.run_once(&Limits::default()).await.unwrap().sent, 2);
    assert!(arrived.load(Ordering::SeqCst));
}
