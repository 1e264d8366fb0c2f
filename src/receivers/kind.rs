//! What a kind of receiver says of itself, and a receiver of that kind as its keys describe it.

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

/// For one message to one receiver.
pub(crate) const SEND_TIMEOUT: Duration = Duration::from_secs(20);

/// Standard output, shared by the console receivers.
pub(crate) type Output = Arc<Mutex<dyn Write + Send>>;

/// How messages to a kind of receiver go out. There are no defaults, so that nothing is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// One message so often, and after a rest so many at once; `None`: as fast as it goes.
    pub pace: Option<(Duration, u32)>,
    /// How many messages may be under way at once.
    pub in_flight: usize,
    /// Whether the receiver sees by a message's id that it has it already.
    pub knows_ids: bool,
    /// Whether an attempt says which persons it has reached.
    pub by_person: bool,
}

/// A kind of receiver. Its name and its keys are declared as a [`KeyedKind`], the form of its messages as a
/// [`Format`].
pub trait Kind: KeyedKind<Arc<dyn Way>> + Format {
    fn delivery(&self) -> Delivery;

    /// The lines that `init` writes about it, commented out; `None` where those that it begins with are of this kind.
    fn example(&self) -> Option<&'static str>;
}

/// One receiver of a kind.
pub trait Way: fmt::Debug + Send + Sync {
    fn kind(&self) -> &'static dyn Kind;

    /// What its messages go through.
    ///
    /// # Errors
    /// What of its address, headers or secrets cannot be used.
    fn sender(&self, tools: &SenderTools<'_>) -> Result<Box<dyn Sender>, String>;

    /// How it is reached, without a secret: by that it is known under another name.
    fn address(&self) -> Address;

    /// Whom it reaches, where they are known by name; else this is the kind.
    fn persons(&self) -> Vec<String> {
        vec![self.kind().name().to_owned()]
    }

    fn secrets(&self) -> Vec<&str>;

    /// By which it is seen that its secrets were changed.
    fn fingerprint(&self) -> String {
        short_hash(&self.secrets().join("\0"))
    }

    /// Where it is, if that is an address on the web; it is a secret.
    fn url(&self) -> Option<Url>;
}

/// What a sender is made with.
#[derive(Clone, Copy)]
pub struct SenderTools<'a> {
    /// The receiver's name.
    pub receiver: &'a str,
    pub client: &'a reqwest::Client,
    pub output: &'a Output,
}

/// The proxy on the way there, for errors.
pub(super) fn proxy_to(way: &dyn Way) -> Option<String> {
    way.url().and_then(|url| Proxies::of_environment().name(&url))
}
