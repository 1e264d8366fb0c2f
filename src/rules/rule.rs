//! A compiled rule: what it matches, when it fires, and who is notified.

use jiff::{SignedDuration, Timestamp};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::{Condition, Hours, hours::Count};
use crate::model::{Filter, RuleVersion, alert::short_hash, time};

/// How much a rule matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Severity {
    /// Nobody needs to act.
    Info,
    /// Somebody should act.
    #[default]
    Warning,
    /// Somebody must act now.
    Critical,
}

impl Severity {
    /// The name as it is written in files and messages.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The moment from which a customer counts as waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Since {
    /// The customer's last message, if at first sight the last message is the customer's; else first sight.
    #[default]
    Message,
    /// The moment of first sight.
    Match,
}

/// The largest number of repeats that is counted one by one.
const MOST_REPEATS: u32 = 1_000_000;

/// What counts as an acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AckOn {
    /// An agent is assigned.
    Assigned,
    /// The conversation has this status.
    Status(String),
}

/// One `[[notify]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Names of the receivers that are notified.
    pub to: Vec<String>,
    /// The name of a folder in `templates/`.
    pub template: String,
    /// Time from the beginning of the wait until the step is due, if the alert is firing then.
    pub after: SignedDuration,
    /// The pause before the first repeat; `None`: there are no repeats.
    pub repeat: Option<SignedDuration>,
    /// The factor by which each pause is longer than the one before; at least 1.
    pub repeat_factor: f64,
    /// The largest number of repeats; `None`: no limit.
    pub repeat_limit: Option<u32>,
}

impl Step {
    /// Identifies the step after an edit of the rule.
    pub fn fingerprint(&self) -> String {
        short_hash(&format!("{:?} {:?}", self.to, self.after))
    }

    /// The number of repeats that are due within `elapsed` after the first message. It may be above `repeat_limit`.
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

    /// Time from the first message until the repeat of this number is due; the first repeat has number 1.
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

#[derive(Clone, Debug)]
pub struct Rule {
    /// The file's name without `.toml`.
    pub name: String,
    /// Fingerprints of what an edit can change.
    pub version: RuleVersion,
    /// What the rule is for, in the admin's words.
    pub description: String,
    pub severity: Severity,
    /// Names of the inboxes that it watches; `None`: all.
    pub inboxes: Option<Vec<String>>,
    /// The moment from which a customer counts as waiting.
    pub since: Since,
    /// The query to the API; every record is checked against it again.
    pub filter: Filter,
    /// What a contact must fulfil besides the filter.
    pub when: Option<Condition>,
    /// The wait before the rule fires.
    pub r#for: SignedDuration,
    /// The time for which an alert keeps firing after the contact no longer matches.
    pub keep_firing_for: SignedDuration,
    /// Whether receivers are notified of an alert's end.
    pub resolved: bool,
    /// What counts as an acknowledgement.
    pub ack_on: Vec<AckOn>,
    /// The times at which receivers are notified; `None`: always.
    pub hours: Option<Hours>,
    /// Who is notified, and when.
    pub notify: Vec<Step>,
}

impl Rule {
    pub fn watches(&self, inbox: &str) -> bool {
        self.inboxes.as_ref().is_none_or(|inboxes| inboxes.iter().any(|name| name == inbox))
    }

    /// Whether a moment is within the rule's hours.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.hours.as_ref().is_none_or(|hours| hours.is_open(at))
    }

    /// The time between two moments by the rule's `clock`, never negative.
    pub fn elapsed(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        match &self.hours {
            Some(hours) if hours.count == Count::Business => hours.open_between(from, to),
            _ => time::elapsed(from, to),
        }
    }

    /// The moment at which this duration has passed by the rule's `clock`. `None`: in business time, the rule is not
    /// open long enough within a year.
    pub fn after(&self, from: Timestamp, duration: SignedDuration) -> Option<Timestamp> {
        match &self.hours {
            Some(hours) if hours.count == Count::Business && duration > SignedDuration::ZERO => {
                hours.after_open(from, duration)
            }
            _ => from.checked_add(duration).ok(),
        }
    }

    /// The fingerprints of this rule, whose file has this text.
    ///
    /// Filter and condition decide about a match, the timing about when receivers are notified. Each has a fingerprint
    /// of its own, so that an edit of the text alone changes neither.
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

    /// Whether all fields of a record that this rule reads were understood.
    ///
    /// A field that was not understood counts as empty, so that the contact may seem not to match.
    pub fn trusts(&self, contact: &crate::model::Contact) -> bool {
        contact.unreadable_fields.iter().all(|path| {
            let root = path.split('.').next().unwrap_or(path);
            !self.filter.reads(root) && !self.when.as_ref().is_some_and(|when| when.reads(root))
        })
    }
}
