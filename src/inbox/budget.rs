//! How many requests may still be made: at most the configured number in any 60 seconds.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

/// The window of the provider's limit.
pub(crate) const WINDOW: SignedDuration = SignedDuration::from_secs(60);

/// The pause that the provider asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    /// When it asked.
    pub since: Timestamp,
    pub until: Timestamp,
}

/// The requests of the last minute.
///
/// A request counts from the time of its answer. The provider counts it when it arrives there, which is not later, so
/// the provider never counts more than allowed in any 60 seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestLedger {
    limit: usize,
    /// Each with whether its answer is still expected.
    times: VecDeque<(Timestamp, bool)>,
    hold: Option<Hold>,
}

impl RequestLedger {
    /// A ledger of `limit` requests a minute that continues from earlier requests.
    pub(crate) fn new(limit: u32, earlier: impl IntoIterator<Item = Timestamp>) -> Self {
        let mut times: Vec<Timestamp> = earlier.into_iter().collect();
        times.sort();
        let times = times.into_iter().map(|time| (time, false)).collect();
        Self { limit: usize::try_from(limit).unwrap_or(usize::MAX).max(1), times, hold: None }
    }

    /// Adds a pause that the provider asked an earlier run for.
    #[must_use]
    pub(crate) fn held(self, hold: Option<Hold>) -> Self {
        Self { hold, ..self }
    }

    /// How long to wait for the next request; zero: now.
    pub(crate) fn wait(&mut self, now: Timestamp) -> SignedDuration {
        self.wait_keeping(now, 0)
    }

    /// The same for a request that leaves this many requests to others.
    pub(crate) fn wait_keeping(&mut self, now: Timestamp, kept: usize) -> SignedDuration {
        self.set_back(now);
        self.times.retain(|(time, _)| now.duration_since(*time) < WINDOW);
        self.hold = self.hold.filter(|hold| hold.until > now);
        let held = self.hold.map_or(SignedDuration::ZERO, |hold| hold.until.duration_since(now));
        let limit = self.limit.saturating_sub(kept).max(1);
        let full = if self.times.len() < limit {
            SignedDuration::ZERO
        } else {
            let oldest = self.times.len() - limit;
            self.times.get(oldest).map_or(SignedDuration::ZERO, |(time, _)| WINDOW - now.duration_since(*time))
        };
        held.max(full).max(SignedDuration::ZERO)
    }

    /// Records that a request begins.
    pub(crate) fn begin(&mut self, now: Timestamp) {
        self.times.push_back((now, true));
    }

    /// Records that an answer came. If several are expected, it counts as the answer to the oldest request, so that no
    /// request is forgotten too early.
    pub(crate) fn end(&mut self, now: Timestamp) {
        if let Some(place) = self.times.iter().position(|(_, awaited)| *awaited) {
            self.times.remove(place);
            self.times.push_back((now, false));
        }
    }

    /// Records that the provider asked at `now` for a pause until then.
    pub(crate) fn hold(&mut self, now: Timestamp, until: Timestamp) {
        self.set_back(now);
        let until = self.hold.map_or(until, |hold| hold.until.max(until));
        self.hold = Some(Hold { since: now, until });
    }

    /// After the clock was set back, requests in its future count as made now; they must not stop everything.
    fn set_back(&mut self, now: Timestamp) {
        for (time, _) in &mut self.times {
            *time = (*time).min(now);
        }
        if let Some(Hold { since, until }) = self.hold.filter(|hold| hold.since > now) {
            let pause = until.duration_since(since);
            self.hold = Some(Hold { since: now, until: now.checked_add(pause).unwrap_or(until) });
        }
    }

    /// How many requests are free at `now`.
    pub(crate) fn free(&mut self, now: Timestamp) -> usize {
        self.wait(now);
        if self.hold.is_some() { 0 } else { self.limit.saturating_sub(self.times.len()) }
    }

    /// The times to store.
    pub(crate) fn times(&self) -> Vec<Timestamp> {
        self.times.iter().map(|(time, _)| *time).collect()
    }

    /// The pause to store.
    pub(crate) fn pause(&self) -> Option<Hold> {
        self.hold
    }
}

#[cfg(test)]
mod tests;
