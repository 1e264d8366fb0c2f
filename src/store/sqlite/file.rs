//! The one file of a state: how it is opened, and which error a file that cannot be opened causes.

use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    path::Path,
    time::Duration,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::migrations;
use crate::{
    model::state_location::sibling_path,
    store::{StoreError, driver::DriverError},
};

/// How long to wait for another command's short transaction.
const BUSY: Duration = Duration::from_secs(10);

/// Prepared statements that are kept: more than the operations have.
const STATEMENTS: usize = 128;

/// The smallest page of a database, in bytes; every other size is a multiple of it.
const SHORTEST: u64 = 512;

/// A file up to this length, in bytes, is checked when it is opened; that takes about 0.1 s.
const LOOKED_THROUGH: u64 = 64 * 1024 * 1024;

/// Turns an error of SQLite into one that names the state, with a variant of its own where the file is the cause.
pub(super) fn name(path: &Path, source: impl Into<DriverError>) -> StoreError {
    let place = || path.display().to_string();
    let source = source.into();
    match code(&source) {
        Some(ErrorCode::DiskFull) => StoreError::Full { place: place() },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { place: place() },
        Some(ErrorCode::ReadOnly) => StoreError::ReadOnly { place: place() },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged { place: place(), what: source.to_string() }
        }
        _ => StoreError::Failed { place: place(), source: Box::new(source) },
    }
}

/// SQLite's code for an error.
pub(super) fn code(error: &DriverError) -> Option<ErrorCode> {
    match error {
        DriverError::Sqlite(error) => error.sqlite_error_code(),
        DriverError::Unreadable { .. } | DriverError::Unwritable(_) => None,
    }
}

/// The error about a folder where the file belongs.
pub(super) fn is_folder(path: &Path) -> StoreError {
    StoreError::Open { place: path.display().to_string(), why: "it is a folder, not a file".to_owned() }
}

/// SQLite does not say why it cannot open a file; the operating system does.
fn unopened(path: &Path, source: &rusqlite::Error) -> StoreError {
    if path.is_dir() {
        return is_folder(path);
    }
    let why = std::fs::File::open(path).map_or_else(|error| error.to_string(), |_| source.to_string());
    StoreError::Open { place: path.display().to_string(), why }
}

pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    private(path)?;
    check_length(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags).map_err(|source| unopened(path, &source))?;
    check_format(path, &db)?;
    let named = |source| name(path, source);
    db.busy_timeout(BUSY).map_err(named)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    quick_check(path, &db)?;
    // Deleted content is overwritten: it is what customers wrote.
    db.pragma_update(None, "secure_delete", true).map_err(named)?;
    // An older file is rewritten when room is given back; here that would wait for a process that writes.
    if migrations::format(&db).map_err(named)? == 0 {
        db.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(named)?;
    }
    db.pragma_update(None, "journal_mode", "WAL").map_err(named)?;
    db.pragma_update(None, "synchronous", "FULL").map_err(named)?;
    migrations::apply(&mut db).map_err(named)?;
    Ok(db)
}

/// Makes the file if there is none, readable only by its owner: it holds customers' records.
pub(super) fn private(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(StoreError::File { place: path.display().to_string(), source }),
    }
}

fn check_format(path: &Path, db: &Connection) -> Result<(), StoreError> {
    let found = migrations::format(db).map_err(|source| name(path, source))?;
    if found > migrations::newest() {
        return Err(StoreError::Newer { place: path.display().to_string(), found, known: migrations::newest() });
    }
    let tables: u32 = db
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(|source| name(path, source))?;
    if found == 0 && tables > 0 {
        let what = "it is another program's database".to_owned();
        return Err(StoreError::Damaged { place: path.display().to_string(), what });
    }
    Ok(())
}

/// SQLite treats a file that is too short as empty and would overwrite it. It does not report a page that was cut off
/// either, unless a log makes the page whole.
/// The length is read without opening the file: closing it again would release the locks of this process.
fn check_length(path: &Path) -> Result<(), StoreError> {
    match std::fs::metadata(path) {
        Ok(file)
            if file.is_file()
                && ((1..SHORTEST).contains(&file.len())
                    || !(file.len().is_multiple_of(SHORTEST) || sibling_path(path, "-wal").exists())) =>
        {
            let what = format!("{} bytes are not a complete database", file.len());
            Err(StoreError::Damaged { place: path.display().to_string(), what })
        }
        _ => Ok(()),
    }
}

/// Finds damage before anything is written, not when the damaged part happens to be read.
fn quick_check(path: &Path, db: &Connection) -> Result<(), StoreError> {
    if std::fs::metadata(path).is_ok_and(|file| file.len() > LOOKED_THROUGH) {
        return Ok(());
    }
    let found: String =
        db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|source| name(path, source))?;
    if found == "ok" {
        return Ok(());
    }
    // In one line, because an operator may send it on.
    let what = found.split_whitespace().collect::<Vec<_>>().join(" ");
    Err(StoreError::Damaged { place: path.display().to_string(), what })
}

/// Characters that mean something else in a URI; those of a path stay.
const UNSAFE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The file's URI for reading, with or without the log beside it. Without the log SQLite does not make its two files
/// beside the state, which a mere reader would leave there.
pub(super) fn read_only(path: &Path, with_log: bool) -> String {
    let mut address = "file:".to_owned();
    address.extend(percent_encode(path.as_os_str().as_encoded_bytes(), UNSAFE));
    if !with_log {
        address.push_str("?immutable=1");
    }
    address
}

pub(super) fn connect_copy(path: &Path) -> Result<Connection, StoreError> {
    let named = |source| name(path, source);
    let mut db = Connection::open_in_memory().map_err(named)?;
    if path.exists() {
        check_length(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let file = Connection::open_with_flags(read_only(path, sibling_path(path, "-wal").exists()), flags)
            .map_err(|source| unopened(path, &source))?;
        file.busy_timeout(BUSY).map_err(named)?;
        check_format(path, &file)?;
        let backup = rusqlite::backup::Backup::new(&file, &mut db).map_err(named)?;
        backup.run_to_completion(1_000, Duration::ZERO, None).map_err(named)?;
    }
    migrations::apply(&mut db).map_err(named)?;
    Ok(db)
}

/// Identifies a file, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    number: u64,
}

impl Identity {
    /// `None` where the system does not say.
    pub(super) fn of(file: &File) -> Option<Self> {
        file.metadata().ok().map(|found| Self::read(&found))
    }

    #[cfg(unix)]
    pub(super) fn read(found: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device: found.dev(), number: found.ino() }
    }

    /// On these systems a file that is in use can be neither deleted nor replaced.
    #[cfg(not(unix))]
    pub(super) fn read(_: &Metadata) -> Self {
        Self { device: 0, number: 0 }
    }
}

/// The file that has this name now.
pub(super) fn identity(path: &Path) -> io::Result<Identity> {
    std::fs::metadata(path).map(|found| Identity::read(&found))
}
