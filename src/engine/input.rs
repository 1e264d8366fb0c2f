//! The input of a tick.

use jiff::Timestamp;

use super::Observed;
use crate::{
    model::{Names, Snapshot},
    rules::RuleSet,
};

/// The number of complete walks without a contact that prove its absence.
pub(crate) const ABSENT: u32 = 2;

/// The whole input of one tick of one inbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tick<'a> {
    pub inbox: &'a str,
    pub rules: &'a RuleSet,
    pub snapshot: &'a Snapshot,
    pub observed: &'a Observed,
    pub names: &'a Names,
    pub now: Timestamp,
}
