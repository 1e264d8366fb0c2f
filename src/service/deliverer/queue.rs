//! Whose turn it is: the messages of one round, in the order in which they may go out.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::delivered::Delivered;
use crate::model::{Open, Owed};

/// Inbox, rule and contact: what order is kept for.
type Subject<'a> = (&'a str, &'a str, &'a str);

fn subject(owed: &Owed) -> Subject<'_> {
    (&owed.alert.inbox, &owed.alert.rule, &owed.alert.contact.id)
}

/// The messages of a round in the order in which they go out. Order is kept per alert: the next episode waits
/// for the end of the one before.
pub(super) struct SendQueue<'a> {
    due: &'a Open,
    /// By message, what it tells of.
    subjects: Vec<HashSet<Subject<'a>>>,
    /// Messages that have not had their turn.
    waiting: Vec<usize>,
    /// Messages under way.
    busy: HashSet<usize>,
    /// What is not told before another round.
    later: HashMap<Subject<'a>, Timestamp>,
}

impl<'a> SendQueue<'a> {
    pub(super) fn of(due: &'a Open) -> Self {
        let subjects = due.messages.iter().map(|(message, _)| due.told_by(&message.id).map(subject).collect());
        let subjects: Vec<HashSet<Subject<'a>>> = subjects.collect();
        let mut waiting: Vec<usize> = (0..due.messages.len()).collect();
        if due.reception.is_broken() {
            // Probe with the message that was tried least, so that one bad message is not tried every time.
            waiting.sort_by_key(|place| due.messages[*place].0.attempts);
        }
        // What was put together anew is younger than what it tells. An end comes before the next beginning: a
        // beginning that was before it is withdrawn by now.
        let is_end = |place: &usize| {
            due.told_by(&due.messages[*place].0.id).any(|owed| !owed.notification.event.is_of_waiting())
        };
        let ends = waiting.iter().filter(|place| is_end(place));
        let ended: HashSet<Subject<'a>> = ends.flat_map(|place| &subjects[*place]).copied().collect();
        waiting.sort_by_cached_key(|place| !is_end(place) && !subjects[*place].is_disjoint(&ended));
        Self { due, subjects, waiting, busy: HashSet::new(), later: HashMap::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// The first message that may go out now; it is under way then. `at_once`: whatever its own time is.
    pub(super) fn next(&mut self, now: Timestamp, at_once: bool, round: &mut Delivered) -> Option<usize> {
        let mut blocked: HashSet<Subject<'a>> =
            self.busy.iter().flat_map(|place| &self.subjects[*place]).copied().collect();
        let mut turn = 0;
        while let Some(place) = self.waiting.get(turn).copied() {
            let subjects = &self.subjects[place];
            let own = self.due.messages[place].0.next_at;
            let behind = subjects.iter().filter_map(|subject| self.later.get(subject)).copied().max();
            let not_before = behind.max(Some(own).filter(|own| !at_once && *own > now));
            if let Some(at) = not_before {
                round.again_at(at);
                // Those who have got it must not wait for the others' sake.
                if !self.is_partly_settled(place) {
                    self.later.extend(subjects.iter().map(|subject| (*subject, at)));
                }
                self.waiting.remove(turn);
            } else if subjects.is_disjoint(&blocked) {
                self.waiting.remove(turn);
                self.busy.insert(place);
                return Some(place);
            } else {
                blocked.extend(subjects);
                turn += 1;
            }
        }
        None
    }

    /// Whether some recipients of a mail have got it, and others are still to be tried.
    fn is_partly_settled(&self, place: usize) -> bool {
        !self.due.messages[place].1.is_empty()
    }

    /// A message is done with.
    pub(super) fn done(&mut self, place: usize) {
        self.busy.remove(&place);
    }

    /// A message comes again, not before `at`.
    pub(super) fn later(&mut self, place: usize, at: Timestamp) {
        self.busy.remove(&place);
        if !self.is_partly_settled(place) {
            self.later.extend(self.subjects[place].iter().map(|subject| (*subject, at)));
        }
    }
}
