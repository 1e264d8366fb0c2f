//! One rule, compiled: what it looks for, when it fires, and who is told.

use jiff::{SignedDuration, Timestamp};

use super::{Condition, Hours, hours::Count};
use crate::model::{Filter, RuleVersion, alert::short_hash, time};

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

/// More repeats than anybody lives to read.
const MOST_REPEATS: u32 = 1_000_000;

/// What counts as an acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AckOn {
    /// An agent is assigned.
    Assigned,
    /// The conversation gets this status.
    Status(String),
}

/// One `[[notify]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Receivers' names.
    pub to: Vec<String>,
    /// A folder in `templates/`.
    pub template: String,
    /// Due when so much has passed since the customer began to wait, and it fires.
    pub after: SignedDuration,
    /// The pause before a further message.
    pub repeat: Option<SignedDuration>,
    /// By how much the pause grows each time; at least 1.
    pub repeat_factor: f64,
    /// How many further messages there are at most.
    pub repeat_limit: Option<u32>,
}

impl Step {
    /// By which an edited rule's step is known again.
    pub fn fingerprint(&self) -> String {
        short_hash(&format!("{:?} {:?}", self.to, self.after))
    }

    /// How many repeats fall into this long after the first message, however many are sent.
    pub fn repeats_within(&self, elapsed: SignedDuration) -> u32 {
        let Some(repeat) = self.repeat.filter(|repeat| *repeat > SignedDuration::ZERO) else { return 0 };
        if self.repeat_factor <= 1.0 {
            return u32::try_from(elapsed.as_nanos().max(0) / repeat.as_nanos()).unwrap_or(u32::MAX);
        }
        let (mut at, mut pause, mut count) = (0.0, repeat.as_secs_f64(), 0);
        while at + pause <= elapsed.as_secs_f64() && count < MOST_REPEATS {
            at += pause;
            pause *= self.repeat_factor;
            count += 1;
        }
        count
    }

    /// How long after the first message the repeat of this number falls due, from 1.
    pub fn repeat_at(&self, number: u32) -> SignedDuration {
        let repeat = self.repeat.unwrap_or_default();
        if self.repeat_factor <= 1.0 {
            return repeat.saturating_mul(i32::try_from(number).unwrap_or(i32::MAX));
        }
        let (mut at, mut pause) = (0.0, repeat.as_secs_f64());
        for _ in 0..number {
            at += pause;
            pause *= self.repeat_factor;
        }
        SignedDuration::try_from_secs_f64(at).unwrap_or(SignedDuration::MAX)
    }
}

/// One rule, compiled.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The file's name without `.toml`.
    pub name: String,
    /// Fingerprints of what an edit can change.
    pub edition: RuleVersion,
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
    /// How long the customer must have waited before it fires.
    pub r#for: SignedDuration,
    /// How long it goes on firing after it no longer matches.
    pub keep_firing_for: SignedDuration,
    /// Whether the end is told.
    pub resolved: bool,
    /// What counts as an acknowledgement.
    pub ack_on: Vec<AckOn>,
    /// When people are told; `None`: always.
    pub hours: Option<Hours>,
    /// Who is told, and when.
    pub notify: Vec<Step>,
}

impl Rule {
    /// Whether the rule looks at this inbox.
    pub fn watches(&self, inbox: &str) -> bool {
        self.inboxes.as_ref().is_none_or(|inboxes| inboxes.iter().any(|name| name == inbox))
    }

    /// Whether it is within the rule's hours.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.hours.as_ref().is_none_or(|hours| hours.is_open(at))
    }

    /// How much time has passed by the rule's clock, never negative.
    pub fn elapsed(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        match &self.hours {
            Some(hours) if hours.count == Count::Business => hours.open_between(from, to),
            _ => time::elapsed(from, to),
        }
    }

    /// When so much time has passed by the rule's clock; in business time `None` where it is not open
    /// long enough within a year.
    pub fn after(&self, from: Timestamp, duration: SignedDuration) -> Option<Timestamp> {
        match &self.hours {
            Some(hours) if hours.count == Count::Business && duration > SignedDuration::ZERO => {
                hours.after_open(from, duration)
            }
            _ => from.checked_add(duration).ok(),
        }
    }

    /// Fingerprints of a rule whose file has this text.
    ///
    /// Text and receivers may change without the other two: a condition decides about a match, the timing
    /// about when people are told.
    pub(super) fn fingerprints(&self, text: &str) -> RuleVersion {
        let when = self.when.as_ref().map_or("", Condition::text);
        let steps: Vec<_> = self
            .notify
            .iter()
            .map(|step| (step.fingerprint(), step.repeat, step.repeat_factor, step.repeat_limit))
            .collect();
        RuleVersion {
            file: short_hash(text),
            condition: short_hash(&format!("{when}\n{}", self.filter.fingerprint())),
            timing: short_hash(&format!("{:?} {steps:?} {:?}", self.r#for, self.hours)),
        }
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
