//! The state of a sandbox, behind one lock that is never held during a wait.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::actions::CustomerAction;
use super::customers::Population;
use super::fault::{FaultKind, Place, Queue};
use super::filter::{FilterReading, passes, time};
use super::log::Log;
use super::records::ContactRecords;
use super::validate::InboxQuery;
use super::{Received, Request, SandboxError, Settings};
use crate::model::time::iso;

/// The documented window of the rate limit.
const WINDOW: SignedDuration = SignedDuration::from_secs(60);

/// The state behind the lock.
pub(super) struct SandboxState {
    pub(super) settings: Settings,
    pub(super) records: ContactRecords,
    pub(super) faults: Queue,
    pub(super) population: Population,
    pub(super) requests: Log<Request>,
    pub(super) slack: Log<Received>,
    pub(super) webhooks: Log<Received>,
    /// The times of the requests of the last minute.
    window: VecDeque<Timestamp>,
}

impl SandboxState {
    /// A sandbox with its first customers.
    pub(super) fn new(settings: Settings, now: Timestamp) -> Self {
        let mut state = Self {
            records: ContactRecords::new(settings.order),
            faults: Queue::default(),
            population: Population::new(settings.seed),
            requests: Log::new(),
            slack: Log::new(),
            webhooks: Log::new(),
            window: VecDeque::new(),
            settings,
        };
        for index in 0..state.settings.contacts {
            let contact = if index < state.settings.waiting {
                state.population.waiting(now)
            } else {
                state.population.settled(now)
            };
            // A made-up customer has an id.
            let _ = state.records.put(contact);
        }
        state
    }

    /// Counts a request; if the limit is reached, returns the seconds to wait instead.
    pub(super) fn admit(&mut self, now: Timestamp) -> Result<(), i64> {
        let limit = usize::try_from(self.settings.rate_limit).unwrap_or(usize::MAX);
        while self.window.front().is_some_and(|at| now.duration_since(*at) >= WINDOW) {
            self.window.pop_front();
        }
        match self.window.front() {
            Some(oldest) if limit > 0 && self.window.len() >= limit => {
                let left = WINDOW.saturating_sub(now.duration_since(*oldest));
                // Rounded up, so that a request after this time is accepted.
                let full = left.as_secs() + i64::from(left.subsec_nanos() > 0);
                Err(full.max(1))
            }
            _ => {
                self.window.push_back(now);
                Ok(())
            }
        }
    }

    /// One page of a query.
    pub(super) fn page(&self, query: &InboxQuery) -> Vec<Value> {
        let size = self.settings.page_size.max(1);
        self.matching(query).skip((query.page - 1).saturating_mul(size)).take(size).cloned().collect()
    }

    fn matching<'a>(&'a self, query: &'a InboxQuery) -> impl Iterator<Item = &'a Value> {
        let reading = FilterReading {
            listed_only: self.settings.listed_filters_only,
            false_means_all: self.settings.false_means_all,
        };
        self.records.iter().filter(move |contact| passes(query, contact, reading))
    }

    /// Changes the inbox between this page and the next one.
    pub(super) fn between_pages(&mut self, kind: &FaultKind, query: &InboxQuery, now: Timestamp) {
        let size = self.settings.page_size.max(1);
        let index = match kind {
            FaultKind::MoveToFront => query.page.saturating_mul(size),
            FaultKind::Vanish => (query.page - 1).saturating_mul(size),
            _ => return,
        };
        let Some(mut contact) = self.matching(query).nth(index).cloned() else { return };
        if *kind == FaultKind::MoveToFront {
            let newest = self.records.iter().filter_map(|contact| time(contact, "/lastMessage/at")).max();
            let after = newest.and_then(|newest| newest.checked_add(SignedDuration::from_millis(1)).ok());
            let at = iso(after.map_or(now, |after| now.max(after)));
            if let Some(Value::Object(message)) = contact.get_mut("lastMessage") {
                message.insert("at".to_owned(), json!(at));
            }
            contact["updatedAt"] = json!(at);
            let _ = self.records.put(contact);
        } else if let Some(id) = contact["_id"].as_str() {
            self.records.remove(id);
        }
    }

    /// Performs an action in one conversation.
    pub(super) fn change(&mut self, id: &str, action: &CustomerAction, at: Timestamp) -> Result<(), SandboxError> {
        let Some(Value::Object(mut contact)) = self.records.remove(id) else { return Err(SandboxError::NoSuchContact) };
        action.change(&mut contact, at);
        self.records.put(Value::Object(contact)).map(drop).map_err(|_| SandboxError::NoId)
    }

    /// Keeps a message of a sink.
    pub(super) fn keep(&mut self, place: Place, received: Received) {
        let log = if place == Place::Slack { &mut self.slack } else { &mut self.webhooks };
        log.push(received.body.len(), received);
    }
}
