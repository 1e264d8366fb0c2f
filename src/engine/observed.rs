//! What one poll of one inbox saw.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::differs::Returned;
use crate::model::{Contact, ContactId, snapshot::WalkPart};

/// Knowledge that is not older is fresh: somebody may be told by the clock on it.
pub(crate) const FRESH: SignedDuration = SignedDuration::from_secs(2);

/// How far the walks of one rule's query are evidence of absence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// Complete walks in this poll.
    pub complete: u32,
    /// A full walk was tried and came to some end, complete or not: who is missing is worth a look.
    pub ended: bool,
}

/// When contacts were last seen, in this poll or before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sights {
    /// By contact, when the request began that showed it.
    pub at: BTreeMap<ContactId, Timestamp>,
    /// Who was to be told at this time already has waited long enough for a look at the inbox.
    pub late_at: Option<Timestamp>,
}

impl Sights {
    /// The same moments by a clock that differs from the one before by so much.
    pub(crate) fn moved(&mut self, by: SignedDuration) {
        let moved = |at: &mut Timestamp| *at = at.checked_add(by).unwrap_or(*at);
        self.at.values_mut().for_each(moved);
        self.late_at.iter_mut().for_each(moved);
    }
}

/// What one poll of one inbox saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observed {
    /// Every contact seen and understood, the newest version, from walks and look-ups.
    pub contacts: BTreeMap<ContactId, Contact>,
    /// By rule.
    pub coverage: BTreeMap<String, Coverage>,
    /// By rule, what earlier polls saw of a walk that came to its end in this one.
    pub earlier: BTreeMap<String, WalkPart>,
    /// Rules whose walks came to an empty page over pages that differ in size, as this API pages.
    pub uneven: BTreeSet<String>,
    /// By query, what its records say of its filter.
    pub returned: BTreeMap<String, Returned>,
    /// Contacts that were missing, and that a look-up found.
    pub found: BTreeSet<ContactId>,
    /// Whether the inbox answered: what time alone brings is judged on fresh knowledge only.
    pub fresh: bool,
    /// When contacts were last seen; `None`: what is stored of them is how they are now.
    pub sights: Option<Sights>,
    /// Records that were not understood, of the worst walk.
    pub unreadable: usize,
}

impl Observed {
    /// A moment between two polls, the last of which was good, and nothing has changed in the inbox since.
    #[cfg(test)]
    pub(crate) fn between_polls() -> Self {
        Self { fresh: true, ..Self::default() }
    }

    /// Takes a contact in; of two versions the newer one stays.
    pub(crate) fn see(&mut self, contact: Contact) {
        let id = contact.contact_id();
        let merged = match self.contacts.remove(&id) {
            Some(known) => known.newer(contact),
            None => contact,
        };
        self.contacts.insert(id, merged);
    }

    /// Takes a contact in that a request showed which began at `at`.
    pub(crate) fn see_at(&mut self, contact: Contact, at: Timestamp) {
        let sights = self.sights.get_or_insert_default();
        let seen = sights.at.entry(contact.contact_id()).or_insert(at);
        *seen = at.max(*seen);
        self.see(contact);
    }

    /// Whether what is known of a contact is fresh.
    pub(crate) fn is_fresh(&self, id: &ContactId, now: Timestamp) -> bool {
        let Some(sights) = &self.sights else { return true };
        sights.at.get(id).is_some_and(|at| now.duration_since(*at) <= FRESH)
    }

    /// The time at which somebody must have been to be told already to be told now on what is known: nobody
    /// waits for ever for a look at the inbox.
    pub(crate) fn late_at(&self, id: &ContactId) -> Option<Timestamp> {
        let sights = self.sights.as_ref()?;
        // Who was seen since then was not to be told at that time.
        sights.late_at.filter(|late_at| sights.at.get(id).is_none_or(|seen| seen <= late_at))
    }

    /// Whether a contact that is seen as of `seen_at` is missing from the walks of a rule. A walk over
    /// several polls says nothing of whom it saw before, or of who was seen since it began.
    pub(crate) fn lacks(&self, rule: &str, contact: &Contact, seen_at: Timestamp) -> bool {
        let earlier = self.earlier.get(rule);
        !self.contacts.contains_key(&contact.contact_id())
            && !earlier.is_some_and(|part| seen_at >= part.began_at || part.seen.contains(&contact.id))
    }

    /// The coverage of a rule.
    pub(crate) fn of(&self, rule: &str) -> Coverage {
        self.coverage.get(rule).copied().unwrap_or_default()
    }
}
