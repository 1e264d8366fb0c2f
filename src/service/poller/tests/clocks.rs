//! Two clocks that differ: requests and notifications go by the API's.

use std::{pin::Pin, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde_json::Value;

use super::{Bench, WAITING, noon, seconds, waiting};
use crate::{
    clock::{Clock, ManualClock},
    inbox::testing::{Inbox, http},
    model::{Clocks, time::iso},
};

/// Contacts that have waited for two minutes.
const TWO_MINUTES: &str = r#"
for = "2m"
[filter]
lastMessageBy = ["user"]
[[notify]]
to = ["support"]
"#;

/// This machine's clock, ahead of the API's.
struct Ours {
    theirs: Arc<ManualClock>,
    ahead: Mutex<SignedDuration>,
}

impl Ours {
    fn set(&self, ahead: SignedDuration) {
        *self.ahead.lock() = ahead;
    }
}

impl Clock for Ours {
    fn now(&self) -> Timestamp {
        self.theirs.now() + *self.ahead.lock()
    }

    fn steady(&self) -> Duration {
        self.theirs.steady()
    }

    fn sleep(&self, pause: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.theirs.sleep(pause)
    }
}

/// A bench whose clock is ahead by so much.
async fn ahead(rule: &str, ahead: SignedDuration, dated: bool) -> (Bench, Arc<Ours>) {
    let inbox = Inbox::dated(5, http(), dated).await;
    let ours = Arc::new(Ours { theirs: inbox.clock.clone(), ahead: Mutex::new(ahead) });
    (Bench::by(&[("waiting", rule)], 0, inbox, ours.clone()).await, ours)
}

/// A customer who wrote at this time of the API's clock.
fn wrote(index: usize, at: Timestamp) -> Value {
    let mut contact = waiting(index);
    for key in ["lastSeenAt", "updatedAt"] {
        contact[key] = iso(at).into();
    }
    contact["lastMessage"]["at"] = iso(at).into();
    contact
}

async fn clocks(bench: &Bench) -> Clocks {
    bench.poller.store.snapshot("main").await.unwrap().memory.clocks
}

/// Whether the last poll read everything.
fn was_full(bench: &Bench) -> bool {
    let everything = |body: &Value| body["lastSeenAt"]["startAt"] == "" && body["searchText"] == "";
    bench.inbox.sandbox.requests().iter().any(everything)
}

const DIFFERENCES: [SignedDuration; 7] = [
    SignedDuration::ZERO,
    SignedDuration::from_mins(3),
    SignedDuration::from_mins(-3),
    SignedDuration::from_hours(9),
    SignedDuration::from_hours(-9),
    SignedDuration::from_hours(24 * 366 * 12),
    SignedDuration::from_hours(24 * -366 * 56),
];

#[tokio::test]
async fn who_is_new_is_noticed_at_once_whatever_our_clock_says() {
    for dated in [true, false] {
        for by in DIFFERENCES {
            // Without a date from the API, records more than a day ahead of our clock count as mistakes.
            if !dated && by < seconds(-86_400) {
                continue;
            }
            let (mut bench, _) = ahead(WAITING, by, dated).await;
            bench.poller.requests_per_poll = 1;
            for index in 0..12 {
                bench
                    .inbox
                    .sandbox
                    .put(wrote(index, noon() - seconds(600 + 60 * i64::try_from(index).unwrap())))
                    .unwrap();
            }
            bench.good().await;
            for index in 20..24 {
                bench.inbox.sandbox.put(wrote(index, bench.now())).unwrap();
                let polled = bench.good().await;
                assert_eq!(polled.fired, 1, "{index} {by:?} dated: {dated}");
                // Without a date from the API, a clock that is behind asks for more than is needed.
                assert!(!was_full(&bench) || !dated, "{index} {by:?}");
            }
        }
    }
}

#[tokio::test]
async fn records_from_the_future_hide_nobody() {
    for (dated, future) in [(true, 9), (false, 9), (true, 2), (false, 2)] {
        for by in [seconds(0), seconds(180), seconds(-180)] {
            let (mut bench, _) = ahead(WAITING, by, dated).await;
            bench.poller.requests_per_poll = 2;
            let later: Timestamp = "2099-01-01T00:00:00Z".parse().unwrap();
            for index in 0..12 {
                let at = if index < future { later } else { noon() - seconds(60) };
                bench.inbox.sandbox.put(wrote(index, at)).unwrap();
            }
            // Times so far ahead count as mistakes, so these waits count from now on.
            bench.good().await;
            for index in 20..25 {
                bench.inbox.sandbox.put(wrote(index, bench.now())).unwrap();
                let polled = bench.good().await;
                assert_eq!(polled.fired, 1, "{index} {by:?} dated: {dated}, {future} of them");
            }
        }
    }
}

#[tokio::test]
async fn a_wait_counts_by_the_apis_clock() {
    for by in DIFFERENCES {
        let (bench, _) = ahead(TWO_MINUTES, by, true).await;
        bench.inbox.sandbox.put(wrote(0, noon())).unwrap();
        let mut fired = Vec::new();
        for poll in 1..=9 {
            if bench.good().await.fired > 0 {
                fired.push(poll * 15);
            }
        }
        assert_eq!(fired, [120], "{by:?}");
        let alert = bench.poller.store.snapshot("main").await.unwrap().alerts.remove(0);
        assert_eq!((alert.since, alert.fired_at), (noon(), Some(noon() + seconds(120))), "{by:?}");
        // Messages go by our clock.
        let told = bench.poller.shared.by_our_clock(&alert);
        let waits = (noon() + seconds(135) + by).duration_since(told.since);
        assert!((waits - seconds(135)).abs() < seconds(2), "{by:?} {waits:?}");
    }
}

#[tokio::test]
async fn a_clock_that_is_set_while_customers_wait_changes_no_wait() {
    for (before, after) in [(7_200, 0), (0, 7_200), (-7_200, 0), (86_400 * 366 * 12, 0), (-86_400 * 366 * 56, 0)] {
        let (bench, ours) = ahead(TWO_MINUTES, seconds(before), true).await;
        bench.inbox.sandbox.put(wrote(0, noon())).unwrap();
        bench.good().await;
        bench.good().await;
        ours.set(seconds(after));
        // Nobody is notified by a clock that was just set.
        assert_eq!(bench.poller.tick(false).await.unwrap(), 0);
        let mut fired = Vec::new();
        for poll in 3..=12 {
            if bench.good().await.fired > 0 {
                fired.push(poll * 15);
            }
        }
        assert_eq!(fired, [120], "{before} {after}");
        assert_eq!(bench.told().await, (1, 0), "{before} {after}");
    }
}

#[tokio::test]
async fn the_difference_is_measured_remembered_and_over() {
    let (bench, ours) = ahead(WAITING, seconds(180), true).await;
    bench.good().await;
    let known = clocks(&bench).await;
    assert_eq!(known.message(), "3 min ahead of the API's");
    assert!(known.differ_since.is_some() && (known.counted() - seconds(180)).abs() <= seconds(1), "{known:?}");
    ours.set(seconds(-45));
    bench.good().await;
    bench.good().await;
    let behind = clocks(&bench).await.difference().unwrap();
    assert!((behind - seconds(-45)).abs() <= seconds(1), "{behind:?}");
    ours.set(seconds(0));
    bench.good().await;
    bench.good().await;
    let known = clocks(&bench).await;
    assert_eq!((known.message().as_str(), known.differ_since, known.counted), ("as the API's", None, 0));

    let (bench, _) = ahead(WAITING, seconds(180), false).await;
    bench.good().await;
    assert_eq!((clocks(&bench).await.message().as_str(), clocks(&bench).await.counted), ("not known", 0));
}

#[tokio::test]
async fn a_silence_ends_by_our_clock() {
    use crate::model::{Matchers, Silence};
    let (bench, ours) = ahead(WAITING, seconds(7_200), true).await;
    let silence = Silence {
        id: 0,
        matchers: Matchers { rule: Some("waiting".to_owned()), ..Matchers::default() },
        created_at: ours.now(),
        ends_at: ours.now() + seconds(60),
        comment: "lunch".to_owned(),
        created_by: "ravi".to_owned(),
    };
    bench.poller.store.silence(silence).await.unwrap();
    bench.inbox.sandbox.put(wrote(0, noon())).unwrap();
    let mut owed = Vec::new();
    for poll in 1..=6 {
        if bench.good().await.owed > 0 {
            owed.push(poll * 15);
        }
    }
    assert_eq!(owed, [60]);
}

#[tokio::test]
async fn without_a_word_of_the_api_a_clock_that_is_set_right_is_waited_for_by_nobody() {
    // They count as waiting since first sight; with polls before and after.
    let text = "since = 'match'\nfor = '2m'\n[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support']\n[[notify]]\nafter = '4m'\nto = ['support']\nrepeat = '1m'";
    for before in [7_200, 86_400 * 366 * 12] {
        let (bench, ours) = ahead(text, seconds(before), false).await;
        bench.inbox.sandbox.put(wrote(0, noon())).unwrap();
        bench.good().await;
        ours.set(seconds(0));
        let mut owed = Vec::new();
        for poll in 2..=28 {
            let polled = bench.good().await;
            if polled.owed > 0 {
                owed.push(poll * 15);
            }
        }
        // First sight counts from when the clock was set right; after that everything is owed on time.
        assert_eq!(owed, [150, 270, 330, 390], "{before}");

        let (bench, ours) = ahead(text, seconds(before), false).await;
        bench.inbox.sandbox.put(wrote(0, noon())).unwrap();
        for _ in 0..10 {
            bench.good().await;
        }
        assert_eq!(bench.told().await, (1, 0));
        ours.set(seconds(0));
        let mut owed = Vec::new();
        for poll in 11..=28 {
            if bench.good().await.owed > 0 {
                owed.push(poll * 15);
            }
        }
        assert_eq!(owed, [270, 330, 390], "{before}: a poll later than without all that");
    }
}

#[tokio::test]
async fn a_clock_of_1970_that_is_set_right_makes_no_wait_of_years() {
    let (bench, ours) = ahead(TWO_MINUTES, seconds(-86_400 * 366 * 56), false).await;
    let mut contact = wrote(0, noon());
    contact["createdAt"] = iso(noon()).into();
    bench.inbox.sandbox.put(contact).unwrap();
    bench.good().await;
    ours.set(seconds(0));
    for _ in 2..=7 {
        assert_eq!(bench.good().await.fired, 0);
    }
    assert_eq!(bench.good().await.fired, 1, "two minutes after the message");
    let alert = bench.poller.store.snapshot("main").await.unwrap().alerts.remove(0);
    assert_eq!((alert.since, alert.fired_at), (noon(), Some(bench.now())));
}
