//! Which notifications become one message.

use crate::model::{Event, Notification};

/// How a receiver wants its notifications combined into messages; the configuration's `group`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// By rule, step and event.
    Rule,
    /// One message for each contact.
    Contact,
    /// By inbox and event.
    Receiver,
    /// What piled up while the receiver was broken: for each inbox, who waits and what is over.
    Backlog,
}

/// Combines notifications for one receiver that are due together into messages, in the order in which they fell due.
/// `item` returns an entry's notification, `audience` the persons whom it is for; `None`: all persons whom the receiver
/// reaches.
pub(crate) fn group<T>(
    entries: Vec<T>,
    by: GroupBy,
    item: impl Fn(&T) -> &Notification,
    audience: impl Fn(&T) -> Option<Vec<String>>,
) -> Vec<Vec<T>> {
    let mut groups: Vec<(Key, Vec<T>)> = Vec::new();
    for entry in entries {
        let key = Key { audience: audience(&entry), ..Key::of(item(&entry), by) };
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
    /// The inbox, because a message links to the conversations of one inbox.
    inbox: String,
    /// Rule, step, template; a digest for a whole receiver uses the template of its first notification.
    rule: Option<(String, u32, String)>,
    alert: Option<String>,
    /// The audience, so that nobody reads the end of a wait of which only others were notified.
    audience: Option<Vec<String>>,
}

impl Key {
    fn of(notification: &Notification, by: GroupBy) -> Self {
        let Notification { inbox, rule, step, template, alert, event, .. } = notification;
        let of_rule = || (rule.clone(), *step, template.clone());
        let (event, inbox) = (*event, inbox.clone());
        match by {
            GroupBy::Backlog if event.is_of_waiting() => {
                Self { event: Event::Fired, inbox, rule: None, alert: None, audience: None }
            }
            GroupBy::Rule => Self { event, inbox, rule: Some(of_rule()), alert: None, audience: None },
            GroupBy::Contact => {
                Self { event, inbox, rule: Some(of_rule()), alert: Some(alert.0.clone()), audience: None }
            }
            GroupBy::Receiver | GroupBy::Backlog => Self { event, inbox, rule: None, alert: None, audience: None },
        }
    }
}
