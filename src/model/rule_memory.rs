//! What is remembered of the rules, so that files which vanish do not end their alerts at once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The rules that were last in use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleMemory {
    /// The rules' files, by the name of the rule.
    pub files: BTreeMap<String, KnownFile>,
    /// Set while all rules, or most of them, are missing and it is not known whether that is intended.
    pub missing: Option<MissingRules>,
}

/// The file of a rule as it was last in use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownFile {
    /// Its text: the last good version.
    pub text: String,
    /// Since when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_since: Option<Timestamp>,
}

/// Rules that have vanished together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingRules {
    pub since: Timestamp,
    pub names: Vec<String>,
    /// How many rules there were.
    pub of: usize,
    /// Why the folder cannot be read; empty where it can.
    #[serde(default)]
    pub why: String,
}

/// Most names that one message lists.
const LISTED: usize = 8;

impl MissingRules {
    /// What is missing, in an operator's words.
    pub fn message(&self) -> String {
        let listed = self.names.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = self.names.len().saturating_sub(LISTED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let (missing, of) = (self.names.len(), self.of);
        let what = match (missing, of) {
            (1, 1) => "the only rule is missing".to_owned(),
            (2, 2) => "both rules are missing".to_owned(),
            _ if missing == of => format!("all {of} rules are missing"),
            _ => format!("{missing} of {of} rules are missing"),
        };
        let why = &self.why;
        if why.is_empty() {
            format!("{what}: {listed}{more}")
        } else {
            format!("{what}, since their folder cannot be read ({why}): {listed}{more}")
        }
    }
}
