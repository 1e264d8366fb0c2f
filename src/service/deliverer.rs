//! One round of delivery: claim what is due → still true? → compose → send → decide → record. It is long because
//! the steps stand in one place.

use std::sync::Arc;

use futures_util::{StreamExt, stream::FuturesUnordered};
use jiff::{SignedDuration, Timestamp};

mod broken;
mod compose;
mod delivered;
mod inboxes;
mod known;
pub(crate) mod limits;
mod parcel;
mod persons;
mod queue;

pub(crate) use self::{
    delivered::Delivered,
    inboxes::{Inboxes, PutOff},
    limits::Limits,
};
use super::{pace::SendPace, shared::Shared, succession};
use crate::{
    clock::Clock,
    engine::{
        group::GroupBy,
        handover::hand_over,
        retry::{Decision, PartialDelivery, decide, reception},
        validity::{OwedClaim, Validity, judge},
    },
    model::{
        Attempt, AttemptRecord, DeliveryStep, Message, MessageId, Open, Outcome, OutgoingMessage, Owed, Privacy,
        ReceiverState, Renewable, WATCHDOG, alert::short_hash,
    },
    notify::Sender,
    render::Format,
    service::deliverer::queue::SendQueue,
    store::{Store, StoreError},
};

/// How soon it is looked again whether the loss of the state was told.
const UNTOLD: SignedDuration = SignedDuration::from_millis(500);

/// How one receiver wants to be told.
#[derive(Clone, Debug)]
pub struct DeliverySettings {
    pub receiver: String,
    /// Who gets its messages when it takes none.
    pub fallback: Option<String>,
    /// Whom it reaches: the recipients of a mail; of another kind nobody is known by name, and this is the kind.
    pub persons: Vec<String>,
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
    /// How many messages may be under way to it at once.
    pub in_flight: usize,
}

/// The deliverer of one receiver.
pub struct Deliverer {
    /// How it wants to be told.
    pub manner: DeliverySettings,
    /// The way there.
    pub sender: Renewable<Sender>,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    /// Rules, templates, names.
    pub shared: Arc<Shared>,
    /// How fast messages follow each other, over rounds; shared by receivers at the same address.
    pub pace: Arc<SendPace>,
    /// For a look before what was held goes out.
    pub inboxes: Inboxes,
    /// What waits for such a look.
    pub put_off: PutOff,
}

impl Deliverer {
    /// One round: every message that is due is tried once; of those to a broken receiver one, and the others
    /// when that was accepted. At the limits it begins nothing further, and what is under way ends soon.
    ///
    /// # Errors
    /// The store failed; what was sent and could not be recorded comes again.
    pub async fn run_once(&self, limits: &Limits<'_>) -> Result<Delivered, StoreError> {
        let mut round = Delivered::default();
        // 0. A round that ended by an error may have left attempts behind.
        self.store.interrupted(&self.manner.receiver, self.clock.now()).await?;
        // 1. What is owed, without what others are told instead, and what is no longer true.
        self.pass_on(&mut round).await?;
        let (mut open, _) = self.all_that_is_true().await?;
        self.judge_by_time(&mut open).await?;
        // 2. Compose: a message has its id before its first attempt.
        if open.reception.is_broken() {
            self.put_together(&open).await?;
        } else {
            self.compose(open.owed.iter().filter(|owed| owed.message.is_none()).collect(), self.manner.group, "")
                .await?;
        }
        self.shared.at("delivery.composed");
        // 3. Send what is due, oldest first.
        let (due, wait) = self.all_that_is_true().await?;
        round.held = wait.len();
        let sender = self.sender.get();
        let sent = self.send(&sender, &due, limits, &mut round).await;
        sender.rest().await;
        sent?;
        // 6. One that takes nothing: somebody else is told.
        self.look_elsewhere(&mut round).await?;
        Ok(round)
    }

    async fn send(
        &self,
        sender: &Sender,
        due: &Open,
        limits: &Limits<'_>,
        round: &mut Delivered,
    ) -> Result<(), StoreError> {
        let clock = self.clock.as_ref();
        let mut line = SendQueue::of(due);
        let mut reception = due.reception.clone();
        // What waited for a broken receiver has waited long enough.
        let at_once = reception.is_broken();
        let mut flying = FuturesUnordered::new();
        // A store that fails ends the round, but not before what is under way is known.
        let mut failed: Option<StoreError> = None;
        // How often the receiver has been given a pause so far: an attempt that began before knows less.
        let mut pauses = 0;
        loop {
            let most = if reception.is_broken() { 1 } else { self.manner.in_flight };
            while failed.is_none() && flying.len() < most {
                let now = self.clock.now();
                if let Some(later) = reception.waits_until(now).filter(|_| !line.is_empty()) {
                    round.again_at(later);
                    break;
                }
                let Some(place) = line.next(now, at_once, round) else { break };
                // A turn may be long in coming.
                let is_over = limits.are_reached(clock) || {
                    self.pace.wait(clock).await;
                    limits.are_reached(clock)
                };
                if is_over {
                    round.again_at(now);
                    line.clear();
                    break;
                }
                let (message, settled) = &due.messages[place];
                match self.prepare(message, settled, round).await {
                    Ok(Some((parcel, told))) => {
                        let (began, ending) = (pauses, limits.ending(clock));
                        flying.push(async move {
                            let witness = self.witness(&parcel.id);
                            (place, told, began, sender.send(&parcel, &ending, &witness).await)
                        });
                    }
                    Ok(None) => line.done(place),
                    Err(error) => failed = Some(error),
                }
            }
            // 5. What becomes of it.
            let Some((place, told, began, attempt)) = flying.next().await else {
                return failed.map_or(Ok(()), Err);
            };
            self.shared.at("delivery.sent");
            self.pace.sent(clock);
            let (message, settled) = &due.messages[place];
            let got = match (attempt.settled.len() > settled.len(), settled.is_empty()) {
                (true, _) => PartialDelivery::SomeNow,
                (false, false) => PartialDelivery::SomeBefore,
                (false, true) => PartialDelivery::Nobody,
            };
            let before = reception.not_before;
            match self.record(message, &told, attempt, (got, began < pauses), &mut reception, round).await {
                Ok(Some(at)) => line.later(place, at),
                Ok(None) => line.done(place),
                Err(error) => failed = failed.or(Some(error)),
            }
            self.shared.at("delivery.recorded");
            pauses += u32::from(reception.not_before > before);
        }
    }

    /// Step 4: before every attempt it is asked again whether it is still true. Gives what is sent, and what
    /// it tells of; `None` where nothing is left to tell.
    async fn prepare(
        &self,
        message: &Message,
        settled: &[String],
        round: &mut Delivered,
    ) -> Result<Option<(OutgoingMessage, Vec<Owed>)>, StoreError> {
        let Some(open) = self.true_and_known(message, round).await? else { return Ok(None) };
        let told: Vec<&Owed> = open.told_by(&message.id).collect();
        if told.is_empty() {
            return Ok(None);
        }
        // Nothing is told out of a state that was lost before that was told.
        if self.store.is_untold() && !told.iter().any(|owed| owed.alert.inbox == WATCHDOG) {
            round.again_at(self.clock.now().checked_add(UNTOLD).unwrap_or(Timestamp::MAX));
            return Ok(None);
        }
        let parcel = self.parcel(message, settled, &told);
        let trying = self.manner.first_of(settled, parcel.only.as_deref());
        self.store.record(DeliveryStep::Attempting { message: message.id.clone(), trying }).await?;
        self.shared.at("delivery.attempting");
        Ok(Some((parcel, told.into_iter().cloned().collect())))
    }

    /// What would be sent now, oldest first; the messages are composed and stay in the outbox.
    ///
    /// # Errors
    /// The store failed.
    pub async fn preview(&self) -> Result<Vec<OutgoingMessage>, StoreError> {
        self.pass_on(&mut Delivered::default()).await?;
        let (open, _) = self.all_that_is_true().await?;
        let unsent = open.owed.iter().filter(|owed| owed.message.is_none()).collect();
        self.compose(unsent, self.manner.group, "").await?;
        let (open, _) = self.all_that_is_true().await?;
        let parcels = open.messages.iter().map(|(message, settled)| {
            let told: Vec<&Owed> = open.told_by(&message.id).collect();
            self.parcel(message, settled, &told)
        });
        Ok(parcels.collect())
    }

    /// Everything that can be said to the receiver now.
    async fn all_that_is_true(&self) -> Result<(Open, Vec<Owed>), StoreError> {
        self.still_true(self.store.open_of(&self.manner.receiver).await?).await
    }

    /// What of this can be said now; what is no longer true is withdrawn, and what has to wait leaves its
    /// message. Gives that, too.
    async fn still_true(&self, mut open: Open) -> Result<(Open, Vec<Owed>), StoreError> {
        let now = self.clock.now();
        let live = self.shared.live();
        let claims: Vec<OwedClaim<'_>> = open
            .owed
            .iter()
            .map(|owed| OwedClaim {
                alert: &owed.alert,
                rule: live.rules.get(&owed.alert.rule).map(AsRef::as_ref),
                receiver: &self.manner.receiver,
                step: owed.notification.step,
                event: owed.notification.event,
                told: owed.told,
                partly_settled: owed.partly_settled,
                told_of_beginning: owed.told_of_beginning && self.manner.reaches(owed.audience.as_deref()),
            })
            .collect();
        let verdicts = judge(&claims, &open.silences, &self.shared.names(), now);
        let (mut valid, mut stale, mut wait) = (Vec::new(), Vec::new(), Vec::new());
        for (owed, verdict) in std::mem::take(&mut open.owed).into_iter().zip(verdicts) {
            match verdict {
                Validity::Send => valid.push(owed),
                Validity::Hold => wait.push(owed),
                Validity::Withdraw(why) => {
                    let (alert, why) = (&owed.alert.id, why.name());
                    tracing::info!(receiver = self.manner.receiver, %alert, why, "notification.superseded");
                    stale.push((owed.id, why));
                }
            }
        }
        open.owed = valid;
        if !stale.is_empty() {
            self.store.record(DeliveryStep::Superseded { ids: stale, at: now }).await?;
        }
        let ids: Vec<_> = wait.iter().filter(|owed| owed.message.is_some()).map(|owed| owed.id).collect();
        if !ids.is_empty() {
            self.store.record(DeliveryStep::Held { ids }).await?;
        }
        Ok((open, wait))
    }

    /// Records what became of an attempt, and what it says of the receiver; gives the time of the next one.
    /// `is_late`: it began before the receiver was given a pause.
    async fn record(
        &self,
        message: &Message,
        told: &[Owed],
        attempt: Attempt,
        (got, is_late): (PartialDelivery, bool),
        known: &mut ReceiverState,
        round: &mut Delivered,
    ) -> Result<Option<Timestamp>, StoreError> {
        let receiver = self.manner.receiver.as_str();
        let now = self.clock.now();
        let tried = Message { attempts: message.attempts + 1, ..message.clone() };
        let jitter = jitter(&message.id, tried.attempts);
        let reached = self.manner.reached(&attempt);
        let Attempt { outcome, settled, refused, .. } = attempt;
        let (reason, ambiguous) = match &outcome {
            Outcome::Delivered => (String::new(), false),
            Outcome::Retry { reason, ambiguous, .. } => (reason.clone(), *ambiguous),
            Outcome::Unclear { reason } => (reason.clone(), true),
            Outcome::Rejected { reason, .. } => (reason.clone(), false),
        };
        self.shared.metrics.attempted(
            receiver,
            match &outcome {
                Outcome::Delivered => "delivered",
                Outcome::Retry { ambiguous: true, .. } | Outcome::Unclear { .. } => "ambiguous",
                Outcome::Retry { .. } => "retry",
                Outcome::Rejected { .. } => "refused",
            },
        );
        let mut after = reception(known, &outcome, got, now, jitter);
        // A yes from before a pause does not end it.
        if is_late && after.not_before < known.not_before {
            after = known.clone();
        }
        let before = std::mem::replace(known, after);
        let (id, notifications) = (&message.id, told.len());
        let recorded = match decide(&tried, &outcome, now, self.manner.give_up_after, jitter) {
            Decision::Done => {
                round.sent += 1;
                tracing::info!(receiver, message_id = %id, notifications, "message.delivered");
                DeliveryStep::Delivered { message: id.clone(), at: now, reached }
            }
            Decision::Again { at } => {
                round.failed += 1;
                let at = known.not_before.map_or(at, |later| later.max(at));
                round.again_at(at);
                tracing::warn!(receiver, message_id = %id, reason, ambiguous, next_at = %at, "message.retry: it waits in the outbox");
                DeliveryStep::Again { message: id.clone(), now, at, plain: false, ambiguous, settled, reached, reason }
            }
            Decision::AgainPlain { at } => {
                round.failed += 1;
                round.again_at(at);
                tracing::warn!(receiver, message_id = %id, reason, "message.refused: it goes out as plain text");
                DeliveryStep::Again { message: id.clone(), now, at, plain: true, ambiguous, settled, reached, reason }
            }
            Decision::Dead { reason } => self.dead(id, reason, (ambiguous, settled, reached), round),
        };
        let is_dead = matches!(recorded, DeliveryStep::Dead { .. });
        let handed = is_dead.then(|| hand_over(told, self.manner.fallback.as_deref())).flatten();
        let next_at = if let DeliveryStep::Again { at, .. } = &recorded { Some(*at) } else { None };
        let attempted = AttemptRecord {
            recorded,
            at: now,
            message: id.clone(),
            refused,
            receiver: receiver.to_owned(),
            reception: known.clone(),
            handed,
        };
        let handed = self.store.attempted(attempted).await?;
        self.note_handed_over(handed, round);
        if known.is_broken() && !before.is_broken() {
            self.note_broken(known);
        } else if before.is_broken() && !known.is_broken() {
            tracing::info!(receiver, "receiver.mended: what waited for it is sent");
        }
        Ok(next_at)
    }

    /// A message is given up.
    fn dead(
        &self,
        message: &MessageId,
        reason: String,
        (ambiguous, settled, reached): (bool, Vec<String>, Vec<String>),
        round: &mut Delivered,
    ) -> DeliveryStep {
        round.dead += 1;
        self.shared.metrics.attempted(&self.manner.receiver, "dead");
        let receiver = self.manner.receiver.as_str();
        tracing::error!(receiver, message_id = %message, reason, "message.dead: it is not tried again");
        DeliveryStep::Dead { message: message.clone(), at: self.clock.now(), reason, ambiguous, settled, reached }
    }

    /// What the rules now have others told.
    async fn pass_on(&self, round: &mut Delivered) -> Result<(), StoreError> {
        round.handed_over +=
            succession::pass_on(&self.store, &self.shared, &self.manner.receiver, self.clock.now()).await?;
        Ok(())
    }

    fn note_handed_over(&self, notifications: usize, round: &mut Delivered) {
        if notifications > 0 {
            round.handed_over += notifications;
            let (receiver, fallback) = (self.manner.receiver.as_str(), self.manner.fallback.as_deref());
            tracing::warn!(receiver, fallback, notifications, "message.handed_over: the fallback is told");
        }
    }
}

/// A number from -1 to 1 that differs between messages and attempts.
fn jitter(message: &MessageId, attempt: u32) -> f64 {
    let hash = short_hash(&format!("{message} {attempt}"));
    u32::from_str_radix(&hash[..8], 16).map_or(0.0, |number| f64::from(number) / f64::from(u32::MAX) * 2.0 - 1.0)
}

#[cfg(test)]
mod tests;
