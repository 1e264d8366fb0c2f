//! Receivers that are new, gone or renamed: what is owed to one that is gone, and who is notified instead.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    driver::{Done, Driver, SqlValue, parameters, values},
    handover, history, outbox,
    rows::{self, json, micros},
};
use crate::model::{
    Address, Alert, Event, Happened, Left, Notification, NotificationId, Passed, ReceiverChange, history::detail,
};

/// What `receiver` was owed of alerts that fire and that nobody has acknowledged: what is owed, and what was given
/// up.
pub(super) fn left_by(db: &dyn Driver, receiver: &str) -> Done<Vec<Left>> {
    let left = db.all(
        "SELECT n.id AS number, n.step, a.* FROM notification n JOIN alert a ON a.id = n.alert \
         WHERE n.receiver = ?1 AND n.state IN ('owed', 'dead') AND n.event <> 'resolved' AND a.resolved_at IS NULL \
         AND a.fired_at IS NOT NULL AND a.acked_at IS NULL ORDER BY n.id",
        values![receiver],
        |row| Ok((NotificationId(row.get("number")?), row.get("step")?, rows::alert(row)?)),
    )?;
    left.into_iter().map(|(id, step, alert)| Ok(Left { id, step, heard: heard(db, &alert)?, alert })).collect()
}

/// Receivers that know of an alert or are to be notified of it, each with whether that was given up.
fn heard(db: &dyn Driver, alert: &Alert) -> Done<BTreeMap<String, bool>> {
    let heard = db.all(
        "SELECT receiver, count(*) FILTER (WHERE state <> 'dead' OR told = 1) AS not_given_up FROM notification \
         WHERE alert = ?1 AND event <> 'resolved' AND (state <> 'superseded' OR told = 1) GROUP BY receiver",
        values![&alert.id.0],
        |row| Ok((row.get("receiver")?, !row.get::<bool>("not_given_up")?)),
    )?;
    Ok(heard.into_iter().collect())
}

/// Receivers that are missing in the configuration, and to which something is owed or was until it was given up.
pub(super) fn gone(db: &dyn Driver, receivers: &[String]) -> Done<Vec<String>> {
    let listed: Vec<SqlValue> = receivers.iter().map(SqlValue::from).collect();
    db.all(
        &format!(
            "SELECT DISTINCT receiver FROM notification WHERE state IN ('owed', 'dead') AND receiver NOT IN {} \
             ORDER BY receiver",
            parameters(1, receivers.len())
        ),
        &listed,
        |row| row.get("receiver"),
    )
}

/// Owes it to others, except to those who know of the alert or are about to; returns how many notifications that
/// were.
pub(super) fn pass_on(db: &dyn Driver, passed: &[Passed], now: Timestamp) -> Done<usize> {
    let mut owed = 0;
    for Passed { id, to, step, template } in passed {
        let whose = db.first(
            "SELECT n.*, a.rule, a.inbox FROM notification n JOIN alert a ON a.id = n.alert \
             WHERE n.id = ?1 AND n.state IN ('owed', 'dead')",
            values![id.0],
            rows::notification,
        )?;
        let Some(whose) = whose else { continue };
        for heir in to {
            let knows = "SELECT 1 AS one FROM notification WHERE alert = ?1 AND receiver = ?2 AND event <> 'resolved' \
                         AND (state <> 'superseded' OR told = 1) LIMIT 1";
            if db.first(knows, values![&whose.alert.0, heir], |_| Ok(()))?.is_none() {
                let new = Notification {
                    receiver: heir.clone(),
                    event: Event::Fired,
                    step: *step,
                    template: template.clone(),
                    due_at: now,
                    ..whose.clone()
                };
                handover::owe_in_place_of(db, &whose.receiver, &new)?;
                owed += 1;
            }
        }
        withdraw(db, *id, now)?;
    }
    Ok(owed)
}

/// Stops notifying the receiver; a message that was given up and has no other notification is deleted.
fn withdraw(db: &dyn Driver, id: NotificationId, now: Timestamp) -> Done<()> {
    db.execute("UPDATE notification SET state = 'owed' WHERE id = ?1 AND state = 'dead'", values![id.0])?;
    outbox::supersede(db, &[(id, detail::OTHERS_NAMED)], now)?;
    db.execute(
        "UPDATE message SET state = 'superseded', closed_at = ?2 WHERE state = 'dead' \
         AND id = (SELECT message FROM notification WHERE id = ?1) \
         AND NOT EXISTS (SELECT 1 FROM notification n WHERE n.message = message.id AND n.state = 'dead')",
        values![id.0, micros(now)],
    )?;
    Ok(())
}

/// The receivers of the last call of [`know`], by name.
pub(super) fn known(db: &dyn Driver) -> Done<Vec<(String, Address)>> {
    db.all("SELECT name, address FROM receiver ORDER BY name", &[], |row| {
        Ok((row.get("name")?, rows::from_json(row, "address")?))
    })
}

/// Records the present receivers, and what became of those that were known before.
pub(super) fn know(
    db: &dyn Driver,
    receivers: &[(String, Address)],
    changes: &[ReceiverChange],
    now: Timestamp,
) -> Done<()> {
    for change in changes {
        match change {
            ReceiverChange::Moved(name) => begin_anew(db, name, now)?,
            ReceiverChange::Renamed { from, to } => rename(db, from, to, now)?,
        }
    }
    for (name, address) in receivers {
        db.execute(
            "INSERT INTO receiver (name, address) VALUES (?1, ?2) \
             ON CONFLICT (name) DO UPDATE SET address = excluded.address",
            values![name, json(address)?],
        )?;
    }
    Ok(())
}

/// A receiver's recorded health does not apply to its new address.
fn begin_anew(db: &dyn Driver, name: &str, now: Timestamp) -> Done<()> {
    db.execute(
        "UPDATE receiver SET failing_since = NULL, broken_at = NULL, not_before = NULL, last_error = '' WHERE name = ?1",
        values![name],
    )?;
    db.execute(
        "UPDATE message SET next_at = ?2 WHERE receiver = ?1 AND state = 'due' AND next_at > ?2",
        values![name, micros(now)],
    )?;
    Ok(())
}

fn rename(db: &dyn Driver, from: &str, to: &str, now: Timestamp) -> Done<()> {
    // An alert that both names were to report is reported once.
    let twice = db.all(
        "SELECT n.id FROM notification n WHERE n.receiver = ?1 AND n.state = 'owed' \
         AND EXISTS (SELECT 1 FROM notification o WHERE o.alert = n.alert AND o.receiver = ?2 \
         AND (o.event = 'resolved') = (n.event = 'resolved') AND o.state <> 'superseded')",
        values![from, to],
        |row| Ok((NotificationId(row.get("id")?), detail::RECEIVER_RENAMED)),
    )?;
    outbox::supersede(db, &twice, now)?;
    let moved: Vec<i64> = db.all(
        "SELECT id FROM notification WHERE receiver = ?1 AND state = 'owed' ORDER BY id",
        values![from],
        |row| row.get("id"),
    )?;
    for table in ["notification", "message"] {
        db.execute(&format!("UPDATE {table} SET receiver = ?2 WHERE receiver = ?1"), values![from, to])?;
    }
    for id in moved {
        let in_place = detail::in_place_of(from);
        history::of_notifications(db, Happened::Owed, now, &in_place, ("n.id = ?1", id.into()))?;
    }
    db.execute(
        "INSERT INTO receiver (name, failing_since, broken_at, not_before, last_error) \
         SELECT CAST(?2 AS TEXT), failing_since, broken_at, not_before, last_error FROM receiver WHERE name = ?1 \
         ON CONFLICT (name) DO NOTHING",
        values![from, to],
    )?;
    db.execute("DELETE FROM receiver WHERE name = ?1", values![from])?;
    Ok(())
}
