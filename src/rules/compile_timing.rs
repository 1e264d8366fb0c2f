//! Compiles the keys of a rule that say when receivers are notified: `for`, steps, acknowledgement, hours.

use std::collections::BTreeSet;

use jiff::{SignedDuration, civil::Date, tz::TimeZone};
use toml::{Spanned, Value};

use super::{
    AckOn,
    compile::{Compiler, STATUS},
    hours::{Hours, Outside, Range},
    shape::{HoursTable, NotifyTable},
};
use crate::{
    diagnose::{
        Diagnostic,
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
            Value::Integer(number) => Err(format!("write a duration with its unit, like \"{number}s\"")),
            _ => Err("write a duration like \"2m\"".to_owned()),
        };
        match read {
            Ok(duration) if !duration.is_negative() => duration,
            Ok(_) => {
                self.error(value.span(), format!("`{key}` cannot be negative"), None);
                SignedDuration::ZERO
            }
            Err(help) => {
                self.error(value.span(), format!("`{key}` is not a duration"), Some(help));
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
            let title = format!("nobody is notified before `for` has passed, which is {}", time::compact(r#for));
            let help = "`after` counts from when the customer began to wait, too: make it longer, or leave it out";
            self.found.push(Diagnostic::warning(self.source, value.span(), title).help(help));
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
            let help = "for a single message, leave it out; else write a pause like \"30m\"".to_owned();
            self.error(value.span(), "`repeat` is shorter than a second", Some(help));
        }
        let factor = step.repeat_factor.as_ref().map_or(1.0, |value| match value.get_ref() {
            Value::Float(factor) if factor.is_finite() && (1.0..=100.0).contains(factor) => *factor,
            Value::Integer(factor @ 1..=100) => f64::from(i8::try_from(*factor).unwrap_or(1)),
            _ => {
                let help = "2.0 doubles the pause each time; 1.0 keeps it".to_owned();
                self.error(value.span(), "`repeat_factor` is a number from 1 to 100", Some(help));
                1.0
            }
        });
        let limit = step.repeat_limit.as_ref().and_then(|value| match value.get_ref() {
            Value::Integer(limit) if u32::try_from(*limit).is_ok() => u32::try_from(*limit).ok(),
            _ => {
                let help = "it counts the messages after the first one".to_owned();
                self.error(value.span(), "`repeat_limit` is a whole number, 0 or more", Some(help));
                None
            }
        });
        for (key, value) in [("repeat_factor", &step.repeat_factor), ("repeat_limit", &step.repeat_limit)] {
            if let Some(value) = value
                && step.repeat.is_none()
            {
                let help = "add repeat = \"30m\" to this [[notify]], or take it out".to_owned();
                self.error(value.span(), format!("`{key}` has no effect without `repeat`"), Some(help));
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
                    self.error(entry.span(), format!("`{other}` is not a value of `ack_on`"), help);
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
                let help = "write open = [\"mon-fri 09:00-18:00\"]".to_owned();
                self.error(other.map_or(span, |open| open.span()), "these hours are never open", Some(help));
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
            let help = "write several days in one range, like \"mon-fri 09:00-18:00\"".to_owned();
            self.error(first.span(), format!("more than {MOST_RANGES} ranges of hours"), Some(help));
        }
        for text in open.into_iter().take(MOST_RANGES) {
            match Range::parse(text.get_ref()) {
                Ok(range) => ranges.push(range),
                Err(what) => {
                    let help =
                        "write \"mon-fri 09:00-18:00\", \"sat,sun 22:00-06:00\" or, for every day, \"09:00-24:00\"";
                    self.error(text.span(), what, Some(help.to_owned()));
                }
            }
        }
        ranges
    }

    fn timezone(&mut self, name: &Spanned<String>) -> TimeZone {
        if let Some((what, help)) = doubt(name.get_ref()) {
            self.found.push(Diagnostic::warning(self.source, name.span(), what).help(help));
        }
        time_zone(name.get_ref()).unwrap_or_else(|help| {
            self.error(name.span(), format!("there is no time zone `{}`", name.get_ref()), Some(help));
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
            self.error(value.span(), "this is not a date", Some("write \"2026-12-25\"".to_owned()));
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
                self.error(value.span(), format!("`{other}` is neither `hold` nor `drop` nor a receiver"), help);
                Outside::Hold
            }
        }
    }
}
