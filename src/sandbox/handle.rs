//! Direct access to a sandbox, for those in the same process.

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

/// A made-up inbox. Clones are the same inbox.
#[derive(Clone)]
pub struct Sandbox(Arc<Inner>);

struct Inner {
    /// Locked for the length of one decision, never while anything waits.
    state: Mutex<SandboxState>,
    /// The mail sink beside it, which has a listener and a lock of its own.
    mail: OnceLock<SmtpSink>,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
}

impl Sandbox {
    pub(super) fn new(settings: Settings, clock: Arc<dyn Clock>, shutdown: CancellationToken) -> Self {
        let state = Mutex::new(SandboxState::new(settings, clock.now()));
        Self(Arc::new(Inner { state, mail: OnceLock::new(), clock, shutdown }))
    }

    /// Decides something under the lock.
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

    /// Adds or replaces a contact of which only some fields are given, the others made up: see
    /// [`Population::complete`](super::customers::Population::complete). Gives it as it is then.
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

    /// Removes a contact, and gives what it was.
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

    /// Does something in a contact's conversation, at that time.
    ///
    /// # Errors
    /// [`SandboxError::NoSuchContact`].
    pub fn act(&self, id: &str, action: &CustomerAction, at: Timestamp) -> Result<(), SandboxError> {
        self.with(|state, _| state.change(id, action, at))
    }

    /// Puts a mail sink beside it, so that its mails and its faults are reached in the same way as
    /// those of the others; the first one stays.
    pub fn with_mail(&self, sink: SmtpSink) {
        let _ = self.0.mail.set(sink);
    }

    /// Puts a fault into the queue; one of a mail sink that is not there never comes.
    pub fn fault(&self, fault: Fault) {
        if fault.at != Place::Mail {
            self.with(|state, _| state.faults.push(fault));
        } else if let (Some(sink), Some(trouble)) = (self.0.mail.get(), fault.kind.trouble()) {
            sink.trouble(Stage::End, trouble, usize::try_from(fault.times).unwrap_or(usize::MAX));
        }
    }

    /// Whether there is a mail sink beside it.
    pub(super) fn takes_mail(&self) -> bool {
        self.0.mail.get().is_some()
    }

    /// Forgets the faults that have not come yet.
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

    /// What the Slack sink got, oldest first.
    pub fn slack(&self) -> Vec<Received> {
        self.with(|state, _| state.slack.all())
    }

    /// What the webhook sink got, oldest first.
    pub fn webhooks(&self) -> Vec<Received> {
        self.with(|state, _| state.webhooks.all())
    }

    /// What the mail sink got, oldest first; nothing where there is none.
    pub fn mails(&self) -> Vec<Mail> {
        self.0.mail.get().map(SmtpSink::mails).unwrap_or_default()
    }

    /// Forgets the requests and what the sinks got.
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
