//! What becomes of a message after an attempt. Pure: the time and the jitter are arguments.

use jiff::{SignedDuration, Timestamp};

use crate::model::{Blame, Message, MessageId, Outcome, ReceiverState, alert::short_hash};

/// The wait after the first failure.
const FIRST: SignedDuration = SignedDuration::from_secs(1);
/// The longest wait that we choose ourselves, before the jitter.
const LONGEST: SignedDuration = SignedDuration::from_mins(5);
/// The largest shift of a wait, so that messages that failed together are not retried together.
const JITTER: f64 = 0.2;

/// Time of failures after which a receiver is broken.
pub(crate) const BROKEN_AFTER: SignedDuration = SignedDuration::from_mins(5);
/// Time between two attempts at a broken receiver, before the jitter.
const PROBE_EVERY: SignedDuration = SignedDuration::from_mins(2);

/// What to do with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Done,
    Again {
        /// The earliest time.
        at: Timestamp,
    },
    /// Try it again as plain built-in text.
    AgainPlain {
        /// The earliest time.
        at: Timestamp,
    },
    /// Give it up: its notifications go to the fallback.
    Dead {
        /// A text for operators, without secrets or customers' text.
        reason: String,
    },
}

/// Decides after an attempt at `message` that ended as `outcome` at `now`.
///
/// `message.attempts` counts this attempt too. `jitter` is between -1 and 1, drawn by the caller. What a broken receiver
/// does not accept for too long is given up by the delivery round.
pub fn decide(
    message: &Message,
    outcome: &Outcome,
    now: Timestamp,
    give_up_after: SignedDuration,
    jitter: f64,
) -> Decision {
    let too_old = now.duration_since(message.created_at) >= give_up_after;
    match outcome {
        Outcome::Delivered => Decision::Done,
        Outcome::Retry { reason, .. } | Outcome::Rejected { reason, fault: Blame::Receiver } if too_old => {
            Decision::Dead { reason: format!("given up after {} attempts: {reason}", message.attempts.max(1)) }
        }
        // It is sent once more at most: a receiver that always answers like that would be notified again and again.
        Outcome::Unclear { reason } if too_old || message.ambiguous => {
            Decision::Dead { reason: format!("sent twice, and it is not known whether it arrived: {reason}") }
        }
        Outcome::Unclear { .. } => {
            Decision::Again { at: now.checked_add(backoff(message.attempts, jitter)).unwrap_or(Timestamp::MAX) }
        }
        Outcome::Retry { after, .. } => {
            let wait = backoff(message.attempts, jitter).max(after.unwrap_or_default());
            // The latest possible time stands for never, and is not earlier than asked.
            Decision::Again { at: now.checked_add(wait).unwrap_or(Timestamp::MAX) }
        }
        // Even an old message gets this chance: the receiver works, and the chance comes only once.
        Outcome::Rejected { fault: Blame::Payload, .. } if !message.plain => Decision::AgainPlain { at: now },
        Outcome::Rejected { reason, fault: Blame::Payload } => Decision::Dead { reason: reason.clone() },
        // The receiver must be repaired; then it accepts this message.
        Outcome::Rejected { fault: Blame::Receiver, .. } => Decision::Again { at: probe_at(now, jitter) },
    }
}

/// Which recipients of a mail have got it while others are still to be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartialDelivery {
    /// None, as far as is known.
    Nobody,
    /// Some, before this attempt: the result is about the others.
    SomeBefore,
    /// Some in this attempt, so the relay accepts mails.
    SomeNow,
}

/// The state of a receiver after an attempt; `before` is its state before it.
pub(crate) fn reception(
    before: &ReceiverState,
    outcome: &Outcome,
    got: PartialDelivery,
    now: Timestamp,
    jitter: f64,
) -> ReceiverState {
    let broken = |since: Timestamp, reason: &str| ReceiverState {
        failing_since: Some(since),
        broken_at: before.broken_at.or(Some(now)),
        not_before: Some(probe_at(now, jitter)),
        last_error: reason.to_owned(),
    };
    let since = before.failing_since.unwrap_or(now);
    match outcome {
        Outcome::Delivered => ReceiverState::default(),
        // The receiver works; it refuses only this message.
        Outcome::Rejected { fault: Blame::Payload, .. } => before.clone(),
        Outcome::Rejected { reason, fault: Blame::Receiver } => broken(since, reason),
        Outcome::Retry { .. } if got == PartialDelivery::SomeNow => ReceiverState::default(),
        Outcome::Retry { .. } if got == PartialDelivery::SomeBefore && !before.is_broken() => before.clone(),
        Outcome::Retry { reason, .. } | Outcome::Unclear { reason } => {
            let after = if let Outcome::Retry { after, .. } = outcome { *after } else { None };
            let asked = after.and_then(|after| now.checked_add(after).ok());
            if before.is_broken() || now.duration_since(since) >= BROKEN_AFTER {
                let broken = broken(since, reason);
                return ReceiverState { not_before: broken.not_before.max(asked), ..broken };
            }
            ReceiverState { failing_since: Some(since), broken_at: None, not_before: asked, last_error: reason.clone() }
        }
    }
}

/// When a failing receiver becomes broken by time alone, because its next attempt may be far off. Needs a message that
/// waits and has been tried; without one nothing is known.
pub(crate) fn breaks_at<'a>(
    reception: &ReceiverState,
    messages: impl Iterator<Item = &'a Message>,
) -> Option<Timestamp> {
    if reception.is_broken() {
        return None;
    }
    let oldest = messages.filter(|message| message.attempts > 0).map(|message| message.created_at).min()?;
    reception.failing_since?.max(oldest).checked_add(BROKEN_AFTER).ok()
}

/// A number from -1 to 1 that differs by message and attempt.
pub(crate) fn jitter(message: &MessageId, attempt: u32) -> f64 {
    let hash = short_hash(&format!("{message} {attempt}"));
    u32::from_str_radix(&hash[..8], 16).map_or(0.0, |number| f64::from(number) / f64::from(u32::MAX) * 2.0 - 1.0)
}

fn probe_at(now: Timestamp, jitter: f64) -> Timestamp {
    now.checked_add(jittered(PROBE_EVERY, jitter)).unwrap_or(Timestamp::MAX)
}

/// The wait that we choose ourselves after so many attempts.
fn backoff(attempts: u32, jitter: f64) -> SignedDuration {
    let doublings = attempts.saturating_sub(1).min(16);
    jittered((FIRST * (1 << doublings)).min(LONGEST), jitter)
}

fn jittered(wait: SignedDuration, jitter: f64) -> SignedDuration {
    let jitter = if jitter.is_nan() { 0.0 } else { jitter.clamp(-1.0, 1.0) };
    SignedDuration::try_from_secs_f64(wait.as_secs_f64() * (1.0 + JITTER * jitter)).unwrap_or(wait)
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use proptest::{prop_assert, proptest};

    use super::{Decision, PartialDelivery, backoff, breaks_at, decide, reception};
    use crate::model::{Blame, Message, MessageId, Outcome, ReceiverState};

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

    #[test]
    fn a_receiver_breaks_by_time_alone() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let failing = |since| ReceiverState { failing_since: Some(at(since)), ..ReceiverState::default() };
        let broken = ReceiverState { broken_at: Some(at(0)), ..failing(0) };
        let tried = |attempts, created_at| Message { created_at: at(created_at), ..message(attempts, false) };
        for (reception, messages, right) in [
            (failing(60), vec![tried(1, 10)], Some(360)),
            // Old failures of messages that are gone prove nothing about new messages.
            (failing(60), vec![tried(0, 70), tried(1, 1_000), tried(2, 2_000)], Some(1_300)),
            (failing(60), vec![tried(0, 70)], None),
            (failing(60), vec![], None),
            (broken, vec![tried(1, 10)], None),
            (ReceiverState::default(), vec![tried(1, 10)], None),
        ] {
            assert_eq!(breaks_at(&reception, messages.iter()), right.map(at), "{reception:?} {messages:?}");
        }
    }

    fn retry(after: Option<i64>) -> Outcome {
        Outcome::Retry { after: after.map(SignedDuration::from_secs), reason: "503".to_owned(), ambiguous: false }
    }

    fn unclear() -> Outcome {
        Outcome::Unclear { reason: "HTTP 200".to_owned() }
    }

    #[test]
    fn an_unclear_answer_is_repeated_once() {
        let again = Message { ambiguous: true, ..message(2, false) };
        let right = dead("sent twice, and it is not known whether it arrived: HTTP 200");
        assert_eq!(decide(&again, &unclear(), at(9), DAY, 0.0), right);
        let failing = reception(&ReceiverState::default(), &unclear(), PartialDelivery::Nobody, at(9), 0.0);
        assert_eq!((failing.failing_since, failing.broken_at, failing.not_before), (Some(at(9)), None, None));
    }

    fn rejected(fault: Blame) -> Outcome {
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
            (1, false, rejected(Blame::Payload), 5, Decision::AgainPlain { at: at(5) }),
            (1, false, rejected(Blame::Payload), 25 * HOUR, Decision::AgainPlain { at: at(25 * HOUR) }),
            (2, true, rejected(Blame::Payload), 5, dead("no")),
            (1, false, rejected(Blame::Receiver), 5, Decision::Again { at: at(125) }),
            (1, true, rejected(Blame::Receiver), 5, Decision::Again { at: at(125) }),
            (7, false, rejected(Blame::Receiver), 24 * HOUR, dead("given up after 7 attempts: no")),
            (1, false, unclear(), 5, Decision::Again { at: at(6) }),
        ] {
            let got = decide(&message(attempts, plain), &outcome, at(now), DAY, 0.0);
            assert_eq!(got, decision, "{attempts} attempts, plain {plain}, {outcome:?} at {now}");
        }
    }

    #[test]
    fn a_receiver_by_table() {
        let fine = ReceiverState::default();
        let failing = |since, not_before: Option<i64>| ReceiverState {
            failing_since: Some(at(since)),
            broken_at: None,
            not_before: not_before.map(at),
            last_error: "503".to_owned(),
        };
        let broken = |since, broken_at, not_before, why: &str| ReceiverState {
            failing_since: Some(at(since)),
            broken_at: Some(at(broken_at)),
            not_before: Some(at(not_before)),
            last_error: why.to_owned(),
        };
        for (before, outcome, now, after) in [
            (fine.clone(), Outcome::Delivered, 9, fine.clone()),
            (fine.clone(), retry(None), 9, failing(9, None)),
            (fine.clone(), retry(Some(30)), 9, failing(9, Some(39))),
            (fine.clone(), rejected(Blame::Payload), 9, fine.clone()),
            (fine.clone(), rejected(Blame::Receiver), 9, broken(9, 9, 129, "no")),
            (failing(9, Some(39)), retry(None), 308, failing(9, None)),
            (failing(9, None), retry(None), 309, broken(9, 309, 429, "503")),
            (failing(9, None), retry(Some(600)), 309, broken(9, 309, 909, "503")),
            (failing(9, None), rejected(Blame::Payload), 309, failing(9, None)),
            (failing(9, None), Outcome::Delivered, 309, fine.clone()),
            (broken(9, 309, 429, "503"), retry(None), 430, broken(9, 309, 550, "503")),
            (broken(9, 309, 429, "503"), rejected(Blame::Receiver), 430, broken(9, 309, 550, "no")),
            (broken(9, 309, 429, "503"), Outcome::Delivered, 430, fine),
        ] {
            assert_eq!(
                reception(&before, &outcome, PartialDelivery::Nobody, at(now), 0.0),
                after,
                "{before:?} {outcome:?} at {now}"
            );
        }
        // One of several recipients got the mail, so the relay does not fail.
        let greylisted = |before: &ReceiverState, got| reception(before, &retry(None), got, at(900), 0.0);
        assert_eq!(greylisted(&failing(9, None), PartialDelivery::SomeNow), ReceiverState::default());
        // A recipient whose mailbox is full for good does not make the relay broken, and does not repair it either.
        assert_eq!(greylisted(&ReceiverState::default(), PartialDelivery::SomeBefore), ReceiverState::default());
        assert_eq!(greylisted(&failing(9, None), PartialDelivery::SomeBefore), failing(9, None));
        let probe = greylisted(&broken(9, 309, 429, "503"), PartialDelivery::SomeBefore);
        assert_eq!(probe, broken(9, 309, 1_020, "503"));
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
