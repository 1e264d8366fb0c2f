//! What came of one round of deliveries.

use jiff::Timestamp;

/// What one round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    pub sent: usize,
    pub failed: usize,
    /// Messages that were given up.
    pub dead: usize,
    /// Notifications that went over to others.
    pub handed_over: usize,
    /// Notifications that wait for the end of a silence, of closed hours or of `keep_firing_for`.
    pub held: usize,
    /// When the next message is to be tried.
    pub next_at: Option<Timestamp>,
}

impl Delivered {
    pub(super) fn again_at(&mut self, at: Timestamp) {
        self.next_at = Some(self.next_at.map_or(at, |known| known.min(at)));
    }
}
