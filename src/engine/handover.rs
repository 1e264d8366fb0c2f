//! What a receiver that takes nothing was to be notified of, and its fallback is to be notified of in its place.

use std::collections::HashSet;

use crate::model::{HandOver, Owed};

/// What goes over to the fallback, if there is one: of alerts that last and that nobody has taken on, of several
/// about one alert the first. The receiver itself goes on being tried. Whether the fallback knows of an alert
/// already is seen when it is stored.
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
