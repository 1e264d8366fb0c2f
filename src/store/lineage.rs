//! Which state this is, how far it has come, and how it was last lost.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::rows::{self, json, micros};
use crate::model::{Found, Loss, alert::short_hash};

/// Which state it is, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lineage {
    /// The same in every copy.
    pub id: String,
    pub commits: i64,
    /// When the last one was, by the machine's clock: for people.
    pub at: Timestamp,
}

/// The machine's time, by SQLite. It is written beside what is decided and decides nothing, so that whoever writes
/// need not say what time it is.
const NOW: &str = "CAST(unixepoch('subsec') * 1000000 AS INTEGER)";

/// The machine's time.
pub(super) fn now(db: &Connection) -> rusqlite::Result<Timestamp> {
    db.query_row(&format!("SELECT {NOW} AS at"), [], |row| rows::time(row, "at"))
}

/// Of a connection's file.
pub(super) fn of(db: &Connection) -> rusqlite::Result<Lineage> {
    db.prepare_cached("SELECT id, commits, committed_at FROM store")?.query_row([], read)
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Lineage> {
    Ok(Lineage { id: row.get("id")?, commits: row.get("commits")?, at: rows::time(row, "committed_at")? })
}

/// One transaction more; the caller holds it.
pub(super) fn count(db: &Connection) -> rusqlite::Result<Lineage> {
    let sql =
        format!("UPDATE store SET commits = commits + 1, committed_at = {NOW} RETURNING id, commits, committed_at");
    db.prepare_cached(&sql)?.query_row([], read)
}

/// How the state was last lost.
pub(super) fn loss(db: &Connection) -> rusqlite::Result<Option<Loss>> {
    let text: Option<String> = db.prepare_cached("SELECT loss FROM store")?.query_row([], |row| row.get(0))?;
    // What cannot be read was written by somebody else, and is no reason to stop.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Remembers it; the caller holds the transaction. `after`: it has come further than so many transactions.
pub(super) fn lose(db: &Connection, loss: &Loss, after: i64) -> rusqlite::Result<()> {
    db.execute("UPDATE store SET loss = ?1, commits = max(commits, ?2) + 1", params![json(loss)?, after])?;
    Ok(())
}

/// The loss was told; others than that may be told from now on.
pub(super) fn told(db: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    if let Some(loss) = loss(db)?.filter(|loss| loss.told_at.is_none()) {
        let told = Loss { told_at: Some(now), ..loss };
        db.execute("UPDATE store SET loss = ?1", [json(&told)?])?;
    }
    Ok(())
}

/// What a state that is opened lacks of what is known beside it. It is remembered in it.
pub(super) fn compare(db: &mut Connection, mark: Option<&Lineage>) -> rusqlite::Result<Option<Loss>> {
    let own = of(db)?;
    let Some(known) = mark.filter(|known| known.id != own.id || known.commits > own.commits) else { return Ok(None) };
    let (found, copy_at) = match () {
        () if known.id == own.id => (Found::Older, Some(own.at)),
        () if own.commits == 0 => (Found::Gone, None),
        () => (Found::Other, Some(own.at)),
    };
    let loss = Loss { copy_at, newest_at: Some(known.at), ..Loss::new(found, now(db)?) };
    let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let after = if found == Found::Older { known.commits } else { own.commits };
    lose(&transaction, &loss, after)?;
    transaction.commit()?;
    Ok(Some(loss))
}

impl Lineage {
    /// As one line of the same length whatever it says, with a sum that a torn one does not have.
    pub(super) fn line(&self) -> String {
        let words = format!("pengwatch {} {:020} {:020}", self.id, self.commits, micros(self.at));
        format!("{words} {}\n", short_hash(&words))
    }

    /// From such a line.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (words, sum) = line.lines().next()?.rsplit_once(' ')?;
        if sum != short_hash(words) {
            return None;
        }
        let mut words = words.split(' ').skip(1);
        let (id, commits, at) = (words.next()?, words.next()?, words.next()?);
        let at = Timestamp::from_microsecond(at.parse().ok()?).ok()?;
        Some(Self { id: id.to_owned(), commits: commits.parse().ok()?, at })
    }
}
