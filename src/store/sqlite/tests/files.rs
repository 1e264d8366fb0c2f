//! Files that are not a store, or that cannot be used: there is a clear error, and they are not changed.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::store::tests::fixtures::{alert, at, beginning, open};
use crate::{
    model::{Changes, StateLocation},
    store::{Store, StoreError, sqlite::lock::Lock},
};

/// A store with several pages of content.
async fn filled(folder: &Path) -> std::path::PathBuf {
    let store = open(folder).await;
    for number in 0..200 {
        store.commit("main", beginning(&alert(&format!("c{number}"), at(number)))).await.unwrap();
    }
    drop(store);
    let path = folder.join("state.db");
    closed(&path).await;
    path
}

/// Waits until the thread that owns the file has ended and left only the file and its mark.
async fn closed(path: &Path) {
    let folder = path.parent().unwrap();
    for _ in 0..500 {
        if files(folder).iter().all(|name| name == "state.db" || name == "state.db.mark") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the file was not closed: {:?}", files(folder));
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Opening and copying the file fail with this text, which names it, and change nothing.
async fn is_refused(path: &Path, words: &str) {
    let bytes = fs::read(path).unwrap();
    for copy in [false, true] {
        let opened = if copy {
            Store::copy(&StateLocation::sqlite(path)).await
        } else {
            Store::open(&StateLocation::sqlite(path)).await
        };
        let error = match opened {
            // Damage deep in the file is found when it is read.
            Ok(store) => store.snapshot("main").await.unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(words) && error.contains(&*path.to_string_lossy()), "{error}");
        closed(path).await;
        assert!(fs::read(path).unwrap() == bytes, "the file has changed, copy: {copy}, {error}");
    }
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path()).await;
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let known = crate::store::sqlite::migrations::newest();
    let words = format!("was written by a newer version of pengwatch (format 99, this one knows {known})");
    is_refused(&path, &words).await;
}

#[tokio::test]
async fn what_is_no_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    for text in ["no database at all\n".repeat(300), "x".to_owned(), "SQLite format 3\0".repeat(80)] {
        fs::write(&path, text).unwrap();
        is_refused(&path, "is damaged").await;
    }
}

#[tokio::test]
async fn another_programs_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE alert (name TEXT); CREATE TABLE x (y)")
        .unwrap();
    is_refused(&path, "another program").await;
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path()).await;
    let whole = fs::read(&path).unwrap();
    for length in [whole.len() - 1, whole.len() / 2, 5_000, 4_096, 100, 50] {
        fs::write(&path, &whole[..length]).unwrap();
        is_refused(&path, "is damaged").await;
    }
    let mut spoilt = whole.clone();
    spoilt[4_096..].fill(0xaa);
    fs::write(&path, spoilt).unwrap();
    is_refused(&path, "is damaged").await;
    // A page that would not be read for a long time.
    for page in (1..whole.len() / 4_096).step_by(7) {
        let mut spoilt = whole.clone();
        spoilt[page * 4_096..(page + 1) * 4_096].fill(0);
        fs::write(&path, spoilt).unwrap();
        let error = Store::open(&StateLocation::sqlite(&path)).await.unwrap_err().to_string();
        assert!(error.contains("is damaged") && !error.contains('\n'), "page {page}: {error}");
        closed(&path).await;
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(open(folder.path()).await.snapshot("main").await.unwrap().alerts.len(), 200);
}

#[tokio::test]
async fn a_folder_that_is_not_there_or_takes_nothing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("missing/state.db"), "/proc/state.db".into(), "/dev/null/state.db".into()] {
        for error in [Store::open(&StateLocation::sqlite(&path)).await.unwrap_err(), Lock::take(&path).unwrap_err()] {
            assert!(matches!(error, StoreError::File { .. }), "{error}");
            assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
        }
    }
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    let errors = [
        Lock::take(&state).unwrap_err(),
        Store::open(&StateLocation::sqlite(&state)).await.unwrap_err(),
        Store::copy(&StateLocation::sqlite(&state)).await.unwrap_err(),
    ];
    for error in errors {
        let words = format!("the state `{}` cannot be opened: it is a folder, not a file", state.display());
        assert_eq!(error.to_string(), words);
    }
    assert_eq!(files(folder.path()), ["state"]);
    assert!(files(&state).is_empty());

    let endless = folder.path().join("endless");
    std::os::unix::fs::symlink(&endless, &endless).unwrap();
    let error = Store::open(&StateLocation::sqlite(&endless)).await.unwrap_err().to_string();
    assert!(error.contains("cannot be opened: Too many levels of symbolic links"), "{error}");
}

#[tokio::test]
async fn only_its_owner_reads_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.commit("main", beginning(&alert("c", at(0)))).await.unwrap();
    let _lock = Lock::take(&folder.path().join("state.db")).unwrap();
    for name in files(folder.path()) {
        let mode = fs::metadata(folder.path().join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_copy_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path()).await;
    let bytes = fs::read(&path).unwrap();
    let copy = Store::copy(&StateLocation::sqlite(&path)).await.unwrap();
    assert_eq!(copy.snapshot("main").await.unwrap().alerts.len(), 200);
    copy.commit("main", beginning(&alert("new", at(0)))).await.unwrap();
    assert_eq!(copy.snapshot("main").await.unwrap().alerts.len(), 201);
    drop(copy);
    assert!(fs::read(&path).unwrap() == bytes);
    assert_eq!(files(folder.path()), ["state.db", "state.db.mark"]);

    // Beside a running program, the content of its log is copied as well.
    let store = open(folder.path()).await;
    store.commit("main", beginning(&alert("newest", at(0)))).await.unwrap();
    let copy = Store::copy(&StateLocation::sqlite(&path)).await.unwrap();
    assert_eq!(copy.snapshot("main").await.unwrap(), store.snapshot("main").await.unwrap());

    // A name that has to be escaped in a URI.
    let odd = folder.path().join("état #1?%41&.db");
    fs::write(&odd, &bytes).unwrap();
    assert_eq!(
        Store::copy(&StateLocation::sqlite(&odd)).await.unwrap().snapshot("main").await.unwrap().alerts.len(),
        200
    );

    let empty = Store::copy(&StateLocation::sqlite(folder.path().join("none.db"))).await.unwrap();
    assert_eq!(empty.snapshot("main").await.unwrap(), crate::model::Snapshot::default());
    assert!(!folder.path().join("none.db").exists());
}

#[test]
fn one_lock_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let lock = Lock::take(&path).unwrap();
    let error = Lock::take(&path).unwrap_err();
    let process = std::process::id().to_string();
    assert!(matches!(&error, StoreError::Locked { holder: Some(pid), .. } if *pid == process), "{error}");
    let words = format!("another pengwatch works on the state `{}` (process {process})", path.display());
    assert!(error.to_string().contains(&words), "{error}");
    drop(lock);
    Lock::take(&path).unwrap();
    // The content that a dead process left does not lock.
    fs::write(folder.path().join("state.db.lock"), "garbage").unwrap();
    Lock::take(&path).unwrap();
    assert_eq!(files(folder.path()), ["state.db", "state.db.lock"]);

    // Another name is the same state.
    fs::write(&path, "").unwrap();
    let other = folder.path().join("other.db");
    std::os::unix::fs::symlink(&path, &other).unwrap();
    let _lock = Lock::take(&path).unwrap();
    assert!(matches!(Lock::take(&other).unwrap_err(), StoreError::Locked { .. }));
}

#[tokio::test]
async fn who_reads_waits_for_no_writer() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path()).await;
    let writer = rusqlite::Connection::open(&path).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = std::time::Instant::now();
    assert_eq!(
        Store::open(&StateLocation::sqlite(&path)).await.unwrap().snapshot("main").await.unwrap().alerts.len(),
        200
    );
    assert!(began.elapsed() < std::time::Duration::from_secs(5), "it has waited");
}

/// Work on a store that fails with this text, changes nothing, and works again afterwards.
async fn fails_and_goes_on(words: &str, begin: impl AsyncFn(&Store, &Path), end: impl AsyncFn(&Store)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let store = Store::open(&StateLocation::sqlite(&path)).await.unwrap();
    store.commit("main", beginning(&alert("a", at(0)))).await.unwrap();
    let before = store.snapshot("main").await.unwrap();
    begin(&store, &path).await;
    let many = || {
        let alerts: Vec<_> = (0..200).map(|number| alert(&format!("c{number}"), at(1))).collect();
        Changes { alerts, ..Changes::default() }
    };
    let error = store.commit("main", many()).await.unwrap_err().to_string();
    assert!(error.contains(words) && error.contains(&*path.to_string_lossy()), "{error}");
    assert_eq!(store.snapshot("main").await.unwrap(), before, "all or nothing");
    end(&store).await;
    store.commit("main", many()).await.unwrap();
    assert_eq!(store.snapshot("main").await.unwrap().alerts.len(), 201);
}

#[tokio::test]
async fn a_full_disk_changes_nothing_and_it_goes_on_when_there_is_room() {
    let pages = async |store: &Store, most: i64| {
        store
            .owner
            .whole(move |db| db.query_row(&format!("PRAGMA max_page_count = {most}"), [], |_| Ok(())))
            .await
            .unwrap();
    };
    let words = "there is no room left for the state";
    fails_and_goes_on(words, async |store, _| pages(store, 1).await, async |store| pages(store, 1_000_000).await).await;
}

#[tokio::test]
async fn a_state_that_somebody_keeps_is_told_and_tried_again() {
    let holder = parking_lot::Mutex::new(None);
    let begin = async |store: &Store, path: &Path| {
        // The wait is short for the test.
        store.owner.whole(|db| db.busy_timeout(std::time::Duration::ZERO)).await.unwrap();
        let db = rusqlite::Connection::open(path).unwrap();
        db.execute_batch("BEGIN IMMEDIATE").unwrap();
        *holder.lock() = Some(db);
    };
    let end = async |_: &Store| drop(holder.lock().take());
    fails_and_goes_on("another program keeps the state", begin, end).await;
}

#[tokio::test]
async fn a_state_that_must_not_be_written_is_told() {
    let only = async |store: &Store, on: bool| {
        store.owner.whole(move |db| db.pragma_update(None, "query_only", on)).await.unwrap();
    };
    let begin = async |store: &Store, _: &Path| only(store, true).await;
    fails_and_goes_on("cannot be written: it, its folder or its disk is read-only", begin, async |store| {
        only(store, false).await;
    })
    .await;
}

#[tokio::test]
async fn after_a_run_the_file_alone_holds_everything() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let firing = alert("c", at(0));
    store.commit("main", beginning(&firing)).await.unwrap();
    store.close().await;
    let copy = folder.path().join("copy.db");
    std::fs::copy(folder.path().join("state.db"), &copy).unwrap();
    assert_eq!(
        Store::open(&StateLocation::sqlite(&copy)).await.unwrap().snapshot("main").await.unwrap().alerts,
        [firing]
    );
}
