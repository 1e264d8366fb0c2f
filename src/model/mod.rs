//! The nouns: what the inbox gives, what a rule makes of it, what is owed.
//!
//! Pure: this room knows nobody else of ours, no clock, no wire, no store, no log. Everything here
//! is data with the meaning that `docs` and the command line give to the same words.

pub mod alert;
pub mod clocks;
pub mod contact;
pub mod doubt;
pub mod field;
pub mod filter;
pub mod history;
pub mod link;
pub mod loss;
pub mod message;
pub mod names;
pub mod pause;
pub mod phone;
pub mod privacy;
pub mod reception;
mod renewable;
pub mod rule_memory;
pub mod silence;
pub mod smtp;
pub mod snapshot;
pub mod text;
pub mod time;
pub mod trouble;
pub mod webhook;
mod weight;

pub use alert::{Ack, Alert, AlertId, Candidate, Charge, Edition, Lapse, Progress, Reason, Resolution, State};
pub use clocks::{Clocks, Dated, Measure};
pub use contact::{Contact, ContactId, Unreadable};
pub use doubt::{Differs, Doubt, Emptied};
pub use filter::Filter;
pub use history::{Entry, Happened};
pub use loss::{Found, Loss};
pub use message::{Attempt, Body, Event, Fault, Message, MessageId, Notification, NotificationId, Outcome, Parcel};
pub use names::Names;
pub use privacy::Privacy;
pub use reception::Reception;
pub use renewable::Renewable;
pub use rule_memory::{MissingRules, RuleMemory};
pub use silence::{Matchers, Silence};
pub use snapshot::{Changes, InboxMemory, Snapshot, Told};
pub use trouble::{Problem, Trouble, WATCHDOG};
