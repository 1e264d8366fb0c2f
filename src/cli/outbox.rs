//! `pengwatch outbox`: messages that no receiver has taken yet, and what to do with them.

use std::io;

use clap::Subcommand;
use serde_json::json;
use tracing::Level;

use super::{
    Exit, Global,
    check::count,
    state::{CommandContext, list},
    terminal,
};
use crate::model::{Change, MessageId, StoredMessage, time::iso};

/// What can be done with messages.
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
/// What ended it.
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
    let rows = kept.iter().map(|kept| {
        let told = kept.told.iter().map(|(notification, name)| {
            json!({
                "alert": notification.alert.0,
                "rule": notification.rule,
                "inbox": notification.inbox,
                "name": name,
                "event": notification.event.name(),
                "step": notification.step,
            })
        });
        json!({
            "id": kept.message.id.0,
            "receiver": kept.message.receiver,
            "state": state(kept),
            "created_at": iso(kept.message.created_at),
            "attempts": kept.message.attempts,
            "next_at": (!kept.dead).then(|| iso(kept.message.next_at)),
            "ambiguous": kept.message.ambiguous,
            "last_error": kept.message.last_error,
            "notifications": told.collect::<Vec<_>>(),
        })
    });
    let cells = kept.iter().map(|kept| {
        let next = if kept.dead { String::new() } else { desk.moment(kept.message.next_at) };
        vec![
            kept.message.id.0.clone(),
            state(kept).to_owned(),
            kept.message.receiver.clone(),
            what(kept),
            kept.message.attempts.to_string(),
            next,
            kept.message.last_error.clone(),
        ]
    });
    let heads = ["MESSAGE", "STATE", "RECEIVER", "ABOUT", "ATTEMPTS", "NEXT ATTEMPT", "LAST ERROR"];
    list(json, rows.collect(), &heads, cells.collect(), "nothing waits, and nothing was given up")
}

fn state(kept: &StoredMessage) -> &'static str {
    if kept.dead { "dead" } else { "waiting" }
}

fn what(kept: &StoredMessage) -> String {
    match kept.told.as_slice() {
        [(notification, name)] => format!("{} {name}", notification.event.name()),
        several => {
            format!("{} of {}", count(several.len(), "notification"), several.first().map_or("", |(one, _)| &one.rule))
        }
    }
}
