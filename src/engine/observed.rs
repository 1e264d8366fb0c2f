//! What one poll of one inbox saw.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::differs::Returned;
use crate::model::{AlertId, Contact, ContactId, snapshot::WalkPart};

/// How far the walks of one rule's query are evidence of absence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Complete walks in this poll.
    pub complete: u32,
    /// A full walk was tried and came to some end, complete or not: who is missing is worth a look.
    pub ended: bool,
}

/// What one poll of one inbox saw.
#[derive(Clone, Debug, Default)]
pub struct Observed {
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
    /// Alerts whose contact was not seen by the last poll, and not found: what is known of them is older
    /// than that, so that nobody is told of them.
    pub doubtful: BTreeSet<AlertId>,
    /// Records that were not understood, of the worst walk.
    pub unreadable: usize,
}

impl Observed {
    /// A moment between two polls, the last of which was good: nothing new was seen.
    pub fn between_polls() -> Self {
        Self { fresh: true, ..Self::default() }
    }

    /// Takes a contact in; of two versions the newer one stays.
    pub fn see(&mut self, contact: Contact) {
        let id = contact.contact_id();
        let merged = match self.contacts.remove(&id) {
            Some(known) => known.newer(contact),
            None => contact,
        };
        self.contacts.insert(id, merged);
    }

    /// Whether a contact that is seen as of `seen_at` is missing from the walks of a rule. A walk over
    /// several polls says nothing of whom it saw before, or of who was seen since it began.
    pub fn lacks(&self, rule: &str, contact: &Contact, seen_at: Timestamp) -> bool {
        let earlier = self.earlier.get(rule);
        !self.contacts.contains_key(&contact.contact_id())
            && !earlier.is_some_and(|part| seen_at >= part.began_at || part.seen.contains(&contact.id))
    }

    /// The coverage of a rule.
    pub fn of(&self, rule: &str) -> Coverage {
        self.coverage.get(rule).copied().unwrap_or_default()
    }
}
