//! Nouns ↔ columns.

use jiff::Timestamp;
use rusqlite::{Row, types::Type};
use serde::{Serialize, de::DeserializeOwned};

use crate::model::{Alert, AlertId, Contact, Event, Notification, Reason, Resolution};

/// A time as a column.
pub fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A column as a time.
pub fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(row.get(column)?).map_err(|error| wrong(column, error))
}

/// A column that may be null as a time.
pub fn maybe_time(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    let micros: Option<i64> = row.get(column)?;
    micros.map(|micros| Timestamp::from_microsecond(micros).map_err(|error| wrong(column, error))).transpose()
}

/// A value as a JSON column.
pub fn json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// A JSON column as a value.
pub fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| wrong(column, error))
}

/// A JSON column as a contact.
pub fn contact(row: &Row<'_>) -> rusqlite::Result<Contact> {
    Contact::read(from_json(row, "contact")?).map_err(|error| wrong("contact", error))
}

/// A row of `alert`.
pub fn alert(row: &Row<'_>) -> rusqlite::Result<Alert> {
    let resolution = match maybe_time(row, "resolved_at")? {
        None => None,
        Some(at) => {
            let name: String = row.get("reason")?;
            let reason = Reason::from_name(&name).unwrap_or(Reason::NoLongerMatches);
            Some(Resolution { at, ended_at: maybe_time(row, "ended_at")?.unwrap_or(at), reason })
        }
    };
    Ok(Alert {
        id: AlertId(row.get("id")?),
        inbox: row.get("inbox")?,
        rule: row.get("rule")?,
        contact: contact(row)?,
        since: time(row, "since")?,
        fired_at: time(row, "fired_at")?,
        resolution,
        missed_walks: row.get("missed_walks")?,
        condition: row.get("condition")?,
    })
}

/// A row of `notification` joined with its alert's `rule` and `inbox`.
pub fn notification(row: &Row<'_>) -> rusqlite::Result<Notification> {
    let event: String = row.get("event")?;
    Ok(Notification {
        alert: AlertId(row.get("alert")?),
        rule: row.get("rule")?,
        inbox: row.get("inbox")?,
        receiver: row.get("receiver")?,
        step: row.get("step")?,
        event: Event::from_name(&event).ok_or_else(|| wrong("event", std::fmt::Error))?,
        template: row.get("template")?,
        due_at: time(row, "due_at")?,
    })
}

fn wrong(column: &str, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    let _ = column;
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}
