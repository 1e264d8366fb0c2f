//! Conversion between nouns and columns.

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use super::driver::{Done, Row, unreadable};
use crate::model::{
    Ack, Alert, AlertId, Assignment, Contact, Entry, Event, Happened, Notification, PendingResolve, Reason, Resolution,
    RuleVersion, Silence,
};

/// A time as a column.
pub(super) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A column as a time.
pub(super) fn time(row: &dyn Row, column: &str) -> Done<Timestamp> {
    Timestamp::from_microsecond(row.get(column)?).map_err(|error| unreadable(column, error))
}

/// A column that may be null as a time.
pub(super) fn maybe_time(row: &dyn Row, column: &str) -> Done<Option<Timestamp>> {
    let micros: Option<i64> = row.get(column)?;
    micros.map(|micros| Timestamp::from_microsecond(micros).map_err(|error| unreadable(column, error))).transpose()
}

/// A value as a JSON column.
pub(super) fn json<T: Serialize>(value: &T) -> Done<String> {
    Ok(serde_json::to_string(value)?)
}

/// A JSON column as a value.
pub(super) fn from_json<T: DeserializeOwned>(row: &dyn Row, column: &str) -> Done<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| unreadable(column, error))
}

/// A JSON column that may be null as a value.
pub(super) fn maybe_json<T: DeserializeOwned>(row: &dyn Row, column: &str) -> Done<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| unreadable(column, error))).transpose()
}

/// A JSON column as a contact.
pub(super) fn contact(row: &dyn Row) -> Done<Contact> {
    Contact::read(from_json(row, "contact")?).map_err(|error| unreadable("contact", error))
}

/// A row of `alert`.
pub(super) fn alert(row: &dyn Row) -> Done<Alert> {
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
        first_seen: time(row, "first_seen")?,
        fired_at: maybe_time(row, "fired_at")?,
        lapse: lapse(row)?,
        resolution,
        ack: ack(row)?,
        missed_walks: row.get("missed_walks")?,
        assigned: Assignment { agent: row.get("charge_agent")?, status: row.get("charge_status")? },
        version: RuleVersion { file: row.get("file")?, condition: row.get("condition")?, timing: row.get("timing")? },
        steps: from_json(row, "steps")?,
    })
}

fn lapse(row: &dyn Row) -> Done<Option<PendingResolve>> {
    let Some(at) = maybe_time(row, "lapsed_at")? else { return Ok(None) };
    let name: Option<String> = row.get("lapse_reason")?;
    let reason = name.and_then(|name| Reason::from_name(&name)).unwrap_or(Reason::NoLongerMatches);
    Ok(Some(PendingResolve { at, ended_at: maybe_time(row, "lapse_ended_at")?.unwrap_or(at), reason }))
}

fn ack(row: &dyn Row) -> Done<Option<Ack>> {
    let Some(at) = maybe_time(row, "acked_at")? else { return Ok(None) };
    let text = |column: &str| row.get::<Option<String>>(column).map(Option::unwrap_or_default);
    Ok(Some(Ack { at, by: text("acked_by")?, comment: text("ack_comment")? }))
}

/// A row of `silence`.
pub(super) fn silence(row: &dyn Row) -> Done<Silence> {
    Ok(Silence {
        id: row.get("id")?,
        matchers: from_json(row, "matchers")?,
        created_at: time(row, "created_at")?,
        ends_at: time(row, "ends_at")?,
        comment: row.get("comment")?,
        created_by: row.get("created_by")?,
    })
}

/// A row of `history`.
pub(super) fn stored_entry(row: &dyn Row) -> Done<Entry> {
    let happened: String = row.get("happened")?;
    let happened = Happened::from_name(&happened).ok_or_else(|| unreadable("happened", "it is not a known name"))?;
    entry(row, time(row, "at")?, happened, row.get("detail")?)
}

/// An entry about the alert that a row names.
pub(super) fn entry(row: &dyn Row, at: Timestamp, happened: Happened, detail: String) -> Done<Entry> {
    Ok(Entry {
        at,
        alert: AlertId(row.get("alert")?),
        inbox: row.get("inbox")?,
        rule: row.get("rule")?,
        version: row.get("version")?,
        contact: row.get("contact")?,
        name: row.get("name")?,
        happened,
        who: row.get("who")?,
        detail,
    })
}

/// A row of `notification` joined with its alert's `rule` and `inbox`.
pub(super) fn notification(row: &dyn Row) -> Done<Notification> {
    Ok(Notification {
        alert: AlertId(row.get("alert")?),
        rule: row.get("rule")?,
        inbox: row.get("inbox")?,
        receiver: row.get("receiver")?,
        step: row.get("step")?,
        event: event(row)?,
        template: row.get("template")?,
        due_at: time(row, "due_at")?,
    })
}

pub(super) fn event(row: &dyn Row) -> Done<Event> {
    let event: String = row.get("event")?;
    Event::from_name(&event).ok_or_else(|| unreadable("event", "it is not a known name"))
}
