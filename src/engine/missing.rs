//! Firing contacts that were not seen where they should be, and are worth a look-up.
//!
//! An answered customer vanishes from a filtered list, and the reason with it; one small request
//! finds the customer again.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Observed,
    evaluate::{Judgement, Surroundings, judge, waiting_since},
    owe,
};
use crate::{
    model::{Alert, AlertId, Contact, ContactId, Snapshot},
    rules::Rule,
};

/// More are not looked up at once: two complete walks cost less then.
pub const MOST_LOOK_UPS: usize = 10;

/// Firing alerts whose contact was not seen although a full walk for their rule came to an end.
pub fn alerts<'a>(
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

/// Whom to look up: each contact once, the longest waiting first, those only that a search can find.
pub fn to_look_up<'a>(rules: &'a [Arc<Rule>], snapshot: &'a Snapshot, observed: &'a Observed) -> Vec<&'a Contact> {
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

/// Rules with a firing alert that one complete walk did not show: a second walk would be evidence.
pub fn rules_to_confirm(rules: &[Arc<Rule>], snapshot: &Snapshot, observed: &Observed) -> BTreeSet<String> {
    alerts(rules, snapshot, observed)
        .filter(|alert| observed.of(&alert.rule).complete == 1 && alert.missed_walks == 0)
        .map(|alert| alert.rule.clone())
        .collect()
}

/// Of whom people are about to be told, on knowledge that is older than the poll.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unsure {
    /// Whom to look up, each once, the longest waiting first.
    pub contacts: Vec<Contact>,
    /// Alerts of theirs.
    pub alerts: BTreeSet<AlertId>,
    /// Places of their candidates in the snapshot.
    pub candidates: Vec<usize>,
}

/// Alerts and candidates that were not seen, and of which somebody is to be told until the time in
/// `soon`.
pub fn to_confirm(rules: &[Arc<Rule>], snapshot: &Snapshot, observed: &Observed, soon: Surroundings<'_>) -> Unsure {
    let mut unsure = Unsure::default();
    let mut contacts: Vec<(jiff::Timestamp, &Contact)> = Vec::new();
    let rule_of = |name: &str, contact: &Contact, missed_walks: u32| {
        let unseen = observed.of(name).complete == 0 && !observed.contacts.contains_key(&contact.contact_id());
        rules.iter().find(|rule| rule.name == name).filter(|_| unseen && missed_walks == 0)
    };
    for alert in &snapshot.alerts {
        let Some(rule) = rule_of(&alert.rule, &alert.contact, alert.missed_walks) else { continue };
        if tells_until(rule, alert, soon.now) {
            contacts.push((alert.since, &alert.contact));
            unsure.alerts.insert(alert.id.clone());
        }
    }
    for (place, candidate) in snapshot.candidates.iter().enumerate() {
        let Some(rule) = rule_of(&candidate.rule, &candidate.contact, candidate.missed_walks) else { continue };
        let since = waiting_since(rule, &candidate.contact, candidate.first_seen, soon.now);
        if judge(rule, &candidate.contact, since, soon, &mut Vec::new()) == Judgement::Match {
            contacts.push((since, &candidate.contact));
            unsure.candidates.push(place);
        }
    }
    contacts.sort_by_key(|(since, _)| *since);
    let mut seen = BTreeSet::new();
    let each_once = contacts.into_iter().filter(|(_, contact)| seen.insert(contact.contact_id()));
    unsure.contacts = each_once.map(|(_, contact)| contact.clone()).collect();
    unsure
}

/// Whether somebody is to be told of an open alert until then.
fn tells_until(rule: &Rule, alert: &Alert, soon: jiff::Timestamp) -> bool {
    if alert.ack.is_some() || alert.lapse.is_some() {
        return false;
    }
    let mut then = alert.clone();
    if then.fired_at.is_none() && rule.elapsed(alert.since, soon) >= rule.r#for {
        then.fired_at = Some(soon);
    }
    !owe::by_steps(rule, &mut then, soon).owed.is_empty()
}
