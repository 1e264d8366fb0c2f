//! `pengwatch outbox`: messages that no receiver has accepted yet, and what can be done with them.

use std::io;

use clap::Subcommand;
use tracing::Level;

use super::{
    Exit, Global,
    check::count,
    state::{CommandContext, list},
    terminal,
};
use crate::{
    model::{Change, MessageId, StoredMessage},
    views::MessageRow,
};

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum OutboxCommand {
    /// List messages that wait for an attempt or were given up, the oldest first
    List {
        /// For programs: a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Try messages now: those that wait, and those that were given up, as if they were new
    Replay {
        /// Their ids, as `outbox list` shows them
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
    /// Give messages up for good
    Drop {
        /// Their ids, as `outbox list` shows them
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
}

/// Lists, replays or drops messages.
///
/// # Errors
/// The reason for the exit status.
pub(super) async fn outbox(global: &Global, command: OutboxCommand) -> anyhow::Result<Exit> {
    let desk = match CommandContext::open(global, false).await? {
        Ok(desk) => desk,
        Err(exit) => return Ok(exit),
    };
    let (ids, replay) = match command {
        OutboxCommand::List { json } => {
            let kept = match &desk.store {
                Some(store) => store.kept().await?,
                None => Vec::new(),
            };
            show(&kept, json, &desk)?;
            return Ok(Exit::Fine);
        }
        OutboxCommand::Replay { ids } => (ids, true),
        OutboxCommand::Drop { ids } => (ids, false),
    };
    let Some(store) = &desk.store else { return Ok(Exit::No) };
    let mut exit = Exit::Fine;
    for id in ids {
        let message = MessageId(id.clone());
        let done =
            if replay { store.replay(message, desk.now).await? } else { store.drop_message(message, desk.now).await? };
        match (done, replay) {
            (Change::Yes, true) => terminal::say(&format!("{id} is tried again; what is no longer true is not sent"))?,
            (Change::Yes, false) => terminal::say(&format!("{id} is not sent any more"))?,
            (Change::Unknown, _) => {
                let line = format!("there is no message `{id}`; `pengwatch outbox list` lists them");
                terminal::note(global, Level::ERROR, &line);
            }
            (Change::No, _) => terminal::note(global, Level::ERROR, &format!("{id} is gone: sent, or withdrawn")),
        }
        if done != Change::Yes {
            exit = Exit::No;
        }
    }
    Ok(exit)
}

fn show(kept: &[StoredMessage], json: bool, desk: &CommandContext) -> io::Result<()> {
    let rows: Vec<MessageRow> = kept.iter().map(MessageRow::of).collect();
    let cells = |row: &MessageRow| {
        vec![
            row.id.clone(),
            row.state.to_owned(),
            row.receiver.clone(),
            what(row),
            row.attempts.to_string(),
            row.next_at.map(|at| desk.moment(at.0)).unwrap_or_default(),
            row.last_error.clone().unwrap_or_default(),
        ]
    };
    let heads = ["MESSAGE", "STATE", "RECEIVER", "ABOUT", "ATTEMPTS", "NEXT ATTEMPT", "LAST ERROR"];
    list(json, &rows, &heads, cells, "nothing waits, and nothing was given up")
}

fn what(row: &MessageRow) -> String {
    match row.notifications.as_slice() {
        [only] => format!("{} {}", only.event, only.name),
        several => format!(
            "{} of {}",
            count(several.len(), "notification"),
            several.first().map_or("", |first| first.rule.as_str())
        ),
    }
}
