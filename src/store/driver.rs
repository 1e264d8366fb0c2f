//! What the operations need of a database: statements with values in, rows out.
//!
//! The statements are in the part of SQL that SQLite and PostgreSQL share: `ON CONFLICT`, `RETURNING`, `count(*) FILTER`
//! and windows; no function of one of them only, no column beside an aggregate, no order that is not written down.
//! Flags are whole numbers, 0 or 1. Parameters are `?1`, `?2`, and so on.

use std::error::Error;

/// A value of a parameter or a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SqlValue {
    Null,
    Number(i64),
    Text(String),
}

/// A statement that failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum DriverError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A column has a value that this program does not write.
    #[error("the column `{column}` cannot be read: {why}")]
    Unreadable { column: String, why: Box<dyn Error + Send + Sync> },
    /// A value cannot be written as JSON.
    #[error("a value cannot be written: {0}")]
    Unwritable(#[from] serde_json::Error),
}

/// The result of a statement.
pub(super) type Done<T> = Result<T, DriverError>;

/// A connection in a transaction.
pub(super) trait Driver {
    /// Runs a statement; returns how many rows it changed.
    fn execute(&self, sql: &str, values: &[SqlValue]) -> Done<usize>;

    /// Runs a query, and calls `each` for every row.
    fn query(&self, sql: &str, values: &[SqlValue], each: &mut dyn FnMut(&dyn Row) -> Done<()>) -> Done<()>;
}

/// A row of a query's result.
pub(super) trait Row {
    fn value(&self, column: &str) -> Done<SqlValue>;
}

impl dyn Driver + '_ {
    /// All rows of a query.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        values: &[SqlValue],
        mut read: impl FnMut(&dyn Row) -> Done<T>,
    ) -> Done<Vec<T>> {
        let mut all = Vec::new();
        self.query(sql, values, &mut |row| {
            all.push(read(row)?);
            Ok(())
        })?;
        Ok(all)
    }

    /// The first row of a query.
    pub(super) fn first<T>(
        &self,
        sql: &str,
        values: &[SqlValue],
        mut read: impl FnMut(&dyn Row) -> Done<T>,
    ) -> Done<Option<T>> {
        let mut first = None;
        self.query(sql, values, &mut |row| {
            if first.is_none() {
                first = Some(read(row)?);
            }
            Ok(())
        })?;
        Ok(first)
    }
}

impl dyn Row + '_ {
    /// A column's value.
    pub(super) fn get<T: FromSqlValue>(&self, column: &str) -> Done<T> {
        T::from(self.value(column)?).map_err(|why| unreadable(column, why))
    }
}

/// The error about a column's value.
pub(super) fn unreadable(column: &str, why: impl Into<Box<dyn Error + Send + Sync>>) -> DriverError {
    DriverError::Unreadable { column: column.to_owned(), why: why.into() }
}

/// A list of parameters from `from` on, one for each value, for `IN`; nothing is in the list of no values.
pub(super) fn parameters(from: usize, count: usize) -> String {
    if count == 0 {
        return "(SELECT '' WHERE 1 = 0)".to_owned();
    }
    let all: Vec<String> = (from..from + count).map(|number| format!("?{number}")).collect();
    format!("({})", all.join(", "))
}

/// The parameters of a statement.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::store::driver::SqlValue::from($value)),*] };
}
pub(super) use values;

/// A type that a column can have.
pub(super) trait FromSqlValue: Sized {
    /// # Errors
    /// Why the value is not one.
    fn from(value: SqlValue) -> Result<Self, String>;
}

impl FromSqlValue for i64 {
    fn from(value: SqlValue) -> Result<Self, String> {
        match value {
            SqlValue::Number(number) => Ok(number),
            SqlValue::Null => Err("it is empty".to_owned()),
            SqlValue::Text(_) => Err("it is a text, not a number".to_owned()),
        }
    }
}

impl FromSqlValue for u32 {
    fn from(value: SqlValue) -> Result<Self, String> {
        <i64 as FromSqlValue>::from(value)?.try_into().map_err(|_| "the number is too large or negative".to_owned())
    }
}

impl FromSqlValue for usize {
    fn from(value: SqlValue) -> Result<Self, String> {
        <i64 as FromSqlValue>::from(value)?.try_into().map_err(|_| "the number is too large or negative".to_owned())
    }
}

impl FromSqlValue for bool {
    fn from(value: SqlValue) -> Result<Self, String> {
        <i64 as FromSqlValue>::from(value).map(|number| number != 0)
    }
}

impl FromSqlValue for String {
    fn from(value: SqlValue) -> Result<Self, String> {
        match value {
            SqlValue::Text(text) => Ok(text),
            SqlValue::Null => Err("it is empty".to_owned()),
            SqlValue::Number(_) => Err("it is a number, not a text".to_owned()),
        }
    }
}

impl<T: FromSqlValue> FromSqlValue for Option<T> {
    fn from(value: SqlValue) -> Result<Self, String> {
        if value == SqlValue::Null { Ok(None) } else { T::from(value).map(Some) }
    }
}

impl From<i64> for SqlValue {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for SqlValue {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for SqlValue {
    fn from(flag: bool) -> Self {
        Self::Number(flag.into())
    }
}

impl From<&str> for SqlValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for SqlValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for SqlValue {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl<T: Into<SqlValue>> From<Option<T>> for SqlValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
