//! The values that a template can use.
//!
//! All values are filtered by privacy and cleaned of harmful characters first, so that neither a template nor a helper
//! can reach what its receiver may not see.

use serde_json::{Value, json};

use super::{
    MessageView,
    entry::{ListedAlert, line_of, rule, rules},
    headline::headline,
};
use crate::model::time::iso;

pub(super) fn context(telling: &MessageView<'_>, entries: &[ListedAlert<'_>]) -> Value {
    json!({
        "event": telling.event.name(),
        "headline": headline(telling, entries),
        "now": iso(telling.now),
        "rule": rule(telling.rule, true),
        "rules": rules(telling),
        "inbox": line_of(telling.inbox),
        "receiver": line_of(telling.receiver),
        "step": telling.step,
        "count": telling.alerts.len(),
        "more": telling.alerts.len().saturating_sub(entries.len()),
        "delayed": telling.delayed.map_or_else(|| Value::from(""), |delay| delay.as_secs().into()),
        "alerts": entries.iter().map(ListedAlert::json).collect::<Vec<_>>(),
        // These are the watchdog's, and empty in every other message.
        "problem": "",
        "state": "",
        "detail": "",
        "since": "",
    })
}
