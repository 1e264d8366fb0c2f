//! One round of delivery to one receiver: what is to be done with what is owed, and what a failure means. It is long
//! because a round is read in one piece.
//!
//! What happens when a receiver fails, in the order in which it happens:
//! 1. An attempt that fails is repeated, after one second at first, then less often, up to every five minutes
//!    ([`retry::decide`]); a pause that the receiver asks for is honoured.
//! 2. A receiver that has failed for five minutes, or that refuses for good, is broken ([`retry::reception`],
//!    [`retry::breaks_at`]): what is owed to it is combined into few messages, and one of them is tried about every two
//!    minutes.
//! 3. While it is broken, its fallback is notified in its place ([`hand_over`]), and the watchdog reports it
//!    ([`super::troubles`]).
//! 4. What it has not accepted for `give_up_after` is given up, after one more attempt. A message that is given up for
//!    another reason (it is refused as plain text too, or its outcome stays unclear) goes to the fallback at once.
//! 5. It works again when it has accepted a message; then the others follow.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{
    delivery_settings::DeliverySettings,
    group::GroupBy,
    handover::hand_over,
    queue::SendQueue,
    retry::{self, Decision, PartialDelivery},
    validity::{OwedClaim, Superseded, Validity, judge},
};
use crate::{
    model::{
        Attempt, AttemptRecord, DeliveryStep, HandOver, Message, MessageId, Names, NotificationId, Open, Outcome, Owed,
        ReceiverState, alert::short_hash,
    },
    rules::RuleSet,
};

/// One thing to do with what is owed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// These are no longer true.
    Withdraw(Vec<(Owed, Superseded)>),
    /// These must wait, and leave their message.
    Hold(Vec<NotificationId>),
    /// The receiver has failed for so long that it is broken, even without a further attempt.
    Break(ReceiverState),
    /// These become a message.
    Compose { message: Message, ids: Vec<NotificationId> },
    /// Messages are sent as [`Round::next`] names them.
    Send,
    /// The fallback is notified as well.
    HandOver(HandOver),
    /// The message is not tried again.
    GiveUp { message: MessageId, reason: String },
}

/// The state of the world at one moment of a round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment<'a> {
    pub rules: &'a RuleSet,
    pub names: &'a Names,
    pub now: Timestamp,
}

/// The stage of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoundStage {
    BeforeAttempts,
    AfterAttempts,
}

/// An attempt under way.
#[derive(Clone, Debug)]
pub(crate) struct UnderWay {
    /// The message before the attempt.
    pub message: Message,
    /// Recipients of a mail that needed no further attempt at that time.
    pub settled: Vec<String>,
    /// The notifications in the message.
    pub told: Vec<Owed>,
    /// Pauses that the receiver had been given in this round when the attempt began.
    pauses: u32,
}

/// The result of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AttemptEnd {
    pub record: AttemptRecord,
    /// Whether the receiver was broken before the attempt.
    pub was_broken: bool,
}

/// One round: what is owed, read once, and what has been done with it since.
#[derive(Debug)]
pub(crate) struct Round<'a> {
    settings: &'a DeliverySettings,
    /// What may be sent now.
    open: Open,
    /// What waits for the end of a silence, of closed hours or of `keep_firing_for`.
    held: Vec<Owed>,
    queue: SendQueue,
    /// Whether messages are tried before their own time, because the receiver was broken when the round began.
    at_once: bool,
    /// Pauses that the receiver was given. The result of an attempt that began before the last pause is out of date.
    pauses: u32,
    next_at: Option<Timestamp>,
}

impl<'a> Round<'a> {
    /// A round over everything that is owed to a receiver.
    pub(crate) fn of(open: Open, settings: &'a DeliverySettings) -> Self {
        let (held, queue) = (Vec::new(), SendQueue::default());
        Self { settings, open, held, queue, at_once: false, pauses: 0, next_at: None }
    }

    /// The actions to carry out, in this order. They count as done once returned.
    pub(crate) fn actions(&mut self, stage: RoundStage, moment: Moment<'_>) -> Vec<Action> {
        let now = moment.now;
        let mut actions = Vec::new();
        match stage {
            RoundStage::BeforeAttempts => {
                let owed = std::mem::take(&mut self.open.owed);
                actions.extend(self.judge(owed, moment));
                actions.extend(self.break_by_time(now));
                actions.extend(if self.is_broken() { self.put_together(now) } else { self.compose_unsent("", now) });
                self.queue = SendQueue::of(&self.open);
                self.at_once = self.is_broken();
                actions.push(Action::Send);
            }
            // The handover comes after an attempt: after a day without a run, the receiver itself is tried first.
            RoundStage::AfterAttempts if self.is_broken() => {
                let fallback = self.settings.fallback.as_deref();
                actions.extend(hand_over(self.open.owed.iter().chain(&self.held), fallback).map(Action::HandOver));
                actions.extend(self.give_up(now));
            }
            RoundStage::AfterAttempts => {
                if let Some(at) = self.breaks_at() {
                    self.again_at(at);
                }
            }
        }
        actions
    }

    /// Judges what is owed: what may be sent now stays, what has to wait leaves its message, and what is no longer true
    /// is withdrawn.
    fn judge(&mut self, owed: Vec<Owed>, moment: Moment<'_>) -> Vec<Action> {
        let Moment { rules, names, now } = moment;
        let claims: Vec<OwedClaim<'_>> = owed
            .iter()
            .map(|owed| OwedClaim {
                alert: &owed.alert,
                rule: rules.get(&owed.alert.rule).map(AsRef::as_ref),
                receiver: &self.settings.receiver,
                step: owed.notification.step,
                event: owed.notification.event,
                told: owed.told,
                partly_settled: owed.partly_settled,
                told_of_beginning: owed.told_of_beginning && self.settings.reaches(owed.audience.as_deref()),
            })
            .collect();
        let verdicts = judge(&claims, &self.open.silences, names, now);
        let (mut withdrawn, mut leave) = (Vec::new(), Vec::new());
        for (mut owed, verdict) in owed.into_iter().zip(verdicts) {
            match verdict {
                Validity::Send => self.open.owed.push(owed),
                Validity::Hold => {
                    owed.tried_since = None;
                    leave.extend(owed.message.take().map(|_| owed.id));
                    self.held.push(owed);
                }
                Validity::Withdraw(why) => withdrawn.push((owed, why)),
            }
        }
        self.open.owed.sort_by_key(|owed| owed.id);
        self.open.drop_empty();
        let withdraw = (!withdrawn.is_empty()).then_some(Action::Withdraw(withdrawn));
        withdraw.into_iter().chain((!leave.is_empty()).then_some(Action::Hold(leave))).collect()
    }

    fn is_broken(&self) -> bool {
        self.open.reception.is_broken()
    }

    fn breaks_at(&self) -> Option<Timestamp> {
        retry::breaks_at(&self.open.reception, self.open.messages.iter().map(|(message, _)| message))
    }

    /// A receiver that has failed for too long is broken, even while a pause forbids attempts.
    fn break_by_time(&mut self, now: Timestamp) -> Option<Action> {
        self.breaks_at().filter(|at| *at <= now)?;
        self.open.reception.broken_at = Some(now);
        Some(Action::Break(self.open.reception.clone()))
    }

    /// Composes messages from the notifications that are in none yet, grouped as the receiver is configured.
    fn compose_unsent(&mut self, why: &str, now: Timestamp) -> Vec<Action> {
        let unsent = self.open.owed.iter().filter(|owed| owed.message.is_none()).collect();
        let groups = self.settings.grouped(unsent, self.settings.group);
        let messages = self.messages(&groups, why, now);
        self.composed(messages)
    }

    /// Combines the outbox of a broken receiver into few messages, so that its recovery does not cause a flood.
    fn put_together(&mut self, now: Timestamp) -> Vec<Action> {
        let why = self.open.reception.last_error.clone();
        if self.settings.group == GroupBy::Contact {
            return self.compose_unsent(&why, now);
        }
        // What the receiver may already have keeps its message and its id, if the receiver recognises ids.
        let keeps = |owed: &Owed| owed.told && self.settings.knows_ids;
        let tellable = self.open.owed.iter().filter(|owed| !keeps(owed)).collect();
        let mut groups = self.settings.grouped(tellable, GroupBy::Backlog);
        groups.retain(|together| {
            let messages: HashSet<Option<&MessageId>> = together.iter().map(|owed| owed.message.as_ref()).collect();
            messages.len() > 1 || messages.contains(&None)
        });
        let messages = self.messages(&groups, &why, now);
        self.composed(messages)
    }

    /// Makes one message for each group; `why` is the last failure, if there was one.
    fn messages(&self, groups: &[Vec<&Owed>], why: &str, now: Timestamp) -> Vec<(Message, Vec<NotificationId>)> {
        let message = |group: &Vec<&Owed>| {
            let first = group.first()?;
            // The old message's id is part of the hash, so that a message combined again at the same moment gets
            // another id.
            let before = first.message.as_ref().map_or("", |message| &message.0);
            let what = format!("{} {} {} {before}", self.settings.receiver, first.id.0, now.as_nanosecond());
            let message = Message {
                id: MessageId(format!("pw_{}", short_hash(&what))),
                receiver: self.settings.receiver.clone(),
                created_at: now,
                attempts: 0,
                next_at: now,
                ambiguous: false,
                plain: false,
                last_error: why.to_owned(),
            };
            Some((message, group.iter().map(|owed| owed.id).collect()))
        };
        groups.iter().filter_map(message).collect()
    }

    fn composed(&mut self, messages: Vec<(Message, Vec<NotificationId>)>) -> Vec<Action> {
        let compose = |(message, ids): (Message, Vec<NotificationId>)| {
            self.open.apply(&DeliveryStep::Composed { message: message.clone(), ids: ids.clone() });
            Action::Compose { message, ids }
        };
        messages.into_iter().map(compose).collect()
    }

    /// Gives up what a broken receiver has not accepted for too long: counted from the first attempt at a notification,
    /// because its messages are composed anew. [`retry::decide`] gives up single messages after an attempt.
    fn give_up(&mut self, now: Timestamp) -> Vec<Action> {
        let too_old = |since: Timestamp| now.duration_since(since) >= self.settings.give_up_after;
        let reason = format!("given up: {}", self.open.reception.last_error);
        let old = |owed: &&Owed| !owed.told && owed.tried_since.is_some_and(too_old);
        let groups = self.settings.grouped(self.open.owed.iter().filter(old).collect(), GroupBy::Backlog);
        let together = self.messages(&groups, &reason, now);
        let is_told = |message: &Message| self.open.told_by(&message.id).any(|owed| owed.told);
        let told = self.open.messages.iter().map(|(message, _)| message);
        let told =
            told.filter(|message| too_old(message.created_at) && is_told(message)).map(|message| message.id.clone());
        let over: Vec<MessageId> = together.iter().map(|(message, _)| message.id.clone()).chain(told).collect();
        let mut actions = self.composed(together);
        for message in over {
            self.open.apply(&DeliveryStep::dead(&message, now, &reason));
            actions.push(Action::GiveUp { message, reason: reason.clone() });
        }
        actions
    }

    /// The limit of messages under way at once.
    pub(crate) fn most_under_way(&self) -> usize {
        if self.is_broken() { 1 } else { self.settings.in_flight }
    }

    /// The next message that may be sent now.
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<MessageId> {
        if let Some(later) = self.open.reception.waits_until(now).filter(|_| !self.queue.is_empty()) {
            self.again_at(later);
            return None;
        }
        self.queue.next(now, self.at_once)
    }

    /// Begins no further attempt in this round.
    pub(crate) fn stop(&mut self, now: Timestamp) {
        self.again_at(now);
        self.queue.clear();
    }

    /// What of one message may be sent now, judged again with the fresh state `fresh` of the alerts in it.
    pub(crate) fn renew(&mut self, message: &MessageId, fresh: Open, moment: Moment<'_>) -> Vec<Action> {
        let about: HashSet<_> = fresh.owed.iter().map(|owed| owed.id).collect();
        let is_old = |owed: &Owed| owed.message.as_ref() == Some(message) || about.contains(&owed.id);
        self.open.owed.retain(|owed| !is_old(owed));
        self.held.retain(|owed| !is_old(owed));
        self.open.silences = fresh.silences;
        self.judge(fresh.owed, moment)
    }

    /// The notifications in a message.
    pub(crate) fn told_by<'b>(&'b self, message: &'b MessageId) -> Vec<&'b Owed> {
        self.open.told_by(message).collect()
    }

    /// The message, and the recipients that need no further attempt.
    pub(crate) fn message(&self, message: &MessageId) -> Option<&(Message, Vec<String>)> {
        self.open.messages.iter().find(|(known, _)| known.id == *message)
    }

    /// Messages to send, oldest first.
    pub(crate) fn messages_due(&self) -> &[(Message, Vec<String>)] {
        &self.open.messages
    }

    /// Begins an attempt; `trying` are those who may get the message before anything else is recorded. `None` if no
    /// notification is left in it.
    pub(crate) fn begin(&mut self, message: &MessageId, trying: &[String]) -> Option<(UnderWay, DeliveryStep)> {
        let (known, settled) = self.message(message)?.clone();
        let told: Vec<Owed> = self.open.told_by(message).cloned().collect();
        let step = DeliveryStep::Attempting { message: message.clone(), trying: trying.to_vec() };
        self.open.apply(&step);
        Some((UnderWay { message: known, settled, told, pauses: self.pauses }, step))
    }

    /// Passes over a message that cannot be sent in this round.
    pub(crate) fn pass(&mut self, message: &MessageId) {
        self.queue.done(message);
    }

    /// Records the result of an attempt: what becomes of the message and of its receiver.
    pub(crate) fn end(&mut self, attempted: &UnderWay, attempt: Attempt, now: Timestamp) -> AttemptEnd {
        let UnderWay { message, settled: settled_before, told, pauses } = attempted;
        let tried = Message { attempts: message.attempts + 1, ..message.clone() };
        let jitter = retry::jitter(&message.id, tried.attempts);
        let reached = self.settings.reached(&attempt);
        let got = match (attempt.settled.len() > settled_before.len(), settled_before.is_empty()) {
            (true, _) => PartialDelivery::SomeNow,
            (false, false) => PartialDelivery::SomeBefore,
            (false, true) => PartialDelivery::Nobody,
        };
        let Attempt { outcome, settled, refused, .. } = attempt;
        let before = self.open.reception.clone();
        let mut after = retry::reception(&before, &outcome, got, now, jitter);
        // A success from before the pause does not end the pause.
        if *pauses < self.pauses && after.not_before < before.not_before {
            after = before.clone();
        }
        self.pauses += u32::from(after.not_before > before.not_before);
        let (reason, ambiguous) = match &outcome {
            Outcome::Delivered => (String::new(), false),
            Outcome::Retry { reason, ambiguous, .. } => (reason.clone(), *ambiguous),
            Outcome::Unclear { reason } => (reason.clone(), true),
            Outcome::Rejected { reason, .. } => (reason.clone(), false),
        };
        let id = message.id.clone();
        let recorded = match retry::decide(&tried, &outcome, now, self.settings.give_up_after, jitter) {
            Decision::Done => DeliveryStep::Delivered { message: id, at: now, reached },
            Decision::Again { at } => {
                let at = after.not_before.map_or(at, |later| later.max(at));
                DeliveryStep::Again { message: id, now, at, plain: false, ambiguous, settled, reached, reason }
            }
            Decision::AgainPlain { at } => {
                DeliveryStep::Again { message: id, now, at, plain: true, ambiguous, settled, reached, reason }
            }
            Decision::Dead { reason } => {
                DeliveryStep::Dead { message: id, at: now, reason, ambiguous, settled, reached }
            }
        };
        if let DeliveryStep::Again { at, .. } = &recorded {
            self.again_at(*at);
            self.queue.later(&message.id, *at);
        } else {
            self.queue.done(&message.id);
        }
        let is_dead = matches!(recorded, DeliveryStep::Dead { .. });
        let handed = if is_dead { hand_over(told, self.settings.fallback.as_deref()) } else { None };
        self.open.apply(&recorded);
        self.open.reception = after.clone();
        let record = AttemptRecord {
            recorded,
            at: now,
            message: message.id.clone(),
            refused,
            receiver: self.settings.receiver.clone(),
            reception: after,
            handed,
        };
        AttemptEnd { record, was_broken: before.is_broken() }
    }

    /// Asks for another round at this time at the latest.
    pub(crate) fn again_at(&mut self, at: Timestamp) {
        self.next_at = Some(self.next_at.map_or(at, |known| known.min(at)));
    }

    /// When the next message is to be tried, if one waits.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.next_at.into_iter().chain(self.queue.next_at()).min()
    }

    /// The number of notifications that wait for the end of a silence, of closed hours or of `keep_firing_for`.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }
}
