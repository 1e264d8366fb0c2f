//! `pengwatch alerts`: who waits now, and how far their alerts have come.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Exit, Global,
    state::{CommandContext, ListArguments, list},
};
use crate::{
    model::{
        Alert, Silence, WATCHDOG,
        silence::silence_of,
        text::same,
        time::{elapsed, human, iso},
    },
    store::{Store, StoreError},
};

/// One open alert, with what else is known of it.
struct Row<'a> {
    alert: &'a Alert,
    told: &'a [String],
    silence: Option<&'a Silence>,
}

/// Lists pending and firing alerts, the longest waiting first.
///
/// # Errors
/// What ended it.
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
        // The watcher's own troubles are what `status` and the history show.
        alert.inbox != WATCHDOG
            && arguments.rule.as_ref().is_none_or(|rule| same(&alert.rule, rule))
            && arguments.contact.as_ref().is_none_or(|contact| alert.contact.id == *contact)
    };
    let rows: Vec<Row<'_>> = open
        .iter()
        .filter(|(alert, _)| is_asked(alert))
        .map(|(alert, told)| {
            let silence = silence_of(&silences, alert, desk.severity(alert), &desk.files.config.names, desk.now);
            Row { alert, told, silence }
        })
        .collect();
    let heads = ["ALERT", "STATE", "WAITING", "NAME", "RULE", "INBOX", "TOLD", "NOTE"];
    let cells = rows.iter().map(|row| cells(row, &desk)).collect();
    list(arguments.json, rows.iter().map(|row| object(row, desk.now)).collect(), &heads, cells, "nobody is waiting")?;
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

fn object(row: &Row<'_>, now: Timestamp) -> Value {
    let Row { alert, told, silence } = row;
    let ack = alert.ack.as_ref();
    json!({
        "id": alert.id.0,
        "rule": alert.rule,
        "inbox": alert.inbox,
        "contact": alert.contact.id,
        "name": alert.contact.name(),
        "platform": alert.contact.platform(),
        "state": alert.state().name(),
        "since": iso(alert.since),
        "waiting_seconds": elapsed(alert.since, now).as_secs(),
        "fired_at": alert.fired_at.map(iso),
        "told": told,
        "acknowledged": ack.is_some(),
        "acknowledged_at": ack.map(|ack| iso(ack.at)),
        "acknowledged_by": ack.map(|ack| &ack.by),
        "comment": ack.map(|ack| &ack.comment),
        "silenced": silence.is_some(),
    })
}

fn cells(row: &Row<'_>, desk: &CommandContext) -> Vec<String> {
    let Row { alert, told, silence } = row;
    let mut notes = Vec::new();
    if let Some(ack) = &alert.ack {
        let comment = if ack.comment.is_empty() { String::new() } else { format!(": {}", ack.comment) };
        notes.push(format!("acknowledged by {}{comment}", ack.by));
    }
    if let Some(silence) = silence {
        notes.push(format!("silenced until {}", desk.moment(silence.ends_at)));
    }
    if let Some(lapse) = &alert.lapse {
        notes.push(format!("no longer matches: {}", lapse.reason.words()));
    }
    vec![
        alert.id.0.clone(),
        alert.state().name().to_owned(),
        human(elapsed(alert.since, desk.now)),
        alert.contact.name(),
        alert.rule.clone(),
        alert.inbox.clone(),
        told.join(", "),
        notes.join("; "),
    ]
}
