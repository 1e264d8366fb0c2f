//! Durations, times, `Retry-After` and opening hours as people and programs write them.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use pengwatch::inside::{Count, Hours, Outside, Range, compact, human, iso, parse_duration, parse_timestamp, spelled};

use super::{now, rules::check_hours};

pub fn read(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parse_duration(text) {
        Ok(duration) => {
            assert!(!human(duration).is_empty());
            let again = parse_duration(&compact(duration)).expect("a duration as we write it");
            let apart = again.checked_sub(duration).expect("near").unsigned_abs();
            assert!(apart.as_millis() <= 1, "{duration:?} became {again:?}");
        }
        Err(right) => assert!(!right.is_empty()),
    }
    if let Some(time) = parse_timestamp(text) {
        let again = parse_timestamp(&iso(time)).expect("a time as we write it");
        assert!(again.duration_since(time).unsigned_abs().as_millis() <= 1, "{time} became {again}");
    }
    for now in [now(), Timestamp::MIN, Timestamp::MAX] {
        assert!(spelled(text, now).is_none_or(|wait| wait >= SignedDuration::ZERO));
    }
    let open: Vec<Range> = text.split(';').take(5).filter_map(|text| Range::parse(text).ok()).collect();
    if open.is_empty() {
        return;
    }
    for zone in ["Europe/Berlin", "Pacific/Apia", "Australia/Lord_Howe"] {
        let hours = Hours {
            timezone: TimeZone::get(zone).expect("a zone"),
            open: open.clone(),
            holidays: ["2026-06-13", "2026-03-29"].iter().map(|day| day.parse().expect("a day")).collect(),
            outside: Outside::Hold,
            count: Count::Business,
        };
        // Clocks are put forward in Berlin, a day is left out in Apia, clocks are put back, and now.
        for at in [1_774_742_400, 1_325_200_000, 1_792_800_000, 1_781_252_400] {
            let at = Timestamp::from_second(at).expect("a time");
            (0..3).for_each(|step| check_hours(&hours, at + SignedDuration::from_hours(step * 7)));
        }
    }
}
