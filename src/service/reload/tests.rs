//! Edits at run time: accepted, refused, and files that are missing for a moment or for good.

use std::collections::BTreeMap;

use super::*;
use crate::model::{Names, StateLocation};

const RULE: &str = "[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support']\n";

struct Folder {
    root: tempfile::TempDir,
    sources: Sources,
    shared: Shared,
    memory: Memory,
    now: Timestamp,
}

impl Folder {
    async fn with(rules: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let sources = Sources {
            rules: root.path().join("rules"),
            templates: root.path().join("templates"),
            inboxes: vec!["main".to_owned()],
            receivers: vec!["support".to_owned()],
            timezone: TimeZone::UTC,
        };
        fs::create_dir(&sources.rules).unwrap();
        for (name, text) in rules {
            write(&sources.rules.join(name), text);
        }
        Self::start(root, sources, Mode::Daemon, "2026-06-12T12:00:00Z".parse().unwrap()).await
    }

    /// Starts as a program does, on the present state.
    async fn start(root: tempfile::TempDir, sources: Sources, mode: Mode, now: Timestamp) -> Self {
        let store = Store::open(&StateLocation::sqlite(root.path().join("state.db"))).await.unwrap();
        let mut memory = Memory::of(&store, mode).await.unwrap();
        let mut live = sources.read(&mut Vec::new());
        memory.settle(&sources, &mut live, &RuleSet::default(), now).await;
        let shared = Shared::new(live, BTreeMap::new(), TimeZone::UTC, Names::default());
        Self { root, sources, shared, memory, now }
    }

    async fn restart(self, mode: Mode) -> Self {
        Self::start(self.root, self.sources, mode, self.now).await
    }

    async fn apply_edits(&mut self) {
        apply_edits(&self.sources, &self.shared, &mut self.memory, self.now).await;
    }

    async fn edit(&mut self, name: &str, text: &str) -> &mut Self {
        write(&self.sources.rules.join(name), text);
        self.apply_edits().await;
        self
    }

    async fn remove(&mut self, name: &str) -> &mut Self {
        fs::remove_file(self.sources.rules.join(name)).unwrap();
        self.apply_edits().await;
        self
    }

    /// Lets time pass without another edit.
    async fn later(&mut self, seconds: i64) -> &mut Self {
        self.now += SignedDuration::from_secs(seconds);
        if self.memory.waits() {
            wait_for(&self.sources, &self.shared, &mut self.memory, self.now).await;
        }
        self
    }

    fn in_use(&self) -> Vec<(String, String)> {
        let live = self.shared.live();
        live.rules.rules.iter().map(|rule| (rule.name.clone(), rule.description.clone())).collect()
    }

    fn names(&self) -> Vec<String> {
        self.in_use().into_iter().map(|(name, _)| name).collect()
    }

    /// The rules whose alerts are left alone, and what the watchdog reports.
    fn doubts(&self) -> (Vec<String>, Option<String>) {
        let live = self.shared.live();
        (live.rules.missing.clone(), live.rules.lost.as_ref().map(crate::model::MissingRules::message))
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn pair(name: &str, description: &str) -> (String, String) {
    (name.to_owned(), description.to_owned())
}

fn none() -> (Vec<String>, Option<String>) {
    (Vec::new(), None)
}

/// Rules that differ, so that none counts as another one renamed.
fn different(count: usize) -> Vec<(String, String)> {
    let of = |number: usize| (format!("r{number}.toml"), format!("description = '{number}'\n{RULE}"));
    (1..=count).map(of).collect()
}

async fn folder_of(count: usize) -> Folder {
    let rules = different(count);
    Folder::with(&rules.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>()).await
}

#[tokio::test]
async fn edits_are_taken_in() {
    let mut folder = Folder::with(&[("a.toml", RULE)]).await;
    folder.edit("a.toml", &format!("description = 'new'\n{RULE}")).await.edit("b.toml", RULE).await;
    assert_eq!(folder.in_use(), [pair("a", "new"), pair("b", "")]);
    // A rule that is present and disabled is disabled at once.
    folder.edit("a.toml", &format!("enabled = false\n{RULE}")).await;
    assert_eq!((folder.in_use(), folder.doubts()), (vec![pair("b", "")], none()));
    assert_eq!(folder.shared.live().rules.disabled, ["a"]);
    folder.edit("b.toml", &format!("enabled = false\n# the last one\n{RULE}")).await;
    assert_eq!((folder.in_use(), folder.doubts()), (vec![], none()));
}

#[tokio::test]
async fn the_last_good_version_of_a_rule_goes_on() {
    let mut folder = Folder::with(&[("a.toml", &format!("description = 'good'\n{RULE}"))]).await;
    folder.edit("a.toml", "descripton = 'bad'").await.edit("new.toml", "nonsense").await;
    assert_eq!(folder.in_use(), [pair("a", "good")]);
    // The new rule was never good, so its alerts, if there are any, are left alone.
    assert_eq!(folder.shared.live().rules.rejected, ["new"]);
    // The same after a restart; a one-shot run leaves the alerts alone.
    let folder = folder.restart(Mode::Daemon).await;
    assert_eq!(folder.in_use(), [pair("a", "good")]);
    let folder = folder.restart(Mode::Once).await;
    assert_eq!((folder.names(), folder.shared.live().rules.rejected.len()), (vec![], 2));
    let mut folder = folder.restart(Mode::Daemon).await;
    folder.edit("a.toml", &format!("description = 'better'\n{RULE}")).await;
    assert_eq!(folder.in_use(), [pair("a", "better")]);
}

#[tokio::test]
async fn files_that_are_emptied_go_on_as_they_were() {
    let mut folder = folder_of(3).await;
    for (name, _) in different(3) {
        write(&folder.sources.rules.join(name), "");
    }
    folder.apply_edits().await;
    assert_eq!((folder.names(), folder.doubts()), (vec!["r1".to_owned(), "r2".to_owned(), "r3".to_owned()], none()));
    assert_eq!(folder.shared.live().mistakes.len(), 3);
}

#[tokio::test]
async fn what_the_files_hold_decides_and_not_when_they_were_written() {
    let folder = Folder::with(&[("a.toml", RULE)]).await;
    let before = folder.sources.fingerprint();
    fs::write(folder.sources.rules.join("a.toml"), RULE).unwrap();
    fs::write(folder.sources.rules.join(".a.toml.swp"), "an editor's").unwrap();
    fs::write(folder.sources.rules.join("4913"), "").unwrap();
    assert_eq!(folder.sources.fingerprint(), before);
    for (path, text) in [
        ("rules/a.toml", "#\n"),
        ("rules/b.toml", ""),
        ("rules/team/c.toml", ""),
        ("rules/d.yaml", ""),
        ("templates/alert/slack.txt.hbs", "x"),
    ] {
        let earlier = folder.sources.fingerprint();
        write(&folder.root.path().join(path), text);
        assert_ne!(folder.sources.fingerprint(), earlier, "{path}");
    }
}

#[tokio::test]
async fn one_rule_that_is_removed_is_left_alone_for_a_minute_and_then_over() {
    let mut folder = folder_of(3).await;
    folder.remove("r2.toml").await;
    let left = || (vec!["r2".to_owned()], None);
    assert_eq!((folder.names(), folder.doubts()), (vec!["r1".to_owned(), "r3".to_owned()], left()));
    assert_eq!(folder.later(59).await.doubts(), left());
    assert_eq!(folder.later(1).await.doubts(), none());
    // In a run on a schedule, a removal is believed at once.
    fs::remove_file(folder.sources.rules.join("r1.toml")).unwrap();
    assert_eq!(folder.restart(Mode::Once).await.doubts(), none());
}

#[tokio::test]
async fn all_rules_that_vanish_for_a_moment_go_on() {
    let mut folder = folder_of(2).await;
    let away = folder.root.path().join("away");
    // The folder exists and is empty.
    fs::rename(&folder.sources.rules, &away).unwrap();
    fs::create_dir(&folder.sources.rules).unwrap();
    folder.apply_edits().await;
    let said = Some("both rules are missing: r1, r2".to_owned());
    assert_eq!((folder.names().len(), folder.doubts()), (2, (vec![], said.clone())));
    assert_eq!(folder.later(7).await.names(), ["r1", "r2"]);
    // A restart in between still knows the rules; a run on a schedule leaves their alerts alone.
    let folder = folder.restart(Mode::Daemon).await;
    assert_eq!((folder.in_use(), folder.doubts()), (vec![pair("r1", "1"), pair("r2", "2")], (vec![], said.clone())));
    let folder = folder.restart(Mode::Once).await;
    assert_eq!((folder.names(), folder.doubts()), (vec![], (vec!["r1".to_owned(), "r2".to_owned()], said)));
    let mut folder = folder.restart(Mode::Daemon).await;
    fs::remove_dir(&folder.sources.rules).unwrap();
    fs::rename(&away, &folder.sources.rules).unwrap();
    folder.apply_edits().await;
    assert_eq!((folder.names().len(), folder.doubts()), (2, none()));
}

#[tokio::test]
async fn most_rules_that_vanish_one_after_the_other_go_on() {
    let mut folder = folder_of(5).await;
    folder.remove("r1.toml").await.later(20).await.remove("r2.toml").await;
    assert_eq!((folder.names().len(), folder.doubts().0.len()), (3, 2));
    folder.later(20).await;
    // A backup is not a rule either.
    fs::rename(folder.sources.rules.join("r3.toml"), folder.sources.rules.join("r3.toml.bak")).unwrap();
    folder.apply_edits().await;
    let said = Some("3 of 5 rules are missing: r1, r2, r3".to_owned());
    assert_eq!((folder.names().len(), folder.doubts()), (5, (vec![], said.clone())));
    // Less than most are missing now: they count as removed.
    fs::rename(folder.sources.rules.join("r3.toml.bak"), folder.sources.rules.join("r3.toml")).unwrap();
    folder.apply_edits().await;
    assert_eq!((folder.names(), folder.doubts().1), (vec!["r3".to_owned(), "r4".to_owned(), "r5".to_owned()], None));
    assert_eq!(folder.later(60).await.doubts(), none());
}

#[tokio::test]
async fn rules_that_vanish_slowly_are_removed() {
    let mut folder = folder_of(4).await;
    for name in ["r1.toml", "r2.toml", "r3.toml"] {
        folder.remove(name).await.later(61).await;
        assert_eq!(folder.doubts(), none());
    }
    assert_eq!(folder.names(), ["r4"]);
    // The last rule is all of them.
    folder.remove("r4.toml").await;
    assert_eq!(folder.doubts().1.as_deref(), Some("the only rule is missing: r4"));
}

#[tokio::test]
async fn what_stays_missing_is_believed_or_accepted() {
    for accepted in [false, true] {
        let mut folder = folder_of(3).await;
        fs::remove_dir_all(&folder.sources.rules).unwrap();
        fs::create_dir(&folder.sources.rules).unwrap();
        folder.apply_edits().await;
        assert_eq!(folder.later(599).await.names().len(), 3);
        if accepted {
            let set = folder.sources.read(&mut Vec::new()).rules;
            let gone = folder.memory.store.remember_rules(move |memory| vanish::accept(&set, memory)).await.unwrap();
            assert_eq!(gone, ["r1", "r2", "r3"]);
            folder.later(0).await;
        } else {
            folder.later(1).await;
        }
        assert_eq!((folder.names(), folder.doubts()), (vec![], none()));
        let folder = folder.restart(Mode::Daemon).await;
        assert_eq!((folder.names(), folder.doubts()), (vec![], none()));
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_is_never_an_order() {
    let mut folder = folder_of(1).await;
    fs::rename(&folder.sources.rules, folder.root.path().join("away")).unwrap();
    folder.apply_edits().await;
    let said = "the only rule is missing, since their folder cannot be read (it does not exist): r1";
    assert_eq!((folder.names().len(), folder.doubts().1.as_deref()), (1, Some(said)));
    assert_eq!(folder.later(3_600).await.names(), ["r1"]);
    // A link to nothing is in its place.
    std::os::unix::fs::symlink("nowhere", &folder.sources.rules).unwrap();
    folder.apply_edits().await;
    assert_eq!((folder.names().len(), folder.doubts().1.as_deref()), (1, Some(said)));
    // A file is in its place.
    fs::remove_file(&folder.sources.rules).unwrap();
    fs::write(&folder.sources.rules, "").unwrap();
    folder.apply_edits().await;
    assert_eq!((folder.names().len(), folder.doubts().1.is_some()), (1, true));
    fs::remove_file(&folder.sources.rules).unwrap();
    fs::rename(folder.root.path().join("away"), &folder.sources.rules).unwrap();
    folder.apply_edits().await;
    assert_eq!((folder.names().len(), folder.doubts()), (1, none()));
}

#[tokio::test]
async fn a_rule_that_is_moved_is_not_missing() {
    let mut folder = folder_of(1).await;
    // A move that is seen half done.
    let text = &different(1)[0].1;
    folder.remove("r1.toml").await;
    assert_eq!((folder.names(), folder.doubts().1.is_some()), (vec!["r1".to_owned()], true));
    folder.edit("team/vip.toml", text).await;
    assert_eq!((folder.names(), folder.doubts()), (vec!["team/vip".to_owned()], none()));
}

#[tokio::test]
async fn a_first_start_without_rules_misses_none() {
    let mut folder = Folder::with(&[]).await;
    assert_eq!((folder.names(), folder.doubts()), (vec![], none()));
    folder.edit("a.toml", RULE).await;
    assert_eq!(folder.names(), ["a"]);
}
