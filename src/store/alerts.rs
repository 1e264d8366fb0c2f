//! The state of the inboxes in the database: snapshot and commit.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    driver::{Done, Driver, values},
    history,
    rows::{self, from_json, json, micros},
    silences,
};
use crate::model::{
    Ack, Alert, AlertId, Candidate, Changes, Entry, Happened, InboxMemory, Notification, Snapshot, ToldReceiver,
};

pub(super) fn snapshot(db: &dyn Driver, inbox: &str) -> Done<Snapshot> {
    let alerts = db.all(
        "SELECT * FROM alert WHERE inbox = ?1 AND resolved_at IS NULL ORDER BY since, id",
        values![inbox],
        rows::alert,
    )?;
    let candidates = db.all(
        "SELECT * FROM candidate WHERE inbox = ?1 ORDER BY first_seen, contact_id, rule",
        values![inbox],
        |row| {
            Ok(Candidate {
                inbox: row.get("inbox")?,
                rule: row.get("rule")?,
                file: row.get("file")?,
                contact: rows::contact(row)?,
                first_seen: rows::time(row, "first_seen")?,
                missed_walks: row.get("missed_walks")?,
            })
        },
    )?;
    let told = db.all(
        "SELECT n.alert, n.receiver, n.step, n.template FROM notification n JOIN alert a ON a.id = n.alert \
         WHERE a.inbox = ?1 AND a.resolved_at IS NULL AND n.event <> 'resolved' \
         AND (n.told = 1 OR n.state = 'owed') ORDER BY n.id",
        values![inbox],
        |row| {
            Ok(ToldReceiver {
                alert: AlertId(row.get("alert")?),
                receiver: row.get("receiver")?,
                step: row.get("step")?,
                template: row.get("template")?,
            })
        },
    )?;
    let memory = db
        .first("SELECT memory FROM inbox WHERE name = ?1", values![inbox], |row| from_json(row, "memory"))?
        .unwrap_or_default();
    let silences = silences::all(db)?;
    Ok(Snapshot { alerts, candidates, told, silences, memory })
}

/// Every episode that is remembered, of all inboxes.
pub(super) fn episodes(db: &dyn Driver) -> Done<Vec<Alert>> {
    db.all("SELECT * FROM alert ORDER BY since, id", &[], rows::alert)
}

/// Writes what one tick changed; the caller holds the transaction.
pub(super) fn commit(db: &dyn Driver, inbox: &str, changes: &Changes) -> Done<()> {
    for alert in &changes.vanished {
        db.execute("DELETE FROM alert WHERE id = ?1 AND fired_at IS NULL", values![&alert.0])?;
    }
    for alert in &changes.alerts {
        save(db, alert)?;
    }
    for entry in &changes.history {
        history::write(db, entry)?;
    }
    for (rule, contact) in &changes.dropped {
        db.execute(
            "DELETE FROM candidate WHERE inbox = ?1 AND rule = ?2 AND contact_id = ?3",
            values![inbox, rule, &contact.0],
        )?;
    }
    for candidate in &changes.candidates {
        db.execute(
            "INSERT INTO candidate (inbox, rule, contact_id, contact, first_seen, missed_walks, file) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (inbox, rule, contact_id) DO UPDATE SET \
             contact = excluded.contact, first_seen = excluded.first_seen, missed_walks = excluded.missed_walks, \
             file = excluded.file",
            values![
                inbox,
                &candidate.rule,
                &candidate.contact.id,
                json(&candidate.contact.json())?,
                micros(candidate.first_seen),
                candidate.missed_walks,
                &candidate.file,
            ],
        )?;
    }
    for owed in &changes.owed {
        owe(db, owed)?;
    }
    if let Some(memory) = &changes.memory {
        db.execute(
            "INSERT INTO inbox (name, memory) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET memory = excluded.memory",
            values![inbox, json(memory)?],
        )?;
    }
    Ok(())
}

/// Adds a notification; the caller holds the transaction.
pub(super) fn owe(db: &dyn Driver, owed: &Notification) -> Done<()> {
    db.execute(
        "INSERT INTO notification (alert, receiver, event, step, template, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        values![&owed.alert.0, &owed.receiver, owed.event.name(), owed.step, &owed.template, micros(owed.due_at)],
    )?;
    Ok(())
}

fn save(db: &dyn Driver, alert: &Alert) -> Done<()> {
    let resolution = alert.resolution.as_ref();
    let lapse = alert.lapse.as_ref();
    let ack = alert.ack.as_ref();
    // Somebody may have acknowledged it since the tick read it: the first acknowledgement stays.
    db.execute(
        "INSERT INTO alert (id, inbox, rule, contact_id, contact, since, first_seen, fired_at, lapsed_at, \
         lapse_ended_at, lapse_reason, resolved_at, ended_at, reason, acked_at, acked_by, ack_comment, missed_walks, \
         charge_agent, charge_status, file, condition, timing, steps) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
         ?22, ?23, ?24) \
         ON CONFLICT (id) DO UPDATE SET rule = excluded.rule, contact = excluded.contact, \
         since = excluded.since, first_seen = excluded.first_seen, \
         fired_at = excluded.fired_at, lapsed_at = excluded.lapsed_at, lapse_ended_at = excluded.lapse_ended_at, \
         lapse_reason = excluded.lapse_reason, resolved_at = excluded.resolved_at, ended_at = excluded.ended_at, \
         reason = excluded.reason, missed_walks = excluded.missed_walks, file = excluded.file, \
         condition = excluded.condition, timing = excluded.timing, steps = excluded.steps, \
         acked_by = CASE WHEN alert.acked_at IS NULL THEN excluded.acked_by ELSE alert.acked_by END, \
         ack_comment = CASE WHEN alert.acked_at IS NULL THEN excluded.ack_comment ELSE alert.ack_comment END, \
         acked_at = coalesce(alert.acked_at, excluded.acked_at)",
        values![
            &alert.id.0,
            &alert.inbox,
            &alert.rule,
            &alert.contact.id,
            json(&alert.contact.json())?,
            micros(alert.since),
            micros(alert.first_seen),
            alert.fired_at.map(micros),
            lapse.map(|lapse| micros(lapse.at)),
            lapse.map(|lapse| micros(lapse.ended_at)),
            lapse.map(|lapse| lapse.reason.name()),
            resolution.map(|resolution| micros(resolution.at)),
            resolution.map(|resolution| micros(resolution.ended_at)),
            resolution.map(|resolution| resolution.reason.name()),
            ack.map(|ack| micros(ack.at)),
            ack.map(|ack| &ack.by),
            ack.map(|ack| &ack.comment),
            alert.missed_walks,
            &alert.assigned.agent,
            &alert.assigned.status,
            &alert.version.file,
            &alert.version.condition,
            &alert.version.timing,
            json(&alert.steps)?,
        ],
    )?;
    Ok(())
}

/// Every episode that has not ended, of all inboxes, the longest waiting first.
pub(super) fn open(db: &dyn Driver) -> Done<Vec<Alert>> {
    db.all("SELECT * FROM alert WHERE resolved_at IS NULL ORDER BY since, id", &[], rows::alert)
}

/// The receivers that know of each open alert.
pub(super) fn told(db: &dyn Driver) -> Done<Vec<(AlertId, String)>> {
    db.all(
        "SELECT n.alert, n.receiver FROM notification n JOIN alert a ON a.id = n.alert WHERE a.resolved_at IS NULL \
         AND n.event <> 'resolved' AND n.told = 1 GROUP BY n.alert, n.receiver ORDER BY min(n.id)",
        &[],
        |row| Ok((AlertId(row.get("alert")?), row.get("receiver")?)),
    )
}

/// The memory of every inbox, by its name.
pub(super) fn memories(db: &dyn Driver) -> Done<Vec<(String, InboxMemory)>> {
    db.all("SELECT name, memory FROM inbox ORDER BY name", &[], |row| Ok((row.get("name")?, from_json(row, "memory")?)))
}

/// Acknowledges an episode that has not ended, unless somebody has done so before; returns its value from before the
/// change.
pub(super) fn acknowledge(db: &dyn Driver, id: &AlertId, ack: &Ack) -> Done<Option<Alert>> {
    let alert = db.first("SELECT * FROM alert WHERE id = ?1", values![&id.0], rows::alert)?;
    let Some(alert) = alert else { return Ok(None) };
    if alert.is_open() && alert.ack.is_none() {
        db.execute(
            "UPDATE alert SET acked_at = ?2, acked_by = ?3, ack_comment = ?4 WHERE id = ?1",
            values![&id.0, micros(ack.at), &ack.by, &ack.comment],
        )?;
        history::write(db, &Entry::of(&alert, Happened::Acknowledged, ack.at).who(&ack.by).detail(&ack.comment))?;
    }
    Ok(Some(alert))
}

/// Episodes whose id has this beginning, including those that have ended; 20 at most.
pub(super) fn with_id(db: &dyn Driver, beginning: &str) -> Done<Vec<Alert>> {
    db.all(
        "SELECT * FROM alert WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT 20",
        values![beginning],
        rows::alert,
    )
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

pub(super) fn requests(db: &dyn Driver, inbox: &str) -> Done<Requests> {
    let stored: Option<StoredRequests> =
        db.first("SELECT requests FROM inbox WHERE name = ?1", values![inbox], |row| from_json(row, "requests"))?;
    let (times, hold) = match stored {
        None => (Vec::new(), None),
        Some(StoredRequests::Times(times)) => (times, None),
        Some(StoredRequests::Held { times, hold }) => (times, Some(hold)),
    };
    let time = |micros: i64| Timestamp::from_microsecond(micros).ok();
    let hold = hold.and_then(|(since, until)| Some((time(since)?, time(until)?)));
    Ok((times.into_iter().filter_map(time).collect(), hold))
}

pub(super) fn save_requests(db: &dyn Driver, inbox: &str, requests: &Requests) -> Done<()> {
    let (times, hold) = requests;
    let times: Vec<i64> = times.iter().copied().map(micros).collect();
    let stored = match hold {
        None => StoredRequests::Times(times),
        Some((since, until)) => StoredRequests::Held { times, hold: (micros(*since), micros(*until)) },
    };
    db.execute(
        "INSERT INTO inbox (name, requests) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET requests = excluded.requests",
        values![inbox, json(&stored)?],
    )?;
    Ok(())
}

/// Forgets a part of what ended before `before`: alerts that owe nothing any more with their notifications, messages
/// that are left without a notification, history and silences. Returns how many alerts and how many rows in all were
/// deleted; 0 rows: nothing is left to forget.
pub(super) fn prune(db: &dyn Driver, before: Timestamp, most: u32) -> Done<(usize, usize)> {
    let before = micros(before);
    let parts = [
        "DELETE FROM alert WHERE id IN (SELECT id FROM alert WHERE resolved_at < ?1 \
         AND NOT EXISTS (SELECT 1 FROM notification n WHERE n.alert = alert.id AND n.state = 'owed') LIMIT ?2)",
        "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE state <> 'due' AND closed_at < ?1 \
         AND NOT EXISTS (SELECT 1 FROM notification n WHERE n.message = message.id) LIMIT ?2)",
        "DELETE FROM history WHERE id IN (SELECT id FROM history WHERE at < ?1 LIMIT ?2)",
        "DELETE FROM silence WHERE id IN (SELECT id FROM silence WHERE ends_at < ?1 LIMIT ?2)",
    ];
    let gone = parts.into_iter().map(|part| db.execute(part, values![before, most])).collect::<Done<Vec<usize>>>()?;
    Ok((gone[0], gone.iter().sum()))
}
