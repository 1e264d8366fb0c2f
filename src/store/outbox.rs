//! What is owed, and the delivery of messages. A message is stored before its first attempt, and is sent only when the
//! receiver has accepted it.

mod steps;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

pub(super) use self::steps::{attempted, record};
pub(super) use self::steps::{mark_tried, supersede};
use super::{
    driver::{Done, Driver, Row, SqlValue, values},
    history, receivers,
    rows::{self, from_json},
    silences,
};
use crate::model::{
    AlertId, Event, Happened, Message, MessageId, Notification, NotificationId, Open, Owed, Waiting, history::detail,
};

pub(super) fn open_of(db: &dyn Driver, receiver: &str) -> Done<Open> {
    let owed = owed(db, receiver, "n.receiver = ?1", values![receiver])?;
    let mut messages = db.all(
        "SELECT * FROM message WHERE receiver = ?1 AND state = 'due' ORDER BY created_at, id",
        values![receiver],
        |row| Ok((message(row)?, from_json(row, "settled")?)),
    )?;
    // Messages of the same moment stand in the order in which their first notifications became owed.
    let mut first: BTreeMap<&MessageId, usize> = BTreeMap::new();
    for (place, owed) in owed.iter().enumerate() {
        owed.message.iter().for_each(|message| _ = first.entry(message).or_insert(place));
    }
    messages.sort_by_key(|(message, _): &(Message, _)| (message.created_at, first.get(&message.id).copied()));
    Ok(Open { owed, messages, silences: silences::all(db)?, reception: receivers::of(db, receiver)? })
}

/// The notifications in a message, and what else is owed to its receiver about the same alerts.
pub(super) fn open_for(db: &dyn Driver, receiver: &str, message: &MessageId) -> Done<Open> {
    let chosen = "n.receiver = ?1 AND n.alert IN (SELECT alert FROM notification WHERE message = ?2)";
    let owed = owed(db, receiver, chosen, values![receiver, &message.0])?;
    Ok(Open { owed, silences: silences::all(db)?, ..Open::default() })
}

fn owed(db: &dyn Driver, receiver: &str, chosen: &str, values: &[SqlValue]) -> Done<Vec<Owed>> {
    let audiences = audiences(db, receiver)?;
    db.all(
        &format!(
            "SELECT n.id AS number, n.alert, n.receiver, n.event, n.step, n.template, n.due_at, n.message, n.told, \
             n.tried_since, \
             (SELECT count(*) FROM notification f WHERE f.alert = n.alert AND f.receiver = n.receiver \
              AND f.event <> 'resolved' AND f.told = 1) AS told_of_beginning, \
             (SELECT count(*) FROM message m WHERE m.id = n.message AND m.settled <> '[]') AS partly_settled, \
             a.* FROM notification n JOIN alert a ON a.id = n.alert WHERE n.state = 'owed' AND {chosen} ORDER BY n.id"
        ),
        values,
        |row| {
            let notification = rows::notification(row)?;
            let audience = match notification.event {
                Event::Resolved => audiences.get(&notification.alert).cloned().unwrap_or_else(|| Some(BTreeSet::new())),
                Event::Fired | Event::Repeated => None,
            };
            Ok(Owed {
                id: NotificationId(row.get("number")?),
                notification,
                alert: rows::alert(row)?,
                message: row.get::<Option<String>>("message")?.map(MessageId),
                told: row.get("told")?,
                partly_settled: row.get("partly_settled")?,
                told_of_beginning: row.get("told_of_beginning")?,
                audience: audience.map(|persons| persons.into_iter().collect()),
                tried_since: rows::maybe_time(row, "tried_since")?,
            })
        },
    )
}

/// For each alert whose end is owed to a receiver: the persons who know of its beginning; `None`: all whom the receiver
/// reaches.
fn audiences(db: &dyn Driver, receiver: &str) -> Done<BTreeMap<AlertId, Option<BTreeSet<String>>>> {
    let told = db.all(
        "SELECT f.alert, f.persons FROM notification n JOIN notification f ON f.alert = n.alert \
         AND f.receiver = n.receiver WHERE n.receiver = ?1 AND n.state = 'owed' AND n.event = 'resolved' \
         AND f.event <> 'resolved' AND f.told = 1",
        values![receiver],
        |row| Ok((AlertId(row.get("alert")?), rows::maybe_json::<BTreeSet<String>>(row, "persons")?)),
    )?;
    let mut audiences = BTreeMap::new();
    for (alert, persons) in told {
        let known: &mut Option<BTreeSet<String>> = audiences.entry(alert).or_insert_with(|| Some(BTreeSet::new()));
        *known = known.take().zip(persons).map(|(known, persons)| known.into_iter().chain(persons).collect());
    }
    Ok(audiences)
}

pub(super) fn message(row: &dyn Row) -> Done<Message> {
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

/// Messages of a receiver that are under way and may have arrived. A mail whose first envelope has not begun has reached
/// nobody.
const FLYING: &str = "receiver = ?1 AND in_flight = 1 AND state = 'due' AND coalesce(trying, '') <> '[]'";

/// Attempts whose outcome nobody waits for any more, of one receiver or of all: such a message may have arrived.
pub(super) fn interrupted(db: &dyn Driver, receiver: Option<&str>, now: Timestamp) -> Done<()> {
    let receivers = match receiver {
        Some(receiver) => vec![receiver.to_owned()],
        None => db.all(
            "SELECT DISTINCT receiver FROM message WHERE in_flight = 1 AND state = 'due' ORDER BY receiver",
            &[],
            |row| row.get("receiver"),
        )?,
    };
    let chosen = format!("n.message IN (SELECT id FROM message WHERE {FLYING})");
    for receiver in &receivers {
        history::of_notifications(db, Happened::Ambiguous, now, detail::CUT_OFF, (&chosen, receiver.into()))?;
        mark_tried(db, FLYING, values![receiver])?;
        db.execute(&format!("UPDATE message SET in_flight = 0, ambiguous = 1 WHERE {FLYING}"), values![receiver])?;
        db.execute(
            "UPDATE message SET in_flight = 0 WHERE receiver = ?1 AND in_flight = 1 AND state = 'due'",
            values![receiver],
        )?;
    }
    Ok(())
}

/// What waits, by receiver.
pub(super) fn waiting(db: &dyn Driver) -> Done<Vec<Waiting>> {
    let counts = db.all(
        "SELECT receiver, count(*) AS notifications FROM notification WHERE state = 'owed' GROUP BY receiver \
         ORDER BY receiver",
        &[],
        |row| Ok((row.get::<String>("receiver")?, row.get("notifications")?)),
    )?;
    counts
        .into_iter()
        .map(|(receiver, notifications)| {
            let next = db.first(
                "SELECT m.next_at, m.last_error, r.not_before FROM message m LEFT JOIN receiver r ON r.name = m.receiver \
                 WHERE m.receiver = ?1 AND m.state = 'due' ORDER BY m.next_at LIMIT 1",
                values![&receiver],
                |row| {
                    // Not before the time at which the receiver itself is tried again.
                    let at = rows::time(row, "next_at")?.max(rows::maybe_time(row, "not_before")?.unwrap_or_default());
                    Ok((at, row.get("last_error")?))
                },
            )?;
            let (next_at, last_error) = next.map_or((None, String::new()), |(at, error)| (Some(at), error));
            Ok(Waiting { receiver, notifications, next_at, last_error })
        })
        .collect()
}

/// Every notification with its state.
pub(super) fn all(db: &dyn Driver) -> Done<Vec<(Notification, String)>> {
    db.all("SELECT n.*, a.rule, a.inbox FROM notification n JOIN alert a ON a.id = n.alert ORDER BY n.id", &[], |row| {
        Ok((rows::notification(row)?, row.get("state")?))
    })
}
