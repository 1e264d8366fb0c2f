//! The API's client: requests, walks and the request budget. Every fault has a name.
//!
//! It knows the protocol, the nouns and the filter, and must not know rules, alerts or the state.
//! Facts about the API come from the provider's page on `POST /inbox/users`.

pub(crate) mod between;
pub(crate) mod budget;
pub(crate) mod client;
pub(crate) mod encoding;
pub(crate) mod envelope;
pub(crate) mod error;
pub(crate) mod loose;
pub(crate) mod mend;
pub(crate) mod quotes;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod split;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod walk;

pub(crate) use budget::{Hold, RequestLedger};
pub(crate) use client::{Client, Gate, Patience};
pub(crate) use error::InboxError;
pub(crate) use response::MOST_PAUSE;
pub(crate) use walk::{Walk, WalkEnd};
