//! What the loops share: rules, templates, names.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use jiff::tz::TimeZone;

use crate::{
    model::Names,
    render::{Renderer, RuleWords},
    rules::{RuleSet, Severity},
};

/// What all loops read; names of segments come in while running.
#[derive(Debug)]
pub struct Shared {
    /// The rules.
    pub rules: RuleSet,
    /// The templates.
    pub renderer: Renderer,
    /// Addresses of conversations, by inbox.
    pub links: BTreeMap<String, String>,
    /// The zone of times in messages.
    pub timezone: TimeZone,
    names: RwLock<Arc<Names>>,
}

impl Shared {
    /// What is shared, with the names of the configuration.
    pub fn new(
        rules: RuleSet,
        renderer: Renderer,
        links: BTreeMap<String, String>,
        timezone: TimeZone,
        names: Names,
    ) -> Self {
        Self { rules, renderer, links, timezone, names: RwLock::new(Arc::new(names)) }
    }

    /// The names as they are now.
    pub fn names(&self) -> Arc<Names> {
        Arc::clone(&self.names.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes names of segments in.
    pub fn learn_segments(&self, segments: &BTreeMap<String, String>) {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        if segments.iter().any(|(id, name)| names.segments.get(id) != Some(name)) {
            let mut learned = Names::clone(&names);
            learned.segments.extend(segments.iter().map(|(id, name)| (id.clone(), name.clone())));
            *names = Arc::new(learned);
        }
    }

    /// What messages say of a rule; of one that is gone, its name.
    pub fn words(&self, rule: &str) -> RuleWords {
        let known = self.rules.get(rule);
        RuleWords {
            name: rule.to_owned(),
            description: known.map(|rule| rule.description.clone()).unwrap_or_default(),
            severity: known.map_or(Severity::default(), |rule| rule.severity).name().to_owned(),
            timezone: self.timezone.clone(),
        }
    }
}
