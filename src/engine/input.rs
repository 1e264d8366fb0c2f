//! What a tick is a function of.

use jiff::Timestamp;

use super::Observed;
use crate::{
    model::{Names, Snapshot},
    rules::RuleSet,
};

/// Complete walks without a contact that are evidence of its absence.
pub(crate) const ABSENT: u32 = 2;

/// Everything that one tick of one inbox is a function of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tick<'a> {
    pub inbox: &'a str,
    /// The rules as they are now.
    pub rules: &'a RuleSet,
    pub snapshot: &'a Snapshot,
    pub observed: &'a Observed,
    pub names: &'a Names,
    pub now: Timestamp,
}
