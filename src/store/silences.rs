//! The silences in the database.

use jiff::Timestamp;

use super::driver::{Done, Driver, unreadable, values};
use super::rows::{self, json, micros};
use crate::model::Silence;

/// Every silence that is remembered, including those that have ended.
pub(super) fn all(db: &dyn Driver) -> Done<Vec<Silence>> {
    db.all("SELECT * FROM silence ORDER BY ends_at, id", &[], rows::silence)
}

/// Adds a silence and returns its number; the number in `silence` is ignored.
pub(super) fn add(db: &dyn Driver, silence: &Silence) -> Done<i64> {
    let id = db.first(
        "INSERT INTO silence (matchers, created_at, ends_at, comment, created_by) VALUES (?1, ?2, ?3, ?4, ?5) \
         RETURNING id",
        values![
            json(&silence.matchers)?,
            micros(silence.created_at),
            micros(silence.ends_at),
            &silence.comment,
            &silence.created_by
        ],
        |row| row.get("id"),
    )?;
    id.ok_or_else(|| unreadable("id", "no row was added"))
}

/// Ends a silence now, unless it has ended; returns its value from before the change.
pub(super) fn expire(db: &dyn Driver, id: i64, now: Timestamp) -> Done<Option<Silence>> {
    let silence = db.first("SELECT * FROM silence WHERE id = ?1", values![id], rows::silence)?;
    if silence.as_ref().is_some_and(|silence| silence.ends_at > now) {
        db.execute("UPDATE silence SET ends_at = ?2 WHERE id = ?1", values![id, micros(now)])?;
    }
    Ok(silence)
}
