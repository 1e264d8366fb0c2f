//! What is owed becomes messages as the receiver wants them.

use super::Deliverer;
use crate::{
    engine::group::GroupBy,
    model::{DeliveryStep, Message, MessageId, Owed, alert::short_hash},
    store::StoreError,
};

impl Deliverer {
    /// Puts what is owed into messages; gives their ids.
    pub(super) async fn compose(&self, owed: Vec<&Owed>, by: GroupBy, why: &str) -> Result<Vec<MessageId>, StoreError> {
        let now = self.clock.now();
        let mut composed = Vec::new();
        for owed in self.grouped(owed, by) {
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
            self.store
                .record(DeliveryStep::Composed { message, ids: owed.iter().map(|owed| owed.id).collect() })
                .await?;
            composed.push(id);
        }
        Ok(composed)
    }
}
