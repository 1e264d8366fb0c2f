//! Times and durations as people write and read them.

use jiff::fmt::{friendly::SpanParser, rfc2822};
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, Unit};

/// A time as the API writes it: `2026-06-12T08:13:52.369Z`. A time without a zone is UTC.
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// A time as the API writes it, in milliseconds.
pub fn iso(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// Reads `500ms`, `15s`, `1h 30m`, `90d` (a day is 24 hours, a week 7 days).
///
/// # Errors
/// What would be right, for the admin.
pub fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    const RIGHT: &str = "write a duration like `500ms`, `15s`, `2m`, `1h 30m` or `7d`";
    let span: Span = SpanParser::new().parse_span(text.trim()).map_err(|_| RIGHT.to_owned())?;
    if span.get_months() != 0 || span.get_years() != 0 {
        return Err("months and years differ in length: write days, like `30d`".to_owned());
    }
    span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| RIGHT.to_owned())
}

/// A duration as people say it, in two units at most: `45 s`, `7 min`, `2 h 5 min`, `3 d 4 h`.
pub fn human(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let two = |large: i64, unit: &str, small: i64, below: &str| {
        if small == 0 { format!("{large} {unit}") } else { format!("{large} {unit} {small} {below}") }
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => two(hours, "h", minutes, "min"),
        (days, hours, _) => two(days, "d", hours, "h"),
    }
}

/// A duration as configuration spells it: `1h 30m`.
pub fn compact(duration: SignedDuration) -> String {
    let Ok(mut span) = Span::try_from(duration) else {
        // A span cannot hold so long a duration.
        let (sign, whole) = (if duration.is_negative() { "-" } else { "" }, duration.unsigned_abs());
        let (seconds, millis) = (whole.as_secs(), whole.subsec_millis());
        return format!("{sign}{}h {}m {}s {millis}ms", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    };
    if let Ok(rounded) = span.round(jiff::SpanRound::new().largest(Unit::Hour).smallest(Unit::Millisecond)) {
        span = rounded;
    }
    format!("{span:#}")
}

/// The time from `since` to `now`, never negative, since clocks of two machines differ.
pub(crate) fn elapsed(since: Timestamp, now: Timestamp) -> SignedDuration {
    now.duration_since(since).max(SignedDuration::ZERO)
}

/// A date in a header of HTTP.
pub(crate) fn parse_http_date(value: &str) -> Option<Timestamp> {
    // Some servers get the day of the week wrong; only the date counts.
    rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(value.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::{compact, parse_duration};

    #[test]
    fn what_is_written_compactly_is_read_as_the_same() {
        for (text, compact_text) in [
            ("90m", "1h 30m"),
            ("500ms", "500ms"),
            ("7d", "168h"),
            ("0s", "0s"),
            ("11202002006m", "186700033h 26m 0s 0ms"),
            ("-11202002006m", "-186700033h 26m 0s 0ms"),
        ] {
            let duration = parse_duration(text).unwrap();
            assert_eq!(compact(duration), compact_text);
            assert_eq!(parse_duration(compact_text).unwrap(), duration, "{compact_text}");
        }
    }
}
