//! Finds the rule files of a folder, and the files that look like rules but are not read.

use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    diagnose::{harmless::is_harmless, read_text},
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
    /// Why it is not read.
    pub why: String,
    pub help: String,
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
    let mut visited = HashSet::from([fs::canonicalize(folder).map_err(|error| reason(&error))?]);
    let mut waiting = vec![(folder.to_owned(), String::new(), 0)];
    // Links to folders are followed last, so that a folder that is also linked to keeps its own name.
    let mut links = Vec::new();
    while let Some((folder, prefix, depth)) = waiting.pop().or_else(|| links.pop()) {
        if depth > 0 && !visited.insert(fs::canonicalize(&folder).unwrap_or_else(|_| folder.clone())) {
            continue;
        }
        let entries =
            fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(|error| reason(&error));
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
                    let why = format!("it is nested in more than {DEEPEST} folders");
                    listing.unread.push(Unread { path, why, help: "move its rules up".to_owned() });
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

/// The reason why a folder cannot be read, worded for the admin.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::NotADirectory => "it is not a folder".to_owned(),
        _ => error.to_string(),
    }
}

fn nothing_behind(path: PathBuf, name: &str, error: &io::Error) -> Unread {
    if error.kind() == io::ErrorKind::NotFound {
        let why = "it is a link to something that is not there".to_owned();
        return Unread { path, why, help: "correct the link, or remove it".to_owned() };
    }
    let why = format!("it cannot be read: {error}");
    Unread { path, why, help: format!("correct or remove `{name}`") }
}

impl Listing {
    fn file(&mut self, path: PathBuf, name: &str, prefix: &str, is_regular: bool) {
        let Some(stem) = name.strip_suffix(".toml").filter(|stem| !stem.is_empty()) else {
            if let Some((why, help)) = looks_like_a_rule(&path, name, is_regular) {
                self.unread.push(Unread { path, why, help });
            }
            return;
        };
        if !is_regular {
            let (why, help) = ("it is not a regular file".to_owned(), "a rule is a text file".to_owned());
            return self.unread.push(Unread { path, why, help });
        }
        if path.file_name().is_some_and(|name| name.to_str().is_none()) {
            let why = "its name is not UTF-8 text".to_owned();
            return self.unread.push(Unread { path, why, help: "rename it".to_owned() });
        }
        let rule = format!("{prefix}{}", form(stem));
        if let Some(other) = self.rules.get(&rule) {
            let why = format!("`{}` has the same name in another spelling of its letters", other.display());
            let help = "one of the two is enough: remove it, or rename it".to_owned();
            return self.unread.push(Unread { path, why, help });
        }
        self.rules.insert(rule, path);
    }
}

/// Returns the reason and the help for a file that looks like a rule but whose name does not end in `.toml`.
fn looks_like_a_rule(path: &Path, name: &str, is_regular: bool) -> Option<(String, String)> {
    let lower = name.trim().to_lowercase();
    let ending = lower.rsplit_once('.').map_or("", |(_, ending)| ending);
    let ends = "the name of a rule's file ends in `.toml`".to_owned();
    if let Some(at) = lower.find(".toml").filter(|at| *at > 0 && is_regular) {
        let stem: String = name.chars().take(lower[..at].chars().count()).collect();
        let right = format!("{}.toml", stem.trim());
        // An editor's or tool's backup of a rule that is still there is ignored.
        let is_backup = ["bak", "orig", "old", "rej", "save", "backup"].contains(&ending)
            || ending.bytes().all(|byte| byte.is_ascii_digit());
        if is_backup && path.with_file_name(&right).exists() {
            return None;
        }
        return Some((ends, format!("rename it to `{right}`, or move it out of the folder")));
    }
    let looks = MISTAKEN.contains(&ending)
        || (is_regular && read_text(path).is_ok_and(|text| text.lines().any(|line| SIGNS.contains(&line.trim()))));
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    looks.then(|| (ends, format!("write it in TOML as `{stem}.toml`, or move it out of the folder")))
}
