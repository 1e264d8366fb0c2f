//! Whether somebody would be notified of a customer who waits; asked by the heartbeat, `/readyz`, the metrics and
//! one-shot runs.

use std::{collections::BTreeMap, sync::Arc};

use super::shared::Shared;
use crate::{
    engine::blind::{Standing, blind},
    model::Backlog,
    receivers::Config,
    rules::RuleSet,
    store::{Store, StoreError},
};

/// Finds the inboxes for which nobody would be notified.
pub struct Lookout {
    inboxes: Vec<String>,
    fallbacks: BTreeMap<String, Option<String>>,
    shared: Arc<Shared>,
    store: Store,
}

impl Lookout {
    pub fn new(config: &Config, shared: Arc<Shared>, store: Store) -> Self {
        Self { inboxes: config.inbox_names(), fallbacks: fallbacks(config), shared, store }
    }

    /// Every inbox, with the reason why nobody would be notified of a customer who waits there; `None`: somebody would.
    ///
    /// # Errors
    /// The store failed.
    pub async fn look(&self) -> Result<Vec<(String, Option<String>)>, StoreError> {
        let receivers = standing(&self.fallbacks, &self.store.backlogs().await?);
        let live = self.shared.live();
        Ok(self.inboxes.iter().map(|inbox| (inbox.clone(), blind(&live.rules, inbox, &receivers))).collect())
    }

    /// The reasons, each once; empty: all is well.
    ///
    /// # Errors
    /// The store failed.
    pub async fn blind(&self) -> Result<Vec<String>, StoreError> {
        let mut reasons: Vec<String> = self.look().await?.into_iter().filter_map(|(_, why)| why).collect();
        reasons.dedup();
        Ok(reasons.iter().map(|why| consequence(why)).collect())
    }
}

/// Puts the consequence before the reason.
fn consequence(why: &str) -> String {
    format!("nobody would be notified of a customer who waits: {why}")
}

/// The same beside a running watcher, by the files and the state as they are now.
pub(crate) fn blind_by_files(
    config: &Config,
    rules: &RuleSet,
    backlogs: &BTreeMap<String, Backlog>,
) -> Vec<(String, Option<String>)> {
    let receivers = standing(&fallbacks(config), backlogs);
    let why = |inbox: &String| blind(rules, inbox, &receivers).map(|why| consequence(&why));
    config.inbox_names().into_iter().map(|inbox| (inbox.clone(), why(&inbox))).collect()
}

fn fallbacks(config: &Config) -> BTreeMap<String, Option<String>> {
    config.receivers.iter().map(|receiver| (receiver.name.clone(), receiver.fallback.clone())).collect()
}

fn standing(
    fallbacks: &BTreeMap<String, Option<String>>,
    backlogs: &BTreeMap<String, Backlog>,
) -> BTreeMap<String, Standing> {
    let is_broken = |name: &String| backlogs.get(name).is_some_and(|backlog| backlog.reception.is_broken());
    let of = |(name, fallback): (&String, &Option<String>)| {
        (name.clone(), Standing { is_broken: is_broken(name), fallback: fallback.clone() })
    };
    fallbacks.iter().map(of).collect()
}
