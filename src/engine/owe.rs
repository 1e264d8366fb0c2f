//! Who is owed what: at the beginning of an episode, and at its end.

use jiff::Timestamp;

use crate::{
    model::{Alert, Event, Notification, Told},
    rules::Rule,
};

/// What is owed when an alert begins to fire: every receiver once, by the latest step that names it.
pub fn at_firing(rule: &Rule, alert: &Alert, now: Timestamp) -> Vec<Notification> {
    let mut owed: Vec<Notification> = Vec::new();
    for (index, step) in rule.notify.iter().enumerate() {
        for receiver in &step.to {
            owed.retain(|known| known.receiver != *receiver);
            owed.push(Notification {
                alert: alert.id.clone(),
                rule: rule.name.clone(),
                inbox: alert.inbox.clone(),
                receiver: receiver.clone(),
                step: u32::try_from(index).unwrap_or(u32::MAX),
                event: Event::Fired,
                template: step.template.clone(),
                due_at: now,
            });
        }
    }
    owed
}

/// What is owed when it is over: exactly the receivers that were told of the episode.
///
/// Those who are still to be told count here; if they have not been by the time of sending, both
/// notifications are withdrawn.
pub fn at_the_end(alert: &Alert, told: &[Told], now: Timestamp) -> Vec<Notification> {
    let mut owed: Vec<Notification> = Vec::new();
    for told in told.iter().filter(|told| told.alert == alert.id) {
        owed.retain(|known| known.receiver != told.receiver);
        owed.push(Notification {
            alert: alert.id.clone(),
            rule: alert.rule.clone(),
            inbox: alert.inbox.clone(),
            receiver: told.receiver.clone(),
            step: told.step,
            event: Event::Resolved,
            template: told.template.clone(),
            due_at: now,
        });
    }
    owed
}
