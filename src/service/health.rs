//! Whether the loops turn and the inboxes are read, for health checks and the heartbeat.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use crate::model::time::{elapsed, human};

/// After this time, by the steady clock, a loop that has not turned counts as stuck. An attempt to deliver takes less,
/// and rules are judged every second even while a walk waits.
const STANDS_STILL: Duration = Duration::from_mins(5);

const DELIVERY_STANDS_STILL: Duration = Duration::from_mins(15);

const RECENT: SignedDuration = SignedDuration::from_mins(5);

#[derive(Clone, Copy, Debug)]
struct InboxHealth {
    poll_every: SignedDuration,
    turned_at: Duration,
    /// The last complete poll, by the wall clock and by the steady clock: the wall clock may be set, and the steady
    /// clock stops while the machine sleeps.
    complete_at: Option<(Timestamp, Duration)>,
    /// Whether the last poll was complete.
    is_complete: bool,
}

/// What the loops report of themselves.
#[derive(Debug)]
pub struct Health {
    inboxes: Mutex<BTreeMap<String, InboxHealth>>,
    receivers: Mutex<BTreeMap<String, Duration>>,
}

impl Health {
    /// Starts with these inboxes, with the pause between their polls, and these receivers, at this time of the steady
    /// clock.
    pub fn new(inboxes: &[(String, SignedDuration)], receivers: &[String], steady: Duration) -> Self {
        let inboxes = inboxes.iter().map(|(name, poll_every)| {
            let health =
                InboxHealth { poll_every: *poll_every, turned_at: steady, complete_at: None, is_complete: false };
            (name.clone(), health)
        });
        Self {
            inboxes: Mutex::new(inboxes.collect()),
            receivers: Mutex::new(receivers.iter().map(|name| (name.clone(), steady)).collect()),
        }
    }

    /// Notes that the loop of an inbox has turned.
    pub fn inbox_turned(&self, inbox: &str, steady: Duration) {
        let mut inboxes = self.inboxes.lock();
        if let Some(health) = inboxes.get_mut(inbox) {
            health.turned_at = steady;
        }
    }

    /// Notes that a poll has ended; `complete`: everything that it walked was read and understood.
    pub fn polled(&self, inbox: &str, complete: bool, now: Timestamp, steady: Duration) {
        let mut inboxes = self.inboxes.lock();
        if let Some(health) = inboxes.get_mut(inbox) {
            health.is_complete = complete;
            if complete {
                health.complete_at = Some((now, steady));
            }
        }
    }

    /// Notes that the loop of a receiver has turned.
    pub fn receiver_turned(&self, receiver: &str, steady: Duration) {
        let mut receivers = self.receivers.lock();
        receivers.insert(receiver.to_owned(), steady);
    }

    /// Whether the last poll of every inbox was complete.
    pub fn all_complete(&self) -> bool {
        let inboxes = self.inboxes.lock();
        inboxes.values().all(|health| health.is_complete)
    }

    /// Loops that are stuck, in an operator's words; empty: the program is alive.
    pub fn standing_still(&self, steady: Duration) -> Vec<String> {
        let late = |turned_at: &Duration, most: Duration| steady.saturating_sub(*turned_at) >= most;
        let words = |what: &str, name: &str, turned_at: Duration| {
            let since = SignedDuration::try_from(steady.saturating_sub(turned_at)).unwrap_or_default();
            format!("the loop of {what} {name} has not turned for {}", human(since))
        };
        let inboxes = self.inboxes.lock();
        let receivers = self.receivers.lock();
        let inboxes = inboxes
            .iter()
            .filter(|(_, health)| late(&health.turned_at, STANDS_STILL))
            .map(|(name, health)| words("inbox", name, health.turned_at));
        let receivers = receivers
            .iter()
            .filter(|(_, turned_at)| late(turned_at, DELIVERY_STANDS_STILL))
            .map(|(name, turned_at)| words("receiver", name, *turned_at));
        inboxes.chain(receivers).collect()
    }

    /// Inboxes whose last complete poll is not recent, in an operator's words; empty: all inboxes are read.
    pub fn not_ready(&self, now: Timestamp, steady: Duration) -> Vec<String> {
        let since = |(at, steady_at): (Timestamp, Duration)| {
            elapsed(at, now).max(SignedDuration::try_from(steady.saturating_sub(steady_at)).unwrap_or_default())
        };
        let inboxes = self.inboxes.lock();
        let words = |(name, health): (&String, &InboxHealth)| match health.complete_at {
            None => Some(format!("inbox {name} has not been read completely yet")),
            Some(at) if since(at) > RECENT.max(health.poll_every.saturating_mul(3)) => {
                Some(format!("inbox {name} was last read completely {} ago", human(since(at))))
            }
            Some(_) => None,
        };
        inboxes.iter().filter_map(words).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        "2026-06-12T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
    }

    fn steady(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn health() -> Health {
        let every = SignedDuration::from_secs(15);
        let inboxes = [("main".to_owned(), every), ("second".to_owned(), SignedDuration::from_mins(10))];
        Health::new(&inboxes, &["support".to_owned()], Duration::ZERO)
    }

    #[test]
    fn a_loop_that_does_not_turn_stands_still() {
        let (health, after) = (health(), Duration::from_secs);
        assert_eq!(health.standing_still(after(299)), Vec::<String>::new());
        assert_eq!(health.standing_still(after(300)).len(), 2);
        health.inbox_turned("main", after(800));
        health.inbox_turned("second", after(800));
        assert_eq!(health.standing_still(after(899)), Vec::<String>::new());
        assert_eq!(health.standing_still(after(900)), ["the loop of receiver support has not turned for 15 min"]);
        health.receiver_turned("support", after(900));
        assert_eq!(health.standing_still(after(1_099)), Vec::<String>::new());
    }

    #[test]
    fn ready_is_who_has_read_every_inbox_lately() {
        let health = health();
        let unread = |name: &str| format!("inbox {name} has not been read completely yet");
        assert_eq!(health.not_ready(at(0), steady(0)), [unread("main"), unread("second")]);
        health.polled("main", true, at(10), steady(10));
        health.polled("second", false, at(10), steady(10));
        assert_eq!((health.not_ready(at(10), steady(10)), health.all_complete()), (vec![unread("second")], false));
        health.polled("second", true, at(20), steady(20));
        assert_eq!((health.not_ready(at(310), steady(310)), health.all_complete()), (vec![], true));
        // After a failed poll the last complete one counts; an inbox that is polled seldom has a longer limit.
        health.polled("main", false, at(300), steady(300));
        assert_eq!(health.not_ready(at(311), steady(311)), ["inbox main was last read completely 5 min ago"]);
        assert!(!health.all_complete());
        assert_eq!(health.not_ready(at(20 + 1_801), steady(20 + 1_801)).len(), 2);
    }

    #[test]
    fn a_clock_that_is_set_makes_nobody_ready_for_hours() {
        let (health, hours) = (health(), |hours: i64| at(hours * 3_600));
        health.polled("main", true, hours(2), steady(0));
        health.polled("second", true, hours(2), steady(0));
        // Set back by two hours, six minutes later by the steady clock.
        assert_eq!(health.not_ready(at(360), steady(360)), ["inbox main was last read completely 6 min ago"]);
        // The machine has slept: the steady clock has not advanced.
        assert_eq!(health.not_ready(hours(10), steady(1)).len(), 2);
    }
}
