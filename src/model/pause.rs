//! Reads how long an answer asks to wait, in any spelling that servers use.

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, civil, tz::TimeZone};
use serde_json::Value;

use super::time::{elapsed, parse_http_date, parse_timestamp};

/// Ten years in seconds. A number is a time since 1970 rather than a pause if it lies within ten years of now.
const TEN_YEARS: f64 = 3.2e8;

/// The pause that an answer with this status asks for. `header` returns every value of a header by its name in lower
/// case; `now` is the time of the answer, by the clock of its server if that is known.
pub(crate) fn asked(
    status: u16,
    header: &dyn Fn(&str) -> Vec<String>,
    body: &[u8],
    now: Timestamp,
) -> Option<SignedDuration> {
    // Of two contradictory answers the longer pause is safe.
    let first = |names: &[&str], read: &dyn Fn(&str) -> Option<SignedDuration>| {
        names.iter().find_map(|name| header(name).iter().filter_map(|value| read(value)).max())
    };
    let spelled = |value: &str| spelled(value, now);
    first(&["retry-after-ms", "x-retry-after-ms", "x-ms-retry-after-ms"], &millis)
        .or_else(|| first(&["retry-after", "x-retry-after"], &spelled))
        .or_else(|| in_body(body, now))
        // Only this status proves that the limit is the reason: other answers have these headers, too.
        .or_else(|| {
            let resets = ["x-ratelimit-reset-after", "ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"];
            first(&resets, &spelled).or_else(|| first(&["ratelimit"], &fields)).filter(|_| status == 429)
        })
}

/// Reads a pause or the time of its end: `30`, `1.5`, `30s`, `1m 30s`, `PT30S`, a date of any kind, a time since 1970
/// in seconds or smaller parts. A time in the past is a pause of zero; a negative pause is not read.
pub fn spelled(value: &str, now: Timestamp) -> Option<SignedDuration> {
    let value = value.trim().trim_matches(['"', '\'']).trim();
    if let Some(number) = number(value) {
        return seconds(number, now);
    }
    let lower = value.to_ascii_lowercase();
    if let Some(pause) = lower.parse::<Span>().ok().and_then(|span| length(&span)) {
        return (!pause.is_negative()).then_some(pause);
    }
    let date = parse_http_date(value).or_else(|| old_date(value)).or_else(|| parse_timestamp(value))?;
    Some(elapsed(now, date))
}

fn length(span: &Span) -> Option<SignedDuration> {
    (span.get_months() == 0 && span.get_years() == 0)
        .then(|| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok())
        .flatten()
}

/// A number in digits; `f64` alone would also read words.
fn number(value: &str) -> Option<f64> {
    let plain = value.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
    value.parse().ok().filter(|_| plain)
}

fn seconds(number: f64, now: Timestamp) -> Option<SignedDuration> {
    if number < 0.0 {
        return None;
    }
    #[allow(clippy::cast_precision_loss)]
    let now = now.as_millisecond() as f64 / 1_000.0;
    let since_1970 = [1.0, 1e3, 1e6, 1e9].into_iter().map(|parts| number / parts);
    let end = since_1970.into_iter().find(|end| (end - now).abs() < TEN_YEARS && number >= TEN_YEARS);
    let pause = end.map_or(number, |end| (end - now).max(0.0));
    // A pause that a duration cannot hold is absurdly long, but not unreadable.
    Some(SignedDuration::try_from_secs_f64(pause).unwrap_or(SignedDuration::from_secs(i64::MAX)))
}

fn millis(value: &str) -> Option<SignedDuration> {
    let millis = number(value.trim()).filter(|millis| *millis >= 0.0)?;
    Some(SignedDuration::try_from_secs_f64(millis / 1_000.0).unwrap_or(SignedDuration::from_secs(i64::MAX)))
}

/// `limit=100, remaining=0, reset=30`, and the newer `"minute";r=0;t=30`: seconds.
fn fields(value: &str) -> Option<SignedDuration> {
    let field = |part: &str| {
        let (name, value) = part.trim().split_once('=')?;
        ["reset", "t"].contains(&name.trim()).then(|| number(value.trim())).flatten()
    };
    let longest = value.split([',', ';']).filter_map(field).filter(|seconds| *seconds >= 0.0).reduce(f64::max)?;
    SignedDuration::try_from_secs_f64(longest).ok()
}

/// The pause in the fields of a JSON body, at the top or below the fields of the error.
fn in_body(body: &[u8], now: Timestamp) -> Option<SignedDuration> {
    let body: Value = serde_json::from_slice(body).ok()?;
    [Some(&body), body.get("error"), body.get("parameters"), body.get("details")].into_iter().flatten().find_map(
        |place| {
            let text = |names: &[&str]| {
                let value = names.iter().find_map(|name| place.get(name))?;
                value.as_str().map(str::to_owned).or_else(|| value.as_number().map(ToString::to_string))
            };
            let parts = text(&["retry_after_ms", "retryAfterMs"]).and_then(|value| millis(&value));
            parts.or_else(|| spelled(&text(&["retry_after", "retryAfter", "retry-after", "Retry-After"])?, now))
        },
    )
}

/// The two older kinds of dates that HTTP allows: `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
fn old_date(value: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let words: Vec<&str> = value.split([' ', ',', '-']).filter(|word| !word.is_empty()).collect();
    let (day, month, year, time) = match words[..] {
        [_, day, month, year, time, "GMT" | "UTC"] if day.len() <= 2 => (day, month, year, time),
        [_, month, day, time, year] | [_, month, day, time, year, "GMT" | "UTC"] => (day, month, year, time),
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| month.eq_ignore_ascii_case(name))?;
    let year: i16 = match (year.len(), year.parse::<i16>().ok()?) {
        (2, year @ 0..70) => 2_000 + year,
        (2, year @ 70..) => 1_900 + year,
        (4, year) => year,
        _ => return None,
    };
    let date = civil::Date::new(year, i8::try_from(month).ok()? + 1, day.parse().ok()?).ok()?;
    let at = date.to_datetime(time.parse::<civil::Time>().ok()?);
    at.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "1994-11-06T08:49:37Z".parse().unwrap()
    }

    #[test]
    fn every_spelling_of_a_pause() {
        for (value, millis) in [
            ("0", Some(0)),
            ("120", Some(120_000)),
            (" 7 ", Some(7_000)),
            ("+7", Some(7_000)),
            ("\"7\"", Some(7_000)),
            ("1.5", Some(1_500)),
            ("0.25", Some(250)),
            ("99999999999999999999999", Some(i64::MAX)),
            // Units.
            ("30s", Some(30_000)),
            ("30 s", Some(30_000)),
            ("30 seconds", Some(30_000)),
            ("500ms", Some(500)),
            ("1m30s", Some(90_000)),
            ("2 Min", Some(120_000)),
            ("PT30S", Some(30_000)),
            ("1h", Some(3_600_000)),
            // Dates of all three kinds, and others.
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30_000)),
            ("Mon, 06 Nov 1994 08:50:07 GMT", Some(30_000)),
            ("Sun, 06 Nov 1994 09:50:07 +0100", Some(30_000)),
            ("Sunday, 06-Nov-94 08:50:07 GMT", Some(30_000)),
            ("Sun Nov  6 08:50:07 1994", Some(30_000)),
            ("Sun Nov 06 08:50:07 1994 GMT", Some(30_000)),
            ("1994-11-06T08:50:07Z", Some(30_000)),
            ("Sun, 06 Nov 1994 08:49:30 GMT", Some(0)),
            ("Saturday, 05-Nov-94 08:49:37 GMT", Some(0)),
            // Since 1970.
            ("784111807", Some(30_000)),
            ("784111807000", Some(30_000)),
            ("784111807000000", Some(30_000)),
            ("784111807.5", Some(30_500)),
            ("784111000", Some(0)),
            // Values without a meaning.
            ("", None),
            ("-5", None),
            ("-5s", None),
            ("soon", None),
            ("NaN", None),
            ("inf", None),
            ("1e9", None),
            ("1.5.5", None),
            ("Sun Nov 66 08:50:07 1994", None),
            ("2 months", None),
            ("\u{665}", None),
        ] {
            let found = spelled(value, now()).map(|wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
            assert_eq!(found, millis, "{value:?}");
        }
    }

    fn wait(status: u16, headers: &[(&str, &str)], body: &str) -> Option<i64> {
        let all = |name: &str| {
            let values = headers.iter().filter(|(known, _)| *known == name);
            values.map(|(_, value)| (*value).to_owned()).collect()
        };
        asked(status, &all, body.as_bytes(), now()).map(|wait| wait.as_secs())
    }

    #[test]
    fn wherever_an_answer_says_it() {
        for (status, headers, body, seconds) in [
            (429, vec![("retry-after", "7")], "", Some(7)),
            (503, vec![("retry-after", "7")], "", Some(7)),
            (429, vec![("retry-after", "7"), ("retry-after", "30")], "", Some(30)),
            (429, vec![("retry-after", "soon"), ("x-ratelimit-reset", "30")], "", Some(30)),
            (429, vec![("retry-after-ms", "7500"), ("retry-after", "30")], "", Some(7)),
            (429, vec![("ratelimit-reset", "30")], "", Some(30)),
            (429, vec![("x-ratelimit-reset", "784111807")], "", Some(30)),
            (429, vec![("x-ratelimit-reset", "784111807000")], "", Some(30)),
            (429, vec![("x-rate-limit-reset", "784111807")], "", Some(30)),
            (429, vec![("x-ratelimit-reset-after", "1.25"), ("x-ratelimit-reset", "784111807")], "", Some(1)),
            (429, vec![("ratelimit", "limit=100, remaining=0, reset=30")], "", Some(30)),
            (429, vec![("ratelimit", "\"second\";r=0;t=1, \"minute\";r=0;t=30")], "", Some(30)),
            // Some servers send these with every answer.
            (500, vec![("x-ratelimit-reset", "784111807")], "", None),
            (429, vec![], r#"{"retry_after": 7}"#, Some(7)),
            (429, vec![], r#"{"retry_after": 7.5, "global": false}"#, Some(7)),
            (429, vec![], r#"{"retryAfter": "30s"}"#, Some(30)),
            (429, vec![], r#"{"retry_after_ms": 7500}"#, Some(7)),
            (429, vec![], r#"{"ok": false, "parameters": {"retry_after": 7}}"#, Some(7)),
            (429, vec![], r#"{"success": false, "error": {"code": "TOO_MANY", "retryAfter": 7}}"#, Some(7)),
            (429, vec![], r#"{"retry_after": -1}"#, None),
            (429, vec![], r#"{"retry_after": null}"#, None),
            (429, vec![], "retry_after: 7", None),
            (429, vec![], "", None),
        ] {
            assert_eq!(wait(status, &headers, body), seconds, "{status} {headers:?} {body}");
        }
    }
}
