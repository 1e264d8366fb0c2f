//! Firing contacts that were not seen where they should be, and are worth a look-up.
//!
//! An answered customer vanishes from a filtered list, and with the customer the reason of the end. One small request
//! finds the customer again.

use std::{collections::BTreeSet, sync::Arc};

use super::Observed;
use crate::{
    model::{Alert, Contact, ContactId, Snapshot},
    rules::Rule,
};

/// The limit of look-ups at once; for more contacts two complete walks cost less.
pub(crate) const MOST_LOOK_UPS: usize = 10;

/// Firing alerts whose contact was not seen although a full walk for their rule ended.
pub(crate) fn alerts<'a>(
    rules: &'a [Arc<Rule>],
    snapshot: &'a Snapshot,
    observed: &'a Observed,
) -> impl Iterator<Item = &'a Alert> {
    snapshot.alerts.iter().filter(|alert| {
        alert.is_firing()
            && alert.lapse.is_none()
            && rules.iter().any(|rule| rule.name == alert.rule)
            && observed.of(&alert.rule).ended
            && observed.lacks(&alert.rule, &alert.contact, alert.first_seen)
    })
}

/// The contacts to look up: each once, the longest waiting first, and only those that a search can find.
pub(crate) fn to_look_up<'a>(
    rules: &'a [Arc<Rule>],
    snapshot: &'a Snapshot,
    observed: &'a Observed,
) -> Vec<&'a Contact> {
    let mut missing: Vec<&Alert> = alerts(rules, snapshot, observed).collect();
    missing.sort_by_key(|alert| alert.since);
    let mut seen: BTreeSet<ContactId> = BTreeSet::new();
    missing
        .into_iter()
        .filter(|alert| alert.contact.search_text().is_some() && seen.insert(alert.contact.contact_id()))
        .map(|alert| &alert.contact)
        .take(MOST_LOOK_UPS)
        .collect()
}

/// Rules with a firing alert that one complete walk did not show: a second complete walk would be evidence.
pub(crate) fn rules_to_confirm(rules: &[Arc<Rule>], snapshot: &Snapshot, observed: &Observed) -> BTreeSet<String> {
    alerts(rules, snapshot, observed)
        .filter(|alert| observed.of(&alert.rule).complete == 1 && alert.missed_walks == 0)
        .map(|alert| alert.rule.clone())
        .collect()
}
