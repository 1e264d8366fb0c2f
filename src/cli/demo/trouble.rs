//! The faults that the demo makes from time to time, to show that the watcher recovers from them.

use jiff::{SignedDuration, Timestamp};

use crate::sandbox::{Fault, FaultKind, Sandbox};

/// The faults, in their order. Each hits the next request of its kind.
fn faults() -> [Fault; 6] {
    [
        Fault::inbox(FaultKind::status(500)),
        Fault::slack(FaultKind::status(503)),
        Fault::mail(FaultKind::status(451)),
        Fault::inbox(FaultKind::Html),
        Fault::slack(FaultKind::too_many(1)),
        Fault::inbox(FaultKind::Close),
    ]
}

/// The schedule of the faults.
pub(super) struct DemoTrouble {
    /// Time between two faults.
    every: SignedDuration,
    next: Timestamp,
    made: usize,
}

impl DemoTrouble {
    /// The first fault comes after twice the usual time, so that a new user has seen the demo without faults.
    pub(super) fn new(now: Timestamp, every: SignedDuration) -> Self {
        Self { every, next: now + every * 2, made: 0 }
    }

    /// Makes a fault if one is due.
    pub(super) fn step(&mut self, sandbox: &Sandbox, now: Timestamp) {
        if now < self.next {
            return;
        }
        let faults = faults();
        sandbox.fault(faults[self.made % faults.len()].clone());
        self.made += 1;
        self.next = now + self.every;
    }
}
