//! Edits while it runs: taken in, refused, and files that are not there for a moment.

use std::collections::BTreeMap;

use super::*;
use crate::model::Names;

const RULE: &str = "[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support']\n";

struct Folder {
    root: tempfile::TempDir,
    sources: Sources,
    shared: Shared,
}

impl Folder {
    fn with(rules: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sources = Sources {
            rules: folder.path().join("rules"),
            templates: folder.path().join("templates"),
            inboxes: vec!["main".to_owned()],
            receivers: vec!["support".to_owned()],
            timezone: TimeZone::UTC,
        };
        fs::create_dir(&sources.rules).unwrap();
        for (name, text) in rules {
            fs::write(sources.rules.join(name), text).unwrap();
        }
        let live = sources.read(&mut Vec::new());
        let shared = Shared::new(live, BTreeMap::new(), TimeZone::UTC, Names::default());
        Self { root: folder, sources, shared }
    }

    fn edit(&self, name: &str, text: &str) -> &Self {
        fs::write(self.sources.rules.join(name), text).unwrap();
        take_in(&self.sources, &self.shared);
        self
    }

    fn in_use(&self) -> Vec<(String, String)> {
        let live = self.shared.live();
        live.rules.rules.iter().map(|rule| (rule.name.clone(), rule.description.clone())).collect()
    }
}

fn pair(name: &str, description: &str) -> (String, String) {
    (name.to_owned(), description.to_owned())
}

#[test]
fn edits_are_taken_in() {
    let folder = Folder::with(&[("a.toml", RULE)]);
    folder.edit("a.toml", &format!("description = 'new'\n{RULE}")).edit("b.toml", RULE);
    assert_eq!(folder.in_use(), [pair("a", "new"), pair("b", "")]);
    folder.edit("a.toml", &format!("enabled = false\n{RULE}"));
    assert_eq!(folder.in_use(), [pair("b", "")]);
    assert_eq!(folder.shared.live().rules.disabled, ["a"]);
    fs::remove_file(folder.sources.rules.join("b.toml")).unwrap();
    take_in(&folder.sources, &folder.shared);
    assert_eq!(folder.in_use(), []);
}

#[test]
fn the_last_good_version_of_a_rule_goes_on() {
    let folder = Folder::with(&[("a.toml", &format!("description = 'good'\n{RULE}"))]);
    folder.edit("a.toml", "descripton = 'bad'").edit("new.toml", "nonsense");
    assert_eq!(folder.in_use(), [pair("a", "good")]);
    // Nothing was known of the other one, so its alerts, if there are any, are left alone.
    assert_eq!(folder.shared.live().rules.rejected, ["new"]);
    folder.edit("a.toml", &format!("description = 'better'\n{RULE}"));
    assert_eq!(folder.in_use(), [pair("a", "better")]);
}

#[test]
fn what_the_files_hold_decides_and_not_when_they_were_written() {
    let folder = Folder::with(&[("a.toml", RULE)]);
    let before = folder.sources.fingerprint();
    fs::write(folder.sources.rules.join("a.toml"), RULE).unwrap();
    fs::write(folder.sources.rules.join(".a.toml.swp"), "an editor's").unwrap();
    assert_eq!(folder.sources.fingerprint(), before);
    for (path, text) in [("rules/a.toml", "#\n"), ("rules/b.toml", ""), ("templates/alert/slack.txt.hbs", "x")] {
        let earlier = folder.sources.fingerprint();
        let path = folder.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        assert_ne!(folder.sources.fingerprint(), earlier);
    }
}

#[test]
fn a_folder_that_is_away_is_no_edit() {
    let folder = Folder::with(&[("a.toml", RULE)]);
    assert!(folder.sources.fingerprint().is_some());
    fs::rename(&folder.sources.rules, folder.root.path().join("away")).unwrap();
    assert_eq!(folder.sources.fingerprint(), None);
}
