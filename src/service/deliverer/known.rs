//! Is what a message says of waiting customers still known? What was held, or could not be sent, is looked at
//! first.

use jiff::{SignedDuration, Timestamp};

use super::Deliverer;
use crate::{
    clock::Clock as _,
    engine::delivery::Round,
    model::{Alert, MessageId, Owed},
    store::StoreError,
};

/// What is owed for less than that was judged a moment ago, as well as it could be.
const JUST_OWED: SignedDuration = SignedDuration::from_secs(5);

/// What is sent within that time after it was owed needs no second look.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(1);

/// Nothing is put off for want of a look for longer.
const LONGEST: SignedDuration = SignedDuration::from_mins(2);

/// How soon it is asked again whether what a message says is known.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// What came of the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// It may be sent.
    Enough,
    /// It may be sent if it is still true after what a look has shown.
    New,
    /// The next poll is waited for.
    Missing,
}

impl Deliverer {
    /// Whether something of a message can be said now, of customers who are known well enough; where they are not,
    /// it waits for the next poll.
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

    /// Whether the customers whom a message would call waiting are known well enough, after a look where they are
    /// not.
    async fn know(&self, told: &[&Owed]) -> Result<Known, StoreError> {
        let mut known = Known::Enough;
        let mut late: Vec<&Owed> = Vec::new();
        for poller in &self.inboxes.pollers {
            // What is owed of an inbox is stored by its API's clock.
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
