//! Messages as commands beside the run see them: what waits, what was given up, and what to do with it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{history, outbox, rows};
use crate::model::{Change, Happened, Message, MessageId, StoredMessage, history::detail};

/// Every message that waits or was given up, the oldest first.
pub(super) fn list(db: &Connection) -> rusqlite::Result<Vec<StoredMessage>> {
    let messages: Vec<(Message, bool)> = db
        // Not before the time at which the receiver itself is tried again.
        .prepare_cached(
            "SELECT id, receiver, created_at, attempts, ambiguous, plain, last_error, state, \
             max(next_at, coalesce((SELECT not_before FROM receiver WHERE name = message.receiver), 0)) AS next_at \
             FROM message WHERE state IN ('due', 'dead') ORDER BY created_at, rowid",
        )?
        .query_map([], |row| Ok((outbox::message(row)?, row.get::<_, String>("state")? == "dead")))?
        .collect::<rusqlite::Result<_>>()?;
    messages
        .into_iter()
        .map(|(message, dead)| {
            let told = db
                .prepare_cached(
                    "SELECT n.*, a.rule, a.inbox, a.contact FROM notification n JOIN alert a ON a.id = n.alert \
                     WHERE n.message = ?1 AND n.state IN ('owed', 'dead') ORDER BY n.id",
                )?
                .query_map([&message.id.0], |row| Ok((rows::notification(row)?, rows::contact(row)?.name())))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(StoredMessage { message, dead, told })
        })
        .collect()
}

fn state(db: &Connection, id: &MessageId) -> rusqlite::Result<Option<String>> {
    db.prepare_cached("SELECT state FROM message WHERE id = ?1")?.query_row([&id.0], |row| row.get(0)).optional()
}

/// Tries a message that was given up as if it were new, under its old id. A message that waits is tried now, even if
/// its receiver is broken.
pub(super) fn replay(db: &Connection, id: &MessageId, now: Timestamp) -> rusqlite::Result<Change> {
    let state = match state(db, id)? {
        None => return Ok(Change::Unknown),
        Some(state) if state == "dead" || state == "due" => state,
        Some(_) => return Ok(Change::No),
    };
    let at = rows::micros(now);
    db.prepare_cached(
        "UPDATE receiver SET not_before = ?2 WHERE not_before > ?2 \
         AND name = (SELECT receiver FROM message WHERE id = ?1)",
    )?
    .execute(params![id.0, at])?;
    if state == "due" {
        db.prepare_cached("UPDATE message SET next_at = ?2 WHERE id = ?1")?.execute(params![id.0, at])?;
        return Ok(Change::Yes);
    }
    db.prepare_cached(
        "UPDATE message SET state = 'due', created_at = ?2, next_at = ?2, attempts = 0, plain = 0, closed_at = NULL \
         WHERE id = ?1",
    )?
    .execute(params![id.0, at])?;
    db.prepare_cached(
        "UPDATE notification SET state = 'owed', tried_since = ?2 WHERE message = ?1 AND state = 'dead'",
    )?
    .execute(params![id.0, at])?;
    history::of_message(db, Happened::Owed, now, detail::REPLAYED, id)?;
    Ok(Change::Yes)
}

/// Gives a message up for good: nobody tries it again.
pub(super) fn drop_message(db: &Connection, id: &MessageId, now: Timestamp) -> rusqlite::Result<Change> {
    match state(db, id)?.as_deref() {
        None => return Ok(Change::Unknown),
        Some("due" | "dead") => {}
        Some(_) => return Ok(Change::No),
    }
    db.prepare_cached("UPDATE notification SET state = 'owed' WHERE message = ?1 AND state = 'dead'")?
        .execute([&id.0])?;
    // A message under way may still arrive, and then the end must be sent as well.
    let flies = "SELECT in_flight FROM message WHERE id = ?1";
    if db.prepare_cached(flies)?.query_row([&id.0], |row| row.get(0))? {
        outbox::mark_tried(db, "id = ?1", &id.0)?;
    }
    history::of_message(db, Happened::Superseded, now, detail::DROPPED, id)?;
    db.prepare_cached("UPDATE notification SET state = 'superseded' WHERE message = ?1 AND state = 'owed'")?
        .execute([&id.0])?;
    db.prepare_cached("UPDATE message SET state = 'superseded', in_flight = 0, closed_at = ?2 WHERE id = ?1")?
        .execute(params![id.0, rows::micros(now)])?;
    Ok(Change::Yes)
}
