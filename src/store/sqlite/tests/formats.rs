//! A store that an earlier version wrote.

use rusqlite::Connection;
use serde_json::json;

use crate::store::tests::fixtures::{at, open};
use crate::{
    diagnose::Source,
    engine::{Observed, Tick, observed::Coverage, tick},
    model::{Contact, Names, State},
    rules::{
        Known, RuleSet,
        compile::{Compiled, compile},
    },
};

/// Format 1, with an alert of which support was notified, and one that is over.
fn first_format(path: &std::path::Path) {
    let db = Connection::open(path).unwrap();
    db.execute_batch(include_str!("../migrations/0001.sql")).unwrap();
    db.pragma_update(None, "user_version", 1).unwrap();
    let contact =
        |id: &str| json!({ "_id": id, "lastMessage": { "by": "user", "at": at(-60).to_string() } }).to_string();
    let micros = |seconds: i64| at(seconds).as_microsecond();
    for (id, over) in [("open", false), ("over", true)] {
        db.execute(
            "INSERT INTO alert VALUES (?1, 'main', 'r', ?1, ?2, ?3, ?4, ?5, ?5, ?6, 0, 'abc')",
            rusqlite::params![
                id,
                contact(id),
                micros(-60),
                micros(0),
                over.then(|| micros(30)),
                over.then_some("answered-by-agent")
            ],
        )
        .unwrap();
        db.execute(
            "INSERT INTO notification (alert, receiver, event, step, template, due_at, state, told) \
             VALUES (?1, 'support', 'fired', 0, 'alert', ?2, 'delivered', 1)",
            rusqlite::params![id, micros(0)],
        )
        .unwrap();
    }
    db.execute(
        "INSERT INTO candidate VALUES ('main', 'r', 'c', ?1, ?2, 0)",
        rusqlite::params![contact("c"), micros(0)],
    )
    .unwrap();
}

#[tokio::test]
async fn format_1_lives_on_and_nobody_is_told_again() {
    let folder = tempfile::tempdir().unwrap();
    first_format(&folder.path().join("state.db"));
    let store = open(folder.path()).await;
    let snapshot = store.snapshot("main").await.unwrap();
    let [alert] = snapshot.alerts.as_slice() else { panic!("{snapshot:?}") };
    assert_eq!((alert.state(), alert.since, alert.fired_at), (State::Firing, at(-60), Some(at(0))));
    assert_eq!((snapshot.told.len(), snapshot.candidates.len()), (1, 1));
    assert_eq!((store.episodes().await.unwrap().len(), store.notifications().await.unwrap().len()), (2, 2));

    let text = "[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support']\nrepeat = '5m'";
    let (inboxes, receivers) = (["main".to_owned()], ["support".to_owned()]);
    let known = Known { inboxes: &inboxes, receivers: &receivers, ..Known::default() };
    let Compiled::Rule(rule) = compile("r", &Source::new("r.toml", text), &known, &mut Vec::new()) else { panic!() };
    let rules = RuleSet { rules: vec![std::sync::Arc::from(rule)], ..RuleSet::default() };
    let mut observed = Observed { fresh: true, ..Observed::default() };
    observed.see(Contact::read(json!({ "_id": "open", "lastMessage": { "by": "user" } })).unwrap());
    observed.coverage.insert("r".to_owned(), Coverage { complete: 1, ended: true });
    for (seconds, owed) in [(60, 0), (299, 0), (360, 1), (361, 0)] {
        let snapshot = store.snapshot("main").await.unwrap();
        let names = Names::default();
        let input = Tick {
            inbox: "main",
            rules: &rules,
            snapshot: &snapshot,
            observed: &observed,
            names: &names,
            now: at(seconds),
        };
        let outcome = tick(input);
        assert_eq!(outcome.changes.owed.len(), owed, "{seconds}");
        store.commit("main", outcome.changes).await.unwrap();
    }
    // References between tables are checked again.
    store
        .commit(
            "main",
            crate::model::Changes {
                owed: vec![crate::store::tests::fixtures::notification(
                    &crate::store::tests::fixtures::alert("gone", at(0)),
                    "support",
                    crate::model::Event::Fired,
                    at(0),
                )],
                ..crate::model::Changes::default()
            },
        )
        .await
        .unwrap_err();
}
