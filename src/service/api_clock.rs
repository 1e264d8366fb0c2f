//! The time by the API's clock: our time, less what our clock is ahead as far as that is known.

use std::{pin::Pin, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use crate::{
    clock::{Clock, Jumps},
    model::{Dated, Measure, clocks::counted},
};

pub struct ApiClock {
    ours: Arc<dyn Clock>,
    known: Mutex<Known>,
}

struct Known {
    measure: Measure,
    /// By how much our clock counts as being ahead.
    ahead: SignedDuration,
    jumps: Jumps,
}

impl ApiClock {
    /// Starts with what `ours` was ahead when that was last measured.
    pub fn new(ours: Arc<dyn Clock>, ahead: SignedDuration) -> Self {
        let known = Known { measure: Measure::default(), ahead, jumps: Jumps::of(ours.as_ref()) };
        Self { ours, known: Mutex::new(known) }
    }

    fn known(&self) -> parking_lot::MutexGuard<'_, Known> {
        self.known.lock()
    }

    pub fn ours(&self) -> &dyn Clock {
        self.ours.as_ref()
    }

    /// By how much our clock counts as being ahead.
    pub fn ahead(&self) -> SignedDuration {
        self.known().ahead
    }

    /// By how much our clock is ahead according to the API's answers; `None`: they do not show it.
    pub fn measured(&self) -> Option<SignedDuration> {
        self.known().measure.ahead()
    }

    /// The time by the API's clock according to the last answers, also before [`Self::settle`] makes that count.
    pub fn measured_now(&self) -> Timestamp {
        let now = self.ours.now();
        now.checked_sub(self.measured().unwrap_or_else(|| self.ahead())).unwrap_or(now)
    }

    /// Whether the times in the API's answers do not advance as a clock does.
    pub fn is_no_clock(&self) -> bool {
        self.known().measure.is_no_clock()
    }

    /// Takes the time of an answer into account.
    pub fn hear(&self, dated: Dated) {
        let mut known = self.known();
        if known.jumps.since(self.ours.as_ref()).is_some() {
            return known.measure.forget();
        }
        known.measure.hear(dated);
    }

    /// Makes what was measured count from now on. This must not happen in the middle of a poll, whose times all mean
    /// one moment.
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
