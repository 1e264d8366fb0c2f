//! Decides whether missing rule files were removed on purpose, or are missing because of a fault of a disk, a volume
//! or a sync.
//!
//! A single missing file counts as removed. Where all files, or most of three or more, go missing within a minute,
//! that counts as a fault until it has lasted for `BELIEVED_AFTER` or a person has confirmed it. The alerts of a
//! removed rule are left alone for that minute, so that the first one is not judged before the others are missed.
//! `enabled = false` in a file is always on purpose, however many files say so; a folder that cannot be read never
//! counts as removed.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::RuleSet;
use crate::model::{MissingRules, RuleMemory, alert::short_hash, rule_memory::KnownFile};

/// The time within which files count as missing together.
pub(crate) const TOGETHER: SignedDuration = SignedDuration::from_mins(1);

/// The time after which missing files count as removed on purpose.
pub(crate) const BELIEVED_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// The decision about rules whose files are missing, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vanished {
    /// Rules whose last good version stays in use.
    pub go_on: Vec<String>,
    /// Rules whose alerts are neither judged nor ended.
    pub left_alone: Vec<String>,
    /// Rules that were missing and now count as removed.
    pub believed: Vec<String>,
}

/// Compares the rules as they were read with the remembered ones, and updates the memory. A file that is missing
/// alone counts as removed after `patience`.
pub(crate) fn judge(set: &RuleSet, memory: &mut RuleMemory, patience: SignedDuration, now: Timestamp) -> Vanished {
    memory.files.retain(|name, _| !set.disabled.contains(name));
    let in_use: BTreeSet<&str> = set.rules.iter().map(|rule| rule.version.file.as_str()).collect();
    // A file that was moved or renamed with the same content is not missing: its alerts continue under the new name.
    memory.files.retain(|name, file| {
        is_there(set, name) || set.is_closed(name) || !in_use.contains(short_hash(&file.text).as_str())
    });
    for (name, file) in &mut memory.files {
        // A rule in a subfolder that cannot be read does not count as missing; if the folder itself cannot be read,
        // all rules do.
        let there = is_there(set, name) || (set.unreadable().is_none() && set.is_closed(name));
        file.gone_since = if there { None } else { Some(file.gone_since.map_or(now, |since| since.min(now))) };
    }
    let before = memory.files.len();
    let new = set.rules.iter().filter(|rule| !memory.files.contains_key(&rule.name)).count();
    let gone = |file: &KnownFile| {
        file.gone_since.is_some_and(|at| memory.missing.is_some() || now.duration_since(at) <= TOGETHER)
    };
    let names: Vec<String> = memory.files.iter().filter(|(_, file)| gone(file)).map(|(name, _)| name.clone()).collect();
    let all = !names.is_empty() && names.len() == before && (new == 0 || before >= 3);
    let most = before >= 3 && names.len() * 2 > before;
    let mut vanished = Vanished::default();
    memory.missing = match memory.missing.take() {
        _ if !all && !most => None,
        missing => {
            let since = missing.map_or(now, |missing| missing.since.min(now));
            let why = set.unreadable().unwrap_or_default().to_owned();
            let lasts = now.duration_since(since) >= BELIEVED_AFTER && why.is_empty();
            (!lasts).then(|| MissingRules { since, names: names.clone(), of: before, why })
        }
    };
    let fault = memory.missing.is_some();
    let believed = |file: &KnownFile| {
        let patience = if all || most { SignedDuration::ZERO } else { patience };
        !fault && file.gone_since.is_some_and(|at| now.duration_since(at) >= patience)
    };
    vanished.believed = memory.files.iter().filter(|(_, file)| believed(file)).map(|(name, _)| name.clone()).collect();
    memory.files.retain(|name, _| !vanished.believed.contains(name));
    for (name, file) in &memory.files {
        if set.is_closed(name) || (fault && file.gone_since.is_some()) {
            vanished.go_on.push(name.clone());
        } else if file.gone_since.is_some() {
            vanished.left_alone.push(name.clone());
        }
    }
    for rule in &set.rules {
        if let Some(source) = set.sources.get(&rule.name) {
            memory.files.insert(rule.name.clone(), KnownFile { text: source.text.clone(), gone_since: None });
        }
    }
    vanished
}

fn is_there(set: &RuleSet, name: &str) -> bool {
    set.get(name).is_some() || set.rejected.iter().any(|rejected| rejected == name)
}

/// Accepts that the missing rules were removed on purpose; returns their names.
pub(crate) fn accept(set: &RuleSet, memory: &mut RuleMemory) -> Vec<String> {
    let gone: Vec<String> =
        memory.files.keys().filter(|name| !is_there(set, name) && !set.disabled.contains(name)).cloned().collect();
    memory.files.retain(|name, _| !gone.contains(name));
    memory.missing = None;
    gone
}
