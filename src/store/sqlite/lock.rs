//! One `run` at a time: a lock that dies with the process.
//!
//! It locks two files: one beside the state, and the state's own. The file beside it still locks while the state is
//! deleted and written back. The state's own file still locks where the other was deleted, and under every name that
//! the state has (a link, another mount). Only Linux keeps a lock on the state's own file apart from SQLite's locks;
//! elsewhere the file beside it is checked before every transaction.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{ErrorKind, Read, Seek, Write},
    path::{Path, PathBuf},
};

use super::file::{self, Identity, identity, private};
use crate::{model::state_location::sibling_path, store::StoreError};

/// Whether a lock of the whole file is independent of SQLite's locks of parts of it.
const APART: bool = cfg!(target_os = "linux");

/// The error codes of systems that cannot lock: `ENOLCK`, `ENOSYS`, `EOPNOTSUPP`.
const WITHOUT_LOCKS: [i32; 3] = [37, 38, 95];

/// The lock of a state; dropping it releases it.
#[derive(Debug)]
pub(super) struct Lock {
    /// The state, by the name in the configuration or on the command line.
    asked: PathBuf,
    /// The state's canonical path.
    path: PathBuf,
    beside: File,
    /// The state's own file. It stays open: closing it would release what SQLite holds of it.
    state: File,
    /// Earlier files of the state that still have a name somewhere.
    former: Vec<File>,
}

impl Lock {
    /// Takes the lock of the state at `path`; makes an empty file if there is none.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another process holds it, [`StoreError::NoLocks`] where the file system has none.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        if path.is_dir() {
            return Err(file::is_folder(path));
        }
        let beside = lock_beside(path, &real(path))?;
        private(path)?;
        let state = lock_state(path, path)?;
        Ok(Self { asked: path.to_owned(), path: real(path), beside, state, former: Vec::new() })
    }

    pub(super) fn asked(&self) -> &Path {
        &self.asked
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn state(&self) -> &File {
        &self.state
    }

    /// Locks a file that is about to become the state, or that was found in its place.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another process holds it.
    pub(super) fn of_another(&self, file: &Path) -> Result<File, StoreError> {
        lock_state(&self.asked, file)
    }

    /// Changes to another file of the state. The former file stays locked while it has a name: it may have been moved,
    /// and somebody may start a run on it.
    pub(super) fn go_over(&mut self, state: File) {
        self.former.push(std::mem::replace(&mut self.state, state));
        self.former.retain(has_a_name);
    }

    /// Makes sure that the file beside the state exists and is locked.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another process holds it and the state's own file cannot be locked as well.
    pub(super) fn renew(&mut self) -> Result<(), StoreError> {
        let place = sibling_path(&self.path, ".lock");
        if identity(&place).is_ok_and(|found| Identity::of(&self.beside).is_some_and(|own| own == found)) {
            return Ok(());
        }
        match lock_beside(&self.asked, &self.path) {
            Ok(file) => self.beside = file,
            // The holder may be a process that is about to find the state's own file locked.
            Err(error @ StoreError::Locked { .. }) if !APART => return Err(error),
            Err(error) => tracing::warn!(%error, "state.lock_missing: the lock beside the state cannot be made anew"),
        }
        Ok(())
    }
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn lock_beside(asked: &Path, real: &Path) -> Result<File, StoreError> {
    let place = sibling_path(real, ".lock");
    let failed = |source| StoreError::File { place: place.display().to_string(), source };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&place).map_err(failed)?;
    lock(asked, &mut file, Some(&place))?;
    // For the message of a second process; the lock itself does not depend on it.
    let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

fn lock_state(asked: &Path, path: &Path) -> Result<File, StoreError> {
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(|source| match source.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly { place: asked.display().to_string() }
        }
        _ => StoreError::Open { place: asked.display().to_string(), why: source.to_string() },
    })?;
    if APART {
        lock(asked, &mut file, None)?;
    }
    Ok(file)
}

/// `named`: the file in which the holder wrote its process id.
fn lock(asked: &Path, file: &mut File, named: Option<&Path>) -> Result<(), StoreError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            if named.is_some() {
                let _ = file.read_to_string(&mut holder);
            }
            let holder = Some(holder.trim().to_owned()).filter(|pid| pid.parse::<u32>().is_ok());
            Err(StoreError::Locked { place: asked.display().to_string(), holder })
        }
        Err(TryLockError::Error(source)) => Err(match source.raw_os_error() {
            Some(code) if WITHOUT_LOCKS.contains(&code) => {
                StoreError::NoLocks { place: asked.display().to_string(), source }
            }
            _ if source.kind() == ErrorKind::Unsupported => {
                StoreError::NoLocks { place: asked.display().to_string(), source }
            }
            _ => StoreError::File { place: named.unwrap_or(asked).display().to_string(), source },
        }),
    }
}

#[cfg(unix)]
fn has_a_name(file: &File) -> bool {
    file.metadata().is_ok_and(|found| std::os::unix::fs::MetadataExt::nlink(&found) > 0)
}

#[cfg(not(unix))]
fn has_a_name(_: &File) -> bool {
    true
}
