//! What can go wrong with the store, in an operator's words.

use std::{error::Error, io};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened.
    #[error("the state `{place}` cannot be opened: {why}")]
    Open { place: String, why: String },
    /// A file or folder beside it cannot be made.
    #[error("`{place}` cannot be made: {source}")]
    File { place: String, source: io::Error },
    /// A newer version wrote it.
    #[error(
        "the state `{place}` was written by a newer version of pengwatch (format {found}, this one knows {known}); nothing was changed"
    )]
    Newer {
        place: String,
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// Not a store, or a damaged one.
    #[error(
        "the state `{place}` is damaged: {what}; nothing was changed. Restore a backup, or move it away to begin anew"
    )]
    Damaged { place: String, what: String },
    /// Somebody else holds the lock.
    #[error("another pengwatch works on the state `{place}`{}; stop it first, or let this one end", holder.as_ref().map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Locked {
        place: String,
        /// The other process's id, where it is known.
        holder: Option<String>,
    },
    /// The file system has no locks.
    #[error(
        "the file system of the state `{place}` has no locks ({source}), so that nothing keeps two pengwatch apart; put the state on a local disk"
    )]
    NoLocks { place: String, source: io::Error },
    /// The file is gone, and cannot be written back.
    #[error(
        "the state `{place}` is gone and cannot be written back: {why}; nothing is sent until it can, and it is tried every second"
    )]
    Lost { place: String, why: String },
    /// No room is left on the disk.
    #[error(
        "there is no room left for the state `{place}`; nothing was changed. Free some space: it goes on by itself"
    )]
    Full { place: String },
    /// Another process has written for too long.
    #[error("another program keeps the state `{place}` for itself; nothing was changed, and it is tried again")]
    Busy { place: String },
    /// The file, its folder or its disk is read-only.
    #[error("the state `{place}` cannot be written: it, its folder or its disk is read-only; nothing was changed")]
    ReadOnly { place: String },
    /// Reading or writing failed.
    #[error("the state `{place}` failed: {source}")]
    Failed { place: String, source: Box<dyn Error + Send + Sync> },
}
