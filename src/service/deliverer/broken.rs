//! A receiver that takes nothing: when it counts as broken, and what becomes of what is owed to it.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{Deliverer, delivered::Delivered};
use crate::{
    engine::{group::GroupBy, handover::hand_over, retry::breaks_at},
    model::{MessageId, Open, Owed, ReceiverState},
    render::Format,
    store::StoreError,
};

impl Deliverer {
    /// A receiver that has failed for too long is broken, also while no attempt may be made.
    pub(super) async fn judge_by_time(&self, open: &mut Open) -> Result<(), StoreError> {
        let now = self.clock.now();
        if time_to_break(open).is_some_and(|at| at <= now) {
            open.reception.broken_at = Some(now);
            self.store.receives(&self.manner.receiver, open.reception.clone()).await?;
            self.note_broken(&open.reception);
        }
        Ok(())
    }

    /// All that is owed goes to the fallback, too.
    async fn hand_over(&self, owed: &[Owed], round: &mut Delivered) -> Result<(), StoreError> {
        if let Some(handed) = hand_over(owed, self.manner.fallback.as_deref()) {
            let handed = self.store.hand_over(handed, self.clock.now()).await?;
            self.note_handed_over(handed, round);
        }
        Ok(())
    }

    pub(super) fn note_broken(&self, reception: &ReceiverState) {
        let (receiver, why) = (self.manner.receiver.as_str(), reception.last_error.as_str());
        tracing::error!(receiver, why, "receiver.broken: one message is tried every few minutes, the others wait");
    }

    /// After a round: where it is broken in spite of a probe, its fallback is told, and what no probe has brought
    /// for too long is given up.
    pub(super) async fn look_elsewhere(&self, round: &mut Delivered) -> Result<(), StoreError> {
        let (open, wait) = self.all_that_is_true().await?;
        if open.reception.is_broken() {
            self.hand_over(&[&open.owed[..], &wait[..]].concat(), round).await?;
            return self.give_up(open, round).await;
        }
        if let Some(at) = time_to_break(&open) {
            round.again_at(at);
        }
        Ok(())
    }

    /// The outbox of a broken receiver is put together, so that it is no flood when it takes messages again.
    pub(super) async fn put_together(&self, open: &Open) -> Result<(), StoreError> {
        let why = open.reception.last_error.as_str();
        // What the receiver may have got keeps its message, and the id by which it is known again, where there is
        // somebody who knows ids.
        let known_again = matches!(self.manner.format, Format::Email | Format::Webhook);
        let tellable: Vec<&Owed> = open.owed.iter().filter(|owed| !(owed.told && known_again)).collect();
        if self.manner.group == GroupBy::Contact {
            let unsent = tellable.into_iter().filter(|owed| owed.message.is_none()).collect();
            self.compose(unsent, self.manner.group, why).await?;
            return Ok(());
        }
        for together in self.grouped(tellable, GroupBy::Backlog) {
            let messages: HashSet<Option<&MessageId>> = together.iter().map(|owed| owed.message.as_ref()).collect();
            if messages.len() > 1 || messages.contains(&None) {
                self.compose(together, GroupBy::Backlog, why).await?;
            }
        }
        Ok(())
    }

    /// Gives up what a receiver that is still broken has not taken for too long. It comes after a probe: who was
    /// off for a day tries first.
    async fn give_up(&self, open: Open, round: &mut Delivered) -> Result<(), StoreError> {
        let (now, why) = (self.clock.now(), open.reception.last_error.as_str());
        let too_old = |since: Timestamp| now.duration_since(since) >= self.manner.give_up_after;
        let given_up = format!("given up: {why}");
        let old = open.owed.iter().filter(|owed| !owed.told && owed.tried_since.is_some_and(too_old));
        let mut over = self.compose(old.collect(), GroupBy::Backlog, &given_up).await?;
        let told = open.messages.iter().filter(|(message, _)| too_old(message.created_at));
        let told = told.filter(|(message, _)| open.told_by(&message.id).any(|owed| owed.told));
        over.extend(told.map(|(message, _)| message.id.clone()));
        for message in over {
            let dead = self.dead(&message, given_up.clone(), (false, Vec::new(), Vec::new()), round);
            self.store.record(dead).await?;
        }
        Ok(())
    }
}

fn time_to_break(open: &Open) -> Option<Timestamp> {
    breaks_at(&open.reception, open.messages.iter().map(|(message, _)| message))
}
