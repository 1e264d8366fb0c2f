//! `pengwatch status`: whether the inboxes are read, who waits, and what is owed.

use std::{collections::BTreeMap, io};

use clap::Args;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    Exit, Global, check,
    state::{CommandContext, pretty, table},
    terminal,
};
use crate::{
    engine::faults,
    model::{
        Alert, Backlog, InboxMemory, Loss, MissingRules, ReceiverState, State, Waiting,
        time::{elapsed, human, iso},
    },
    service::lookout::blind_by_files,
    store::Store,
};

/// What the command takes.
#[derive(Debug, Args)]
pub struct StatusArguments {
    /// For programs: a JSON object
    #[arg(long)]
    pub json: bool,
}

/// What is known of everything.
#[derive(Default)]
struct Known {
    alerts: Vec<Alert>,
    memories: Vec<(String, InboxMemory)>,
    waiting: Vec<Waiting>,
    backlogs: BTreeMap<String, Backlog>,
    silences: usize,
    missing: Option<MissingRules>,
    /// The state was lost lately, or is gone.
    loss: Option<Loss>,
    gone: bool,
}

/// That the state was lost is shown for so long.
const SHOWN: SignedDuration = SignedDuration::from_hours(24);

/// Shows it; the answer is "no" where an inbox cannot be read, nobody who waits in it would be told of, a
/// message was given up and nobody has seen to it, or the state was lost.
///
/// # Errors
/// What ended it.
pub(super) async fn status(global: &Global, arguments: StatusArguments) -> anyhow::Result<Exit> {
    let desk = match CommandContext::open(global, false).await? {
        Ok(desk) => desk,
        Err(exit) => return Ok(exit),
    };
    let mut known = Known::default();
    if let Some(store) = &desk.store {
        known = Known {
            alerts: store.open_alerts().await?.into_iter().map(|(alert, _)| alert).collect(),
            memories: store.memories().await?,
            waiting: store.waiting().await?,
            backlogs: store.backlogs().await?,
            missing: store.rule_memory().await?.and_then(|memory| memory.missing),
            silences: store.silences().await?.iter().filter(|silence| silence.is_active(desk.now)).count(),
            loss: store.loss().await?.filter(|loss| loss.lasts(desk.now) || elapsed(loss.found_at, desk.now) < SHOWN),
            gone: false,
        };
    } else {
        known.gone = Store::missing(&desk.files.config.state).is_some();
    }
    if arguments.json {
        terminal::say(&pretty(&object(&desk, &known)))?;
    } else {
        people(&desk, &known)?;
    }
    let is_blind = blind(&desk, &known).iter().any(|(_, why)| why.is_some());
    let failing = known.missing.is_some()
        || desk.files.config.inboxes.iter().any(|inbox| memory(&known, &inbox.name).trouble().is_some());
    let is_lost = known.gone || known.loss.as_ref().is_some_and(|loss| loss.lasts(desk.now));
    let gave_up = known.backlogs.values().any(|backlog| backlog.dead > 0);
    Ok(if failing || is_blind || is_lost || gave_up { Exit::No } else { Exit::Fine })
}

/// Every inbox, with why nobody who waits there would be told of.
fn blind(desk: &CommandContext, known: &Known) -> Vec<(String, Option<String>)> {
    blind_by_files(&desk.files.config, &desk.files.live.rules, &known.backlogs)
}

fn memory(known: &Known, inbox: &str) -> InboxMemory {
    known
        .memories
        .iter()
        .find(|(name, _)| name == inbox)
        .map(|(_, memory)| memory.clone().by_our_clock())
        .unwrap_or_default()
}

fn reception(known: &Known, receiver: &str) -> ReceiverState {
    known.backlogs.get(receiver).map(|backlog| backlog.reception.clone()).unwrap_or_default()
}

fn given_up(known: &Known, receiver: &str) -> usize {
    known.backlogs.get(receiver).map_or(0, |backlog| backlog.dead)
}

fn count(known: &Known, inbox: &str, is_counted: impl Fn(&Alert) -> bool) -> usize {
    known.alerts.iter().filter(|alert| alert.inbox == inbox && is_counted(alert)).count()
}

fn object(desk: &CommandContext, known: &Known) -> Value {
    let blind: BTreeMap<_, _> = blind(desk, known).into_iter().collect();
    let inboxes = desk.files.config.inboxes.iter().map(|inbox| {
        let memory = memory(known, &inbox.name);
        json!({
            "name": inbox.name,
            "polled_at": memory.polled_at.map(iso),
            "failing_since": memory.trouble().map(|(since, _)| iso(since)),
            "failure": memory.trouble().map(|(_, why)| why),
            "blind": blind.get(&inbox.name).cloned().flatten(),
            "conditions_failed": memory.conditions.iter().map(|(rule, failed)| json!({
                "rule": rule,
                "since": iso(failed.since),
                "part": failed.part,
                "reason": failed.why,
                "contacts": failed.contacts,
            })).collect::<Vec<_>>(),
            "clock_ahead_seconds": memory.clocks.difference().map(|ahead| ahead.as_secs()),
            "pending": count(known, &inbox.name, |alert| alert.state() == State::Pending),
            "firing": count(known, &inbox.name, Alert::is_firing),
            "acknowledged": count(known, &inbox.name, |alert| alert.ack.is_some()),
        })
    });
    let receivers = desk.files.config.receivers.iter().map(|receiver| {
        let waiting = known.waiting.iter().find(|waiting| waiting.receiver == receiver.name);
        json!({
            "name": receiver.name,
            "owed": waiting.map_or(0, |waiting| waiting.notifications),
            "next_at": waiting.and_then(|waiting| waiting.next_at).map(iso),
            "last_error": waiting.map_or("", |waiting| &waiting.last_error),
            "given_up": given_up(known, &receiver.name),
            "broken_since": reception(known, &receiver.name).broken_at.map(iso),
        })
    });
    json!({
        "inboxes": inboxes.collect::<Vec<_>>(),
        "receivers": receivers.collect::<Vec<_>>(),
        "silences": known.silences,
        "given_up": known.backlogs.values().map(|backlog| backlog.dead).sum::<usize>(),
        "state_lost": known.loss.as_ref().map(|loss| {
            json!({
                "at": iso(loss.found_at),
                "told_at": loss.told_at.map(iso),
                "older_by": loss.older_by().map(|by| by.as_secs()),
                "detail": loss.words(),
            })
        }),
        "rules": desk.files.live.rules.rules.len(),
        "rules_rejected": desk.files.live.rules.rejected,
        "rules_missing": known.missing.as_ref().map(|missing| json!({
            "since": iso(missing.since),
            "names": missing.names,
            "of": missing.of,
        })),
        "not_read": desk.files.live.rules.unread.iter().map(|file| json!({
            "file": file.path.display().to_string(),
            "why": file.why,
        })).collect::<Vec<_>>(),
    })
}

fn people(desk: &CommandContext, known: &Known) -> io::Result<()> {
    let inboxes = desk.files.config.inboxes.iter().map(|inbox| {
        let memory = memory(known, &inbox.name);
        let read = memory.polled_at.map_or("never".to_owned(), |at| format!("{} ago", human(elapsed(at, desk.now))));
        let clock = memory.clocks.words();
        let trouble =
            memory.trouble().map_or("none".to_owned(), |(since, why)| format!("since {}: {why}", desk.moment(since)));
        vec![
            inbox.name.clone(),
            read,
            count(known, &inbox.name, |alert| alert.state() == State::Pending).to_string(),
            count(known, &inbox.name, Alert::is_firing).to_string(),
            count(known, &inbox.name, |alert| alert.ack.is_some()).to_string(),
            clock,
            trouble,
        ]
    });
    let heads = ["INBOX", "LAST POLL", "PENDING", "FIRING", "ACKNOWLEDGED", "CLOCK", "TROUBLE"];
    terminal::say(&table(&heads, inboxes.collect()))?;
    terminal::say("")?;
    let receivers = desk.files.config.receivers.iter().map(|receiver| {
        let waiting = known.waiting.iter().find(|waiting| waiting.receiver == receiver.name);
        vec![
            receiver.name.clone(),
            match reception(known, &receiver.name) {
                ReceiverState { broken_at: Some(at), .. } => format!("broken since {}", desk.moment(at)),
                ReceiverState { failing_since: Some(at), .. } => format!("failing since {}", desk.moment(at)),
                _ => "fine".to_owned(),
            },
            waiting.map_or(0, |waiting| waiting.notifications).to_string(),
            given_up(known, &receiver.name).to_string(),
            waiting.and_then(|waiting| waiting.next_at).map_or(String::new(), |at| desk.moment(at)),
            waiting.map_or(String::new(), |waiting| waiting.last_error.clone()),
        ]
    });
    let heads = ["RECEIVER", "STATE", "OWED", "GIVEN UP", "NEXT ATTEMPT", "LAST ERROR"];
    terminal::say(&table(&heads, receivers.collect()))?;
    terminal::say("")?;
    for (inbox, why) in blind(desk, known) {
        if let Some(why) = why {
            terminal::say(&format!("inbox {inbox}: {why}"))?;
        }
    }
    for (inbox, memory) in &known.memories {
        for (rule, failed) in &memory.conditions {
            let (words, since) = (faults::words(&failed.part, &failed.why, failed.contacts), desk.moment(failed.since));
            terminal::say(&format!("rule {rule} cannot be judged for everybody in {inbox} since {since}: {words}"))?;
        }
    }
    let rules = &desk.files.live.rules;
    terminal::say(&format!(
        "{} in use, {} with mistakes; {} in force",
        check::count(rules.rules.len(), "rule"),
        rules.rejected.len(),
        check::count(known.silences, "silence")
    ))?;
    let gave_up: usize = known.backlogs.values().map(|backlog| backlog.dead).sum();
    if gave_up > 0 {
        terminal::say(&format!(
            "{} given up: `pengwatch outbox list` shows {}; `outbox replay ID` sends again, `outbox drop ID` does not",
            check::count(gave_up, "message"),
            if gave_up == 1 { "it" } else { "them" },
        ))?;
    }
    if let Some(loss) = &known.loss {
        terminal::say(&format!("the state was lost at {}: {}", desk.moment(loss.found_at), loss.words()))?;
    }
    if let Some(missing) = &known.missing {
        let since = desk.moment(missing.since);
        terminal::say(&format!("since {since} {}; `pengwatch rules --accept` says that it is meant", missing.words()))?;
    }
    for file in &rules.unread {
        terminal::say(&format!("not read: {}: {}", file.path.display(), file.why))?;
    }
    Ok(())
}
