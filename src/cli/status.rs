//! `pengwatch status`: whether the inboxes are read, who waits, and what is owed.

use std::{collections::BTreeMap, io};

use clap::Args;
use jiff::SignedDuration;

use super::{
    Exit, Global, check,
    state::{CommandContext, pretty, table},
    terminal,
};
use crate::{
    engine::faults,
    model::{
        Alert, Backlog, InboxMemory, Loss, MissingRules, Waiting,
        time::{elapsed, human},
    },
    service::lookout::blind_by_files,
    store::Store,
    views::{At, FailedConditionRow, InboxRow, LossRow, MissingRulesRow, ReceiverRow, StatusView, UnreadFileRow},
};

/// The arguments of the command.
#[derive(Debug, Args)]
pub struct StatusArguments {
    /// For programs: a JSON object
    #[arg(long)]
    pub json: bool,
}

/// How long a loss of the state is shown.
const SHOWN: SignedDuration = SignedDuration::from_hours(24);

/// Shows the state of everything. The answer is "no" if an inbox cannot be read, nobody would be notified of its
/// waiting customers, a given-up message was not dealt with, or the state was lost.
///
/// # Errors
/// The reason for the exit status.
pub(super) async fn status(global: &Global, arguments: StatusArguments) -> anyhow::Result<Exit> {
    let desk = match CommandContext::open(global, false).await? {
        Ok(desk) => desk,
        Err(exit) => return Ok(exit),
    };
    let mut loss = None;
    let status = match &desk.store {
        Some(store) => {
            loss = store.loss().await?.filter(|loss| loss.lasts(desk.now) || elapsed(loss.found_at, desk.now) < SHOWN);
            of_state(&desk, store, loss.as_ref()).await?
        }
        None => view(&desk, &Known::default(), loss.as_ref()),
    };
    if arguments.json {
        terminal::say(&pretty(&status))?;
    } else {
        people(&desk, &status)?;
    }
    let is_gone = desk.store.is_none() && Store::missing(&desk.files.config.state).is_some();
    Ok(if is_gone || status.is_failing(loss.as_ref(), desk.now) { Exit::No } else { Exit::Fine })
}

/// Reads the state.
#[derive(Default)]
struct Known {
    alerts: Vec<Alert>,
    memories: BTreeMap<String, InboxMemory>,
    waiting: Vec<Waiting>,
    backlogs: BTreeMap<String, Backlog>,
    silences: usize,
    missing: Option<MissingRules>,
}

async fn of_state(desk: &CommandContext, store: &Store, loss: Option<&Loss>) -> anyhow::Result<StatusView> {
    let known = Known {
        alerts: store.open_alerts().await?.into_iter().map(|(alert, _)| alert).collect(),
        memories: store.memories().await?.into_iter().collect(),
        waiting: store.waiting().await?,
        backlogs: store.backlogs().await?,
        missing: store.rule_memory().await?.and_then(|memory| memory.missing),
        silences: store.silences().await?.iter().filter(|silence| silence.is_active(desk.now)).count(),
    };
    Ok(view(desk, &known, loss))
}

fn view(desk: &CommandContext, known: &Known, loss: Option<&Loss>) -> StatusView {
    let (config, rules) = (&desk.files.config, &desk.files.live.rules);
    let mut blind: BTreeMap<_, _> = blind_by_files(config, rules, &known.backlogs).into_iter().collect();
    let inboxes = config.inboxes.iter().map(|inbox| {
        let memory = known.memories.get(&inbox.name).map(|memory| memory.clone().by_our_clock()).unwrap_or_default();
        InboxRow::of(&inbox.name, &memory, blind.remove(&inbox.name).flatten(), &known.alerts)
    });
    let receivers = config.receivers.iter().map(|receiver| {
        let waiting = known.waiting.iter().find(|waiting| waiting.receiver == receiver.name);
        ReceiverRow::of(&receiver.name, waiting, known.backlogs.get(&receiver.name))
    });
    let unread = rules.unread.iter();
    StatusView {
        inboxes: inboxes.collect(),
        receivers: receivers.collect(),
        silences: known.silences,
        given_up: known.backlogs.values().map(|backlog| backlog.dead).sum(),
        state_lost: loss.map(LossRow::of),
        rules: rules.rules.len(),
        rules_rejected: rules.rejected.clone(),
        rules_missing: known.missing.as_ref().map(MissingRulesRow::of),
        not_read: unread
            .map(|file| UnreadFileRow { file: file.path.display().to_string(), why: file.why.what.clone() })
            .collect(),
    }
}

fn people(desk: &CommandContext, status: &StatusView) -> io::Result<()> {
    let moment = |at: At| desk.moment(at.0);
    let inboxes = status.inboxes.iter().map(|inbox| {
        let read = inbox.polled_at.map_or("never".to_owned(), |at| format!("{} ago", human(elapsed(at.0, desk.now))));
        let trouble = inbox.failing_since.zip(inbox.failure.as_ref());
        vec![
            inbox.name.clone(),
            read,
            inbox.pending.to_string(),
            inbox.firing.to_string(),
            inbox.acknowledged.to_string(),
            inbox.clock.clone(),
            trouble.map_or("none".to_owned(), |(since, why)| format!("since {}: {why}", moment(since))),
        ]
    });
    let heads = ["INBOX", "LAST POLL", "PENDING", "FIRING", "ACKNOWLEDGED", "CLOCK", "TROUBLE"];
    terminal::say(&table(&heads, inboxes.collect()))?;
    terminal::say("")?;
    let receivers = status.receivers.iter().map(|receiver| {
        vec![
            receiver.name.clone(),
            match (receiver.broken_since, receiver.failing_since) {
                (Some(at), _) => format!("broken since {}", moment(at)),
                (None, Some(at)) => format!("failing since {}", moment(at)),
                (None, None) => "fine".to_owned(),
            },
            receiver.owed.to_string(),
            receiver.given_up.to_string(),
            receiver.next_at.map(moment).unwrap_or_default(),
            receiver.last_error.clone().unwrap_or_default(),
        ]
    });
    let heads = ["RECEIVER", "STATE", "OWED", "GIVEN UP", "NEXT ATTEMPT", "LAST ERROR"];
    terminal::say(&table(&heads, receivers.collect()))?;
    terminal::say("")?;
    for inbox in &status.inboxes {
        if let Some(why) = &inbox.blind {
            terminal::say(&format!("inbox {}: {why}", inbox.name))?;
        }
    }
    for inbox in &status.inboxes {
        for FailedConditionRow { rule, since, part, reason, contacts } in &inbox.conditions_failed {
            let (words, since) = (faults::fault_message(part, reason, *contacts), moment(*since));
            let inbox = &inbox.name;
            terminal::say(&format!("rule {rule} cannot be judged for everybody in {inbox} since {since}: {words}"))?;
        }
    }
    terminal::say(&format!(
        "{} in use, {} with mistakes; {} in force",
        check::count(status.rules, "rule"),
        status.rules_rejected.len(),
        check::count(status.silences, "silence")
    ))?;
    if status.given_up > 0 {
        terminal::say(&format!(
            "{} given up: `pengwatch outbox list` shows {}; `outbox replay ID` sends again, `outbox drop ID` does not",
            check::count(status.given_up, "message"),
            if status.given_up == 1 { "it" } else { "them" },
        ))?;
    }
    if let Some(loss) = &status.state_lost {
        terminal::say(&format!("the state was lost at {}: {}", moment(loss.at), loss.detail))?;
    }
    if let Some(missing) = &status.rules_missing {
        let since = moment(missing.since);
        terminal::say(&format!("since {since} {}; `pengwatch rules --accept` says that it is meant", missing.words))?;
    }
    for file in &status.not_read {
        terminal::say(&format!("not read: {}: {}", file.file, file.why))?;
    }
    Ok(())
}
