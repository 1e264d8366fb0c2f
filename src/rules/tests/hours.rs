//! Tests of hours by table: when they are open, the open time between two moments, and the end of an open duration.

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use proptest::prelude::*;

use crate::rules::hours::{Count, Hours, Outside, Range};

fn hours(zone: &str, open: &[&str], holidays: &[&str]) -> Hours {
    Hours {
        timezone: TimeZone::get(zone).unwrap(),
        open: open.iter().map(|text| Range::parse(text).unwrap()).collect(),
        holidays: holidays.iter().map(|day| day.parse().unwrap()).collect(),
        outside: Outside::Hold,
        count: Count::Business,
    }
}

/// A local time of the zone, or an exact time like `…Z` where the local one exists twice.
fn at(zone: &str, text: &str) -> Timestamp {
    if let Ok(exact) = text.parse::<Timestamp>() {
        return exact;
    }
    text.parse::<DateTime>().unwrap().to_zoned(TimeZone::get(zone).unwrap()).unwrap().timestamp()
}

const KOLKATA: &str = "Asia/Kolkata";
const NEW_YORK: &str = "America/New_York";
const VIENNA: &str = "Europe/Vienna";

#[test]
fn open_by_table() {
    let shop: &[&str] = &["mon-fri 09:00-18:00", "sat 10:00-14:00"];
    let split: &[&str] = &["mon-fri 09:00-12:00", "mon-fri 13:00-18:00"];
    let night: &[&str] = &["fri,sat 22:00-06:00"];
    let till_midnight: &[&str] = &["sun 18:00-24:00"];
    // 2026-06-12 is a Friday.
    for (zone, open, holidays, time, expected) in [
        ("UTC", shop, &[][..], "2026-06-12T08:59:59", false),
        ("UTC", shop, &[], "2026-06-12T09:00:00", true),
        ("UTC", shop, &[], "2026-06-12T17:59:59", true),
        ("UTC", shop, &[], "2026-06-12T18:00:00", false),
        ("UTC", shop, &[], "2026-06-13T09:59:59", false),
        ("UTC", shop, &[], "2026-06-13T10:00:00", true),
        ("UTC", shop, &[], "2026-06-14T12:00:00", false),
        // The window is that of the zone: 09:00 in Kolkata is 03:30 in Greenwich.
        (KOLKATA, shop, &[], "2026-06-12T03:29:59Z", false),
        (KOLKATA, shop, &[], "2026-06-12T03:30:00Z", true),
        (KOLKATA, shop, &[], "2026-06-12T12:29:59Z", true),
        (KOLKATA, shop, &[], "2026-06-12T12:30:00Z", false),
        ("UTC", split, &[], "2026-06-12T12:30:00", false),
        ("UTC", split, &[], "2026-06-12T13:00:00", true),
        // A range over midnight belongs to the day on which it begins.
        ("UTC", night, &[], "2026-06-12T21:59:59", false),
        ("UTC", night, &[], "2026-06-12T22:00:00", true),
        ("UTC", night, &[], "2026-06-13T05:59:59", true),
        ("UTC", night, &[], "2026-06-13T06:00:00", false),
        ("UTC", night, &[], "2026-06-14T05:00:00", true),
        ("UTC", night, &[], "2026-06-15T05:00:00", false),
        ("UTC", night, &[], "2026-06-12T05:00:00", false),
        ("UTC", till_midnight, &[], "2026-06-14T23:59:59", true),
        ("UTC", till_midnight, &[], "2026-06-15T00:00:00", false),
        // A holiday is closed from midnight to midnight.
        ("UTC", shop, &["2026-06-12"], "2026-06-12T12:00:00", false),
        ("UTC", shop, &["2026-06-12"], "2026-06-11T12:00:00", true),
        ("UTC", night, &["2026-06-13"], "2026-06-12T23:59:59", true),
        ("UTC", night, &["2026-06-13"], "2026-06-13T00:00:00", false),
        ("UTC", night, &["2026-06-12"], "2026-06-13T05:00:00", false),
        ("UTC", night, &["2026-06-13"], "2026-06-14T05:00:00", false),
        // The clock is put forward from 02:00 to 03:00: a range from 02:30 opens at that moment.
        (NEW_YORK, &["sun 02:30-05:00"], &[], "2026-03-08T06:59:59Z", false),
        (NEW_YORK, &["sun 02:30-05:00"], &[], "2026-03-08T07:00:00Z", true),
        (NEW_YORK, &["sun 00:00-02:30"], &[], "2026-03-08T06:59:59Z", true),
        (NEW_YORK, &["sun 00:00-02:30"], &[], "2026-03-08T07:00:00Z", false),
        // The clock is put back from 02:00 to 01:00: 01:30 exists twice.
        (NEW_YORK, &["sun 01:30-03:00"], &[], "2026-11-01T05:29:59Z", false),
        (NEW_YORK, &["sun 01:30-03:00"], &[], "2026-11-01T05:30:00Z", true),
        (NEW_YORK, &["sun 01:30-03:00"], &[], "2026-11-01T06:15:00Z", true),
        (NEW_YORK, &["sun 00:00-01:30"], &[], "2026-11-01T06:29:59Z", true),
        (NEW_YORK, &["sun 00:00-01:30"], &[], "2026-11-01T06:30:00Z", false),
    ] {
        let hours = hours(zone, open, holidays);
        assert_eq!(hours.is_open(at(zone, time)), expected, "{zone} {open:?} {holidays:?} {time}");
    }
}

#[test]
fn open_time_between_two_moments_by_table() {
    let shop: &[&str] = &["mon-fri 09:00-18:00"];
    for (zone, open, from, to, minutes) in [
        ("UTC", shop, "2026-06-12T10:00:00", "2026-06-12T10:47:00", 47),
        ("UTC", shop, "2026-06-12T17:50:00", "2026-06-15T09:05:00", 15),
        ("UTC", shop, "2026-06-13T00:00:00", "2026-06-14T23:00:00", 0),
        ("UTC", shop, "2026-06-08T00:00:00", "2026-06-15T00:00:00", 5 * 9 * 60),
        ("UTC", shop, "2026-06-12T10:00:00", "2026-06-12T09:00:00", 0),
        // Overlapping ranges count once.
        ("UTC", &["09:00-12:00", "11:00-13:00"], "2026-06-12T00:00:00", "2026-06-13T00:00:00", 4 * 60),
        ("UTC", &["00:00-24:00"], "2026-06-12T10:00:00", "2026-06-14T10:00:00", 48 * 60),
        // The nights of a day of 23 hours and of one of 25.
        (VIENNA, &["sat 22:00-06:00"], "2026-03-28T12:00:00", "2026-03-29T12:00:00", 7 * 60),
        (VIENNA, &["sat 22:00-06:00"], "2026-10-24T12:00:00", "2026-10-25T12:00:00", 9 * 60),
        (VIENNA, &["00:00-24:00"], "2026-03-29T00:00:00", "2026-03-30T00:00:00", 23 * 60),
    ] {
        let hours = hours(zone, open, &[]);
        let between = hours.open_between(at(zone, from), at(zone, to));
        assert_eq!(between, SignedDuration::from_mins(minutes), "{zone} {open:?} {from} {to}");
    }
}

#[test]
fn ranges_as_they_are_written() {
    for (text, same) in [
        ("mon-fri 09:00-18:00", "mon,tue,wed,thu,fri 9:00-18:00"),
        ("sat-mon 10:00-12:00", "sat,sun,mon 10:00-12:00"),
        ("Monday-Wed 10:00-12:00", "mon,tue,wed 10:00-12:00"),
        ("09:00-24:00", "mon-sun 09:00-24:00"),
        ("mon–fri 09:00—18:00", "mon-fri 09:00-18:00"),
    ] {
        assert_eq!(Range::parse(text), Range::parse(same), "{text}");
    }
    for (text, wrong) in [
        ("", "`` is not a range of hours"),
        ("mon - fri 09:00-18:00", "`mon - fri 09:00-18:00` is not a range of hours"),
        ("mon-fri", "`mon` is not a time of day"),
        ("mo-fri 09:00-18:00", "`mo` is not a day of the week"),
        ("mon-fry 09:00-18:00", "`fry` is not a day of the week"),
        ("mon 9-18", "`9` is not a time of day"),
        ("mon 09:00", "`09:00` is not a range of hours"),
        ("mon 09:60-10:00", "`09:60` is not a time of day"),
        ("mon 09:00-24:01", "`24:01` is not a time of day"),
        ("mon 24:00-25:00", "`25:00` is not a time of day"),
        ("mon 24:00-06:00", "a range cannot begin at 24:00"),
        ("mon 09:00-09:00", "`09:00-09:00` is empty: the whole day is 00:00-24:00"),
        ("mon +9:00-10:00", "`+9:00` is not a time of day"),
        ("mon 09:5-10:00", "`09:5` is not a time of day"),
    ] {
        assert_eq!(Range::parse(text), Err(wrong.to_owned()), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    /// `is_open`, counted minute by minute, agrees with `open_between` and `after_open`.
    #[test]
    fn as_counted_minute_by_minute(
        zone in prop::sample::select(vec!["UTC", KOLKATA, NEW_YORK, VIENNA, "Australia/Lord_Howe"]),
        ranges in prop::collection::vec((0..7_usize, 0..7_usize, 0..1440_u16, 1..1441_u16), 1..4),
        holiday in prop::option::of(0..8_i32),
        // Around both changes of the clock.
        start in prop::sample::select(vec!["2026-03-06T00:00:00Z", "2026-03-27T00:00:00Z", "2026-04-03T00:00:00Z",
            "2026-10-02T00:00:00Z", "2026-10-23T00:00:00Z", "2026-10-30T00:00:00Z"]),
        (from, length) in (0..5_000_i64, 0..3_000_i64),
    ) {
        let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let texts: Vec<String> = ranges
            .iter()
            .filter(|(_, _, from, to)| from != to)
            .map(|(one, other, from, to)| {
                let time = |minutes: &u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
                format!("{}-{} {}-{}", days[*one], days[*other], time(from), time(to))
            })
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let start: Timestamp = start.parse().unwrap();
        let day = holiday.map(|days| start.to_zoned(TimeZone::get(zone).unwrap()).date().saturating_add(jiff::Span::new().days(days)).to_string());
        let hours = hours(zone, &texts, &day.iter().map(String::as_str).collect::<Vec<_>>());
        let minute = |number: i64| start + SignedDuration::from_mins(number);
        let (from, to) = (minute(from), minute(from + length));

        let minutes = (0..length).filter(|number| hours.is_open(from + SignedDuration::from_mins(*number))).count();
        let counted = SignedDuration::from_mins(i64::try_from(minutes).unwrap());
        prop_assert_eq!(hours.open_between(from, to), counted);
        if counted > SignedDuration::ZERO {
            let after = hours.after_open(from, counted).unwrap();
            prop_assert!(after <= to);
            prop_assert_eq!(hours.open_between(from, after), counted);
            let before = after - SignedDuration::from_secs(1);
            prop_assert!(hours.open_between(from, before) < counted);
        }
    }
}
