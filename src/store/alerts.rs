//! The state of the inboxes in the database: snapshot and commit.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, named_params, params};
use serde::{Deserialize, Serialize};

use super::{
    history,
    rows::{self, from_json, json, micros},
    silences,
};
use crate::model::{Ack, Alert, AlertId, Candidate, Changes, Entry, Happened, InboxMemory, Snapshot, ToldReceiver};

pub(super) fn snapshot(db: &Connection, inbox: &str) -> rusqlite::Result<Snapshot> {
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
                file: row.get("file")?,
                contact: rows::contact(row)?,
                first_seen: rows::time(row, "first_seen")?,
                missed_walks: row.get("missed_walks")?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let told = db
        .prepare_cached(
            "SELECT n.alert, n.receiver, n.step, n.template FROM notification n JOIN alert a ON a.id = n.alert \
             WHERE a.inbox = ?1 AND a.resolved_at IS NULL AND n.event <> 'resolved' AND (n.told OR n.state = 'owed') \
             ORDER BY n.id",
        )?
        .query_map([inbox], |row| {
            Ok(ToldReceiver {
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
    let silences = silences::all(db)?;
    Ok(Snapshot { alerts, candidates, told, silences, memory })
}

/// Every episode that is remembered, of all inboxes.
pub(super) fn episodes(db: &Connection) -> rusqlite::Result<Vec<Alert>> {
    db.prepare_cached("SELECT * FROM alert ORDER BY since, id")?.query_map([], rows::alert)?.collect()
}

/// Writes what one tick changed; the caller holds the transaction.
pub(super) fn commit(db: &Connection, inbox: &str, changes: &Changes) -> rusqlite::Result<()> {
    for alert in &changes.vanished {
        db.prepare_cached("DELETE FROM alert WHERE id = ?1 AND fired_at IS NULL")?.execute([&alert.0])?;
    }
    for alert in &changes.alerts {
        save(db, alert)?;
    }
    for entry in &changes.history {
        history::write(db, entry)?;
    }
    for (rule, contact) in &changes.dropped {
        db.prepare_cached("DELETE FROM candidate WHERE inbox = ?1 AND rule = ?2 AND contact_id = ?3")?
            .execute(params![inbox, rule, contact.0])?;
    }
    for candidate in &changes.candidates {
        db.prepare_cached(
            "INSERT OR REPLACE INTO candidate (inbox, rule, contact_id, contact, first_seen, missed_walks, file) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            inbox,
            candidate.rule,
            candidate.contact.id,
            json(&candidate.contact.json())?,
            micros(candidate.first_seen),
            candidate.missed_walks,
            candidate.file,
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
    let lapse = alert.lapse.as_ref();
    let ack = alert.ack.as_ref();
    // Somebody may have acknowledged it since the tick read it: the first acknowledgement stays.
    db.prepare_cached(
        "INSERT INTO alert (id, inbox, rule, contact_id, contact, since, first_seen, fired_at, lapsed_at, \
         lapse_ended_at, lapse_reason, resolved_at, ended_at, reason, acked_at, acked_by, ack_comment, missed_walks, \
         charge_agent, charge_status, file, condition, timing, steps) \
         VALUES (:id, :inbox, :rule, :contact_id, :contact, :since, :first_seen, :fired_at, :lapsed_at, \
         :lapse_ended_at, :lapse_reason, :resolved_at, :ended_at, :reason, :acked_at, :acked_by, :ack_comment, \
         :missed_walks, :charge_agent, :charge_status, :file, :condition, :timing, :steps) \
         ON CONFLICT (id) DO UPDATE SET rule = excluded.rule, contact = excluded.contact, \
         since = excluded.since, first_seen = excluded.first_seen, \
         fired_at = excluded.fired_at, lapsed_at = excluded.lapsed_at, lapse_ended_at = excluded.lapse_ended_at, \
         lapse_reason = excluded.lapse_reason, resolved_at = excluded.resolved_at, ended_at = excluded.ended_at, \
         reason = excluded.reason, missed_walks = excluded.missed_walks, file = excluded.file, \
         condition = excluded.condition, timing = excluded.timing, steps = excluded.steps, \
         acked_by = CASE WHEN alert.acked_at IS NULL THEN excluded.acked_by ELSE alert.acked_by END, \
         ack_comment = CASE WHEN alert.acked_at IS NULL THEN excluded.ack_comment ELSE alert.ack_comment END, \
         acked_at = coalesce(alert.acked_at, excluded.acked_at)",
    )?
    .execute(named_params! {
        ":id": alert.id.0,
        ":inbox": alert.inbox,
        ":rule": alert.rule,
        ":contact_id": alert.contact.id,
        ":contact": json(&alert.contact.json())?,
        ":since": micros(alert.since),
        ":first_seen": micros(alert.first_seen),
        ":fired_at": alert.fired_at.map(micros),
        ":lapsed_at": lapse.map(|lapse| micros(lapse.at)),
        ":lapse_ended_at": lapse.map(|lapse| micros(lapse.ended_at)),
        ":lapse_reason": lapse.map(|lapse| lapse.reason.name()),
        ":resolved_at": resolution.map(|resolution| micros(resolution.at)),
        ":ended_at": resolution.map(|resolution| micros(resolution.ended_at)),
        ":reason": resolution.map(|resolution| resolution.reason.name()),
        ":acked_at": ack.map(|ack| micros(ack.at)),
        ":acked_by": ack.map(|ack| &ack.by),
        ":ack_comment": ack.map(|ack| &ack.comment),
        ":missed_walks": alert.missed_walks,
        ":charge_agent": alert.charge.agent,
        ":charge_status": alert.charge.status,
        ":file": alert.edition.file,
        ":condition": alert.edition.condition,
        ":timing": alert.edition.timing,
        ":steps": json(&alert.steps)?,
    })?;
    Ok(())
}

/// Every episode that has not ended, of all inboxes, the longest waiting first.
pub(super) fn open(db: &Connection) -> rusqlite::Result<Vec<Alert>> {
    db.prepare_cached("SELECT * FROM alert WHERE resolved_at IS NULL ORDER BY since, id")?
        .query_map([], rows::alert)?
        .collect()
}

/// The receivers that know of each open alert.
pub(super) fn told(db: &Connection) -> rusqlite::Result<Vec<(AlertId, String)>> {
    db.prepare_cached(
        "SELECT DISTINCT n.alert, n.receiver FROM notification n JOIN alert a ON a.id = n.alert \
         WHERE a.resolved_at IS NULL AND n.event <> 'resolved' AND n.told ORDER BY n.id",
    )?
    .query_map([], |row| Ok((AlertId(row.get(0)?), row.get(1)?)))?
    .collect()
}

/// The memory of every inbox, by its name.
pub(super) fn memories(db: &Connection) -> rusqlite::Result<Vec<(String, InboxMemory)>> {
    db.prepare_cached("SELECT name, memory FROM inbox ORDER BY name")?
        .query_map([], |row| Ok((row.get("name")?, from_json(row, "memory")?)))?
        .collect()
}

/// Acknowledges an episode that has not ended, unless somebody has done so before; returns its value from before the
/// change.
pub(super) fn acknowledge(db: &Connection, id: &AlertId, ack: &Ack) -> rusqlite::Result<Option<Alert>> {
    let alert = db.prepare_cached("SELECT * FROM alert WHERE id = ?1")?.query_row([&id.0], rows::alert).optional()?;
    let Some(alert) = alert else { return Ok(None) };
    if alert.is_open() && alert.ack.is_none() {
        db.prepare_cached("UPDATE alert SET acked_at = ?2, acked_by = ?3, ack_comment = ?4 WHERE id = ?1")?
            .execute(params![id.0, micros(ack.at), ack.by, ack.comment])?;
        history::write(db, &Entry::of(&alert, Happened::Acknowledged, ack.at).who(&ack.by).detail(&ack.comment))?;
    }
    Ok(Some(alert))
}

/// Episodes whose id has this beginning, including those that have ended; 20 at most.
pub(super) fn with_id(db: &Connection, beginning: &str) -> rusqlite::Result<Vec<Alert>> {
    db.prepare_cached("SELECT * FROM alert WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT 20")?
        .query_map([beginning], rows::alert)?
        .collect()
}

/// The times of an inbox's last requests, and the pause that its API asked for: since when, until when.
pub(super) type Requests = (Vec<Timestamp>, Option<(Timestamp, Timestamp)>);

/// The form in the database: the list alone if the API asked for no pause.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum StoredRequests {
    Times(Vec<i64>),
    Held { times: Vec<i64>, hold: (i64, i64) },
}

pub(super) fn requests(db: &Connection, inbox: &str) -> rusqlite::Result<Requests> {
    let stored: Option<StoredRequests> = db
        .prepare_cached("SELECT requests FROM inbox WHERE name = ?1")?
        .query_row([inbox], |row| from_json(row, "requests"))
        .optional()?;
    let (times, hold) = match stored {
        None => (Vec::new(), None),
        Some(StoredRequests::Times(times)) => (times, None),
        Some(StoredRequests::Held { times, hold }) => (times, Some(hold)),
    };
    let time = |micros: i64| Timestamp::from_microsecond(micros).ok();
    let hold = hold.and_then(|(since, until)| Some((time(since)?, time(until)?)));
    Ok((times.into_iter().filter_map(time).collect(), hold))
}

pub(super) fn save_requests(db: &Connection, inbox: &str, requests: &Requests) -> rusqlite::Result<()> {
    let (times, hold) = requests;
    let times: Vec<i64> = times.iter().copied().map(micros).collect();
    let stored = match hold {
        None => StoredRequests::Times(times),
        Some((since, until)) => StoredRequests::Held { times, hold: (micros(*since), micros(*until)) },
    };
    db.prepare_cached(
        "INSERT INTO inbox (name, requests) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET requests = excluded.requests",
    )?
    .execute(params![inbox, json(&stored)?])?;
    Ok(())
}

/// Forgets a part of what ended before `before`: alerts that owe nothing any more with their notifications, messages
/// that are left without a notification, history and silences. Returns how many alerts and how many rows in all were
/// deleted; 0 rows: nothing is left to forget.
pub(super) fn prune(db: &Connection, before: Timestamp, most: u32) -> rusqlite::Result<(usize, usize)> {
    let before = micros(before);
    let parts = [
        "DELETE FROM alert WHERE id IN (SELECT id FROM alert WHERE resolved_at < ?1 \
         AND NOT EXISTS (SELECT 1 FROM notification n WHERE n.alert = alert.id AND n.state = 'owed') LIMIT ?2)",
        "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE state <> 'due' AND closed_at < ?1 \
         AND NOT EXISTS (SELECT 1 FROM notification n WHERE n.message = message.id) LIMIT ?2)",
        "DELETE FROM history WHERE id IN (SELECT id FROM history WHERE at < ?1 LIMIT ?2)",
        "DELETE FROM silence WHERE id IN (SELECT id FROM silence WHERE ends_at < ?1 LIMIT ?2)",
    ];
    let gone = parts
        .into_iter()
        .map(|part| db.prepare_cached(part)?.execute(params![before, most]))
        .collect::<rusqlite::Result<Vec<usize>>>()?;
    Ok((gone[0], gone.iter().sum()))
}
