//! The inboxes that a deliverer may look at, and notifications that wait for a look.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use parking_lot::Mutex;

use crate::{model::NotificationId, service::poller::Poller};

/// The inboxes that are looked at before held notifications are sent.
#[derive(Clone, Default)]
pub struct Inboxes {
    pub pollers: Vec<Arc<Poller>>,
    /// Whether another poll will come.
    pub go_on: bool,
}

/// Notifications that wait for a look, and since when.
#[derive(Debug, Default)]
pub struct PutOff(Mutex<BTreeMap<NotificationId, Timestamp>>);

impl PutOff {
    pub(super) fn since(&self, id: NotificationId, now: Timestamp) -> Timestamp {
        *self.0.lock().entry(id).or_insert(now)
    }

    pub(super) fn forget(&self, ids: impl Iterator<Item = NotificationId>) {
        let mut put_off = self.0.lock();
        ids.for_each(|id| {
            put_off.remove(&id);
        });
    }
}
