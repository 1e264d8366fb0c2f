//! What a receiver is owed and another gets: a fallback, or nobody after an edit of the configuration.

use jiff::Timestamp;

use super::{
    alerts,
    driver::{Done, Driver, SqlValue, parameters, values},
    history, outbox, receivers,
    rows::{self, micros},
};
use crate::model::{Alert, Entry, HandOver, Happened, Notification, NotificationId, Reason, history::detail};

/// Owes a receiver's notifications to another receiver, except about alerts of which that one knows or is about to
/// know. Returns how many notifications that were.
pub(super) fn hand_over(db: &dyn Driver, handed: &HandOver, now: Timestamp) -> Done<usize> {
    let mut owed = 0;
    for id in &handed.ids {
        let whose = db.first(
            "SELECT n.*, a.rule, a.inbox FROM notification n JOIN alert a ON a.id = n.alert WHERE n.id = ?1",
            values![id.0],
            rows::notification,
        )?;
        let Some(whose) = whose else { continue };
        let knows = "SELECT 1 AS one FROM notification WHERE alert = ?1 AND receiver = ?2 AND event <> 'resolved' \
                     AND state <> 'superseded' LIMIT 1";
        if db.first(knows, values![&whose.alert.0, &handed.to], |_| Ok(()))?.is_none() {
            let new = Notification { receiver: handed.to.clone(), due_at: now, ..whose.clone() };
            owe_in_place_of(db, &whose.receiver, &new)?;
            owed += 1;
        }
    }
    Ok(owed)
}

/// Owes a notification to a receiver in place of another one.
pub(super) fn owe_in_place_of(db: &dyn Driver, whose: &str, owed: &Notification) -> Done<()> {
    alerts::owe(db, owed)?;
    let alert = db.first("SELECT * FROM alert WHERE id = ?1", values![&owed.alert.0], rows::alert)?;
    let entry = |alert| Entry::of(&alert, Happened::Owed, owed.due_at).who(&owed.receiver);
    alert.map_or(Ok(()), |alert| history::write(db, &entry(alert).detail(detail::in_place_of(whose))))
}

/// After an edit of the configuration: ends alerts of inboxes that are gone without a message, and withdraws what is
/// owed to receivers that are gone, except where `unknown` names the rule. Returns how many of each.
pub(super) fn forget_others(
    db: &dyn Driver,
    inboxes: &[String],
    receivers: &[String],
    unknown: &[String],
    now: Timestamp,
) -> Done<(usize, usize)> {
    let listed = |names: &[String]| names.iter().map(SqlValue::from).collect::<Vec<_>>();
    let elsewhere = format!("NOT IN {}", parameters(1, inboxes.len()));
    let orphans: Vec<Alert> = db.all(
        &format!("SELECT * FROM alert WHERE resolved_at IS NULL AND inbox {elsewhere}"),
        &listed(inboxes),
        rows::alert,
    )?;
    for alert in &orphans {
        let happened = if alert.is_firing() { Happened::Resolved } else { Happened::Vanished };
        history::write(db, &Entry::of(alert, happened, now).detail(Reason::RuleRemoved.name()))?;
        if alert.is_firing() {
            db.execute(
                "UPDATE alert SET resolved_at = ?2, ended_at = ?2, reason = ?3 WHERE id = ?1",
                values![&alert.id.0, micros(now), Reason::RuleRemoved.name()],
            )?;
        } else {
            db.execute("DELETE FROM alert WHERE id = ?1", values![&alert.id.0])?;
        }
    }
    db.execute(&format!("DELETE FROM candidate WHERE inbox {elsewhere}"), &listed(inboxes))?;
    // The rest of the inbox's memory goes as well; it has names of customers' chats.
    db.execute(
        &format!("UPDATE inbox SET memory = '{{}}' WHERE memory <> '{{}}' AND name {elsewhere}"),
        &listed(inboxes),
    )?;
    let withdrawn = db.all(
        &format!(
            "SELECT n.id FROM notification n JOIN alert a ON a.id = n.alert WHERE n.state = 'owed' \
             AND n.receiver NOT IN {} AND (a.resolved_at IS NOT NULL OR a.rule NOT IN {})",
            parameters(1, receivers.len()),
            parameters(receivers.len() + 1, unknown.len())
        ),
        &[listed(receivers), listed(unknown)].concat(),
        |row| Ok((NotificationId(row.get("id")?), detail::RECEIVER_GONE)),
    )?;
    outbox::supersede(db, &withdrawn, now)?;
    receivers::forget_others(db, receivers)?;
    Ok((orphans.iter().filter(|alert| alert.is_firing()).count(), withdrawn.len()))
}
