//! Whether what a message says of waiting customers is still known. For a message that was held or delayed, the inbox
//! is asked first.

use jiff::{SignedDuration, Timestamp};

use super::Deliverer;
use crate::{
    clock::Clock as _,
    engine::delivery::Round,
    model::{Alert, MessageId, Owed},
    store::StoreError,
};

/// A notification that is owed for less than this was judged just now and is not put off.
const JUST_OWED: SignedDuration = SignedDuration::from_secs(5);

/// A notification that is sent within this time after it was owed does not need a second look.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(1);

/// How long a notification is put off at most for a look.
const LONGEST: SignedDuration = SignedDuration::from_mins(2);

/// How soon it is checked again whether what a message says is known.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// How well a message's customers are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// It may be sent.
    Enough,
    /// It may be sent if it is still true after a look at the inbox.
    New,
    /// It waits for the next poll.
    Missing,
}

impl Deliverer {
    /// Whether a message can be sent now because its customers are known well enough. If they are not, it waits for the
    /// next poll.
    pub(super) async fn is_true_and_known(&self, id: &MessageId, round: &mut Round<'_>) -> Result<bool, StoreError> {
        self.renew(id, round).await?;
        match self.know(&round.told_by(id)).await? {
            Known::Enough => {}
            Known::New => self.renew(id, round).await?,
            Known::Missing => {
                round.again_at(self.clock.now().checked_add(LOOK_AGAIN).unwrap_or(Timestamp::MAX));
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the customers whom a message calls waiting are known well enough; asks the inbox if they are not.
    async fn know(&self, told: &[&Owed]) -> Result<Known, StoreError> {
        let mut known = Known::Enough;
        let mut late: Vec<&Owed> = Vec::new();
        for poller in &self.inboxes.pollers {
            // Notifications are stored by the clock of their inbox's API.
            let now = poller.clock.now();
            let age = |owed: &Owed| now.duration_since(owed.notification.due_at);
            let of_inbox: Vec<&Owed> = told
                .iter()
                .copied()
                .filter(|owed| owed.notification.event.is_of_waiting() && owed.alert.inbox == poller.inbox)
                .filter(|owed| age(owed) > AT_ONCE)
                .collect();
            late.extend(&of_inbox);
            if of_inbox.is_empty() {
                continue;
            }
            let alerts: Vec<&Alert> = of_inbox.iter().map(|owed| &owed.alert).collect();
            let unknown = poller.check(&alerts).await?;
            let waits = |owed: &&Owed| {
                let since = self.put_off.since(owed.id, now);
                let polled = poller.polled_at().is_some_and(|at| at >= since);
                !polled && now >= since && now.duration_since(since) < LONGEST
            };
            let is_unknown = |owed: &&Owed| unknown.iter().any(|alert| alert.id == owed.alert.id);
            let held = |owed: &&Owed| self.inboxes.go_on && age(owed) > JUST_OWED && is_unknown(owed);
            if of_inbox.iter().copied().filter(held).any(|owed| waits(&owed)) {
                return Ok(Known::Missing);
            }
            known = Known::New;
        }
        self.put_off.forget(late.iter().map(|owed| owed.id));
        Ok(known)
    }
}
