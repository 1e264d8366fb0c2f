//! Passes on what is owed to a receiver that no rule names any more to those that the rule names now.

use jiff::Timestamp;

use super::shared::Shared;
use crate::{
    engine::successor,
    model::Passed,
    store::{Store, StoreError},
};

/// Passes on what is owed to one receiver; returns how many notifications are owed to others now.
///
/// # Errors
/// The store failed.
pub(crate) async fn pass_on(
    store: &Store,
    shared: &Shared,
    receiver: &str,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let left = store.left_by(receiver).await?;
    if left.is_empty() {
        return Ok(0);
    }
    let live = shared.live();
    let passed = left.into_iter().filter_map(|left| {
        let rule = live.rules.get(&left.alert.rule);
        successor::pass_on(rule.map(AsRef::as_ref), &left, receiver, &shared.roster, now)
    });
    let passed: Vec<Passed> = passed.collect();
    if passed.is_empty() {
        return Ok(0);
    }
    let withdrawn = passed.len();
    let owed = store.pass_on(passed, now).await?;
    tracing::warn!(
        receiver,
        withdrawn,
        owed,
        "receiver.replaced: the receivers that the rules name now are notified in its place"
    );
    Ok(owed)
}

/// Passes on what is owed to receivers that the configuration no longer has.
///
/// # Errors
/// The store failed.
pub(crate) async fn pass_on_of_gone(store: &Store, shared: &Shared, now: Timestamp) -> Result<usize, StoreError> {
    let mut owed = 0;
    for receiver in store.gone(shared.roster.fallbacks.keys().cloned().collect()).await? {
        owed += pass_on(store, shared, &receiver, now).await?;
    }
    Ok(owed)
}
