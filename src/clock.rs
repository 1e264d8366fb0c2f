//! The one place where the clock is read.
//!
//! There are two clocks: the wall clock, which people set, and a steady one, which only counts up. Pauses and limits
//! use the steady one, so that a change of the wall clock does not make them longer or shorter.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

/// The source of `now`.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;

    /// Time since the clock was made; setting the wall clock does not change it.
    fn steady(&self) -> Duration;

    fn sleep(&self, pause: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    made_at: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { made_at: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn steady(&self) -> Duration {
        self.made_at.elapsed()
    }

    fn sleep(&self, pause: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(pause))
    }
}

/// A clock that tests move by hand; a sleep moves it on at once.
#[derive(Debug)]
pub struct ManualClock(Mutex<(Timestamp, Duration)>);

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new((now, Duration::ZERO)))
    }

    /// Lets time pass, on both clocks.
    pub fn advance(&self, by: SignedDuration) {
        self.set(by);
        let mut time = self.0.lock();
        time.1 += by.max(SignedDuration::ZERO).unsigned_abs();
    }

    /// Sets the wall clock forward or back; no time passes on the steady one.
    pub fn set(&self, by: SignedDuration) {
        let mut time = self.0.lock();
        time.0 = time.0.checked_add(by).unwrap_or(time.0);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.0.lock().0
    }

    fn steady(&self) -> Duration {
        self.0.lock().1
    }

    fn sleep(&self, pause: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            self.advance(SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX));
            tokio::task::yield_now().await;
        })
    }
}

/// Watches for changes of the wall clock against the steady one.
#[derive(Debug)]
pub struct Jumps {
    wall: Timestamp,
    steady: Duration,
}

/// The least difference that is a jump; a smaller one is an ordinary correction of the clock.
const JUMP: SignedDuration = SignedDuration::from_secs(3);

impl Jumps {
    /// Starts to watch now.
    pub fn of(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), steady: clock.steady() }
    }

    /// How far the wall clock has moved against the steady one since the last call, if that is more than a correction:
    /// somebody set the clock, or the machine slept.
    pub fn since(&mut self, clock: &dyn Clock) -> Option<SignedDuration> {
        let before = std::mem::replace(self, Self::of(clock));
        let passed = SignedDuration::try_from(self.steady.saturating_sub(before.steady)).ok()?;
        let jump = self.wall.duration_since(before.wall) - passed;
        (jump.abs() >= JUMP).then_some(jump)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_what_no_time_explains() {
        let clock = ManualClock::at("2026-06-12T12:00:00Z".parse().unwrap());
        let mut jumps = Jumps::of(&clock);
        clock.advance(SignedDuration::from_hours(3));
        assert_eq!(jumps.since(&clock), None);
        for by in [SignedDuration::from_hours(3), SignedDuration::from_hours(-5), SignedDuration::from_secs(-3)] {
            clock.advance(SignedDuration::from_secs(1));
            clock.set(by);
            assert_eq!((jumps.since(&clock), jumps.since(&clock)), (Some(by), None));
        }
        clock.set(SignedDuration::from_secs(2));
        assert_eq!(jumps.since(&clock), None);
    }
}
