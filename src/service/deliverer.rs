//! One round of delivery: claim what is due → still true? → compose → send → decide → record.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::{clock::Clock, shared::Shared};
use crate::{
    engine::{
        group::{GroupBy, group},
        truth::{Claim, Verdict, judge},
    },
    model::{Alert, Event, Message, MessageId, Outcome, Parcel, Privacy, WATCHDOG, alert::short_hash},
    notify::{
        Sender,
        retry::{Decision, decide},
    },
    render::{Format, RuleWords, Telling, Told, watchdog},
    store::{Open, Owed, Recorded, Store, StoreError},
};

/// A receiver that fails for so long is broken.
pub const BROKEN_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// How one receiver wants to be told.
#[derive(Clone, Debug)]
pub struct Manner {
    /// The receiver's name.
    pub receiver: String,
    /// Who gets its messages when it takes none.
    pub fallback: Option<String>,
    /// What its kind takes.
    pub format: Format,
    /// What becomes one message.
    pub group: GroupBy,
    /// How many alerts a message lists.
    pub max_listed: usize,
    /// How much of a customer it may see.
    pub privacy: Privacy,
    /// After this a message is given up.
    pub give_up_after: SignedDuration,
    /// The pause after a message, where the receiver's provider asks for one.
    pub pace: Duration,
}

/// The deliverer of one receiver.
pub struct Deliverer {
    /// How it wants to be told.
    pub manner: Manner,
    /// The way there.
    pub sender: Sender,
    /// Where the outbox is.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Rules, templates, names.
    pub shared: Arc<Shared>,
    /// When the last attempt ended, over rounds.
    pub last: Mutex<Option<Instant>>,
}

/// What one round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Messages that were accepted.
    pub sent: usize,
    /// Attempts that failed.
    pub failed: usize,
    /// Messages that were given up.
    pub dead: usize,
    /// Notifications that went over to the fallback.
    pub handed_over: usize,
    /// Notifications that wait for the end of a silence, of closed hours or of `keep_firing_for`.
    pub held: usize,
    /// When the next message is to be tried.
    pub next_at: Option<Timestamp>,
}

impl Deliverer {
    /// One round: every message that is due is tried once. It stops between two messages when
    /// `until` has come or `stop` says so.
    ///
    /// # Errors
    /// The store failed; what was sent and could not be recorded comes again.
    pub async fn run_once(
        &self,
        until: Option<Timestamp>,
        stop: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<Delivered, StoreError> {
        let mut round = Delivered::default();
        // 1. What is owed, without what is no longer true.
        let (open, _) = self.still_true().await?;
        // 2. Compose: a message has its id before its first attempt.
        self.compose(&open).await?;
        // 3. Send what is due, oldest first.
        let (due, held) = self.still_true().await?;
        round.held = held;
        let mut later: HashMap<Subject<'_>, Timestamp> = HashMap::new();
        for (message, settled) in &due.messages {
            let now = self.clock.now();
            // Order is kept per alert: the next episode waits for the end of the one before.
            let subjects: Vec<Subject<'_>> = told_by(&due, message).map(subject).collect();
            let not_before = subjects.iter().filter_map(|subject| later.get(subject)).copied().max();
            let next_at = not_before.map_or(message.next_at, |later| later.max(message.next_at));
            if not_before.is_some() || next_at > now {
                round.again_at(next_at);
                later.extend(subjects.into_iter().map(|subject| (subject, next_at)));
                continue;
            }
            if stop() || until.is_some_and(|until| now >= until) {
                round.again_at(now);
                break;
            }
            self.pause().await;
            // 4. Before every attempt it is asked again whether it is still true.
            let (open, held) = self.still_true().await?;
            round.held = held;
            let told: Vec<&Owed> = told_by(&open, message).collect();
            if told.is_empty() {
                continue;
            }
            if let Some(next_at) = self.attempt(message, settled, &told, &mut round).await? {
                later.extend(subjects.into_iter().map(|subject| (subject, next_at)));
            }
        }
        self.sender.rest().await;
        Ok(round)
    }

    /// The rest of the pause after the last attempt, in this round or another.
    async fn pause(&self) {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last {
            tokio::time::sleep_until(last + self.manner.pace).await;
        }
    }

    /// What would be sent now, oldest first; the messages are composed and stay in the outbox.
    ///
    /// # Errors
    /// The store failed.
    pub async fn preview(&self) -> Result<Vec<Parcel>, StoreError> {
        let (open, _) = self.still_true().await?;
        self.compose(&open).await?;
        let (open, _) = self.still_true().await?;
        let parcels = open.messages.iter().map(|(message, settled)| {
            let told: Vec<&Owed> = told_by(&open, message).collect();
            self.parcel(message, settled, &told)
        });
        Ok(parcels.collect())
    }

    /// What can be said now; what is no longer true is withdrawn, and what has to wait leaves its
    /// message. Gives how many have to wait.
    async fn still_true(&self) -> Result<(Open, usize), StoreError> {
        let mut open = self.store.open_of(&self.manner.receiver).await?;
        let now = self.clock.now();
        let live = self.shared.live();
        let claims: Vec<Claim<'_>> = open
            .owed
            .iter()
            .map(|owed| Claim {
                alert: &owed.alert,
                rule: live.rules.get(&owed.alert.rule).map(AsRef::as_ref),
                receiver: &self.manner.receiver,
                step: owed.notification.step,
                event: owed.notification.event,
                told: owed.told,
                told_of_beginning: owed.told_of_beginning,
            })
            .collect();
        let verdicts = judge(&claims, &open.silences, &self.shared.names(), now);
        let (mut valid, mut stale, mut wait) = (Vec::new(), Vec::new(), Vec::new());
        for (owed, verdict) in std::mem::take(&mut open.owed).into_iter().zip(verdicts) {
            match verdict {
                Verdict::Send => valid.push(owed),
                Verdict::Hold => wait.push(owed),
                Verdict::Withdraw(why) => {
                    let (alert, why) = (&owed.alert.id, why.name());
                    tracing::info!(receiver = self.manner.receiver, %alert, why, "notification.superseded");
                    stale.push((owed.id, why));
                }
            }
        }
        open.owed = valid;
        if !stale.is_empty() {
            self.store.record(Recorded::Superseded { ids: stale, at: now }).await?;
        }
        let ids: Vec<_> = wait.iter().filter(|owed| owed.message.is_some()).map(|owed| owed.id).collect();
        if !ids.is_empty() {
            self.store.record(Recorded::Held { ids }).await?;
        }
        Ok((open, wait.len()))
    }

    async fn compose(&self, open: &Open) -> Result<(), StoreError> {
        // Order is kept per alert: an end waits for the message that tells the beginning.
        let unsent: Vec<&Owed> = open.owed.iter().filter(|owed| owed.message.is_none()).collect();
        let now = self.clock.now();
        for owed in group(unsent, self.manner.group, |owed| &owed.notification) {
            let Some(first) = owed.first() else { continue };
            let id = short_hash(&format!("{} {} {}", self.manner.receiver, first.id.0, now.as_nanosecond()));
            let message = Message {
                id: MessageId(format!("pw_{id}")),
                receiver: self.manner.receiver.clone(),
                created_at: now,
                attempts: 0,
                next_at: now,
                ambiguous: false,
                plain: false,
                last_error: String::new(),
            };
            self.store.record(Recorded::Composed { message, ids: owed.iter().map(|owed| owed.id).collect() }).await?;
        }
        Ok(())
    }

    /// One attempt, and what becomes of it; gives the time of the next one.
    async fn attempt(
        &self,
        message: &Message,
        settled: &[String],
        told: &[&Owed],
        round: &mut Delivered,
    ) -> Result<Option<Timestamp>, StoreError> {
        let receiver = self.manner.receiver.as_str();
        let parcel = self.parcel(message, settled, told);
        self.store.record(Recorded::Attempting { message: message.id.clone() }).await?;
        let attempt = self.sender.send(&parcel).await;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());

        let now = self.clock.now();
        let tried = Message { attempts: message.attempts + 1, ..message.clone() };
        let jitter = dice(&message.id, tried.attempts);
        let (reason, ambiguous) = match &attempt.outcome {
            Outcome::Delivered => (String::new(), false),
            Outcome::Retry { reason, ambiguous, .. } => (reason.clone(), *ambiguous),
            Outcome::Rejected { reason, .. } => (reason.clone(), false),
        };
        let id = &message.id;
        let recorded = match decide(&tried, &attempt.outcome, now, self.manner.give_up_after, jitter) {
            Decision::Done => {
                round.sent += 1;
                tracing::info!(receiver, message_id = %id, notifications = told.len(), "message.delivered");
                Recorded::Delivered { message: id.clone(), at: now }
            }
            Decision::Again { at } => {
                round.failed += 1;
                round.again_at(at);
                tracing::warn!(receiver, message_id = %id, reason, next_at = %at, "message.retry: it waits in the outbox");
                Recorded::Again { message: id.clone(), at, plain: false, ambiguous, settled: attempt.settled, reason }
            }
            Decision::AgainPlain { at } => {
                round.failed += 1;
                round.again_at(at);
                tracing::warn!(receiver, message_id = %id, reason, "message.refused: it goes out as plain text");
                Recorded::Again { message: id.clone(), at, plain: true, ambiguous, settled: attempt.settled, reason }
            }
            Decision::Dead { reason } => {
                round.dead += 1;
                tracing::error!(receiver, message_id = %id, reason, "message.dead: it is not tried again");
                Recorded::Dead { message: id.clone(), at: now, reason }
            }
        };
        let next_at = if let Recorded::Again { at, .. } = &recorded { Some(*at) } else { None };
        // A receiver that has failed for so long is broken; one that refuses for good is at once.
        let is_broken = match &recorded {
            Recorded::Again { .. } => now.duration_since(message.created_at) >= BROKEN_AFTER,
            Recorded::Dead { .. } => true,
            _ => false,
        };
        self.store.record(recorded).await?;
        if let Some(fallback) = self.manner.fallback.as_ref().filter(|_| is_broken) {
            let handed = self.store.hand_over(id.clone(), fallback.clone(), now).await?;
            if handed > 0 {
                round.handed_over += handed;
                tracing::warn!(receiver, fallback, notifications = handed, "message.handed_over: the fallback is told");
            }
        }
        Ok(next_at)
    }

    fn parcel(&self, message: &Message, settled: &[String], told: &[&Owed]) -> Parcel {
        let words: HashMap<&str, RuleWords> =
            told.iter().map(|owed| (owed.alert.rule.as_str(), self.shared.words(&owed.alert.rule))).collect();
        let now = self.clock.now();
        let thread = match told {
            [only] => Some(only.alert.id.0.clone()),
            _ => None,
        };
        let parcel = |body| Parcel { id: message.id.clone(), body, now, thread, settled: settled.to_vec() };
        if told.iter().any(|owed| owed.alert.inbox == WATCHDOG) {
            let alerts: Vec<&Alert> = told.iter().map(|owed| &owed.alert).collect();
            return parcel(watchdog::tell(self.manner.format, &alerts, &self.manner.receiver, now));
        }
        let alerts: Vec<Told<'_>> = told
            .iter()
            .filter_map(|owed| {
                Some(Told {
                    alert: &owed.alert,
                    rule: words.get(owed.alert.rule.as_str())?,
                    waiting_open: self.shared.waiting_open(&owed.alert, now),
                })
            })
            .collect();
        let names = self.shared.names();
        let fallback = self.shared.words("");
        let first = told.first().map(|owed| &owed.notification);
        let inbox = first.map_or("", |first| first.inbox.as_str());
        let telling = Telling {
            event: first.map_or(Event::Fired, |first| first.event),
            rule: alerts.first().map_or(&fallback, |told| told.rule),
            inbox,
            receiver: &self.manner.receiver,
            step: first.map_or(0, |first| first.step),
            alerts: &alerts,
            max_listed: self.manner.max_listed,
            privacy: self.manner.privacy,
            names: &names,
            contact_link: self.shared.links.get(inbox).map(String::as_str),
            now,
        };
        let body = if message.plain {
            self.shared.live().renderer.plain(self.manner.format, &telling)
        } else {
            let template = first.map_or("alert", |first| first.template.as_str());
            let rendered = self.shared.live().renderer.render(template, self.manner.format, &telling);
            if let Some(fault) = rendered.fault {
                tracing::warn!(
                    receiver = self.manner.receiver,
                    template,
                    fault,
                    "template.failed: the built-in text goes out"
                );
            }
            rendered.body
        };
        parcel(body)
    }
}

impl Delivered {
    fn again_at(&mut self, at: Timestamp) {
        self.next_at = Some(self.next_at.map_or(at, |known| known.min(at)));
    }
}

/// Inbox, rule and contact: what order is kept for.
type Subject<'a> = (&'a str, &'a str, &'a str);

fn subject(owed: &Owed) -> Subject<'_> {
    (&owed.alert.inbox, &owed.alert.rule, &owed.alert.contact.id)
}

/// What a message tells of.
fn told_by<'a>(open: &'a Open, message: &'a Message) -> impl Iterator<Item = &'a Owed> {
    open.owed.iter().filter(|owed| owed.message.as_ref() == Some(&message.id))
}

/// A number from -1 to 1 that differs between messages and attempts.
fn dice(message: &MessageId, attempt: u32) -> f64 {
    let hash = short_hash(&format!("{message} {attempt}"));
    u32::from_str_radix(&hash[..8], 16).map_or(0.0, |number| f64::from(number) / f64::from(u32::MAX) * 2.0 - 1.0)
}

#[cfg(test)]
mod tests;
