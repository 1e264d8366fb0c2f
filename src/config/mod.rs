//! `pengwatch.toml`: which inboxes are watched, who is notified, where state is kept.
//!
//! [`shape`] is the file as written, [`load`] judges it and reports every mistake, [`secret`] is the
//! only place that reads tokens and passwords. Nothing here opens a connection.

pub(crate) mod keys;
pub(crate) mod load;
mod mask;
mod mistakes;
pub(crate) mod pasted;
mod receiver;
pub(crate) mod secret;
pub(crate) mod shape;
mod together;

use std::{net::SocketAddr, path::PathBuf};

use jiff::{SignedDuration, tz::TimeZone};
use secrecy::SecretString;
use strum::{EnumString, IntoStaticStr, VariantArray};
use url::Url;

use crate::model::{Names, Privacy, StateLocation};

/// The provider's own address, used for an inbox without `url`.
pub(crate) const DEFAULT_URL: &str = "https://api.v7.botpenguin.com";

/// The contents of `pengwatch.toml`, with defaults filled in and secrets read. `W` is the type that kinds of receivers
/// make of their keys.
#[derive(Debug)]
pub struct ConfigOf<W> {
    pub path: PathBuf,
    /// The text of the file when it was read; it may hold secrets.
    pub text: SecretString,
    /// The files from which secrets are read.
    pub secret_files: Vec<PathBuf>,
    pub state: StateLocation,
    pub rules: PathBuf,
    pub templates: PathBuf,
    /// The time zone of times in messages.
    pub timezone: TimeZone,
    /// The time for which history, ended alerts and delivered messages are kept.
    pub retention: SignedDuration,
    /// The longest time that `run --once` may take.
    pub deadline: SignedDuration,
    /// The inboxes, ordered by name.
    pub inboxes: Vec<Inbox>,
    pub receivers: Vec<ReceiverOf<W>>,
    /// Names of all receivers, also of those with mistakes.
    pub receiver_names: Vec<String>,
    pub watchdog: Watchdog,
    /// The server for health and metrics; `None`: there is no server.
    pub server: Option<Server>,
    /// Names of agents and bots, by id.
    pub names: Names,
}

/// Who is notified when pengwatch itself has trouble.
#[derive(Debug)]
pub struct Watchdog {
    /// Names of the receivers that are notified; empty: trouble is only logged.
    pub notify: Vec<String>,
    /// The time after which a failure counts as trouble.
    pub after: SignedDuration,
    /// The address that is pinged while all is well; it is a secret.
    pub heartbeat_url: Option<SecretString>,
}

/// The program's own HTTP server.
#[derive(Clone, Debug)]
pub struct Server {
    pub listen: SocketAddr,
    /// The token that requests need, except those for health; required unless `listen` is a loopback address.
    pub token: Option<SecretString>,
}

/// One account of the API that is watched.
#[derive(Debug)]
pub struct Inbox {
    /// Its name in rules.
    pub name: String,
    /// The base address of the API.
    pub url: Url,
    pub token: SecretString,
    /// The time from one poll to the next.
    pub poll_every: SignedDuration,
    /// The longest time between two complete walks.
    pub sweep_every: SignedDuration,
    /// The largest number of requests in any 60 s.
    pub requests_per_minute: u32,
    /// The time limit for one request and its answer.
    pub timeout: SignedDuration,
    /// The address of a conversation, with placeholders like `{{contact._id}}`.
    pub contact_link: Option<String>,
}

/// A receiver of notifications.
#[derive(Debug)]
pub struct ReceiverOf<W> {
    /// Its name in rules.
    pub name: String,
    /// The settings of its kind: how it is reached.
    pub way: W,
    /// The name of the receiver that gets its messages while it is broken.
    pub fallback: Option<String>,
    /// The folder in `templates/` that replaces `alert`.
    pub template: Option<String>,
    /// Which notifications become one message.
    pub group: Group,
    /// The largest number of alerts that a message lists.
    pub max_listed: usize,
    /// The time after which a message that was not delivered is given up.
    pub give_up_after: SignedDuration,
    /// How much of a customer's data its messages may hold.
    pub privacy: Privacy,
}

/// Which notifications become one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Group {
    /// Those of the same rule, step and event.
    #[default]
    Rule,
    /// Those about the same customer.
    Contact,
    /// All that are due together.
    Receiver,
}

impl<W> ConfigOf<W> {
    pub fn inbox_names(&self) -> Vec<String> {
        self.inboxes.iter().map(|inbox| inbox.name.clone()).collect()
    }
}
