//! What is remembered of one inbox between two polls, and what one poll changes.
//!
//! The store gives a [`Snapshot`], the engine makes [`Changes`] of it, and the store commits them in
//! one transaction: a poll whose commit fails has not happened.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Alert, AlertId, Candidate, ContactId, Entry, Notification, Silence};

/// A receiver that was told of a firing alert, or is about to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The episode.
    pub alert: AlertId,
    /// Who.
    pub receiver: String,
    /// By which step of the rule.
    pub step: u32,
    /// With which template.
    pub template: String,
}

/// How the last full walk of a query went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WalkMemory {
    /// When it began, if it was complete.
    pub complete_at: Option<Timestamp>,
    /// When it began, if it came to any end: one that stays torn must not be tried at every poll.
    pub ended_at: Option<Timestamp>,
    /// How many requests it took.
    pub pages: u32,
    /// When a walk of any kind last began: a narrow one looks at what came since.
    pub looked_at: Option<Timestamp>,
    /// A full walk that did not fit into one poll and goes on in the next.
    pub part: Option<WalkPart>,
}

/// The first part of a full walk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalkPart {
    /// When it began.
    pub began_at: Timestamp,
    /// Pages read so far.
    pub pages: u32,
    /// Ids of the contacts seen so far.
    pub seen: BTreeSet<String>,
}

/// What is known of an inbox besides its alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InboxMemory {
    /// The page size, once learned.
    pub page_size: Option<usize>,
    /// When a walk to an empty page last confirmed it.
    pub page_size_at: Option<Timestamp>,
    /// By the query's fingerprint.
    pub walks: BTreeMap<String, WalkMemory>,
    /// Names of segments by id.
    pub segments: BTreeMap<String, String>,
    /// When they were last asked for, whatever came.
    pub segments_at: Option<Timestamp>,
    /// Live chats without a word of an agent, by contact: one that ends so was missed.
    pub live_chats: BTreeMap<String, LiveChat>,
    /// When the last poll began.
    pub polled_at: Option<Timestamp>,
    /// Since when polls fail, and why; `None` after a good one.
    pub failing: Option<Failing>,
    /// Since when records are not understood; `None` after a complete walk.
    pub odd_records: Option<OddRecords>,
}

/// A live chat without a word of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveChat {
    /// When it was first seen.
    pub began_at: Timestamp,
    /// When it was seen to be over, with still no word of an agent.
    pub missed_at: Option<Timestamp>,
}

/// The inbox cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// Since when.
    pub since: Timestamp,
    /// What failed last, in an operator's words.
    pub why: String,
    /// Whether it is the token that is refused.
    #[serde(default)]
    pub token_refused: bool,
}

/// Records that are not understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OddRecords {
    /// Since when.
    pub since: Timestamp,
    /// How many there were in the last poll that had some.
    pub count: usize,
}

/// The state of one inbox before a poll.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Alerts whose episode lasts, the pending ones included.
    pub alerts: Vec<Alert>,
    /// Contacts of rules that look at the clock.
    pub candidates: Vec<Candidate>,
    /// Who was told of which of the alerts.
    pub told: Vec<Told>,
    /// Silences of all inboxes, those that have ended too.
    pub silences: Vec<Silence>,
    /// The rest.
    pub memory: InboxMemory,
}

/// What one poll changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Alerts that began, changed or ended.
    pub alerts: Vec<Alert>,
    /// Candidates that came or changed.
    pub candidates: Vec<Candidate>,
    /// Candidates that are none any more, by rule and contact.
    pub dropped: Vec<(String, ContactId)>,
    /// Pending alerts that are forgotten.
    pub vanished: Vec<AlertId>,
    /// What is owed.
    pub owed: Vec<Notification>,
    /// What happened, in order.
    pub history: Vec<Entry>,
    /// The inbox's memory, where it changed.
    pub memory: Option<InboxMemory>,
}

impl Changes {
    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
