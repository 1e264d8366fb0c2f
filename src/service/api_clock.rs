//! The time by the API's clock: our clock, minus the difference between the two as far as it is known.

use std::{pin::Pin, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use crate::{
    clock::{Clock, Jumps},
    model::{Dated, Measure, clocks::counted},
};

/// The clock of one inbox.
pub struct ApiClock {
    ours: Arc<dyn Clock>,
    known: Mutex<Known>,
}

struct Known {
    measure: Measure,
    /// How far our clock is ahead, as it counts now.
    ahead: SignedDuration,
    jumps: Jumps,
}

impl ApiClock {
    /// `ahead`: how far our clock was ahead when it was last measured.
    pub fn new(ours: Arc<dyn Clock>, ahead: SignedDuration) -> Self {
        let known = Known { measure: Measure::default(), ahead, jumps: Jumps::of(ours.as_ref()) };
        Self { ours, known: Mutex::new(known) }
    }

    fn known(&self) -> parking_lot::MutexGuard<'_, Known> {
        self.known.lock()
    }

    /// This machine's clock.
    pub fn ours(&self) -> &dyn Clock {
        self.ours.as_ref()
    }

    /// How far our clock is ahead, as it counts now.
    pub fn ahead(&self) -> SignedDuration {
        self.known().ahead
    }

    /// How far our clock is ahead by the API's latest answers; `None` if they do not say.
    pub fn measured(&self) -> Option<SignedDuration> {
        self.known().measure.ahead()
    }

    /// The time by the API's clock as the last answers show it, whether it counts yet or not.
    pub fn measured_now(&self) -> Timestamp {
        let now = self.ours.now();
        now.checked_sub(self.measured().unwrap_or_else(|| self.ahead())).unwrap_or(now)
    }

    /// Whether the times in the API's answers do not advance as a clock does.
    pub fn is_no_clock(&self) -> bool {
        self.known().measure.is_no_clock()
    }

    /// Notes the date of an answer.
    pub fn hear(&self, dated: Dated) {
        let mut known = self.known();
        if known.jumps.since(self.ours.as_ref()).is_some() {
            // Our clock was set, or the machine slept, perhaps while this answer was under way.
            return known.measure.forget();
        }
        known.measure.hear(dated);
    }

    /// Makes the measured difference count. Not called within a poll, which uses one time for everything.
    pub fn settle(&self) {
        let known = &mut *self.known();
        match known.measure.ahead() {
            Some(ahead) => known.ahead = counted(known.ahead, ahead),
            None if known.measure.is_no_clock() => known.ahead = SignedDuration::ZERO,
            None => {}
        }
    }
}

impl Clock for ApiClock {
    fn now(&self) -> Timestamp {
        let now = self.ours.now();
        now.checked_sub(self.ahead()).unwrap_or(now)
    }

    fn steady(&self) -> Duration {
        self.ours.steady()
    }

    fn sleep(&self, pause: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.ours.sleep(pause)
    }
}
