//! Stored times that are moved because the machine's clock was wrong.

use jiff::Timestamp;

use super::{
    driver::{Done, Driver, values},
    rows::{self, micros},
};
use crate::model::{StoredTime, TimeBound, TimeChange, TimeMove};

/// The latest of the times that were stored as the present.
pub(super) fn newest(db: &dyn Driver) -> Done<Option<Timestamp>> {
    let newest = db.first(
        "SELECT max(at) AS at FROM (SELECT max(created_at) AS at FROM message UNION SELECT max(closed_at) FROM message \
         UNION SELECT max(failing_since) FROM receiver UNION SELECT max(broken_at) FROM receiver \
         UNION SELECT max(created_at) FROM silence UNION SELECT max(tried_since) FROM notification) AS times",
        &[],
        |row| rows::maybe_time(row, "at"),
    )?;
    Ok(newest.flatten())
}

/// The caller holds the transaction.
pub(super) fn shift(db: &dyn Driver, moves: &[TimeMove]) -> Done<()> {
    moves.iter().try_for_each(|one| apply(db, one))
}

fn apply(db: &dyn Driver, one: &TimeMove) -> Done<()> {
    let (table, column, which) = place(one.time);
    let (bound, limit) = match one.only {
        TimeBound::Before(limit) => ("<", limit),
        TimeBound::After(limit) => (">", limit),
    };
    let (new, by) = match one.change {
        TimeChange::By(by) => (format!("{column} + ?1"), i64::try_from(by.as_micros()).unwrap_or(0)),
        TimeChange::To(at) => ("?1".to_owned(), micros(at)),
    };
    // A silence lasts as long as before.
    let end = match (one.time, one.change) {
        (StoredTime::Silence, TimeChange::By(_)) => ", ends_at = ends_at + ?1",
        (StoredTime::Silence, TimeChange::To(_)) => ", ends_at = ends_at - (created_at - ?1)",
        _ => "",
    };
    db.execute(
        &format!("UPDATE {table} SET {column} = {new}{end} WHERE {which} AND {column} {bound} ?2"),
        values![by, micros(limit)],
    )?;
    Ok(())
}

/// The table, the column, and which rows.
fn place(time: StoredTime) -> (&'static str, &'static str, &'static str) {
    const ALL: &str = "1 = 1";
    match time {
        StoredTime::ReceiverPause => ("receiver", "not_before", ALL),
        StoredTime::ReceiverFailing => ("receiver", "failing_since", ALL),
        StoredTime::ReceiverBroken => ("receiver", "broken_at", ALL),
        StoredTime::NextAttempt => ("message", "next_at", "state = 'due'"),
        StoredTime::OpenMessage => ("message", "created_at", "state = 'due'"),
        StoredTime::Message => ("message", "created_at", ALL),
        StoredTime::MessageClosed => ("message", "closed_at", ALL),
        StoredTime::OwedTried => ("notification", "tried_since", "state = 'owed'"),
        StoredTime::Tried => ("notification", "tried_since", ALL),
        StoredTime::Silence => ("silence", "created_at", ALL),
    }
}
