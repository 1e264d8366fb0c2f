//! The steps of delivery: what is written when a message is composed, tried, accepted or given up.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    model::{AttemptRecord, DeliveryStep, Happened, Message, MessageId, NotificationId},
    store::{
        driver::{Done, Driver, SqlValue, values},
        handover, history, receivers,
        rows::{self, json, micros},
    },
};

/// Writes how an attempt ended; the caller holds the transaction. Returns how many notifications went over to the
/// fallback.
pub(crate) fn attempted(db: &dyn Driver, attempted: &AttemptRecord) -> Done<usize> {
    for why in &attempted.refused {
        history::of_message(db, Happened::Refused, attempted.at, why, &attempted.message)?;
    }
    record(db, &attempted.recorded)?;
    receivers::save(db, &attempted.receiver, &attempted.reception)?;
    attempted.handed.as_ref().map_or(Ok(0), |handed| handover::hand_over(db, handed, attempted.at))
}

/// The caller holds the transaction.
pub(crate) fn record(db: &dyn Driver, recorded: &DeliveryStep) -> Done<()> {
    match recorded {
        DeliveryStep::Superseded { ids, at } => supersede(db, ids, *at),
        DeliveryStep::Held { ids } => {
            for id in ids {
                db.execute(
                    "UPDATE notification SET message = NULL, tried_since = NULL WHERE id = ?1 AND state = 'owed'",
                    values![id.0],
                )?;
            }
            drop_empty(db)
        }
        DeliveryStep::Composed { message, ids } => compose(db, message, ids),
        DeliveryStep::Attempting { message, trying } => {
            db.execute(
                "UPDATE message SET in_flight = 1, attempts = attempts + 1, trying = ?2 WHERE id = ?1",
                values![&message.0, json(trying)?],
            )?;
            Ok(())
        }
        DeliveryStep::GoesOn { message, reached, settled, trying } => {
            db.execute(
                "UPDATE message SET settled = ?2, trying = ?3 WHERE id = ?1 AND state = 'due'",
                values![&message.0, json(settled)?, json(trying)?],
            )?;
            if reached.is_empty() { Ok(()) } else { mark_told(db, message, Some(reached)) }
        }
        DeliveryStep::Delivered { message, at, reached } => {
            close(db, message, "delivered", *at, "")?;
            history::of_message(db, Happened::Sent, *at, &message.0, message)?;
            mark_told(db, message, Some(reached))?;
            settle(db, message, "delivered")
        }
        DeliveryStep::Dead { message, at, reason, ambiguous, settled, reached } => {
            if *ambiguous || !settled.is_empty() {
                mark_told(db, message, Some(reached))?;
            }
            if !settled.is_empty() {
                db.execute("UPDATE message SET settled = ?2 WHERE id = ?1", values![&message.0, json(settled)?])?;
            }
            close(db, message, "dead", *at, reason)?;
            history::of_message(db, Happened::Dead, *at, reason, message)?;
            settle(db, message, "dead")
        }
        DeliveryStep::Again { message, now, at, plain, ambiguous, settled, reached, reason } => {
            db.execute(
                "UPDATE message SET in_flight = 0, next_at = ?2, plain = CASE WHEN ?3 = 1 THEN 1 ELSE plain END, \
                 ambiguous = CASE WHEN ?4 = 1 THEN 1 ELSE ambiguous END, settled = ?5, last_error = ?6 \
                 WHERE id = ?1 AND state = 'due'",
                values![&message.0, micros(*at), *plain, *ambiguous, json(settled)?, reason],
            )?;
            if *ambiguous {
                history::of_message(db, Happened::Ambiguous, *now, reason, message)?;
            }
            // A recipient that has the mail knows, whatever becomes of the others.
            if *ambiguous || !settled.is_empty() {
                mark_told(db, message, Some(reached))?;
            }
            Ok(())
        }
    }
}

/// The notifications that are owed in a message get this state.
fn settle(db: &dyn Driver, message: &MessageId, state: &str) -> Done<()> {
    db.execute("UPDATE notification SET state = ?2 WHERE message = ?1 AND state = 'owed'", values![&message.0, state])?;
    Ok(())
}

/// Records that the persons of an attempt under way may know what is in their messages. `chosen` selects the messages.
pub(in crate::store) fn mark_tried(db: &dyn Driver, chosen: &str, values: &[SqlValue]) -> Done<()> {
    let tried = db.all(&format!("SELECT id, trying FROM message WHERE {chosen}"), values, |row| {
        Ok((MessageId(row.get("id")?), rows::maybe_json::<Vec<String>>(row, "trying")?))
    })?;
    tried.iter().try_for_each(|(message, persons)| mark_told(db, message, persons.as_deref()))
}

/// Records that these persons know, or may know, what is in a message; `None`: all whom its receiver reaches.
fn mark_told(db: &dyn Driver, message: &MessageId, persons: Option<&[String]>) -> Done<()> {
    let before = db.all(
        "SELECT id, told, persons FROM notification WHERE message = ?1 AND state = 'owed'",
        values![&message.0],
        |row| Ok((row.get("id")?, row.get("told")?, rows::maybe_json::<Vec<String>>(row, "persons")?)),
    )?;
    for (id, told, known) in before {
        let _: (i64, bool) = (id, told);
        // If it was sent before persons were recorded, all persons count as knowing it.
        let known = if told { known } else { Some(known.unwrap_or_default()) };
        let all: Option<BTreeSet<&str>> = known
            .as_deref()
            .zip(persons)
            .map(|(known, persons)| known.iter().chain(persons).map(String::as_str).collect());
        db.execute(
            "UPDATE notification SET told = 1, persons = ?2 WHERE id = ?1",
            values![id, all.map(|all| json(&all)).transpose()?],
        )?;
    }
    Ok(())
}

fn close(db: &dyn Driver, message: &MessageId, state: &str, at: Timestamp, reason: &str) -> Done<()> {
    db.execute(
        "UPDATE message SET in_flight = 0, state = ?2, closed_at = ?3, last_error = ?4 WHERE id = ?1 AND state = 'due'",
        values![&message.0, state, micros(at), reason],
    )?;
    Ok(())
}

fn compose(db: &dyn Driver, message: &Message, ids: &[NotificationId]) -> Done<()> {
    db.execute(
        "INSERT INTO message (id, receiver, created_at, next_at, plain, last_error) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        values![
            &message.id.0,
            &message.receiver,
            micros(message.created_at),
            micros(message.next_at),
            message.plain,
            &message.last_error
        ],
    )?;
    let mut moved = false;
    for id in ids {
        let before = "SELECT message FROM notification WHERE id = ?1";
        moved |= db.first(before, values![id.0], |row| row.get::<Option<String>>("message"))?.flatten().is_some();
        db.execute(
            "UPDATE notification SET message = ?2, tried_since = coalesce(tried_since, ?3) \
             WHERE id = ?1 AND state = 'owed'",
            values![id.0, &message.id.0, micros(message.created_at)],
        )?;
    }
    // Only notifications that were in another message can leave one empty.
    if moved { drop_empty(db) } else { Ok(()) }
}

pub(in crate::store) fn supersede(db: &dyn Driver, ids: &[(NotificationId, &str)], at: Timestamp) -> Done<()> {
    for (id, why) in ids {
        history::of_notifications(db, Happened::Superseded, at, why, ("n.id = ?1", id.0.into()))?;
        db.execute("UPDATE notification SET state = 'superseded' WHERE id = ?1 AND state = 'owed'", values![id.0])?;
    }
    drop_empty(db)
}

/// A message without notifications is not sent.
fn drop_empty(db: &dyn Driver) -> Done<()> {
    db.execute(
        "UPDATE message SET state = 'superseded', in_flight = 0, closed_at = created_at WHERE state = 'due' \
         AND NOT EXISTS (SELECT 1 FROM notification n WHERE n.message = message.id AND n.state = 'owed')",
        &[],
    )?;
    Ok(())
}
