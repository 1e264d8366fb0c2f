//! `pengwatch.toml`: who is watched, who is told, where state is kept.
//!
//! [`shape`] is the file as written, [`load`] judges it and reports every mistake, [`secret`] is the
//! only place that reads tokens and passwords. Nothing here opens a connection.

pub(crate) mod keys;
pub(crate) mod load;
mod mask;
pub(crate) mod pasted;
mod receiver;
pub(crate) mod secret;
pub(crate) mod shape;
mod together;

use std::{net::SocketAddr, path::PathBuf};

use jiff::{SignedDuration, tz::TimeZone};
use secrecy::SecretString;
use url::Url;

use crate::model::{Names, Privacy};

/// The provider's own address, used where an inbox names none.
pub(crate) const DEFAULT_URL: &str = "https://api.v7.botpenguin.com";

/// Everything that `pengwatch.toml` says, with defaults filled in and secrets read; `W` is what the kinds make of
/// their keys.
#[derive(Debug)]
pub struct ConfigOf<W> {
    pub path: PathBuf,
    /// What it held when it was read; it may hold secrets.
    pub text: SecretString,
    /// Files that secrets are read from.
    pub secret_files: Vec<PathBuf>,
    pub state: StateLocation,
    pub rules: PathBuf,
    pub templates: PathBuf,
    /// For times in messages.
    pub timezone: TimeZone,
    /// How long what is over is kept.
    pub retention: SignedDuration,
    /// How long `run --once` may take.
    pub deadline: SignedDuration,
    /// Inboxes, in the file's order of names.
    pub inboxes: Vec<Inbox>,
    pub receivers: Vec<ReceiverOf<W>>,
    /// Names of all receivers, of those with mistakes, too.
    pub receiver_names: Vec<String>,
    /// Who watches the watcher.
    pub watchdog: Watchdog,
    /// Where the program answers, if it does.
    pub server: Option<Server>,
    /// Names of agents and bots.
    pub names: Names,
}

/// Who watches the watcher.
#[derive(Debug)]
pub struct Watchdog {
    /// Who is told when the watcher itself has trouble; nobody: it is only logged.
    pub notify: Vec<String>,
    /// What lasts so long is trouble.
    pub after: SignedDuration,
    /// What is pinged while all is well; the address is the secret.
    pub heartbeat_url: Option<SecretString>,
}

/// Where the program answers.
#[derive(Clone, Debug)]
pub struct Server {
    /// The address.
    pub listen: SocketAddr,
    /// What everything but health asks for; needed unless only this machine can ask.
    pub token: Option<SecretString>,
}

/// Where state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateLocation {
    /// A file.
    Sqlite(PathBuf),
}

/// One account that is watched.
#[derive(Debug)]
pub struct Inbox {
    /// Its name in rules.
    pub name: String,
    /// Base address of the API.
    pub url: Url,
    pub token: SecretString,
    /// Pause between polls.
    pub poll_every: SignedDuration,
    /// A full walk at least this often.
    pub sweep_every: SignedDuration,
    /// At most so many requests in any 60 s.
    pub requests_per_minute: u32,
    /// For one request, answer included.
    pub timeout: SignedDuration,
    /// Address of a conversation, with `{{contact._id}}` and its like.
    pub contact_link: Option<String>,
}

/// Somebody who is told.
#[derive(Debug)]
pub struct ReceiverOf<W> {
    /// Its name in rules.
    pub name: String,
    /// How it is reached.
    pub way: W,
    /// Who gets its messages when it takes none.
    pub fallback: Option<String>,
    /// The folder in `templates/` that stands in for `alert`.
    pub template: Option<String>,
    /// What becomes one message.
    pub group: Group,
    /// How many alerts a message lists.
    pub max_listed: usize,
    /// After this a message is given up.
    pub give_up_after: SignedDuration,
    /// How much of a customer it may see.
    pub privacy: Privacy,
}

/// What becomes one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Group {
    /// What one rule owes.
    #[default]
    Rule,
    /// Each customer alone.
    Contact,
    /// Everything that is due.
    Receiver,
}

impl Group {
    /// The values of the key `group`.
    pub const NAMES: [(&'static str, Self); 3] =
        [("rule", Self::Rule), ("contact", Self::Contact), ("receiver", Self::Receiver)];
}

impl<W> ConfigOf<W> {
    pub fn inbox_names(&self) -> Vec<String> {
        self.inboxes.iter().map(|inbox| inbox.name.clone()).collect()
    }
}
