//! `pengwatch init`: everything that a user starts from, in files that they own from then on.
//!
//! What exists is never written over, not even by a second `init` at the same moment.

use std::{
    borrow::Cow,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{DEFAULT_CONFIG, Exit, Global, shipped, terminal};
use crate::{
    model::ALERT,
    receivers::{self, KINDS},
};

/// Every key with its default; at the mark stands what the kinds of receivers show of themselves.
const CONFIG: (&str, &str) = (include_str!("init/pengwatch.toml"), "{{kinds}}\n");

/// Writes what is not there yet into `folder`, and says what to do next.
///
/// # Errors
/// What could not be written; what was written before stays.
pub(super) fn init(global: &Global, folder: &Path) -> anyhow::Result<Exit> {
    if global.config != Path::new(DEFAULT_CONFIG) && std::env::var_os("PENGWATCH_CONFIG").is_none() {
        anyhow::bail!("`init` writes {DEFAULT_CONFIG} into a folder: name the folder, not a configuration");
    }
    // The paths are shown as they would be typed.
    let below = if folder == Path::new(".") { Path::new("") } else { folder };
    for (path, text) in files() {
        let path = below.join(path);
        let written = write_new(&path, &text).map_err(|error| {
            anyhow::anyhow!(
                "{} cannot be written: {error}\nwhat was written before stays; `pengwatch init` may simply be run again",
                path.display()
            )
        })?;
        let line = if written { "wrote" } else { "kept " };
        let why = if written { "" } else { ": it exists" };
        terminal::say(&format!("{line} {}{why}", path.display()))?;
    }
    next(global, folder)?;
    Ok(Exit::Fine)
}

/// Every key, with a comment.
fn config() -> String {
    let (text, mark) = CONFIG;
    let examples: Vec<&str> = KINDS.iter().filter_map(|kind| kind.example()).collect();
    text.replace(mark, &(examples.join("\n") + "\n"))
}

/// Paths below the folder, and texts.
fn files() -> Vec<(PathBuf, Cow<'static, str>)> {
    let mut files = vec![(PathBuf::from(DEFAULT_CONFIG), config().into())];
    files.extend(shipped::RULES.map(|(name, text)| (PathBuf::from(format!("rules/{name}.toml")), text.into())));
    let templates = Path::new("templates").join(ALERT);
    files.extend(receivers::built_in_files().map(|(name, text)| (templates.join(name), text.into())));
    files
}

/// Writes a file whole or not at all; `false` if there is something of that name.
fn write_new(path: &Path, text: &str) -> io::Result<bool> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = match fs::File::create_new(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(error),
    };
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a file would be kept by the next `init`. It is ours: it was new.
        let _ = fs::remove_file(path);
    }
    written.map(|()| true)
}

/// The commands to type from here to the first alert.
fn next(global: &Global, folder: &Path) -> io::Result<()> {
    let mut lines = vec![String::new(), "Now type:".to_owned()];
    if folder != Path::new(".") {
        lines.push(format!("  cd {}", quoted(&folder.display().to_string())));
    }
    lines.extend(
        [
            "  export BOTPENGUIN_TOKEN=… SLACK_WEBHOOK_URL=…",
            "  pengwatch check      # every mistake, and what would be right",
            "  pengwatch run        # watches until Ctrl-C; run --dry-run sends nothing",
        ]
        .map(str::to_owned),
    );
    if global.config != Path::new(DEFAULT_CONFIG) {
        let other = global.config.display();
        lines.push(format!("\n$PENGWATCH_CONFIG is set: these commands read {other} until you unset it."));
    }
    for line in lines {
        terminal::say(&line)?;
    }
    Ok(())
}

/// A path as a shell reads it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
    if !path.starts_with('-') && path.chars().all(plain) {
        return path.to_owned();
    }
    let path = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
    format!("'{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
