//! Alerts, notifications and messages to store.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    model::{Alert, Changes, Contact, Event, Message, MessageId, Notification, Reason, Resolution, StateLocation},
    store::Store,
};

pub(in crate::store) fn at(seconds: i64) -> Timestamp {
    "2026-06-12T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

/// The databases on which the contract holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum TestDriver {
    Sqlite,
}

impl TestDriver {
    /// A new, empty state.
    pub(super) fn fresh(self) -> TestState {
        match self {
            Self::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                TestState { location: StateLocation::sqlite(folder.path().join("state.db")), _folder: folder }
            }
        }
    }
}

/// A state that lasts as long as this.
pub(super) struct TestState {
    location: StateLocation,
    _folder: tempfile::TempDir,
}

impl TestState {
    pub(super) async fn open(&self) -> Store {
        Store::open(&self.location).await.unwrap()
    }
}

/// Runs each of these tests on every database.
macro_rules! contract {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test($crate::store::tests::fixtures::TestDriver::Sqlite).await;
                }
            )*
        }
    };
}
pub(super) use contract;

pub(in crate::store) async fn open(folder: &Path) -> Store {
    Store::open(&StateLocation::sqlite(folder.join("state.db"))).await.unwrap()
}

pub(in crate::store) fn contact(id: &str) -> Contact {
    Contact::read(json!({
        "_id": id,
        "status": "OPEN",
        "lastMessage": { "by": "user", "at": "2026-06-12T11:55:00.123Z", "text": "Where is 'it'?\u{0} \"ä\"" },
        "newField": { "deep": [1, null] },
    }))
    .unwrap()
}

pub(in crate::store) fn alert(id: &str, now: Timestamp) -> Alert {
    Alert { fired_at: Some(now), ..Alert::begin("main", "r", contact(id), now, now) }
}

pub(in crate::store) fn resolved(alert: &Alert, now: Timestamp) -> Alert {
    let resolution = Resolution { at: now, ended_at: now, reason: Reason::AnsweredByAgent };
    Alert { resolution: Some(resolution), ..alert.clone() }
}

pub(crate) fn notification(alert: &Alert, receiver: &str, event: Event, now: Timestamp) -> Notification {
    Notification {
        alert: alert.id.clone(),
        rule: alert.rule.clone(),
        inbox: alert.inbox.clone(),
        receiver: receiver.to_owned(),
        step: 0,
        event,
        template: "alert".to_owned(),
        due_at: now,
    }
}

pub(in crate::store) fn message(id: &str, receiver: &str, now: Timestamp) -> Message {
    Message {
        id: MessageId(id.to_owned()),
        receiver: receiver.to_owned(),
        created_at: now,
        attempts: 0,
        next_at: now,
        ambiguous: false,
        plain: false,
        last_error: String::new(),
    }
}

/// One alert that begins, with what it owes to `support`.
pub(in crate::store) fn beginning(alert: &Alert) -> Changes {
    let owed = vec![notification(alert, "support", Event::Fired, alert.first_seen)];
    Changes { alerts: vec![alert.clone()], owed, ..Changes::default() }
}
