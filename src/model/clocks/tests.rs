//! Tests of what answers say about the two clocks.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Clocks, Dated, Measure, ask_since, counted, shown_to};
use crate::model::{Alert, Contact, PendingResolve, Reason, StepProgress};

fn at(millis: i64) -> Timestamp {
    "2026-06-12T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_millis(millis)
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// An answer to a request that was sent at `sent` and took `trip`, written by a clock that ours is `ahead` of; all in
/// milliseconds.
fn dated(sent: i64, trip: i64, ahead: i64) -> Dated {
    let written = sent + trip / 2 - ahead;
    Dated { date: at(written - written.rem_euclid(1_000)), sent: at(sent), came: at(sent + trip) }
}

fn ahead(answers: &[Dated]) -> Option<i64> {
    let mut measure = Measure::default();
    for answer in answers {
        measure.hear(*answer);
    }
    measure.ahead().map(|ahead| i64::try_from(ahead.as_millis()).unwrap())
}

#[test]
fn a_difference_is_the_median_of_what_answers_say() {
    let answers = |trip, ahead| (0..9).map(|n| dated(n * 15_370, trip, ahead)).collect::<Vec<_>>();
    for (trip, by) in [(40, 0), (40, 180_000), (40, -180_000), (900, 7_200_000), (900, -7_200_000), (40, 1_800_000_000)]
    {
        let found = ahead(&answers(trip, by)).unwrap();
        assert!((found - by).abs() <= 500, "{by}: {found}");
    }
    // A difference that the trip of the answer may explain does not count.
    assert_eq!(ahead(&answers(6_000, 2_500)), Some(0));
    assert_eq!(ahead(&answers(40, 400)), Some(0));
    // One answer is enough, and one that took too long is not used.
    assert!(ahead(&[dated(0, 40, 180_000)]).is_some());
    assert_eq!(ahead(&[dated(0, 11_000, 180_000)]), None);
    assert_eq!(ahead(&[dated(0, -3_600_000, 180_000)]), None);
    assert_eq!(ahead(&[]), None);
}

#[test]
fn one_odd_answer_changes_nothing_and_a_clock_that_was_set_is_believed() {
    let mut answers: Vec<Dated> = (0..9).map(|n| dated(n * 15_000, 40, 0)).collect();
    answers.push(dated(135_000, 40, 3_600_000));
    assert_eq!(ahead(&answers), Some(0));
    answers.push(dated(136_000, 40, 3_600_000));
    assert_eq!(ahead(&answers), Some(0), "not in the same second");
    answers.push(dated(150_000, 40, 3_600_000));
    let found = ahead(&answers).unwrap();
    assert!((found - 3_600_000).abs() <= 500, "{found}");
    answers.pop();
    answers.push(dated(150_000, 40, 0));
    assert_eq!(ahead(&answers), Some(0), "it was one server of many");
}

#[test]
fn a_header_that_stands_still_is_no_clock() {
    // A proxy repeats the header that it kept, a new one every minute, for three pages a poll.
    let mut measure = Measure::default();
    for poll in 0..40 {
        for page in 0..3 {
            let sent = poll * 15_000 + page * 300;
            let date = at(sent - sent % 60_000);
            measure.hear(Dated { date, sent: at(sent), came: at(sent + 40) });
        }
        if poll >= 3 {
            assert_eq!(measure.ahead(), None, "{poll}");
        }
    }
    assert!(measure.is_no_clock());
    // The header goes on as a clock does again.
    for n in 0..3 {
        measure.hear(dated(700_000 + n * 15_000, 40, 0));
    }
    assert_eq!((measure.ahead(), measure.is_no_clock()), (Some(SignedDuration::ZERO), false));
}

#[test]
fn what_counts_does_not_move_by_the_headers_resolution() {
    for (before, measured, after) in [
        (0, 1_900, 0),
        (0, 2_000, 2_000),
        (0, -2_000, -2_000),
        (180_000, 181_500, 180_000),
        (180_000, 183_000, 183_000),
        (5_000, 1_500, 0),
    ] {
        let millis = SignedDuration::from_millis;
        assert_eq!(counted(millis(before), millis(measured)), millis(after), "{before} {measured}");
    }
}

#[test]
fn a_large_difference_is_told_until_it_is_small() {
    let mut clocks = Clocks::default();
    for (measured, since, words) in [
        (Some(0), None, "as the API's"),
        (Some(29), None, "29 s ahead of the API's"),
        (Some(-30), Some(2), "30 s behind the API's"),
        (Some(16), Some(2), "16 s ahead of the API's"),
        (None, Some(2), "16 s ahead of the API's"),
        (Some(14), None, "14 s ahead of the API's"),
        (Some(7_500), Some(6), "2 h 5 min ahead of the API's"),
        (Some(1), None, "as the API's"),
    ]
    .into_iter()
    .enumerate()
    .map(|(second, (measured, since, words))| {
        clocks.note(measured.map(seconds), SignedDuration::ZERO, at(i64::try_from(second).unwrap() * 1_000));
        ((clocks.differ_since, clocks.message()), since.map(|since: i64| at(since * 1_000)), words)
    })
    .map(|((found_since, found), since, words)| ((found_since, since), found, words))
    {
        assert_eq!((measured.0, since.as_str()), (measured.1, words));
    }
}

#[test]
fn a_narrow_walk_asks_from_the_apis_newest_time() {
    let seen = |millis: Option<i64>| {
        Contact::read(json!({ "_id": "c", "lastSeenAt": millis.map(|millis| at(millis).to_string()) })).unwrap()
    };
    let newest = |times: &[Option<i64>], dated| {
        shown_to(times.iter().copied().map(seen).collect::<Vec<_>>().iter(), at(0), dated)
    };
    for dated in [true, false] {
        assert_eq!(newest(&[Some(-5), None, Some(0), Some(-7)], dated), Some(at(0)));
        assert_eq!(newest(&[Some(-5), Some(9), Some(8)], dated), Some(at(-5)), "two may be mistakes");
        assert_eq!(newest(&[None], dated), None);
    }
    // Without the API's time our clock counts as being behind; but no clock is wrong by a year.
    let ahead = [Some(-5), Some(9), Some(8), Some(7)];
    assert_eq!((newest(&ahead, false), newest(&ahead, true)), (Some(at(7)), Some(at(-5))));
    let year = 366 * 86_400_000;
    assert_eq!(newest(&[Some(-5), Some(year), Some(year), Some(year)], false), Some(at(-5)));
    let day = 86_400_000;
    for (shown, dated, since) in [
        (None, true, 0),
        (Some(-1_000), true, -1_000),
        (Some(1_000), true, 0),
        // Our clock may be behind.
        (Some(1_000), false, 1_000),
        (Some(2 * day), false, 0),
        (Some(-2 * day), false, -2 * day),
    ] {
        assert_eq!(ask_since(at(0), shown.map(at), dated), at(since), "{shown:?} {dated}");
    }
}

#[test]
fn nothing_has_happened_later_than_now() {
    let contact = Contact::read(json!({ "_id": "c" })).unwrap();
    let lapse = PendingResolve { at: at(9_000), ended_at: at(8_000), reason: Reason::Closed };
    let step = StepProgress { first_at: Some(at(-1)), last_at: Some(at(9_000)), ..StepProgress::default() };
    let mut alert = Alert {
        fired_at: Some(at(7_000)),
        lapse: Some(lapse),
        steps: vec![step],
        ..Alert::begin("main", "r", contact, at(5_000), at(6_000))
    };
    alert.set_right(SignedDuration::ZERO, at(0));
    // The newest time was written now; the distances stay.
    assert_eq!((alert.since, alert.first_seen, alert.fired_at), (at(-4_000), at(-3_000), Some(at(-2_000))));
    assert_eq!(alert.lapse.map(|lapse| (lapse.at, lapse.ended_at)), Some((at(0), at(-1_000))));
    assert_eq!((alert.steps[0].first_at, alert.steps[0].last_at), (Some(at(-1)), Some(at(0))));
}

#[test]
fn a_clock_that_said_1970_makes_no_wait_of_years() {
    let contact = |last: serde_json::Value| {
        Contact::read(json!({ "_id": "c", "createdAt": at(-60_000).to_string(), "lastMessage": last })).unwrap()
    };
    let wrote = json!({ "by": "user", "at": at(-20_000).to_string() });
    let begun = |contact, first: Timestamp| {
        let mut alert = Alert { fired_at: Some(first), ..Alert::begin("main", "r", contact, first, first) };
        alert.set_right(SignedDuration::ZERO, at(0));
        (alert.since, alert.fired_at)
    };
    let first_boot = Timestamp::UNIX_EPOCH;
    assert_eq!(begun(contact(wrote.clone()), first_boot), (at(-20_000), Some(at(-20_000))));
    assert_eq!(begun(contact(json!({ "by": "bot" })), first_boot), (at(-60_000), Some(at(-60_000))));
    // An episode that was first seen after the record was made may have begun before the last message.
    assert_eq!(begun(contact(wrote), at(-50_000)), (at(-50_000), Some(at(-50_000))));
}
