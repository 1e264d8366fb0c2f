//! Receivers that are new, gone or renamed: what is owed to one that is gone, and who is notified instead.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::{
    history, outbox,
    rows::{self, json, micros},
};
use crate::model::{Address, Alert, Entry, Happened, Left, NotificationId, Passed, ReceiverChange, history::detail};

/// What `receiver` was owed of alerts that fire and that nobody has acknowledged: what is owed, and what was given
/// up.
pub(super) fn left_by(db: &Connection, receiver: &str) -> rusqlite::Result<Vec<Left>> {
    db.prepare_cached(
        "SELECT n.id AS number, n.step, a.* FROM notification n JOIN alert a ON a.id = n.alert \
         WHERE n.receiver = ?1 AND n.state IN ('owed', 'dead') AND n.event <> 'resolved' AND a.resolved_at IS NULL \
         AND a.fired_at IS NOT NULL AND a.acked_at IS NULL ORDER BY n.id",
    )?
    .query_map([receiver], |row| {
        let alert = rows::alert(row)?;
        let heard = heard(db, &alert)?;
        Ok(Left { id: NotificationId(row.get("number")?), step: row.get("step")?, alert, heard })
    })?
    .collect()
}

/// Receivers that know of an alert or are to be notified of it, each with whether that was given up.
fn heard(db: &Connection, alert: &Alert) -> rusqlite::Result<BTreeMap<String, bool>> {
    db.prepare_cached(
        "SELECT receiver, min(state = 'dead' AND NOT told) AS given_up FROM notification \
         WHERE alert = ?1 AND event <> 'resolved' AND (state <> 'superseded' OR told) GROUP BY receiver",
    )?
    .query_map([&alert.id.0], |row| Ok((row.get("receiver")?, row.get("given_up")?)))?
    .collect()
}

/// Receivers that are missing in the configuration, and to which something is owed or was until it was given up.
pub(super) fn gone(db: &Connection, receivers: &[String]) -> rusqlite::Result<Vec<String>> {
    db.prepare_cached(
        "SELECT DISTINCT receiver FROM notification WHERE state IN ('owed', 'dead') \
         AND receiver NOT IN (SELECT value FROM json_each(?1)) ORDER BY receiver",
    )?
    .query_map([json(&receivers)?], |row| row.get(0))?
    .collect()
}

/// Owes it to others, except to those who know of the alert or are about to; returns how many notifications that
/// were.
pub(super) fn pass_on(db: &Connection, passed: &[Passed], now: Timestamp) -> rusqlite::Result<usize> {
    let mut owed = 0;
    for Passed { id, to, step, template } in passed {
        let alert = db
            .prepare_cached(
                "SELECT a.*, n.receiver AS whose FROM notification n JOIN alert a ON a.id = n.alert \
                 WHERE n.id = ?1 AND n.state IN ('owed', 'dead')",
            )?
            .query_row([id.0], |row| Ok((rows::alert(row)?, row.get::<_, String>("whose")?)))
            .optional()?;
        let Some((alert, whose)) = alert else { continue };
        for heir in to {
            let new = db
                .prepare_cached(
                    "INSERT INTO notification (alert, receiver, event, step, template, due_at) \
                     SELECT ?1, ?2, 'fired', ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM notification o \
                     WHERE o.alert = ?1 AND o.receiver = ?2 AND o.event <> 'resolved' \
                     AND (o.state <> 'superseded' OR o.told))",
                )?
                .execute(params![alert.id.0, heir, step, template, micros(now)])?;
            if new > 0 {
                let entry = Entry::of(&alert, Happened::Owed, now).who(heir).detail(detail::in_place_of(&whose));
                history::write(db, &entry)?;
            }
            owed += new;
        }
        withdraw(db, *id, now)?;
    }
    Ok(owed)
}

/// Stops notifying the receiver; a message that was given up and has no other notification is deleted.
fn withdraw(db: &Connection, id: NotificationId, now: Timestamp) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE notification SET state = 'owed' WHERE id = ?1 AND state = 'dead'")?.execute([id.0])?;
    outbox::supersede(db, &[(id, detail::OTHERS_NAMED)], now)?;
    db.prepare_cached(
        "UPDATE message SET state = 'superseded', closed_at = ?2 WHERE state = 'dead' \
         AND id = (SELECT message FROM notification WHERE id = ?1) \
         AND NOT EXISTS (SELECT 1 FROM notification n WHERE n.message = message.id AND n.state = 'dead')",
    )?
    .execute(params![id.0, micros(now)])?;
    Ok(())
}

/// The receivers of the last call of [`know`], by name.
pub(super) fn known(db: &Connection) -> rusqlite::Result<Vec<(String, Address)>> {
    db.prepare_cached("SELECT name, address FROM receiver ORDER BY name")?
        .query_map([], |row| Ok((row.get(0)?, rows::from_json(row, "address")?)))?
        .collect()
}

/// Records the present receivers, and what became of those that were known before.
pub(super) fn know(
    db: &Connection,
    receivers: &[(String, Address)],
    changes: &[ReceiverChange],
    now: Timestamp,
) -> rusqlite::Result<()> {
    for change in changes {
        match change {
            ReceiverChange::Moved(name) => begin_anew(db, name, now)?,
            ReceiverChange::Renamed { from, to } => rename(db, from, to, now)?,
        }
    }
    for (name, address) in receivers {
        db.prepare_cached(
            "INSERT INTO receiver (name, address) VALUES (?1, ?2) \
             ON CONFLICT (name) DO UPDATE SET address = excluded.address",
        )?
        .execute(params![name, json(address)?])?;
    }
    Ok(())
}

/// A receiver's recorded health does not apply to its new address.
fn begin_anew(db: &Connection, name: &str, now: Timestamp) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE receiver SET failing_since = NULL, broken_at = NULL, not_before = NULL, last_error = '' WHERE name = ?1",
    )?
    .execute([name])?;
    db.prepare_cached("UPDATE message SET next_at = min(next_at, ?2) WHERE receiver = ?1 AND state = 'due'")?
        .execute(params![name, micros(now)])?;
    Ok(())
}

fn rename(db: &Connection, from: &str, to: &str, now: Timestamp) -> rusqlite::Result<()> {
    // An alert that both names were to report is reported once.
    let twice: Vec<i64> = db
        .prepare_cached(
            "SELECT n.id FROM notification n WHERE n.receiver = ?1 AND n.state = 'owed' \
             AND EXISTS (SELECT 1 FROM notification o WHERE o.alert = n.alert AND o.receiver = ?2 \
             AND (o.event = 'resolved') = (n.event = 'resolved') AND o.state <> 'superseded')",
        )?
        .query_map([from, to], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let twice: Vec<_> = twice.into_iter().map(|id| (NotificationId(id), detail::RECEIVER_RENAMED)).collect();
    outbox::supersede(db, &twice, now)?;
    let moved: Vec<i64> = db
        .prepare_cached("SELECT id FROM notification WHERE receiver = ?1 AND state = 'owed'")?
        .query_map([from], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for table in ["notification", "message"] {
        db.execute(&format!("UPDATE {table} SET receiver = ?2 WHERE receiver = ?1"), [from, to])?;
    }
    let moved = json(&moved)?;
    let chosen: (&str, &dyn ToSql) = ("n.id IN (SELECT value FROM json_each(?1))", &moved);
    history::of_notifications(db, Happened::Owed, now, &detail::in_place_of(from), chosen)?;
    db.execute(
        "INSERT OR IGNORE INTO receiver (name, failing_since, broken_at, not_before, last_error) \
         SELECT ?2, failing_since, broken_at, not_before, last_error FROM receiver WHERE name = ?1",
        [from, to],
    )?;
    db.execute("DELETE FROM receiver WHERE name = ?1", [from])?;
    Ok(())
}
