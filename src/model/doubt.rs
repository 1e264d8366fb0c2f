//! What is remembered of absences that are not believed yet.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Absences of one inbox that are doubted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Doubt {
    /// Since when most of those who were open are gone at once.
    pub emptied: Option<Emptied>,
    /// By contact, since when walks that may hide customers have not shown it.
    pub missing: BTreeMap<String, Timestamp>,
    /// When a look-up last found somebody who was missing, and had been answered.
    pub explained_at: Option<Timestamp>,
}

/// Most of those who were open are gone at once, and no look-up finds anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emptied {
    pub since: Timestamp,
    /// Polls that saw it so.
    pub polls: u32,
    /// How many are gone.
    pub gone: usize,
    /// How many were open.
    pub open: usize,
}

impl std::fmt::Display for Emptied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { gone, open, .. } = self;
        write!(
            f,
            "{gone} of {open} customers whose alerts fire are gone from the API's answers at once, and no look-up \
             finds anybody; their alerts go on until that has lasted for three polls and five minutes"
        )
    }
}

/// What a query's filter returns does not pass the filter's own check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differs {
    pub since: Timestamp,
    /// Records that said so.
    pub seen: usize,
    /// Whose filter, which key, what it asks for and what came, in an operator's words.
    pub what: String,
}

impl Differs {
    /// Fewer records can fail by chance: who was answered a moment ago.
    pub const SEVERAL: usize = 2;

    pub fn is_told(&self) -> bool {
        self.seen >= Self::SEVERAL
    }
}
