//! Requests and messages that a sandbox got, and the errors of its operations.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

/// An operation on the sandbox failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SandboxError {
    /// No contact has this id.
    #[error("there is no contact with that `id`")]
    NoSuchContact,
    /// A contact must be an object.
    #[error("a contact must be a JSON object")]
    NoObject,
    /// A contact must have an id.
    #[error("a contact's `_id` must be a string that is not empty")]
    NoId,
    /// The fault is for an absent mail sink.
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
    /// The body; null if it was absent or not JSON.
    pub body: Value,
    /// The status of the answer; 0: the connection ended without one.
    pub status: u16,
}

/// A message that a sink got, whether it was accepted or refused.
#[derive(Clone)]
pub struct Received {
    /// When it came.
    pub at: Timestamp,
    /// Its path.
    pub path: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came; signatures cover exactly these bytes.
    pub body: String,
    /// The status of the answer; 0: the connection ended without one.
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

// Bodies hold customers' text.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {} {})", self.at, self.path, self.status)
    }
}

// Bodies hold customers' text, and the path of a webhook is its secret.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received({} {})", self.at, self.status)
    }
}
