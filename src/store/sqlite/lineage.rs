//! Which state this is, how far it has come, and how it was last lost.

use jiff::Timestamp;
use rusqlite::Connection;

use crate::{
    model::{Found, Loss, alert::short_hash},
    store::{
        driver::{Done, Driver, Row, unreadable, values},
        rows::{self, json, micros},
    },
};

/// The identity of a state, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lineage {
    /// The same in every copy of the state.
    pub id: String,
    pub commits: i64,
    /// When the last commit was, by the machine's clock; shown to people only.
    pub at: Timestamp,
}

/// The machine's time, by SQLite. It is recorded beside a decision and no decision depends on it, so a caller does not
/// have to pass the time.
const NOW: &str = "CAST(unixepoch('subsec') * 1000000 AS INTEGER)";

pub(super) fn now(db: &dyn Driver) -> Done<Timestamp> {
    one(db, &format!("SELECT {NOW} AS at"), |row| rows::time(row, "at"))
}

/// The row of a table that has exactly one.
fn one<T>(db: &dyn Driver, sql: &str, read: impl FnMut(&dyn Row) -> Done<T>) -> Done<T> {
    db.first(sql, &[], read)?.ok_or_else(|| unreadable("id", "the state has lost its own row"))
}

/// The lineage in a connection's file.
pub(super) fn of(db: &dyn Driver) -> Done<Lineage> {
    one(db, "SELECT id, commits, committed_at FROM store", read)
}

fn read(row: &dyn Row) -> Done<Lineage> {
    Ok(Lineage { id: row.get("id")?, commits: row.get("commits")?, at: rows::time(row, "committed_at")? })
}

/// Counts one more transaction; the caller holds it.
pub(super) fn count(db: &dyn Driver) -> Done<Lineage> {
    let sql =
        format!("UPDATE store SET commits = commits + 1, committed_at = {NOW} RETURNING id, commits, committed_at");
    one(db, &sql, read)
}

/// How the state was last lost.
pub(super) fn loss(db: &dyn Driver) -> Done<Option<Loss>> {
    let text: Option<String> = one(db, "SELECT loss FROM store", |row| row.get("loss"))?;
    // Somebody else wrote a value that cannot be read; that must not stop the program.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Stores a loss; the caller holds the transaction. `after`: the commit count becomes greater than this.
pub(super) fn lose(db: &dyn Driver, loss: &Loss, after: i64) -> Done<()> {
    db.execute("UPDATE store SET loss = ?1, commits = max(commits, ?2) + 1", values![json(loss)?, after])?;
    Ok(())
}

/// Marks the loss as reported, so that a later loss is reported as well.
pub(super) fn told(db: &dyn Driver, now: Timestamp) -> Done<()> {
    if let Some(loss) = loss(db)?.filter(|loss| loss.told_at.is_none()) {
        let told = Loss { told_at: Some(now), ..loss };
        db.execute("UPDATE store SET loss = ?1", values![json(&told)?])?;
    }
    Ok(())
}

/// Compares a state that is opened with its mark. Stores and returns the loss if the state is older or another one.
pub(super) fn compare(db: &mut Connection, mark: Option<&Lineage>) -> Done<Option<Loss>> {
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
    lose(&*transaction, &loss, after)?;
    transaction.commit()?;
    Ok(Some(loss))
}

impl Lineage {
    /// One line of constant length, with a checksum that shows a torn line.
    pub(super) fn line(&self) -> String {
        let words = format!("pengwatch {} {:020} {:020}", self.id, self.commits, micros(self.at));
        format!("{words} {}\n", short_hash(&words))
    }

    /// The inverse of [`Lineage::line`]; `None` if the checksum is wrong.
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
