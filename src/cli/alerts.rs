//! `pengwatch alerts`: who waits now, and how far their alerts have come.

use super::{
    Exit, Global,
    state::{CommandContext, ListArguments, list},
};
use crate::{
    model::{Alert, WATCHDOG, silence::silence_of, text::same, time::human},
    store::{Store, StoreError},
    views::AlertRow,
};

/// Lists pending and firing alerts, the longest waiting first.
///
/// # Errors
/// The reason for the exit status.
pub(super) async fn alerts(global: &Global, arguments: ListArguments) -> anyhow::Result<Exit> {
    let desk = match CommandContext::open(global, false).await? {
        Ok(desk) => desk,
        Err(exit) => return Ok(exit),
    };
    let (open, silences) = match &desk.store {
        Some(store) => (by_our_clock(store).await?, store.silences().await?),
        None => (Vec::new(), Vec::new()),
    };
    let is_asked = |alert: &Alert| {
        // `status` and the history show the watcher's own troubles.
        alert.inbox != WATCHDOG
            && arguments.rule.as_ref().is_none_or(|rule| same(&alert.rule, rule))
            && arguments.contact.as_ref().is_none_or(|contact| alert.contact.id == *contact)
    };
    let rows: Vec<AlertRow> = open
        .iter()
        .filter(|(alert, _)| is_asked(alert))
        .map(|(alert, told)| {
            let silence = silence_of(&silences, alert, desk.severity(alert), &desk.files.config.names, desk.now);
            AlertRow::of(alert, told, silence, desk.now)
        })
        .collect();
    let heads = ["ALERT", "STATE", "WAITING", "NAME", "RULE", "INBOX", "TOLD", "NOTE"];
    list(arguments.json, &rows, &heads, |row| cells(row, &desk), "nobody is waiting")?;
    Ok(Exit::Fine)
}

/// Every open alert, with its times by this machine's clock.
async fn by_our_clock(store: &Store) -> Result<Vec<(Alert, Vec<String>)>, StoreError> {
    let memories = store.memories().await?;
    let ahead = |inbox: &str| {
        let known = memories.iter().find(|(name, _)| name == inbox);
        known.map(|(_, memory)| memory.clocks.counted()).unwrap_or_default()
    };
    let open = store.open_alerts().await?;
    Ok(open
        .into_iter()
        .map(|(alert, told)| (ahead(&alert.inbox), alert, told))
        .map(|(by, alert, told)| (alert.moved(by), told))
        .collect())
}

fn cells(row: &AlertRow, desk: &CommandContext) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(by) = &row.acknowledged_by {
        let comment = row.comment.as_ref().map(|comment| format!(": {comment}")).unwrap_or_default();
        notes.push(format!("acknowledged by {by}{comment}"));
    }
    if let Some(until) = row.silenced_until {
        notes.push(format!("silenced until {}", desk.moment(until.0)));
    }
    if let Some(why) = row.lapsed {
        notes.push(format!("no longer matches: {why}"));
    }
    vec![
        row.id.clone(),
        row.state.to_owned(),
        human(row.waiting.0),
        row.name.clone(),
        row.rule.clone(),
        row.inbox.clone(),
        row.told.join(", "),
        notes.join("; "),
    ]
}
