//! What one poll of one inbox saw.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::differs::Returned;
use crate::model::{Contact, ContactId, snapshot::WalkPart};

/// Age up to which knowledge is fresh: people may be notified by the clock on it.
pub(crate) const FRESH: SignedDuration = SignedDuration::from_secs(2);

/// How far the walks of one rule's query prove an absence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// The number of complete walks in this poll.
    pub complete: u32,
    /// Whether a full walk was tried and ended, complete or not: missing contacts are worth a look-up.
    pub ended: bool,
}

/// When contacts were last seen, in this poll or before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sights {
    /// By contact, the start of the request that showed it.
    pub at: BTreeMap<ContactId, Timestamp>,
    /// The late limit: whoever people should have been notified about at this time has waited long enough for a look at
    /// the inbox.
    pub late_at: Option<Timestamp>,
}

impl Sights {
    /// Moves the times to a clock that differs by `by` from the one before.
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
    /// By rule, how far its walks prove an absence.
    pub coverage: BTreeMap<String, Coverage>,
    /// By rule, what earlier polls saw of a walk that ended in this one.
    pub earlier: BTreeMap<String, WalkPart>,
    /// Rules whose walks ended on an empty page after pages of different sizes, because this API pages so.
    pub uneven: BTreeSet<String>,
    /// By query, what its records say about its filter.
    pub returned: BTreeMap<String, Returned>,
    /// Contacts that were missing and that a look-up found.
    pub found: BTreeSet<ContactId>,
    /// Whether the inbox answered. Changes by time alone are judged on fresh knowledge only.
    pub fresh: bool,
    /// When contacts were last seen; `None`: the stored contacts count as up to date.
    pub sights: Option<Sights>,
    /// The number of records that were not understood, in the worst walk.
    pub unreadable: usize,
}

impl Observed {
    /// A moment between two polls, the last of which succeeded, while nothing has changed in the inbox.
    #[cfg(test)]
    pub(crate) fn between_polls() -> Self {
        Self { fresh: true, ..Self::default() }
    }

    /// Adds a contact; of two versions the newer one stays.
    pub(crate) fn see(&mut self, contact: Contact) {
        let id = contact.contact_id();
        let merged = match self.contacts.remove(&id) {
            Some(known) => known.newer(contact),
            None => contact,
        };
        self.contacts.insert(id, merged);
    }

    /// Adds a contact from a request that began at `at`.
    pub(crate) fn see_at(&mut self, contact: Contact, at: Timestamp) {
        let sights = self.sights.get_or_insert_default();
        let seen = sights.at.entry(contact.contact_id()).or_insert(at);
        *seen = at.max(*seen);
        self.see(contact);
    }

    pub(crate) fn is_fresh(&self, id: &ContactId, now: Timestamp) -> bool {
        let Some(sights) = &self.sights else { return true };
        sights.at.get(id).is_some_and(|at| now.duration_since(*at) <= FRESH)
    }

    /// The time from which on somebody must already have been due to be due now on old knowledge, so that nobody waits
    /// for ever for a look at the inbox.
    pub(crate) fn late_at(&self, id: &ContactId) -> Option<Timestamp> {
        let sights = self.sights.as_ref()?;
        // A contact that was seen after that time was not due at it.
        sights.late_at.filter(|late_at| sights.at.get(id).is_none_or(|seen| seen <= late_at))
    }

    /// Whether a contact that was last seen at `seen_at` is missing from the walks of a rule. A walk over several polls
    /// proves nothing about contacts that its earlier parts saw, or that were seen since it began.
    pub(crate) fn lacks(&self, rule: &str, contact: &Contact, seen_at: Timestamp) -> bool {
        let earlier = self.earlier.get(rule);
        !self.contacts.contains_key(&contact.contact_id())
            && !earlier.is_some_and(|part| seen_at >= part.began_at || part.seen.contains(&contact.id))
    }

    pub(crate) fn of(&self, rule: &str) -> Coverage {
        self.coverage.get(rule).copied().unwrap_or_default()
    }
}
