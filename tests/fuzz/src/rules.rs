//! Rule files: every text makes a working rule, or a mistake is shown.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use pengwatch::inside::{Compiled, Count, Diagnostic, Hours, Known, Rule, Source, compile, request_body};

use super::{conditions, customers, mistakes, now};

pub fn read(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let zone = TimeZone::get("Europe/Berlin").expect("a zone");
    let names = ["main", "support", "leads", "alert"].map(str::to_owned);
    let known = Known { timezone: Some(&zone), inboxes: &names[..1], receivers: &names[1..3], templates: &names[3..] };
    let mut found = Vec::new();
    let compiled = compile("fuzzed", &Source::new("rules/fuzzed.toml", text), &known, &mut found);
    mistakes::check(&found);
    let wrong = found.iter().any(Diagnostic::is_error);
    assert_eq!(wrong, matches!(compiled, Compiled::Rejected), "{found:?}");
    if let Compiled::Rule(rule) = compiled {
        check(&rule);
    }
}

fn check(rule: &Rule) {
    let contacts = customers::some();
    assert!(rule.filter.covers(&rule.filter), "a filter that does not cover itself");
    let narrow = rule.filter.narrowed(now(), now());
    for contact in &contacts {
        let passes = rule.filter.passes(contact, now());
        assert!(passes || !narrow.passes(contact, now()), "narrower, and lets more through");
        let _ = rule.trusts(contact);
    }
    let body = request_body(&rule.filter, 1, now());
    assert_eq!(body["page"], 1);
    if let Some(when) = &rule.when {
        conditions::judge(when, &contacts);
    }

    assert!(!rule.notify.is_empty(), "a rule that tells nobody");
    for step in &rule.notify {
        assert!(!step.to.is_empty() && step.repeat_factor >= 1.0);
        assert!(step.after >= SignedDuration::ZERO);
        for elapsed in [SignedDuration::ZERO, SignedDuration::from_hours(5), SignedDuration::from_hours(24 * 365)] {
            let repeats = step.repeats_within(elapsed);
            let last = step.repeat_at(repeats);
            assert!(repeats == 0 || last <= elapsed + SignedDuration::from_millis(1), "{step:?}: {last:?}");
        }
    }
    // The clock goes forward in Berlin between the first two.
    for from in [1_774_738_800, 1_774_746_000, 1_781_252_400, 253_402_207_200] {
        let from = Timestamp::from_second(from).expect("a time");
        assert_eq!(rule.elapsed(from, from), SignedDuration::ZERO);
        for duration in [rule.r#for, rule.keep_firing_for, SignedDuration::from_mins(90)] {
            if let Some(due) = rule.after(from, duration) {
                assert!(due >= from, "due before it began");
                let counted = rule.hours.as_ref().is_some_and(|hours| hours.count == Count::Business);
                assert!(rule.elapsed(from, due) == duration || (counted && duration == SignedDuration::ZERO));
            }
        }
        if let Some(hours) = &rule.hours {
            check_hours(hours, from);
        }
    }
}

/// Opening times that agree with each other.
pub fn check_hours(hours: &Hours, at: Timestamp) {
    let week = SignedDuration::from_hours(7 * 24);
    let Ok(later) = at.checked_add(week) else { return };
    let open = hours.open_between(at, later);
    assert!(open >= SignedDuration::ZERO && open <= week, "{open:?} of a week");
    if open > SignedDuration::ZERO {
        let done = hours.after_open(at, open).expect("it is open for so long");
        assert!(done <= later && hours.open_between(at, done) == open);
    }
}
