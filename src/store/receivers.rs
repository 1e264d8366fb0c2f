//! The receivers' health in the database, and what waits for them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    driver::{Done, Driver, Row, SqlValue, parameters, values},
    rows::{self, micros},
};
use crate::model::{Backlog, ReceiverState};

fn reception(row: &dyn Row) -> Done<ReceiverState> {
    Ok(ReceiverState {
        failing_since: rows::maybe_time(row, "failing_since")?,
        broken_at: rows::maybe_time(row, "broken_at")?,
        not_before: rows::maybe_time(row, "not_before")?,
        last_error: row.get("last_error")?,
    })
}

pub(super) fn of(db: &dyn Driver, receiver: &str) -> Done<ReceiverState> {
    let known = db.first("SELECT * FROM receiver WHERE name = ?1", values![receiver], reception)?;
    Ok(known.unwrap_or_default())
}

/// The caller holds the transaction.
pub(super) fn save(db: &dyn Driver, receiver: &str, reception: &ReceiverState) -> Done<()> {
    let ReceiverState { failing_since, broken_at, not_before, last_error } = reception;
    db.execute(
        "INSERT INTO receiver (name, failing_since, broken_at, not_before, last_error) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (name) DO UPDATE SET failing_since = excluded.failing_since, broken_at = excluded.broken_at, \
         not_before = excluded.not_before, last_error = excluded.last_error",
        values![receiver, failing_since.map(micros), broken_at.map(micros), not_before.map(micros), last_error],
    )?;
    Ok(())
}

/// The backlog of every receiver in the store.
pub(super) fn backlogs(db: &dyn Driver) -> Done<BTreeMap<String, Backlog>> {
    let mut backlogs: BTreeMap<String, Backlog> = BTreeMap::new();
    let health = db.all("SELECT * FROM receiver", &[], |row| Ok((row.get::<String>("name")?, reception(row)?)))?;
    for (name, reception) in health {
        backlogs.entry(name).or_default().reception = reception;
    }
    let waiting = db.all(
        "SELECT receiver, min(tried_since) AS waits_since FROM notification \
         WHERE state = 'owed' AND tried_since IS NOT NULL GROUP BY receiver",
        &[],
        |row| Ok((row.get::<String>("receiver")?, rows::maybe_time(row, "waits_since")?)),
    )?;
    for (name, since) in waiting {
        backlogs.entry(name).or_default().waits_since = since;
    }
    db.query(
        "SELECT receiver, count(*) FILTER (WHERE state = 'due') AS due, \
         count(*) FILTER (WHERE state = 'dead') AS dead, \
         min(CASE WHEN state = 'due' AND attempts = 0 THEN created_at END) AS untried_since \
         FROM message WHERE state IN ('due', 'dead') GROUP BY receiver",
        &[],
        &mut |row| {
            let backlog = backlogs.entry(row.get("receiver")?).or_default();
            backlog.messages = row.get("due")?;
            backlog.dead = row.get("dead")?;
            backlog.untried_since = rows::maybe_time(row, "untried_since")?;
            Ok(())
        },
    )?;
    db.query(
        "SELECT receiver, max(closed_at) AS at FROM message WHERE state = 'delivered' GROUP BY receiver",
        &[],
        &mut |row| {
            backlogs.entry(row.get("receiver")?).or_default().accepted_at = rows::maybe_time(row, "at")?;
            Ok(())
        },
    )?;
    db.query(
        "SELECT receiver, closed_at, last_error FROM (SELECT receiver, closed_at, last_error, \
         row_number() OVER (PARTITION BY receiver ORDER BY closed_at DESC, id) AS place \
         FROM message WHERE state = 'dead') AS given_up WHERE place = 1",
        &[],
        &mut |row| {
            let (at, why) = (rows::time(row, "closed_at")?, row.get("last_error")?);
            let backlog = backlogs.entry(row.get("receiver")?).or_default();
            let is_newest = backlog.accepted_at.is_none_or(|accepted| accepted < at);
            backlog.given_up = is_newest.then_some((at, why));
            Ok(())
        },
    )?;
    Ok(backlogs)
}

/// Tries what waits for a receiver now, whatever it was put off for.
pub(super) fn try_at_once(db: &dyn Driver, receiver: &str, now: Timestamp) -> Done<()> {
    db.execute("UPDATE receiver SET not_before = NULL WHERE name = ?1", values![receiver])?;
    let sql = "UPDATE message SET next_at = ?2 WHERE receiver = ?1 AND state = 'due' AND next_at > ?2";
    db.execute(sql, values![receiver, micros(now)])?;
    Ok(())
}

/// Forgets receivers that the configuration no longer has.
pub(super) fn forget_others(db: &dyn Driver, receivers: &[String]) -> Done<()> {
    let listed: Vec<SqlValue> = receivers.iter().map(SqlValue::from).collect();
    db.execute(&format!("DELETE FROM receiver WHERE name NOT IN {}", parameters(1, receivers.len())), &listed)?;
    Ok(())
}
