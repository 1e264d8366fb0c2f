//! The state of one poll while it goes on.

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

pub(super) struct Poll {
    pub(super) mode: Mode,
    pub(super) now: Timestamp,
    pub(super) queries: Vec<Query>,
    pub(super) memory: InboxMemory,
    pub(super) observed: Observed,
    /// The reason why not everything was read, if no request failed.
    pub(super) gap: Option<Incomplete>,
}

/// What was read from the inbox.
pub(super) struct InboxReading {
    pub(super) live: Arc<Live>,
    pub(super) poll: Poll,
    pub(super) failure: Option<InboxError>,
}
