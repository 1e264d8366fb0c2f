//! The steps of delivery: what is written when a message is composed, tried, accepted or given up.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use crate::{
    model::{AttemptRecord, DeliveryStep, Happened, Message, MessageId, NotificationId},
    store::{
        handover, history, receivers,
        rows::{json, micros},
    },
};

/// Writes how an attempt ended; the caller holds the transaction. Returns how many notifications went over to the
/// fallback.
pub(crate) fn attempted(db: &Connection, attempted: &AttemptRecord) -> rusqlite::Result<usize> {
    for why in &attempted.refused {
        history::of_message(db, Happened::Refused, attempted.at, why, &attempted.message)?;
    }
    record(db, &attempted.recorded)?;
    receivers::save(db, &attempted.receiver, &attempted.reception)?;
    attempted.handed.as_ref().map_or(Ok(0), |handed| handover::hand_over(db, handed, attempted.at))
}

/// The caller holds the transaction.
pub(crate) fn record(db: &Connection, recorded: &DeliveryStep) -> rusqlite::Result<()> {
    match recorded {
        DeliveryStep::Superseded { ids, at } => supersede(db, ids, *at),
        DeliveryStep::Held { ids } => {
            for id in ids {
                db.prepare_cached(
                    "UPDATE notification SET message = NULL, tried_since = NULL WHERE id = ?1 AND state = 'owed'",
                )?
                .execute([id.0])?;
            }
            drop_empty(db)
        }
        DeliveryStep::Composed { message, ids } => compose(db, message, ids),
        DeliveryStep::Attempting { message, trying } => {
            db.prepare_cached("UPDATE message SET in_flight = 1, attempts = attempts + 1, trying = ?2 WHERE id = ?1")?
                .execute(params![message.0, json(trying)?])?;
            Ok(())
        }
        DeliveryStep::GoesOn { message, reached, settled, trying } => {
            db.prepare_cached("UPDATE message SET settled = ?2, trying = ?3 WHERE id = ?1 AND state = 'due'")?
                .execute(params![message.0, json(settled)?, json(trying)?])?;
            if reached.is_empty() { Ok(()) } else { mark_told(db, message, reached) }
        }
        DeliveryStep::Delivered { message, at, reached } => {
            close(db, message, "delivered", *at, "")?;
            history::of_message(db, Happened::Sent, *at, &message.0, message)?;
            mark_told(db, message, reached)?;
            db.prepare_cached("UPDATE notification SET state = 'delivered' WHERE message = ?1 AND state = 'owed'")?
                .execute([&message.0])?;
            Ok(())
        }
        DeliveryStep::Dead { message, at, reason, ambiguous, settled, reached } => {
            if *ambiguous || !settled.is_empty() {
                mark_told(db, message, reached)?;
                db.prepare_cached("UPDATE message SET settled = ?2 WHERE id = ?1 AND ?2 <> '[]'")?
                    .execute(params![message.0, json(settled)?])?;
            }
            close(db, message, "dead", *at, reason)?;
            history::of_message(db, Happened::Dead, *at, reason, message)?;
            db.prepare_cached("UPDATE notification SET state = 'dead' WHERE message = ?1 AND state = 'owed'")?
                .execute([&message.0])?;
            Ok(())
        }
        DeliveryStep::Again { message, now, at, plain, ambiguous, settled, reached, reason } => {
            db.prepare_cached(
                "UPDATE message SET in_flight = 0, next_at = ?2, plain = plain OR ?3, ambiguous = ambiguous OR ?4, \
                 settled = ?5, last_error = ?6 WHERE id = ?1 AND state = 'due'",
            )?
            .execute(params![message.0, micros(*at), plain, ambiguous, json(settled)?, reason])?;
            if *ambiguous {
                history::of_message(db, Happened::Ambiguous, *now, reason, message)?;
            }
            // A recipient that has the mail knows, whatever becomes of the others.
            if *ambiguous || !settled.is_empty() {
                mark_told(db, message, reached)?;
            }
            Ok(())
        }
    }
}

/// Records that these persons know, or may know, what is in a message.
fn mark_told(db: &Connection, message: &MessageId, persons: &[String]) -> rusqlite::Result<()> {
    db.prepare_cached(&format!(
        "UPDATE notification SET told = 1, persons = {} WHERE message = ?1 AND state = 'owed'",
        with_persons("?2")
    ))?
    .execute(params![message.0, json(&persons)?])?;
    Ok(())
}

/// Records that the persons of an attempt under way may know what is in their messages. `chosen` selects the messages.
pub(in crate::store) fn mark_tried(db: &Connection, chosen: &str, value: &dyn ToSql) -> rusqlite::Result<()> {
    let trying = "(SELECT trying FROM message m WHERE m.id = notification.message)";
    db.execute(
        &format!(
            "UPDATE notification SET told = 1, persons = CASE WHEN {trying} IS NULL THEN NULL ELSE {} END \
             WHERE state = 'owed' AND message IN (SELECT id FROM message WHERE {chosen})",
            with_persons(trying)
        ),
        [value],
    )?;
    Ok(())
}

/// The notification's persons, joined with a JSON list. If it was sent before persons were recorded, all persons count
/// as knowing it.
fn with_persons(list: &str) -> String {
    format!(
        "CASE WHEN told AND persons IS NULL THEN NULL ELSE (SELECT json_group_array(value) FROM \
         (SELECT value FROM json_each(coalesce(persons, '[]')) UNION SELECT value FROM json_each({list}))) END"
    )
}

fn close(db: &Connection, message: &MessageId, state: &str, at: Timestamp, reason: &str) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE message SET in_flight = 0, state = ?2, closed_at = ?3, last_error = ?4 WHERE id = ?1 AND state = 'due'",
    )?
    .execute(params![message.0, state, micros(at), reason])?;
    Ok(())
}

fn compose(db: &Connection, message: &Message, ids: &[NotificationId]) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO message (id, receiver, created_at, next_at, plain, last_error) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        message.id.0,
        message.receiver,
        micros(message.created_at),
        micros(message.next_at),
        message.plain,
        message.last_error
    ])?;
    let mut moved = false;
    for id in ids {
        moved |= db
            .prepare_cached("SELECT message IS NOT NULL FROM notification WHERE id = ?1")?
            .query_row([id.0], |row| row.get(0))
            .optional()?
            .unwrap_or(false);
        db.prepare_cached(
            "UPDATE notification SET message = ?2, tried_since = coalesce(tried_since, ?3) \
             WHERE id = ?1 AND state = 'owed'",
        )?
        .execute(params![id.0, message.id.0, micros(message.created_at)])?;
    }
    // Only notifications that were in another message can leave one empty.
    if moved { drop_empty(db) } else { Ok(()) }
}

pub(in crate::store) fn supersede(
    db: &Connection,
    ids: &[(NotificationId, &str)],
    at: Timestamp,
) -> rusqlite::Result<()> {
    for (id, why) in ids {
        history::of_notifications(db, Happened::Superseded, at, why, ("n.id = ?1", &id.0))?;
        db.prepare_cached("UPDATE notification SET state = 'superseded' WHERE id = ?1 AND state = 'owed'")?
            .execute([id.0])?;
    }
    drop_empty(db)
}

/// A message without notifications is not sent.
fn drop_empty(db: &Connection) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE message SET state = 'superseded', in_flight = 0, closed_at = created_at WHERE state = 'due' \
         AND NOT EXISTS (SELECT 1 FROM notification n WHERE n.message = message.id AND n.state = 'owed')",
        [],
    )?;
    Ok(())
}
