//! The configuration to start from: it has every key, its defaults are the real ones, and it has no mistakes.

use std::{collections::BTreeSet, fs, path::Path};

use serde::de::DeserializeOwned;

use super::{config, files, quoted, write_new};
use crate::{
    config::{
        load::Secrets,
        shape::{ConfigFile, ReceiverTable},
    },
    receivers::{Config, KINDS, load_config},
};

/// Keys that are shown with their default; every other commented-out key is an example.
const DEFAULTS: [&str; 16] = [
    "state",
    "rules",
    "templates",
    "timezone",
    "retention",
    "deadline",
    "url",
    "poll_every",
    "sweep_every",
    "requests_per_minute",
    "timeout",
    "group",
    "max_listed",
    "give_up_after",
    "privacy",
    "template",
];

fn env(name: &str) -> String {
    match name {
        "SMTP_URL" => "smtps://user:password@mail.example.com:465".to_owned(),
        "OPS_WEBHOOK_SECRET" => "whsec_aHVudGVyMndlYmhvb2tzaWduaW5nc2VjcmV0MTI=".to_owned(),
        name if name.ends_with("_URL") => "https://hooks.example.com/services/a".to_owned(),
        _ => "made-up".to_owned(),
    }
}

/// The configuration parsed from a text, and the titles of its mistakes and warnings.
fn read(text: &str) -> (Config, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pengwatch.toml");
    fs::write(&path, text).unwrap();
    for below in ["rules", "templates"] {
        fs::create_dir(folder.path().join(below)).unwrap();
    }
    let mut found = Vec::new();
    let mut config =
        load_config(&path, Secrets::Needed, &|name: &str| Some(env(name)), &mut found).expect("a configuration");
    // The folders differ from test to test.
    for path in [&mut config.path, &mut config.rules, &mut config.templates] {
        *path = path.strip_prefix(folder.path()).unwrap().to_owned();
    }
    let crate::model::StateLocation::Sqlite(state) = &mut config.state;
    *state = state.strip_prefix(folder.path()).unwrap().to_owned();
    (config, found.into_iter().map(|mistake| mistake.title).collect())
}

/// The text with the "#" removed from the lines with a key or a table that `wanted` accepts.
fn uncommented(wanted: impl Fn(&str) -> bool) -> String {
    let whole = config();
    let lines = whole.lines().map(|line| match line.strip_prefix('#') {
        Some(shown) if !shown.is_empty() && !shown.starts_with(' ') && wanted(shown) => shown,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The key of a line like `key = value`.
fn key(line: &str) -> &str {
    line.split(" = ").next().unwrap_or_default()
}

#[test]
fn as_it_is_it_has_no_mistake() {
    let (config, found) = read(&config());
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(config.receiver_names, ["leads", "support"]);
}

#[test]
fn every_default_that_it_shows_is_the_default() {
    let (written, found) = read(&uncommented(|line| DEFAULTS.contains(&key(line)) && !line.contains("_URL")));
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(format!("{written:?}"), format!("{:?}", read(&config()).0));
    for key in DEFAULTS {
        assert!(config().contains(&format!("\n#{key} = ")), "{key}");
    }
    assert!(config().contains(&format!("#url = \"{}\"", crate::config::DEFAULT_URL)));
}

#[test]
fn every_example_may_be_used() {
    let all = uncommented(|_| true).replace("[receiver.leads]\ntype = \"console\"\n", "");
    let (config, found) = read(&all);
    assert_eq!(config.receiver_names, ["leads", "ops", "support"]);
    assert!(found.iter().all(|title| title.contains("no effect")), "{found:?}");
}

#[test]
fn every_key_is_in_it() {
    /// The allowed keys of a table, read from serde's error about an unknown one.
    fn known<T: DeserializeOwned>(table: &str) -> Vec<String> {
        let error = toml::from_str::<T>(&format!("{table}\nno-such-key = 1")).err().expect("an unknown key");
        let expected = error.message().split("expected").nth(1).expect("the known keys").to_owned();
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }
    let tables = ["", "[inbox.x]", "[watchdog]", "[server]", "[names]", "[names.agents.x]"];
    let mut keys: Vec<(&str, String)> =
        tables.iter().flat_map(|table| known::<ConfigFile>(table).into_iter().map(move |key| (*table, key))).collect();
    keys.extend(known::<ReceiverTable>("").into_iter().map(|key| ("[receiver.x]", key)));
    for kind in KINDS {
        keys.extend(kind.keys().iter().map(|key| (kind.name(), key.name.to_owned())));
        assert!(config().contains(&format!("\"{}\"", kind.name())), "{}", kind.name());
    }
    let mut missing = BTreeSet::new();
    for (table, key) in keys {
        let shown = ["\n", "\n#"].iter().any(|begin| {
            config().contains(&format!("{begin}{key} = ")) || config().contains(&format!("{begin}[{key}"))
        });
        if !shown && !config().contains(&format!("{{ {key} = ")) && !config().contains(&format!(", {key} = ")) {
            missing.insert(format!("{table} {key}"));
        }
    }
    assert_eq!(missing, BTreeSet::new());
}

#[test]
fn every_template_of_the_folder_is_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/alert");
    for file in fs::read_dir(folder).unwrap() {
        let name = Path::new("templates/alert").join(file.unwrap().file_name());
        assert!(files().iter().any(|(path, _)| *path == name), "{}", name.display());
    }
}

#[test]
fn nothing_that_exists_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b.toml");
    assert!(write_new(&path, "one").unwrap());
    assert!(!write_new(&path, "two").unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), "one");
    let nowhere = folder.path().join("link");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.path().join("target"), &nowhere).unwrap();
        assert!(!write_new(&nowhere, "two").unwrap(), "not through a link either");
        assert!(!folder.path().join("target").exists());
    }
}

#[test]
fn paths_are_quoted_for_the_shell() {
    for (path, shown) in [
        ("shop", "shop"),
        ("/srv/a-b_c.d", "/srv/a-b_c.d"),
        ("my shop", "'my shop'"),
        ("it's", r"'it'\''s'"),
        ("-x", "'./-x'"),
    ] {
        assert_eq!(quoted(path), shown);
    }
}
