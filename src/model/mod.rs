//! The data types: what the inbox returns, what a rule makes of it, what is owed.
//!
//! This room is pure: it must not know any other room, the clock, the wire, the store or the log. Everything here is
//! data, with the meaning that the same words have in `docs` and on the command line.

pub(crate) mod alert;
mod by_clock;
pub(crate) mod clocks;
pub(crate) mod contact;
mod delivery;
pub(crate) mod doubt;
pub(crate) mod field;
pub(crate) mod filter;
pub(crate) mod history;
pub(crate) mod link;
pub(crate) mod loss;
pub(crate) mod message;
pub(crate) mod names;
pub(crate) mod pause;
pub(crate) mod phone;
pub(crate) mod privacy;
pub(crate) mod reception;
mod renewable;
pub(crate) mod rule_memory;
pub(crate) mod shutdown;
pub(crate) mod silence;
pub(crate) mod snapshot;
pub(crate) mod state_location;
pub(crate) mod text;
pub(crate) mod time;
mod time_move;
pub(crate) mod trouble;
mod weight;

pub(crate) use alert::{
    Ack, Alert, AlertId, Assignment, Candidate, PendingResolve, Reason, Resolution, RuleVersion, State, StepProgress,
};
pub(crate) use clocks::{Clocks, Dated, Measure};
pub(crate) use contact::{Contact, ContactId, Unreadable};
pub(crate) use delivery::{
    Address, AttemptRecord, Backlog, Change, DeliveryStep, HandOver, Left, Open, Owed, Passed, ReceiverChange,
    StoredMessage, VIA, Waiting,
};
pub(crate) use doubt::{Differs, Doubt, Emptied};
pub(crate) use filter::Filter;
pub(crate) use history::{Entry, Happened};
pub(crate) use loss::{Found, Loss};
pub(crate) use message::ALERT;
pub(crate) use message::{
    Attempt, Blame, Body, Event, Message, MessageId, Notification, NotificationId, Outcome, OutgoingMessage,
};
pub(crate) use names::Names;
pub(crate) use privacy::Privacy;
pub(crate) use reception::ReceiverState;
pub(crate) use renewable::Renewable;
pub(crate) use rule_memory::{MissingRules, RuleMemory};
pub(crate) use silence::{Matchers, Silence};
pub(crate) use snapshot::{Changes, InboxMemory, Snapshot, ToldReceiver};
pub(crate) use state_location::StateLocation;
pub(crate) use time_move::{StoredTime, TimeBound, TimeChange, TimeMove};
pub(crate) use trouble::{Problem, Trouble, WATCHDOG};
