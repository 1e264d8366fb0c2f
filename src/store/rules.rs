//! The memory of the rules in the database.

use super::driver::{Done, Driver, values};
use super::rows::{from_json, json};
use crate::model::RuleMemory;

/// `None`: no version that remembers rules has run yet.
pub(super) fn read(db: &dyn Driver) -> Done<Option<RuleMemory>> {
    db.first("SELECT memory FROM rules", &[], |row| from_json(row, "memory"))
}

/// The caller holds the transaction.
pub(super) fn save(db: &dyn Driver, memory: &RuleMemory) -> Done<()> {
    db.execute(
        "INSERT INTO rules (one, memory) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET memory = excluded.memory",
        values![json(memory)?],
    )?;
    Ok(())
}

/// Returns what `change` returns.
pub(super) fn change<T>(db: &dyn Driver, change: impl FnOnce(&mut RuleMemory) -> T) -> Done<T> {
    let mut memory = read(db)?.unwrap_or_default();
    let before = memory.clone();
    let given = change(&mut memory);
    if memory != before || read(db)?.is_none() {
        save(db, &memory)?;
    }
    Ok(given)
}
