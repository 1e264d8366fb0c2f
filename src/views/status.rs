//! The state of the watcher as a whole.

use jiff::Timestamp;
use serde::Serialize;

use super::value::{At, Seconds, present};
use crate::model::{Alert, Backlog, InboxMemory, Loss, MissingRules, State, Waiting};

#[derive(Clone, Debug, Serialize)]
pub(crate) struct StatusView {
    pub(crate) inboxes: Vec<InboxRow>,
    pub(crate) receivers: Vec<ReceiverRow>,
    /// Silences in force.
    pub(crate) silences: usize,
    /// Messages that were given up, of all receivers that the state knows.
    pub(crate) given_up: usize,
    pub(crate) state_lost: Option<LossRow>,
    /// Rules in use.
    pub(crate) rules: usize,
    pub(crate) rules_rejected: Vec<String>,
    pub(crate) rules_missing: Option<MissingRulesRow>,
    pub(crate) not_read: Vec<UnreadFileRow>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct InboxRow {
    pub(crate) name: String,
    pub(crate) polled_at: Option<At>,
    pub(crate) failing_since: Option<At>,
    pub(crate) failure: Option<String>,
    /// Why nobody who waits in it would be notified of.
    pub(crate) blind: Option<String>,
    pub(crate) conditions_failed: Vec<FailedConditionRow>,
    /// How far the API's clock is ahead of this machine's.
    #[serde(rename = "clock_ahead_seconds")]
    pub(crate) clock_ahead: Option<Seconds>,
    pub(crate) pending: usize,
    pub(crate) firing: usize,
    pub(crate) acknowledged: usize,
    /// The clocks in words.
    #[serde(skip)]
    pub(crate) clock: String,
}

/// A condition that could not be judged for everybody.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FailedConditionRow {
    pub(crate) rule: String,
    pub(crate) since: At,
    pub(crate) part: String,
    pub(crate) reason: String,
    /// How many contacts it failed for.
    pub(crate) contacts: usize,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct ReceiverRow {
    pub(crate) name: String,
    /// Notifications that it is owed.
    pub(crate) owed: usize,
    pub(crate) next_at: Option<At>,
    pub(crate) last_error: Option<String>,
    /// Messages that were given up.
    pub(crate) given_up: usize,
    pub(crate) broken_since: Option<At>,
    #[serde(skip)]
    pub(crate) failing_since: Option<At>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct LossRow {
    pub(crate) at: At,
    pub(crate) told_at: Option<At>,
    /// How much older the copy in use is.
    pub(crate) older_by: Option<Seconds>,
    pub(crate) detail: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct MissingRulesRow {
    pub(crate) since: At,
    pub(crate) names: Vec<String>,
    /// How many rules there were.
    pub(crate) of: usize,
    #[serde(skip)]
    pub(crate) words: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct UnreadFileRow {
    pub(crate) file: String,
    pub(crate) why: String,
}

impl InboxRow {
    /// `memory`: by this machine's clock; `blind`: why nobody who waits in it would be notified of.
    pub(crate) fn of(name: &str, memory: &InboxMemory, blind: Option<String>, alerts: &[Alert]) -> Self {
        let count = |is_counted: &dyn Fn(&Alert) -> bool| {
            alerts.iter().filter(|alert| alert.inbox == name && is_counted(alert)).count()
        };
        let trouble = memory.trouble();
        Self {
            name: name.to_owned(),
            polled_at: memory.polled_at.map(At),
            failing_since: trouble.as_ref().map(|(since, _)| At(*since)),
            failure: trouble.map(|(_, why)| why),
            blind,
            conditions_failed: memory
                .conditions
                .iter()
                .map(|(rule, failed)| FailedConditionRow {
                    rule: rule.clone(),
                    since: At(failed.since),
                    part: failed.part.clone(),
                    reason: failed.why.clone(),
                    contacts: failed.contacts,
                })
                .collect(),
            clock_ahead: memory.clocks.difference().map(Seconds),
            pending: count(&|alert| alert.state() == State::Pending),
            firing: count(&Alert::is_firing),
            acknowledged: count(&|alert| alert.ack.is_some()),
            clock: memory.clocks.message(),
        }
    }
}

impl ReceiverRow {
    pub(crate) fn of(name: &str, waiting: Option<&Waiting>, backlog: Option<&Backlog>) -> Self {
        let state = backlog.map(|backlog| &backlog.reception);
        Self {
            name: name.to_owned(),
            owed: waiting.map_or(0, |waiting| waiting.notifications),
            next_at: waiting.and_then(|waiting| waiting.next_at).map(At),
            last_error: waiting.and_then(|waiting| present(&waiting.last_error)),
            given_up: backlog.map_or(0, |backlog| backlog.dead),
            broken_since: state.and_then(|state| state.broken_at).map(At),
            failing_since: state.and_then(|state| state.failing_since).map(At),
        }
    }
}

impl LossRow {
    pub(crate) fn of(loss: &Loss) -> Self {
        Self {
            at: At(loss.found_at),
            told_at: loss.told_at.map(At),
            older_by: loss.older_by().map(Seconds),
            detail: loss.message(),
        }
    }
}

impl MissingRulesRow {
    pub(crate) fn of(missing: &MissingRules) -> Self {
        Self { since: At(missing.since), names: missing.names.clone(), of: missing.of, words: missing.message() }
    }
}

impl StatusView {
    /// Whether something fails now: an inbox, rules that are missing, messages that were given up, a state that is lost.
    pub(crate) fn is_failing(&self, lost: Option<&Loss>, now: Timestamp) -> bool {
        self.rules_missing.is_some()
            || self.given_up > 0
            || self.inboxes.iter().any(|inbox| inbox.failing_since.is_some() || inbox.blind.is_some())
            || lost.is_some_and(|loss| loss.lasts(now))
    }
}
