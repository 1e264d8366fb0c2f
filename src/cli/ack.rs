//! `pengwatch ack`: a person takes an alert over; repeats and escalations stop until its end.

use clap::Args;
use tracing::Level;

use super::{Exit, Global, state::CommandContext, terminal};
use crate::model::{Ack, Alert};

/// The arguments of the command.
#[derive(Debug, Args)]
pub struct AckArguments {
    /// The alert's id, or the beginning of it
    #[arg(value_name = "ALERT")]
    pub alert: String,
    /// What you are doing about it
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub comment: String,
    /// Who you are
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true, default_value = "somebody")]
    pub by: String,
}

/// Acknowledges one alert.
///
/// # Errors
/// The reason for the exit status.
pub(super) async fn ack(global: &Global, arguments: AckArguments) -> anyhow::Result<Exit> {
    let desk = match CommandContext::open(global, false).await? {
        Ok(desk) => desk,
        Err(exit) => return Ok(exit),
    };
    let refuse = |line: &str| {
        terminal::note(global, Level::ERROR, line);
        Ok(Exit::No)
    };
    let Some(store) = &desk.store else { return Ok(Exit::No) };
    let found = if arguments.alert.is_empty() { Vec::new() } else { store.with_id(&arguments.alert).await? };
    let open: Vec<&Alert> = found.iter().filter(|alert| alert.is_open()).collect();
    let alert = match (open[..].len(), found.len()) {
        (1, _) => open[0],
        (0, 0) => {
            return refuse(&format!("there is no alert `{}`; `pengwatch alerts` lists them", arguments.alert));
        }
        (0, _) => {
            let what = found[0].resolution.as_ref().map_or("over", |end| end.reason.phrase());
            return refuse(&format!("the alert {} is over already: {what}", found[0].id));
        }
        _ => {
            let ids: Vec<&str> = open.iter().map(|alert| alert.id.0.as_str()).collect();
            return refuse(&format!("`{}` is the beginning of several: {}", arguments.alert, ids.join(", ")));
        }
    };
    let ack = Ack { at: desk.now, by: arguments.by, comment: arguments.comment };
    let before = store.acknowledge(alert.id.clone(), ack).await?;
    let who = format!("{} ({}, {})", alert.contact.name(), alert.rule, alert.inbox);
    match before.and_then(|alert| alert.ack) {
        Some(known) => terminal::say(&format!(
            "{}: {who} was acknowledged before, by {} at {}",
            alert.id,
            known.by,
            desk.moment(known.at)
        ))?,
        None => terminal::say(&format!(
            "acknowledged {}: {who}; nobody is reminded of it any more until it is over",
            alert.id
        ))?,
    }
    Ok(Exit::Fine)
}
