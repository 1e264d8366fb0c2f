//! `pengwatch history`: what happened to alerts, and who was notified.

use clap::Args;
use jiff::SignedDuration;

use super::{
    Exit, Global, duration,
    state::{CommandContext, ListArguments, list},
};
use crate::{
    model::{history::HistoryQuery, text::form},
    views::HistoryRow,
};

/// The arguments of the command.
#[derive(Debug, Args)]
pub struct HistoryArguments {
    /// How far back, like 24h or 7d
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "24h")]
    pub since: SignedDuration,
    /// The arguments of every list.
    #[command(flatten)]
    pub list: ListArguments,
}

/// Lists what happened, the oldest first.
///
/// # Errors
/// The reason for the exit status.
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
    let rows: Vec<HistoryRow> = entries.iter().map(HistoryRow::of).collect();
    let cells = |row: &HistoryRow| {
        vec![
            desk.moment(row.at.0),
            row.alert.clone(),
            row.event.to_owned(),
            row.who.clone().unwrap_or_default(),
            row.detail.clone().unwrap_or_default(),
            row.name.clone(),
            row.rule.clone(),
        ]
    };
    let heads = ["TIME", "ALERT", "EVENT", "WHO", "DETAIL", "NAME", "RULE"];
    list(arguments.list.json, &rows, &heads, cells, "nothing has happened")?;
    Ok(Exit::Fine)
}
