//! Conditions that could not be judged: for which contacts, and for how long that is remembered.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Observed;
use crate::{
    model::snapshot::ConditionFailed,
    rules::{ConditionFault, Rule},
};

/// A rule whose condition could not be judged for some contacts of one tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFault {
    pub rule: String,
    /// The first fault of the tick.
    pub fault: ConditionFault,
    pub contacts: BTreeSet<String>,
}

impl RuleFault {
    /// A text for operators: what failed and for how many contacts.
    pub fn message(&self) -> String {
        fault_message(&self.fault.part, &self.fault.why, self.contacts.len())
    }
}

/// Notes that a condition could not be judged for a contact.
pub(crate) fn note(faults: &mut Vec<RuleFault>, rule: &Rule, contact: &str, fault: ConditionFault) {
    let known = faults.iter_mut().find(|known| known.rule == rule.name);
    match known {
        Some(known) => drop(known.contacts.insert(contact.to_owned())),
        None => {
            faults.push(RuleFault { rule: rule.name.clone(), fault, contacts: BTreeSet::from([contact.to_owned()]) });
        }
    }
}

/// A text for operators: what failed and for how many contacts.
pub(crate) fn fault_message(part: &str, why: &str, contacts: usize) -> String {
    let who = if contacts == 1 { "1 contact".to_owned() } else { format!("{contacts} contacts") };
    format!("`{part}` failed for {who}: {why}")
}

/// What is remembered of the faults after this tick. A fault is over when a complete walk of the rule's query, begun
/// after the fault was last seen, found no contact with it, or when the condition was edited.
pub(crate) fn remember<'a>(
    known: &BTreeMap<String, ConditionFailed>,
    faults: &[RuleFault],
    rules: impl Iterator<Item = &'a Rule>,
    observed: &Observed,
    now: Timestamp,
) -> BTreeMap<String, ConditionFailed> {
    let mut kept = BTreeMap::new();
    for rule in rules {
        let known = known.get(&rule.name).filter(|known| known.condition == rule.version.condition);
        let whole = observed.of(&rule.name).complete > 0;
        let earlier = observed.earlier.get(&rule.name);
        let failed = match (faults.iter().find(|fault| fault.rule == rule.name), known) {
            (Some(fault), known) => {
                let seen = fault.contacts.len();
                // Only a complete walk proves that there are fewer.
                let before = known.filter(|_| !whole || earlier.is_some()).map_or(0, |known| known.contacts);
                ConditionFailed {
                    since: known.map_or(now, |known| known.since),
                    seen_at: now,
                    part: fault.fault.part.clone(),
                    why: fault.fault.why.clone(),
                    contacts: seen.max(before),
                    condition: rule.version.condition.clone(),
                }
            }
            (None, Some(known)) if whole && earlier.is_none_or(|part| part.began_at > known.seen_at) => continue,
            (None, Some(known)) => known.clone(),
            (None, None) => continue,
        };
        kept.insert(rule.name.clone(), failed);
    }
    kept
}
