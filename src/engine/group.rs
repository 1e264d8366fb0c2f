//! Which notifications become one message.

use crate::model::{Event, Notification};

/// How a receiver wants its messages put together; the configuration's `group`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// Same rule, step and event.
    Rule,
    /// Each contact alone.
    Contact,
    /// Everything with the same event.
    Receiver,
}

/// Puts notifications for one receiver that are due together into messages, in the order in which
/// they fell due. `item` gives an entry's notification.
pub fn group<T>(entries: Vec<T>, by: GroupBy, item: impl Fn(&T) -> &Notification) -> Vec<Vec<T>> {
    let mut groups: Vec<(Key, Vec<T>)> = Vec::new();
    for entry in entries {
        let key = Key::of(item(&entry), by);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.push(entry),
            None => groups.push((key, vec![entry])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// What notifications of one message have in common.
#[derive(PartialEq)]
struct Key {
    event: Event,
    /// Inbox, rule, step, template; a whole receiver's digest uses the first one's template.
    rule: Option<(String, String, u32, String)>,
    alert: Option<String>,
}

impl Key {
    fn of(notification: &Notification, by: GroupBy) -> Self {
        let Notification { inbox, rule, step, template, alert, event, .. } = notification;
        let of_rule = || (inbox.clone(), rule.clone(), *step, template.clone());
        match by {
            GroupBy::Rule => Self { event: *event, rule: Some(of_rule()), alert: None },
            GroupBy::Contact => Self { event: *event, rule: Some(of_rule()), alert: Some(alert.0.clone()) },
            GroupBy::Receiver => Self { event: *event, rule: None, alert: None },
        }
    }
}
