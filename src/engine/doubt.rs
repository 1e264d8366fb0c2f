//! Whether an absence is believed. It is doubted when everybody is gone at once, and after walks that may hide
//! customers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use super::Observed;
use crate::{
    model::{Alert, Contact, Doubt, Emptied, Snapshot},
    rules::Rule,
};

/// Time after which a doubted absence is believed.
pub(crate) const LASTS: SignedDuration = SignedDuration::from_mins(5);

/// Polls after which it is believed, in addition to the time, when everybody was gone at once.
pub(crate) const POLLS: u32 = 3;

/// The number of customers from which "all gone at once" is suspicious; fewer can be gone by chance.
const SEVERAL: usize = 3;

/// The number of complete walks that a lasting absence counts as.
const ENOUGH: u32 = super::input::ABSENT;

/// What the absence of one contact counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absence {
    /// The contact was missing from so many complete walks.
    Walks(u32),
    /// The absence does not count yet.
    Doubted,
}

/// What the absences of one poll count as.
pub(crate) struct Doubts<'a> {
    observed: &'a Observed,
    now: Timestamp,
    /// Rules most of whose customers are gone at once.
    doubted: BTreeSet<&'a str>,
    /// Rules where this has lasted long enough to be believed.
    believed: BTreeSet<&'a str>,
    /// Rules whose walk did not show somebody who passes their filter.
    wrong: BTreeSet<&'a str>,
    memory: Doubt,
}

/// Contacts of firing alerts: how many there are, how many are gone, and whether a look-up found any.
#[derive(Default)]
struct Count<'a> {
    open: BTreeSet<&'a str>,
    gone: BTreeSet<&'a str>,
    found: bool,
}

impl Count<'_> {
    fn is_emptied(&self) -> bool {
        self.open.len() >= SEVERAL && self.gone.len() * 2 > self.open.len() && !self.found
    }
}

impl<'a> Doubts<'a> {
    /// Computes the doubts from what one poll saw and what was remembered.
    pub(crate) fn of(rules: &'a [Arc<Rule>], snapshot: &'a Snapshot, observed: &'a Observed, now: Timestamp) -> Self {
        let memory = snapshot.memory.doubt.clone();
        let none = BTreeSet::new;
        let mut doubts = Self { observed, now, doubted: none(), believed: none(), wrong: none(), memory };
        if observed.coverage.values().any(|coverage| coverage.complete > 0) {
            doubts.look_at_walks(rules, snapshot);
            doubts.look_at_all(rules, snapshot);
        }
        doubts
    }

    /// The memory for the next poll.
    pub(crate) fn into_memory(self) -> Doubt {
        self.memory
    }

    /// What the absence of a contact from the walks of a rule counts as; `None` if it is not absent.
    pub(crate) fn absence(&self, rule: &str, contact: &Contact, seen_at: Timestamp) -> Option<Absence> {
        let complete = self.observed.of(rule).complete;
        if complete == 0 || !self.observed.lacks(rule, contact, seen_at) {
            return None;
        }
        if self.believed.contains(rule) {
            return Some(Absence::Walks(ENOUGH));
        }
        if self.doubted.contains(rule) {
            return Some(Absence::Doubted);
        }
        if !self.may_hide(rule) {
            return Some(Absence::Walks(complete));
        }
        let since = self.memory.missing.get(&contact.id).copied().unwrap_or(self.now);
        let explained = self.memory.explained_at.is_some_and(|at| at >= since) && !self.wrong.contains(rule);
        Some(match () {
            () if self.now.duration_since(since) >= LASTS => Absence::Walks(ENOUGH),
            () if explained => Absence::Walks(complete),
            () => Absence::Doubted,
        })
    }

    /// Whether the walks of a rule may have hidden customers.
    fn may_hide(&self, rule: &str) -> bool {
        self.observed.uneven.contains(rule) || self.wrong.contains(rule)
    }

    fn is_gone(&self, rule: &str, contact: &Contact, seen_at: Timestamp) -> bool {
        self.observed.of(rule).complete > 0 && self.observed.lacks(rule, contact, seen_at)
    }

    /// Looks at walks that may hide customers: since when somebody is missing, and whether a look-up explained it.
    fn look_at_walks(&mut self, rules: &'a [Arc<Rule>], snapshot: &Snapshot) {
        let observed = self.observed;
        for alert in &snapshot.alerts {
            let Some(rule) = rules.iter().find(|rule| rule.name == alert.rule) else { continue };
            let id = alert.contact.contact_id();
            let Some(contact) = observed.contacts.get(&id).filter(|_| observed.found.contains(&id)) else { continue };
            if !rule.trusts(contact) {
                continue;
            }
            if rule.filter.passes(contact, self.now) {
                self.wrong.insert(&rule.name);
            } else {
                self.memory.explained_at = Some(self.now);
            }
        }
        let alerts = snapshot.alerts.iter().map(|alert| (&alert.rule, &alert.contact, alert.first_seen));
        let candidates = snapshot.candidates.iter();
        let candidates = candidates.map(|candidate| (&candidate.rule, &candidate.contact, candidate.first_seen));
        let mut missing = BTreeMap::new();
        for (rule, contact, seen_at) in alerts.chain(candidates) {
            let known = self.memory.missing.get(&contact.id).copied();
            let since = if self.may_hide(rule) && self.is_gone(rule, contact, seen_at) {
                Some(known.map_or(self.now, |since| since.min(self.now)))
            } else {
                // Without a complete walk nothing new is known about the contact.
                known.filter(|_| {
                    observed.of(rule).complete == 0 && !observed.contacts.contains_key(&contact.contact_id())
                })
            };
            missing.extend(since.map(|since| (contact.id.clone(), since)));
        }
        self.memory.missing = missing;
        if self.memory.missing.is_empty() {
            self.memory.explained_at = None;
        }
    }

    /// Looks at whether most of the firing contacts of the inbox, or of one rule, are gone at once.
    fn look_at_all(&mut self, rules: &'a [Arc<Rule>], snapshot: &'a Snapshot) {
        let firing = |alert: &&'a Alert| alert.is_firing() && alert.lapse.is_none();
        let (mut all, mut by_rule) = (Count::default(), BTreeMap::<&str, Count<'_>>::new());
        for alert in snapshot.alerts.iter().filter(firing) {
            let Some(rule) = rules.iter().find(|rule| rule.name == alert.rule) else { continue };
            let gone = self.is_gone(&rule.name, &alert.contact, alert.first_seen);
            let found = self.observed.found.contains(&alert.contact.contact_id());
            for count in [&mut all, by_rule.entry(&rule.name).or_default()] {
                count.open.insert(&alert.contact.id);
                count.gone.extend(gone.then_some(alert.contact.id.as_str()));
                count.found |= found;
            }
        }
        let emptied: BTreeSet<&'a str> = if all.is_emptied() {
            rules.iter().map(|rule| rule.name.as_str()).collect()
        } else {
            by_rule.iter().filter(|(_, count)| count.is_emptied()).map(|(rule, _)| *rule).collect()
        };
        if emptied.is_empty() {
            // A walk that is not complete does not prove that anybody is back.
            if by_rule.keys().all(|rule| self.observed.of(rule).complete > 0) {
                self.memory.emptied = None;
            }
            return;
        }
        let before = self.memory.emptied.take();
        let since = before.as_ref().map_or(self.now, |before| before.since.min(self.now));
        let polls = before.map_or(0, |before| before.polls).saturating_add(1);
        if polls >= POLLS && self.now.duration_since(since) >= LASTS {
            self.believed = emptied;
        } else {
            self.doubted = emptied;
            self.memory.emptied = Some(Emptied { since, polls, gone: all.gone.len(), open: all.open.len() });
        }
    }
}
