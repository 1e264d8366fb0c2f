//! The verbs, all pure: what to ask for, what a contact means, what begins and ends, what is owed.
//!
//! [`plan`] makes queries of rules, [`evaluate`] judges one contact by one rule, [`tick`] makes
//! [`Changes`](crate::model::Changes) of what was seen, [`doubt`] says which absences are believed, [`due`]
//! about whom the inbox is asked before people are told, [`escalation`] who is told and when, [`delivery`] what is
//! done with what is owed, [`validity`] whether it still holds when it could be sent, [`successor`] who is told in
//! whose place, [`reach`] which query is walked how far, [`troubles`] what is wrong with the watcher. `now` is an
//! argument; no wire, no store, no clock, no log is known here.

pub(crate) mod blind;
pub(crate) mod bookkeeping;
pub(crate) mod delivery;
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
pub(crate) mod manner;
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

pub(crate) use input::Tick;
pub(crate) use observed::Observed;
pub(crate) use plan::Query;
pub(crate) use tick::{TickOutcome, tick};
