//! Reads the folder of rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use super::{
    Rule,
    compile::{Compiled, compile},
    folder::{Listing, Unread, list},
    known::Known,
    mistakes,
};
use crate::{
    diagnose::{Diagnostic, Level, Source, read_text},
    model::MissingRules,
};

/// The rules of a folder, and the files and folders that could not be used.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// The rules in use, ordered by name.
    pub rules: Vec<Arc<Rule>>,
    /// Names of rules whose files have mistakes; their running alerts are neither judged nor ended.
    pub rejected: Vec<String>,
    /// Names of disabled rules.
    pub disabled: Vec<String>,
    /// Names of rules whose files are missing, as long as it is not known whether they were removed on purpose; their
    /// running alerts are neither judged nor ended.
    pub missing: Vec<String>,
    /// Set while all rules, or most of them, are missing.
    pub lost: Option<MissingRules>,
    /// Names of rules with mistakes, each with its first mistake as one line.
    pub mistakes: Vec<(String, String)>,
    /// Files that look like rules and are not read.
    pub unread: Vec<Unread>,
    /// The rule files that could be read, by the rule's name.
    pub sources: BTreeMap<String, Arc<Source>>,
    /// Folders that cannot be read: the prefix of their rules' names (empty for the folder itself), and the reason.
    pub closed: Vec<(String, String)>,
}

impl RuleSet {
    /// The rule of this name, if it is in use.
    pub fn get(&self, name: &str) -> Option<&Arc<Rule>> {
        self.rules.iter().find(|rule| rule.name == name)
    }

    /// The rules that watch this inbox.
    pub fn of_inbox(&self, inbox: &str) -> Vec<Arc<Rule>> {
        self.rules.iter().filter(|rule| rule.watches(inbox)).cloned().collect()
    }

    /// Whether a rule that is not in use may still be meant to run. Its alerts are neither judged nor ended.
    pub fn leaves_alone(&self, name: &str) -> bool {
        let is_named = |names: &[String]| names.iter().any(|known| known == name);
        is_named(&self.rejected) || is_named(&self.missing) || self.is_closed(name)
    }

    /// Whether the file of a rule of this name would lie in a folder that cannot be read.
    pub fn is_closed(&self, name: &str) -> bool {
        self.get(name).is_none() && self.closed.iter().any(|(prefix, _)| name.starts_with(prefix.as_str()))
    }

    /// The reason why the folder itself cannot be read.
    pub fn unreadable(&self) -> Option<&str> {
        self.closed.iter().find(|(prefix, _)| prefix.is_empty()).map(|(_, why)| why.as_str())
    }
}

/// Reads every `*.toml` of `folder` and its subfolders; mistakes are added to `found`.
pub(crate) fn load(folder: &Path, known: &Known<'_>, found: &mut Vec<Diagnostic>) -> RuleSet {
    let mut set = RuleSet::default();
    let listing =
        list(folder).unwrap_or_else(|why| Listing { closed: vec![(String::new(), why)], ..Listing::default() });
    for (prefix, why) in &listing.closed {
        let path = folder.join(prefix.trim_end_matches('/'));
        let path = if prefix.is_empty() { folder } else { &path };
        let path = path.display().to_string();
        found.push(Diagnostic::bare(if prefix.is_empty() {
            mistakes::folder_unreadable(&path, why)
        } else {
            mistakes::subfolder_unreadable(&path, why)
        }));
    }
    let mut sources = BTreeMap::new();
    for (name, path) in listing.rules {
        let before = found.len();
        let compiled = match read_text(&path) {
            Ok(text) => {
                let source = Source::new(&path, text);
                sources.insert(name.clone(), Arc::clone(&source));
                compile(&name, &source, known, found)
            }
            Err(reason) => {
                found.push(Diagnostic::bare(mistakes::rule_unreadable(&path.display().to_string(), &reason)));
                Compiled::Rejected
            }
        };
        match compiled {
            Compiled::Rule(rule) => set.rules.push(Arc::from(rule)),
            Compiled::Disabled => set.disabled.push(name),
            Compiled::Rejected => {
                let first = found[before..].iter().find(|one| one.is_error()).map(Diagnostic::line);
                set.mistakes.push((name.clone(), first.unwrap_or_else(|| "it cannot be read".to_owned())));
                set.rejected.push(name);
            }
        }
    }
    for unread in &listing.unread {
        let wording = mistakes::not_read(&unread.path.display().to_string(), &unread.why);
        found.push(Diagnostic { level: Level::Warning, ..Diagnostic::bare(wording) });
    }
    set.sources = sources;
    copies(&set, found);
    (set.closed, set.unread) = (listing.closed, listing.unread);
    set
}

/// Warns of rules that notify the same receivers about the same customers: each receiver would be notified twice.
fn copies(set: &RuleSet, found: &mut Vec<Diagnostic>) {
    for (at, rule) in set.rules.iter().enumerate() {
        let Some(first) = set.rules[..at].iter().find(|first| is_copy(first, rule)) else { continue };
        let Some(source) = set.sources.get(&rule.name) else { continue };
        let mistake = Diagnostic::warning(source, 0..0, mistakes::copy_of(&rule.name, &first.name));
        found.push(mistake.label("same filter, condition and receivers"));
    }
}

fn is_copy(one: &Rule, other: &Rule) -> bool {
    let receivers = |rule: &Rule| -> BTreeSet<String> { rule.notify.iter().flat_map(|step| step.to.clone()).collect() };
    let share_an_inbox = match (&one.inboxes, &other.inboxes) {
        (Some(ones), Some(others)) => ones.iter().any(|inbox| others.contains(inbox)),
        _ => true,
    };
    one.version.condition == other.version.condition && share_an_inbox && receivers(one) == receivers(other)
}
