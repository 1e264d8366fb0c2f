//! `pengwatch history`: what happened to alerts, and who was told.

use clap::Args;
use jiff::SignedDuration;
use serde_json::json;

use super::{
    Exit, Global, duration,
    state::{CommandContext, ListArguments, list},
};
use crate::model::{history::HistoryQuery, text::form, time::iso};

/// What the command takes.
#[derive(Debug, Args)]
pub struct HistoryArguments {
    /// How far back, like 24h or 7d
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "24h")]
    pub since: SignedDuration,
    /// What every list takes.
    #[command(flatten)]
    pub list: ListArguments,
}

/// Lists what happened, the oldest first.
///
/// # Errors
/// What ended it.
pub(super) async fn history(global: &Global, arguments: HistoryArguments) -> anyhow::Result<Exit> {
    let desk = match CommandContext::open(global, false).await? {
        Ok(desk) => desk,
        Err(exit) => return Ok(exit),
    };
    let asked = HistoryQuery {
        since: desk.now.checked_sub(arguments.since).ok(),
        rule: arguments.list.rule.map(|rule| form(&rule).into_owned()),
        contact: arguments.list.contact,
    };
    let entries = match &desk.store {
        Some(store) => store.history(asked).await?,
        None => Vec::new(),
    };
    let rows = entries.iter().map(|entry| {
        json!({
            "at": iso(entry.at),
            "alert": entry.alert.0,
            "event": entry.happened.name(),
            "who": entry.who,
            "detail": entry.detail,
            "rule": entry.rule,
            "rule_version": entry.version,
            "inbox": entry.inbox,
            "contact": entry.contact,
            "name": entry.name,
        })
    });
    let cells = entries.iter().map(|entry| {
        vec![
            desk.moment(entry.at),
            entry.alert.0.clone(),
            entry.happened.name().to_owned(),
            entry.who.clone(),
            entry.detail.clone(),
            entry.name.clone(),
            entry.rule.clone(),
        ]
    });
    let heads = ["TIME", "ALERT", "EVENT", "WHO", "DETAIL", "NAME", "RULE"];
    list(arguments.list.json, rows.collect(), &heads, cells.collect(), "nothing has happened")?;
    Ok(Exit::Fine)
}
