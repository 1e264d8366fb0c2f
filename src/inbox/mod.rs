//! The API's client: one request, one walk, one budget, everything named when it goes wrong.
//!
//! It knows the wire and the nouns, and the shape of a filter; nothing of rules, alerts or state.
//! Facts about the API come from the provider's page on `POST /inbox/users`.

pub mod between;
pub mod budget;
pub mod client;
pub mod encoding;
pub mod envelope;
pub mod error;
pub mod loose;
pub mod mend;
pub mod quotes;
pub mod request;
pub mod response;
pub mod split;
#[cfg(test)]
pub(crate) mod testing;
pub mod walk;

pub use budget::{Hold, Ledger};
pub use client::{Client, Gate, Patience};
pub use error::InboxError;
pub use response::MOST_PAUSE;
pub use walk::{Walk, WalkEnd};
