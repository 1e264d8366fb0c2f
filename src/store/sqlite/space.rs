//! Gives unused room of the file back to the disk, and removes what is left of deleted rows.

use rusqlite::Connection;

/// Pages that are given back in one step, so that other work can run in between.
const AT_ONCE: u32 = 2_000;

/// A file of an earlier version is rewritten if its content is at most this, in bytes; that takes about a second.
const REWRITTEN: i64 = 64 * 1024 * 1024;

/// One step of giving room back; returns whether there may be more to do.
///
/// A file of an earlier version is rewritten once, which also removes what that version left of deleted rows.
pub(super) fn give_back(db: &Connection) -> rusqlite::Result<bool> {
    let number = |name: &str| db.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    let free = number("freelist_count")?;
    if number("auto_vacuum")? == 0 {
        let held = (number("page_count")? - free).saturating_mul(number("page_size")?);
        if held > REWRITTEN {
            tracing::debug!(held, "state.not_rewritten: it is too large; it gives room back once it holds less");
            return Ok(false);
        }
        db.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM")?;
        return Ok(false);
    }
    if free == 0 {
        return Ok(false);
    }
    db.prepare(&format!("PRAGMA incremental_vacuum({AT_ONCE})"))?.query_map([], |_| Ok(()))?.for_each(drop);
    Ok(free > i64::from(AT_ONCE))
}
