//! Which problems the watcher itself has, from what is known of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{faults, retry::BROKEN_AFTER};
use crate::model::{
    Alert, Backlog, InboxMemory, Loss, MissingRules, Problem, Trouble, snapshot::ConditionFailed, time::human,
};

/// The state of the watcher, by our clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WatcherState<'a> {
    /// The memory of every watched inbox, by name.
    pub memories: &'a [(String, InboxMemory)],
    /// Rules with mistakes, each with its mistake.
    pub rejected: &'a [(String, String)],
    /// Rules whose files vanished.
    pub missing: Option<&'a MissingRules>,
    /// What waits for each configured receiver, by name.
    pub backlogs: &'a BTreeMap<String, Backlog>,
    /// Templates that were rendered in this run, each with its error and since when, if it failed.
    pub templates: &'a BTreeMap<String, Option<(String, Timestamp)>>,
    /// The state's name, and its last loss.
    pub loss: Option<(&'a str, &'a Loss)>,
    /// The reported problems.
    pub told: &'a [Alert],
    /// Time before a problem that may pass by itself is reported.
    pub after: SignedDuration,
    pub now: Timestamp,
}

pub(crate) fn troubles(state: &WatcherState<'_>) -> Vec<Trouble> {
    let WatcherState { memories, backlogs, after, now, .. } = *state;
    let mut troubles: Vec<Trouble> =
        memories.iter().flat_map(|(inbox, memory)| of_inbox(inbox, memory, after, now)).collect();
    troubles.extend(of_runs(memories));
    troubles.extend(of_conditions(memories));
    troubles.extend(state.rejected.iter().map(|(rule, mistake)| trouble(Problem::RuleRejected, rule, mistake, now)));
    troubles.extend(state.missing.map(of_rules));
    troubles.extend(of_receivers(backlogs, after, now));
    troubles.extend(of_templates(state.templates, state.told));
    troubles.extend(state.loss.and_then(|(name, loss)| of_state(name, loss, now)));
    let told: Vec<Trouble> = state.told.iter().filter_map(Trouble::of).collect();
    let unproved = unproved(&told, &troubles, memories, backlogs);
    troubles.extend(unproved);
    troubles
}

fn trouble(problem: Problem, subject: &str, detail: &str, since: Timestamp) -> Trouble {
    Trouble { problem, subject: subject.to_owned(), detail: detail.to_owned(), since }
}

/// The problems of one inbox. A refused token is reported at once, and hides the unreadable inbox.
pub(super) fn of_inbox(inbox: &str, memory: &InboxMemory, after: SignedDuration, now: Timestamp) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    if let Some(failing) = &memory.failing {
        let lasts = now.duration_since(failing.since) >= after;
        if failing.token_refused {
            troubles.push(trouble(Problem::TokenRefused, inbox, &failing.why, failing.since));
        } else if lasts {
            troubles.push(trouble(Problem::InboxUnreadable, inbox, &failing.why, failing.since));
        }
    }
    if let Some(odd) = &memory.odd_records
        && now.duration_since(odd.since) >= after
    {
        let detail = match &odd.what {
            Some(what) => what.clone(),
            None if odd.count == 1 => "1 record".to_owned(),
            None => format!("{} records", odd.count),
        };
        troubles.push(trouble(Problem::RecordsNotUnderstood, inbox, &detail, odd.since));
    }
    if let Some(emptied) = &memory.doubt.emptied {
        troubles.push(trouble(Problem::InboxEmptied, inbox, &emptied.to_string(), emptied.since));
    }
    if let Some((since, detail)) = memory.differing() {
        troubles.push(trouble(Problem::FilterDiffers, inbox, &detail, since));
    }
    if let Some(short) = &memory.short {
        let detail = format!("a full walk of {} pages or more does not end in time", short.pages);
        troubles.push(trouble(Problem::BudgetShort, inbox, &detail, short.since));
    }
    if let Some(since) = memory.clocks.differ_since {
        troubles.push(trouble(Problem::ClockDiffers, inbox, &memory.clocks.message(), since));
    }
    troubles
}

/// Reported problems that still exist in another form: they must not be reported as over.
pub(super) fn unproved(
    told: &[Trouble],
    troubles: &[Trouble],
    memories: &[(String, InboxMemory)],
    backlogs: &BTreeMap<String, Backlog>,
) -> Vec<Trouble> {
    let lasts = |told: &&Trouble| match told.problem {
        // A failure of another kind does not mean that the inbox is readable again.
        Problem::InboxUnreadable | Problem::TokenRefused => {
            memories.iter().any(|(inbox, memory)| *inbox == told.subject && memory.failing.is_some())
        }
        Problem::OutboxStuck => backlogs.get(&told.subject).is_some_and(|backlog| backlog.untried_since.is_some()),
        // A message that was dropped by hand, or that waits again after a replay, has not arrived.
        Problem::ReceiverBroken => {
            backlogs.get(&told.subject).is_some_and(|backlog| backlog.accepted_at.is_none_or(|at| at < told.since))
        }
        _ => false,
    };
    let is_known =
        |told: &Trouble| troubles.iter().any(|known| known.problem == told.problem && known.subject == told.subject);
    told.iter().filter(|told| !is_known(told)).filter(lasts).cloned().collect()
}

/// The problems of templates. One is over when the template was rendered without an error, not when nobody has tried it
/// since.
pub(super) fn of_templates(rendered: &BTreeMap<String, Option<(String, Timestamp)>>, told: &[Alert]) -> Vec<Trouble> {
    let failing = rendered.iter().filter_map(|(name, fault)| {
        let (fault, since) = fault.as_ref()?;
        Some(trouble(Problem::TemplateFailed, name, fault, *since))
    });
    let untried = told
        .iter()
        .filter_map(Trouble::of)
        .filter(|told| told.problem == Problem::TemplateFailed && !rendered.contains_key(&told.subject));
    failing.chain(untried).collect()
}

/// A lost or older state is reported for a while, and so is one that is lost again and again.
fn of_state(name: &str, loss: &Loss, now: Timestamp) -> Option<Trouble> {
    loss.lasts(now).then(|| trouble(Problem::StateLost, name, &loss.message(), loss.found_at))
}

/// Conditions that could not be judged: one problem for each rule, over all its inboxes.
pub(super) fn of_conditions(memories: &[(String, InboxMemory)]) -> Vec<Trouble> {
    let mut found: BTreeMap<&str, (ConditionFailed, usize)> = BTreeMap::new();
    for (rule, failed) in memories.iter().flat_map(|(_, memory)| &memory.conditions) {
        let (first, contacts) = found.entry(rule).or_insert_with(|| (failed.clone(), 0));
        first.since = first.since.min(failed.since);
        *contacts += failed.contacts;
    }
    let told = |(rule, (failed, contacts)): (&str, (ConditionFailed, usize))| {
        let detail = faults::fault_message(&failed.part, &failed.why, contacts);
        trouble(Problem::ConditionFailed, rule, &detail, failed.since)
    };
    found.into_iter().map(told).collect()
}

/// All vanished rules are one problem.
fn of_rules(lost: &MissingRules) -> Trouble {
    trouble(Problem::RulesMissing, "rules", &lost.message(), lost.since)
}

/// Missed runs are one problem, over all inboxes.
pub(super) fn of_runs(memories: &[(String, InboxMemory)]) -> Option<Trouble> {
    let missed = memories.iter().find_map(|(_, memory)| memory.runs.missed.as_ref())?;
    let words = |seconds| human(SignedDuration::from_secs(seconds));
    let detail = format!("no run for {}, while usually there is one every {}", words(missed.gap), words(missed.usual));
    Some(trouble(Problem::RunsMissed, "run --once", &detail, missed.since))
}

pub(super) fn of_receivers(
    backlogs: &BTreeMap<String, Backlog>,
    after: SignedDuration,
    now: Timestamp,
) -> Vec<Trouble> {
    let of = |(receiver, backlog): (&String, &Backlog)| {
        let lasts = |since: &Timestamp| now.duration_since(*since) >= after.max(BROKEN_AFTER);
        let reception = &backlog.reception;
        // A broken receiver already explains why messages wait or were given up.
        if let Some(broken_at) = reception.broken_at {
            let since = reception.failing_since.unwrap_or(broken_at);
            let detail = format!("{}. It is tried every two minutes or so", reception.last_error);
            return Some(trouble(Problem::ReceiverBroken, receiver, &detail, since));
        }
        if let Some((at, why)) = &backlog.given_up {
            let detail = format!("a message was given up: {why}");
            return Some(trouble(Problem::ReceiverBroken, receiver, &detail, *at));
        }
        let since = backlog.untried_since.filter(lasts)?;
        Some(trouble(Problem::OutboxStuck, receiver, &reception.last_error, since))
    };
    backlogs.iter().filter_map(of).collect()
}
