//! Numbered files that bring a store to this program's format; each is applied once, in a transaction.

use rusqlite::{Connection, TransactionBehavior};

/// By number, from 1.
const FILES: [&str; 6] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
];

/// The newest format that this program knows.
pub(super) fn newest() -> u32 {
    u32::try_from(FILES.len()).unwrap_or(u32::MAX)
}

/// The format of a store; 0 for an empty one.
pub(super) fn format(db: &Connection) -> rusqlite::Result<u32> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Applies the missing migrations with the check of references between tables switched off, because replacing a table
/// would otherwise delete the rows that refer to it. It is switched on afterwards.
pub(super) fn apply(db: &mut Connection) -> rusqlite::Result<()> {
    db.pragma_update(None, "foreign_keys", false)?;
    apply_missing(db)?;
    db.pragma_update(None, "foreign_keys", true)
}

fn apply_missing(db: &mut Connection) -> rusqlite::Result<()> {
    // A process that only reads must not wait for one that writes.
    if format(db)? == newest() {
        return Ok(());
    }
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read inside the transaction: another process may have been faster.
    let from = format(&transaction)?;
    for (number, sql) in (1..).zip(FILES) {
        if number > from {
            transaction.execute_batch(sql)?;
            transaction.pragma_update(None, "user_version", number)?;
        }
    }
    transaction.commit()
}
