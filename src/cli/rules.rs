//! `pengwatch rules`: what each rule does, in one sentence, and how often it fired; also accepts missing rules as
//! removed.

use std::collections::BTreeMap;

use clap::Args;
use jiff::Timestamp;

use super::{
    Exit, Global, check,
    state::{CommandContext, pretty},
    terminal,
};
use crate::{
    model::{Happened, RuleMemory, history::HistoryQuery},
    rules::{Rule, sentence::sentence, vanish},
    views::{At, RuleRow},
};

/// The arguments of the command.
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

/// Lists the rules, or accepts that some are missing.
///
/// # Errors
/// The reason for the exit status.
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
        terminal::say(&pretty(&rows))?;
    } else if rows.is_empty() {
        terminal::say(&format!("there is no rule in {}", desk.files.config.rules.display()))?;
    } else {
        for row in &rows {
            terminal::say(&described(row, &desk))?;
        }
    }
    Ok(Exit::Fine)
}

/// Every rule, present or missing, by name.
fn rows(desk: &CommandContext, memory: &RuleMemory, fired: &BTreeMap<String, Fired>) -> Vec<RuleRow> {
    let set = &desk.files.live.rules;
    let in_use = set.rules.iter().map(|rule| (&rule.name, "in-use", Some(rule.as_ref())));
    let disabled = set.disabled.iter().map(|name| (name, "disabled", None));
    let rejected = set.rejected.iter().map(|name| (name, "rejected", None));
    let missing = memory.missing.iter().flat_map(|missing| missing.names.iter());
    let missing = missing.filter(|name| set.get(name).is_none()).map(|name| (name, "missing", None));
    let mut rows: Vec<RuleRow> = in_use
        .chain(disabled)
        .chain(rejected)
        .chain(missing)
        .map(|(name, state, rule): (&String, _, Option<&Rule>)| {
            let fired = fired.get(name).copied().unwrap_or_default();
            RuleRow {
                name: name.clone(),
                state,
                description: rule.map(|rule| rule.description.clone()),
                severity: rule.map(|rule| rule.severity.name()),
                sentence: rule.map(sentence),
                fired: fired.times,
                last_fired_at: fired.last.map(At),
            }
        })
        .collect();
    rows.sort_by(|one, other| one.name.cmp(&other.name));
    rows
}

fn described(row: &RuleRow, desk: &CommandContext) -> String {
    let what = match (&row.sentence, row.state) {
        (Some(sentence), _) => sentence.as_str(),
        (None, "disabled") => "It is disabled.",
        (None, "missing") => "Its file is missing.",
        (None, _) => "It has mistakes; `pengwatch check` names them.",
    };
    let at = |before: &str| row.last_fired_at.map_or(String::new(), |at| format!(", {before} {}", desk.moment(at.0)));
    let fired = match row.fired {
        0 => "It has not fired".to_owned(),
        1 => format!("It fired once{}", at("at")),
        times => format!("It fired {times} times{}", at("last at")),
    };
    format!("{}: {what} {fired}.", row.name)
}

/// Accepts the missing rules as removed.
async fn accept(desk: CommandContext, as_json: bool) -> anyhow::Result<Exit> {
    let Some(store) = &desk.store else { return Ok(Exit::No) };
    let set = desk.files.live.rules;
    let gone = store.remember_rules(move |memory| vanish::accept(&set, memory)).await?;
    if as_json {
        terminal::say(&pretty(&gone))?;
    } else if gone.is_empty() {
        terminal::say("no rule is missing")?;
    } else {
        let (rules, their) = (check::count(gone.len(), "rule"), if gone.len() == 1 { "its" } else { "their" });
        terminal::say(&format!("{rules} taken as removed, {their} alerts end without a message: {}", gone.join(", ")))?;
    }
    Ok(Exit::Fine)
}
