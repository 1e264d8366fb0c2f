//! `[hours]`: the times at which a rule's receivers are notified, and open hours as a clock.
//!
//! A range belongs to the day on which it begins; a range over midnight ends on the next day. A
//! holiday is closed from midnight to midnight: no range begins on it, and a range that began the evening
//! before ends at midnight. Where a clock is put forward, a time that does not exist is the moment of
//! the change. Where it is put back, a time that exists twice opens a range at its first occurrence and closes one
//! at its second, so that nobody who is there counts as absent.

use std::collections::BTreeSet;

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime, Weekday},
    tz::{AmbiguousOffset, TimeZone},
};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::mistakes;

/// The number of days that are searched: ahead for open hours, and back for the open hours of a wait.
const HORIZON: i32 = 400;

/// Minutes in a day.
const DAY: u16 = 24 * 60;

/// What happens to notifications that are due outside the hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Outside {
    /// They are sent at opening, if the alert is still firing.
    #[default]
    Hold,
    /// They are not sent.
    Drop,
    /// They go to this receiver in place of the others.
    Receiver(String),
}

/// The hours that `for`, `after` and `repeat` count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Count {
    /// All hours.
    #[default]
    Wall,
    /// Open hours.
    Business,
}

/// One range of open hours, like `mon-fri 09:00-18:00`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The days on which it begins, Monday first.
    days: [bool; 7],
    /// Minutes after midnight.
    from: u16,
    /// Minutes after midnight; of the next day, unless it is after `from`.
    to: u16,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Range {
    /// Reads `mon-fri 09:00-18:00`, `sat,sun 22:00-06:00`, `09:00-24:00` (every day).
    ///
    /// # Errors
    /// What is wrong, worded for the admin.
    pub fn parse(text: &str) -> Result<Self, String> {
        // Word processors replace the hyphen by a dash.
        let text = &text.replace(['–', '—', '−', '‐', '‑'], "-");
        let words: Vec<&str> = text.split_whitespace().collect();
        let (days, times) = match words[..] {
            [times] => ([true; 7], times),
            [days, times] => (parse_days(days)?, times),
            _ => return Err(mistakes::not_a_range(text)),
        };
        let (from, to) = times.split_once('-').ok_or_else(|| mistakes::not_a_range(times))?;
        let (from, to) = (parse_time(from)?, parse_time(to)?);
        if from == DAY {
            return Err(mistakes::begins_at_midnight());
        }
        if from == to {
            return Err(mistakes::empty_range(times));
        }
        Ok(Self { days, from, to })
    }
}

fn parse_days(text: &str) -> Result<[bool; 7], String> {
    let number = |name: &str| {
        let name = name.to_ascii_lowercase();
        let found = DAYS.iter().position(|day| name.len() >= 3 && is_day(day, &name));
        found.ok_or_else(|| mistakes::not_a_day(&name))
    };
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut day, last) = (number(first)?, number(last)?);
        loop {
            days[day] = true;
            if day == last {
                break;
            }
            day = (day + 1) % 7;
        }
    }
    Ok(days)
}

/// Whether `name` is a beginning of the day's full name: `mon`, `monday`, or a length between.
fn is_day(short: &str, name: &str) -> bool {
    let long = match short {
        "tue" => "tuesday",
        "wed" => "wednesday",
        "thu" => "thursday",
        "sat" => "saturday",
        "mon" => "monday",
        "fri" => "friday",
        _ => "sunday",
    };
    long.starts_with(name)
}

fn parse_time(text: &str) -> Result<u16, String> {
    let wrong = || mistakes::not_a_time_of_day(text);
    let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
    let digits = |part: &str, most: usize| part.bytes().all(|byte| byte.is_ascii_digit()) && part.len() <= most;
    if !digits(hours, 2) || !digits(minutes, 2) || minutes.len() != 2 {
        return Err(wrong());
    }
    let (hours, minutes): (u16, u16) = (hours.parse().map_err(|_| wrong())?, minutes.parse().map_err(|_| wrong())?);
    let time = hours * 60 + minutes;
    if minutes < 60 && time <= DAY { Ok(time) } else { Err(wrong()) }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Hours {
    /// The time zone of `open` and `holidays`.
    pub timezone: TimeZone,
    pub open: Vec<Range>,
    /// Dates that are closed all day.
    pub holidays: BTreeSet<Date>,
    /// What happens to notifications that are due outside the hours.
    pub outside: Outside,
    /// The hours that durations count.
    pub count: Count,
}

impl Hours {
    pub fn is_open(&self, at: Timestamp) -> bool {
        let day = self.date(at);
        self.spans(day, day).iter().any(|(from, to)| *from <= at && at < *to)
    }

    /// The open time between two moments. Of a wait of more than `HORIZON` days, only the last ones count.
    pub fn open_between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        if to <= from {
            return SignedDuration::ZERO;
        }
        let last = self.date(to);
        let first = self.date(from).max(after(last, -HORIZON));
        let spans = self.spans(first, last);
        let overlap = |(opens, closes): &(Timestamp, Timestamp)| {
            let (begin, end) = ((*opens).max(from), (*closes).min(to));
            if begin < end { end.duration_since(begin) } else { SignedDuration::ZERO }
        };
        spans.iter().map(overlap).fold(SignedDuration::ZERO, SignedDuration::saturating_add)
    }

    /// The moment at which this much open time has passed since `from`. `None`: not within `HORIZON` days.
    pub fn after_open(&self, from: Timestamp, hours: SignedDuration) -> Option<Timestamp> {
        let first = self.date(from);
        let mut left = hours;
        for (opens, closes) in self.spans(first, after(first, HORIZON)) {
            let begin = opens.max(from);
            if begin >= closes {
                continue;
            }
            let length = closes.duration_since(begin);
            if left <= length {
                return begin.checked_add(left).ok();
            }
            left -= length;
        }
        None
    }

    fn date(&self, at: Timestamp) -> Date {
        self.timezone.to_datetime(at).date()
    }

    /// The open spans that touch these days, in order and without overlaps.
    fn spans(&self, first: Date, last: Date) -> Vec<(Timestamp, Timestamp)> {
        let mut spans = Vec::new();
        let mut day = after(first, -1);
        while day <= last {
            self.begin_on(day, &mut spans);
            let next = after(day, 1);
            if next <= day {
                break;
            }
            day = next;
        }
        spans.sort_unstable();
        let mut merged: Vec<(Timestamp, Timestamp)> = Vec::with_capacity(spans.len());
        for (from, to) in spans {
            match merged.last_mut() {
                Some((_, known)) if from <= *known => *known = to.max(*known),
                _ => merged.push((from, to)),
            }
        }
        merged
    }

    /// Adds the spans that begin on a day.
    fn begin_on(&self, day: Date, spans: &mut Vec<(Timestamp, Timestamp)>) {
        if self.holidays.contains(&day) {
            return;
        }
        let weekday = usize::from(weekday(day));
        let tomorrow = after(day, 1);
        for range in self.open.iter().filter(|range| range.days[weekday]) {
            let over_midnight = range.to <= range.from;
            let from = self.moment(day, range.from, false);
            let to = if over_midnight && self.holidays.contains(&tomorrow) {
                self.moment(tomorrow, 0, true)
            } else {
                self.moment(if over_midnight { tomorrow } else { day }, range.to, true)
            };
            if let (Some(from), Some(to)) = (from, to)
                && from < to
            {
                spans.push((from, to));
            }
        }
    }

    /// The moment of a time of day. Where the time exists twice, it is the first moment, or the second if `late`.
    fn moment(&self, day: Date, minutes: u16, late: bool) -> Option<Timestamp> {
        let (day, minutes) = if minutes >= DAY { (after(day, 1), minutes - DAY) } else { (day, minutes) };
        let (hour, minute) = (i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?);
        let civil = DateTime::from_parts(day, jiff::civil::Time::new(hour, minute, 0, 0).ok()?);
        let ambiguous = self.timezone.to_ambiguous_timestamp(civil);
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(civil).ok(),
            AmbiguousOffset::Gap { before, .. } => {
                let past = before.to_timestamp(civil).ok()?;
                let just_past = past.checked_add(SignedDuration::from_nanos(1)).ok()?;
                self.timezone.preceding(just_past).next().map(|change| change.timestamp())
            }
            AmbiguousOffset::Fold { before, after } => (if late { after } else { before }).to_timestamp(civil).ok(),
        }
    }
}

/// The number of the weekday; Monday is 0.
fn weekday(day: Date) -> u8 {
    match day.weekday() {
        Weekday::Monday => 0,
        Weekday::Tuesday => 1,
        Weekday::Wednesday => 2,
        Weekday::Thursday => 3,
        Weekday::Friday => 4,
        Weekday::Saturday => 5,
        Weekday::Sunday => 6,
    }
}

fn after(day: Date, days: i32) -> Date {
    day.saturating_add(jiff::Span::new().days(days))
}
