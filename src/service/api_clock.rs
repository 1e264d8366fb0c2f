//! The time by the API's clock: ours, less what it is ahead as far as that is known.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

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
    /// By how much ours counts as being ahead.
    ahead: SignedDuration,
    jumps: Jumps,
}

impl ApiClock {
    /// Beside ours, which was `ahead` by so much when that was last measured.
    pub fn new(ours: Arc<dyn Clock>, ahead: SignedDuration) -> Self {
        let known = Known { measure: Measure::default(), ahead, jumps: Jumps::of(ours.as_ref()) };
        Self { ours, known: Mutex::new(known) }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This machine's clock.
    pub fn ours(&self) -> &dyn Clock {
        self.ours.as_ref()
    }

    /// By how much ours counts as being ahead.
    pub fn ahead(&self) -> SignedDuration {
        self.known().ahead
    }

    /// By how much ours is ahead, as the API's answers say; `None`: they do not.
    pub fn measured(&self) -> Option<SignedDuration> {
        self.known().measure.ahead()
    }

    /// The time by the API's clock as the last answers have it, before that counts.
    pub fn measured_now(&self) -> Timestamp {
        let now = self.ours.now();
        now.checked_sub(self.measured().unwrap_or_else(|| self.ahead())).unwrap_or(now)
    }

    /// Whether the API's answers say a time that does not go on as a clock does.
    pub fn is_no_clock(&self) -> bool {
        self.known().measure.is_no_clock()
    }

    /// An answer has come.
    pub fn hear(&self, dated: Dated) {
        let mut known = self.known();
        if known.jumps.since(self.ours.as_ref()).is_some() {
            // Our clock was set, or the machine slept, perhaps on the way of this answer.
            return known.measure.forget();
        }
        known.measure.hear(dated);
    }

    /// From now on what was measured counts: not in the middle of a poll, in which everything is meant as of one
    /// moment.
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
