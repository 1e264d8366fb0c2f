//! A message that waits or was given up.

use serde::Serialize;

use super::value::{At, present};
use crate::model::{Notification, StoredMessage};

#[derive(Clone, Debug, Serialize)]
pub(crate) struct MessageRow {
    pub(crate) id: String,
    pub(crate) receiver: String,
    /// `waiting` or `dead`.
    pub(crate) state: &'static str,
    pub(crate) created_at: At,
    pub(crate) attempts: u32,
    /// `None` where it was given up.
    pub(crate) next_at: Option<At>,
    /// Whether an attempt ended without a known outcome.
    pub(crate) ambiguous: bool,
    pub(crate) last_error: Option<String>,
    pub(crate) notifications: Vec<NotificationRow>,
}

/// What a message is about.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NotificationRow {
    pub(crate) alert: String,
    pub(crate) rule: String,
    pub(crate) inbox: String,
    /// The contact's name.
    pub(crate) name: String,
    pub(crate) event: &'static str,
    /// Which `[[notify]]` of the rule, from 0.
    pub(crate) step: u32,
}

impl MessageRow {
    pub(crate) fn of(kept: &StoredMessage) -> Self {
        let message = &kept.message;
        Self {
            id: message.id.0.clone(),
            receiver: message.receiver.clone(),
            state: if kept.dead { "dead" } else { "waiting" },
            created_at: At(message.created_at),
            attempts: message.attempts,
            next_at: (!kept.dead).then_some(At(message.next_at)),
            ambiguous: message.ambiguous,
            last_error: present(&message.last_error),
            notifications: kept
                .told
                .iter()
                .map(|(notification, name)| NotificationRow::of(notification, name))
                .collect(),
        }
    }
}

impl NotificationRow {
    fn of(notification: &Notification, name: &str) -> Self {
        Self {
            alert: notification.alert.0.clone(),
            rule: notification.rule.clone(),
            inbox: notification.inbox.clone(),
            name: name.to_owned(),
            event: notification.event.name(),
            step: notification.step,
        }
    }
}
