//! One thread owns the connection; everybody else sends it work.

use std::{
    fmt::Write,
    fs::OpenOptions,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::{StoreError, migrations};

/// How long to wait for another command's short transaction.
const BUSY: Duration = Duration::from_secs(10);

/// The smallest page of a database, in bytes; every other size is a multiple of it.
const SHORTEST: u64 = 512;

/// A file up to so long, in bytes, is looked through when it is opened: some 0.1 s.
const LOOKED_THROUGH: u64 = 64 * 1024 * 1024;

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

/// Hears the name of every point between two steps that a crash could come between; tests stop the program
/// there. In use it is none.
pub type FaultPoints = Option<Arc<dyn Fn(&'static str) + Send + Sync>>;

/// A handle to the thread; the thread ends with the last handle.
#[derive(Clone)]
pub struct Owner {
    path: Arc<PathBuf>,
    work: mpsc::UnboundedSender<Work>,
    points: FaultPoints,
}

impl Owner {
    /// Opens the file, or a copy of it in memory.
    pub async fn open(path: &Path, copy: bool) -> Result<Self, StoreError> {
        let path = Arc::new(path.to_owned());
        let (work, mut inbound) = mpsc::unbounded_channel::<Work>();
        let (opened, open) = oneshot::channel();
        let own = Arc::clone(&path);
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            let opening = if copy { connect_copy(&own) } else { connect(&own) };
            match opening {
                Ok(mut db) => {
                    let _ = opened.send(Ok(()));
                    while let Some(work) = inbound.blocking_recv() {
                        work(&mut db);
                    }
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            }
        });
        thread.map_err(|source| StoreError::File { path: path.to_path_buf(), source })?;
        open.await.unwrap_or_else(|_| Err(gone(&path)))?;
        Ok(Self { path, work, points: None })
    }

    /// Tells of its fault points.
    pub fn with_fault_points(self, points: FaultPoints) -> Self {
        Self { points, ..self }
    }

    /// Runs a reading.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        // One transaction, so that several queries see one state.
        self.run(move |db| {
            let transaction = db.transaction()?;
            let result = work(&transaction)?;
            transaction.finish()?;
            Ok(result)
        })
        .await
    }

    /// Runs a transaction that is on disk when this returns.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let points = self.points.clone();
        self.run(move |db| transact(db, &points, work)).await
    }

    /// Runs a transaction soon, before whatever is asked for after it. It survives the process, not
    /// the machine; a failure is logged only.
    pub fn write_soon(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static) {
        let lightly = move |db: &mut Connection| {
            db.pragma_update(None, "synchronous", "NORMAL")?;
            let result = transact(db, &None, work);
            db.pragma_update(None, "synchronous", "FULL")?;
            result
        };
        let path = Arc::clone(&self.path);
        // Where the thread is gone, the next reading says so.
        let _ = self.work.send(Box::new(move |db| {
            if let Err(error) = lightly(db) {
                tracing::warn!(error = %name(&path, error), "store.request_not_remembered");
            }
        }));
    }

    /// Moves the write-ahead log into the file. Where somebody else reads it, the log stays, which is
    /// as safe.
    pub async fn checkpoint(&self) {
        let moved = self.run(|db| db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))).await;
        if let Err(error) = moved {
            tracing::debug!(%error, "store.log_not_moved");
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (done, result) = oneshot::channel();
        let sent = self.work.send(Box::new(move |db| {
            let _ = done.send(work(db));
        }));
        sent.map_err(|_| gone(&self.path))?;
        result.await.map_err(|_| gone(&self.path))?.map_err(|source| name(&self.path, source))
    }
}

fn transact<T>(
    db: &mut Connection,
    points: &FaultPoints,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let at = |point| points.iter().for_each(|hear| hear(point));
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    at("transaction.began");
    let result = work(&transaction)?;
    at("transaction.written");
    transaction.commit()?;
    at("transaction.committed");
    Ok(result)
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Owner({})", self.path.display())
    }
}

fn gone(path: &Path) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), what: "its thread has ended".to_owned() }
}

/// An error of SQLite, told apart where the file itself is to blame.
fn name(path: &Path, source: rusqlite::Error) -> StoreError {
    let path_of = || path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full { path: path_of() },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { path: path_of() },
        Some(ErrorCode::ReadOnly) => StoreError::ReadOnly { path: path_of() },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged { path: path.to_owned(), what: source.to_string() }
        }
        _ => StoreError::Failed { path: path.to_owned(), source },
    }
}

/// SQLite says only that it is unable; the system knows why.
fn unopened(path: &Path, source: &rusqlite::Error) -> StoreError {
    if path.is_dir() {
        return StoreError::folder(path);
    }
    let why = std::fs::File::open(path).map_or_else(|error| error.to_string(), |_| source.to_string());
    StoreError::Open { path: path.to_owned(), why }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    private(path)?;
    check_length(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags).map_err(|source| unopened(path, &source))?;
    check_format(path, &db)?;
    let named = |source| name(path, source);
    db.busy_timeout(BUSY).map_err(named)?;
    look_through(path, &db)?;
    db.pragma_update(None, "journal_mode", "WAL").map_err(named)?;
    db.pragma_update(None, "synchronous", "FULL").map_err(named)?;
    migrations::apply(&mut db).map_err(named)?;
    Ok(db)
}

/// Makes the file so that only its owner can read it: it holds customers' records.
fn private(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(StoreError::File { path: path.to_owned(), source }),
    }
}

fn check_format(path: &Path, db: &Connection) -> Result<(), StoreError> {
    let found = migrations::format(db).map_err(|source| name(path, source))?;
    if found > migrations::newest() {
        return Err(StoreError::Newer { path: path.to_owned(), found, known: migrations::newest() });
    }
    let tables: u32 = db
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(|source| name(path, source))?;
    if found == 0 && tables > 0 {
        let what = "it is another program's database".to_owned();
        return Err(StoreError::Damaged { path: path.to_owned(), what });
    }
    Ok(())
}

/// SQLite takes a file that is too short to hold anything for an empty one, and would write over it; of a page
/// that was cut it says nothing, where no log makes it whole.
/// Asked without opening it: closing it again would release the locks of this process.
fn check_length(path: &Path) -> Result<(), StoreError> {
    match std::fs::metadata(path) {
        Ok(file)
            if file.is_file()
                && ((1..SHORTEST).contains(&file.len())
                    || !(file.len().is_multiple_of(SHORTEST) || beside(path, "-wal").exists())) =>
        {
            let what = format!("{} bytes are no whole database", file.len());
            Err(StoreError::Damaged { path: path.to_owned(), what })
        }
        _ => Ok(()),
    }
}

/// Damage is told before anything is written, not when it happens to be read.
fn look_through(path: &Path, db: &Connection) -> Result<(), StoreError> {
    if std::fs::metadata(path).is_ok_and(|file| file.len() > LOOKED_THROUGH) {
        return Ok(());
    }
    let found: String =
        db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|source| name(path, source))?;
    if found == "ok" {
        return Ok(());
    }
    // In one line, as an operator may send it on.
    let what = found.split_whitespace().collect::<Vec<_>>().join(" ");
    Err(StoreError::Damaged { path: path.to_owned(), what })
}

pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The file's address for reading. A file that nobody has open is read without the two files that
/// SQLite would make beside it and, as a mere reader, leave there.
fn read_only(path: &Path) -> String {
    let mut address = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => address.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => address.push(char::from(*byte)),
            byte => {
                let _ = write!(address, "%{byte:02X}");
            }
        }
    }
    if !beside(path, "-wal").exists() {
        address.push_str("?immutable=1");
    }
    address
}

fn connect_copy(path: &Path) -> Result<Connection, StoreError> {
    let named = |source| name(path, source);
    let mut db = Connection::open_in_memory().map_err(named)?;
    if path.exists() {
        check_length(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let file = Connection::open_with_flags(read_only(path), flags).map_err(|source| unopened(path, &source))?;
        file.busy_timeout(BUSY).map_err(named)?;
        check_format(path, &file)?;
        let backup = rusqlite::backup::Backup::new(&file, &mut db).map_err(named)?;
        backup.run_to_completion(1_000, Duration::ZERO, None).map_err(named)?;
    }
    migrations::apply(&mut db).map_err(named)?;
    Ok(db)
}
