//! Checks that the state is still in its place while a `run` works on it, and puts it back.
//!
//! The run's own state is newer than any file that is found in its place. The run takes its state from the open file
//! where that was deleted or replaced, and from memory where the file itself was written over. The file is long because
//! every way in which a state can be lost stands beside what is done about it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{
    file::{Identity, code, connect, identity, name, private, read_only},
    lineage::{self, Lineage},
    lock::Lock,
    migrations,
    mirror::{self, Mirror},
};
use crate::{
    model::{Found, Loss, state_location::sibling_path},
    store::{
        StoreError,
        driver::{Done, DriverError},
    },
};

/// How long to wait before the state is put back again after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// A file that is set aside has the state's name, this, and the time.
const ASIDE: &str = ".replaced-";

/// A file that is being written has the state's name and this until it is complete.
const NEW: &str = ".new";

/// The first bytes of every SQLite database.
const BEGINNING: &[u8; 16] = b"SQLite format 3\0";

/// The files in the place of the state at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    file: Option<(Identity, u64, Option<SystemTime>)>,
    log: Option<Identity>,
    index: Option<Identity>,
}

/// The place of a state that a run works on.
pub(super) struct StatePlace {
    lock: Lock,
    mirror: Mirror,
    seen: Seen,
    version: i64,
    /// Why and when putting it back failed last.
    failed: Option<(String, Instant)>,
}

/// What was found in the place of the state.
struct Stranger {
    found: Found,
    /// The path under which it is kept, if it is.
    kept: Option<PathBuf>,
    lineage: Option<Lineage>,
}

impl StatePlace {
    /// `lock`: the lock of the state; `db`: its open connection.
    pub(super) fn of(lock: Lock, db: &mut Connection) -> Result<Self, StoreError> {
        // A run that was killed while it wrote the state back leaves this.
        forget(&sibling_path(lock.path(), NEW));
        let named = |source| name(lock.asked(), source);
        let mirror = Mirror::of(db, lock.path()).map_err(named)?;
        let version = version(db).map_err(named)?;
        let seen = see(lock.path()).map_err(|source| unseen(&lock, &source))?;
        Ok(Self { lock, mirror, seen, version, failed: None })
    }

    /// Puts the state back if it is not in its place; returns how it was lost then.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another process works on the file that is there now; otherwise the reason why the
    /// state cannot be put back.
    pub(super) fn look(&mut self, db: &mut Connection) -> Result<Option<Loss>, StoreError> {
        let seen = see(self.lock.path()).map_err(|source| unseen(&self.lock, &source))?;
        if seen == self.seen {
            self.failed = None;
            self.lock.renew()?;
            if version(db).is_ok_and(|version| version != self.version) {
                self.read_anew(db)?;
            }
            return Ok(None);
        }
        if let Some((why, at)) = &self.failed
            && at.elapsed() < PAUSE
        {
            return Err(StoreError::Lost { place: self.lock.asked().display().to_string(), why: why.clone() });
        }
        let done = self.put_back(db, seen);
        self.failed = match &done {
            Ok(_) | Err(StoreError::Locked { .. }) => None,
            Err(StoreError::Lost { why, .. }) => Some((why.clone(), Instant::now())),
            Err(error) => Some((error.to_string(), Instant::now())),
        };
        done
    }

    /// To be called after a transaction or a checkpoint.
    pub(super) fn written(&mut self, db: &Connection) {
        // If this fails, the next look that compares finds the difference.
        if let Err(error) = self.mirror.take_in(db) {
            tracing::debug!(%error, "state.not_followed");
        }
        let now = see(self.lock.path());
        // If the file is another one now, the next look handles it.
        if let Ok(now) = now
            && which(now) == which(self.seen)
        {
            self.seen = now;
        }
    }

    /// To be called after a rewrite of the file: rows may have other numbers.
    pub(super) fn rewritten(&mut self, db: &Connection) {
        if let Err(error) = self.read_anew(db) {
            tracing::debug!(%error, "state.not_followed");
        }
        self.written(db);
    }

    fn read_anew(&mut self, db: &Connection) -> Result<(), StoreError> {
        let named = |source| name(self.lock.asked(), source);
        self.mirror.read_anew(self.lock.path()).map_err(named)?;
        self.version = version(db).map_err(named)?;
        Ok(())
    }

    fn put_back(&mut self, db: &mut Connection, seen: Seen) -> Result<Option<Loss>, StoreError> {
        let path = self.lock.path().to_owned();
        let own = self.seen.file.map(|(own, ..)| own);
        match seen.file.map(|(found, ..)| found) {
            None => self.write_back(db, &path, &Stranger { found: Found::Deleted, kept: None, lineage: None }, false),
            Some(found) if Some(found) != own => {
                let locked = match path.is_file().then(|| self.lock.of_another(&path)).transpose() {
                    // The process that works on it has the state now.
                    Err(error @ StoreError::Locked { .. }) => return Err(error),
                    locked => locked.ok().flatten(),
                };
                let log = identity(&sibling_path(&path, "-wal")).ok().filter(|log| Some(*log) != self.seen.log);
                let stranger = locked.as_ref().and_then(|_| look_at(&path, log.is_some()));
                let newest = lineage::of(db).map_err(|source| name(self.lock.asked(), source))?;
                if let Some(locked) = locked
                    && stranger.as_ref().is_some_and(|one| one.id == newest.id && one.commits >= newest.commits)
                {
                    // The same state, rewritten by somebody.
                    self.go_over(db, locked)?;
                    return Ok(None);
                }
                let stranger = self.set_aside(&path, stranger, &newest, false)?;
                self.write_back(db, &path, &stranger, false)
            }
            Some(_) if which(seen) != which(self.seen) && seen.file == self.seen.file => {
                let stranger = Stranger { found: Found::Deleted, kept: None, lineage: None };
                self.write_back(db, &path, &stranger, false)
            }
            Some(_) => {
                // Somebody wrote into the file: another program's checkpoint, or foreign content.
                let same = which(seen) == which(self.seen) && is_database(self.lock.state());
                let others = version(db).is_ok_and(|version| version != self.version);
                if same && self.mirror.is_like(&path, others) {
                    self.seen = seen;
                    if others {
                        self.read_anew(db)?;
                    }
                    return Ok(None);
                }
                let newest = lineage::of(self.mirror.db()).map_err(|source| name(self.lock.asked(), source))?;
                let stranger = self.set_aside(&path, None, &newest, true)?;
                self.write_back(db, &path, &stranger, true)
            }
        }
    }

    /// Keeps the found file under another name, because somebody may need it. `copy`: copies it from the open file.
    fn set_aside(
        &self,
        path: &Path,
        known: Option<Lineage>,
        newest: &Lineage,
        copy: bool,
    ) -> Result<Stranger, StoreError> {
        let failed = |source: io::Error| self.lost(&source);
        let now = lineage::now(self.mirror.db()).map_err(|source| name(self.lock.asked(), source))?;
        let aside = sibling_path(path, &format!("{ASIDE}{}", now.strftime("%Y%m%dT%H%M%SZ")));
        let is_empty = fs::metadata(path).is_ok_and(|found| found.len() == 0);
        let mut lineage = known;
        if copy && !is_empty {
            private(&aside)?;
            let mut to = OpenOptions::new().write(true).open(&aside).map_err(failed)?;
            copy_open(self.lock.state(), &mut to).map_err(failed)?;
            lineage = look_at(&aside, false);
        } else if !is_empty {
            fs::rename(path, &aside).map_err(failed)?;
            // A copy's own log belongs to the copy.
            let log = sibling_path(path, "-wal");
            if identity(&log).ok() != self.seen.log {
                let _ = fs::rename(&log, sibling_path(&aside, "-wal"));
            }
        }
        let found = match &lineage {
            Some(one) if one.id == newest.id => Found::OlderWhileRunning,
            _ => Found::Replaced,
        };
        Ok(Stranger { found, kept: (!is_empty).then_some(aside), lineage })
    }

    /// Writes the state to a new file and puts that in place. `from_memory`: the open file is not usable.
    fn write_back(
        &mut self,
        db: &mut Connection,
        path: &Path,
        stranger: &Stranger,
        from_memory: bool,
    ) -> Result<Option<Loss>, StoreError> {
        let asked = self.lock.asked().to_owned();
        let named = |source| name(&asked, source);
        if let Some(folder) = path.parent() {
            make_folder(folder).map_err(|source| self.lost(&source))?;
        }
        self.lock.renew()?;
        let new = sibling_path(path, NEW);
        let written = if from_memory { Err(None) } else { write_whole(db, &new).map_err(Some) };
        let (newest, from_memory) = match written {
            Ok(newest) => (newest, false),
            // The open file may not be usable either.
            Err(None) => (write_whole(self.mirror.db(), &new).map_err(named)?, true),
            Err(Some(error)) if is_damage(&error) => (write_whole(self.mirror.db(), &new).map_err(named)?, true),
            Err(Some(error)) => return Err(named(error)),
        };
        let kept = stranger.kept.as_ref().filter(|_| stranger.found == Found::OlderWhileRunning);
        let history = from_memory && kept.is_none_or(|kept| take_history(&new, kept).is_err());
        let loss = Loss {
            copy_at: stranger.lineage.as_ref().filter(|_| kept.is_some()).map(|one| one.at),
            newest_at: Some(newest.at),
            kept: stranger.kept.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()),
            without_history: history,
            ..Loss::new(stranger.found, lineage::now(self.mirror.db()).map_err(|source| name(&asked, source))?)
        };
        finish(&new, &loss).map_err(named)?;
        let locked = self.lock.of_another(&new)?;
        locked.sync_all().map_err(|source| self.lost(&source))?;
        // SQLite must not take the former file's log for the new file's.
        for ending in ["-wal", "-shm"] {
            forget(&sibling_path(path, ending));
        }
        put(&new, path, stranger.found == Found::Deleted && is_missing(path)).map_err(|source| self.lost(&source))?;
        self.go_over(db, locked)?;
        Ok(Some(loss))
    }

    /// Works on the file that is in place now, which is locked already.
    fn go_over(&mut self, db: &mut Connection, locked: File) -> Result<(), StoreError> {
        let path = self.lock.path().to_owned();
        let mut fresh = connect(&path)?;
        let named = |source| name(&path, source);
        self.mirror.follow(&mut fresh, &path).map_err(named)?;
        self.version = version(&fresh).map_err(named)?;
        *db = fresh;
        self.lock.go_over(locked);
        self.seen = see(&path).map_err(|source| unseen(&self.lock, &source))?;
        Ok(())
    }

    fn lost(&self, source: &io::Error) -> StoreError {
        StoreError::Lost { place: self.lock.asked().display().to_string(), why: source.to_string() }
    }
}

fn is_missing(path: &Path) -> bool {
    identity(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Removes files that were set aside before `before`: they hold what customers wrote.
pub(super) fn forget_aside(path: &Path, before: Timestamp) {
    let Ok(path) = path.canonicalize() else { return };
    let Some((folder, own)) = path.parent().zip(path.file_name()) else { return };
    let beginning = format!("{}{ASIDE}", own.to_string_lossy());
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_old = entry
            .metadata()
            .and_then(|found| found.modified())
            .ok()
            .and_then(|at| Timestamp::try_from(at).ok())
            .is_some_and(|at| at < before);
        if entry.file_name().to_string_lossy().starts_with(&beginning) && is_old {
            forget(&entry.path());
        }
    }
}

fn unseen(lock: &Lock, source: &io::Error) -> StoreError {
    StoreError::Lost {
        place: lock.asked().display().to_string(),
        why: format!("its place cannot be looked at: {source}"),
    }
}

fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("PRAGMA data_version", [], |row| row.get(0))
}

fn see(path: &Path) -> io::Result<Seen> {
    let maybe = |path: &Path| match fs::metadata(path) {
        Ok(found) => Ok(Some((Identity::read(&found), found.len(), found.modified().ok()))),
        // If a folder on the way is a file now, nothing is there.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    };
    let only = |ending: &str| Ok::<_, io::Error>(maybe(&sibling_path(path, ending))?.map(|(found, ..)| found));
    Ok(Seen { file: maybe(path)?, log: only("-wal")?, index: only("-shm")? })
}

/// The identities of these files, whatever their content.
fn which(seen: Seen) -> (Option<Identity>, Option<Identity>, Option<Identity>) {
    (seen.file.map(|(own, ..)| own), seen.log, seen.index)
}

/// The lineage of a file that nobody has open; `None` if it is not a state. `with_log`: the log beside it is its own.
fn look_at(path: &Path, with_log: bool) -> Option<Lineage> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let db = Connection::open_with_flags(read_only(path, with_log), flags).ok()?;
    lineage::of(&db).ok()
}

/// Whether an open file begins as a database does. This must not read more: the log may hold all of its content.
fn is_database(mut file: &File) -> bool {
    let mut beginning = [0; BEGINNING.len()];
    file.seek(SeekFrom::Start(0)).and_then(|_| file.read_exact(&mut beginning)).is_ok() && beginning == *BEGINNING
}

/// Writes everything that a connection knows to a new file, or nothing; returns its lineage.
fn write_whole(db: &Connection, new: &Path) -> Done<Lineage> {
    let write = || {
        forget(new);
        // If this fails, SQLite reports the reason.
        let _ = private(new);
        let newest = lineage::of(db)?;
        db.execute("VACUUM INTO ?1", [new.to_string_lossy()])?;
        Ok(newest)
    };
    // On a full disk half a file only takes up room.
    write().inspect_err(|_| forget(new))
}

fn is_damage(error: &DriverError) -> bool {
    let damage = [ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase, ErrorCode::SystemIoFailure];
    code(error).is_some_and(|code| damage.contains(&code))
}

/// Copies the history from an older copy, which has most of it; the mirror in memory has none.
fn take_history(new: &Path, copy: &Path) -> rusqlite::Result<()> {
    let mut db = Connection::open(new)?;
    db.pragma_update(None, "secure_delete", true)?;
    mirror::beside(&mut db, copy, |db| {
        if db.query_row("PRAGMA beside.user_version", [], |row| row.get::<_, u32>(0))? != migrations::newest() {
            return Err(rusqlite::Error::InvalidQuery);
        }
        let transaction = db.transaction()?;
        for sql in [
            "INSERT OR IGNORE INTO main.history SELECT * FROM beside.history",
            "INSERT OR IGNORE INTO main.alert SELECT * FROM beside.alert WHERE resolved_at IS NOT NULL \
             AND id NOT IN (SELECT alert FROM beside.notification WHERE state = 'owed')",
            "INSERT OR IGNORE INTO main.message SELECT * FROM beside.message WHERE state NOT IN ('due', 'dead')",
            "INSERT OR IGNORE INTO main.notification SELECT * FROM beside.notification n WHERE n.state <> 'owed' \
             AND n.alert IN (SELECT id FROM main.alert)",
        ] {
            transaction.execute(sql, [])?;
        }
        transaction.commit()
    })
}

/// Stores in the new file how the state was lost.
fn finish(new: &Path, loss: &Loss) -> Done<()> {
    let db = Connection::open(new)?;
    db.pragma_update(None, "synchronous", "FULL")?;
    lineage::lose(&db, loss, 0)
}

/// Moves the new file into its place. `is_free`: nothing is there, so no file of somebody else may be overwritten.
fn put(new: &Path, path: &Path, is_free: bool) -> io::Result<()> {
    if is_free && fs::hard_link(new, path).is_ok() {
        fs::remove_file(new)?;
    } else {
        fs::rename(new, path)?;
    }
    if let Some(Ok(folder)) = path.parent().map(File::open) {
        // Not every system can sync a folder.
        drop(folder.sync_all());
    }
    Ok(())
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

fn forget(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != ErrorKind::NotFound
    {
        tracing::debug!(%error, "state.not_removed");
    }
}

/// Copies an open file without opening it again: closing that would release SQLite's locks on it.
fn copy_open(mut from: &File, to: &mut File) -> io::Result<()> {
    from.seek(SeekFrom::Start(0))?;
    io::copy(&mut from, to).map(drop)
}
