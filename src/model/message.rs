//! What is owed, and what is sent for it.
//!
//! `Owed` → `Message` → `Attempt`: the engine creates [`Notification`]s, the deliverer composes them to a [`Message`]
//! whose id is stored before the first attempt.

use std::fmt;

use jiff::Timestamp;
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::AlertId;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Event {
    /// A customer is waiting: the first message of a step.
    Fired,
    /// The customer still waits: a further message of a step.
    Repeated,
    Resolved,
}

impl Event {
    /// The stored name, and the one that templates see.
    pub fn name(self) -> &'static str {
        self.into()
    }

    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Whether it says that a customer is waiting.
    pub fn is_of_waiting(self) -> bool {
        self != Self::Resolved
    }
}

/// The store's number of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NotificationId(pub i64);

/// The template that always exists, and that is used where neither a rule nor a receiver names one.
pub(crate) const ALERT: &str = "alert";

/// One thing owed to one receiver about one alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The episode that it is about.
    pub alert: AlertId,
    pub rule: String,
    pub inbox: String,
    pub receiver: String,
    /// Index of the `[[notify]]` of the rule, from 0.
    pub step: u32,
    pub event: Event,
    /// Name of the folder in `templates/`.
    pub template: String,
    pub due_at: Timestamp,
}

/// The id of a message: stored before the first attempt, the same in every retry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub String);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is really sent: one or more notifications for the same receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: MessageId,
    pub receiver: String,
    pub created_at: Timestamp,
    pub attempts: u32,
    /// The time before which it is not tried.
    pub next_at: Timestamp,
    /// Whether an attempt ended without a known outcome: the receiver counts as told.
    pub ambiguous: bool,
    /// Whether the receiver refused the payload: it goes out as plain built-in text.
    pub plain: bool,
    /// The last failure, for operators; empty before the first.
    pub last_error: String,
}

/// The content of a message, in the form of its kind of receiver, by named parts. It is rendered anew for every
/// attempt, so that "waiting 2 min" is not sent an hour later.
#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    kind: &'static str,
    parts: Vec<(&'static str, String)>,
}

impl Body {
    /// A body for receivers of `kind`.
    pub fn new<const PARTS: usize>(kind: &'static str, parts: [(&'static str, String); PARTS]) -> Self {
        Self { kind, parts: parts.into() }
    }

    /// The kind of receiver that it is for.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The text of a part; `None` also if the body is for another kind.
    pub fn part(&self, kind: &str, name: &str) -> Option<&str> {
        self.parts().find(|(part, _)| self.kind == kind && *part == name).map(|(_, text)| text)
    }

    /// Names and texts, in the kind's order.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.parts.iter().map(|(name, text)| (*name, text.as_str()))
    }
}

/// Shows the kind only, because a body holds a customer's text.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({}, ..)", self.kind)
    }
}

/// One message made ready for one attempt.
#[derive(Clone, Debug)]
pub struct OutgoingMessage {
    /// The message's id, the same in every attempt.
    pub id: MessageId,
    pub body: Body,
    /// The time of this attempt.
    pub now: Timestamp,
    /// The conversation that a mail belongs to: the same for every message of one alert; `None` for
    /// a message about several.
    pub thread: Option<String>,
    /// Recipients of a mail that need no further attempt.
    pub settled: Vec<String>,
    /// Recipients of a mail whom it is for; `None`: all of them.
    pub only: Option<Vec<String>>,
}

/// Who is to blame when a message is refused for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The receiver does not accept this payload; plain text may pass.
    Payload,
    /// The receiver does not accept any message (any more): a revoked address, refused credentials.
    Receiver,
}

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver accepted it.
    Delivered,
    /// It may work later.
    Retry {
        /// The pause that the receiver asked for.
        after: Option<jiff::SignedDuration>,
        /// For operators: no secret, no customer's text.
        reason: String,
        /// Whether the receiver may have got it all the same.
        ambiguous: bool,
    },
    /// There was an answer that neither accepts nor rejects: the receiver may have got the message. It is repeated
    /// once.
    Unclear {
        /// For operators: no secret, no customer's text.
        reason: String,
    },
    /// It will not work.
    Rejected {
        /// For operators: no secret, no customer's text.
        reason: String,
        /// Who is to blame.
        fault: Blame,
    },
}

/// The result of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// How it ended for the message as a whole.
    pub outcome: Outcome,
    /// All recipients of a mail that need no further attempt, the earlier ones included.
    pub settled: Vec<String>,
    /// Recipients of a mail who got it in this attempt, or may have got it.
    pub reached: Vec<String>,
    /// Why recipients of a mail that others got were refused for good in this attempt, each once: the
    /// address masked, nothing of the server's words.
    pub refused: Vec<String>,
}

impl From<Outcome> for Attempt {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, settled: Vec::new(), reached: Vec::new(), refused: Vec::new() }
    }
}
