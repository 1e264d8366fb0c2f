//! What goes wrong in the demo, now and then: the watcher must shrug it off before our eyes.

use jiff::{SignedDuration, Timestamp};

use crate::sandbox::{Fault, FaultKind, Sandbox};

/// What goes wrong, one after the other. Each is seen by whoever it happens to.
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

/// When what goes wrong.
pub(super) struct DemoTrouble {
    /// Between one fault and the next.
    every: SignedDuration,
    next: Timestamp,
    made: usize,
}

impl DemoTrouble {
    /// The first fault comes when a newcomer has seen how it is without.
    pub(super) fn new(now: Timestamp, every: SignedDuration) -> Self {
        Self { every, next: now + every * 2, made: 0 }
    }

    /// Makes trouble if it is time.
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
