//! The demo's own books: who really waited, according to the events of the made-up inbox, and whether the
//! records of the watcher and of Slack agree with that.
//!
//! It must not use the watcher's judgement of a customer: it only compares.

use jiff::{SignedDuration, Timestamp};

use crate::{
    model::{Alert, Event, Notification},
    sandbox::{Happening, Received},
};

/// The shipped rule that matches everybody who waits.
pub(super) const RULE: &str = "customer-waiting";
/// The receiver of that rule.
const RECEIVER: &str = "support";
/// The outbox's state of a notification that the receiver accepted.
const DELIVERED: &str = "delivered";

/// One customer's wait for an answer.
struct Wait {
    id: String,
    name: String,
    began: Timestamp,
    /// Time of the customer's last message.
    wrote: Timestamp,
    /// The longest time without a message of either side.
    longest: SignedDuration,
    over: Option<Timestamp>,
    /// An agent took the conversation: from then on no first notification is expected.
    taken: bool,
}

/// Every wait of the story.
pub(super) struct DemoLedger {
    /// Time without an answer after which Slack must have been notified.
    patience: SignedDuration,
    waits: Vec<Wait>,
}

/// The watcher's records, and Slack's.
pub(super) struct Records<'a> {
    pub episodes: &'a [Alert],
    /// Every notification, with its state.
    pub owed: &'a [(Notification, String)],
    /// The requests that Slack received.
    pub slack: &'a [Received],
}

/// The result of a comparison.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Balance {
    /// How many waited long enough.
    pub due: usize,
    /// How many of them ended and needed a notification of the end.
    pub over: usize,
    /// One sentence for each disagreement.
    pub wrong: Vec<String>,
}

impl DemoLedger {
    pub(super) fn new(patience: SignedDuration) -> Self {
        Self { patience, waits: Vec::new() }
    }

    pub(super) fn patience(&self) -> SignedDuration {
        self.patience
    }

    pub(super) fn enter(&mut self, at: Timestamp, happening: &Happening) {
        match happening {
            Happening::Wrote { id, name, .. } => match self.open(id) {
                Some(wait) if wait.taken => wait.wrote = at,
                Some(wait) => {
                    wait.longest = wait.longest.max(at.duration_since(wait.wrote));
                    wait.wrote = at;
                }
                None => self.waits.push(Wait {
                    id: id.clone(),
                    name: name.clone(),
                    began: at,
                    wrote: at,
                    longest: SignedDuration::ZERO,
                    over: None,
                    taken: false,
                }),
            },
            Happening::Taken { id, .. } => {
                if let Some(wait) = self.open(id).filter(|wait| !wait.taken) {
                    wait.longest = wait.longest.max(at.duration_since(wait.wrote));
                    wait.taken = true;
                }
            }
            Happening::BotAnswered { id, .. }
            | Happening::HandedOver { id, .. }
            | Happening::Answered { id, .. }
            | Happening::Closed { id, .. } => {
                if let Some(wait) = self.open(id) {
                    if !wait.taken {
                        wait.longest = wait.longest.max(at.duration_since(wait.wrote));
                    }
                    wait.over = Some(at);
                }
            }
            // Nobody has answered: the wait goes on.
            Happening::AskedForPerson { .. } | Happening::LiveChatExpired { .. } => {}
        }
    }

    fn open(&mut self, id: &str) -> Option<&mut Wait> {
        self.waits.iter_mut().find(|wait| wait.id == id && wait.over.is_none())
    }

    /// Compares the waits with the records at the end of the demo.
    pub(super) fn balance(&self, ended: Timestamp, records: &Records<'_>) -> Balance {
        let mut balance = Balance::default();
        for wait in &self.waits {
            let silent = match wait.over {
                None if !wait.taken => ended.duration_since(wait.wrote),
                _ => SignedDuration::ZERO,
            };
            if wait.longest.max(silent) < self.patience {
                continue;
            }
            balance.due += 1;
            let until = wait.over.map_or(ended, |over| over + self.patience);
            let told: Vec<&Alert> = records
                .episodes
                .iter()
                .filter(|alert| alert.rule == RULE && alert.contact.id == wait.id)
                .filter(|alert| alert.fired_at.is_some_and(|at| at >= wait.began && at <= until))
                .collect();
            let [alert] = told.as_slice() else {
                balance.wrong.push(format!("{} was told of {} times, not once", wait.name, told.len()));
                continue;
            };
            if records.delivered(alert, Event::Fired) != 1 {
                balance.wrong.push(format!("{} waited, and Slack does not know", wait.name));
            }
            if wait.over.is_some_and(|over| over + self.patience <= ended) {
                balance.over += 1;
                if alert.is_firing() || records.delivered(alert, Event::Resolved) != 1 {
                    balance.wrong.push(format!("the wait of {} is over, and Slack does not know", wait.name));
                }
            }
        }
        balance.wrong.extend(records.disagreement());
        balance
    }
}

impl Records<'_> {
    fn delivered(&self, alert: &Alert, event: Event) -> usize {
        let fits = |(notification, state): &&(Notification, String)| {
            notification.alert == alert.id
                && notification.event == event
                && notification.receiver == RECEIVER
                && state == DELIVERED
        };
        self.owed.iter().filter(fits).count()
    }

    /// The first customer about whom Slack received more or fewer messages than the watcher recorded.
    fn disagreement(&self) -> Option<String> {
        let delivered = |id: &str| {
            let of = |alert: &&Alert| alert.contact.id == id;
            let mine = self.episodes.iter().filter(of);
            mine.map(|alert| self.delivered(alert, Event::Fired) + self.delivered(alert, Event::Resolved))
                .sum::<usize>()
        };
        let heard = |id: &str| {
            let names = |received: &&Received| received.status == 200 && received.body.contains(&format!("`{id}`"));
            self.slack.iter().filter(names).count()
        };
        self.episodes.iter().find(|alert| delivered(&alert.contact.id) != heard(&alert.contact.id)).map(|alert| {
            let id = &alert.contact.id;
            format!("{}: {} messages to Slack, which got {}", alert.contact.name(), delivered(id), heard(id))
        })
    }
}

#[cfg(test)]
mod tests;
