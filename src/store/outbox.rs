//! What is owed, and the delivery of messages. A message is stored before its first attempt, and is sent only when the
//! receiver has accepted it.

mod steps;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, ToSql};

pub(super) use self::steps::{attempted, record};
pub(super) use self::steps::{mark_tried, supersede};
use super::{
    history, receivers,
    rows::{self, from_json, micros},
    silences,
};
use crate::model::{Happened, Message, MessageId, Notification, NotificationId, Open, Owed, Waiting, history::detail};

/// No message is put off for longer: an hour, which a receiver may ask for, and the jitter.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(75);

/// The persons who are notified of the end, as a JSON list; null: all.
const AUDIENCE: &str = "CASE WHEN n.event <> 'resolved' OR EXISTS (SELECT 1 FROM notification f \
    WHERE f.alert = n.alert AND f.receiver = n.receiver AND f.event <> 'resolved' AND f.told AND f.persons IS NULL) \
    THEN NULL ELSE (SELECT json_group_array(value) FROM (SELECT DISTINCT p.value FROM notification f, \
    json_each(f.persons) p WHERE f.alert = n.alert AND f.receiver = n.receiver AND f.event <> 'resolved' AND f.told \
    ORDER BY p.value)) END";

pub(super) fn open_of(db: &Connection, receiver: &str) -> rusqlite::Result<Open> {
    let owed = owed(db, "n.receiver = ?1", &[&receiver])?;
    let messages = db
        .prepare_cached("SELECT * FROM message WHERE receiver = ?1 AND state = 'due' ORDER BY created_at, rowid")?
        .query_map([receiver], |row| Ok((message(row)?, from_json(row, "settled")?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Open { owed, messages, silences: silences::all(db)?, reception: receivers::of(db, receiver)? })
}

/// The notifications in a message, and what else is owed to its receiver about the same alerts.
pub(super) fn open_for(db: &Connection, receiver: &str, message: &MessageId) -> rusqlite::Result<Open> {
    let chosen = "n.receiver = ?1 AND n.alert IN (SELECT alert FROM notification WHERE message = ?2)";
    let owed = owed(db, chosen, &[&receiver, &message.0])?;
    Ok(Open { owed, silences: silences::all(db)?, ..Open::default() })
}

fn owed(db: &Connection, chosen: &str, values: &[&dyn ToSql]) -> rusqlite::Result<Vec<Owed>> {
    db.prepare_cached(&format!(
        "SELECT n.id AS number, n.alert, n.receiver, n.event, n.step, n.template, n.due_at, n.message, n.told, n.tried_since, \
         EXISTS (SELECT 1 FROM notification f WHERE f.alert = n.alert AND f.receiver = n.receiver \
                 AND f.event <> 'resolved' AND f.told) AS told_of_beginning, \
         EXISTS (SELECT 1 FROM message m WHERE m.id = n.message AND m.settled <> '[]') AS partly_settled, \
         {AUDIENCE} AS audience, a.* FROM notification n JOIN alert a ON a.id = n.alert WHERE n.state = 'owed' AND {chosen} ORDER BY n.id"
    ))?
    .query_map(values, |row| {
        Ok(Owed {
            id: NotificationId(row.get("number")?),
            notification: rows::notification(row)?,
            alert: rows::alert(row)?,
            message: row.get::<_, Option<String>>("message")?.map(MessageId),
            told: row.get("told")?,
            partly_settled: row.get("partly_settled")?,
            told_of_beginning: row.get("told_of_beginning")?,
            audience: rows::maybe_json(row, "audience")?,
            tried_since: rows::maybe_time(row, "tried_since")?,
        })
    })?
    .collect()
}

pub(super) fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: MessageId(row.get("id")?),
        receiver: row.get("receiver")?,
        created_at: rows::time(row, "created_at")?,
        attempts: row.get("attempts")?,
        next_at: rows::time(row, "next_at")?,
        ambiguous: row.get("ambiguous")?,
        plain: row.get("plain")?,
        last_error: row.get("last_error")?,
    })
}

/// Attempts whose outcome nobody waits for any more, of one receiver or of all: such a message may have arrived.
pub(super) fn interrupted(db: &Connection, receiver: Option<&str>, now: Timestamp) -> rusqlite::Result<()> {
    // A mail whose first envelope has not begun has reached nobody.
    const FLYING: &str =
        "in_flight AND state = 'due' AND coalesce(trying, '') <> '[]' AND (?1 IS NULL OR receiver = ?1)";
    let chosen = format!("n.message IN (SELECT id FROM message WHERE {FLYING})");
    history::of_notifications(db, Happened::Ambiguous, now, detail::CUT_OFF, (&chosen, &receiver))?;
    mark_tried(db, FLYING, &receiver)?;
    db.execute(&format!("UPDATE message SET in_flight = 0, ambiguous = 1 WHERE {FLYING}"), [receiver])?;
    db.execute(
        "UPDATE message SET in_flight = 0 WHERE in_flight AND state = 'due' AND (?1 IS NULL OR receiver = ?1)",
        [receiver],
    )?;
    Ok(())
}

/// To be called after a start. A message with a later next attempt than any pause allows is tried now: the clock was
/// set back meanwhile.
pub(super) fn recover(db: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    interrupted(db, None, now)?;
    let latest = micros(now.checked_add(LONGEST_PAUSE).unwrap_or(Timestamp::MAX));
    db.execute("UPDATE message SET next_at = ?1 WHERE state = 'due' AND next_at > ?2", [micros(now), latest])?;
    db.execute("UPDATE receiver SET not_before = NULL WHERE not_before > ?1", [latest])?;
    Ok(())
}

/// What waits, by receiver.
pub(super) fn waiting(db: &Connection) -> rusqlite::Result<Vec<Waiting>> {
    let counts: BTreeMap<String, usize> = db
        .prepare_cached("SELECT receiver, count(*) FROM notification WHERE state = 'owed' GROUP BY receiver")?
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?
        .map(|row| row.map(|(receiver, count)| (receiver, usize::try_from(count).unwrap_or(0))))
        .collect::<rusqlite::Result<_>>()?;
    counts
        .into_iter()
        .map(|(receiver, notifications)| {
            let next = db
                .prepare_cached(
                    // Not before the time at which the receiver itself is tried again.
                    "SELECT max(m.next_at, coalesce((SELECT not_before FROM receiver WHERE name = ?1), 0)) AS next_at, \
                     last_error FROM message m WHERE receiver = ?1 AND state = 'due' ORDER BY m.next_at LIMIT 1",
                )?
                .query_row([&receiver], |row| Ok((rows::time(row, "next_at")?, row.get("last_error")?)))
                .optional()?;
            let (next_at, last_error) = next.map_or((None, String::new()), |(at, error)| (Some(at), error));
            Ok(Waiting { receiver, notifications, next_at, last_error })
        })
        .collect()
}

/// Every notification with its state.
pub(super) fn all(db: &Connection) -> rusqlite::Result<Vec<(Notification, String)>> {
    db.prepare_cached("SELECT n.*, a.rule, a.inbox FROM notification n JOIN alert a ON a.id = n.alert ORDER BY n.id")?
        .query_map([], |row| Ok((rows::notification(row)?, row.get("state")?)))?
        .collect()
}
