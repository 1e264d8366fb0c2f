//! What becomes of a message after an attempt. Pure: the time and the dice are arguments.

use jiff::{SignedDuration, Timestamp};

use crate::model::{Fault, Message, Outcome};

/// The wait after the first failure.
const FIRST: SignedDuration = SignedDuration::from_secs(1);
/// The longest wait of our own choice, before the jitter.
const LONGEST: SignedDuration = SignedDuration::from_mins(5);
/// How far a wait is moved at most, so that messages that failed together don't come back together.
const JITTER: f64 = 0.2;

/// What to do with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It was delivered.
    Done,
    /// Try it again.
    Again {
        /// Not before.
        at: Timestamp,
    },
    /// Try it again as plain built-in text.
    AgainPlain {
        /// Not before.
        at: Timestamp,
    },
    /// Give it up: its notifications go to the fallback.
    Dead {
        /// For operators: no secret, no customer's text.
        reason: String,
    },
}

/// Decides after an attempt at `message` that ended as `outcome` at `now`.
///
/// `message.attempts` counts this attempt too. `jitter` is between -1 and 1, drawn by the caller.
pub fn decide(
    message: &Message,
    outcome: &Outcome,
    now: Timestamp,
    give_up_after: SignedDuration,
    jitter: f64,
) -> Decision {
    match outcome {
        Outcome::Delivered => Decision::Done,
        Outcome::Retry { reason, .. } if now.duration_since(message.created_at) >= give_up_after => {
            Decision::Dead { reason: format!("given up after {} attempts: {reason}", message.attempts.max(1)) }
        }
        Outcome::Retry { after, .. } => {
            let wait = backoff(message.attempts, jitter).max(after.unwrap_or_default());
            // The end of time is as good as never, and never earlier than asked.
            Decision::Again { at: now.checked_add(wait).unwrap_or(Timestamp::MAX) }
        }
        // Even an old message gets this chance: the receiver is there, and it comes only once.
        Outcome::Rejected { fault: Fault::Payload, .. } if !message.plain => Decision::AgainPlain { at: now },
        Outcome::Rejected { reason, .. } => Decision::Dead { reason: reason.clone() },
    }
}

/// The wait of our own choice after so many attempts.
fn backoff(attempts: u32, jitter: f64) -> SignedDuration {
    let doublings = attempts.saturating_sub(1).min(16);
    let wait = (FIRST * (1 << doublings)).min(LONGEST);
    let jitter = if jitter.is_nan() { 0.0 } else { jitter.clamp(-1.0, 1.0) };
    SignedDuration::try_from_secs_f64(wait.as_secs_f64() * (1.0 + JITTER * jitter)).unwrap_or(wait)
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use proptest::{prop_assert, proptest};

    use super::{Decision, backoff, decide};
    use crate::model::{Fault, Message, MessageId, Outcome};

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn message(attempts: u32, plain: bool) -> Message {
        Message {
            id: MessageId("m1".to_owned()),
            receiver: "support".to_owned(),
            created_at: Timestamp::UNIX_EPOCH,
            attempts,
            next_at: Timestamp::UNIX_EPOCH,
            ambiguous: false,
            plain,
            last_error: String::new(),
        }
    }

    fn retry(after: Option<i64>) -> Outcome {
        Outcome::Retry { after: after.map(SignedDuration::from_secs), reason: "503".to_owned(), ambiguous: false }
    }

    fn rejected(fault: Fault) -> Outcome {
        Outcome::Rejected { reason: "no".to_owned(), fault }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn dead(reason: &str) -> Decision {
        Decision::Dead { reason: reason.to_owned() }
    }

    #[test]
    fn by_table() {
        const HOUR: i64 = 3_600;
        for (attempts, plain, outcome, now, decision) in [
            (1, false, Outcome::Delivered, 5, Decision::Done),
            (9, true, Outcome::Delivered, 99 * HOUR, Decision::Done),
            (0, false, retry(None), 5, Decision::Again { at: at(6) }),
            (1, false, retry(None), 5, Decision::Again { at: at(6) }),
            (2, false, retry(None), 5, Decision::Again { at: at(7) }),
            (3, true, retry(None), 5, Decision::Again { at: at(9) }),
            (9, false, retry(None), 5, Decision::Again { at: at(261) }),
            (10, false, retry(None), 5, Decision::Again { at: at(305) }),
            (u32::MAX, false, retry(None), 5, Decision::Again { at: at(305) }),
            (1, false, retry(Some(30)), 5, Decision::Again { at: at(35) }),
            (1, false, retry(Some(-30)), 5, Decision::Again { at: at(6) }),
            (10, false, retry(Some(30)), 5, Decision::Again { at: at(305) }),
            (1, false, retry(Some(i64::MAX)), 5, Decision::Again { at: Timestamp::MAX }),
            (1, false, retry(Some(2 * HOUR)), 24 * HOUR - 1, Decision::Again { at: at(26 * HOUR - 1) }),
            (7, false, retry(None), 24 * HOUR, dead("given up after 7 attempts: 503")),
            (7, false, retry(Some(9)), 25 * HOUR, dead("given up after 7 attempts: 503")),
            (1, false, rejected(Fault::Payload), 5, Decision::AgainPlain { at: at(5) }),
            (1, false, rejected(Fault::Payload), 25 * HOUR, Decision::AgainPlain { at: at(25 * HOUR) }),
            (2, true, rejected(Fault::Payload), 5, dead("no")),
            (1, false, rejected(Fault::Receiver), 5, dead("no")),
            (1, true, rejected(Fault::Receiver), 5, dead("no")),
        ] {
            let got = decide(&message(attempts, plain), &outcome, at(now), DAY, 0.0);
            assert_eq!(got, decision, "{attempts} attempts, plain {plain}, {outcome:?} at {now}");
        }
    }

    #[test]
    fn jitter_moves_a_wait_by_a_fifth() {
        for (jitter, millis) in [(0.0, 4_000), (1.0, 4_800), (-1.0, 3_200), (9.0, 4_800), (f64::NAN, 4_000)] {
            assert_eq!(backoff(3, jitter).as_millis(), millis, "{jitter}");
        }
    }

    proptest! {
        #[test]
        fn never_earlier_than_asked(attempts: u32, after in 0..1_000_000_i64, now in 0..80_000_i64, jitter in -1.0..1.0) {
            let decision = decide(&message(attempts, false), &retry(Some(after)), at(now), DAY, jitter);
            let Decision::Again { at: again } = decision else { panic!("{decision:?}") };
            prop_assert!(again >= at(now + after));
        }

        #[test]
        fn waits_are_bounded(attempts: u32, jitter: f64) {
            let wait = backoff(attempts, jitter);
            prop_assert!(wait >= SignedDuration::from_millis(800) && wait <= SignedDuration::from_secs(360));
        }

        #[test]
        fn waits_grow_without_jitter(attempts in 0..u32::MAX) {
            prop_assert!(backoff(attempts, 0.0) <= backoff(attempts + 1, 0.0));
        }
    }
}
