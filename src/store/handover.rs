//! What goes elsewhere: over to a fallback, or to nobody after an edit of the configuration.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{
    history, outbox, receivers,
    rows::{self, json, micros},
};
use crate::model::{Alert, Entry, HandOver, Happened, NotificationId, Reason, history::detail};

/// Owes what one receiver was to be told to another one, too: of alerts that last, and of which that one
/// has not been told. Gives how many notifications that were.
pub(super) fn hand_over(db: &Connection, handed: &HandOver, to: &str, now: Timestamp) -> rusqlite::Result<usize> {
    let (whose, name) = match handed {
        HandOver::Message(id) => ("n.message = ?1 AND n.state IN ('owed', 'dead')", &id.0),
        HandOver::Receiver(name) => ("n.receiver = ?1 AND n.state = 'owed'", name),
    };
    // Of several about one alert the first.
    let chosen = format!(
        "{whose} AND n.event <> 'resolved' AND a.resolved_at IS NULL AND a.acked_at IS NULL \
         AND NOT EXISTS (SELECT 1 FROM notification o WHERE o.alert = n.alert AND o.receiver = ?2 \
                         AND o.event <> 'resolved' AND o.state <> 'superseded') GROUP BY n.alert"
    );
    let alerts: Vec<(Alert, String)> = db
        .prepare_cached(&format!(
            "SELECT a.*, n.receiver AS whose, min(n.id) FROM notification n JOIN alert a ON a.id = n.alert \
             WHERE {chosen} ORDER BY min(n.id)"
        ))?
        .query_map(params![name, to], |row| Ok((rows::alert(row)?, row.get("whose")?)))?
        .collect::<rusqlite::Result<_>>()?;
    let handed = db
        .prepare_cached(&format!(
            "INSERT INTO notification (alert, receiver, event, step, template, due_at) \
             SELECT alert, ?2, event, step, template, ?3 FROM (SELECT n.*, min(n.id) AS first FROM notification n \
             JOIN alert a ON a.id = n.alert WHERE {chosen}) ORDER BY first"
        ))?
        .execute(params![name, to, micros(now)])?;
    for (alert, whose) in &alerts {
        let entry = Entry::of(alert, Happened::Owed, now).who(to).detail(detail::in_place_of(whose));
        history::write(db, &entry)?;
    }
    Ok(handed)
}

/// After an edit of the configuration: alerts of inboxes that are gone end without a message, and what
/// is owed to receivers that are gone is withdrawn, but where `unknown` names the rule. Gives how many of each.
pub(super) fn forget_others(
    db: &Connection,
    inboxes: &[String],
    receivers: &[String],
    unknown: &[String],
    now: Timestamp,
) -> rusqlite::Result<(usize, usize)> {
    let orphans: Vec<Alert> = db
        .prepare("SELECT * FROM alert WHERE resolved_at IS NULL AND inbox NOT IN (SELECT value FROM json_each(?1))")?
        .query_map([json(&inboxes)?], rows::alert)?
        .collect::<rusqlite::Result<_>>()?;
    for alert in &orphans {
        let happened = if alert.is_firing() { Happened::Resolved } else { Happened::Vanished };
        history::write(db, &Entry::of(alert, happened, now).detail(Reason::RuleRemoved.name()))?;
    }
    db.execute(
        "DELETE FROM alert WHERE fired_at IS NULL AND inbox NOT IN (SELECT value FROM json_each(?1))",
        [json(&inboxes)?],
    )?;
    let ended = db.execute(
        "UPDATE alert SET resolved_at = ?2, ended_at = ?2, reason = ?3 WHERE resolved_at IS NULL \
         AND inbox NOT IN (SELECT value FROM json_each(?1))",
        params![json(&inboxes)?, micros(now), Reason::RuleRemoved.name()],
    )?;
    db.execute("DELETE FROM candidate WHERE inbox NOT IN (SELECT value FROM json_each(?1))", [json(&inboxes)?])?;
    // What is known of it besides, names of customers' chats among it.
    db.execute(
        "UPDATE inbox SET memory = '{}' WHERE memory <> '{}' AND name NOT IN (SELECT value FROM json_each(?1))",
        [json(&inboxes)?],
    )?;
    let withdrawn = db
        .prepare(
            "SELECT n.id FROM notification n JOIN alert a ON a.id = n.alert WHERE n.state = 'owed' \
             AND n.receiver NOT IN (SELECT value FROM json_each(?1)) \
             AND (a.resolved_at IS NOT NULL OR a.rule NOT IN (SELECT value FROM json_each(?2)))",
        )?
        .query_map([json(&receivers)?, json(&unknown)?], |row| {
            row.get(0).map(|id| (NotificationId(id), detail::RECEIVER_GONE))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    outbox::supersede(db, &withdrawn, now)?;
    receivers::forget_others(db, receivers)?;
    Ok((ended, withdrawn.len()))
}
