//! The watchdog's alerts: each problem is reported once, and so is its end.

use jiff::Timestamp;

use crate::{
    engine::escalation,
    model::{
        ALERT, Alert, Changes, Entry, Event, Happened, Notification, Reason, Resolution, Snapshot, Trouble, WATCHDOG,
    },
};

/// What begins and what ends, from the current problems and the reported ones.
pub(crate) fn watch(snapshot: &Snapshot, troubles: &[Trouble], receivers: &[String], now: Timestamp) -> Changes {
    let mut changes = Changes::default();
    let is_of =
        |alert: &Alert, trouble: &Trouble| alert.rule == trouble.problem.name() && alert.contact.id == trouble.subject;
    for trouble in troubles {
        if snapshot.alerts.iter().any(|alert| is_of(alert, trouble)) {
            continue;
        }
        let Ok(alert) = trouble.alert(now) else { continue };
        changes.history.push(Entry::of(&alert, Happened::Firing, now).detail(&trouble.detail));
        changes.owed.extend(receivers.iter().map(|receiver| Notification {
            alert: alert.id.clone(),
            rule: alert.rule.clone(),
            inbox: WATCHDOG.to_owned(),
            receiver: receiver.clone(),
            step: 0,
            event: Event::Fired,
            template: ALERT.to_owned(),
            due_at: now,
        }));
        changes.alerts.push(alert);
    }
    for alert in snapshot.alerts.iter().filter(|alert| !troubles.iter().any(|trouble| is_of(alert, trouble))) {
        let end = Resolution { at: now, ended_at: now, reason: Reason::Mended };
        let ended = Alert { resolution: Some(end), ..alert.clone() };
        changes.history.push(Entry::of(&ended, Happened::Resolved, now).detail(Reason::Mended.name()));
        changes.owed.extend(escalation::at_the_end(&ended, &snapshot.told, now));
        changes.alerts.push(ended);
    }
    let of = |owed: &Notification| changes.alerts.iter().find(|alert| alert.id == owed.alert);
    let owed = changes.owed.iter().filter_map(|owed| Some(escalation::entry(of(owed)?, owed, now)));
    let owed: Vec<Entry> = owed.collect();
    changes.history.extend(owed);
    changes
}
