//! Receivers that were added, removed or renamed: what is owed to a receiver that is not named any more goes to the
//! receivers that the rule names now.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    model::{ALERT, Address, Alert, Left, Passed, ReceiverChange, ToldReceiver, VIA, WATCHDOG},
    rules::{Rule, hours::Outside},
};

/// Who replaces whom, by the current configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// The configured receivers, each with its fallback.
    pub fallbacks: BTreeMap<String, Option<String>>,
    /// The receivers of the watchdog's messages.
    pub watchdog: Vec<String>,
}

impl Roster {
    /// Removes receivers that are no longer configured, because they cannot be notified of an end.
    pub fn without_the_gone(&self, told: &mut Vec<ToldReceiver>) {
        if !self.fallbacks.is_empty() {
            told.retain(|told| self.fallbacks.contains_key(&told.receiver));
        }
    }

    /// A receiver and its fallbacks, in order.
    fn chain(&self, receiver: &str) -> Vec<String> {
        let mut chain: Vec<String> = Vec::new();
        let mut next = self.fallbacks.contains_key(receiver).then(|| receiver.to_owned());
        while let Some(name) = next.filter(|name| !chain.contains(name)) {
            next = self.fallbacks.get(&name).cloned().flatten();
            chain.push(name);
        }
        chain
    }
}

/// The receivers that are notified now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Successors {
    /// Each receiver with its fallbacks, in order: the next one is notified if the one before was given up.
    pub chains: Vec<Vec<String>>,
    pub step: u32,
    pub template: String,
}

/// Passes what a receiver was owed and did not get to others, see [`successors`]: in each chain to the first receiver
/// that was not given up, but not if that one knows of the alert already or is about to.
pub(crate) fn pass_on(
    rule: Option<&Rule>,
    left: &Left,
    receiver: &str,
    roster: &Roster,
    now: Timestamp,
) -> Option<Passed> {
    let Successors { chains, step, template } = successors(rule, &left.alert, (receiver, left.step), roster, now)?;
    let given_up = |name: &&String| left.heard.get(*name) == Some(&true);
    let first = |chain: &Vec<String>| {
        let first = chain.iter().find(|name| !given_up(name))?;
        (!left.heard.contains_key(first)).then(|| first.clone())
    };
    Some(Passed { id: left.id, to: chains.iter().filter_map(first).collect(), step, template })
}

/// Compares the receivers that were known before with the current ones. A removed receiver with the same address as a
/// current one was renamed. A receiver with a new address begins anew.
pub(crate) fn changes(known: &[(String, Address)], receivers: &[(String, Address)]) -> Vec<ReceiverChange> {
    let persons = |of: &Address| of.iter().filter(|one| !one.starts_with(VIA)).count();
    let common = |one: &Address, other: &Address| {
        other.iter().filter(|part| !part.starts_with(VIA) && one.contains(part)).count()
    };
    let is_new = |name: &String| known.iter().all(|(other, _)| other != name);
    let change = |(name, address): &(String, Address)| {
        if let Some((_, now)) = receivers.iter().find(|(other, _)| other == name) {
            return (!address.is_empty() && address != now).then(|| ReceiverChange::Moved(name.clone()));
        }
        // A receiver that was known before is a different one, unless it reaches exactly the same persons.
        let heirs = receivers.iter().filter(|(heir, other)| {
            let common = common(address, other);
            common > 0 && (is_new(heir) || (common == persons(address) && common == persons(other)))
        });
        let (heir, _) = heirs.max_by_key(|(_, other)| common(address, other))?;
        Some(ReceiverChange::Renamed { from: name.clone(), to: heir.clone() })
    };
    known.iter().filter_map(change).collect()
}

/// The receivers that are notified of an alert in place of `receiver`, which was owed a message of the step number
/// `step`. `None`: `receiver` is still named by a step, as a stand-in outside the hours or as a fallback; or the rule
/// is not known, which is not an order to withdraw anything.
pub(crate) fn successors(
    rule: Option<&Rule>,
    alert: &Alert,
    (receiver, step): (&str, u32),
    roster: &Roster,
    now: Timestamp,
) -> Option<Successors> {
    let (named, to, step, template) = if alert.inbox == WATCHDOG {
        (roster.watchdog.iter().collect::<BTreeSet<_>>(), &roster.watchdog[..], step, ALERT.to_owned())
    } else {
        let rule = rule?;
        let stands_in = rule.hours.as_ref().and_then(|hours| match &hours.outside {
            Outside::Receiver(other) => Some(other),
            Outside::Hold | Outside::Drop => None,
        });
        let named = rule.notify.iter().flat_map(|step| &step.to).chain(stands_in).collect();
        // If the rule has fewer steps than before, its last one.
        let place = (step as usize).min(rule.notify.len().checked_sub(1)?);
        let to = match stands_in {
            Some(other) if !rule.is_open(now) => std::slice::from_ref(other),
            _ => &rule.notify[place].to[..],
        };
        (named, to, u32::try_from(place).unwrap_or(step), rule.notify[place].template.clone())
    };
    let is_named = named.into_iter().any(|name| roster.chain(name).iter().any(|one| one == receiver));
    if is_named {
        return None;
    }
    let chains = to.iter().map(|name| roster.chain(name)).filter(|chain| !chain.is_empty()).collect();
    Some(Successors { chains, step, template })
}
