//! An open alert.

use jiff::Timestamp;
use serde::Serialize;

use super::value::{At, Seconds, present};
use crate::model::{Alert, Silence, time::elapsed};

#[derive(Clone, Debug, Serialize)]
pub(crate) struct AlertRow {
    pub(crate) id: String,
    pub(crate) rule: String,
    pub(crate) inbox: String,
    /// The contact's User ID.
    pub(crate) contact: String,
    pub(crate) name: String,
    pub(crate) platform: Option<String>,
    /// `pending` or `firing`.
    pub(crate) state: &'static str,
    pub(crate) since: At,
    #[serde(rename = "waiting_seconds")]
    pub(crate) waiting: Seconds,
    pub(crate) fired_at: Option<At>,
    /// Receivers that were notified.
    pub(crate) told: Vec<String>,
    pub(crate) acknowledged: bool,
    pub(crate) acknowledged_at: Option<At>,
    pub(crate) acknowledged_by: Option<String>,
    pub(crate) comment: Option<String>,
    pub(crate) silenced: bool,
    #[serde(skip)]
    pub(crate) silenced_until: Option<At>,
    /// Why it no longer matches, while `keep_firing_for` holds it open.
    #[serde(skip)]
    pub(crate) lapsed: Option<&'static str>,
}

impl AlertRow {
    /// `told`: receivers that were notified; `silence`: the one that holds its notifications back.
    pub(crate) fn of(alert: &Alert, told: &[String], silence: Option<&Silence>, now: Timestamp) -> Self {
        let ack = alert.ack.as_ref();
        Self {
            id: alert.id.0.clone(),
            rule: alert.rule.clone(),
            inbox: alert.inbox.clone(),
            contact: alert.contact.id.clone(),
            name: alert.contact.name(),
            platform: present(&alert.contact.platform()),
            state: alert.state().name(),
            since: At(alert.since),
            waiting: Seconds(elapsed(alert.since, now)),
            fired_at: alert.fired_at.map(At),
            told: told.to_vec(),
            acknowledged: ack.is_some(),
            acknowledged_at: ack.map(|ack| At(ack.at)),
            acknowledged_by: ack.map(|ack| ack.by.clone()),
            comment: ack.and_then(|ack| present(&ack.comment)),
            silenced: silence.is_some(),
            silenced_until: silence.map(|silence| At(silence.ends_at)),
            lapsed: alert.lapse.as_ref().map(|lapse| lapse.reason.phrase()),
        }
    }
}
