//! The watcher's own troubles: once each, and with an end.

use super::fixtures::{apply, at, owed};
use crate::{
    engine::{TickOutcome, watch::watch},
    model::{Event, Problem, Snapshot, Trouble},
};

fn trouble(subject: &str, detail: &str) -> Trouble {
    let (problem, subject, detail) = (Problem::InboxUnreadable, subject.to_owned(), detail.to_owned());
    Trouble { problem, subject, detail, since: at(-60) }
}

fn looks(snapshot: &mut Snapshot, troubles: &[Trouble], seconds: i64) -> Vec<(Event, String)> {
    let receivers = ["leads".to_owned(), "ops".to_owned()];
    let changes = watch(snapshot, troubles, &receivers, at(seconds));
    apply(snapshot, &changes);
    let outcome = TickOutcome { changes, ..TickOutcome::default() };
    owed(&outcome).into_iter().map(|(event, who)| (event, who.to_owned())).collect()
}

#[test]
fn a_trouble_is_told_once_and_its_end_once() {
    let mut snapshot = Snapshot::default();
    let told = |event: Event| vec![(event, "leads".to_owned()), (event, "ops".to_owned())];
    assert_eq!(looks(&mut snapshot, &[], 0), []);
    assert_eq!(looks(&mut snapshot, &[trouble("main", "HTTP 500")], 1), told(Event::Fired));
    // Another reason is not another trouble.
    assert_eq!(looks(&mut snapshot, &[trouble("main", "HTTP 502")], 2), []);
    assert_eq!(looks(&mut snapshot, &[trouble("main", "x"), trouble("second", "x")], 3), told(Event::Fired));
    assert_eq!(looks(&mut snapshot, &[trouble("second", "x")], 4), told(Event::Resolved));
    assert_eq!(looks(&mut snapshot, &[trouble("main", "again"), trouble("second", "x")], 5), told(Event::Fired));
    let lasting: Vec<_> = snapshot.alerts.iter().filter_map(Trouble::of).collect();
    assert_eq!(lasting, [trouble("second", "x"), trouble("main", "again")]);
}
