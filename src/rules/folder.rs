//! Finds the rule files of a folder, and the files that look like rules but are not read.

use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use super::mistakes;
use crate::{
    diagnose::{Wording, harmless::is_harmless, read_text},
    model::text::form,
};

/// The deepest nesting of folders that is read; a deeper folder is reported.
const DEEPEST: usize = 16;

/// File endings that people give to rules by mistake: those of other languages, and misspelt ones.
const MISTAKEN: [&str; 12] =
    ["yaml", "yml", "json", "tml", "tom", "tmol", "toml5", "rule", "rules", "conf", "cfg", "hbs"];

/// Lines that only rule files have.
const SIGNS: [&str; 2] = ["[[notify]]", "[filter]"];

/// A file that looks like a rule and is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    pub path: PathBuf,
    /// Why it is not read, and what to do.
    pub why: Wording,
}

/// The rule files of a folder, and what of it is not read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// Rule files, by the rule's name.
    pub rules: BTreeMap<String, PathBuf>,
    /// Files that look like rules and are not read.
    pub unread: Vec<Unread>,
    /// Subfolders that cannot be read: the prefix of their rules' names, and the reason.
    pub closed: Vec<(String, String)>,
}

/// Lists a folder and its subfolders.
///
/// # Errors
/// The reason why the folder itself cannot be read.
pub(crate) fn list(folder: &Path) -> Result<Listing, String> {
    let mut listing = Listing::default();
    let mut visited = HashSet::from([fs::canonicalize(folder).map_err(|error| mistakes::reason(&error))?]);
    let mut waiting = vec![(folder.to_owned(), String::new(), 0)];
    // Links to folders are followed last, so that a folder that is also linked to keeps its own name.
    let mut links = Vec::new();
    while let Some((folder, prefix, depth)) = waiting.pop().or_else(|| links.pop()) {
        if depth > 0 && !visited.insert(fs::canonicalize(&folder).unwrap_or_else(|_| folder.clone())) {
            continue;
        }
        let entries = fs::read_dir(&folder)
            .and_then(Iterator::collect::<io::Result<Vec<_>>>)
            .map_err(|error| mistakes::reason(&error));
        let entries = match entries {
            Ok(entries) => entries,
            Err(why) if depth == 0 => return Err(why),
            Err(why) => {
                listing.closed.push((prefix, why));
                continue;
            }
        };
        let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if is_harmless(&name) {
                continue;
            }
            match fs::metadata(&path) {
                Ok(about) if about.is_dir() && depth >= DEEPEST => {
                    listing.unread.push(Unread { path, why: mistakes::nested_too_deep(DEEPEST) });
                }
                Ok(about) if about.is_dir() => {
                    let to = if path.is_symlink() { &mut links } else { &mut waiting };
                    to.push((path, format!("{prefix}{}/", form(&name)), depth + 1));
                }
                Ok(about) => listing.file(path, &name, &prefix, about.is_file()),
                Err(error) => listing.unread.push(nothing_behind(path, &name, &error)),
            }
        }
    }
    listing.unread.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(listing)
}

fn nothing_behind(path: PathBuf, name: &str, error: &io::Error) -> Unread {
    let is_link = error.kind() == io::ErrorKind::NotFound;
    let why = if is_link { mistakes::dangling_link() } else { mistakes::unreadable(name, error) };
    Unread { path, why }
}

impl Listing {
    fn file(&mut self, path: PathBuf, name: &str, prefix: &str, is_regular: bool) {
        let Some(stem) = name.strip_suffix(".toml").filter(|stem| !stem.is_empty()) else {
            if let Some(why) = looks_like_a_rule(&path, name, is_regular) {
                self.unread.push(Unread { path, why });
            }
            return;
        };
        if !is_regular {
            return self.unread.push(Unread { path, why: mistakes::not_a_regular_file() });
        }
        if path.file_name().is_some_and(|name| name.to_str().is_none()) {
            return self.unread.push(Unread { path, why: mistakes::name_not_utf8() });
        }
        let rule = format!("{prefix}{}", form(stem));
        if let Some(other) = self.rules.get(&rule) {
            let why = mistakes::same_name(&other.display().to_string());
            return self.unread.push(Unread { path, why });
        }
        self.rules.insert(rule, path);
    }
}

/// Returns the mistake for a file that looks like a rule but whose name does not end in `.toml`.
fn looks_like_a_rule(path: &Path, name: &str, is_regular: bool) -> Option<Wording> {
    let lower = name.trim().to_lowercase();
    let ending = lower.rsplit_once('.').map_or("", |(_, ending)| ending);
    if let Some(at) = lower.find(".toml").filter(|at| *at > 0 && is_regular) {
        let stem: String = name.chars().take(lower[..at].chars().count()).collect();
        let right = format!("{}.toml", stem.trim());
        // An editor's or tool's backup of a rule that is still there is ignored.
        let is_backup = ["bak", "orig", "old", "rej", "save", "backup"].contains(&ending)
            || ending.bytes().all(|byte| byte.is_ascii_digit());
        if is_backup && path.with_file_name(&right).exists() {
            return None;
        }
        return Some(mistakes::wrong_ending(&right));
    }
    let looks = MISTAKEN.contains(&ending)
        || (is_regular && read_text(path).is_ok_and(|text| text.lines().any(|line| SIGNS.contains(&line.trim()))));
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    looks.then(|| mistakes::not_in_toml(stem))
}
