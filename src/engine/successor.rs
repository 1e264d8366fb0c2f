//! Receivers that come, go or have another name: what one was to be told that nothing names any more goes to those
//! whom the rule names now.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    model::{ALERT, Address, Alert, Left, Passed, ReceiverChange, ToldReceiver, VIA, WATCHDOG},
    rules::{Rule, hours::Outside},
};

/// Who is told in whose place, as the configuration says it now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// The receivers that there are, each with its fallback.
    pub fallbacks: BTreeMap<String, Option<String>>,
    /// Who hears of the watcher's own troubles.
    pub watchdog: Vec<String>,
}

impl Roster {
    /// Leaves out receivers that the configuration no longer has: nobody could tell them of an end.
    pub fn without_the_gone(&self, told: &mut Vec<ToldReceiver>) {
        if !self.fallbacks.is_empty() {
            told.retain(|told| self.fallbacks.contains_key(&told.receiver));
        }
    }

    /// A receiver and those who stand in for it, in order.
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

/// Who is told now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Successors {
    /// Each with those who stand in for it, in order: the next one is told where the one before was given up.
    pub chains: Vec<Vec<String>>,
    pub step: u32,
    pub template: String,
}

/// What a receiver was to be told and was not, for others: see [`successors`]. Of each chain it is for the first one
/// to whom it was not given up; where that one knows of the alert, or is about to, for nobody.
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

/// What became of the receivers that were known before, now that there are these. One that is gone, and is reached
/// in the same way as one that is there, has another name now. One that is reached in another way begins anew.
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
        // One that was there before is another receiver, unless it reaches exactly the same.
        let heirs = receivers.iter().filter(|(heir, other)| {
            let common = common(address, other);
            common > 0 && (is_new(heir) || (common == persons(address) && common == persons(other)))
        });
        let (heir, _) = heirs.max_by_key(|(_, other)| common(address, other))?;
        Some(ReceiverChange::Renamed { from: name.clone(), to: heir.clone() })
    };
    known.iter().filter_map(change).collect()
}

/// Who is told of an alert in place of `receiver`, which was owed a message of the step number `step`. `None`:
/// `receiver` is still named, by a step, as a stand-in outside of the hours or as a fallback; or the rule is not
/// known, and that is no order to withdraw anything.
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
        // Of a rule with fewer steps than before, the last one.
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
