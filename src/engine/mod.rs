//! The verbs, all pure: what to ask for, what a contact means, what begins and ends, what is owed.
//!
//! [`plan`] makes queries of rules, [`evaluate`] judges one contact by one rule, [`tick`] makes
//! [`Changes`](crate::model::Changes) of what was seen, [`doubt`] says which absences are believed, [`due`]
//! about whom the inbox is asked before people are told, [`owe`] who is told and when, [`group`] what
//! becomes one message, [`successor`] who is told in whose place, [`truth`] whether it still holds when it
//! could be sent. `now` is an argument; no
//! wire, no store, no clock, no log is known here.

pub mod blind;
pub mod differs;
pub mod doubt;
pub mod due;
pub mod evaluate;
pub mod faults;
pub mod group;
mod life;
mod live_chats;
pub mod missing;
pub mod observed;
pub mod owe;
pub mod plan;
pub mod successor;
#[cfg(test)]
mod tests;
pub mod tick;
pub mod truth;
pub mod watch;

pub use observed::Observed;
pub use plan::Query;
pub use tick::{Outcome, Tick, tick};
