//! Whether anybody would be notified about a customer who begins to wait. Closed hours, silences and takes do not count
//! against it: somebody is notified later, or somebody has the customer.

use std::collections::BTreeMap;

use crate::rules::RuleSet;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Whether it accepts no messages now.
    pub is_broken: bool,
    /// The receiver that is notified in its place.
    pub fallback: Option<String>,
}

/// Why nobody would be notified about a customer who waits in this inbox, in an operator's words; `None` if somebody
/// would.
///
/// `receivers` holds the configured receivers by name. Others are unknown and count as working.
pub(crate) fn blind(rules: &RuleSet, inbox: &str, receivers: &BTreeMap<String, Standing>) -> Option<String> {
    if rules.rules.is_empty() {
        return Some(none_in_use(rules));
    }
    let watching = rules.of_inbox(inbox);
    if watching.is_empty() {
        return Some(format!("no rule in use looks at inbox {inbox}"));
    }
    let mut told = watching.iter().flat_map(|rule| rule.notify.iter()).flat_map(|step| step.to.iter());
    if told.any(|name| hears(name, receivers)) {
        return None;
    }
    Some(format!("no receiver of the rules for inbox {inbox} accepts messages"))
}

fn none_in_use(rules: &RuleSet) -> String {
    let (rejected, disabled) = (rules.rejected.len(), rules.disabled.len());
    let mut why = Vec::new();
    if rejected > 0 {
        why.push(format!("{rejected} with mistakes"));
    }
    if disabled > 0 {
        why.push(format!("{disabled} disabled"));
    }
    if !rules.missing.is_empty() {
        why.push(format!("{} missing", rules.missing.len()));
    }
    if why.is_empty() { "there is no rule".to_owned() } else { format!("no rule is in use: {}", why.join(", ")) }
}

/// Whether a receiver, or a fallback in its place, accepts messages.
fn hears(name: &str, receivers: &BTreeMap<String, Standing>) -> bool {
    let mut name = name;
    // No chain is longer than the list of receivers; a circle of fallbacks ends here.
    for _ in 0..=receivers.len() {
        match receivers.get(name) {
            Some(Standing { is_broken: true, fallback: Some(fallback) }) => name = fallback,
            Some(Standing { is_broken, .. }) => return !is_broken,
            None => return true,
        }
    }
    false
}
