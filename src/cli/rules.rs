//! `pengwatch rules`: what each rule does, in one sentence, and how often it fired; and the word of a person that rules
//! which are missing are meant to be gone.

use std::collections::BTreeMap;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Exit, Global, check,
    state::{CommandContext, pretty},
    terminal,
};
use crate::{
    model::{Happened, RuleMemory, history::HistoryQuery, time::iso},
    rules::{Rule, sentence::sentence, vanish},
};

/// What the command takes.
#[derive(Debug, Args)]
pub struct RulesArguments {
    /// Rules that are missing are meant to be gone: their alerts end without a message
    #[arg(long)]
    pub accept: bool,
    /// For programs: a JSON array
    #[arg(long)]
    pub json: bool,
}

/// How often a rule fired in the history that is kept.
#[derive(Clone, Copy, Debug, Default)]
struct Fired {
    times: usize,
    last: Option<Timestamp>,
}

/// One rule, in use or not.
struct Row<'a> {
    name: String,
    state: &'static str,
    rule: Option<&'a Rule>,
    fired: Fired,
}

/// Lists the rules, or accepts that some are missing.
///
/// # Errors
/// What ended it.
pub(super) async fn rules(global: &Global, arguments: RulesArguments) -> anyhow::Result<Exit> {
    let desk = match CommandContext::open(global, false).await? {
        Ok(desk) => desk,
        Err(exit) => return Ok(exit),
    };
    if arguments.accept {
        return accept(desk, arguments.json).await;
    }
    let (memory, fired) = match &desk.store {
        Some(store) => {
            let entries = store.history(HistoryQuery::default()).await?;
            let mut fired: BTreeMap<String, Fired> = BTreeMap::new();
            for entry in entries.into_iter().filter(|entry| entry.happened == Happened::Firing) {
                let known = fired.entry(entry.rule).or_default();
                *known = Fired { times: known.times + 1, last: Some(entry.at) };
            }
            (store.rule_memory().await?.unwrap_or_default(), fired)
        }
        None => (RuleMemory::default(), BTreeMap::new()),
    };
    let rows = rows(&desk, &memory, &fired);
    if arguments.json {
        terminal::say(&pretty(&Value::Array(rows.iter().map(object).collect())))?;
    } else if rows.is_empty() {
        terminal::say(&format!("there is no rule in {}", desk.files.config.rules.display()))?;
    } else {
        for row in &rows {
            terminal::say(&words(row, &desk))?;
        }
    }
    Ok(Exit::Fine)
}

/// Every rule that is there, and those that are missing, by name.
fn rows<'a>(desk: &'a CommandContext, memory: &RuleMemory, fired: &BTreeMap<String, Fired>) -> Vec<Row<'a>> {
    let set = &desk.files.live.rules;
    let in_use = set.rules.iter().map(|rule| (rule.name.clone(), "in-use", Some(rule.as_ref())));
    let disabled = set.disabled.iter().map(|name| (name.clone(), "disabled", None));
    let rejected = set.rejected.iter().map(|name| (name.clone(), "rejected", None));
    let missing = memory.missing.iter().flat_map(|missing| missing.names.iter());
    let missing = missing.filter(|name| set.get(name).is_none()).map(|name| (name.clone(), "missing", None));
    let mut rows: Vec<Row<'_>> = in_use
        .chain(disabled)
        .chain(rejected)
        .chain(missing)
        .map(|(name, state, rule)| Row { fired: fired.get(&name).copied().unwrap_or_default(), name, state, rule })
        .collect();
    rows.sort_by(|one, other| one.name.cmp(&other.name));
    rows
}

fn object(row: &Row<'_>) -> Value {
    json!({
        "name": row.name,
        "state": row.state,
        "description": row.rule.map(|rule| &rule.description),
        "severity": row.rule.map(|rule| rule.severity.name()),
        "sentence": row.rule.map(sentence),
        "fired": row.fired.times,
        "last_fired_at": row.fired.last.map(iso),
    })
}

fn words(row: &Row<'_>, desk: &CommandContext) -> String {
    let what = match (row.rule, row.state) {
        (Some(rule), _) => sentence(rule),
        (None, "disabled") => "It is disabled.".to_owned(),
        (None, "missing") => "Its file is missing.".to_owned(),
        (None, _) => "It has mistakes; `pengwatch check` names them.".to_owned(),
    };
    let fired = match row.fired {
        Fired { times: 0, .. } => "It has not fired".to_owned(),
        Fired { times: 1, last } => {
            format!("It fired once{}", last.map_or(String::new(), |at| format!(", at {}", desk.moment(at))))
        }
        Fired { times, last } => {
            format!(
                "It fired {times} times{}",
                last.map_or(String::new(), |at| format!(", last at {}", desk.moment(at)))
            )
        }
    };
    format!("{}: {what} {fired}.", row.name)
}

/// A person says that what is missing is meant.
async fn accept(desk: CommandContext, as_json: bool) -> anyhow::Result<Exit> {
    let Some(store) = &desk.store else { return Ok(Exit::No) };
    let set = desk.files.live.rules;
    let gone = store.remember_rules(move |memory| vanish::accept(&set, memory)).await?;
    if as_json {
        terminal::say(&pretty(&json!(gone)))?;
    } else if gone.is_empty() {
        terminal::say("no rule is missing")?;
    } else {
        let (rules, their) = (check::count(gone.len(), "rule"), if gone.len() == 1 { "its" } else { "their" });
        terminal::say(&format!("{rules} taken as removed, {their} alerts end without a message: {}", gone.join(", ")))?;
    }
    Ok(Exit::Fine)
}
