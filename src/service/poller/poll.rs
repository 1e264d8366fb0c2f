//! One poll under way.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    engine::{
        Observed, Query,
        reach::{Incomplete, Mode},
    },
    inbox::InboxError,
    model::InboxMemory,
    service::shared::Live,
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
