//! The pace of messages to one address: a steady rate, and a small burst after a pause.

use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::Clock;

/// The pace of one address, across rounds.
#[derive(Debug, Default)]
pub struct SendPace {
    every: Duration,
    burst: u32,
    /// The time, by the steady clock, at which all that was sent would have been sent one by one.
    even_at: Mutex<Duration>,
}

impl SendPace {
    /// Does not limit the pace.
    pub fn free() -> Self {
        Self::default()
    }

    /// One message `every` so often, and up to `burst` at once after a pause.
    pub fn of(every: Duration, burst: u32) -> Self {
        Self { every, burst, even_at: Mutex::default() }
    }

    /// The time that the next message has to wait.
    fn pause(&self, now: Duration) -> Duration {
        let even_at = *self.even_at.lock();
        even_at.saturating_sub(self.every * self.burst.saturating_sub(1)).saturating_sub(now)
    }

    /// Waits for the next message's turn.
    pub async fn wait(&self, clock: &dyn Clock) {
        let pause = self.pause(clock.steady());
        if !pause.is_zero() {
            clock.sleep(pause).await;
        }
    }

    /// Notes that an attempt has ended: its message arrived by now at the latest, if at all.
    pub fn sent(&self, clock: &dyn Clock) {
        let mut even_at = self.even_at.lock();
        *even_at = (*even_at).max(clock.steady()) + self.every;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The times at which so many messages are sent, in milliseconds, each taking `takes` to arrive.
    fn sent_at(pace: &SendPace, messages: usize, takes: u64) -> Vec<u128> {
        let clock = crate::clock::ManualClock::at("2026-06-12T12:00:00Z".parse().unwrap());
        let pass = |time: Duration| clock.advance(time.try_into().unwrap());
        let mut at = Vec::new();
        for _ in 0..messages {
            pass(pace.pause(clock.steady()));
            at.push(clock.steady().as_millis());
            pass(Duration::from_millis(takes));
            pace.sent(&clock);
        }
        at
    }

    #[test]
    fn after_a_small_burst_it_is_one_a_second() {
        let pace = || SendPace::of(Duration::from_secs(1), 3);
        assert_eq!(sent_at(&pace(), 6, 0), [0, 0, 0, 1_000, 2_000, 3_000]);
        // The time of arrival counts.
        assert_eq!(sent_at(&pace(), 5, 200), [0, 200, 400, 1_200, 2_200]);
        assert_eq!(sent_at(&pace(), 3, 5_000), [0, 5_000, 10_000]);
        assert_eq!(sent_at(&SendPace::of(Duration::from_secs(1), 1), 3, 100), [0, 1_100, 2_200]);
        assert_eq!(sent_at(&SendPace::free(), 3, 0), [0, 0, 0]);
    }
}
