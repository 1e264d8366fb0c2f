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

/// A hundred years: whatever is counted from now on still has a date.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 36_500);

/// Reads `500ms`, `15s`, `1h 30m`, `90d` (a day is 24 hours, a week 7 days), up to a hundred years.
///
/// # Errors
/// What would be right, for the admin.
pub fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    const RIGHT: &str = "write a duration like `500ms`, `15s`, `2m`, `1h 30m` or `7d`";
    let span: Span = SpanParser::new().parse_span(text.trim()).map_err(|_| RIGHT.to_owned())?;
    if span.get_months() != 0 || span.get_years() != 0 {
        return Err("months and years differ in length: write days, like `30d`".to_owned());
    }
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| RIGHT.to_owned())?;
    if duration.abs() > LONGEST {
        return Err("nobody waits so long: at most `36500d`".to_owned());
    }
    Ok(duration)
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
    let mut span = Span::try_from(duration).unwrap_or_default();
    if let Ok(rounded) = span.round(jiff::SpanRound::new().largest(Unit::Hour).smallest(Unit::Millisecond)) {
        span = rounded;
    }
    format!("{span:#}")
}

/// How long from `since` to `now`, never negative: clocks of two machines differ.
pub fn elapsed(since: Timestamp, now: Timestamp) -> SignedDuration {
    now.duration_since(since).max(SignedDuration::ZERO)
}

/// What an HTTP `Retry-After` asks to wait: whole seconds, or a date. A date in the past is no wait.
pub fn parse_retry_after(value: &str, now: Timestamp) -> Option<SignedDuration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits that don't fit are an absurdly long wait, not an unreadable one.
        return Some(SignedDuration::from_secs(value.parse().unwrap_or(i64::MAX)));
    }
    // Servers get the day of the week wrong; the date is what counts.
    let date = rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(value).ok()?;
    Some(elapsed(now, date))
}

#[cfg(test)]
mod tests {
    use super::{parse_duration, parse_retry_after, parse_timestamp};

    #[test]
    fn a_duration_is_no_longer_than_a_hundred_years() {
        assert_eq!(parse_duration("36500d").unwrap().as_hours(), 36_500 * 24);
        for text in ["36501d", "11202002006m", "-40000d"] {
            assert_eq!(parse_duration(text).unwrap_err(), "nobody waits so long: at most `36500d`", "{text}");
        }
    }

    #[test]
    fn retry_after_in_seconds_and_as_a_date() {
        let now = parse_timestamp("1994-11-06T08:49:37Z").unwrap();
        for (value, seconds) in [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("99999999999999999999999", Some(i64::MAX)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Mon, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:49:30 GMT", Some(0)),
            ("Sun, 06 Nov 1994 09:49:37 +0100", Some(0)),
            ("", None),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("\u{665}", None),
        ] {
            assert_eq!(parse_retry_after(value, now).map(|wait| wait.as_secs()), seconds, "{value:?}");
        }
    }
}
