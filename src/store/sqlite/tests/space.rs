//! After the retention the content is deleted from the files, and the files become smaller.

use std::{fs, path::Path};

use rusqlite::Connection;
use serde_json::json;

use crate::store::tests::fixtures::{alert, at, beginning, contact, message, resolved};
use crate::{
    model::{
        Alert, Candidate, Changes, Contact, DeliveryStep, Entry, Happened, InboxMemory, Matchers, MessageId, Silence,
        StateLocation,
    },
    store::{Store, sqlite::migrations},
};

/// A text in every record of the customers here.
const TEXT: &str = "hunter2";

fn customer(number: i64, turn: usize) -> Alert {
    // The lengths differ, so that a replaced text leaves bytes behind.
    let text = format!("{TEXT} {}", "and more of it ".repeat(turn * 7 % 40));
    let record = json!({
        "_id": format!("c{number}"),
        "profile": { "userDetails": { "name": format!("{TEXT} of number {number}") } },
        "lastMessage": { "by": "user", "at": at(number).to_string(), "text": text },
    });
    let alert = alert(&format!("c{number}"), at(number));
    Alert { contact: Contact::read(record).unwrap(), ..alert }
}

/// Whether the text is in any file of the folder.
fn left(folder: &Path) -> Vec<String> {
    let has = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        bytes.windows(TEXT.len()).any(|part| part == TEXT.as_bytes())
    };
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| has(path)).map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

fn length(folder: &Path) -> u64 {
    ["state.db", "state.db-wal"].iter().map(|name| fs::metadata(folder.join(name)).map_or(0, |file| file.len())).sum()
}

/// The complete alerts of this number of customers, from the first message to the end.
async fn lives(store: &Store, customers: std::ops::Range<i64>) {
    for number in customers {
        let mut alert = customer(number, 0);
        let changes = Changes {
            history: vec![Entry::of(&alert, Happened::Firing, at(number)).detail(TEXT)],
            candidates: vec![Candidate {
                inbox: "main".to_owned(),
                rule: "r".to_owned(),
                file: "f".to_owned(),
                contact: alert.contact.clone(),
                first_seen: at(number),
                missed_walks: 0,
            }],
            ..beginning(&alert)
        };
        store.commit("main", changes).await.unwrap();
        for turn in 1..4 {
            alert.contact = customer(number, turn + usize::try_from(number).unwrap()).contact;
            store.commit("main", Changes { alerts: vec![alert.clone()], ..Changes::default() }).await.unwrap();
        }
        let (id, ids) = (format!("m{number}"), vec![store.open_of("support").await.unwrap().owed[0].id]);
        store.record(DeliveryStep::Composed { message: message(&id, "support", at(number)), ids }).await.unwrap();
        let id = MessageId(id);
        let end = if number % 3 == 0 {
            let reason = format!("550 {TEXT}");
            DeliveryStep::Dead {
                message: id,
                at: at(number),
                reason,
                ambiguous: false,
                settled: vec![TEXT.to_owned()],
                reached: Vec::new(),
            }
        } else {
            DeliveryStep::Delivered { message: id, at: at(number), reached: vec![TEXT.to_owned()] }
        };
        store.record(end).await.unwrap();
        let dropped = vec![("r".to_owned(), alert.contact.contact_id())];
        let ended = Changes { alerts: vec![resolved(&alert, at(number))], dropped, ..Changes::default() };
        store.commit("main", ended).await.unwrap();
    }
}

async fn held(folder: &Path) -> Store {
    Store::hold(&StateLocation::sqlite(folder.join("state.db"))).await.unwrap()
}

#[tokio::test]
async fn after_retention_nothing_of_a_customer_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let store = held(folder.path()).await;
    lives(&store, 0..60).await;
    let matchers = Matchers { contact: Some(TEXT.to_owned()), ..Matchers::default() };
    let silence = Silence {
        id: 0,
        matchers,
        created_at: at(0),
        ends_at: at(1),
        comment: TEXT.to_owned(),
        created_by: TEXT.to_owned(),
    };
    store.silence(silence).await.unwrap();
    // A foreign file in place of the state, which was set aside.
    let strange = folder.path().join("strange");
    fs::write(&strange, TEXT).unwrap();
    fs::File::options().append(true).open(&strange).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    fs::rename(&strange, folder.path().join("state.db")).unwrap();
    store.look().await.unwrap();
    assert!(left(folder.path()).len() >= 2, "{:?}", left(folder.path()));
    store.prune(at(100_000)).await.unwrap();
    assert_eq!(left(folder.path()), Vec::<String>::new());
    assert!(length(folder.path()) < 200_000, "{}", length(folder.path()));
    // A customer who still waits is there.
    lives(&store, 100..101).await;
    store.commit("main", beginning(&customer(200, 1))).await.unwrap();
    store.prune(at(100_000)).await.unwrap();
    assert_eq!(left(folder.path()), ["state.db"]);
    assert_eq!(store.snapshot("main").await.unwrap().alerts.len(), 1);
}

#[tokio::test]
async fn what_is_replaced_is_gone_before_its_alert_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = held(folder.path()).await;
    for number in 0..40 {
        let mut alert = customer(number, 3);
        store.commit("main", beginning(&alert)).await.unwrap();
        alert.contact = contact(&format!("c{number}"));
        store.commit("main", Changes { alerts: vec![alert], ..Changes::default() }).await.unwrap();
    }
    let memory = InboxMemory { segments: [("s".to_owned(), TEXT.to_owned())].into(), ..InboxMemory::default() };
    store.commit("main", Changes { memory: Some(memory), ..Changes::default() }).await.unwrap();
    store.commit("main", Changes { memory: Some(InboxMemory::default()), ..Changes::default() }).await.unwrap();
    store.prune(at(0)).await.unwrap();
    assert_eq!(left(folder.path()), Vec::<String>::new());
}

#[tokio::test]
async fn room_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = held(folder.path()).await;
    let alerts: Vec<Alert> = (0..4_000).map(|number| resolved(&customer(number, 30), at(1))).collect();
    store.commit("main", Changes { alerts, ..Changes::default() }).await.unwrap();
    assert!(length(folder.path()) > 3_000_000);
    assert_eq!(store.prune(at(100_000)).await.unwrap(), 4_000);
    assert!(length(folder.path()) < 200_000, "{}", length(folder.path()));
}

#[tokio::test]
async fn a_file_of_an_earlier_version_is_rewritten_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let mut db = Connection::open(&path).unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    migrations::apply(&mut db).unwrap();
    let transaction = db.transaction().unwrap();
    for number in 0..4_000 {
        transaction
            .execute(
                "INSERT INTO history (at, alert, inbox, rule, version, contact, name, happened, who, detail) \
                 VALUES (?1, 'a', 'main', 'r', '', 'c', ?2, 'firing', '', ?2)",
                rusqlite::params![at(number).as_microsecond(), TEXT.repeat(60)],
            )
            .unwrap();
    }
    transaction.commit().unwrap();
    // As in earlier versions: deleted content stays in free pages.
    db.execute("DELETE FROM history WHERE id > 3", []).unwrap();
    drop(db);
    assert!(left(folder.path()) == ["state.db"] && length(folder.path()) > 3_000_000);
    let store = held(folder.path()).await;
    store.prune(at(100_000)).await.unwrap();
    assert_eq!(left(folder.path()), Vec::<String>::new());
    assert!(length(folder.path()) < 200_000, "{}", length(folder.path()));
    drop(store);
    let kept: i64 = Connection::open(&path).unwrap().query_row("PRAGMA auto_vacuum", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 2, "it gives room back from now on");
}

#[tokio::test]
async fn an_attempt_whose_outcome_could_not_be_written_is_not_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = held(folder.path()).await;
    store.commit("main", beginning(&alert("c", at(0)))).await.unwrap();
    let ids = vec![store.open_of("support").await.unwrap().owed[0].id];
    store.record(DeliveryStep::Composed { message: message("m", "support", at(0)), ids }).await.unwrap();
    let id = MessageId("m".to_owned());
    store.record(DeliveryStep::Attempting { message: id.clone(), trying: vec![TEXT.to_owned()] }).await.unwrap();
    let only = async |on: bool| {
        store.owner.whole(move |db| db.pragma_update(None, "query_only", on)).await.unwrap();
    };
    only(true).await;
    let attempted = crate::model::AttemptRecord {
        recorded: DeliveryStep::Delivered { message: id.clone(), at: at(1), reached: Vec::new() },
        at: at(1),
        message: id,
        refused: Vec::new(),
        receiver: "support".to_owned(),
        reception: crate::model::ReceiverState::default(),
        handed: None,
    };
    store.attempted(attempted).await.unwrap_err();
    assert!(store.interrupted("support", at(2)).await.is_err(), "it still cannot");
    only(false).await;
    store.interrupted("support", at(3)).await.unwrap();
    let open = store.open_of("support").await.unwrap();
    assert!(open.owed.is_empty() && open.messages.is_empty(), "{open:?}");
    let states: Vec<String> = store.notifications().await.unwrap().into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["delivered"]);
    assert_eq!((store.writes().failed, store.writes().why.contains("cannot be written")), (2, true));
}
