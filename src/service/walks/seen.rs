//! Moves what a walk saw to what the poll has observed.

use jiff::Timestamp;

use crate::{
    engine::{Observed, Query, differs::Returned},
    inbox::Walk,
};

pub(super) fn take(query: &Query, walk: &mut Walk, observed: &mut Observed, now: Timestamp) {
    if !walk.contacts.is_empty() {
        // Only the last walk that showed somebody counts, so that a record in two walks counts once.
        let mut returned = Returned::default();
        walk.contacts.values().for_each(|contact| returned.add(&query.filter, contact, now));
        observed.returned.insert(query.id.clone(), returned);
    }
    walk.sightings().for_each(|(contact, at)| observed.see_at(contact, at));
    observed.unreadable = observed.unreadable.max(walk.unreadable);
}
