//! What is owed and how sending it goes: a message is stored before its first attempt, and is sent
//! only when the receiver has accepted it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params, types::Value};

use super::{
    elsewhere::{self, Handed},
    history, receivers,
    rows::{self, from_json, json, micros},
    silences,
};
use crate::model::{Alert, Happened, Message, MessageId, Notification, NotificationId, Reception, Silence};

/// Nothing is put off for longer: an hour that a receiver may ask for, and the jitter.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(75);

/// Why it is not known how the attempt ended.
const CUT_OFF: &str = "it was cut off in the middle of the attempt";

/// The persons who are to hear of an end, as a JSON list; null: all.
const AUDIENCE: &str = "CASE WHEN n.event <> 'resolved' OR EXISTS (SELECT 1 FROM notification f \
    WHERE f.alert = n.alert AND f.receiver = n.receiver AND f.event <> 'resolved' AND f.told AND f.persons IS NULL) \
    THEN NULL ELSE (SELECT json_group_array(value) FROM (SELECT DISTINCT p.value FROM notification f, \
    json_each(f.persons) p WHERE f.alert = n.alert AND f.receiver = n.receiver AND f.event <> 'resolved' AND f.told \
    ORDER BY p.value)) END";

/// One notification that is owed, with what is needed to say whether it is still true.
#[derive(Clone, Debug, PartialEq)]
pub struct Owed {
    /// Its number.
    pub id: NotificationId,
    /// What is owed.
    pub notification: Notification,
    /// The alert as it is now.
    pub alert: Alert,
    /// The message that it was put into.
    pub message: Option<MessageId>,
    /// Whether the receiver may have got it already: an attempt's outcome is not known.
    pub told: bool,
    /// Whether some recipients of its mail have got it, and others are still to be tried.
    pub partly_settled: bool,
    /// Whether the receiver was told that this alert began, or may have been.
    pub told_of_beginning: bool,
    /// Of an end: the persons who were told of the beginning, or may have been; `None`: all whom the receiver
    /// reaches.
    pub audience: Option<Vec<String>>,
    /// Since when it is tried; `None` where it is in no message.
    pub tried_since: Option<Timestamp>,
}

/// Everything that is owed to one receiver.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Open {
    /// In the order in which it was owed.
    pub owed: Vec<Owed>,
    /// Messages that are to be sent, oldest first, with the recipients that need no further attempt.
    pub messages: Vec<(Message, Vec<String>)>,
    /// Every silence that is remembered.
    pub silences: Vec<Silence>,
    /// How the receiver takes messages.
    pub reception: Reception,
}

/// What waits for one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The receiver's name.
    pub receiver: String,
    /// Notifications that are owed.
    pub notifications: usize,
    /// The next attempt, where there has been one.
    pub next_at: Option<Timestamp>,
    /// What the last attempt failed with.
    pub last_error: String,
}

/// One step of delivery.
#[derive(Clone, Debug, PartialEq)]
pub enum Recorded {
    /// What is no longer true is withdrawn.
    Superseded {
        /// Which notifications, and why.
        ids: Vec<(NotificationId, &'static str)>,
        /// When.
        at: Timestamp,
    },
    /// What is not to be said now leaves the messages that it was put into.
    Held {
        /// Which notifications.
        ids: Vec<NotificationId>,
    },
    /// A message was composed.
    Composed {
        /// The message.
        message: Message,
        /// What it tells of.
        ids: Vec<NotificationId>,
    },
    /// An attempt begins.
    Attempting {
        /// The message.
        message: MessageId,
        /// Who may get it before anything else is recorded.
        trying: Vec<String>,
    },
    /// The attempt goes on with another recipient of the mail.
    GoesOn {
        /// The message.
        message: MessageId,
        /// Persons who got it in this attempt, or may have got it.
        reached: Vec<String>,
        /// Recipients that need no further attempt.
        settled: Vec<String>,
        /// Who may get it before anything else is recorded.
        trying: Vec<String>,
    },
    /// The receiver accepted it.
    Delivered {
        /// The message.
        message: MessageId,
        /// When.
        at: Timestamp,
        /// Persons who got it in this attempt.
        reached: Vec<String>,
    },
    /// It is to be tried again.
    Again {
        /// The message.
        message: MessageId,
        /// When the attempt ended.
        now: Timestamp,
        /// Not before.
        at: Timestamp,
        /// As plain built-in text from now on.
        plain: bool,
        /// Whether the receiver may have got it.
        ambiguous: bool,
        /// Recipients that need no further attempt.
        settled: Vec<String>,
        /// Persons who got it in this attempt, or may have got it.
        reached: Vec<String>,
        /// Why.
        reason: String,
    },
    /// It will not be tried any more.
    Dead {
        /// The message.
        message: MessageId,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
        /// Whether the receiver may have got it.
        ambiguous: bool,
        /// Recipients that need no further attempt.
        settled: Vec<String>,
        /// Persons who got it in this attempt, or may have got it.
        reached: Vec<String>,
    },
}

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempted {
    /// What becomes of the message.
    pub recorded: Recorded,
    /// When it ended.
    pub at: Timestamp,
    /// The message.
    pub message: MessageId,
    /// Recipients of a mail that were refused for good while others got it: why, without the whole address.
    pub refused: Vec<String>,
    /// Whose it is.
    pub receiver: String,
    /// How that one takes messages.
    pub reception: Reception,
    /// Who is told in its place where the message is given up.
    pub fallback: Option<String>,
}

/// Writes how an attempt ended; the caller holds the transaction. Gives how many notifications went over to the
/// fallback.
pub fn attempted(db: &Connection, attempted: &Attempted) -> rusqlite::Result<usize> {
    for why in &attempted.refused {
        let chosen = ("n.message = ?4", Value::Text(attempted.message.0.clone()));
        history::of_notifications(db, Happened::Refused, attempted.at, why, chosen)?;
    }
    record(db, &attempted.recorded)?;
    receivers::save(db, &attempted.receiver, &attempted.reception)?;
    match (&attempted.recorded, &attempted.fallback) {
        (Recorded::Dead { message, .. }, Some(fallback)) => {
            elsewhere::hand_over(db, &Handed::Message(message.clone()), fallback, attempted.at)
        }
        _ => Ok(0),
    }
}

/// Reads what is owed to a receiver.
pub fn open_of(db: &Connection, receiver: &str) -> rusqlite::Result<Open> {
    let owed = owed(db, "n.receiver = ?1", &[&receiver])?;
    let messages = db
        .prepare_cached("SELECT * FROM message WHERE receiver = ?1 AND state = 'due' ORDER BY created_at, rowid")?
        .query_map([receiver], |row| Ok((message(row)?, from_json(row, "settled")?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Open { owed, messages, silences: silences::all(db)?, reception: receivers::of(db, receiver)? })
}

/// Reads what a message tells, and what else is owed to its receiver about the same alerts.
pub fn open_for(db: &Connection, receiver: &str, message: &MessageId) -> rusqlite::Result<Open> {
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

/// Writes one step; the caller holds the transaction.
pub fn record(db: &Connection, recorded: &Recorded) -> rusqlite::Result<()> {
    match recorded {
        Recorded::Superseded { ids, at } => supersede(db, ids, *at),
        Recorded::Held { ids } => {
            for id in ids {
                db.prepare_cached(
                    "UPDATE notification SET message = NULL, tried_since = NULL WHERE id = ?1 AND state = 'owed'",
                )?
                .execute([id.0])?;
            }
            drop_empty(db)
        }
        Recorded::Composed { message, ids } => compose(db, message, ids),
        Recorded::Attempting { message, trying } => {
            db.prepare_cached("UPDATE message SET in_flight = 1, attempts = attempts + 1, trying = ?2 WHERE id = ?1")?
                .execute(params![message.0, json(trying)?])?;
            Ok(())
        }
        Recorded::GoesOn { message, reached, settled, trying } => {
            db.prepare_cached("UPDATE message SET settled = ?2, trying = ?3 WHERE id = ?1 AND state = 'due'")?
                .execute(params![message.0, json(settled)?, json(trying)?])?;
            if reached.is_empty() { Ok(()) } else { mark_told(db, message, reached) }
        }
        Recorded::Delivered { message, at, reached } => {
            close(db, message, "delivered", *at, "")?;
            let chosen = ("n.message = ?4", Value::Text(message.0.clone()));
            history::of_notifications(db, Happened::Sent, *at, &message.0, chosen)?;
            mark_told(db, message, reached)?;
            db.prepare_cached("UPDATE notification SET state = 'delivered' WHERE message = ?1 AND state = 'owed'")?
                .execute([&message.0])?;
            Ok(())
        }
        Recorded::Dead { message, at, reason, ambiguous, settled, reached } => {
            if *ambiguous || !settled.is_empty() {
                mark_told(db, message, reached)?;
                db.prepare_cached("UPDATE message SET settled = ?2 WHERE id = ?1 AND ?2 <> '[]'")?
                    .execute(params![message.0, json(settled)?])?;
            }
            close(db, message, "dead", *at, reason)?;
            let chosen = ("n.message = ?4", Value::Text(message.0.clone()));
            history::of_notifications(db, Happened::Dead, *at, reason, chosen)?;
            db.prepare_cached("UPDATE notification SET state = 'dead' WHERE message = ?1 AND state = 'owed'")?
                .execute([&message.0])?;
            Ok(())
        }
        Recorded::Again { message, now, at, plain, ambiguous, settled, reached, reason } => {
            db.prepare_cached(
                "UPDATE message SET in_flight = 0, next_at = ?2, plain = plain OR ?3, ambiguous = ambiguous OR ?4, \
                 settled = ?5, last_error = ?6 WHERE id = ?1 AND state = 'due'",
            )?
            .execute(params![message.0, micros(*at), plain, ambiguous, json(settled)?, reason])?;
            if *ambiguous {
                let chosen = ("n.message = ?4", Value::Text(message.0.clone()));
                history::of_notifications(db, Happened::Ambiguous, *now, reason, chosen)?;
            }
            // A recipient that has the mail was told, whatever becomes of the others.
            if *ambiguous || !settled.is_empty() {
                mark_told(db, message, reached)?;
            }
            Ok(())
        }
    }
}

/// These persons know what a message tells, or may know it.
fn mark_told(db: &Connection, message: &MessageId, persons: &[String]) -> rusqlite::Result<()> {
    db.prepare_cached(&format!(
        "UPDATE notification SET told = 1, persons = {} WHERE message = ?1 AND state = 'owed'",
        with_persons("?2")
    ))?
    .execute(params![message.0, json(&persons)?])?;
    Ok(())
}

/// Those who were in the middle of an attempt may know what the messages tell for which `chosen` holds.
pub(super) fn mark_tried(db: &Connection, chosen: &str, value: &dyn ToSql) -> rusqlite::Result<()> {
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

/// The persons that a notification has, and those of a JSON list. Of one that was told before persons were
/// recorded, all are taken to know.
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
    // Only what was in another message can leave one empty.
    if moved { drop_empty(db) } else { Ok(()) }
}

pub(super) fn supersede(db: &Connection, ids: &[(NotificationId, &str)], at: Timestamp) -> rusqlite::Result<()> {
    for (id, why) in ids {
        history::of_notifications(db, Happened::Superseded, at, why, ("n.id = ?4", Value::Integer(id.0)))?;
        db.prepare_cached("UPDATE notification SET state = 'superseded' WHERE id = ?1 AND state = 'owed'")?
            .execute([id.0])?;
    }
    drop_empty(db)
}

/// A message that has nothing left to tell is not sent.
fn drop_empty(db: &Connection) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE message SET state = 'superseded', in_flight = 0, closed_at = created_at WHERE state = 'due' \
         AND NOT EXISTS (SELECT 1 FROM notification n WHERE n.message = message.id AND n.state = 'owed')",
        [],
    )?;
    Ok(())
}

/// Attempts that nobody waits for any more, to one receiver or to all: what was under way may have arrived.
pub fn interrupted(db: &Connection, receiver: Option<&str>, now: Timestamp) -> rusqlite::Result<()> {
    // A mail whose first envelope was not begun has reached nobody.
    const FLYING: &str =
        "in_flight AND state = 'due' AND coalesce(trying, '') <> '[]' AND (?1 IS NULL OR receiver = ?1)";
    let flying = FLYING.replace("?1", "?4");
    let chosen = format!("n.message IN (SELECT id FROM message WHERE {flying})");
    let value = receiver.map_or(Value::Null, |receiver| Value::Text(receiver.to_owned()));
    history::of_notifications(db, Happened::Ambiguous, now, CUT_OFF, (&chosen, value))?;
    mark_tried(db, FLYING, &receiver)?;
    db.execute(&format!("UPDATE message SET in_flight = 0, ambiguous = 1 WHERE {FLYING}"), [receiver])?;
    db.execute(
        "UPDATE message SET in_flight = 0 WHERE in_flight AND state = 'due' AND (?1 IS NULL OR receiver = ?1)",
        [receiver],
    )?;
    Ok(())
}

/// After a start. What is to be tried much later than anything is put off comes now: the clock was set back
/// meanwhile.
pub fn recover(db: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    interrupted(db, None, now)?;
    let latest = micros(now.checked_add(LONGEST_PAUSE).unwrap_or(Timestamp::MAX));
    db.execute("UPDATE message SET next_at = ?1 WHERE state = 'due' AND next_at > ?2", [micros(now), latest])?;
    db.execute("UPDATE receiver SET not_before = NULL WHERE not_before > ?1", [latest])?;
    Ok(())
}

/// What waits, by receiver.
pub fn waiting(db: &Connection) -> rusqlite::Result<Vec<Waiting>> {
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
                    // No earlier than the receiver is tried at all.
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
pub fn all(db: &Connection) -> rusqlite::Result<Vec<(Notification, String)>> {
    db.prepare_cached("SELECT n.*, a.rule, a.inbox FROM notification n JOIN alert a ON a.id = n.alert ORDER BY n.id")?
        .query_map([], |row| Ok((rows::notification(row)?, row.get("state")?)))?
        .collect()
}
