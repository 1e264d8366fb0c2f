//! What commands, page and API show: rows that are made once, each with its names and types for programs.
//!
//! Every time is RFC 3339 in UTC with milliseconds, every duration whole seconds, every id a string; what is absent is
//! null. A command makes a table for people of the same rows. This room knows the nouns; it reads nothing itself.

mod alert;
mod history;
mod message;
mod rule;
mod silence;
mod status;
mod value;

pub(crate) use self::{
    alert::AlertRow,
    history::HistoryRow,
    message::MessageRow,
    rule::RuleRow,
    silence::SilenceRow,
    status::{FailedConditionRow, InboxRow, LossRow, MissingRulesRow, ReceiverRow, StatusView, UnreadFileRow},
    value::At,
};
