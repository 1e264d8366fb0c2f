//! The sandbox's story at speed 20 with the shipped rules: nobody is notified of a waiting customer who was answered
//! more than three seconds before.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::Connection;

use super::{Bench, Mode, noon, seconds};
use crate::{
    model::Notification,
    sandbox::story::{Pace, Story},
};

/// Waits of that story last from ten seconds to half a minute.
const QUICK: &str = "for = '12s'\n[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support']\nrepeat = '5s'";

const RULES: [(&str, &str); 5] = [
    ("quick", QUICK),
    ("vip-waiting", include_str!("../../../../rules/vip-waiting.toml")),
    ("customer-waiting", include_str!("../../../../rules/customer-waiting.toml")),
    ("live-chat-waiting", include_str!("../../../../rules/live-chat-waiting.toml")),
    ("bot-left-waiting", include_str!("../../../../rules/bot-left-waiting.toml")),
];

/// The number of notifications of a waiting customer, and for those about customers who had been answered by then, how
/// many seconds before, if more than three.
async fn told(bench: &Bench) -> (usize, Vec<i64>) {
    let db = Connection::open(bench.folder.path().join("state.db")).unwrap();
    let sql = "SELECT id, ended_at FROM alert WHERE resolved_at IS NOT NULL AND reason LIKE 'answered%'";
    let mut rows = db.prepare(sql).unwrap();
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, Timestamp::from_microsecond(row.get(1)?).unwrap()));
    let answered: BTreeMap<String, Timestamp> = rows.query_map([], read).unwrap().map(Result::unwrap).collect();
    let owed = bench.poller.store.notifications().await.unwrap();
    let waits: Vec<_> = owed.iter().map(|(owed, _)| owed).filter(|owed| owed.event.is_of_waiting()).collect();
    let ago = |owed: &&Notification| Some(owed.due_at.duration_since(*answered.get(&owed.alert.0)?).as_secs());
    let late = waits.iter().copied().filter_map(|owed| ago(&owed)).filter(|ago| *ago > 3).collect();
    (waits.len(), late)
}

async fn story(mode: Mode, lasts: i64, pause: i64) -> (usize, Vec<i64>) {
    let bench = Bench::new(&RULES, 0).await;
    let mut story = Story::new(8, Pace { waiting: 8, ..Pace::default() });
    for second in 0..lasts {
        story.step(&bench.inbox.sandbox, bench.now());
        if second % pause == 0 {
            assert_eq!(bench.poller.run_once(mode, &|_| {}).await.unwrap().failure, None);
        } else if mode == Mode::Daemon {
            bench.poller.tick(true).await.unwrap();
        }
        bench.advance(1);
    }
    assert_eq!(bench.now(), noon() + seconds(lasts));
    told(&bench).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_tells_of_nobody_who_was_answered_before() {
    let (told, late) = story(Mode::Daemon, 300, 15).await;
    assert!(told >= 20, "{told}");
    assert!(late.is_empty(), "of {told}: {late:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_each_minute_tell_of_nobody_who_was_answered_before() {
    let (told, late) = story(Mode::Once, 900, 60).await;
    assert!(told >= 10, "{told}");
    assert!(late.is_empty(), "of {told}: {late:?}");
}
