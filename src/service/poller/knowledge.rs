//! What is known of an inbox's contacts between two polls: when they were seen, and for whom was asked.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use parking_lot::{Mutex, MutexGuard};

use crate::{
    engine::{
        Observed,
        due::DueMoment,
        observed::{FRESH, Sights},
    },
    model::{Contact, ContactId},
};

/// Who was not seen for so long is forgotten here.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

/// The window of the budget.
const MINUTE: Duration = Duration::from_mins(1);

/// What is known between polls; a new process knows nothing.
#[derive(Debug, Default)]
pub struct Knowledge(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// When contacts were seen, and since when they had been inactive then.
    seen: BTreeMap<ContactId, (Timestamp, Option<Timestamp>)>,
    /// What looks at the inbox showed since the last poll began to read.
    glimpses: BTreeMap<ContactId, (Timestamp, Contact)>,
    /// When was asked for whom last, in vain.
    in_vain: BTreeMap<ContactId, Timestamp>,
    /// When the first one fell due that was not asked for yet.
    first_due: Option<Timestamp>,
    /// When requests were made for those who were due, by the steady clock.
    spent: VecDeque<Duration>,
    /// When the last poll ended, whatever came of it.
    polled_at: Option<Timestamp>,
}

impl Knowledge {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock()
    }

    /// A poll begins to read.
    pub(super) fn reading(&self) {
        self.known().glimpses.clear();
    }

    /// A poll has ended.
    pub(super) fn polled(&self, observed: &Observed, now: Timestamp) {
        let mut known = self.known();
        known.take_in(observed);
        known.seen.retain(|_, (at, _)| now.duration_since(*at) < REMEMBERED);
        known.in_vain.retain(|_, at| now.duration_since(*at) < REMEMBERED);
        known.polled_at = Some(now);
    }

    /// A look between two polls, or while one reads, showed this.
    pub(super) fn looked(&self, observed: &Observed) {
        let mut known = self.known();
        known.take_in(observed);
        let at = |id: &ContactId| observed.sights.as_ref().and_then(|sights| sights.at.get(id).copied());
        let shown = observed.contacts.iter().filter_map(|(id, contact)| Some((id.clone(), (at(id)?, contact.clone()))));
        known.glimpses.extend(shown);
    }

    /// The clock was set: nobody can say how old is what was seen.
    pub(super) fn forget(&self) {
        let mut known = self.known();
        (known.seen, known.glimpses, known.in_vain) = Default::default();
        (known.first_due, known.polled_at) = (None, None);
    }

    /// The API's clock is another one than was thought: all times here are by it.
    pub(super) fn moved(&self, by: SignedDuration) {
        let moved = |at: &mut Timestamp| *at = at.checked_add(by).unwrap_or(*at);
        let mut known = self.known();
        known.seen.values_mut().for_each(|(at, _)| moved(at));
        known.glimpses.values_mut().for_each(|(at, _)| moved(at));
        known.in_vain.values_mut().for_each(moved);
        known.first_due.iter_mut().for_each(moved);
        known.polled_at.iter_mut().for_each(moved);
    }

    /// When everybody was seen.
    pub(super) fn sights(&self, late_at: Option<Timestamp>) -> Sights {
        Sights { at: self.known().seen.iter().map(|(id, (at, _))| (id.clone(), *at)).collect(), late_at }
    }

    /// Adds to a poll what was seen while it read, and later than its own pages.
    pub(super) fn add_glimpses(&self, observed: &mut Observed) {
        for (id, (at, contact)) in std::mem::take(&mut self.known().glimpses) {
            let page_at = observed.sights.as_ref().and_then(|sights| sights.at.get(&id).copied());
            if !observed.contacts.contains_key(&id) || page_at.is_none_or(|page_at| page_at <= at) {
                observed.see_at(contact, at);
            }
        }
    }

    /// Whether a contact was seen within so much time.
    pub(super) fn is_seen_within(&self, id: &ContactId, time: SignedDuration, now: Timestamp) -> bool {
        self.known().seen.get(id).is_some_and(|(at, _)| now.duration_since(*at) <= time)
    }

    /// When the last poll ended.
    pub(super) fn polled_at(&self) -> Option<Timestamp> {
        self.known().polled_at
    }

    /// When the first one fell due that was not asked for yet: now, unless that is known.
    pub(super) fn first_due(&self, now: Timestamp) -> Timestamp {
        *self.known().first_due.get_or_insert(now)
    }

    /// Nobody is due, or who is has been asked for.
    pub(super) fn none_due(&self) {
        self.known().first_due = None;
    }

    /// Those who are due in the order in which they are asked for. Who was asked for in vain is not asked for again
    /// before the next poll, and there after the others.
    pub(super) fn in_turn(&self, due: &[DueMoment], in_poll: bool) -> Vec<DueMoment> {
        let known = self.known();
        let asked = |due: &DueMoment| known.in_vain.get(&due.contact.contact_id()).copied();
        let again =
            |due: &&DueMoment| in_poll || asked(due).is_none_or(|at| known.polled_at.is_some_and(|polled| at < polled));
        let mut turn: Vec<DueMoment> = due.iter().filter(again).cloned().collect();
        turn.sort_by_key(|due| (asked(due), due.since));
        turn
    }

    /// Somebody was asked for, and was not shown.
    pub(super) fn in_vain(&self, id: ContactId, now: Timestamp) {
        self.known().in_vain.insert(id, now);
    }

    /// Requests of the last minute for those who were due.
    pub(super) fn spent(&self, steady: Duration) -> usize {
        let mut known = self.known();
        known.spent.retain(|at| steady.saturating_sub(*at) < MINUTE);
        known.spent.len()
    }

    /// So many more.
    pub(super) fn spend(&self, requests: usize, steady: Duration) {
        self.known().spent.extend(std::iter::repeat_n(steady, requests));
    }

    /// Since when contacts had been inactive when they were seen, in order.
    pub(super) fn last_seen(&self) -> Vec<Timestamp> {
        let mut last_seen: Vec<Timestamp> =
            self.known().seen.values().filter_map(|(_, last_seen)| *last_seen).collect();
        last_seen.sort_unstable();
        last_seen
    }
}

impl Known {
    fn take_in(&mut self, observed: &Observed) {
        let Some(sights) = &observed.sights else { return };
        for (id, contact) in &observed.contacts {
            if let Some(at) = sights.at.get(id) {
                self.seen.insert(id.clone(), (*at, contact.last_seen_at));
                self.in_vain.remove(id);
            }
        }
    }
}

/// Knowledge on which a message goes out: what was fresh when it was owed, and the time to send it.
pub(super) const AT_SENDING: SignedDuration = SignedDuration::from_secs(FRESH.as_secs() + 1);
