//! Checks before sending that the waiting customers of a message are known well enough. Notifications that were held,
//! or could not be sent, wait for a look at the inbox.

use jiff::{SignedDuration, Timestamp};

use super::Deliverer;
use crate::{
    clock::Clock as _,
    engine::delivery::Round,
    model::{Alert, MessageId, Owed},
    store::StoreError,
};

/// How long an owed notification counts as just judged, so that nothing better is to be known.
const JUST_OWED: SignedDuration = SignedDuration::from_secs(5);

const AT_ONCE: SignedDuration = SignedDuration::from_secs(1);

const LONGEST: SignedDuration = SignedDuration::from_mins(2);

const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// They are known well enough; the message may be sent.
    Enough,
    /// A look was taken; the message may be sent if it is still true after that.
    New,
    Missing,
}

impl Deliverer {
    /// Whether a message has something that is still true, about customers that are known well enough. If they are not,
    /// the message waits for the next poll.
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

    /// Looks at the customers whom a message would call waiting, unless they are known well enough, and returns what is
    /// known then.
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
