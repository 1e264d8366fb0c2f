//! Two clocks: this machine's and the API's, and by how much they differ.
//!
//! Nobody promises that they agree. What an inbox's records say is written by the API's clock, so that all that is
//! judged of an inbox, and all that is stored of it, counts by that clock, as far as it is known: from the header
//! `Date` of its answers, and from the times of its records.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Alert, Contact, InboxMemory, Silence,
    contact::by,
    time::{elapsed, human},
};

/// Answers that the difference is measured by: their median counts.
const SAMPLES: usize = 15;

/// A header has whole seconds: what two of them say may differ by so much without meaning anything.
const RESOLUTION: SignedDuration = SignedDuration::from_secs(2);

/// Of an answer that took longer nobody knows when its header was written.
const LONGEST_TRIP: SignedDuration = SignedDuration::from_secs(10);

/// Headers in a row that do not go on as a clock does: what writes them is none.
const NO_CLOCK: u32 = 3;

/// A clock that was set goes on for so long before it is believed.
const CONFIRMED: SignedDuration = SignedDuration::from_secs(5);

/// A difference that is told.
pub(crate) const LARGE: SignedDuration = SignedDuration::from_secs(30);

/// Below that, one that was told is over.
const SMALL: SignedDuration = SignedDuration::from_secs(15);

/// So many records must be ahead of our clock before it is believed to be behind: one that lies in the future by
/// mistake must not hide those who are new.
const BELIEVED: usize = 3;

/// A record that lies further ahead is a mistake, whoever's clock is wrong.
const ANY_ZONE: SignedDuration = SignedDuration::from_hours(26);

/// When one answer came, by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dated {
    /// What its header `Date` says.
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

    /// By how much our clock is ahead: the header was written on half of the way, in the middle of its second. What
    /// may as well be no difference is none.
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

/// The difference of the two clocks, as answers come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measure {
    samples: VecDeque<Dated>,
    /// One that does not go on from them, until a later one agrees with it.
    doubted: Option<Dated>,
    /// How many of those there were in a row.
    odd: u32,
}

impl Measure {
    /// One more answer.
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

    /// By how much our clock is ahead of the API's, as a whole second says it; `None`: nothing is known.
    pub(crate) fn ahead(&self) -> Option<SignedDuration> {
        let mut ahead: Vec<SignedDuration> = self.samples.iter().map(Dated::ahead).collect();
        ahead.sort_unstable();
        ahead.get(ahead.len() / 2).copied()
    }

    /// Whether something other than a clock writes the header.
    pub(crate) fn is_no_clock(&self) -> bool {
        self.odd >= NO_CLOCK
    }

    /// Our clock was set, or the machine slept: what was measured before says nothing.
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
    /// By how much it counts as being ahead, in milliseconds: small differences are none.
    pub counted: i64,
    /// Since when, by our clock, they differ by much.
    pub differ_since: Option<Timestamp>,
}

impl Clocks {
    /// After a measurement at `now`, by our clock, and what counts by it; without one what was known stays.
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

    /// By how much it is ahead, as far as one can say; `None` where nothing is known.
    pub fn difference(&self) -> Option<SignedDuration> {
        let seconds = SignedDuration::from_millis(self.measured?).as_secs_f64();
        // What is measured is no truer than that, and should not read like two different differences.
        let step = if seconds.abs() < 60.0 { 1.0 } else { 5.0 };
        let ahead = SignedDuration::try_from_secs_f64((seconds / step).round() * step).unwrap_or_default();
        Some(if ahead.abs() < RESOLUTION { SignedDuration::ZERO } else { ahead })
    }

    /// The same as people say it of this machine's clock: `3 min ahead of the API's`.
    pub fn words(&self) -> String {
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

/// What counts after a measurement: it changes only where it means something, so that nothing jumps by the header's
/// resolution.
pub(crate) fn counted(before: SignedDuration, ahead: SignedDuration) -> SignedDuration {
    if (ahead - before).abs() < RESOLUTION {
        before
    } else if ahead.abs() < RESOLUTION {
        SignedDuration::ZERO
    } else {
        ahead
    }
}

/// The newest `lastSeenAt` of these contacts that is believed at `now`. Where the API says no time, `now` is ours and
/// may be behind.
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

/// What a clock wrote that was ahead by so much; what it wrote when it was right stays.
pub(crate) fn right(at: Timestamp, ahead: SignedDuration, now: Timestamp) -> Timestamp {
    if at > now { at.checked_sub(ahead).unwrap_or(now).min(now) } else { at }
}

/// A time that is moved, as far as time reaches.
fn moved(at: &mut Timestamp, by: SignedDuration) {
    *at = at.checked_add(by).unwrap_or(*at);
}

impl Alert {
    /// With its times moved from one clock to another.
    #[must_use]
    pub fn moved(mut self, by: SignedDuration) -> Self {
        if by.is_zero() {
            return self;
        }
        moved(&mut self.since, by);
        moved(&mut self.first_seen, by);
        self.fired_at.iter_mut().for_each(|at| moved(at, by));
        if let Some(end) = &mut self.resolution {
            moved(&mut end.at, by);
            moved(&mut end.ended_at, by);
        }
        self
    }

    /// What a clock wrote that was wrong then, as far as it can be known. Where it was `ahead` by so much, what it wrote
    /// was so much earlier, and nobody waits until it is true. Where it was behind, the record itself says since when there is
    /// anybody who can wait.
    pub fn set_right(&mut self, ahead: SignedDuration, now: Timestamp) {
        // What was written last was written now, at the latest.
        let told = self.steps.iter().flat_map(|step| [step.first_at, step.last_at]).flatten();
        let newest = told.chain(self.fired_at).chain([self.first_seen]).max();
        let ahead = newest.map_or(ahead, |newest| ahead.max(elapsed(now, newest)));
        let clamp = |at: &mut Timestamp| *at = right(*at, ahead, now);
        clamp(&mut self.since);
        clamp(&mut self.first_seen);
        self.fired_at.iter_mut().for_each(clamp);
        if let Some(lapse) = &mut self.lapse {
            clamp(&mut lapse.at);
            clamp(&mut lapse.ended_at);
        }
        self.ack.iter_mut().for_each(|ack| clamp(&mut ack.at));
        for step in &mut self.steps {
            step.first_at.iter_mut().for_each(clamp);
            step.last_at.iter_mut().for_each(clamp);
        }
        let began = self.contact.created_at.filter(|created| self.first_seen < *created && *created <= now);
        if let Some(created) = began {
            let last = &self.contact.last_message;
            let wrote = last.at.filter(|at| last.by == by::USER && *at <= now);
            self.first_seen = created;
            self.since = self.since.max(wrote.unwrap_or(created));
            self.fired_at = self.fired_at.map(|at| at.max(self.since));
        }
    }
}

impl Silence {
    /// With its times moved from one clock to another.
    #[must_use]
    pub fn moved(mut self, by: SignedDuration) -> Self {
        moved(&mut self.created_at, by);
        moved(&mut self.ends_at, by);
        self
    }
}

impl InboxMemory {
    /// What others than the poller look at, by our clock.
    #[must_use]
    pub fn by_our_clock(mut self) -> Self {
        let by = self.clocks.counted();
        self.polled_at.iter_mut().for_each(|at| moved(at, by));
        self.failing.iter_mut().for_each(|failing| moved(&mut failing.since, by));
        self.odd_records.iter_mut().for_each(|odd| moved(&mut odd.since, by));
        self.short.iter_mut().for_each(|short| moved(&mut short.since, by));
        self.doubt.emptied.iter_mut().for_each(|emptied| moved(&mut emptied.since, by));
        let differs = self.walks.values_mut().filter_map(|walk| walk.differs.as_mut());
        differs.for_each(|differs| moved(&mut differs.since, by));
        if let Some(missed) = &mut self.runs.missed {
            moved(&mut missed.since, by);
        }
        self
    }

    /// A poll that began at `before` by an older measurement began at `after`: what it noted as its time.
    pub fn began_rather(&mut self, before: Timestamp, after: Timestamp) {
        let rather = |at: &mut Timestamp| {
            if *at == before {
                *at = after;
            }
        };
        self.page_size_at.iter_mut().for_each(rather);
        for walk in self.walks.values_mut() {
            [&mut walk.first_at, &mut walk.complete_at, &mut walk.whole_at, &mut walk.ended_at, &mut walk.looked_at]
                .into_iter()
                .flatten()
                .for_each(rather);
            walk.part.iter_mut().for_each(|part| rather(&mut part.began_at));
        }
    }

    /// By how much the clock was ahead when the inbox was last polled, where that lies ahead of now.
    pub fn was_ahead(&self, now: Timestamp) -> SignedDuration {
        self.polled_at.map_or(SignedDuration::ZERO, |at| elapsed(now, at))
    }

    /// Nothing has happened later than now: where a clock was ahead and is set right, what it wrote was earlier.
    pub fn set_right(&mut self, now: Timestamp) {
        let ahead = self.was_ahead(now);
        let clamp = |at: &mut Timestamp| *at = right(*at, ahead, now);
        self.failing.iter_mut().for_each(|failing| clamp(&mut failing.since));
        self.odd_records.iter_mut().for_each(|odd| clamp(&mut odd.since));
        self.short.iter_mut().for_each(|short| clamp(&mut short.since));
        self.segments_at.iter_mut().for_each(clamp);
        self.doubt.emptied.iter_mut().for_each(|emptied| clamp(&mut emptied.since));
        self.doubt.missing.values_mut().for_each(clamp);
        self.doubt.explained_at.iter_mut().for_each(clamp);
        let differs = self.walks.values_mut().filter_map(|walk| walk.differs.as_mut());
        differs.for_each(|differs| clamp(&mut differs.since));
        for chat in self.live_chats.values_mut() {
            clamp(&mut chat.began_at);
            chat.missed_at.iter_mut().for_each(clamp);
        }
    }
}

#[cfg(test)]
mod tests;
