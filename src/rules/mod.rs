//! The rules that admins edit, one file each. A file is checked before its rule is used.
//!
//! Only [`load`] and [`folder`] read files. [`shape`] is the file as written, [`compile`] makes a [`Rule`] of it and
//! reports every mistake, [`condition`] judges a contact, [`hours`] judges a time.
//! This room must not know how contacts are read or messages sent.

pub(crate) mod compile;
mod compile_filter;
mod compile_timing;
pub(crate) mod condition;
pub(crate) mod folder;
pub(crate) mod hours;
pub(crate) mod known;
pub(crate) mod load;
mod mistakes;
pub(crate) mod rule;
pub(crate) mod sentence;
pub(crate) mod shape;
#[cfg(test)]
mod tests;
pub(crate) mod vanish;

pub(crate) use condition::{Condition, ConditionFault, Scope, Verdict};
pub(crate) use hours::Hours;
pub(crate) use known::Known;
pub(crate) use load::RuleSet;
pub(crate) use rule::{AckOn, Rule, Severity, Since, Step};
