//! Who may know whom, held by reading the imports.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Every room, and the rooms that it may know.
const MAY_KNOW: [(&str, &[&str]); 16] = [
    ("model", &[]),
    ("clock", &[]),
    ("net", &["model"]),
    ("diagnose", &[]),
    ("rules", &["model", "diagnose"]),
    ("engine", &["model", "rules"]),
    ("inbox", &["model", "net"]),
    ("render", &["model", "diagnose"]),
    ("receivers", &["model", "net", "diagnose", "config", "render"]),
    ("store", &["model"]),
    ("config", &["model", "diagnose"]),
    (
        "service",
        &["model", "diagnose", "rules", "engine", "inbox", "render", "receivers", "store", "config", "clock", "net"],
    ),
    ("views", &["model", "store", "engine"]),
    ("sandbox", &["model", "clock"]),
    ("web", &["model", "clock", "service", "store"]),
    (
        "cli",
        &[
            "model",
            "diagnose",
            "rules",
            "engine",
            "inbox",
            "render",
            "receivers",
            "store",
            "config",
            "service",
            "views",
            "sandbox",
            "web",
            "clock",
            "net",
        ],
    ),
];

/// Rooms that only decide.
const PURE: [&str; 4] = ["model", "rules", "engine", "diagnose"];

/// What would make them impure.
const IMPURE: [&str; 14] = [
    "tokio",
    "reqwest",
    "rusqlite",
    "axum",
    "lettre",
    "tracing",
    "Timestamp::now",
    "Zoned::now",
    "SystemTime",
    "Instant",
    "std::fs",
    "TcpStream",
    "std::env",
    "std::process",
];

/// Files that read what an admin edits.
const READERS: [&str; 2] = ["rules/folder.rs", "diagnose/mod.rs"];

/// A source file: its path below `src/`, and its text without tests and comments.
pub(crate) struct Source {
    pub path: String,
    whole: String,
    pub code: String,
}

pub(crate) fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    walk(&root, &mut |path| {
        let whole = fs::read_to_string(path).expect("a source");
        let path = path.strip_prefix(&root).expect("below").display().to_string().replace('\\', "/");
        sources.push(Source { code: code(&whole), path, whole });
    });
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(sources.len() > 50, "only {} sources found", sources.len());
    sources
}

fn walk(folder: &Path, found: &mut impl FnMut(&PathBuf)) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found(&path);
        }
    }
}

impl Source {
    fn room(&self) -> &str {
        self.path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    /// As it is called in paths: `rules::condition`.
    fn module(&self) -> String {
        self.path.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::")
    }

    pub(crate) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.ends_with("/testing.rs") || self.path.contains("/tests/")
    }

    /// Every path of ours that it names, as `room::…`.
    fn known(&self) -> BTreeSet<String> {
        let depth = match self.path.strip_suffix("/mod.rs") {
            Some(folder) => folder.split('/').count(),
            None => self.path.split('/').count(),
        };
        let up = format!("{}super::", "super::".repeat(depth.saturating_sub(1)));
        let mut known = BTreeSet::new();
        for root in ["crate::", "pengwatch::", up.as_str()] {
            for (at, _) in self.code.match_indices(root) {
                let before = self.code[..at].chars().next_back();
                // `pub(crate::…)` is no import, and a longer `super::super::…` is found by itself.
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                    continue;
                }
                known.extend(branches(&self.code[at + root.len()..]));
            }
        }
        known
    }
}

/// The code without comments and without what is compiled for tests only.
fn code(whole: &str) -> String {
    let mut code = String::new();
    let mut skipping: Option<i64> = None;
    for line in whole.lines() {
        let line = line.split("//").next().unwrap_or_default();
        if line.trim() == "#[cfg(test)]" {
            skipping = Some(0);
            continue;
        }
        let Some(depth) = skipping.as_mut() else {
            code.push_str(line);
            code.push('\n');
            continue;
        };
        let count = |c: char| i64::try_from(line.matches(c).count()).unwrap_or(0);
        *depth += count('{') - count('}');
        let ends = line.trim_end().ends_with(';') || line.trim_end().ends_with('}');
        if *depth <= 0 && ends {
            skipping = None;
        }
    }
    code
}

/// The first two names of every branch of a path: `a::{b, c::d}` is `a::b` and `a::c`.
fn branches(text: &str) -> Vec<String> {
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let text = text.trim_start();
    if let Some(list) = text.strip_prefix('{') {
        return entries(list).into_iter().flat_map(branches).collect();
    }
    let first = name(text);
    let Some(rest) = text[first.len()..].strip_prefix("::") else { return vec![first] };
    match rest.trim_start().strip_prefix('{') {
        Some(list) => entries(list).into_iter().map(|entry| format!("{first}::{}", name(entry.trim_start()))).collect(),
        None => vec![format!("{first}::{}", name(rest))],
    }
}

/// The entries of a list in braces, up to the brace that closes it.
fn entries(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut entries) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                entries.push(&list[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                entries.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    entries.retain(|entry| !entry.trim().is_empty());
    entries
}

#[test]
fn every_room_knows_only_whom_it_may() {
    let mut strangers = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        if matches!(source.path.as_str(), "main.rs" | "lib.rs") {
            continue;
        }
        let room = source.room();
        let may = MAY_KNOW.iter().find(|(name, _)| *name == room).map(|(_, may)| *may);
        let may = may.unwrap_or_else(|| panic!("{}: who may know whom must say of `{room}`", source.path));
        for known in source.known() {
            let other = known.split("::").next().unwrap_or_default();
            let is_room = MAY_KNOW.iter().any(|(name, _)| *name == other);
            if is_room && other != room && !may.contains(&other) && !may.contains(&known.as_str()) {
                strangers.push(format!("{}: {room} must not know {known}", source.path));
            }
        }
    }
    assert!(strangers.is_empty(), "\n{}", strangers.join("\n"));
}

#[test]
fn the_operations_of_the_store_know_no_database() {
    // Words that only SQLite knows.
    const WORDS: [&str; 11] = [
        "rusqlite::",
        "sqlite::",
        "PRAGMA",
        "INSERT OR",
        "json_each",
        "json_group",
        "rowid",
        "unixepoch",
        "strftime",
        "max(coalesce",
        "sum(state",
    ];
    // They wire the driver and the operations together.
    const WIRED: [&str; 3] = ["store/mod.rs", "store/driver.rs", "store/sqlite.rs"];
    let found: Vec<String> = sources()
        .iter()
        .filter(|source| source.path.starts_with("store/") && !source.path.starts_with("store/sqlite/"))
        .filter(|source| !source.is_test() && !WIRED.contains(&source.path.as_str()))
        .flat_map(|source| {
            WORDS.iter().filter(|word| source.code.contains(*word)).map(|word| format!("{}: {word}", source.path))
        })
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn no_two_files_import_each_other() {
    let sources = sources();
    let files: BTreeMap<String, &Source> = sources
        .iter()
        .filter(|source| !source.is_test() && !matches!(source.path.as_str(), "main.rs" | "lib.rs"))
        .map(|source| (source.module(), source))
        .collect();
    let imports: BTreeMap<&str, Vec<Import>> =
        files.iter().map(|(module, source)| (module.as_str(), imports(module, &source.code))).collect();
    // For a name that a file only passes on, its origin counts.
    let file_of = |path: &str| {
        let mut path = path.to_owned();
        for _ in 0..5 {
            let file = prefixes(&path).find(|prefix| files.contains_key(*prefix))?.to_owned();
            let name = path[file.len()..].trim_start_matches("::").split("::").next().unwrap_or_default();
            match imports[file.as_str()].iter().find(|import| import.passed_on && import.name() == name) {
                Some(import) => path.clone_from(&import.path),
                None => return Some(file),
            }
        }
        None
    };
    let known: BTreeMap<&str, BTreeSet<String>> = imports
        .iter()
        .map(|(module, imports)| (*module, imports.iter().filter_map(|import| file_of(&import.path)).collect()))
        .collect();
    let mutual: Vec<String> = known
        .iter()
        .flat_map(|(one, others)| others.iter().map(move |other| (*one, other)))
        .filter(|(one, other)| *one < other.as_str() && known[other.as_str()].contains(*one))
        .map(|(one, other)| format!("{one} and {other} import each other"))
        .collect();
    assert!(known.values().map(BTreeSet::len).sum::<usize>() > 500, "imports are not found: {known:?}");
    assert!(mutual.is_empty(), "\n{}", mutual.join("\n"));
}

/// An import of a file: its path below `src/`, and whether it is passed on to others.
#[derive(Debug, PartialEq)]
struct Import {
    path: String,
    passed_on: bool,
}

impl Import {
    fn name(&self) -> &str {
        self.path.rsplit("::").next().unwrap_or_default()
    }
}

/// What a module's `use` items name, of ours.
fn imports(module: &str, code: &str) -> Vec<Import> {
    let mut found = Vec::new();
    for item in code.split_inclusive(';') {
        let Some((before, tree)) = item.trim_end_matches(';').rsplit_once("use ") else { continue };
        let before = before.rsplit('\n').next().unwrap_or_default().trim();
        if !before.is_empty() && !before.starts_with("pub") {
            continue;
        }
        for path in spread(tree) {
            let path = path.trim_end_matches("::self");
            let (first, rest) = path.split_once("::").unwrap_or((path, ""));
            let up = path.split("::").take_while(|name| *name == "super").count();
            let path = match first {
                "crate" => rest.to_owned(),
                "self" => format!("{module}::{rest}"),
                "super" => {
                    let above: Vec<&str> = module.split("::").collect();
                    let above = &above[..above.len().saturating_sub(up)];
                    above.iter().copied().chain(path.split("::").skip(up)).collect::<Vec<_>>().join("::")
                }
                _ => format!("{module}::{path}"),
            };
            found.push(Import { path, passed_on: before.starts_with("pub") });
        }
    }
    found
}

/// Every path of a tree: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn spread(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    match tree.split_once('{') {
        Some((root, list)) => {
            entries(list).into_iter().flat_map(spread).map(|path| format!("{}{path}", root.trim())).collect()
        }
        None => vec![tree.split(" as ").next().unwrap_or_default().to_owned()],
    }
}

/// The path, and all paths above it.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once("::").map(|(above, _)| above))
}

#[test]
fn the_binary_knows_the_command_line_only() {
    let main = sources().into_iter().find(|source| source.path == "main.rs").expect("main.rs");
    for known in main.known() {
        let room = known.split("::").next().unwrap_or_default();
        assert!(room == "cli" || known.starts_with("net"), "main.rs knows {known}");
    }
}

#[test]
fn pure_rooms_do_nothing() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let pure = PURE.iter().any(|pure| source.path == *pure || source.path.starts_with(&format!("{pure}/")));
        if !pure {
            continue;
        }
        for word in IMPURE {
            if word == "std::fs" && READERS.contains(&source.path.as_str()) {
                continue;
            }
            let flat = source.code.replace(['\n', ' '], "");
            let grouped = word.split_once("std::").is_some_and(|(_, last)| {
                flat.contains("usestd::{") && branches_of_std(&flat).contains(&last.to_owned())
            });
            if names(&source.code, word) || grouped {
                found.push(format!("{}: {word}", source.path));
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// The modules of `use std::{…}`.
fn branches_of_std(flat: &str) -> Vec<String> {
    flat.match_indices("usestd::")
        .flat_map(|(at, found)| branches(&flat[at + found.len()..]))
        .map(|path| path.split("::").next().unwrap_or_default().to_owned())
        .collect()
}

/// Whether the code has this word as a word of its own.
fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let letter = |c: char| c.is_alphanumeric() || c == '_';
        !code[..at].chars().next_back().is_some_and(letter)
            && !code[at + word.len()..].chars().next().is_some_and(letter)
    })
}

#[test]
fn files_say_what_they_are_for_and_are_no_longer_than_they_must() {
    let mut wrong = Vec::new();
    for source in sources() {
        if !source.whole.starts_with("//! ") {
            wrong.push(format!("{}: begins without a module doc", source.path));
        }
        let doc: String = source.whole.lines().take_while(|line| line.starts_with("//!")).collect();
        let lines = source.whole.lines().count();
        if lines > 400 && !doc.to_lowercase().contains("long") {
            wrong.push(format!("{}: {lines} lines, and the module doc does not say why it is so long", source.path));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn this_test_reads_imports_right() {
    let of = |path: &str, text: &str| {
        let source = Source { path: path.to_owned(), whole: text.to_owned(), code: code(text) };
        source.known().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(
        of("rules/a.rs", "use crate::{\n    model::{Alert, time},\n    store::Store,\n};"),
        ["model::Alert", "model::time", "store::Store"]
    );
    assert_eq!(of("rules/a.rs", "fn f() { crate::store::Store::new(); }"), ["store::Store"]);
    assert_eq!(of("rules/a.rs", "use super::super::store;"), ["store"]);
    assert_eq!(of("rules/mod.rs", "use super::store::Store;"), ["store::Store"]);
    assert_eq!(
        of("rules/a.rs", "// crate::store\n#[cfg(test)]\nmod tests {\n use crate::store;\n}\nuse crate::model;"),
        ["model"]
    );
    assert!(names("use tokio::time;", "tokio") && !names("tokio_util", "tokio"));
    assert_eq!(branches_of_std("usestd::{fs,io::Read};"), ["fs", "io"]);
    let paths = |text: &str| imports("a::b", text).into_iter().map(|import| import.path).collect::<Vec<_>>();
    assert_eq!(
        paths("mod x;\nuse super::{c, d::{self, E}};\npub use self::f::G;"),
        ["a::c", "a::d", "a::d::E", "a::b::f::G"]
    );
    assert_eq!(paths("use crate::h::{I as J};\nuse std::fs;\nlet used = 1;"), ["h::I", "a::b::std::fs"]);
}
