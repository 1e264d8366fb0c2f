//! What a receiver is owed and another gets: a fallback, or nobody after an edit of the configuration.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{
    history, outbox, receivers,
    rows::{self, json, micros},
};
use crate::model::{Alert, Entry, HandOver, Happened, NotificationId, Reason, history::detail};

/// Owes a receiver's notifications to another receiver, except about alerts of which that one knows or is about to
/// know. Returns how many notifications that were.
pub(super) fn hand_over(db: &Connection, handed: &HandOver, now: Timestamp) -> rusqlite::Result<usize> {
    let mut owed = 0;
    for id in &handed.ids {
        let new = db
            .prepare_cached(
                "INSERT INTO notification (alert, receiver, event, step, template, due_at) \
                 SELECT n.alert, ?2, n.event, n.step, n.template, ?3 FROM notification n WHERE n.id = ?1 \
                 AND NOT EXISTS (SELECT 1 FROM notification o WHERE o.alert = n.alert AND o.receiver = ?2 \
                                 AND o.event <> 'resolved' AND o.state <> 'superseded')",
            )?
            .execute(params![id.0, handed.to, micros(now)])?;
        if new > 0 {
            let (alert, whose): (Alert, String) = db
                .prepare_cached(
                    "SELECT a.*, n.receiver AS whose FROM notification n JOIN alert a ON a.id = n.alert WHERE n.id = ?1",
                )?
                .query_row([id.0], |row| Ok((rows::alert(row)?, row.get("whose")?)))?;
            let entry = Entry::of(&alert, Happened::Owed, now).who(&handed.to).detail(detail::in_place_of(&whose));
            history::write(db, &entry)?;
        }
        owed += new;
    }
    Ok(owed)
}

/// After an edit of the configuration: ends alerts of inboxes that are gone without a message, and withdraws what is
/// owed to receivers that are gone, except where `unknown` names the rule. Returns how many of each.
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
    // The rest of the inbox's memory goes as well; it has names of customers' chats.
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
