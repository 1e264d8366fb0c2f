//! Conditions: the text of `when`.

use jiff::SignedDuration;
use pengwatch::inside::{Condition, Contact, Names, Scope, Verdict};

use super::{customers, now};

pub fn read(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Condition::compile(text) {
        Ok(condition) => judge(&condition, &customers::some()),
        Err(mistakes) => {
            assert!(!mistakes.is_empty(), "refused without a mistake");
            for mistake in mistakes {
                let place = text.get(mistake.span.clone());
                assert!(!mistake.what.is_empty() && place.is_some(), "{mistake:?} of {text:?}");
            }
        }
    }
}

/// A condition has the same verdict for the same contact, leaks none of its text, and is right about whether time alone
/// can make it true.
pub fn judge(condition: &Condition, contacts: &[Contact]) {
    let names = Names::default();
    for contact in contacts {
        let scope = |minutes: i64, open: bool| Scope {
            contact,
            since: now(),
            inbox: "main",
            names: &names,
            open,
            missed_live_chat: false,
            now: now() + SignedDuration::from_mins(minutes),
        };
        let first = condition.judge(scope(0, true));
        assert_eq!(first, condition.judge(scope(0, true)), "{condition:?}");
        if let Verdict::Fault(fault) = &first {
            assert!(condition.text().contains("zq") || !fault.why.contains("zq"), "{condition:?} says {fault:?}");
        }
        let hopeless = first != Verdict::Holds && !condition.may_come_true(scope(0, true));
        for later in [scope(1, true), scope(90, true), scope(90, false), scope(3 * 24 * 60, true)] {
            let then = condition.judge(later);
            assert!(!hopeless || then != Verdict::Holds, "{condition:?} could not come true, and did");
            assert!(condition.looks_at_clock() || then == first, "{condition:?} changed with the clock");
        }
    }
}
