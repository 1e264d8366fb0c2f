//! Troubles of the watcher itself, which the watchdog reports.
//!
//! A trouble lives as an [`Alert`] of an inbox of its own, [`WATCHDOG`], so that it is stored, owed, sent
//! and ended like every other: once, and with an end.

use jiff::Timestamp;
use serde_json::json;
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::{Alert, Contact, Unreadable};

/// The inbox of the watcher's own troubles; no configured one has this name.
pub const WATCHDOG: &str = "@watchdog";

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Problem {
    /// An inbox cannot be read.
    InboxUnreadable,
    /// The API refuses the token.
    TokenRefused,
    /// A rule file has mistakes.
    RuleRejected,
    /// A receiver does not accept messages.
    ReceiverBroken,
    /// Messages wait, and are not tried.
    OutboxStuck,
    /// Records of an inbox are not understood.
    RecordsNotUnderstood,
    /// The request budget of an inbox is not enough for its rules.
    BudgetShort,
    /// No one-shot run came for much longer than usual.
    RunsMissed,
    /// A template fails for messages; the built-in text goes out.
    TemplateFailed,
    /// Most customers who waited are gone from an inbox at once.
    InboxEmptied,
    /// The records that a filter returns do not pass its own check.
    FilterDiffers,
    /// The state vanished, was replaced, or is older than what is known of it.
    StateLost,
    /// The state cannot be written, so that nobody is notified of any customer.
    StateUnwritable,
    /// A rule's condition cannot be judged for some contacts.
    ConditionFailed,
    /// This machine's clock and the API's differ by much.
    ClockDiffers,
    /// All rules, or most of them, have vanished.
    RulesMissing,
}

impl Problem {
    /// The stored name, and the one that messages carry.
    pub(crate) fn name(self) -> &'static str {
        self.into()
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

/// One trouble that lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// What is wrong.
    pub problem: Problem,
    /// The name of the inbox, rule, receiver or the like that it is about.
    pub subject: String,
    /// The reason, in an operator's words: no secret, no customer's text.
    pub detail: String,
    pub since: Timestamp,
}

impl Trouble {
    /// The alert that it lives as.
    ///
    /// # Errors
    /// Never, as far as we know: the record has an id.
    pub(crate) fn alert(&self, now: Timestamp) -> Result<Alert, Unreadable> {
        let record = Contact::read(json!({ "_id": self.subject, "detail": self.detail }))?;
        let begun = Alert::begin(WATCHDOG, self.problem.name(), record, self.since.min(now), now);
        Ok(Alert { fired_at: Some(now), ..begun })
    }

    /// The trouble that an alert of the watchdog is about.
    pub(crate) fn of(alert: &Alert) -> Option<Self> {
        let detail = alert.contact.extra.get("detail").and_then(|detail| detail.as_str()).unwrap_or_default();
        Some(Self {
            problem: Problem::from_name(&alert.rule).filter(|_| alert.inbox == WATCHDOG)?,
            subject: alert.contact.id.clone(),
            detail: detail.to_owned(),
            since: alert.since,
        })
    }
}
