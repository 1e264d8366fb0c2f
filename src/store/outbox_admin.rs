//! Messages as commands beside the run see them: what waits, what was given up, and what to do with it.

use jiff::Timestamp;

use super::{
    driver::{Done, Driver, values},
    history, outbox, rows,
};
use crate::model::{Change, Happened, Message, MessageId, StoredMessage, history::detail};

/// Every message that waits or was given up, the oldest first.
pub(super) fn list(db: &dyn Driver) -> Done<Vec<StoredMessage>> {
    let messages: Vec<(Message, bool)> = db.all(
        "SELECT m.*, (SELECT r.not_before FROM receiver r WHERE r.name = m.receiver) AS not_before \
         FROM message m WHERE m.state IN ('due', 'dead') \
         ORDER BY m.created_at, (SELECT min(n.id) FROM notification n WHERE n.message = m.id), m.id",
        &[],
        |row| {
            let message = outbox::message(row)?;
            // Not before the time at which the receiver itself is tried again.
            let next_at = rows::maybe_time(row, "not_before")?.map_or(message.next_at, |at| at.max(message.next_at));
            Ok((Message { next_at, ..message }, row.get::<String>("state")? == "dead"))
        },
    )?;
    messages
        .into_iter()
        .map(|(message, dead)| {
            let told = db.all(
                "SELECT n.*, a.rule, a.inbox, a.contact FROM notification n JOIN alert a ON a.id = n.alert \
                 WHERE n.message = ?1 AND n.state IN ('owed', 'dead') ORDER BY n.id",
                values![&message.id.0],
                |row| Ok((rows::notification(row)?, rows::contact(row)?.name())),
            )?;
            Ok(StoredMessage { message, dead, told })
        })
        .collect()
}

fn state(db: &dyn Driver, id: &MessageId) -> Done<Option<String>> {
    db.first("SELECT state FROM message WHERE id = ?1", values![&id.0], |row| row.get("state"))
}

/// Tries a message that was given up as if it were new, under its old id. A message that waits is tried now, even if
/// its receiver is broken.
pub(super) fn replay(db: &dyn Driver, id: &MessageId, now: Timestamp) -> Done<Change> {
    let state = match state(db, id)? {
        None => return Ok(Change::Unknown),
        Some(state) if state == "dead" || state == "due" => state,
        Some(_) => return Ok(Change::No),
    };
    let at = rows::micros(now);
    db.execute(
        "UPDATE receiver SET not_before = ?2 WHERE not_before > ?2 \
         AND name = (SELECT receiver FROM message WHERE id = ?1)",
        values![&id.0, at],
    )?;
    if state == "due" {
        db.execute("UPDATE message SET next_at = ?2 WHERE id = ?1", values![&id.0, at])?;
        return Ok(Change::Yes);
    }
    db.execute(
        "UPDATE message SET state = 'due', created_at = ?2, next_at = ?2, attempts = 0, plain = 0, closed_at = NULL \
         WHERE id = ?1",
        values![&id.0, at],
    )?;
    db.execute(
        "UPDATE notification SET state = 'owed', tried_since = ?2 WHERE message = ?1 AND state = 'dead'",
        values![&id.0, at],
    )?;
    history::of_message(db, Happened::Owed, now, detail::REPLAYED, id)?;
    Ok(Change::Yes)
}

/// Gives a message up for good: nobody tries it again.
pub(super) fn drop_message(db: &dyn Driver, id: &MessageId, now: Timestamp) -> Done<Change> {
    match state(db, id)?.as_deref() {
        None => return Ok(Change::Unknown),
        Some("due" | "dead") => {}
        Some(_) => return Ok(Change::No),
    }
    db.execute("UPDATE notification SET state = 'owed' WHERE message = ?1 AND state = 'dead'", values![&id.0])?;
    // A message under way may still arrive, and then the end must be sent as well.
    let flies = "SELECT in_flight FROM message WHERE id = ?1";
    if db.first(flies, values![&id.0], |row| row.get("in_flight"))?.unwrap_or(false) {
        outbox::mark_tried(db, "id = ?1", values![&id.0])?;
    }
    history::of_message(db, Happened::Superseded, now, detail::DROPPED, id)?;
    db.execute("UPDATE notification SET state = 'superseded' WHERE message = ?1 AND state = 'owed'", values![&id.0])?;
    db.execute(
        "UPDATE message SET state = 'superseded', in_flight = 0, closed_at = ?2 WHERE id = ?1",
        values![&id.0, rows::micros(now)],
    )?;
    Ok(Change::Yes)
}
