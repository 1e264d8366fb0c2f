//! Something that happened to an alert.

use serde::Serialize;

use super::value::{At, present};
use crate::model::Entry;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct HistoryRow {
    pub(crate) at: At,
    pub(crate) alert: String,
    pub(crate) event: &'static str,
    /// A receiver, or who acknowledged.
    pub(crate) who: Option<String>,
    /// Why, or what exactly.
    pub(crate) detail: Option<String>,
    pub(crate) rule: String,
    /// The fingerprint of the rule's file at that time.
    pub(crate) rule_version: Option<String>,
    pub(crate) inbox: String,
    pub(crate) contact: String,
    pub(crate) name: String,
}

impl HistoryRow {
    pub(crate) fn of(entry: &Entry) -> Self {
        Self {
            at: At(entry.at),
            alert: entry.alert.0.clone(),
            event: entry.happened.name(),
            who: present(&entry.who),
            detail: present(&entry.detail),
            rule: entry.rule.clone(),
            rule_version: present(&entry.version),
            inbox: entry.inbox.clone(),
            contact: entry.contact.clone(),
            name: entry.name.clone(),
        }
    }
}
