//! Direct access to a sandbox within its process.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::actions::CustomerAction;
use super::fault::{Fault, Place};
use super::received::{Received, Request, SandboxError};
use super::settings::Settings;
use super::smtp::{Mail, SmtpSink, Stage};
use super::state::SandboxState;
use crate::clock::Clock;

/// A made-up inbox. Clones share it.
#[derive(Clone)]
pub struct Sandbox(Arc<Inner>);

struct Inner {
    /// Locked for one decision, never during a wait.
    state: Mutex<SandboxState>,
    /// The mail sink, which has its own listener and lock.
    mail: OnceLock<SmtpSink>,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
}

impl Sandbox {
    pub(super) fn new(settings: Settings, clock: Arc<dyn Clock>, shutdown: CancellationToken) -> Self {
        let state = Mutex::new(SandboxState::new(settings, clock.now()));
        Self(Arc::new(Inner { state, mail: OnceLock::new(), clock, shutdown }))
    }

    /// Runs a decision under the lock.
    pub(super) fn with<T>(&self, decide: impl FnOnce(&mut SandboxState, Timestamp) -> T) -> T {
        let now = self.now();
        decide(&mut self.0.state.lock(), now)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(super) fn shutdown(&self) -> &CancellationToken {
        &self.0.shutdown
    }

    /// Adds a contact exactly as it is, or replaces the one with its `_id`.
    ///
    /// # Errors
    /// [`SandboxError::NoId`]: a record without an id is a [`BadRecord`](super::BadRecord), not a contact.
    pub fn put(&self, contact: Value) -> Result<String, SandboxError> {
        self.with(|state, _| state.records.put(contact)).map_err(|_| SandboxError::NoId)
    }

    /// Adds or replaces a contact of which only some fields are given, the others made up; see
    /// [`Population::complete`](super::customers::Population::complete). Returns the contact.
    ///
    /// # Errors
    /// [`SandboxError::NoObject`], [`SandboxError::NoId`].
    pub fn make(&self, given: Value) -> Result<Value, SandboxError> {
        self.with(|state, now| {
            let contact = state.population.complete(given, now)?;
            state.records.put(contact.clone()).map_err(|_| SandboxError::NoId)?;
            Ok(contact)
        })
    }

    /// Removes a contact, and returns it.
    pub fn remove(&self, id: &str) -> Option<Value> {
        self.with(|state, _| state.records.remove(id))
    }

    /// One contact as it is now.
    pub fn contact(&self, id: &str) -> Option<Value> {
        self.with(|state, _| state.records.get(id).cloned())
    }

    /// All contacts, in the order of the pages.
    pub fn contacts(&self) -> Vec<Value> {
        self.with(|state, _| state.records.iter().cloned().collect())
    }

    /// Performs an action in a contact's conversation, at that time.
    ///
    /// # Errors
    /// [`SandboxError::NoSuchContact`].
    pub fn act(&self, id: &str, action: &CustomerAction, at: Timestamp) -> Result<(), SandboxError> {
        self.with(|state, _| state.change(id, action, at))
    }

    /// Adds a mail sink, so that its mails and faults are reached like those of the other sinks. A second one is
    /// ignored.
    pub fn with_mail(&self, sink: SmtpSink) {
        let _ = self.0.mail.set(sink);
    }

    /// Puts a fault into the queue. A fault of an absent mail sink never occurs.
    pub fn fault(&self, fault: Fault) {
        if fault.at != Place::Mail {
            self.with(|state, _| state.faults.push(fault));
        } else if let (Some(sink), Some(trouble)) = (self.0.mail.get(), fault.kind.trouble()) {
            sink.trouble(Stage::End, trouble, usize::try_from(fault.times).unwrap_or(usize::MAX));
        }
    }

    /// Whether it has a mail sink.
    pub(super) fn takes_mail(&self) -> bool {
        self.0.mail.get().is_some()
    }

    /// Empties the queue of faults.
    pub fn clear_faults(&self) {
        self.with(|state, _| state.faults.clear());
    }

    /// The bodies of the requests for pages, oldest first.
    pub fn requests(&self) -> Vec<Value> {
        self.log().into_iter().filter(|request| request.path == "/inbox/users").map(|request| request.body).collect()
    }

    /// All requests to the API, oldest first.
    pub fn log(&self) -> Vec<Request> {
        self.with(|state, _| state.requests.all())
    }

    /// The messages of the Slack sink, oldest first.
    pub fn slack(&self) -> Vec<Received> {
        self.with(|state, _| state.slack.all())
    }

    /// The messages of the webhook sink, oldest first.
    pub fn webhooks(&self) -> Vec<Received> {
        self.with(|state, _| state.webhooks.all())
    }

    /// The mails of the mail sink, oldest first; none without a mail sink.
    pub fn mails(&self) -> Vec<Mail> {
        self.0.mail.get().map(SmtpSink::mails).unwrap_or_default()
    }

    /// Forgets the requests and the messages of the sinks.
    pub fn clear_logs(&self) {
        if let Some(sink) = self.0.mail.get() {
            sink.forget_mails();
        }
        self.with(|state, _| {
            state.requests.clear();
            state.slack.clear();
            state.webhooks.clear();
        });
    }
}
