//! One `run` at a time: a lock beside the file that dies with the process.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
};

use super::{StoreError, owner::beside};

/// Held while it lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the state at `path`.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another process holds it.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        if path.is_dir() {
            return Err(StoreError::folder(path));
        }
        // Of the file itself, by whatever name it is reached.
        let beside = beside(&path.canonicalize().unwrap_or_else(|_| path.to_owned()), ".lock");
        let failed = |source| StoreError::File { path: beside.clone(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = Some(holder.trim().to_owned()).filter(|pid| pid.parse::<u32>().is_ok());
                return Err(StoreError::Locked { path: path.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // For the other one's message; the lock itself does not depend on it.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}
