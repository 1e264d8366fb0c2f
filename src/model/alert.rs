//! An alert: a contact that matches a rule in an inbox, through one episode of its life.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::Contact;

/// The id of one episode, as people type it: twelve hexadecimal digits.
///
/// Made from the alert's identity (inbox, rule, contact) and the moment the episode began, so that
/// two replicas that see the same give it the same id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertId(pub String);

impl AlertId {
    /// The id of the episode of (inbox, rule, contact) that began to be seen at `first_seen`.
    pub fn of(inbox: &str, rule: &str, contact: &str, first_seen: Timestamp) -> Self {
        let text = format!("{inbox}\n{rule}\n{contact}\n{}", first_seen.as_nanosecond());
        Self(short_hash(&text))
    }
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first twelve hexadecimal digits of SHA-256.
pub(crate) fn short_hash(text: &str) -> String {
    use std::fmt::Write;
    Sha256::digest(text.as_bytes()).iter().take(6).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Why an episode ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Reason {
    AnsweredByAgent,
    AnsweredByBot,
    Closed,
    LiveChatEnded,
    /// The live chat ended, and nobody had answered the customer.
    LiveChatExpired,
    /// An agent took the conversation, which is what the rule waited for.
    Taken,
    /// The customer wrote again, so that the last word is no longer the one that the rule is about.
    WroteAgain,
    Read,
    Blocked,
    /// Absent from two complete walks, and not found.
    Gone,
    /// The time in which a business may answer freely on WhatsApp has passed.
    WindowClosed,
    /// The contact was seen and no longer matches, for another reason.
    NoLongerMatches,
    /// The rule's filter or condition was edited and the contact does not match the new one.
    RuleChanged,
    /// The rule was removed or disabled.
    RuleRemoved,
    /// A trouble of the watcher itself is over.
    Mended,
}

impl Reason {
    /// The stored and logged name.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The reason with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// The words in messages.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::AnsweredByAgent => "answered by an agent",
            Self::AnsweredByBot => "answered by the bot",
            Self::Closed => "closed",
            Self::LiveChatEnded => "live chat ended",
            Self::LiveChatExpired => "live chat expired unanswered",
            Self::Taken => "taken by an agent",
            Self::WroteAgain => "wrote again",
            Self::Read => "read",
            Self::Blocked => "blocked",
            Self::Gone => "gone from the results",
            Self::WindowClosed => "the reply window has closed",
            Self::NoLongerMatches => "no longer matches",
            Self::RuleChanged => "rule changed",
            Self::RuleRemoved => "rule removed",
            Self::Mended => "all right again",
        }
    }
}

/// The end of an episode.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolution {
    /// When it was known.
    pub at: Timestamp,
    /// When it happened, where known (the time of the answer); else the same as `at`.
    pub ended_at: Timestamp,
    pub reason: Reason,
}

/// How far an episode has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum State {
    /// It matches, and the rule's `for` has not passed.
    Pending,
    /// People are to be notified.
    Firing,
    Resolved,
}

impl State {
    /// The stored and shown name.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// An acknowledgement: repeats and escalations stop for the episode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    pub at: Timestamp,
    /// Who, as far as known: the person that typed the command, or the agent's name or id.
    pub by: String,
    /// What they said; may be empty.
    pub comment: String,
}

/// A resolve that waits for the rule's `keep_firing_for` to pass, since the contact no longer matches.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingResolve {
    /// When it was known that the contact no longer matches.
    pub at: Timestamp,
    /// When it happened, where known.
    pub ended_at: Timestamp,
    pub reason: Reason,
}

/// Agent and status when the episode began; only a change of them is a reaction to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// The assigned agent's id, or empty.
    pub agent: String,
    /// The conversation's status.
    pub status: String,
}

impl Assignment {
    /// The assignment that the contact shows.
    pub fn of(contact: &Contact) -> Self {
        Self { agent: contact.agent_assigned.clone(), status: contact.status.clone() }
    }
}

/// How far one step of the rule has come in an episode.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepProgress {
    /// Fingerprint of the step as it was: edits are recognised by it.
    pub step: String,
    /// When its first message was owed.
    pub first_at: Option<Timestamp>,
    /// When its last one was owed, or dropped outside of the rule's hours.
    pub last_at: Option<Timestamp>,
    /// Number of repeats that were owed.
    pub repeats: u32,
}

/// One episode of an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    pub id: AlertId,
    pub inbox: String,
    pub rule: String,
    /// The contact as last seen.
    pub contact: Contact,
    /// *Waiting since*, which stays through the episode.
    pub since: Timestamp,
    /// When it was first seen to match.
    pub first_seen: Timestamp,
    /// When it began to fire, whenever that was noticed; `None` while it is pending.
    pub fired_at: Option<Timestamp>,
    /// Set while `keep_firing_for` runs.
    pub lapse: Option<PendingResolve>,
    /// Set when the episode is over.
    pub resolution: Option<Resolution>,
    /// Set when somebody has acknowledged it.
    pub ack: Option<Ack>,
    /// Number of complete walks in a row that should have had the contact and did not.
    pub missed_walks: u32,
    /// Agent and status at the beginning.
    pub assigned: Assignment,
    /// Fingerprints of the rule as it last judged this.
    pub version: RuleVersion,
    /// The progress of each step of the rule.
    pub steps: Vec<StepProgress>,
}

/// Fingerprints of a rule, by what an edit of it changes for running alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleVersion {
    /// Fingerprint of the whole file: the rule's version in the history, by which a renamed file is recognized, too.
    pub file: String,
    /// Fingerprint of filter and condition, which decide about a match.
    pub condition: String,
    /// Fingerprint of `for`, steps and hours, which decide when people are notified.
    pub timing: String,
}

impl Alert {
    /// An episode that is first seen now, and pending.
    pub fn begin(inbox: &str, rule: &str, contact: Contact, since: Timestamp, now: Timestamp) -> Self {
        Self {
            id: AlertId::of(inbox, rule, &contact.id, now),
            inbox: inbox.to_owned(),
            rule: rule.to_owned(),
            assigned: Assignment::of(&contact),
            contact,
            since,
            first_seen: now,
            fired_at: None,
            lapse: None,
            resolution: None,
            ack: None,
            missed_walks: 0,
            version: RuleVersion::default(),
            steps: Vec::new(),
        }
    }

    /// How far it has come.
    pub fn state(&self) -> State {
        match (&self.resolution, self.fired_at) {
            (Some(_), _) => State::Resolved,
            (None, Some(_)) => State::Firing,
            (None, None) => State::Pending,
        }
    }

    /// Whether the episode still lasts.
    pub fn is_open(&self) -> bool {
        self.resolution.is_none()
    }

    /// Whether people are to be notified of it.
    pub fn is_firing(&self) -> bool {
        self.state() == State::Firing
    }
}

/// A contact that passes the filter of a rule whose condition looks at the clock, and may come to
/// match without being seen again.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub inbox: String,
    pub rule: String,
    /// Fingerprint of the rule's file.
    pub file: String,
    /// The contact as last seen.
    pub contact: Contact,
    /// When it was first seen passing the filter.
    pub first_seen: Timestamp,
    /// Number of complete walks in a row that should have had the contact and did not.
    pub missed_walks: u32,
}
