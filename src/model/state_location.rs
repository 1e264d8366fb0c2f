//! The place where the state is kept.

use std::{
    fmt,
    path::{Path, PathBuf},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateLocation {
    /// The path of the database file.
    Sqlite(PathBuf),
}

/// The file beside `file` with the same name and `ending` behind it.
pub(crate) fn sibling_path(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

impl StateLocation {
    pub fn sqlite(path: impl AsRef<Path>) -> Self {
        Self::Sqlite(path.as_ref().to_owned())
    }

    /// The file that holds it, where it is one.
    pub fn file(&self) -> Option<&Path> {
        let Self::Sqlite(path) = self;
        Some(path)
    }

    /// Its name without the folders: what the watchdog's messages show.
    pub fn short_name(&self) -> String {
        let Self::Sqlite(path) = self;
        path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// As an operator knows it; no secret is part of it.
impl fmt::Display for StateLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Sqlite(path) = self;
        write!(f, "{}", path.display())
    }
}
