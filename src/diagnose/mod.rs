//! Diagnostics: an admin's mistakes as data, with file, place, what is wrong and what would be right.
//!
//! Configuration, rules and templates all report with these; they are drawn in one place
//! ([`draw`]). This room must not know any other room.

pub(crate) mod decode;
pub(crate) mod draw;
pub(crate) mod harmless;
pub(crate) mod nearest;
mod syntax;
pub(crate) mod toml;
pub(crate) mod zones;

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The size limit for files that an admin edits.
const MAX_BYTES: u64 = 256 * 1024;

/// A file as it was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as it is shown in messages.
    pub path: PathBuf,
    pub text: String,
}

impl Source {
    /// Makes a source behind a pointer, as diagnostics hold it.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { path: path.into(), text: text.into() })
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        let before = &self.text[..byte];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// How serious a mistake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The file, or this part of it, cannot be used.
    Error,
    /// The file can be used, but perhaps does not do what was meant.
    Warning,
}

/// The words of a mistake. Those of a room stand together in its `mistakes.rs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// What is wrong, on one line.
    pub what: String,
    /// What would be right.
    pub help: Option<String>,
}

impl Wording {
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), help: None }
    }

    /// The same with what would be right; `None` where nothing is near.
    #[must_use]
    pub fn help(self, help: impl Into<Option<String>>) -> Self {
        Self { help: help.into(), ..self }
    }

    /// The same with what would be right, always.
    #[must_use]
    pub fn instead(self, right: &str) -> Self {
        Self { help: Some(right.to_owned()), ..self }
    }
}

impl From<String> for Wording {
    fn from(what: String) -> Self {
        Self::new(what)
    }
}

impl From<&str> for Wording {
    fn from(what: &str) -> Self {
        Self::new(what)
    }
}

#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub level: Level,
    /// The file with the mistake; `None`: the mistake is not in a file's text.
    pub source: Option<Arc<Source>>,
    /// The place, in bytes of the source.
    pub span: Range<usize>,
    /// What is wrong, on one line.
    pub title: String,
    /// The text under the marked place.
    pub label: String,
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place of a file.
    pub fn error(source: &Arc<Source>, span: Range<usize>, wording: impl Into<Wording>) -> Self {
        Self { source: Some(Arc::clone(source)), span, ..Self::bare(wording) }
    }

    /// A warning at a place of a file.
    pub fn warning(source: &Arc<Source>, span: Range<usize>, wording: impl Into<Wording>) -> Self {
        Self { level: Level::Warning, ..Self::error(source, span, wording) }
    }

    /// An error without a place: a file or folder that cannot be read.
    pub fn bare(wording: impl Into<Wording>) -> Self {
        let Wording { what, help } = wording.into();
        Self { level: Level::Error, source: None, span: 0..0, title: what, label: String::new(), help }
    }

    /// Adds a text under the marked place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A note about an invisible character in the marked place, which looks right and is wrong.
    pub fn unseen(&self) -> Option<String> {
        let source = self.source.as_ref()?;
        let marked = source.text.get(self.span.clone()).unwrap_or_default();
        let (_, name) = decode::first_unseen(marked).or_else(|| decode::first_unseen(&self.title))?;
        (!self.title.contains("cannot be seen"))
            .then(|| format!("a character in it cannot be seen: {name}; type it anew"))
    }

    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }

    /// `FILE:LINE:COLUMN: what is wrong`, on one line, for logs and the watchdog.
    pub fn line(&self) -> String {
        let line = match &self.source {
            Some(source) => {
                let (line, column) = source.position(self.span.start);
                format!("{}:{line}:{column}: {}", source.path.display(), self.title)
            }
            None => self.title.clone(),
        };
        let line = self.unseen().map_or(line.clone(), |unseen| format!("{line}: {unseen}"));
        // A name in a title can be any text of the file, and must not begin a new line.
        line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}

/// The text of a file that an admin edits, as [`decode::decode`] reads it.
///
/// # Errors
/// The reason why it cannot be read, without its name.
pub(crate) fn read_text(path: &Path) -> Result<String, String> {
    read_text_of(path, MAX_BYTES)
}

/// Like [`read_text`], with a size limit of `most` bytes.
///
/// # Errors
/// The reason why it cannot be read, without its name.
pub(crate) fn read_text_of(path: &Path, most: u64) -> Result<String, String> {
    let about = fs::metadata(path).map_err(|error| error.to_string())?;
    if about.is_dir() {
        return Err("it is a folder, not a file".to_owned());
    }
    // Reading a pipe to which nobody writes would never end.
    if !about.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    if about.len() > most {
        return Err(format!("it is larger than {} KiB", most / 1024));
    }
    decode::decode(&fs::read(path).map_err(|error| error.to_string())?)
}

#[cfg(test)]
mod tests {
    use super::{Diagnostic, Source};

    #[test]
    fn a_mistake_is_one_line_whatever_the_file_calls_things() {
        let source = Source::new("rules/a.toml", "\n\"a\\nb\" = 1");
        let mistake = Diagnostic::error(&source, 1..7, "unknown key `a\nb\u{1b}[31m`");
        assert_eq!(mistake.line(), "rules/a.toml:2:1: unknown key `a b [31m`");
        assert_eq!(Diagnostic::bare("there is no folder `a\r\nb`").line(), "there is no folder `a  b`");
    }
}
