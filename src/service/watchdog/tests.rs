//! What is trouble, and what is not yet.

use super::{of_inbox, of_receivers};
use crate::model::{
    InboxMemory, Problem, Trouble,
    snapshot::{Failing, OddRecords},
};
use crate::store::Reception;
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
    let odd = Some(OddRecords { since: at(0), count: 2 });
    let (unreadable, refused) = ((Problem::InboxUnreadable, "main"), (Problem::TokenRefused, "main"));
    for (failing, odd_records, minutes, expected) in [
        (None, None, 60, vec![]),
        (failing(false), None, 4, vec![]),
        (failing(false), None, 5, vec![unreadable]),
        // A token is no matter of patience, and only one trouble.
        (failing(true), None, 0, vec![refused]),
        (failing(true), None, 60, vec![refused]),
        (None, odd.clone(), 4, vec![]),
        (None, odd, 5, vec![(Problem::RecordsNotUnderstood, "main")]),
    ] {
        let memory = InboxMemory { failing, odd_records, ..InboxMemory::default() };
        assert_eq!(problems(&of_inbox("main", &memory, AFTER, at(minutes))), expected, "{memory:?} {minutes}");
    }
}

#[test]
fn receivers_by_table() {
    let reception = |dead, tried| Reception {
        receiver: "support".to_owned(),
        since: at(0),
        dead,
        tried,
        last_error: "HTTP 503".to_owned(),
    };
    let (broken, stuck) = ((Problem::ReceiverBroken, "support"), (Problem::OutboxStuck, "support"));
    for (receptions, minutes, expected) in [
        (vec![], 60, vec![]),
        (vec![reception(false, true)], 4, vec![]),
        (vec![reception(false, true)], 5, vec![broken]),
        (vec![reception(true, true)], 0, vec![broken]),
        (vec![reception(false, false)], 4, vec![]),
        (vec![reception(false, false)], 5, vec![stuck]),
        // What waits behind one that fails is no trouble of its own.
        (vec![reception(false, true), reception(false, false)], 60, vec![broken]),
    ] {
        assert_eq!(problems(&of_receivers(&receptions, AFTER, at(minutes))), expected, "{receptions:?} {minutes}");
    }
}
