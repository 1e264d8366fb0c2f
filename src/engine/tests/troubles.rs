//! What is trouble, and what is not yet.

use std::collections::BTreeMap;

use crate::engine::troubles::{of_conditions, of_inbox, of_receivers, of_runs, of_templates, unproved};
use crate::model::{
    Backlog, InboxMemory, Problem, Trouble,
    snapshot::{ConditionFailed, Failing, Missed, OddRecords, Runs, Short},
};
use jiff::{SignedDuration, Timestamp};

fn at(minutes: i64) -> Timestamp {
    "2026-06-12T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
}

const AFTER: SignedDuration = SignedDuration::from_mins(5);

fn problems(troubles: &[Trouble]) -> Vec<(Problem, &str)> {
    troubles.iter().map(|trouble| (trouble.problem, trouble.subject.as_str())).collect()
}

#[test]
fn an_inbox_by_table() {
    let failing = |token_refused| Some(Failing { since: at(0), why: "why".to_owned(), token_refused });
    let odd = Some(OddRecords { since: at(0), count: 2, what: None });
    let (unreadable, refused) = ((Problem::InboxUnreadable, "main"), (Problem::TokenRefused, "main"));
    for (failing, odd_records, minutes, expected) in [
        (None, None, 60, vec![]),
        (failing(false), None, 4, vec![]),
        (failing(false), None, 5, vec![unreadable]),
        // A refused token is reported at once, and as one trouble only.
        (failing(true), None, 0, vec![refused]),
        (failing(true), None, 60, vec![refused]),
        (None, odd.clone(), 4, vec![]),
        (None, odd, 5, vec![(Problem::RecordsNotUnderstood, "main")]),
    ] {
        let memory = InboxMemory { failing, odd_records, ..InboxMemory::default() };
        assert_eq!(of_runs(&[("main".to_owned(), memory.clone())]), None);
        assert_eq!(problems(&of_inbox("main", &memory, AFTER, at(minutes))), expected, "{memory:?} {minutes}");
    }
}

#[test]
fn receivers_by_table() {
    let backlog = |change: &dyn Fn(&mut Backlog)| {
        let mut backlog = Backlog::default();
        change(&mut backlog);
        BTreeMap::from([("support".to_owned(), backlog)])
    };
    let failing = |one: &mut Backlog| one.reception.failing_since = Some(at(0));
    let broken =
        |one: &mut Backlog| (one.reception.failing_since, one.reception.broken_at) = (Some(at(0)), Some(at(5)));
    let given_up = |one: &mut Backlog| one.given_up = Some((at(0), "HTTP 400".to_owned()));
    let untried = |one: &mut Backlog| one.untried_since = Some(at(0));
    let is_broken = (Problem::ReceiverBroken, "support");
    for (backlogs, minutes, expected) in [
        (BTreeMap::new(), 60, vec![]),
        (backlog(&|one| failing(one)), 60, vec![]),
        (backlog(&|one| broken(one)), 5, vec![is_broken]),
        (backlog(&|one| given_up(one)), 0, vec![is_broken]),
        (backlog(&|one| untried(one)), 4, vec![]),
        (backlog(&|one| untried(one)), 5, vec![(Problem::OutboxStuck, "support")]),
        // Messages that wait behind a failing one are not another trouble.
        (backlog(&|one| (broken(one), untried(one), given_up(one)).0), 60, vec![is_broken]),
    ] {
        assert_eq!(problems(&of_receivers(&backlogs, AFTER, at(minutes))), expected, "{backlogs:?} {minutes}");
    }
}

#[test]
fn a_short_budget_and_missed_runs_say_how_much() {
    let short = Some(Short { since: at(0), pages: 412 });
    let memory = InboxMemory { short, ..InboxMemory::default() };
    let [trouble] = of_inbox("main", &memory, AFTER, at(0)).try_into().unwrap();
    assert_eq!((trouble.problem, trouble.subject.as_str()), (Problem::BudgetShort, "main"));
    assert_eq!(trouble.detail, "a full walk of 412 pages or more does not end in time");

    let missed = Some(Missed { since: at(0), usual: 60, gap: 2_580 });
    let memory = InboxMemory { runs: Runs { missed, ..Runs::default() }, ..InboxMemory::default() };
    let memories = ["main", "second"].map(|name| (name.to_owned(), memory.clone()));
    let trouble = of_runs(&memories).unwrap();
    assert_eq!((trouble.problem, trouble.since), (Problem::RunsMissed, at(0)));
    assert_eq!(trouble.detail, "no run for 43 min, while usually there is one every 1 min");
}

#[test]
fn a_condition_that_fails_in_two_inboxes_is_one_trouble() {
    let failed = |minute, contacts| {
        let failed = ConditionFailed {
            since: at(minute),
            seen_at: at(9),
            part: "10 / websiteVisits".to_owned(),
            why: "a division by zero".to_owned(),
            contacts,
            condition: "x".to_owned(),
        };
        InboxMemory { conditions: BTreeMap::from([("r".to_owned(), failed)]), ..InboxMemory::default() }
    };
    let memories = [("main".to_owned(), failed(3, 2)), ("second".to_owned(), failed(1, 5))];
    let [trouble] = of_conditions(&memories).try_into().unwrap();
    assert_eq!((trouble.problem, trouble.subject.as_str(), trouble.since), (Problem::ConditionFailed, "r", at(1)));
    assert_eq!(trouble.detail, "`10 / websiteVisits` failed for 7 contacts: a division by zero");
    assert_eq!(of_conditions(&[("main".to_owned(), InboxMemory::default())]), []);
}

#[test]
fn a_template_is_mended_by_a_message_that_it_made() {
    let failing = BTreeMap::from([("own".to_owned(), Some(("unknown helper".to_owned(), at(0))))]);
    let [trouble] = of_templates(&failing, &[]).try_into().unwrap();
    assert_eq!((trouble.problem, trouble.subject.as_str()), (Problem::TemplateFailed, "own"));
    let told = [trouble.alert(at(1)).unwrap()];
    // A new start, which has not tried it yet.
    assert_eq!(problems(&of_templates(&BTreeMap::new(), &told)), [(Problem::TemplateFailed, "own")]);
    assert_eq!(of_templates(&BTreeMap::from([("own".to_owned(), None)]), &told), []);
}

#[test]
fn a_trouble_with_another_face_is_not_over() {
    let of =
        |problem, subject: &str| Trouble { problem, subject: subject.to_owned(), detail: String::new(), since: at(0) };
    let (unreadable, refused) = (of(Problem::InboxUnreadable, "main"), of(Problem::TokenRefused, "main"));
    let failing = Some(Failing { since: at(0), why: "why".to_owned(), token_refused: true });
    let failing = [("main".to_owned(), InboxMemory { failing, ..InboxMemory::default() })];
    let read = [("main".to_owned(), InboxMemory::default())];
    let (told, now) = ([unreadable.clone(), refused.clone()], [refused]);
    assert_eq!(unproved(&told, &now, &failing, &BTreeMap::new()), [unreadable]);
    assert_eq!(unproved(&told, &[], &read, &BTreeMap::new()), []);

    let broken = of(Problem::ReceiverBroken, "support");
    let accepted = |at| BTreeMap::from([("support".to_owned(), Backlog { accepted_at: at, ..Backlog::default() })]);
    let told = [broken];
    // Also if nothing waits any more: messages that were dropped by hand have not arrived.
    assert_eq!(unproved(&told, &[], &read, &accepted(None)), told);
    assert_eq!(unproved(&told, &[], &read, &accepted(Some(at(-1)))), told);
    assert_eq!(unproved(&told, &[], &read, &accepted(Some(at(1)))), []);
    // The receiver is no longer configured.
    assert_eq!(unproved(&told, &[], &read, &BTreeMap::new()), []);
}
