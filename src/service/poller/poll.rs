//! One poll under way.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    engine::{Observed, Query},
    inbox::InboxError,
    model::InboxMemory,
    service::{shared::Live, walks::Incomplete},
};

/// One poll under way.
pub(super) struct Poll {
    pub(super) mode: Mode,
    pub(super) now: Timestamp,
    pub(super) queries: Vec<Query>,
    pub(super) memory: InboxMemory,
    pub(super) observed: Observed,
    /// Why not everything was read, where no request failed.
    pub(super) gap: Option<Incomplete>,
}

/// What the inbox said.
pub(super) struct InboxReading {
    pub(super) live: Arc<Live>,
    pub(super) poll: Poll,
    pub(super) failure: Option<InboxError>,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The next poll comes soon.
    Daemon,
    /// The next run may come late: what is missing is confirmed at once.
    Once,
}
