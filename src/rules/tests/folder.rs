//! Tests of the folder of rules: which files are rules, which look like rules, and which are ignored.

use std::{fs, os::unix::fs::symlink, path::Path};

use crate::rules::{Known, folder::list, load::load};

const RULE: &str = "[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support']\n";

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    list(folder).unwrap().rules.into_keys().collect()
}

/// The files that look like rules but are not read, each with reason and help.
fn unread(folder: &Path) -> Vec<(String, String)> {
    let listing = list(folder).unwrap();
    let name = |path: &Path| path.strip_prefix(folder).unwrap().display().to_string();
    listing
        .unread
        .into_iter()
        .map(|file| (name(&file.path), format!("{}: {}", file.why.what, file.why.help.unwrap())))
        .collect()
}

#[test]
fn rules_lie_in_subfolders_and_what_is_hidden_is_skipped_at_every_depth() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for name in [
        "a.toml",
        "team/vip.toml",
        "team/night/late.toml",
        ".git/hooks.toml",
        "team/.old/b.toml",
        "team/.b.toml",
        "team/.b.toml.swp",
        "a.toml~",
        "#a.toml#",
        "4913",
        "Thumbs.db",
        ".DS_Store",
        "README.md",
        ".gitkeep",
        "team/README",
        "team/desktop.ini",
    ] {
        write(folder, name, RULE);
    }
    assert_eq!(names(folder), ["a", "team/night/late", "team/vip"]);
    assert_eq!(unread(folder), []);
}

#[test]
fn a_link_is_followed_once() {
    let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = root.path();
    write(folder, "vip/a.toml", RULE);
    write(other.path(), "b.toml", RULE);
    symlink(other.path(), folder.join("elsewhere")).unwrap();
    symlink(other.path().join("b.toml"), folder.join("linked.toml")).unwrap();
    // Links in circles, and links to folders that are read under their own names.
    symlink(folder, folder.join("vip/loop")).unwrap();
    symlink("..", folder.join("vip/up")).unwrap();
    symlink("vip", folder.join("also-vip")).unwrap();
    symlink(other.path(), folder.join("elsewhere-too")).unwrap();
    assert_eq!(names(folder).len(), 3, "{:?}", names(folder));
    assert!(names(folder).contains(&"linked".to_owned()) && names(folder).contains(&"vip/a".to_owned()));
    assert_eq!(unread(folder), []);
    // Links that lead nowhere are reported, whether a file or a folder was meant.
    symlink("nothing.toml", folder.join("gone.toml")).unwrap();
    symlink("/nowhere/team", folder.join("team")).unwrap();
    symlink("circle.toml", folder.join("circle.toml")).unwrap();
    let nowhere = "it is a link to something that is not there: correct the link, or remove it";
    let named = unread(folder);
    assert_eq!(named.len(), 3, "{named:?}");
    assert!(named[0].0 == "circle.toml" && named[0].1.starts_with("it cannot be read: "), "{named:?}");
    assert_eq!(named[1..], [("gone.toml".to_owned(), nowhere.to_owned()), ("team".to_owned(), nowhere.to_owned())]);
}

#[test]
fn a_mounted_config_map_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "..2026_11_24_08_00/a.toml", RULE);
    write(folder, "..2026_11_24_08_00/team/b.toml", RULE);
    symlink("..2026_11_24_08_00", folder.join("..data")).unwrap();
    symlink("..data/a.toml", folder.join("a.toml")).unwrap();
    symlink("..data/team", folder.join("team")).unwrap();
    assert_eq!((names(folder), unread(folder)), (vec!["a".to_owned(), "team/b".to_owned()], vec![]));
}

#[test]
fn files_that_look_like_rules_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, text) in [
        ("a.toml", RULE),
        // Backups of a file that is still there.
        ("a.toml.bak", RULE),
        ("a.toml.orig", RULE),
        ("a.toml.1", RULE),
        // Files that do not look like a rule by name or content.
        ("notes", "buy milk"),
        ("data.csv", "a,b"),
        ("night.TOML", ""),
        ("team/second.toml.txt", ""),
        ("x.yaml", ""),
        ("y.json", ""),
        ("b.toml.bak", RULE),
        ("c.toml ", RULE),
        ("d.tml", ""),
        ("no-ending", RULE),
        ("off.disabled", RULE),
        ("e.toml.disabled", RULE),
    ] {
        write(folder, name, text);
    }
    fs::create_dir(folder.join("empty.toml")).unwrap();
    let ends = "the name of a rule's file ends in `.toml`";
    let rename = |to: &str| format!("{ends}: rename it to `{to}.toml`, or move it out of the folder");
    let rewrite = |to: &str| format!("{ends}: write it in TOML as `{to}.toml`, or move it out of the folder");
    let named: Vec<(String, String)> = [
        ("b.toml.bak", rename("b")),
        ("c.toml ", rename("c")),
        ("d.tml", rewrite("d")),
        ("e.toml.disabled", rename("e")),
        ("night.TOML", rename("night")),
        ("no-ending", rewrite("no-ending")),
        ("off.disabled", rewrite("off")),
        ("team/second.toml.txt", rename("second")),
        ("x.yaml", rewrite("x")),
        ("y.json", rewrite("y")),
    ]
    .map(|(file, why)| (file.to_owned(), why))
    .to_vec();
    assert_eq!(unread(folder), named);
}

#[test]
fn a_pipe_is_named_and_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe.toml")).status();
    if made.is_ok_and(|made| made.success()) {
        let why = "it is not a regular file: a rule is a text file".to_owned();
        assert_eq!(unread(folder.path()), [("pipe.toml".to_owned(), why)]);
    }
}

#[test]
fn two_forms_of_one_name_are_one_rule() {
    let folder = tempfile::tempdir().unwrap();
    // The form in which macOS saves a name, and the form in which it is typed.
    write(folder.path(), "cafe\u{301}/u\u{308}ber.toml", RULE);
    assert_eq!(names(folder.path()), ["caf\u{e9}/\u{fc}ber"]);
    write(folder.path(), "cafe\u{301}/\u{fc}ber.toml", RULE);
    assert_eq!(names(folder.path()), ["caf\u{e9}/\u{fc}ber"]);
    let [(_, why)] = unread(folder.path()).try_into().unwrap();
    assert!(why.contains("has the same name in another spelling of its letters"), "{why}");
}

#[test]
fn a_subfolder_that_cannot_be_read_leaves_its_rules_alone() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a.toml", RULE);
    write(root.path(), "team/b.toml", RULE);
    let receivers = ["support".to_owned()];
    let known = Known { receivers: &receivers, ..Known::default() };
    let mut set = load(root.path(), &known, &mut Vec::new());
    assert!(!set.leaves_alone("team/b") && set.unreadable().is_none());
    set.rules.retain(|rule| rule.name == "a");
    set.closed = vec![("team/".to_owned(), "permission denied".to_owned())];
    assert!(set.leaves_alone("team/b") && !set.leaves_alone("other") && set.unreadable().is_none());
}

#[test]
fn a_copy_of_a_rule_is_warned_of() {
    let said = |second: &str| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a.toml", RULE);
        write(folder.path(), "b.toml", second);
        let receivers = ["support", "leads"].map(str::to_owned);
        let inboxes = ["main", "second"].map(str::to_owned);
        let known = Known { receivers: &receivers, inboxes: &inboxes, ..Known::default() };
        let mut found = Vec::new();
        load(folder.path(), &known, &mut found);
        found.iter().map(|one| one.title.clone()).collect::<Vec<_>>()
    };
    let copy = ["the rule `b` is a copy of `a`"];
    assert_eq!(said(RULE), copy);
    // Another description, another time, another comment.
    assert_eq!(said(&format!("# again\ndescription = 'b'\nfor = '5m'\n{RULE}")), copy);
    assert_eq!(said(&format!("inboxes = ['second']\n{RULE}")), copy);
    for other in [
        RULE.replace("user", "agent"),
        RULE.replace("support", "leads"),
        format!("when = 'unreadMessages > 0'\n{RULE}"),
        format!("enabled = false\n{RULE}"),
    ] {
        assert_eq!(said(&other), Vec::<String>::new(), "{other}");
    }
}
