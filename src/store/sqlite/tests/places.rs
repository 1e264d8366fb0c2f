//! A state that vanishes, is replaced or written over under a run: it is put back with all that is known.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::store::tests::fixtures::{alert, at, beginning, message, notification, open, resolved};
use crate::{
    model::{Changes, DeliveryStep, Event, Found, MessageId, StateLocation},
    store::{Store, StoreError, sqlite::lock::Lock},
};

fn path(folder: &Path) -> PathBuf {
    folder.join("state.db")
}

async fn held(folder: &Path) -> Store {
    Store::hold(&StateLocation::sqlite(path(folder))).await.unwrap()
}

/// Records that support was notified of `id`.
async fn tell(store: &Store, id: &str, seconds: i64) {
    store.commit("main", beginning(&alert(id, at(seconds)))).await.unwrap();
    let ids = vec![store.open_of("support").await.unwrap().owed.last().unwrap().id];
    store.record(DeliveryStep::Composed { message: message(id, "support", at(seconds)), ids }).await.unwrap();
    store
        .record(DeliveryStep::Delivered { message: MessageId(id.to_owned()), at: at(seconds), reached: Vec::new() })
        .await
        .unwrap();
}

/// The ids of customers that are waiting, and of those that were reported.
async fn known(store: &Store) -> (Vec<String>, usize, usize) {
    let snapshot = store.snapshot("main").await.unwrap();
    let mut ids: Vec<String> = snapshot.alerts.iter().map(|alert| alert.contact.id.clone()).collect();
    ids.sort();
    (ids, snapshot.told.len(), store.open_of("support").await.unwrap().owed.len())
}

/// What is done to the files of a state that a run works on.
type Deed = fn(&Path);

fn sibling_path(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", path.display()))
}

fn without(path: &Path, endings: &[&str]) {
    for ending in endings {
        fs::remove_file(sibling_path(path, ending)).unwrap();
    }
}

fn moved(text: &str, path: &Path) {
    let new = sibling_path(path, ".x");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

/// Names, changes, what is found, and whether the history is saved.
const DEEDS: [(&str, Deed, Found, bool); 15] = [
    ("the file", |path| fs::remove_file(path).unwrap(), Found::Deleted, true),
    ("all of them", |path| without(path, &["", "-wal", "-shm", ".lock", ".mark"]), Found::Deleted, true),
    ("the log", |path| fs::remove_file(sibling_path(path, "-wal")).unwrap(), Found::Deleted, true),
    ("the index", |path| fs::remove_file(sibling_path(path, "-shm")).unwrap(), Found::Deleted, true),
    ("the log and the index", |path| without(path, &["-wal", "-shm"]), Found::Deleted, true),
    ("the folder", |path| fs::remove_dir_all(path.parent().unwrap()).unwrap(), Found::Deleted, true),
    (
        "the folder, moved away",
        |path| fs::rename(path.parent().unwrap(), path.parent().unwrap().with_extension("old")).unwrap(),
        Found::Deleted,
        true,
    ),
    (
        "the folder, another one",
        |path| {
            fs::rename(path.parent().unwrap(), path.parent().unwrap().with_extension("old")).unwrap();
            fs::create_dir(path.parent().unwrap()).unwrap();
        },
        Found::Deleted,
        true,
    ),
    ("moved away", |path| fs::rename(path, sibling_path(path, ".old")).unwrap(), Found::Deleted, true),
    ("an empty file", |path| moved("", path), Found::Replaced, true),
    ("a text", |path| moved("these are somebody's letters", path), Found::Replaced, true),
    (
        "a folder",
        |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        },
        Found::Replaced,
        true,
    ),
    ("cut to nothing", |path| fs::File::create(path).map(drop).unwrap(), Found::Replaced, false),
    ("written over", |path| fs::write(path, "these are somebody's letters").unwrap(), Found::Replaced, false),
    (
        "half of it",
        |path| {
            let half = fs::metadata(path).unwrap().len() / 2;
            fs::OpenOptions::new().write(true).open(path).unwrap().set_len(half / 4_096 * 4_096).unwrap();
        },
        Found::Replaced,
        false,
    ),
];

#[tokio::test]
async fn whatever_is_done_to_the_file_it_is_written_back() {
    for (name, deed, found, with_history) in DEEDS {
        for checkpointed in [true, false] {
            let home = tempfile::tempdir().unwrap();
            let folder = home.path().join("state");
            fs::create_dir(&folder).unwrap();
            // An earlier run, so that not everything is in the log.
            if checkpointed {
                let before = held(&folder).await;
                tell(&before, "before", 0).await;
                before.close().await;
                gone(&folder).await;
            }
            let store = held(&folder).await;
            tell(&store, "told", 1).await;
            store.commit("main", beginning(&alert("owed", at(2)))).await.unwrap();
            tell(&store, "over", 3).await;
            let snapshot = store.snapshot("main").await.unwrap();
            let over = snapshot.alerts.iter().find(|alert| alert.contact.id == "over").unwrap();
            store.commit("main", Changes { alerts: vec![resolved(over, at(4))], ..Changes::default() }).await.unwrap();
            let expected = (store.snapshot("main").await.unwrap(), store.open_of("support").await.unwrap());

            deed(&path(&folder));
            let what = format!("{name}, checkpointed: {checkpointed}");
            store.look().await.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(
                (store.snapshot("main").await.unwrap(), store.open_of("support").await.unwrap()),
                expected,
                "{what}"
            );
            let loss = store.loss().await.unwrap().unwrap_or_else(|| panic!("{what}"));
            assert_eq!((loss.found, loss.without_history), (found, !with_history), "{what}");
            assert!(store.is_untold(), "{what}");
            store.told_of_loss(at(9)).await.unwrap();
            // The run continues, and the next one knows everything.
            tell(&store, "after", 5).await;
            let expected = known(&store).await;
            store.close().await;
            gone(&folder).await;
            let next = held(&folder).await;
            assert_eq!(known(&next).await, expected, "{what}");
            assert!(!next.is_untold(), "{what}");
            let kept = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let kept: Vec<String> = kept.filter(|name| name.starts_with("state.db.replaced-")).collect();
            // If everything is still in the log, half of the file has no content.
            let is_empty =
                name.contains("nothing") || name.contains("empty") || (name.contains("half") && !checkpointed);
            let somebodys = found == Found::Replaced && !is_empty;
            assert_eq!(kept.len(), usize::from(somebodys), "{what}: {kept:?}");
        }
    }
}

/// Until the thread of the store before has ended.
async fn gone(folder: &Path) {
    for _ in 0..500 {
        if Lock::take(&path(folder)).is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the lock was not released");
}

#[tokio::test]
async fn an_older_copy_under_a_run_is_told_and_what_is_newer_is_written_back() {
    for in_place in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("backup.db");
        let first = held(folder.path()).await;
        tell(&first, "old", 0).await;
        first.commit("main", Changes { history: vec![], ..beginning(&alert("ends", at(0))) }).await.unwrap();
        first.close().await;
        gone(folder.path()).await;
        fs::copy(path(folder.path()), &copy).unwrap();
        let store = held(folder.path()).await;
        tell(&store, "new", 1).await;
        let snapshot = store.snapshot("main").await.unwrap();
        let ends = snapshot.alerts.iter().find(|alert| alert.contact.id == "ends").unwrap();
        store.commit("main", Changes { alerts: vec![resolved(ends, at(2))], ..Changes::default() }).await.unwrap();
        // Changes that are only in the log make the copy the same.
        store.owner.checkpoint().await;
        tell(&store, "newest", 3).await;
        let expected = known(&store).await;
        if in_place {
            fs::copy(&copy, path(folder.path())).unwrap();
        } else {
            fs::rename(&copy, path(folder.path())).unwrap();
        }
        assert_eq!(known(&store).await, expected, "in place: {in_place}");
        let loss = store.loss().await.unwrap().unwrap();
        assert_eq!(loss.found, Found::OlderWhileRunning, "in place: {in_place}");
        assert!(loss.copy_at < loss.newest_at && !loss.without_history, "{loss:?}");
        assert!(loss.message().starts_with("it was replaced by a copy that is "), "{}", loss.message());
        assert!(store.is_untold());
    }
}

#[tokio::test]
async fn an_older_copy_between_two_starts_says_by_how_much() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (path(folder.path()), folder.path().join("backup.db"));
    let first = held(folder.path()).await;
    tell(&first, "old", 0).await;
    first.close().await;
    gone(folder.path()).await;
    fs::copy(&path, &copy).unwrap();
    let second = held(folder.path()).await;
    tell(&second, "new", 1).await;
    second.close().await;
    gone(folder.path()).await;
    // By the file alone: two hours.
    let db = rusqlite::Connection::open(&copy).unwrap();
    db.execute("UPDATE store SET committed_at = committed_at - 7200000000", []).unwrap();
    drop(db);
    fs::copy(&copy, &path).unwrap();
    // A command beside the run sees it first, and does not hide it.
    drop(open(folder.path()).await);
    for _ in 0..2 {
        let store = held(folder.path()).await;
        let loss = store.loss().await.unwrap().unwrap();
        assert_eq!(loss.found, Found::Older);
        assert!(
            loss.message().starts_with("it is a copy that is 2 h older than the newest one here"),
            "{}",
            loss.message()
        );
        assert!(store.is_untold(), "until somebody was told");
        drop(store);
        gone(folder.path()).await;
    }
    let store = held(folder.path()).await;
    store.told_of_loss(at(9)).await.unwrap();
    drop(store);
    gone(folder.path()).await;
    assert!(!held(folder.path()).await.is_untold(), "once");
}

#[tokio::test]
async fn a_state_that_is_gone_or_another_one_at_the_start_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = path(folder.path());
    let first = held(folder.path()).await;
    tell(&first, "old", 0).await;
    first.close().await;
    gone(folder.path()).await;
    // Taking the lock to see that it is free made an empty file nowhere.
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(sibling_path(&path, ending));
    }
    assert!(Store::missing(&StateLocation::sqlite(&path)).is_some());
    let second = held(folder.path()).await;
    let loss = second.loss().await.unwrap().unwrap();
    assert_eq!((loss.found, second.is_untold()), (Found::Gone, true));
    assert!(loss.message().starts_with("it was not there at the start (last change known "), "{}", loss.message());
    second.told_of_loss(at(1)).await.unwrap();
    drop(second);
    gone(folder.path()).await;

    let other = tempfile::tempdir().unwrap();
    let another = held(other.path()).await;
    tell(&another, "another", 0).await;
    another.close().await;
    gone(other.path()).await;
    fs::copy(other.path().join("state.db"), &path).unwrap();
    let third = held(folder.path()).await;
    assert_eq!(third.loss().await.unwrap().unwrap().found, Found::Other);
    // Without a mark nothing is known, so nothing is reported.
    fs::create_dir(folder.path().join("new")).unwrap();
    fs::copy(other.path().join("state.db"), folder.path().join("new/state.db")).unwrap();
    let moved = held(&folder.path().join("new")).await;
    assert_eq!(moved.loss().await.unwrap(), None);
}

#[tokio::test]
async fn what_another_program_does_without_harm_is_no_loss() {
    let folder = tempfile::tempdir().unwrap();
    let path = path(folder.path());
    let store = held(folder.path()).await;
    tell(&store, "told", 0).await;
    let expected = known(&store).await;
    let other = rusqlite::Connection::open(&path).unwrap();
    other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    store.look().await.unwrap();
    fs::File::options().append(true).open(&path).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    store.look().await.unwrap();
    // An acknowledgement from beside, and a checkpoint with it.
    other.execute("UPDATE alert SET acked_at = 1, acked_by = 'Asha', ack_comment = ''", []).unwrap();
    other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    store.look().await.unwrap();
    assert_eq!((known(&store).await, store.loss().await.unwrap()), (expected, None));
    // Somebody rewrites it, and nothing is missing.
    drop(other);
    let new = sibling_path(&path, ".smaller");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute("VACUUM INTO ?1", [new.to_string_lossy()]).unwrap();
    drop(db);
    fs::rename(new, &path).unwrap();
    store.look().await.unwrap();
    let snapshot = store.snapshot("main").await.unwrap();
    assert_eq!((snapshot.alerts[0].ack.is_some(), store.loss().await.unwrap()), (true, None));
}

#[tokio::test]
async fn an_acknowledgement_from_beside_survives_what_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = held(folder.path()).await;
    tell(&store, "told", 0).await;
    let beside = open(folder.path()).await;
    let id = store.snapshot("main").await.unwrap().alerts[0].id.clone();
    let ack = crate::model::Ack { at: at(1), by: "Asha".to_owned(), comment: String::new() };
    beside.acknowledge(id, ack).await.unwrap();
    store.look().await.unwrap();
    fs::File::create(path(folder.path())).unwrap();
    store.look().await.unwrap();
    assert!(store.snapshot("main").await.unwrap().alerts[0].ack.is_some());
}

#[tokio::test]
async fn whoever_has_the_lock_has_the_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = path(folder.path());
    let store = held(folder.path()).await;
    tell(&store, "told", 0).await;
    let is_locked = |path: &Path| matches!(Lock::take(path), Err(StoreError::Locked { .. }));
    // Its lock file is deleted, or is another one.
    fs::remove_file(sibling_path(&path, ".lock")).unwrap();
    assert!(is_locked(&path));
    moved("1", &sibling_path(&path, ".lock"));
    assert!(is_locked(&path));
    store.look().await.unwrap();
    // By other names.
    let (link, hard) = (folder.path().join("link.db"), folder.path().join("hard.db"));
    std::os::unix::fs::symlink(&path, &link).unwrap();
    fs::hard_link(&path, &hard).unwrap();
    assert!(is_locked(&link) && is_locked(&hard));
    // Its folder was replaced; the old one is still locked.
    fs::remove_file(hard).unwrap();
    let aside = folder.path().join("aside.db");
    fs::rename(&path, &aside).unwrap();
    store.look().await.unwrap();
    assert!(is_locked(&path) && is_locked(&aside));

    // Another run was faster, so this one has lost the state.
    for ending in ["", "-wal", "-shm", ".lock"] {
        fs::remove_file(sibling_path(&path, ending)).unwrap();
    }
    let other = Store::hold(&StateLocation::sqlite(&path)).await.unwrap();
    let firing = alert("c", at(1));
    let owed = vec![notification(&firing, "support", Event::Fired, at(1))];
    let error = store.commit("main", Changes { alerts: vec![firing], owed, ..Changes::default() }).await.unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    assert!(store.writes().taken_over && !other.writes().taken_over);
    other.look().await.unwrap();
}
