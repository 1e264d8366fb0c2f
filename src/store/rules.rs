//! The memory of the rules in the database.

use rusqlite::{Connection, OptionalExtension};

use super::rows::{from_json, json};
use crate::model::RuleMemory;

/// `None`: no version that remembers rules has run yet.
pub(super) fn read(db: &Connection) -> rusqlite::Result<Option<RuleMemory>> {
    db.prepare_cached("SELECT memory FROM rules")?.query_row([], |row| from_json(row, "memory")).optional()
}

/// The caller holds the transaction.
pub(super) fn save(db: &Connection, memory: &RuleMemory) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO rules (one, memory) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET memory = excluded.memory",
    )?
    .execute([json(memory)?])?;
    Ok(())
}

/// Returns what `change` returns.
pub(super) fn change<T>(db: &Connection, change: impl FnOnce(&mut RuleMemory) -> T) -> rusqlite::Result<T> {
    let mut memory = read(db)?.unwrap_or_default();
    let before = memory.clone();
    let given = change(&mut memory);
    if memory != before || read(db)?.is_none() {
        save(db, &memory)?;
    }
    Ok(given)
}
