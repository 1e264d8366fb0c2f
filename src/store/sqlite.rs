//! The driver for SQLite: one file, its lock, its place on the disk, and one thread that owns the connection.

mod connection;
mod file;
mod lineage;
mod lock;
mod mark;
mod migrations;
mod mirror;
mod place;
mod space;
#[cfg(test)]
mod tests;

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{
    Connection,
    types::{ToSql, ToSqlOutput, ValueRef},
};

pub(crate) use connection::{FaultPoints, Writes};
pub(super) use connection::{Opening, Owner};

use super::driver::{Done, Driver, Row, SqlValue, unreadable};

/// When a state changed last, if its mark is still there and its file is not.
pub(super) fn missing(path: &Path) -> Option<Timestamp> {
    if path.exists() { None } else { mark::Mark::of(path).read().map(|known| known.at) }
}

impl Driver for Connection {
    fn execute(&self, sql: &str, values: &[SqlValue]) -> Done<usize> {
        Ok(self.prepare_cached(sql)?.execute(rusqlite::params_from_iter(values))?)
    }

    fn query(&self, sql: &str, values: &[SqlValue], each: &mut dyn FnMut(&dyn Row) -> Done<()>) -> Done<()> {
        let mut statement = self.prepare_cached(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            each(row)?;
        }
        Ok(())
    }
}

impl Row for rusqlite::Row<'_> {
    fn value(&self, column: &str) -> Done<SqlValue> {
        match self.get_ref(column)? {
            ValueRef::Null => Ok(SqlValue::Null),
            ValueRef::Integer(number) => Ok(SqlValue::Number(number)),
            ValueRef::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Ok(SqlValue::Text(text.to_owned())),
                Err(why) => Err(unreadable(column, why)),
            },
            ValueRef::Real(_) | ValueRef::Blob(_) => Err(unreadable(column, "it is neither a number nor a text")),
        }
    }
}

impl ToSql for SqlValue {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}
