//! The receivers' health in the database, and what waits for them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::{self, micros};
use crate::model::{Backlog, ReceiverState};

/// A clock that was ever set says at least 2020; in microseconds since 1970.
const NEVER_SET: i64 = 1_577_836_800_000_000;

fn reception(row: &Row<'_>) -> rusqlite::Result<ReceiverState> {
    Ok(ReceiverState {
        failing_since: rows::maybe_time(row, "failing_since")?,
        broken_at: rows::maybe_time(row, "broken_at")?,
        not_before: rows::maybe_time(row, "not_before")?,
        last_error: row.get("last_error")?,
    })
}

pub(super) fn of(db: &Connection, receiver: &str) -> rusqlite::Result<ReceiverState> {
    let known =
        db.prepare_cached("SELECT * FROM receiver WHERE name = ?1")?.query_row([receiver], reception).optional()?;
    Ok(known.unwrap_or_default())
}

/// The caller holds the transaction.
pub(super) fn save(db: &Connection, receiver: &str, reception: &ReceiverState) -> rusqlite::Result<()> {
    let ReceiverState { failing_since, broken_at, not_before, last_error } = reception;
    db.prepare_cached(
        "INSERT INTO receiver (name, failing_since, broken_at, not_before, last_error) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (name) DO UPDATE SET failing_since = excluded.failing_since, broken_at = excluded.broken_at, \
         not_before = excluded.not_before, last_error = excluded.last_error",
    )?
    .execute(params![
        receiver,
        failing_since.map(micros),
        broken_at.map(micros),
        not_before.map(micros),
        last_error
    ])?;
    Ok(())
}

/// The backlog of every receiver in the store.
pub(super) fn backlogs(db: &Connection) -> rusqlite::Result<BTreeMap<String, Backlog>> {
    let mut backlogs: BTreeMap<String, Backlog> = BTreeMap::new();
    let mut known = db.prepare_cached("SELECT * FROM receiver")?;
    for row in known.query_map([], |row| Ok((row.get::<_, String>("name")?, reception(row)?)))? {
        let (name, reception) = row?;
        backlogs.entry(name).or_default().reception = reception;
    }
    let mut waiting = db.prepare_cached(
        "SELECT receiver, min(tried_since) AS waits_since FROM notification \
         WHERE state = 'owed' AND tried_since IS NOT NULL GROUP BY receiver",
    )?;
    for row in waiting.query_map([], |row| Ok((row.get(0)?, rows::maybe_time(row, "waits_since")?)))? {
        let (name, since): (String, _) = row?;
        backlogs.entry(name).or_default().waits_since = since;
    }
    let mut messages = db.prepare_cached(
        "SELECT receiver, sum(state = 'due') AS due, sum(state = 'dead') AS dead, \
         min(CASE WHEN state = 'due' AND attempts = 0 THEN created_at END) AS untried_since \
         FROM message WHERE state IN ('due', 'dead') GROUP BY receiver",
    )?;
    let rows = messages.query_map([], |row| {
        let untried = rows::maybe_time(row, "untried_since")?;
        Ok((row.get("receiver")?, row.get::<_, i64>("due")?, row.get::<_, i64>("dead")?, untried))
    })?;
    for row in rows {
        let (name, due, dead, untried_since): (String, _, _, _) = row?;
        let backlog = backlogs.entry(name).or_default();
        backlog.messages = usize::try_from(due).unwrap_or(0);
        backlog.dead = usize::try_from(dead).unwrap_or(0);
        backlog.untried_since = untried_since;
    }
    let mut accepted = db.prepare_cached(
        "SELECT receiver, max(closed_at) AS at FROM message WHERE state = 'delivered' GROUP BY receiver",
    )?;
    for row in accepted.query_map([], |row| Ok((row.get(0)?, rows::maybe_time(row, "at")?)))? {
        let (name, at): (String, _) = row?;
        backlogs.entry(name).or_default().accepted_at = at;
    }
    let mut given_up = db.prepare_cached(
        "SELECT receiver, max(closed_at) AS at, last_error FROM message WHERE state = 'dead' GROUP BY receiver",
    )?;
    for row in given_up.query_map([], |row| Ok((row.get(0)?, rows::time(row, "at")?, row.get("last_error")?)))? {
        let (name, at, why): (String, _, String) = row?;
        let backlog = backlogs.entry(name).or_default();
        backlog.given_up = Some((at, why)).filter(|(at, _)| backlog.accepted_at.is_none_or(|accepted| accepted < *at));
    }
    Ok(backlogs)
}

/// Tries what waits for a receiver now, whatever it was put off for.
pub(super) fn try_at_once(db: &Connection, receiver: &str, now: Timestamp) -> rusqlite::Result<()> {
    db.execute("UPDATE receiver SET not_before = NULL WHERE name = ?1", [receiver])?;
    let sql = "UPDATE message SET next_at = ?2 WHERE receiver = ?1 AND state = 'due' AND next_at > ?2";
    db.execute(sql, params![receiver, micros(now)])?;
    Ok(())
}

/// Forgets receivers that the configuration no longer has.
pub(super) fn forget_others(db: &Connection, receivers: &[String]) -> rusqlite::Result<()> {
    db.execute("DELETE FROM receiver WHERE name NOT IN (SELECT value FROM json_each(?1))", [rows::json(&receivers)?])?;
    Ok(())
}

/// The clock was set by `by`, to `now`: moves planned times, so that what was due in some minutes still is. Times that
/// were written since then are right already.
pub(super) fn shift(db: &Connection, by: SignedDuration, now: Timestamp) -> rusqlite::Result<()> {
    let (by, now) = (i64::try_from(by.as_micros()).unwrap_or(0), micros(now));
    for (table, column, which) in [
        ("receiver", "not_before", "true"),
        ("receiver", "failing_since", "true"),
        ("message", "next_at", "true"),
        // The age of a message or notification decides whether it is given up.
        ("message", "created_at", "state = 'due'"),
        ("notification", "tried_since", "state = 'owed'"),
    ] {
        let sql = format!("UPDATE {table} SET {column} = {column} + ?1 WHERE {which} AND (?1 < 0 OR {column} < ?2)");
        db.execute(&sql, params![by, now])?;
    }
    // A silence ends by the wall clock, unless that clock was wrong when the silence was made.
    let silences =
        "UPDATE silence SET created_at = created_at + ?1, ends_at = ends_at + ?1 WHERE ?1 < 0 AND created_at > ?2";
    db.execute(silences, params![by, now])?;
    not_after(db, now)
}

/// The clock was ahead when something was stored, and was set right while no run was going on: times in the future
/// become now, pauses keep their length, and silences keep their duration.
pub(super) fn set_back(db: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let now = micros(now);
    let newest: Option<i64> = db.query_row(
        "SELECT max(at) FROM (SELECT max(created_at) AS at FROM message UNION SELECT max(closed_at) FROM message \
         UNION SELECT max(max(coalesce(failing_since, 0), coalesce(broken_at, 0))) FROM receiver \
         UNION SELECT max(created_at) FROM silence UNION SELECT max(tried_since) FROM notification)",
        [],
        |row| row.get(0),
    )?;
    if let Some(ahead) = newest.filter(|newest| *newest > now).map(|newest| newest - now) {
        for (table, column) in [("receiver", "not_before"), ("message", "next_at")] {
            let sql = format!("UPDATE {table} SET {column} = {column} - ?1 WHERE {column} > ?2");
            db.execute(&sql, params![ahead, now])?;
        }
    }
    // A clock that has never been set says 1970.
    for (table, column, which) in
        [("message", "created_at", "state = 'due'"), ("notification", "tried_since", "state = 'owed'")]
    {
        db.execute(
            &format!("UPDATE {table} SET {column} = ?1 WHERE {which} AND {column} < ?2"),
            [now, NEVER_SET.min(now)],
        )?;
    }
    not_after(db, now)
}

/// Moves the beginning of what lasts to now where it is later.
fn not_after(db: &Connection, now: i64) -> rusqlite::Result<()> {
    let silences = "UPDATE silence SET ends_at = ends_at - (created_at - ?1), created_at = ?1 WHERE created_at > ?1";
    db.execute(silences, [now])?;
    for (table, column) in [
        ("receiver", "failing_since"),
        ("receiver", "broken_at"),
        ("message", "created_at"),
        ("message", "closed_at"),
        ("notification", "tried_since"),
    ] {
        db.execute(&format!("UPDATE {table} SET {column} = ?1 WHERE {column} > ?1"), [now])?;
    }
    Ok(())
}
