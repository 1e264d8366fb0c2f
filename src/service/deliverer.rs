//! One round of delivery: what is owed → the engine decides → it is done → it is recorded. The functions stand in the
//! order in which they are used; what a failure means is decided in [`crate::engine::delivery`].

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

mod inboxes;
mod known;
pub(crate) mod limits;
mod parcel;

pub(crate) use self::{
    inboxes::{Inboxes, PutOff},
    limits::Limits,
};
use super::{pace::SendPace, shared::Shared, succession};
use crate::{
    clock::Clock,
    engine::{
        delivery::{Action, AttemptEnd, Moment, Round, RoundStage, UnderWay},
        delivery_settings::DeliverySettings,
    },
    model::{Attempt, DeliveryStep, MessageId, NotificationId, Outcome, OutgoingMessage, Privacy, Renewable, WATCHDOG},
    receivers::{Sender, Witness, witness::MailProgress},
    render::Format,
    store::{Store, StoreError},
};

/// The pause before it is checked again whether the loss of the state was reported.
const UNTOLD: SignedDuration = SignedDuration::from_millis(500);

#[derive(Clone)]
pub struct Layout {
    pub format: &'static dyn Format,
    /// The template that is used in place of `alert`.
    pub template: String,
    /// The largest number of alerts that a message lists.
    pub max_listed: usize,
    /// How much of a customer's data the receiver may see.
    pub privacy: Privacy,
}

pub struct Deliverer {
    /// How the receiver wants messages to be grouped and sent.
    pub settings: DeliverySettings,
    pub layout: Layout,
    pub sender: Renewable<Box<dyn Sender>>,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    /// Rules, templates, names.
    pub shared: Arc<Shared>,
    /// The pace of messages across rounds; shared by receivers at the same address.
    pub pace: Arc<SendPace>,
    /// The inboxes that are looked at before held notifications are sent.
    pub inboxes: Inboxes,
    /// Notifications that wait for such a look.
    pub put_off: PutOff,
}

/// What one round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    pub sent: usize,
    pub failed: usize,
    /// Messages that were given up.
    pub dead: usize,
    /// Notifications that were handed over to a fallback or passed on to other receivers.
    pub handed_over: usize,
    /// Notifications that wait for the end of a silence, of closed hours or of `keep_firing_for`.
    pub held: usize,
    /// When the next message is to be tried.
    pub next_at: Option<Timestamp>,
}

impl Deliverer {
    /// Does one round: every message that is due is tried once. A broken receiver gets one message, and the others when
    /// that was accepted. At the limits no attempt is begun any more, and those under way end soon.
    ///
    /// # Errors
    /// The store failed; what was sent and could not be recorded is sent again.
    pub async fn run_once(&self, limits: &Limits<'_>) -> Result<Delivered, StoreError> {
        let mut done = Delivered::default();
        // 1. A round that ended with an error may have left attempts behind.
        self.store.interrupted(&self.settings.receiver, self.clock.now()).await?;
        // 2. Pass on what the rules now owe to other receivers.
        done.handed_over += self.pass_on().await?;
        let mut round = Round::of(self.store.open_of(&self.settings.receiver).await?, &self.settings);
        for stage in [RoundStage::BeforeAttempts, RoundStage::AfterAttempts] {
            for action in self.decide(&mut round, stage) {
                self.carry_out(action, &mut round, limits, &mut done).await?;
            }
        }
        Ok(Delivered { held: round.held(), next_at: round.next_at(), ..done })
    }

    /// The messages that would be sent now, oldest first; they are composed and stay in the outbox.
    ///
    /// # Errors
    /// The store failed.
    pub async fn preview(&self) -> Result<Vec<OutgoingMessage>, StoreError> {
        self.pass_on().await?;
        let mut round = Round::of(self.store.open_of(&self.settings.receiver).await?, &self.settings);
        for action in self.decide(&mut round, RoundStage::BeforeAttempts) {
            self.prepare(action).await?;
        }
        let parcels = round
            .messages_due()
            .iter()
            .map(|(message, settled)| self.parcel(message, settled, &round.told_by(&message.id)));
        Ok(parcels.collect())
    }

    /// Passes on what the rules now owe to other receivers; returns how many notifications those are owed.
    async fn pass_on(&self) -> Result<usize, StoreError> {
        succession::pass_on(&self.store, &self.shared, &self.settings.receiver, self.clock.now()).await
    }

    /// What the engine decides about the round as it is now.
    fn decide(&self, round: &mut Round<'_>, stage: RoundStage) -> Vec<Action> {
        let (live, names) = (self.shared.live(), self.shared.names());
        round.actions(stage, Moment { rules: &live.rules, names: &names, now: self.clock.now() })
    }

    async fn carry_out(
        &self,
        action: Action,
        round: &mut Round<'_>,
        limits: &Limits<'_>,
        done: &mut Delivered,
    ) -> Result<(), StoreError> {
        let receiver = self.settings.receiver.as_str();
        match action {
            Action::Send => {
                self.shared.at("delivery.composed");
                let sender = self.sender.get();
                let sent = self.send(&sender, round, limits, done).await;
                sender.rest().await;
                sent
            }
            Action::HandOver(handed) => {
                let notifications = self.store.hand_over(handed, self.clock.now()).await?;
                self.note_handed_over(notifications, done);
                Ok(())
            }
            Action::GiveUp { message, reason } => {
                self.note_dead(&message, &reason, done);
                self.store.record(DeliveryStep::dead(&message, self.clock.now(), &reason)).await
            }
            Action::Break(reception) => {
                self.store.receives(receiver, reception.clone()).await?;
                self.note_broken(&reception.last_error);
                Ok(())
            }
            Action::Withdraw(_) | Action::Hold(_) | Action::Compose { .. } => self.prepare(action).await,
        }
    }

    /// Does what comes before an attempt: withdraw, hold, compose.
    async fn prepare(&self, action: Action) -> Result<(), StoreError> {
        match action {
            Action::Withdraw(owed) => {
                let stale = owed.iter().map(|(owed, why)| {
                    let (receiver, alert, why) = (self.settings.receiver.as_str(), &owed.alert.id, why.name());
                    tracing::info!(receiver, %alert, why, "notification.superseded");
                    (owed.id, why)
                });
                let ids: Vec<(NotificationId, &'static str)> = stale.collect();
                self.store.record(DeliveryStep::Superseded { ids, at: self.clock.now() }).await
            }
            Action::Hold(ids) => self.store.record(DeliveryStep::Held { ids }).await,
            Action::Compose { message, ids } => self.store.record(DeliveryStep::Composed { message, ids }).await,
            Action::Break(_) | Action::Send | Action::HandOver(_) | Action::GiveUp { .. } => Ok(()),
        }
    }

    /// Sends what is due, oldest first. Attempts under way go on while the next one is prepared.
    async fn send(
        &self,
        sender: &Arc<Box<dyn Sender>>,
        round: &mut Round<'_>,
        limits: &Limits<'_>,
        done: &mut Delivered,
    ) -> Result<(), StoreError> {
        let clock = self.clock.as_ref();
        let mut under_way: JoinSet<(UnderWay, Attempt)> = JoinSet::new();
        // A failure of the store ends the round, but not before the outcome of what is under way is known.
        let mut failed: Option<StoreError> = None;
        loop {
            while failed.is_none() && under_way.len() < round.most_under_way() {
                let Some(id) = round.next(clock.now()) else { break };
                // The wait for a turn may be long.
                let is_over = limits.are_reached(clock) || {
                    self.pace.wait(clock).await;
                    limits.are_reached(clock)
                };
                if is_over {
                    round.stop(clock.now());
                    break;
                }
                // Before every attempt it is checked whether the message is still true.
                match self.begin(&id, round).await {
                    Ok(Some((parcel, attempt))) => {
                        let (sender, ending) = (Arc::clone(sender), limits.ending(clock));
                        let witness =
                            Notes { store: self.store.clone(), shared: Arc::clone(&self.shared), message: id };
                        under_way.spawn(async move { (attempt, sender.send(&parcel, &ending, &witness).await) });
                    }
                    Ok(None) => round.pass(&id),
                    Err(error) => failed = Some(error),
                }
            }
            let Some(ended) = under_way.join_next().await else { return failed.map_or(Ok(()), Err) };
            let (attempt, got) = match ended {
                Ok(ended) => ended,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // Attempts are only cancelled when the program ends.
                    Err(_) => continue,
                },
            };
            self.shared.at("delivery.sent");
            self.pace.sent(clock);
            if let Err(error) = self.record(&attempt, got, round, done).await {
                failed = failed.or(Some(error));
            }
            self.shared.at("delivery.recorded");
        }
    }

    /// Begins an attempt: what is sent, and of which notifications; `None`: nothing is left to send, or nothing can be
    /// sent yet.
    async fn begin(
        &self,
        id: &MessageId,
        round: &mut Round<'_>,
    ) -> Result<Option<(OutgoingMessage, UnderWay)>, StoreError> {
        if !self.is_true_and_known(id, round).await? {
            return Ok(None);
        }
        let told = round.told_by(id);
        let Some((message, settled)) = round.message(id).filter(|_| !told.is_empty()) else { return Ok(None) };
        // After the loss of a state, that loss is reported before anything else is sent.
        if self.store.is_untold() && !told.iter().any(|owed| owed.alert.inbox == WATCHDOG) {
            round.again_at(self.clock.now().checked_add(UNTOLD).unwrap_or(Timestamp::MAX));
            return Ok(None);
        }
        let parcel = self.parcel(message, settled, &told);
        let trying = self.settings.first_of(settled, parcel.only.as_deref());
        let Some((attempt, step)) = round.begin(id, &trying) else { return Ok(None) };
        self.store.record(step).await?;
        self.shared.at("delivery.attempting");
        Ok(Some((parcel, attempt)))
    }

    /// Reads a message's part of the outbox again, and does what the engine decides about it.
    async fn renew(&self, id: &MessageId, round: &mut Round<'_>) -> Result<(), StoreError> {
        let fresh = self.store.open_for(&self.settings.receiver, id).await?;
        let (live, names) = (self.shared.live(), self.shared.names());
        let moment = Moment { rules: &live.rules, names: &names, now: self.clock.now() };
        for action in round.renew(id, fresh, moment) {
            self.prepare(action).await?;
        }
        Ok(())
    }

    /// Records the outcome of an attempt, and what it means for the receiver's state.
    async fn record(
        &self,
        attempt: &UnderWay,
        got: Attempt,
        round: &mut Round<'_>,
        done: &mut Delivered,
    ) -> Result<(), StoreError> {
        let receiver = self.settings.receiver.as_str();
        self.shared.metrics.attempted(receiver, outcome_name(&got.outcome));
        let AttemptEnd { record, was_broken } = round.end(attempt, got, self.clock.now());
        let (message_id, notifications) = (&record.message, attempt.told.len());
        match &record.recorded {
            DeliveryStep::Again { reason, plain: true, .. } => {
                done.failed += 1;
                tracing::warn!(receiver, %message_id, reason, "message.refused: it is sent again as plain text");
            }
            DeliveryStep::Again { reason, ambiguous, at, .. } => {
                done.failed += 1;
                tracing::warn!(receiver, %message_id, reason, ambiguous, next_at = %at, "message.retry: it waits in the outbox");
            }
            DeliveryStep::Dead { reason, .. } => self.note_dead(message_id, reason, done),
            _ => {
                done.sent += 1;
                tracing::info!(receiver, %message_id, notifications, "message.delivered");
            }
        }
        let (is_broken, why) = (record.reception.is_broken(), record.reception.last_error.clone());
        let handed_over = self.store.attempted(record).await?;
        self.note_handed_over(handed_over, done);
        if is_broken && !was_broken {
            self.note_broken(&why);
        } else if was_broken && !is_broken {
            tracing::info!(receiver, "receiver.mended: what waited for it is sent");
        }
        Ok(())
    }

    fn note_dead(&self, message_id: &MessageId, reason: &str, done: &mut Delivered) {
        done.dead += 1;
        let receiver = self.settings.receiver.as_str();
        self.shared.metrics.attempted(receiver, "dead");
        tracing::error!(receiver, %message_id, reason, "message.dead: it is not tried again");
    }

    fn note_broken(&self, why: &str) {
        let receiver = self.settings.receiver.as_str();
        tracing::error!(receiver, why, "receiver.broken: one message is tried every few minutes, the others wait");
    }

    fn note_handed_over(&self, notifications: usize, done: &mut Delivered) {
        if notifications > 0 {
            done.handed_over += notifications;
            let (receiver, fallback) = (self.settings.receiver.as_str(), self.settings.fallback.as_deref());
            tracing::warn!(receiver, fallback, notifications, "message.handed_over: the fallback is notified");
        }
    }
}

/// The name for metrics.
fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        Outcome::Retry { ambiguous: true, .. } | Outcome::Unclear { .. } => "ambiguous",
        Outcome::Retry { .. } => "retry",
        Outcome::Rejected { .. } => "refused",
    }
}

/// Records how far a mail has come, between two of its recipients.
struct Notes {
    store: Store,
    shared: Arc<Shared>,
    message: MessageId,
}

impl Witness for Notes {
    fn hears(&self, progress: MailProgress) -> BoxFuture<'_, bool> {
        let MailProgress { reached, settled, next } = progress;
        let recorded = DeliveryStep::GoesOn { message: self.message.clone(), reached, settled, trying: vec![next] };
        Box::pin(async move {
            let written = self.store.record(recorded).await;
            self.shared.at("delivery.goes_on");
            written.inspect_err(|error| tracing::error!(%error, "store.failed: further recipients wait")).is_ok()
        })
    }
}

#[cfg(test)]
mod tests;
