//! An admin's mistakes as data: file, place, what is wrong, what would be right.
//!
//! Configuration, rules and templates all report with these; they are drawn in one place
//! ([`draw`]). This room knows nobody else of ours.

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

/// The longest file that an admin edits.
const MAX_BYTES: u64 = 256 * 1024;

/// A file as it was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as it is shown.
    pub path: PathBuf,
    pub text: String,
}

impl Source {
    /// A source behind a pointer, as diagnostics hold it.
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

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It cannot work.
    Error,
    /// It works, but perhaps not as meant.
    Warning,
}

/// One mistake.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Error or warning.
    pub level: Level,
    /// Where; `None` where no file is to blame.
    pub source: Option<Arc<Source>>,
    /// Which bytes of the source.
    pub span: Range<usize>,
    /// What is wrong, one line.
    pub title: String,
    /// What stands under the marked place.
    pub label: String,
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place of a file.
    pub fn error(source: &Arc<Source>, span: Range<usize>, title: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            source: Some(Arc::clone(source)),
            span,
            title: title.into(),
            label: String::new(),
            help: None,
        }
    }

    /// A warning at a place of a file.
    pub fn warning(source: &Arc<Source>, span: Range<usize>, title: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::error(source, span, title) }
    }

    /// An error without a place: a file or folder that cannot be read.
    pub fn bare(title: impl Into<String>) -> Self {
        Self { level: Level::Error, source: None, span: 0..0, title: title.into(), label: String::new(), help: None }
    }

    /// With words under the marked place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// With what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What of the marked place cannot be seen, and makes it wrong where it looks right.
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
        // A name in a title can be any text of the file: it begins no line of its own.
        line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}

/// The text of a file that an admin edits, as [`decode::decode`] reads it.
///
/// # Errors
/// Why it cannot be read, without its name.
pub(crate) fn read_text(path: &Path) -> Result<String, String> {
    read_text_of(path, MAX_BYTES)
}

/// The same, of at most so many bytes.
///
/// # Errors
/// Why it cannot be read, without its name.
pub(crate) fn read_text_of(path: &Path, most: u64) -> Result<String, String> {
    let about = fs::metadata(path).map_err(|error| error.to_string())?;
    if about.is_dir() {
        return Err("it is a folder, not a file".to_owned());
    }
    // A pipe that nobody writes to would never be read to its end.
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
