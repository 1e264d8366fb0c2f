//! A mail server that keeps its mails, for the demo and for tests.
//!
//! It delivers nothing. It requires a login and TLS if configured, and misbehaves on request. Everything is
//! bounded; after invalid input it closes the connection.

mod mail;
mod session;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use mail::Mail;

/// The most mails, and bytes of mails, that are kept; the oldest are forgotten first.
const KEPT: usize = 1_000;
const KEPT_BYTES: usize = 64 * 1024 * 1024;
/// The number of clients that are served at once; the others wait.
const CLIENTS: usize = 100;

/// The moment of a conversation at which something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before the greeting.
    Greeting,
    /// At the login.
    Auth,
    /// At the sender.
    Mail,
    /// At a recipient.
    Rcpt,
    /// At `DATA`.
    Data,
    /// After the mail itself. A mail that is answered with a code is not kept; one whose answer is
    /// lost is.
    End,
}

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkTrouble {
    /// This code instead of the right answer.
    Code(u16),
    /// The connection is closed without an answer.
    HangUp,
    /// The answer is late by this time.
    Delay(Duration),
}

/// Login and TLS of the server.
#[derive(Clone, Default)]
pub struct SinkSettings {
    /// The user and the password that it requires.
    pub login: Option<(String, String)>,
    /// With these certificates it offers `STARTTLS`.
    pub tls: Option<Arc<ServerConfig>>,
    /// It uses TLS from the first byte instead.
    pub implicit: bool,
}

#[derive(Default)]
struct State {
    mails: VecDeque<Mail>,
    script: Vec<Scripted>,
    connections: usize,
    /// What clients called themselves, the newest last.
    hellos: VecDeque<String>,
    refused: usize,
}

struct Scripted {
    stage: Stage,
    recipient: Option<String>,
    trouble: SinkTrouble,
    times: usize,
}

/// A handle on a running server; clones share it.
#[derive(Clone)]
pub struct SmtpSink {
    state: Arc<Mutex<State>>,
    settings: Arc<SinkSettings>,
}

impl SmtpSink {
    /// Serves on `listener` until `shutdown`, without TLS and without a login.
    pub fn start(listener: TcpListener, shutdown: CancellationToken) -> Self {
        Self::start_with(SinkSettings::default(), listener, shutdown)
    }

    /// Serves on `listener` until `shutdown`.
    pub fn start_with(settings: SinkSettings, listener: TcpListener, shutdown: CancellationToken) -> Self {
        let sink = Self { state: Arc::default(), settings: Arc::new(settings) };
        let handle = sink.clone();
        tokio::spawn(async move { shutdown.run_until_cancelled(sink.serve(listener, &shutdown)).await });
        handle
    }

    async fn serve(&self, listener: TcpListener, shutdown: &CancellationToken) {
        let clients = Arc::new(Semaphore::new(CLIENTS));
        // The semaphore is never closed; this ends with the shutdown.
        while let Ok(place) = clients.clone().acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => {
                    self.state().connections += 1;
                    let (sink, shutdown) = (self.clone(), shutdown.clone());
                    tokio::spawn(async move {
                        shutdown.run_until_cancelled(session::run(&sink, stream)).await;
                        drop(place);
                    });
                }
                // For example, no socket is free; that passes.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// The mails so far, in the order in which they came.
    pub fn mails(&self) -> Vec<Mail> {
        self.state().mails.iter().cloned().collect()
    }

    /// Forgets the mails so far.
    pub fn forget_mails(&self) {
        self.state().mails.clear();
    }

    /// The number of complete mails that were refused with a code.
    pub fn refused(&self) -> usize {
        self.state().refused
    }

    /// The number of connections so far.
    pub fn connections(&self) -> usize {
        self.state().connections
    }

    /// What clients called themselves, in order.
    pub fn hellos(&self) -> Vec<String> {
        self.state().hellos.iter().cloned().collect()
    }

    fn greeted(&self, name: &str) {
        let mut state = self.state();
        state.hellos.push_back(name.chars().take(300).collect());
        if state.hellos.len() > KEPT {
            state.hellos.pop_front();
        }
    }

    /// Answers with `code` at `stage`, this number of times.
    pub fn fault(&self, stage: Stage, code: u16, times: usize) {
        self.trouble(stage, SinkTrouble::Code(code), times);
    }

    /// Answers with `code` to this recipient, this number of times.
    pub fn refuse(&self, recipient: &str, code: u16, times: usize) {
        self.trouble_for(recipient, Stage::Rcpt, SinkTrouble::Code(code), times);
    }

    /// Forgets what was scripted.
    pub fn clear_script(&self) {
        self.state().script.clear();
    }

    /// Makes trouble at `stage`, this number of times.
    pub fn trouble(&self, stage: Stage, trouble: SinkTrouble, times: usize) {
        self.state().script.push(Scripted { stage, recipient: None, trouble, times });
    }

    /// Makes trouble at `stage` if the mail is for this recipient, this number of times.
    pub fn trouble_for(&self, recipient: &str, stage: Stage, trouble: SinkTrouble, times: usize) {
        self.state().script.push(Scripted { stage, recipient: Some(recipient.to_owned()), trouble, times });
    }

    /// The next trouble that is scripted for this moment.
    fn next(&self, stage: Stage, recipients: &[String]) -> Option<SinkTrouble> {
        let mut guard = self.state();
        let fits = |scripted: &&mut Scripted| {
            scripted.times > 0
                && scripted.stage == stage
                && scripted.recipient.as_ref().is_none_or(|recipient| recipients.contains(recipient))
        };
        let scripted = guard.script.iter_mut().find(fits)?;
        scripted.times -= 1;
        Some(scripted.trouble)
    }

    fn refuse_mail(&self) {
        self.state().refused += 1;
    }

    fn keep(&self, mail: Mail) {
        let mut state = self.state();
        state.mails.push_back(mail);
        let bytes = |mails: &VecDeque<Mail>| mails.iter().map(|mail| mail.data.len()).sum::<usize>();
        while state.mails.len() > KEPT || bytes(&state.mails) > KEPT_BYTES {
            state.mails.pop_front();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl fmt::Debug for SmtpSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmtpSink(..)")
    }
}

impl fmt::Debug for SinkSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Settings(..)")
    }
}

#[cfg(test)]
mod tests;
