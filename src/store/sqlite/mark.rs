//! The mark: a file beside the state that says how far the state has come. It stays when a copy replaces the state.
//!
//! It is written after every transaction, without waiting for the disk: after a loss of power it may be behind the
//! state, never ahead of it. It has one use: to notice that a state is older than it was.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::{
    file::{Identity, identity},
    lineage::Lineage,
};
use crate::model::state_location::sibling_path;

/// At most so many bytes of it are read.
const LONGEST: u64 = 1_024;

/// The mark of one state.
#[derive(Debug)]
pub(super) struct Mark {
    path: PathBuf,
    file: Option<File>,
}

impl Mark {
    /// The mark of the state at `path`.
    pub(super) fn of(path: &Path) -> Self {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Self { path: sibling_path(&real, ".mark"), file: None }
    }

    /// The lineage in the mark; `None` if there is no mark that can be read.
    pub(super) fn read(&self) -> Option<Lineage> {
        let mut text = String::new();
        File::open(&self.path).ok()?.take(LONGEST).read_to_string(&mut text).ok()?;
        Lineage::parse(&text)
    }

    pub(super) fn write(&mut self, lineage: &Lineage) {
        if let Err(error) = self.try_to_write(lineage) {
            tracing::debug!(%error, "state.mark_not_written: an older copy would not be known to be one");
            self.file = None;
        }
    }

    fn try_to_write(&mut self, lineage: &Lineage) -> std::io::Result<()> {
        let is_there = |file: &File| Identity::of(file) == identity(&self.path).ok();
        let mut file = match self.file.take().filter(is_there) {
            Some(file) => file,
            None => self.open()?,
        };
        file.seek(SeekFrom::Start(0))?;
        file.write_all(lineage.line().as_bytes())?;
        self.file = Some(file);
        Ok(())
    }

    fn open(&self) -> std::io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_was_written_and_a_torn_one_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut mark = Mark::of(&folder.path().join("state.db"));
        assert_eq!(mark.read(), None);
        let at = "2026-06-12T12:00:00Z".parse().unwrap();
        for commits in [7, 8, 1_000_000] {
            let lineage = Lineage { id: "ab12".to_owned(), commits, at };
            mark.write(&lineage);
            assert_eq!(mark.read(), Some(lineage));
        }
        let text = std::fs::read_to_string(&mark.path).unwrap();
        for torn in ["", "x", &text[..text.len() / 2], &text.replace("1000000", "2000000")] {
            std::fs::write(&mark.path, torn).unwrap();
            assert_eq!(mark.read(), None, "{torn}");
        }
        // Deleted, it is made anew.
        std::fs::remove_file(&mark.path).unwrap();
        mark.write(&Lineage { id: "ab12".to_owned(), commits: 9, at });
        assert_eq!(mark.read().map(|lineage| lineage.commits), Some(9));
    }
}
