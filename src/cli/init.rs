//! `pengwatch init`: writes the files that a user starts from and owns from then on.
//!
//! An existing file is never overwritten, not even by a second `init` at the same moment.

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

/// The configuration to start from: every key with its default.
const CONFIG: &str = include_str!("init/pengwatch.toml");

/// The line of it in whose place the kinds of receivers put their lines.
const KINDS_MARK: &str = "{{kinds}}\n";

/// Writes the missing files into `folder`, and says what to do next.
///
/// # Errors
/// A file could not be written. The files written before it stay.
pub(super) fn init(global: &Global, folder: &Path) -> anyhow::Result<Exit> {
    if global.config != Path::new(DEFAULT_CONFIG) && std::env::var_os("PENGWATCH_CONFIG").is_none() {
        anyhow::bail!("`init` writes {DEFAULT_CONFIG} into a folder: name the folder, not a configuration");
    }
    // Paths are shown the way a user types them.
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

fn config() -> String {
    let examples: Vec<&str> = KINDS.iter().filter_map(|kind| kind.example()).collect();
    CONFIG.replace(KINDS_MARK, &(examples.join("\n") + "\n"))
}

/// Each file's path below the folder, and its text.
fn files() -> Vec<(PathBuf, Cow<'static, str>)> {
    let mut files = vec![(PathBuf::from(DEFAULT_CONFIG), config().into())];
    files.extend(shipped::RULES.map(|(name, text)| (PathBuf::from(format!("rules/{name}.toml")), text.into())));
    let templates = Path::new("templates").join(ALERT);
    files.extend(receivers::built_in_files().map(|(name, text)| (templates.join(name), text.into())));
    files
}

/// Writes a file completely or not at all; returns `false` if something with that name exists.
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
        // The next `init` would keep a partial file. Removing it is safe: it was created above.
        let _ = fs::remove_file(path);
    }
    written.map(|()| true)
}

/// Prints the commands to type next, up to the first alert.
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

/// A path, quoted for a shell where necessary.
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
