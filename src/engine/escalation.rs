//! Which receivers are owed notifications: by the steps of a firing alert as they fall due, and at its end.
//!
//! Each step has its own grid of times. The first is when `after` has passed since the customer began to wait, or when
//! the alert began to fire, whichever is later; the others follow by `repeat`. Times that passed while pengwatch did
//! not run are due at its next start, of several only one.

use jiff::Timestamp;

use crate::{
    model::{Alert, Entry, Event, Happened, Notification, StepProgress, ToldReceiver, history::detail::of_step},
    rules::{Rule, Step, hours::Outside},
};

/// The result of the steps of one alert.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct StepsDue {
    /// The notifications owed now: one for each receiver, by the latest step that names it.
    pub owed: Vec<Notification>,
    pub history: Vec<Entry>,
}

/// Computes what the steps of a firing alert owe now, and advances their progress.
pub(crate) fn by_steps(rule: &Rule, alert: &mut Alert, now: Timestamp) -> StepsDue {
    let mut due = StepsDue::default();
    let Some(fired_at) = alert.fired_at else { return due };
    let open = rule.is_open(now);
    let outside = rule.hours.as_ref().map(|hours| &hours.outside);
    for (number, step) in rule.notify.iter().enumerate() {
        let counted = u32::try_from(number).unwrap_or(u32::MAX);
        let progress = alert.steps.get(number).cloned().unwrap_or_default();
        let Some((event, fell_due)) = falls_due(rule, step, &progress, (alert.since, fired_at), now) else { continue };
        let instead;
        let to = match outside {
            Some(Outside::Drop) if !rule.is_open(fell_due) => {
                due.history.push(Entry::of(alert, Happened::Dropped, now).detail(of_step(counted, event, "")));
                if let Some(progress) = alert.steps.get_mut(number) {
                    progress.last_at = Some(now);
                }
                continue;
            }
            // A step that fell due in open hours, while pengwatch did not run, is sent at the next opening.
            Some(Outside::Hold | Outside::Drop) if !open => continue,
            Some(Outside::Receiver(other)) if !open => {
                instead = [other.clone()];
                &instead[..]
            }
            _ => &step.to,
        };
        move_on(alert, number, event, now);
        for receiver in to {
            due.owed.retain(|known| known.receiver != *receiver);
            due.owed.push(Notification {
                alert: alert.id.clone(),
                rule: rule.name.clone(),
                inbox: alert.inbox.clone(),
                receiver: receiver.clone(),
                step: counted,
                event,
                template: step.template.clone(),
                due_at: now,
            });
        }
    }
    due.history.extend(due.owed.iter().map(|owed| entry(alert, owed, now)));
    due
}

/// The history entry of a notification that is owed now.
pub(crate) fn entry(alert: &Alert, owed: &Notification, now: Timestamp) -> Entry {
    Entry::of(alert, Happened::Owed, now).who(&owed.receiver).detail(of_step(owed.step, owed.event, ""))
}

/// Whether a step is due; returns its event and when it fell due.
fn falls_due(
    rule: &Rule,
    step: &Step,
    progress: &StepProgress,
    (since, fired_at): (Timestamp, Timestamp),
    now: Timestamp,
) -> Option<(Event, Timestamp)> {
    let first = rule.after(since, step.after)?.max(fired_at);
    if first > now {
        return None;
    }
    let Some(last_at) = progress.last_at else { return Some((Event::Fired, first)) };
    if step.repeat_limit.is_some_and(|limit| progress.repeats >= limit) {
        return None;
    }
    let passed = step.repeats_within(rule.elapsed(first, now));
    if passed <= step.repeats_within(rule.elapsed(first, last_at)) {
        return None;
    }
    // Where the first one was dropped, this is the first that a receiver gets.
    let event = if progress.first_at.is_some() { Event::Repeated } else { Event::Fired };
    Some((event, rule.after(first, step.repeat_at(passed)).unwrap_or(now)))
}

fn move_on(alert: &mut Alert, number: usize, event: Event, now: Timestamp) {
    let Some(progress) = alert.steps.get_mut(number) else { return };
    progress.first_at.get_or_insert(now);
    progress.last_at = Some(now);
    progress.repeats += u32::from(event == Event::Repeated);
}

/// The steps of an episode at its beginning.
pub(crate) fn from_the_start(rule: &Rule) -> Vec<StepProgress> {
    rule.notify.iter().map(|step| StepProgress { step: step.fingerprint(), ..StepProgress::default() }).collect()
}

/// The steps after an edit of a rule: the new values hold from now on, and nothing is sent again.
///
/// A step is recognised by its content, else by its place. A new step that is due now, and whose receivers all know of
/// the alert already, counts as sent.
pub(crate) fn after_an_edit(rule: &Rule, alert: &Alert, told: &[ToldReceiver], now: Timestamp) -> Vec<StepProgress> {
    let mut known: Vec<Option<StepProgress>> = alert.steps.iter().cloned().map(Some).collect();
    let mut steps: Vec<Option<StepProgress>> = vec![None; rule.notify.len()];
    let keys: Vec<String> = rule.notify.iter().map(Step::fingerprint).collect();
    for (step, key) in steps.iter_mut().zip(&keys) {
        *step = known.iter_mut().find(|old| old.as_ref().is_some_and(|old| old.step == *key)).and_then(Option::take);
    }
    for (number, step) in steps.iter_mut().enumerate() {
        if step.is_none() {
            *step = known.get_mut(number).and_then(Option::take);
        }
    }
    steps
        .into_iter()
        .zip(keys)
        .zip(&rule.notify)
        .map(|((old, key), step)| {
            if let Some(old) = old {
                return StepProgress { step: key, last_at: old.last_at.map(|_| now), ..old };
            }
            let was_told =
                |receiver: &String| told.iter().any(|told| told.alert == alert.id && told.receiver == *receiver);
            let is_due = rule.after(alert.since, step.after).is_some_and(|due| due <= now);
            let told_at = (is_due && step.to.iter().all(was_told)).then_some(now);
            StepProgress { step: key, first_at: told_at, last_at: told_at, repeats: 0 }
        })
        .collect()
}

/// The notifications owed at the end of an episode: exactly the receivers that were notified of it.
///
/// Receivers that are still to be notified count here. If they have not been by the time of sending, both notifications
/// are withdrawn.
pub(crate) fn at_the_end(alert: &Alert, told: &[ToldReceiver], now: Timestamp) -> Vec<Notification> {
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
