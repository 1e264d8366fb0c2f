//! What is known about an inbox's contacts between two polls: when they were seen, and which were looked for.

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

/// How long a contact that was not seen is remembered here.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

/// The window of the budget.
const MINUTE: Duration = Duration::from_mins(1);

/// What is known between polls; nothing in a new process.
#[derive(Debug, Default)]
pub struct Knowledge(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// When contacts were seen last, and their `lastSeenAt` then.
    seen: BTreeMap<ContactId, (Timestamp, Option<Timestamp>)>,
    /// Contacts that looks at the inbox showed since the last poll began to read.
    glimpses: BTreeMap<ContactId, (Timestamp, Contact)>,
    /// When contacts were last asked for without being shown.
    in_vain: BTreeMap<ContactId, Timestamp>,
    /// When the first contact fell due that was not asked for yet.
    first_due: Option<Timestamp>,
    /// Times of requests for contacts that were due, by the steady clock.
    spent: VecDeque<Duration>,
    /// When the last poll ended, successful or not.
    polled_at: Option<Timestamp>,
}

impl Knowledge {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock()
    }

    /// Notes that a poll begins to read.
    pub(super) fn reading(&self) {
        self.known().glimpses.clear();
    }

    /// Notes that a poll has ended, and what it saw.
    pub(super) fn polled(&self, observed: &Observed, now: Timestamp) {
        let mut known = self.known();
        known.take_in(observed);
        known.seen.retain(|_, (at, _)| now.duration_since(*at) < REMEMBERED);
        known.in_vain.retain(|_, at| now.duration_since(*at) < REMEMBERED);
        known.polled_at = Some(now);
    }

    /// Notes what a look between two polls, or during one, has shown.
    pub(super) fn looked(&self, observed: &Observed) {
        let mut known = self.known();
        known.take_in(observed);
        let at = |id: &ContactId| observed.sights.as_ref().and_then(|sights| sights.at.get(id).copied());
        let shown = observed.contacts.iter().filter_map(|(id, contact)| Some((id.clone(), (at(id)?, contact.clone()))));
        known.glimpses.extend(shown);
    }

    /// Forgets when contacts were seen, after the clock was set: nobody can say how old that is.
    pub(super) fn forget(&self) {
        let mut known = self.known();
        (known.seen, known.glimpses, known.in_vain) = Default::default();
        (known.first_due, known.polled_at) = (None, None);
    }

    /// Moves all times here, which are by the API's clock, after that clock was measured anew.
    pub(super) fn moved(&self, by: SignedDuration) {
        let moved = |at: &mut Timestamp| *at = at.checked_add(by).unwrap_or(*at);
        let mut known = self.known();
        known.seen.values_mut().for_each(|(at, _)| moved(at));
        known.glimpses.values_mut().for_each(|(at, _)| moved(at));
        known.in_vain.values_mut().for_each(moved);
        known.first_due.iter_mut().for_each(moved);
        known.polled_at.iter_mut().for_each(moved);
    }

    /// When each contact was seen.
    pub(super) fn sights(&self, late_at: Option<Timestamp>) -> Sights {
        Sights { at: self.known().seen.iter().map(|(id, (at, _))| (id.clone(), *at)).collect(), late_at }
    }

    /// Adds to a poll the contacts that were seen during it, and later than on its own pages.
    pub(super) fn add_glimpses(&self, observed: &mut Observed) {
        for (id, (at, contact)) in std::mem::take(&mut self.known().glimpses) {
            let page_at = observed.sights.as_ref().and_then(|sights| sights.at.get(&id).copied());
            if !observed.contacts.contains_key(&id) || page_at.is_none_or(|page_at| page_at <= at) {
                observed.see_at(contact, at);
            }
        }
    }

    pub(super) fn is_seen_within(&self, id: &ContactId, time: SignedDuration, now: Timestamp) -> bool {
        self.known().seen.get(id).is_some_and(|(at, _)| now.duration_since(*at) <= time)
    }

    /// When the last poll ended, successful or not.
    pub(super) fn polled_at(&self) -> Option<Timestamp> {
        self.known().polled_at
    }

    /// When the first contact fell due that was not asked for yet; now, unless that is known.
    pub(super) fn first_due(&self, now: Timestamp) -> Timestamp {
        *self.known().first_due.get_or_insert(now)
    }

    /// Notes that no contact is due, or that those that are due were asked for.
    pub(super) fn none_due(&self) {
        self.known().first_due = None;
    }

    /// The due contacts in the order in which they are asked for. A contact that was asked for in vain is not asked for
    /// again before the next poll, and in that poll after the others.
    pub(super) fn in_turn(&self, due: &[DueMoment], in_poll: bool) -> Vec<DueMoment> {
        let known = self.known();
        let asked = |due: &DueMoment| known.in_vain.get(&due.contact.contact_id()).copied();
        let again =
            |due: &&DueMoment| in_poll || asked(due).is_none_or(|at| known.polled_at.is_some_and(|polled| at < polled));
        let mut turn: Vec<DueMoment> = due.iter().filter(again).cloned().collect();
        turn.sort_by_key(|due| (asked(due), due.since));
        turn
    }

    /// Notes that a contact was asked for and not shown.
    pub(super) fn in_vain(&self, id: ContactId, now: Timestamp) {
        self.known().in_vain.insert(id, now);
    }

    /// The number of requests within the last minute for contacts that were due.
    pub(super) fn spent(&self, steady: Duration) -> usize {
        let mut known = self.known();
        known.spent.retain(|at| steady.saturating_sub(*at) < MINUTE);
        known.spent.len()
    }

    /// Adds requests for contacts that were due.
    pub(super) fn spend(&self, requests: usize, steady: Duration) {
        self.known().spent.extend(std::iter::repeat_n(steady, requests));
    }

    /// The `lastSeenAt` of contacts when they were last seen, sorted.
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

/// How old knowledge may be when a message goes out: fresh when it was owed, plus the time to send it.
pub(super) const AT_SENDING: SignedDuration = SignedDuration::from_secs(FRESH.as_secs() + 1);
