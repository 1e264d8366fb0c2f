//! The memory of absences that are not believed yet, and of filters that differ.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Absences of one inbox that are doubted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Doubt {
    /// Set while most of the contacts whose alerts fire are gone at once.
    pub emptied: Option<Emptied>,
    /// Since when walks that may hide customers have not shown a contact, by contact.
    pub missing: BTreeMap<String, Timestamp>,
    /// When a look-up last found somebody who was missing, and had been answered.
    pub explained_at: Option<Timestamp>,
}

/// Most of the contacts whose alerts fire are gone at once, and no look-up finds anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emptied {
    pub since: Timestamp,
    /// Number of polls that saw this.
    pub polls: u32,
    /// Number of contacts that are gone.
    pub gone: usize,
    /// Number of all contacts whose alerts fire.
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

/// The records that a query's filter returns do not pass the filter's own check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differs {
    pub since: Timestamp,
    /// Number of records that showed this.
    pub seen: usize,
    /// The rules of the filter, the key, what it asks for and what came, in an operator's words.
    pub what: String,
}

impl Differs {
    /// Number of records from which it is reported. Fewer can fail by chance, where a customer was answered a moment
    /// ago.
    pub const SEVERAL: usize = 2;

    pub fn is_told(&self) -> bool {
        self.seen >= Self::SEVERAL
    }
}
