//! Due moments: whom people are notified about by the clock alone, and how the inbox is asked about them before.
//!
//! An answer that came since the last poll is not known yet. So a contact that falls due by the clock is looked at
//! first. This file decides which contacts these are, whether it is time to ask, and which way of asking is the
//! cheapest.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Query;
use crate::{
    engine::escalation,
    model::{Alert, Contact, ContactId, Names, Silence, silence::silence_of},
    rules::Rule,
};

/// Where requests are scarce, contacts that fall due within this time are asked about together.
const COMPANY: SignedDuration = SignedDuration::from_secs(5);

/// People would be notified by the clock, but what is known of the contact is not fresh.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DueMoment {
    pub rule: String,
    /// The contact as it was last seen.
    pub contact: Contact,
    /// The time since when the customer waits.
    pub since: Timestamp,
    /// Whether people are notified without a further look: this poll saw the contact, though not lately, or the contact
    /// has waited long enough for a look.
    pub told: bool,
}

/// Whether somebody would be notified at this time about an alert that still matches.
pub(crate) fn tells(rule: &Rule, alert: &Alert, (silences, names): (&[Silence], &Names), at: Timestamp) -> bool {
    let severity = rule.severity.name();
    if alert.ack.is_some() || alert.lapse.is_some() || silence_of(silences, alert, severity, names, at).is_some() {
        return false;
    }
    let mut then = alert.clone();
    if then.fired_at.is_none() {
        if rule.elapsed(alert.since, at) < rule.r#for {
            return false;
        }
        then.fired_at = Some(rule.after(alert.since, rule.r#for).unwrap_or(at).max(alert.first_seen).min(at));
    }
    !escalation::by_steps(rule, &mut then, at).owed.is_empty()
}

/// Whether it is time to ask: at once while half of the budget of `limit` requests a minute is free; else when the
/// first due contact has waited long enough for others to join.
pub(crate) fn is_time(first_due: Timestamp, free: usize, limit: usize, now: Timestamp) -> bool {
    // After the clock was set back, asking does not wait.
    free.saturating_mul(2) >= limit || now.duration_since(first_due) >= COMPANY || now < first_due
}

/// The number of requests that may be made for the due contacts: half of what is free, and at most half of the budget
/// in a minute, in which `spent` were made already. The sweeps keep the rest.
pub(crate) fn allowance(free: usize, spent: usize, limit: usize) -> usize {
    (free / 2).min(limit.div_ceil(2).saturating_sub(spent))
}

/// A walk that shows some of the due contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DueWalk {
    /// The query's place in the plan.
    pub query: usize,
    /// The `lastSeenAt` from which on contacts are walked; `None`: all of them.
    pub since: Option<Timestamp>,
    /// The expected number of pages.
    pub pages: usize,
    /// The contacts that it shows, unless they were answered since.
    pub shows: BTreeSet<ContactId>,
}

/// The walks that cost less than single look-ups, or without which somebody cannot be shown; at most `allowance` pages
/// in all. `pages` returns the number of pages of a query's walk since a time.
pub(crate) fn walks(
    queries: &[Query],
    due: &[DueMoment],
    allowance: usize,
    pages: &dyn Fn(usize, Option<Timestamp>) -> usize,
) -> Vec<DueWalk> {
    let mut left = allowance;
    let mut shown: BTreeSet<ContactId> = BTreeSet::new();
    let mut walks = Vec::new();
    for (place, query) in queries.iter().enumerate() {
        let is_of = |due: &&DueMoment| query.rules.contains(&due.rule) && !shown.contains(&due.contact.contact_id());
        let mut known = BTreeSet::new();
        let mut group: Vec<&Contact> = due
            .iter()
            .filter(is_of)
            .map(|due| &due.contact)
            .filter(|contact| known.insert(contact.contact_id()))
            .collect();
        // Contacts that were seen last cost least. One without a time is on no narrow walk.
        group.sort_by_key(|contact| std::cmp::Reverse(contact.last_seen_at));
        let Some(walk) = best(&group, place, left, pages) else { continue };
        left -= walk.pages;
        shown.extend(walk.shows.iter().cloned());
        walks.push(walk);
    }
    walks
}

/// The walk of one query that saves most requests, if any does; `group` is sorted, last seen first.
fn best(
    group: &[&Contact],
    query: usize,
    allowance: usize,
    pages: &dyn Fn(usize, Option<Timestamp>) -> usize,
) -> Option<DueWalk> {
    let mut best: Option<(usize, DueWalk)> = None;
    let (mut look_ups, mut alone) = (0_usize, 0_usize);
    let mut shows = BTreeSet::new();
    for contact in group {
        if contact.search_text().is_some() {
            look_ups += 1;
        } else {
            alone += 1;
        }
        shows.insert(contact.contact_id());
        let cost = pages(query, contact.last_seen_at);
        if cost == 0 || cost > allowance {
            continue;
        }
        // A contact that only a walk can show is worth the whole allowance.
        let worth = look_ups.saturating_add(alone.saturating_mul(allowance + 1)).saturating_sub(cost);
        if worth > best.as_ref().map_or(0, |(most, _)| *most) {
            best = Some((worth, DueWalk { query, since: contact.last_seen_at, pages: cost, shows: shows.clone() }));
        }
    }
    best.map(|(_, walk)| walk)
}
