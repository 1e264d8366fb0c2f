//! What is owed to a broken receiver, and is sent to its fallback as well.

use std::collections::HashSet;

use crate::model::{HandOver, Owed};

/// The notifications that go to the fallback, if there is one: about open alerts that nobody has taken, and only the
/// first about each alert. The receiver itself is still tried. Whether the fallback knows of an alert already is
/// checked when it is stored.
pub(crate) fn hand_over<'a>(owed: impl IntoIterator<Item = &'a Owed>, fallback: Option<&str>) -> Option<HandOver> {
    let to = fallback?.to_owned();
    let mut known = HashSet::new();
    let mut ids = Vec::new();
    for Owed { id, notification, alert, .. } in owed {
        let lasts = notification.event.is_of_waiting() && alert.is_open() && alert.ack.is_none();
        if lasts && known.insert(&alert.id) {
            ids.push(*id);
        }
    }
    (!ids.is_empty()).then_some(HandOver { to, ids })
}
