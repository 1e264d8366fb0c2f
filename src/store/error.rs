//! What can go wrong with the store, in an operator's words.

use std::{io, path::PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened.
    #[error("the state `{}` cannot be opened: {why}", path.display())]
    Open { path: PathBuf, why: String },
    /// A file or folder beside it cannot be made.
    #[error("`{}` cannot be made: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// A newer version wrote it.
    #[error("the state `{}` was written by a newer version of pengwatch (format {found}, this one knows {known}); nothing was changed", path.display())]
    Newer {
        path: PathBuf,
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// Not a store, or a damaged one.
    #[error("the state `{}` is damaged: {what}; nothing was changed. Restore a backup, or move it away to begin anew", path.display())]
    Damaged { path: PathBuf, what: String },
    /// Somebody else holds the lock.
    #[error("another pengwatch works on the state `{}`{}; stop it first, or let this one end", path.display(), holder.as_ref().map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Locked {
        path: PathBuf,
        /// The other process's id, where it is known.
        holder: Option<String>,
    },
    /// The file system has no locks.
    #[error("the file system of the state `{}` has no locks ({source}), so that nothing keeps two pengwatch apart; put the state on a local disk", path.display())]
    NoLocks { path: PathBuf, source: io::Error },
    /// The file is gone, and cannot be written back.
    #[error("the state `{}` is gone and cannot be written back: {why}; nothing is sent until it can, and it is tried every second", path.display())]
    Lost { path: PathBuf, why: String },
    /// No room is left on the disk.
    #[error("there is no room left for the state `{}`; nothing was changed. Free some space: it goes on by itself", path.display())]
    Full { path: PathBuf },
    /// Another process has written for too long.
    #[error("another program keeps the state `{}` for itself; nothing was changed, and it is tried again", path.display())]
    Busy { path: PathBuf },
    /// The file, its folder or its disk is read-only.
    #[error("the state `{}` cannot be written: it, its folder or its disk is read-only; nothing was changed", path.display())]
    ReadOnly { path: PathBuf },
    /// Reading or writing failed.
    #[error("the state `{}` failed: {source}", path.display())]
    Failed { path: PathBuf, source: rusqlite::Error },
}
