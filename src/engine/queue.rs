//! The order in which the messages of one round may go out.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::model::{MessageId, Open, Owed};

/// Inbox, rule and contact, as a number: order is kept for each.
type Subject = usize;

/// A message to send.
#[derive(Debug)]
struct Queued {
    id: MessageId,
    next_at: Timestamp,
    /// The subjects of its notifications.
    subjects: HashSet<Subject>,
    /// Whether some recipients of a mail have got it while others are still to be tried.
    is_partly_settled: bool,
}

/// The messages of a round in the order in which they go out. Order is kept for each alert: the next episode waits for
/// the end of the one before.
#[derive(Debug, Default)]
pub(crate) struct SendQueue {
    messages: Vec<Queued>,
    /// Messages that have not had their turn yet.
    waiting: Vec<usize>,
    /// Messages under way.
    busy: HashSet<usize>,
    /// Subjects that must wait, each until a time.
    later: HashMap<Subject, Timestamp>,
    /// When the first of the waiting messages is to be tried.
    next_at: Option<Timestamp>,
}

impl SendQueue {
    pub(crate) fn of(open: &Open) -> Self {
        let mut numbers = HashMap::new();
        let mut number = |owed: &Owed| {
            let next = numbers.len();
            let subject = (owed.alert.inbox.clone(), owed.alert.rule.clone(), owed.alert.contact.id.clone());
            *numbers.entry(subject).or_insert(next)
        };
        let mut told: HashMap<&MessageId, (HashSet<Subject>, bool)> = HashMap::new();
        for owed in &open.owed {
            let Some(message) = &owed.message else { continue };
            let (subjects, is_end) = told.entry(message).or_default();
            subjects.insert(number(owed));
            *is_end |= !owed.notification.event.is_of_waiting();
        }
        let mut waiting: Vec<usize> = (0..open.messages.len()).collect();
        if open.reception.is_broken() {
            // Probe with the message with the fewest attempts, so that one bad message is not tried every time.
            waiting.sort_by_key(|place| open.messages[*place].0.attempts);
        }
        let of = |place: &usize| told.get(&open.messages[*place].0.id);
        let is_end = |place: &usize| of(place).is_some_and(|(_, is_end)| *is_end);
        // A combined message is newer than the notifications in it, so its age does not tell the order. An end goes
        // before the next beginning; a beginning from before the end has been withdrawn by now.
        let ended: HashSet<Subject> = waiting
            .iter()
            .filter(|place| is_end(place))
            .filter_map(of)
            .flat_map(|(subjects, _)| subjects)
            .copied()
            .collect();
        let follows = |place: &usize| of(place).is_some_and(|(subjects, _)| !subjects.is_disjoint(&ended));
        waiting.sort_by_cached_key(|place| !is_end(place) && follows(place));
        let messages = open.messages.iter().enumerate().map(|(place, (message, settled))| Queued {
            id: message.id.clone(),
            next_at: message.next_at,
            subjects: of(&place).map(|(subjects, _)| subjects.clone()).unwrap_or_default(),
            is_partly_settled: !settled.is_empty(),
        });
        Self { messages: messages.collect(), waiting, ..Self::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Leaves no further message its turn in this round.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// When the first of the waiting messages is to be tried.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.next_at
    }

    /// The first message that may go out now; it counts as under way then. `at_once`: its own time is ignored.
    pub(crate) fn next(&mut self, now: Timestamp, at_once: bool) -> Option<MessageId> {
        let mut blocked: HashSet<Subject> =
            self.busy.iter().flat_map(|place| &self.messages[*place].subjects).copied().collect();
        let mut turn = 0;
        while let Some(place) = self.waiting.get(turn).copied() {
            let Queued { id, next_at, subjects, is_partly_settled } = &self.messages[place];
            let behind = subjects.iter().filter_map(|subject| self.later.get(subject)).copied().max();
            let not_before = behind.max(Some(*next_at).filter(|own| !at_once && *own > now));
            if let Some(at) = not_before {
                self.next_at = Some(self.next_at.map_or(at, |known| known.min(at)));
                // Recipients who have got their part of it must not wait for the others.
                if !is_partly_settled {
                    self.later.extend(subjects.iter().map(|subject| (*subject, at)));
                }
                self.waiting.remove(turn);
            } else if subjects.is_disjoint(&blocked) {
                self.waiting.remove(turn);
                self.busy.insert(place);
                return Some(id.clone());
            } else {
                blocked.extend(subjects);
                turn += 1;
            }
        }
        None
    }

    /// Ends a message's turn for this round.
    pub(crate) fn done(&mut self, message: &MessageId) {
        self.take(message);
    }

    /// Puts a message back, to be tried not before `at`.
    pub(crate) fn later(&mut self, message: &MessageId, at: Timestamp) {
        let Some(place) = self.take(message) else { return };
        let Queued { subjects, is_partly_settled, .. } = &self.messages[place];
        if !is_partly_settled {
            self.later.extend(subjects.iter().map(|subject| (*subject, at)));
        }
    }

    /// Removes a message from those under way.
    fn take(&mut self, message: &MessageId) -> Option<usize> {
        let place = self.busy.iter().copied().find(|place| self.messages[*place].id == *message)?;
        self.busy.remove(&place);
        Some(place)
    }
}
