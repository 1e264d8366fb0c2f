//! Due moments: whom time alone would tell of, and how the inbox is asked about them before that.
//!
//! An answer that came since the last poll is not known yet. So whoever falls due by the clock is looked at
//! first; this file says who that is, whether it is time to ask, and which way to ask is the cheapest.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Query;
use crate::{
    engine::escalation,
    model::{Alert, Contact, ContactId, Names, Silence, silence::silence_of},
    rules::Rule,
};

/// Where requests are scarce, those who fall due within this time are asked about together.
const COMPANY: SignedDuration = SignedDuration::from_secs(5);

/// Somebody is told by the clock, and what is known of them is not fresh.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DueMoment {
    pub rule: String,
    /// The contact as it was last seen.
    pub contact: Contact,
    /// Waiting since.
    pub since: Timestamp,
    /// Whether people are told without a further look: this poll saw the contact, though not lately, or it has
    /// waited long enough for a look.
    pub told: bool,
}

/// Whether somebody is to be told at this time of an alert that still matches.
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

/// Whether it is time to ask: at once while half of the budget of `limit` requests a minute is free, else when
/// the first of those who are due has waited for others to join.
pub(crate) fn is_time(first_due: Timestamp, free: usize, limit: usize, now: Timestamp) -> bool {
    // A clock that was set back is no reason to wait.
    free.saturating_mul(2) >= limit || now.duration_since(first_due) >= COMPANY || now < first_due
}

/// How many requests may be made for those who are due: half of what is free, and in a minute, in which `spent`
/// were made already, half of the budget. The sweeps keep the rest.
pub(crate) fn allowance(free: usize, spent: usize, limit: usize) -> usize {
    (free / 2).min(limit.div_ceil(2).saturating_sub(spent))
}

/// A walk that shows some of those who are due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DueWalk {
    /// The query's place in the plan.
    pub query: usize,
    /// Since when its contacts were seen; `None`: all of them.
    pub since: Option<Timestamp>,
    /// Pages that it takes, as far as known.
    pub pages: usize,
    /// Whom it shows, unless they were answered since.
    pub shows: BTreeSet<ContactId>,
}

/// The walks that cost less than looking everybody up, or that alone can show somebody; at most `allowance` pages
/// in all. `pages` says how many a walk of a query since a time takes.
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
        // Who was seen last costs least; whose time is not known is on no narrow walk.
        group.sort_by_key(|contact| std::cmp::Reverse(contact.last_seen_at));
        let Some(walk) = best(&group, place, left, pages) else { continue };
        left -= walk.pages;
        shown.extend(walk.shows.iter().cloned());
        walks.push(walk);
    }
    walks
}

/// The walk of one query that saves most, if any saves something; `group` is sorted, who was seen last first.
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
        // Whom only a walk can show is worth all that may be spent.
        let worth = look_ups.saturating_add(alone.saturating_mul(allowance + 1)).saturating_sub(cost);
        if worth > best.as_ref().map_or(0, |(most, _)| *most) {
            best = Some((worth, DueWalk { query, since: contact.last_seen_at, pages: cost, shows: shows.clone() }));
        }
    }
    best.map(|(_, walk)| walk)
}
