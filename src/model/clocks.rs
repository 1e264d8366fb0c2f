//! The clocks of this machine and of the API, and by how much they differ.
//!
//! The two may differ. The records of an inbox are written by the API's clock, so everything that is judged or stored
//! of an inbox counts by that clock, as far as it is known: from the header `Date` of its answers, and from the times
//! of its records.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Contact, time::human};

/// Number of answers by which the difference is measured; their median counts.
const SAMPLES: usize = 15;

/// Difference between two headers that does not mean anything, since a header has whole seconds.
const RESOLUTION: SignedDuration = SignedDuration::from_secs(2);

/// Longest answer that is measured; of a slower one it is not known when its header was written.
const LONGEST_TRIP: SignedDuration = SignedDuration::from_secs(10);

/// Headers in a row that do not advance as a clock does, after which they are not taken for a clock.
const NO_CLOCK: u32 = 3;

/// Time for which a clock that was set must go on before it is believed.
const CONFIRMED: SignedDuration = SignedDuration::from_secs(5);

/// Difference from which it is reported.
pub(crate) const LARGE: SignedDuration = SignedDuration::from_secs(30);

/// Difference below which a reported one is over.
const SMALL: SignedDuration = SignedDuration::from_secs(15);

/// Number of records that must be ahead of our clock before it is believed to be behind: one that lies in the future by
/// mistake must not hide new customers.
const BELIEVED: usize = 3;

/// Limit of a record's time ahead of ours; beyond it the record is wrong, whichever clock is wrong.
const ANY_ZONE: SignedDuration = SignedDuration::from_hours(26);

/// The times of one answer, by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dated {
    /// The time in its header `Date`.
    pub date: Timestamp,
    /// When the request was sent, by our clock.
    pub sent: Timestamp,
    /// When the answer came, by our clock.
    pub came: Timestamp,
}

impl Dated {
    fn trip(&self) -> SignedDuration {
        self.came.duration_since(self.sent)
    }

    /// By how much our clock is ahead, if the header was written half way through the trip, in the middle of its
    /// second. Zero where the clocks may as well agree.
    fn ahead(&self) -> SignedDuration {
        let most = self.came.duration_since(self.date);
        let least = most - self.trip() - SignedDuration::from_secs(1);
        if least <= SignedDuration::ZERO && most >= SignedDuration::ZERO {
            return SignedDuration::ZERO;
        }
        (most + least) / 2
    }

    /// Whether as much has passed by the one clock as by the other.
    fn goes_on_from(&self, before: &Self) -> bool {
        let (moved, passed) = (self.date.duration_since(before.date), self.came.duration_since(before.came));
        (moved - passed).abs() <= RESOLUTION + self.trip().max(before.trip())
    }
}

/// Measures the difference of the two clocks, as answers come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measure {
    samples: VecDeque<Dated>,
    /// An answer that does not go on from the samples, until a later one agrees with it.
    doubted: Option<Dated>,
    /// Number of such answers in a row.
    odd: u32,
}

impl Measure {
    /// Adds an answer.
    pub(crate) fn hear(&mut self, dated: Dated) {
        if dated.trip().is_negative() || dated.trip() > LONGEST_TRIP {
            return;
        }
        let goes_on = match (self.samples.front(), self.doubted) {
            (Some(first), _) => dated.goes_on_from(first),
            (None, doubted) => doubted.is_none(),
        };
        if goes_on {
            (self.doubted, self.odd) = (None, 0);
            self.samples.push_back(dated);
            self.samples.drain(..self.samples.len().saturating_sub(SAMPLES));
            return;
        }
        match self.doubted.filter(|before| dated.goes_on_from(before)) {
            // Somebody has set one of the clocks.
            Some(before) if dated.came.duration_since(before.came) >= CONFIRMED => {
                *self = Self { samples: VecDeque::from([dated]), ..Self::default() };
            }
            Some(_) => {}
            None => {
                (self.doubted, self.odd) = (Some(dated), self.odd + 1);
                if self.odd >= NO_CLOCK {
                    self.samples.clear();
                }
            }
        }
    }

    /// By how much our clock is ahead of the API's, by headers in whole seconds; `None`: it is not known.
    pub(crate) fn ahead(&self) -> Option<SignedDuration> {
        let mut ahead: Vec<SignedDuration> = self.samples.iter().map(Dated::ahead).collect();
        ahead.sort_unstable();
        ahead.get(ahead.len() / 2).copied()
    }

    /// Whether something other than a clock writes the header.
    pub(crate) fn is_no_clock(&self) -> bool {
        self.odd >= NO_CLOCK
    }

    /// Forgets the measurements, which mean nothing after our clock was set or the machine slept.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// What is remembered of the two clocks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Clocks {
    /// By how much our clock was ahead when that was last measured, in milliseconds.
    pub measured: Option<i64>,
    /// By how much it counts as being ahead, in milliseconds; small differences count as zero.
    pub counted: i64,
    /// Since when, by our clock, they differ by much.
    pub differ_since: Option<Timestamp>,
}

impl Clocks {
    /// Notes a measurement at `now`, by our clock, and the difference that counts; without one the last measurement
    /// stays.
    pub fn note(&mut self, measured: Option<SignedDuration>, counted: SignedDuration, now: Timestamp) {
        self.counted = millis(counted);
        let Some(ahead) = measured else { return };
        self.measured = Some(millis(ahead));
        self.differ_since = match self.differ_since {
            Some(since) if ahead.abs() >= SMALL => Some(since.min(now)),
            None if ahead.abs() >= LARGE => Some(now),
            _ => None,
        };
    }

    /// By how much our clock counts as being ahead.
    pub fn counted(&self) -> SignedDuration {
        SignedDuration::from_millis(self.counted)
    }

    /// By how much our clock is ahead, rounded to the precision that is possible; `None`: it is not known.
    pub fn difference(&self) -> Option<SignedDuration> {
        let seconds = SignedDuration::from_millis(self.measured?).as_secs_f64();
        // The shown value is as coarse as the measurement, so that one difference does not read like two.
        let step = if seconds.abs() < 60.0 { 1.0 } else { 5.0 };
        let ahead = SignedDuration::try_from_secs_f64((seconds / step).round() * step).unwrap_or_default();
        Some(if ahead.abs() < RESOLUTION { SignedDuration::ZERO } else { ahead })
    }

    /// The difference of this machine's clock in words: `3 min ahead of the API's`.
    pub fn message(&self) -> String {
        match self.difference() {
            None => "not known".to_owned(),
            Some(SignedDuration::ZERO) => "as the API's".to_owned(),
            Some(ahead) if ahead.is_negative() => format!("{} behind the API's", human(ahead.abs())),
            Some(ahead) => format!("{} ahead of the API's", human(ahead)),
        }
    }
}

fn millis(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(0)
}

/// The difference that counts after a measurement. It does not change within the header's resolution, so that times do
/// not jump.
pub(crate) fn counted(before: SignedDuration, ahead: SignedDuration) -> SignedDuration {
    if (ahead - before).abs() < RESOLUTION {
        before
    } else if ahead.abs() < RESOLUTION {
        SignedDuration::ZERO
    } else {
        ahead
    }
}

/// The newest `lastSeenAt` of these contacts that is believed at `now`. Where the API's answers have no `Date` (`dated`
/// is false), `now` is by our clock and may be behind.
pub(crate) fn shown_to<'a>(
    contacts: impl IntoIterator<Item = &'a Contact>,
    now: Timestamp,
    dated: bool,
) -> Option<Timestamp> {
    let times: Vec<Timestamp> = contacts.into_iter().filter_map(|contact| contact.last_seen_at).collect();
    let mut ahead: Vec<Timestamp> = times.iter().filter(|at| **at > now).copied().collect();
    ahead.sort_unstable_by(|a, b| b.cmp(a));
    let believed = ahead.get(BELIEVED - 1).filter(|at| !dated && at.duration_since(now) <= ANY_ZONE);
    believed.or(times.iter().filter(|at| **at <= now).max()).copied()
}

/// Since when a narrow walk asks, before its overlap: from the newest time that records have shown, and no later than
/// when the query was last looked at. Both are times of the API; where its answers have no `Date` the second one is
/// ours, which may be behind.
pub(crate) fn ask_since(looked_at: Timestamp, shown_to: Option<Timestamp>, dated: bool) -> Timestamp {
    match shown_to {
        Some(shown) if shown <= looked_at => shown,
        Some(shown) if !dated && shown.duration_since(looked_at) <= ANY_ZONE => shown,
        _ => looked_at,
    }
}

/// The corrected time that a clock wrote which was `ahead`; a time that is not later than now stays.
pub(crate) fn right(at: Timestamp, ahead: SignedDuration, now: Timestamp) -> Timestamp {
    if at > now { at.checked_sub(ahead).unwrap_or(now).min(now) } else { at }
}

#[cfg(test)]
mod tests;
