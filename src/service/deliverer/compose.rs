//! What is owed becomes messages: as the receiver wants them, or as one where it took nothing for long.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{Delivered, Deliverer, told_by};
use crate::{
    engine::group::{GroupBy, group},
    model::{Message, MessageId, alert::short_hash},
    render::Format,
    store::{Open, Owed, Recorded, StoreError},
};

impl Deliverer {
    /// Puts what is owed into messages; gives their ids.
    pub(super) async fn compose(&self, owed: Vec<&Owed>, by: GroupBy, why: &str) -> Result<Vec<MessageId>, StoreError> {
        let now = self.clock.now();
        let mut composed = Vec::new();
        for owed in group(owed, by, |owed| &owed.notification) {
            let Some(first) = owed.first() else { continue };
            // What is put together anew at one moment is another message, too.
            let before = first.message.as_ref().map_or("", |message| &message.0);
            let what = format!("{} {} {} {before}", self.manner.receiver, first.id.0, now.as_nanosecond());
            let id = MessageId(format!("pw_{}", short_hash(&what)));
            let message = Message {
                id: id.clone(),
                receiver: self.manner.receiver.clone(),
                created_at: now,
                attempts: 0,
                next_at: now,
                ambiguous: false,
                plain: false,
                last_error: why.to_owned(),
            };
            self.store.record(Recorded::Composed { message, ids: owed.iter().map(|owed| owed.id).collect() }).await?;
            composed.push(id);
        }
        Ok(composed)
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
        for together in group(tellable, GroupBy::Backlog, |owed| &owed.notification) {
            let messages: HashSet<Option<&MessageId>> = together.iter().map(|owed| owed.message.as_ref()).collect();
            if messages.len() > 1 || messages.contains(&None) {
                self.compose(together, GroupBy::Backlog, why).await?;
            }
        }
        Ok(())
    }

    /// Gives up what a receiver that is still broken has not taken for too long. It comes after a probe: who was
    /// off for a day tries first.
    pub(super) async fn give_up(&self, open: Open, round: &mut Delivered) -> Result<(), StoreError> {
        let (now, why) = (self.clock.now(), open.reception.last_error.as_str());
        let too_old = |since: Timestamp| now.duration_since(since) >= self.manner.give_up_after;
        let given_up = format!("given up: {why}");
        let old = open.owed.iter().filter(|owed| !owed.told && owed.tried_since.is_some_and(too_old));
        let mut over = self.compose(old.collect(), GroupBy::Backlog, &given_up).await?;
        let told = open.messages.iter().filter(|(message, _)| too_old(message.created_at));
        let told = told.filter(|(message, _)| told_by(&open, message).any(|owed| owed.told));
        over.extend(told.map(|(message, _)| message.id.clone()));
        for message in over {
            let dead = self.dead(&message, given_up.clone(), (false, Vec::new()), round);
            self.store.record(dead).await?;
        }
        Ok(())
    }
}
