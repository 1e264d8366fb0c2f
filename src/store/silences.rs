//! The silences in the database.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{self, json, micros};
use crate::model::Silence;

/// Every silence that is remembered, including those that have ended.
pub(super) fn all(db: &Connection) -> rusqlite::Result<Vec<Silence>> {
    db.prepare_cached("SELECT * FROM silence ORDER BY ends_at, id")?.query_map([], rows::silence)?.collect()
}

/// Adds a silence and returns its number; the number in `silence` is ignored.
pub(super) fn add(db: &Connection, silence: &Silence) -> rusqlite::Result<i64> {
    db.prepare_cached(
        "INSERT INTO silence (matchers, created_at, ends_at, comment, created_by) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        json(&silence.matchers)?,
        micros(silence.created_at),
        micros(silence.ends_at),
        silence.comment,
        silence.created_by
    ])?;
    Ok(db.last_insert_rowid())
}

/// Ends a silence now, unless it has ended; returns its value from before the change.
pub(super) fn expire(db: &Connection, id: i64, now: Timestamp) -> rusqlite::Result<Option<Silence>> {
    let silence =
        db.prepare_cached("SELECT * FROM silence WHERE id = ?1")?.query_row([id], rows::silence).optional()?;
    if silence.as_ref().is_some_and(|silence| silence.ends_at > now) {
        db.prepare_cached("UPDATE silence SET ends_at = ?2 WHERE id = ?1")?.execute(params![id, micros(now)])?;
    }
    Ok(silence)
}
