//! Compiles the keys of a rule that say when receivers are notified: `for`, steps, acknowledgement, hours.

use std::collections::BTreeSet;

use jiff::{SignedDuration, civil::Date, tz::TimeZone};
use toml::{Spanned, Value};

use super::{
    AckOn,
    compile::{Compiler, STATUS},
    hours::{Hours, Outside, Range},
    mistakes,
    shape::{HoursTable, NotifyTable},
};
use crate::{
    diagnose::{
        Wording,
        nearest::did_you_mean,
        zones::{doubt, time_zone},
    },
    model::{text::form, time},
};

/// The largest number of ranges of hours. No week needs so many.
const MOST_RANGES: usize = 100;

/// The shortest pause between reminders.
const SHORTEST_REPEAT: SignedDuration = SignedDuration::from_secs(1);

impl Compiler<'_, '_> {
    /// Reads a duration; without a value it is zero.
    pub(super) fn duration(&mut self, key: &str, value: Option<&Spanned<Value>>) -> SignedDuration {
        let Some(value) = value else { return SignedDuration::ZERO };
        let read = match value.get_ref() {
            Value::String(text) => time::parse_duration(text),
            Value::Integer(number) => Err(mistakes::without_unit(*number)),
            _ => Err(mistakes::like_a_duration()),
        };
        match read {
            Ok(duration) if !duration.is_negative() => duration,
            Ok(_) => {
                self.error(value.span(), mistakes::negative(key));
                SignedDuration::ZERO
            }
            Err(help) => {
                self.error(value.span(), mistakes::not_a_duration(key, help));
                SignedDuration::ZERO
            }
        }
    }

    /// Reads `after`, and warns if it is shorter than `for`: nobody is notified before the alert fires.
    pub(super) fn after(&mut self, value: Option<&Spanned<Value>>, r#for: SignedDuration) -> SignedDuration {
        let after = self.duration("after", value);
        if let Some(value) = value
            && after < r#for
        {
            self.warning(value.span(), mistakes::before_for(&time::compact(r#for)));
        }
        after
    }

    /// Reads `repeat`, `repeat_factor` and `repeat_limit`.
    pub(super) fn repeat(&mut self, step: &NotifyTable) -> (Option<SignedDuration>, f64, Option<u32>) {
        let mistakes = self.found.len();
        let repeat = step.repeat.as_ref().map(|value| self.duration("repeat", Some(value)));
        if let (Some(value), Some(pause)) = (&step.repeat, repeat)
            && pause < SHORTEST_REPEAT
            && self.found.len() == mistakes
        {
            self.error(value.span(), mistakes::repeat_too_short());
        }
        let factor = step.repeat_factor.as_ref().map_or(1.0, |value| match value.get_ref() {
            Value::Float(factor) if factor.is_finite() && (1.0..=100.0).contains(factor) => *factor,
            Value::Integer(factor @ 1..=100) => f64::from(i8::try_from(*factor).unwrap_or(1)),
            _ => {
                self.error(value.span(), mistakes::repeat_factor());
                1.0
            }
        });
        let limit = step.repeat_limit.as_ref().and_then(|value| match value.get_ref() {
            Value::Integer(limit) if u32::try_from(*limit).is_ok() => u32::try_from(*limit).ok(),
            _ => {
                self.error(value.span(), mistakes::repeat_limit());
                None
            }
        });
        for (key, value) in [("repeat_factor", &step.repeat_factor), ("repeat_limit", &step.repeat_limit)] {
            if let Some(value) = value
                && step.repeat.is_none()
            {
                self.error(value.span(), mistakes::without_repeat(key));
            }
        }
        (repeat, factor, limit)
    }

    pub(super) fn ack_on(&mut self, entries: Vec<Spanned<String>>) -> Vec<AckOn> {
        let mut on = Vec::new();
        for entry in entries {
            match entry.get_ref().as_str() {
                "assigned" => on.push(AckOn::Assigned),
                status if STATUS.contains(&status) => on.push(AckOn::Status(status.to_owned())),
                other => {
                    let known = std::iter::once("assigned").chain(STATUS.iter().copied()).collect::<Vec<_>>();
                    let help = did_you_mean(other, known);
                    self.error(entry.span(), mistakes::not_a_value(other, "ack_on", help));
                }
            }
        }
        on
    }

    /// Reads `[hours]`.
    pub(super) fn hours(&mut self, table: Spanned<HoursTable>) -> Hours {
        let span = table.span();
        let table = table.into_inner();
        let open = match table.open {
            Some(open) if !open.get_ref().is_empty() => self.ranges(open.into_inner()),
            other => {
                self.error(other.map_or(span, |open| open.span()), mistakes::never_open());
                Vec::new()
            }
        };
        Hours {
            timezone: table
                .timezone
                .map_or_else(|| self.known.timezone.cloned().unwrap_or(TimeZone::UTC), |name| self.timezone(&name)),
            open,
            holidays: table
                .holidays
                .unwrap_or_default()
                .iter()
                .filter_map(|day| self.holiday(day))
                .collect::<BTreeSet<_>>(),
            outside: table.outside.map_or(Outside::Hold, |value| self.outside(&value)),
            count: self.one_of("clock", table.clock),
        }
    }

    fn ranges(&mut self, open: Vec<Spanned<String>>) -> Vec<Range> {
        let mut ranges = Vec::new();
        if let Some(first) = open.get(MOST_RANGES) {
            self.error(first.span(), mistakes::too_many_ranges(MOST_RANGES));
        }
        for text in open.into_iter().take(MOST_RANGES) {
            match Range::parse(text.get_ref()) {
                Ok(range) => ranges.push(range),
                Err(what) => self.error(text.span(), mistakes::range_of_hours(what)),
            }
        }
        ranges
    }

    fn timezone(&mut self, name: &Spanned<String>) -> TimeZone {
        if let Some((what, help)) = doubt(name.get_ref()) {
            self.warning(name.span(), Wording::new(what).help(help));
        }
        time_zone(name.get_ref()).unwrap_or_else(|help| {
            self.error(name.span(), mistakes::no_time_zone(name.get_ref(), help));
            TimeZone::UTC
        })
    }

    fn holiday(&mut self, value: &Spanned<Value>) -> Option<Date> {
        let text = match value.get_ref() {
            Value::String(text) => text.trim().to_owned(),
            Value::Datetime(date) => date.to_string(),
            other => other.to_string(),
        };
        let date = text.parse().ok().filter(|_| text.len() == 10);
        if date.is_none() {
            self.error(value.span(), mistakes::not_a_date());
        }
        date
    }

    fn outside(&mut self, value: &Spanned<String>) -> Outside {
        match form(value.get_ref()).as_ref() {
            "hold" => Outside::Hold,
            "drop" => Outside::Drop,
            name if self.known.receivers.iter().any(|known| known == name) => Outside::Receiver(name.to_owned()),
            other => {
                let known = ["hold", "drop"].into_iter().chain(self.known.receivers.iter().map(String::as_str));
                let help = did_you_mean(other, known.collect::<Vec<_>>());
                self.error(value.span(), mistakes::outside_hours(other, help));
                Outside::Hold
            }
        }
    }
}
