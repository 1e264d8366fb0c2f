//! The history in the database.

use jiff::Timestamp;

use super::driver::{Done, Driver, SqlValue, values};
use super::rows::{self, micros};
use crate::model::{
    Entry, Happened, MessageId,
    history::{HistoryQuery, detail},
};

/// At most so many entries are returned at once.
const MOST: i64 = 10_000;

/// Adds one entry; the caller holds the transaction.
pub(super) fn write(db: &dyn Driver, entry: &Entry) -> Done<()> {
    db.execute(
        "INSERT INTO history (at, alert, inbox, rule, version, contact, name, happened, who, detail) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        values![
            micros(entry.at),
            &entry.alert.0,
            &entry.inbox,
            &entry.rule,
            &entry.version,
            &entry.contact,
            &entry.name,
            entry.happened.name(),
            &entry.who,
            &entry.detail,
        ],
    )?;
    Ok(())
}

/// Adds an entry for every owed notification that `chosen` selects: a condition on `n`, with `?1` as its value.
pub(super) fn of_notifications(
    db: &dyn Driver,
    happened: Happened,
    at: Timestamp,
    why: &str,
    (chosen, value): (&str, SqlValue),
) -> Done<()> {
    let entries = db.all(
        &format!(
            "SELECT a.id AS alert, a.inbox, a.rule, a.file AS version, a.contact_id AS contact, n.receiver AS who, \
             coalesce((SELECT h.name FROM history h WHERE h.alert = a.id LIMIT 1), a.contact_id) AS name, \
             n.step, n.event FROM notification n JOIN alert a ON a.id = n.alert \
             WHERE n.state = 'owed' AND {chosen} ORDER BY n.id"
        ),
        &[value],
        |row| {
            let detail = detail::of_step(row.get("step")?, rows::event(row)?, why);
            rows::entry(row, at, happened, detail)
        },
    )?;
    entries.iter().try_for_each(|entry| write(db, entry))
}

/// Adds an entry for every notification in a message.
pub(super) fn of_message(
    db: &dyn Driver,
    happened: Happened,
    at: Timestamp,
    why: &str,
    message: &MessageId,
) -> Done<()> {
    of_notifications(db, happened, at, why, ("n.message = ?1", (&message.0).into()))
}

/// The entries of a query, the oldest first; if there are too many, the newest of them.
pub(super) fn read(db: &dyn Driver, asked: &HistoryQuery) -> Done<Vec<Entry>> {
    let mut conditions = vec!["1 = 1".to_owned()];
    let mut values = Vec::new();
    let mut only = |condition: &str, value: SqlValue| {
        values.push(value);
        conditions.push(format!("{condition} ?{}", values.len()));
    };
    if let Some(since) = asked.since {
        only("at >=", micros(since).into());
    }
    if let Some(rule) = &asked.rule {
        only("rule =", rule.into());
    }
    if let Some(contact) = &asked.contact {
        only("contact =", contact.into());
    }
    let sql = format!(
        "SELECT * FROM (SELECT * FROM history WHERE {} ORDER BY at DESC, id DESC LIMIT {MOST}) AS newest \
         ORDER BY at, id",
        conditions.join(" AND ")
    );
    db.all(&sql, &values, rows::stored_entry)
}
