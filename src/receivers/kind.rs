//! What a kind of receiver declares, and a receiver of that kind as its keys describe it.

use std::{fmt, io::Write, sync::Arc, time::Duration};

use parking_lot::Mutex;
use url::Url;

use super::sender::Sender;
use crate::{
    config::keys::KeyedKind,
    model::{Address, alert::short_hash},
    net::proxies::Proxies,
    render::Format,
};

/// The time limit of one message to one receiver.
pub(crate) const SEND_TIMEOUT: Duration = Duration::from_secs(20);

/// Standard output, shared by the console receivers.
pub(crate) type Output = Arc<Mutex<dyn Write + Send>>;

/// How messages to a kind of receiver are sent. There are no defaults, so that each kind decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The time between two messages, and how many may be sent at once after a pause; `None`: no limit.
    pub pace: Option<(Duration, u32)>,
    /// How many messages may be under way at once.
    pub in_flight: usize,
    /// Whether the receiver recognizes a message that it already has by its id.
    pub knows_ids: bool,
    /// Whether an attempt returns the persons it has reached.
    pub by_person: bool,
}

/// A kind of receiver. Its name and its keys are declared as a [`KeyedKind`], the form of its messages as a
/// [`Format`].
pub trait Kind: KeyedKind<Arc<dyn Way>> + Format {
    fn delivery(&self) -> Delivery;

    /// The lines that `init` writes about the kind, commented out; `None` if the file's first receiver is of this kind.
    fn example(&self) -> Option<&'static str>;
}

/// One receiver of a kind.
pub trait Way: fmt::Debug + Send + Sync {
    fn kind(&self) -> &'static dyn Kind;

    /// Makes the sender of its messages.
    ///
    /// # Errors
    /// What is wrong with its address, headers or secrets.
    fn sender(&self, tools: &SenderTools<'_>) -> Result<Box<dyn Sender>, String>;

    /// The address without secrets; a receiver that was renamed is recognized by it.
    fn address(&self) -> Address;

    /// The persons it reaches, if they are known by name; else the kind's name.
    fn persons(&self) -> Vec<String> {
        vec![self.kind().name().to_owned()]
    }

    fn secrets(&self) -> Vec<&str>;

    /// A fingerprint that changes with its secrets.
    fn fingerprint(&self) -> String {
        short_hash(&self.secrets().join("\0"))
    }

    /// Its address on the web, if it has one; it is a secret.
    fn url(&self) -> Option<Url>;
}

/// What a sender is built with.
#[derive(Clone, Copy)]
pub struct SenderTools<'a> {
    /// The receiver's name.
    pub receiver: &'a str,
    pub client: &'a reqwest::Client,
    pub output: &'a Output,
}

/// The proxy on the way to the receiver, for errors.
pub(super) fn proxy_to(way: &dyn Way) -> Option<String> {
    way.url().and_then(|url| Proxies::of_environment().name(&url))
}
