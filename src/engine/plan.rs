//! Makes queries from rules. Requests cost most, so rules share walks.

use std::sync::Arc;

use crate::{
    model::{Filter, alert::short_hash},
    rules::Rule,
};

/// One set of filters that is walked for all rules that it serves.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Query {
    /// An id that is the same for the same filters, also after a restart.
    pub id: String,
    pub filter: Filter,
    /// Names of the rules whose contacts it returns.
    pub rules: Vec<String>,
}

/// The fewest queries that return everything that any of the rules could match.
///
/// A filter that another one covers needs no walk of its own, because every record is checked against every rule's
/// filter on this side anyway.
pub(crate) fn queries(rules: &[Arc<Rule>]) -> Vec<Query> {
    let mut widest: Vec<&Filter> = Vec::new();
    for rule in rules {
        if widest.iter().any(|filter| filter.covers(&rule.filter)) {
            continue;
        }
        widest.retain(|filter| !rule.filter.covers(filter));
        widest.push(&rule.filter);
    }
    widest
        .into_iter()
        .map(|filter| Query {
            id: short_hash(&filter.fingerprint()),
            filter: filter.clone(),
            rules: rules.iter().filter(|rule| filter.covers(&rule.filter)).map(|rule| rule.name.clone()).collect(),
        })
        .collect()
}
