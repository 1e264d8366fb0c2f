//! What happened, as it is stored.

use jiff::Timestamp;
use rusqlite::{Connection, params, params_from_iter, types::Value};

use super::rows::{self, micros};
use crate::model::{Entry, Happened, history::HistoryQuery};

/// The most entries that are given at once.
const MOST: i64 = 10_000;

/// Adds one entry; the caller holds the transaction.
pub(super) fn write(db: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO history (at, alert, inbox, rule, version, contact, name, happened, who, detail) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        micros(entry.at),
        entry.alert.0,
        entry.inbox,
        entry.rule,
        entry.version,
        entry.contact,
        entry.name,
        entry.happened.name(),
        entry.who,
        entry.detail,
    ])?;
    Ok(())
}

/// What happened to notifications that `chosen` selects (a condition on `n`, with `?4` as its value).
pub(super) fn of_notifications(
    db: &Connection,
    happened: Happened,
    at: Timestamp,
    detail: &str,
    (chosen, value): (&str, Value),
) -> rusqlite::Result<()> {
    db.prepare_cached(&format!(
        "INSERT INTO history (at, alert, inbox, rule, version, contact, name, happened, who, detail) \
         SELECT ?1, a.id, a.inbox, a.rule, a.file, a.contact_id, \
         coalesce((SELECT h.name FROM history h WHERE h.alert = a.id LIMIT 1), a.contact_id), ?2, n.receiver, \
         'step ' || (n.step + 1) || ' ' || n.event || CASE WHEN ?3 = '' THEN '' ELSE ': ' || ?3 END \
         FROM notification n JOIN alert a ON a.id = n.alert WHERE n.state = 'owed' AND {chosen} ORDER BY n.id"
    ))?
    .execute(params![micros(at), happened.name(), detail, value])?;
    Ok(())
}

/// What happened, the oldest first; of very much the newest part.
pub(super) fn read(db: &Connection, asked: &HistoryQuery) -> rusqlite::Result<Vec<Entry>> {
    let mut conditions = vec!["1".to_owned()];
    let mut values: Vec<Value> = Vec::new();
    let mut only = |condition: &str, value: Value| {
        values.push(value);
        conditions.push(format!("{condition} ?{}", values.len()));
    };
    if let Some(since) = asked.since {
        only("at >=", Value::Integer(micros(since)));
    }
    if let Some(rule) = &asked.rule {
        only("rule =", Value::Text(rule.clone()));
    }
    if let Some(contact) = &asked.contact {
        only("contact =", Value::Text(contact.clone()));
    }
    let sql = format!(
        "SELECT * FROM (SELECT * FROM history WHERE {} ORDER BY at DESC, id DESC LIMIT {MOST}) ORDER BY at, id",
        conditions.join(" AND ")
    );
    db.prepare(&sql)?.query_map(params_from_iter(values), rows::entry)?.collect()
}
