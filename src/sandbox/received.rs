//! What came to a sandbox, and why something could not be done in it.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

/// Why something could not be done in the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SandboxError {
    /// Nobody has that id.
    #[error("there is no contact with that `id`")]
    NoSuchContact,
    /// A contact is an object.
    #[error("a contact must be a JSON object")]
    NoObject,
    /// A contact needs an id.
    #[error("a contact's `_id` must be a string that is not empty")]
    NoId,
    /// A fault of a mail server that is not there.
    #[error("this sandbox has no mail sink")]
    NoMailSink,
}

/// A request to the API, refused ones included.
#[derive(Clone)]
pub struct Request {
    /// When it came.
    pub at: Timestamp,
    /// `/inbox/users` or `/inbox/segments`.
    pub path: &'static str,
    /// The body; null where there was none or it was no JSON.
    pub body: Value,
    /// The status of the answer; 0 where the connection was ended without one.
    pub status: u16,
}

/// What a sink got, refused things included.
#[derive(Clone)]
pub struct Received {
    /// When it came.
    pub at: Timestamp,
    /// Where it was sent.
    pub path: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came: signatures are over exactly this.
    pub body: String,
    /// The status of the answer; 0 where the connection was ended without one.
    pub status: u16,
}

impl Received {
    /// The body as JSON, if it is.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }

    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

// Bodies hold customers' words.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {} {})", self.at, self.path, self.status)
    }
}

// Bodies hold customers' words, and the path of a webhook is its secret.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received({} {})", self.at, self.status)
    }
}
