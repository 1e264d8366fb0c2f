//! What happened to an alert, as it is stored and shown: one entry for each event, written in the same transaction as
//! the change itself.

use jiff::Timestamp;
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::{Alert, AlertId, Event};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Happened {
    /// The episode began, and waits for the rule's `for`.
    Pending,
    /// People are to be notified.
    Firing,
    /// It no longer matched before people were to be notified.
    Vanished,
    /// It no longer matches; `keep_firing_for` runs.
    Lapsed,
    /// It matches again before `keep_firing_for` had passed.
    Returned,
    Resolved,
    /// Somebody has acknowledged it.
    Acknowledged,
    /// A receiver is to be notified.
    Owed,
    /// A notification was dropped, because it fell due outside of the rule's hours.
    Dropped,
    /// A receiver was notified.
    Sent,
    /// A receiver may have been notified: the answer to an attempt is not known.
    Ambiguous,
    /// A recipient of a mail was refused for good while others got it.
    Refused,
    /// A notification was withdrawn, because it is no longer true.
    Superseded,
    /// A notification was given up.
    Dead,
    RuleEdited,
    /// The rule's file was renamed.
    RuleRenamed,
}

impl Happened {
    /// The stored and shown name.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The one with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

/// One line of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub at: Timestamp,
    pub alert: AlertId,
    pub inbox: String,
    pub rule: String,
    /// Fingerprint of the rule's file at that time.
    pub version: String,
    pub contact: String,
    /// The contact's name.
    pub name: String,
    pub happened: Happened,
    /// Whom it is about: a receiver, or who acknowledged; may be empty.
    pub who: String,
    /// Why, or what exactly; may be empty.
    pub detail: String,
}

impl Entry {
    /// An entry about an alert.
    pub fn of(alert: &Alert, happened: Happened, at: Timestamp) -> Self {
        Self {
            at,
            alert: alert.id.clone(),
            inbox: alert.inbox.clone(),
            rule: alert.rule.clone(),
            version: alert.version.file.clone(),
            contact: alert.contact.id.clone(),
            name: alert.contact.name(),
            happened,
            who: String::new(),
            detail: String::new(),
        }
    }

    /// Says whom it is about.
    #[must_use]
    pub fn who(mut self, who: impl Into<String>) -> Self {
        self.who = who.into();
        self
    }

    /// Says why, or what exactly.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

/// Why something happened, or what exactly, in the history's words.
pub(crate) mod detail {
    use super::Event;

    /// It is not known how the attempt ended.
    pub(crate) const CUT_OFF: &str = "the attempt was cut off";
    pub(crate) const REPLAYED: &str = "replayed by hand";
    pub(crate) const DROPPED: &str = "dropped by hand";
    pub(crate) const RECEIVER_GONE: &str = "the receiver is gone";
    pub(crate) const RECEIVER_RENAMED: &str = "the receiver was renamed";
    pub(crate) const OTHERS_NAMED: &str = "the rule names other receivers now";

    /// A step, which counts from 0, with its event, and why where that is not empty: "step 2 fired: HTTP 503".
    pub(crate) fn of_step(step: u32, event: Event, why: &str) -> String {
        let what = format!("step {} {}", u64::from(step) + 1, event.name());
        if why.is_empty() { what } else { format!("{what}: {why}") }
    }

    /// Another receiver was to be notified.
    pub(crate) fn in_place_of(receiver: &str) -> String {
        format!("in place of {receiver}")
    }
}

/// Which entries are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// The earliest time.
    pub since: Option<Timestamp>,
    /// Of this rule only.
    pub rule: Option<String>,
    /// Of this contact only: its `_id`.
    pub contact: Option<String>,
}
