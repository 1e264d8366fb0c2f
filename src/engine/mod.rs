//! The decisions, all pure: what to ask for, what a contact means, what begins and ends, what is owed.
//!
//! [`plan`] makes queries from rules, [`evaluate`] judges one contact by one rule, and [`tick`] makes
//! [`Changes`](crate::model::Changes) from what was seen. [`doubt`] decides which absences are believed, [`due`] about
//! whom the inbox is asked before people are notified, [`escalation`] who is notified and when, [`delivery`] what is
//! done with what is owed, [`validity`] whether it still holds when it could be sent, [`successor`] who replaces a
//! receiver that is gone, [`reach`] how far each query is walked, [`troubles`] what is wrong with the watcher. `now` is
//! an argument. No wire, store, clock or log is known here.

pub(crate) mod blind;
pub(crate) mod bookkeeping;
pub(crate) mod delivery;
pub(crate) mod delivery_settings;
pub(crate) mod differs;
pub(crate) mod doubt;
pub(crate) mod due;
pub(crate) mod escalation;
pub(crate) mod evaluate;
pub(crate) mod faults;
pub(crate) mod group;
pub(crate) mod handover;
pub(crate) mod input;
mod life;
mod live_chats;
pub(crate) mod missing;
pub(crate) mod observed;
pub(crate) mod plan;
mod queue;
pub(crate) mod reach;
pub(crate) mod retry;
pub(crate) mod successor;
#[cfg(test)]
mod tests;
pub(crate) mod tick;
pub(crate) mod troubles;
pub(crate) mod validity;
pub(crate) mod watch;
pub(crate) mod wrong_clock;

pub(crate) use input::Tick;
pub(crate) use observed::Observed;
pub(crate) use plan::Query;
pub(crate) use tick::{TickOutcome, tick};
