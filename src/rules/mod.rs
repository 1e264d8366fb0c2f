//! What admins edit: one file a rule, checked before it goes live.
//!
//! Pure but for the loader. [`shape`] is the file as written, [`compile`] makes a [`Rule`] of it and
//! reports every mistake, [`filter`] and [`condition`] decide about a contact. This room knows
//! nothing of how contacts are read or messages sent.

pub mod compile;
pub mod condition;
mod condition_check;
mod condition_depth;
mod condition_types;
pub mod filter;
pub mod load;
pub mod shape;
#[cfg(test)]
mod tests;

pub use condition::{Condition, Scope, Verdict};
pub use filter::Filter;
pub use load::{Known, RuleSet};

use crate::model::alert::short_hash;

/// How much a rule matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should act.
    #[default]
    Warning,
    /// Somebody must act now.
    Critical,
}

impl Severity {
    /// The values of the key `severity`.
    pub const NAMES: [(&'static str, Self); 3] =
        [("info", Self::Info), ("warning", Self::Warning), ("critical", Self::Critical)];

    /// The name in files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// From when a customer counts as waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Since {
    /// From the customer's last message, if the last message is the customer's at first sight.
    #[default]
    Message,
    /// From the moment of first sight.
    Match,
}

impl Since {
    /// The values of the key `since`.
    pub const NAMES: [(&'static str, Self); 2] = [("message", Self::Message), ("match", Self::Match)];
}

/// One `[[notify]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Receivers' names.
    pub to: Vec<String>,
    /// A folder in `templates/`.
    pub template: String,
}

/// One rule, compiled.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The file's name without `.toml`.
    pub name: String,
    /// What it is for, in words.
    pub description: String,
    /// How much it matters.
    pub severity: Severity,
    /// Inboxes it looks at; `None`: all.
    pub inboxes: Option<Vec<String>>,
    /// From when a customer counts as waiting.
    pub since: Since,
    /// What the API is asked for, and what every record is checked against.
    pub filter: Filter,
    /// What must hold besides.
    pub when: Option<Condition>,
    /// Who is told.
    pub notify: Vec<Step>,
}

impl Rule {
    /// Whether the rule looks at this inbox.
    pub fn watches(&self, inbox: &str) -> bool {
        self.inboxes.as_ref().is_none_or(|inboxes| inboxes.iter().any(|name| name == inbox))
    }

    /// Whether the condition can come to hold without the contact changing.
    pub fn looks_at_clock(&self) -> bool {
        self.when.as_ref().is_some_and(Condition::looks_at_clock)
    }

    /// Fingerprint of what decides about a match: text and receivers may change without it.
    pub fn condition(&self) -> String {
        let when = self.when.as_ref().map_or("", Condition::text);
        short_hash(&format!("{when}\n{}", self.filter.fingerprint()))
    }

    /// Whether a record's fields that this rule reads were all understood.
    ///
    /// A field that was not counts as empty, which may look like "no longer matches".
    pub fn trusts(&self, contact: &crate::model::Contact) -> bool {
        contact.doubts.iter().all(|path| {
            let root = path.split('.').next().unwrap_or(path);
            !self.filter.reads(root) && !self.when.as_ref().is_some_and(|when| when.reads(root))
        })
    }
}
