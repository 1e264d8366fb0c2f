//! State of the inboxes: snapshot and commit.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::rows::{self, from_json, json, micros};
use crate::model::{Alert, AlertId, Candidate, Changes, Snapshot, Told};

/// What is remembered of an inbox.
pub fn snapshot(db: &Connection, inbox: &str) -> rusqlite::Result<Snapshot> {
    let alerts = db
        .prepare_cached("SELECT * FROM alert WHERE inbox = ?1 AND resolved_at IS NULL ORDER BY since, id")?
        .query_map([inbox], rows::alert)?
        .collect::<rusqlite::Result<_>>()?;
    let candidates = db
        .prepare_cached("SELECT * FROM candidate WHERE inbox = ?1 ORDER BY first_seen, contact_id, rule")?
        .query_map([inbox], |row| {
            Ok(Candidate {
                inbox: row.get("inbox")?,
                rule: row.get("rule")?,
                contact: rows::contact(row)?,
                first_seen: rows::time(row, "first_seen")?,
                missed_walks: row.get("missed_walks")?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let told = db
        .prepare_cached(
            "SELECT n.alert, n.receiver, n.step, n.template FROM notification n JOIN alert a ON a.id = n.alert \
             WHERE a.inbox = ?1 AND a.resolved_at IS NULL AND n.event = 'fired' AND (n.told OR n.state = 'owed') \
             ORDER BY n.id",
        )?
        .query_map([inbox], |row| {
            Ok(Told {
                alert: AlertId(row.get("alert")?),
                receiver: row.get("receiver")?,
                step: row.get("step")?,
                template: row.get("template")?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let memory = db
        .prepare_cached("SELECT memory FROM inbox WHERE name = ?1")?
        .query_row([inbox], |row| from_json(row, "memory"))
        .optional()?
        .unwrap_or_default();
    Ok(Snapshot { alerts, candidates, told, memory })
}

/// Every episode that is remembered, of all inboxes.
pub fn episodes(db: &Connection) -> rusqlite::Result<Vec<Alert>> {
    db.prepare_cached("SELECT * FROM alert ORDER BY since, id")?.query_map([], rows::alert)?.collect()
}

/// Writes what one tick changed; the caller holds the transaction.
pub fn commit(db: &Connection, inbox: &str, changes: &Changes) -> rusqlite::Result<()> {
    for alert in &changes.alerts {
        save(db, alert)?;
    }
    for (rule, contact) in &changes.dropped {
        db.prepare_cached("DELETE FROM candidate WHERE inbox = ?1 AND rule = ?2 AND contact_id = ?3")?
            .execute(params![inbox, rule, contact.0])?;
    }
    for candidate in &changes.candidates {
        db.prepare_cached(
            "INSERT OR REPLACE INTO candidate (inbox, rule, contact_id, contact, first_seen, missed_walks) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            inbox,
            candidate.rule,
            candidate.contact.id,
            json(&candidate.contact.json())?,
            micros(candidate.first_seen),
            candidate.missed_walks,
        ])?;
    }
    for owed in &changes.owed {
        db.prepare_cached(
            "INSERT INTO notification (alert, receiver, event, step, template, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            owed.alert.0,
            owed.receiver,
            owed.event.name(),
            owed.step,
            owed.template,
            micros(owed.due_at)
        ])?;
    }
    if let Some(memory) = &changes.memory {
        db.prepare_cached(
            "INSERT INTO inbox (name, memory) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET memory = excluded.memory",
        )?
        .execute(params![inbox, json(memory)?])?;
    }
    Ok(())
}

fn save(db: &Connection, alert: &Alert) -> rusqlite::Result<()> {
    let resolution = alert.resolution.as_ref();
    db.prepare_cached(
        "INSERT INTO alert (id, inbox, rule, contact_id, contact, since, fired_at, resolved_at, ended_at, reason, \
         missed_walks, condition) \
         VALUES (:id, :inbox, :rule, :contact_id, :contact, :since, :fired_at, :resolved_at, :ended_at, :reason, \
         :missed_walks, :condition) \
         ON CONFLICT (id) DO UPDATE SET contact = excluded.contact, resolved_at = excluded.resolved_at, \
         ended_at = excluded.ended_at, reason = excluded.reason, missed_walks = excluded.missed_walks, \
         condition = excluded.condition",
    )?
    .execute(named_params! {
        ":id": alert.id.0,
        ":inbox": alert.inbox,
        ":rule": alert.rule,
        ":contact_id": alert.contact.id,
        ":contact": json(&alert.contact.json())?,
        ":since": micros(alert.since),
        ":fired_at": micros(alert.fired_at),
        ":resolved_at": resolution.map(|resolution| micros(resolution.at)),
        ":ended_at": resolution.map(|resolution| micros(resolution.ended_at)),
        ":reason": resolution.map(|resolution| resolution.reason.name()),
        ":missed_walks": alert.missed_walks,
        ":condition": alert.condition,
    })?;
    Ok(())
}

/// The times of an inbox's last requests.
pub fn requests(db: &Connection, inbox: &str) -> rusqlite::Result<Vec<Timestamp>> {
    let times: Option<Vec<i64>> = db
        .prepare_cached("SELECT requests FROM inbox WHERE name = ?1")?
        .query_row([inbox], |row| from_json(row, "requests"))
        .optional()?;
    Ok(times.unwrap_or_default().into_iter().filter_map(|micros| Timestamp::from_microsecond(micros).ok()).collect())
}

/// Remembers the times of an inbox's last requests.
pub fn save_requests(db: &Connection, inbox: &str, times: &[Timestamp]) -> rusqlite::Result<()> {
    let times: Vec<i64> = times.iter().copied().map(micros).collect();
    db.prepare_cached(
        "INSERT INTO inbox (name, requests) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET requests = excluded.requests",
    )?
    .execute(params![inbox, json(&times)?])?;
    Ok(())
}

/// Forgets alerts that ended before `before` and owe nothing any more, with their notifications, and
/// the messages that are left without one.
pub fn prune(db: &Connection, before: Timestamp) -> rusqlite::Result<usize> {
    let gone = db.execute(
        "DELETE FROM alert WHERE resolved_at < ?1 \
         AND NOT EXISTS (SELECT 1 FROM notification n WHERE n.alert = alert.id AND n.state = 'owed')",
        [micros(before)],
    )?;
    db.execute(
        "DELETE FROM message WHERE state <> 'due' AND closed_at < ?1 \
         AND NOT EXISTS (SELECT 1 FROM notification n WHERE n.message = message.id)",
        [micros(before)],
    )?;
    Ok(gone)
}
