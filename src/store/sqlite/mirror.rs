//! A copy in memory of the living part of the state: the file may be written over while it is open.
//!
//! It has everything except what is over: open alerts and who knows of them, what is owed, silences, receivers, the
//! inboxes' memory. It copies the rows that each transaction changed, and does not know what they mean.

use std::{collections::HashSet, path::Path, sync::Arc};

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, params_from_iter, types::Value};

use super::migrations;

/// Tables that are not copied: what is over, and what the next poll finds anyhow.
const WITHOUT: [&str; 2] = ["history", "candidate"];

/// An alert lives while it is open, and while one of its notifications is owed.
const ALERT_LIVES: &str = "(t.resolved_at IS NULL OR EXISTS (SELECT 1 FROM {db}.notification o WHERE o.alert = t.id \
                           AND o.state = 'owed'))";

/// Rows that were changed, by table.
type Changed = Arc<Mutex<HashSet<(String, i64)>>>;

/// One table, and how a row of it is copied.
#[derive(Debug)]
struct Table {
    name: String,
    /// Its columns, and the row's number unless a column is the row's number.
    columns: String,
    values: String,
}

/// The living part of one state.
pub(super) struct Mirror {
    db: Connection,
    tables: Vec<Table>,
    changed: Changed,
}

impl Mirror {
    /// `db`: the open connection of the state at `path`.
    pub(super) fn of(db: &mut Connection, path: &Path) -> rusqlite::Result<Self> {
        let mut own = Connection::open_in_memory()?;
        own.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        migrations::apply(&mut own)?;
        own.pragma_update(None, "foreign_keys", false)?;
        let tables = tables(&own)?;
        let mut mirror = Self { db: own, tables, changed: Arc::default() };
        mirror.follow(db, path)?;
        Ok(mirror)
    }

    /// Follows another connection, beginning with the state as it is at `path` now.
    pub(super) fn follow(&mut self, db: &mut Connection, path: &Path) -> rusqlite::Result<()> {
        let changed = Arc::clone(&self.changed);
        db.update_hook(Some(move |_, _: &str, table: &str, row| {
            changed.lock().insert((table.to_owned(), row));
        }))?;
        self.read_anew(path)
    }

    /// Reads the whole file again, because another process has written.
    pub(super) fn read_anew(&mut self, path: &Path) -> rusqlite::Result<()> {
        self.changed.lock().clear();
        let tables = &self.tables;
        beside(&mut self.db, path, |own| {
            let transaction = own.transaction()?;
            for table in tables {
                let (name, columns) = (&table.name, &table.columns);
                transaction.execute(&format!("DELETE FROM main.{name}"), [])?;
                let lives = lives(name, "beside");
                transaction.execute(
                    &format!(
                        "INSERT INTO main.{name} ({columns}) SELECT {columns} FROM beside.{name} AS t WHERE {lives}"
                    ),
                    [],
                )?;
            }
            transaction.commit()
        })
    }

    /// Copies the rows that the last transaction changed.
    pub(super) fn take_in(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let changed = std::mem::take(&mut *self.changed.lock());
        if changed.is_empty() {
            return Ok(());
        }
        let transaction = self.db.transaction()?;
        for (name, row) in changed {
            let Some(table) = self.tables.iter().find(|table| table.name == name) else { continue };
            let Table { columns, values, .. } = table;
            let found: Option<Vec<Value>> = db
                .prepare_cached(&format!("SELECT {columns} FROM {name} WHERE rowid = ?1"))?
                .query_row([row], |found| (0..found.as_ref().column_count()).map(|column| found.get(column)).collect())
                .optional()?;
            match found {
                Some(found) => transaction
                    .prepare_cached(&format!("INSERT OR REPLACE INTO {name} ({columns}) VALUES ({values})"))?
                    .execute(params_from_iter(found))?,
                None => transaction.prepare_cached(&format!("DELETE FROM {name} WHERE rowid = ?1"))?.execute([row])?,
            };
        }
        // Alerts before notifications: whether an alert lives depends on its notifications.
        for name in ["alert", "notification", "message"] {
            transaction
                .prepare_cached(&format!(
                    "DELETE FROM main.{name} WHERE rowid IN (SELECT t.rowid FROM main.{name} AS t WHERE NOT {})",
                    lives(name, "main")
                ))?
                .execute([])?;
        }
        transaction.commit()
    }

    /// Whether the living part of the state at `path` is the same, and the file is not damaged. `others`: another
    /// process has written meanwhile, so that the file may be newer.
    pub(super) fn is_like(&mut self, path: &Path, others: bool) -> bool {
        let tables = &self.tables;
        let compare = |own: &mut Connection| {
            let is_behind = "SELECT EXISTS (SELECT 1 FROM main.store m, beside.store b \
                             WHERE m.id <> b.id OR m.commits > b.commits)";
            if own.query_row(is_behind, [], |row| row.get(0))? {
                return Ok(false);
            }
            for Table { name, columns, .. } in tables.iter().filter(|_| !others) {
                let part = |db: &str| format!("SELECT {columns} FROM {db}.{name} AS t WHERE {}", lives(name, db));
                for (one, other) in [("main", "beside"), ("beside", "main")] {
                    let sql = format!("SELECT EXISTS ({} EXCEPT {})", part(one), part(other));
                    if own.query_row(&sql, [], |row| row.get(0))? {
                        return Ok(false);
                    }
                }
            }
            let found: String = own.query_row("PRAGMA beside.quick_check(1)", [], |row| row.get(0))?;
            Ok(found == "ok")
        };
        beside(&mut self.db, path, compare).unwrap_or(false)
    }

    /// The living part, to be written to a file.
    pub(super) fn db(&self) -> &Connection {
        &self.db
    }
}

/// Runs work with the file at `path` attached as `beside`.
pub(super) fn beside<T>(
    db: &mut Connection,
    path: &Path,
    work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    db.execute("ATTACH ?1 AS beside", [path.to_string_lossy()])?;
    let done = work(db);
    db.execute("DETACH beside", [])?;
    done
}

fn lives(table: &str, db: &str) -> String {
    let alert = ALERT_LIVES.replace("{db}", db);
    let of_alert = |which: &str| format!("{which} IN (SELECT t.id FROM {db}.alert AS t WHERE {alert})");
    match table {
        "alert" => alert,
        "notification" => of_alert("t.alert"),
        "message" => format!(
            "(t.state IN ('due', 'dead') OR t.id IN (SELECT n.message FROM {db}.notification n WHERE {}))",
            of_alert("n.alert")
        ),
        _ => "1".to_owned(),
    }
}

fn tables(db: &Connection) -> rusqlite::Result<Vec<Table>> {
    let names: Vec<String> = db
        .prepare(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT wr ORDER BY name",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    names
        .into_iter()
        .filter(|name| !name.starts_with("sqlite_") && !WITHOUT.contains(&name.as_str()))
        .map(|name| {
            let mut columns: Vec<(String, bool)> = db
                .prepare("SELECT name, pk = 1 AND type = 'INTEGER' FROM pragma_table_info(?1)")?
                .query_map([&name], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            if !columns.iter().any(|(_, is_number)| *is_number) {
                columns.insert(0, ("rowid".to_owned(), true));
            }
            let values = (1..=columns.len()).map(|place| format!("?{place}")).collect::<Vec<_>>().join(", ");
            let columns = columns.into_iter().map(|(column, _)| column).collect::<Vec<_>>().join(", ");
            Ok(Table { name, columns, values })
        })
        .collect()
}
