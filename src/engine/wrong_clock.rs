//! What becomes of stored times when the machine's clock turns out to have been wrong.
//!
//! What was due in some minutes stays due in some minutes, and nothing waits for a time that was written in error.

use jiff::{SignedDuration, Timestamp};

use crate::model::{StoredTime, TimeBound, TimeChange, TimeMove};

/// No message is put off for longer: an hour, which a receiver may ask for, and the jitter.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(75);

/// 2020-01-01: a clock that was ever set says at least this.
const EVER_SET: Timestamp = Timestamp::constant(1_577_836_800, 0);

/// The clock was set by `by`, to `now`, while the watcher ran. Times that were written since then are right already.
pub(crate) fn was_set(by: SignedDuration, now: Timestamp) -> Vec<TimeMove> {
    // After a step back every stored time is of the old clock. After a step forward, those before `now` are.
    let only = if by.is_negative() { TimeBound::After(Timestamp::MIN) } else { TimeBound::Before(now) };
    let planned = [
        StoredTime::ReceiverPause,
        StoredTime::ReceiverFailing,
        StoredTime::NextAttempt,
        StoredTime::OpenMessage,
        StoredTime::OwedTried,
    ];
    let mut moves: Vec<TimeMove> =
        planned.into_iter().map(|time| TimeMove { time, change: TimeChange::By(by), only }).collect();
    if by.is_negative() {
        // A silence ends by the wall clock, unless that clock was wrong when the silence was made.
        let only = TimeBound::After(now);
        moves.push(TimeMove { time: StoredTime::Silence, change: TimeChange::By(by), only });
    }
    moves.extend(nothing_begins_after(now));
    moves
}

/// A run begins at `now`, and the newest stored time is `newest`. If the clock was ahead when that was stored, and was
/// set right while nobody ran, pauses keep their length and nothing waits for that future time.
pub(crate) fn at_start(newest: Option<Timestamp>, now: Timestamp) -> Vec<TimeMove> {
    let mut moves = Vec::new();
    if let Some(newest) = newest.filter(|newest| *newest > now) {
        let (change, only) = (TimeChange::By(now.duration_since(newest)), TimeBound::After(now));
        moves.extend([StoredTime::ReceiverPause, StoredTime::NextAttempt].map(|time| TimeMove { time, change, only }));
    }
    // The age of what was written by a clock that had never been set is not known.
    let (change, only) = (TimeChange::To(now), TimeBound::Before(EVER_SET.min(now)));
    moves.extend([StoredTime::OpenMessage, StoredTime::OwedTried].map(|time| TimeMove { time, change, only }));
    moves.extend(nothing_begins_after(now));
    let (change, latest) = (TimeChange::To(now), now.checked_add(LONGEST_PAUSE).unwrap_or(Timestamp::MAX));
    let only = TimeBound::After(latest);
    moves.extend([StoredTime::NextAttempt, StoredTime::ReceiverPause].map(|time| TimeMove { time, change, only }));
    moves
}

/// What has begun, began at `now` at the latest.
fn nothing_begins_after(now: Timestamp) -> [TimeMove; 6] {
    [
        StoredTime::Silence,
        StoredTime::ReceiverFailing,
        StoredTime::ReceiverBroken,
        StoredTime::Message,
        StoredTime::MessageClosed,
        StoredTime::Tried,
    ]
    .map(|time| TimeMove { time, change: TimeChange::To(now), only: TimeBound::After(now) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        "2026-06-12T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
    }

    /// Where a stored time is after all moves.
    fn moved(moves: &[TimeMove], kind: StoredTime, time: Timestamp) -> Timestamp {
        moves.iter().filter(|one| one.time == kind).fold(time, |time, one| {
            let is_within = match one.only {
                TimeBound::Before(limit) => time < limit,
                TimeBound::After(limit) => time > limit,
            };
            match one.change {
                TimeChange::By(by) if is_within => time + by,
                TimeChange::To(to) if is_within => to,
                _ => time,
            }
        })
    }

    #[test]
    fn what_is_planned_moves_with_the_clock() {
        use StoredTime::{NextAttempt, ReceiverFailing, Silence};
        for (by, kind, before, after) in [
            // An hour back, to noon: what was due in five minutes still is.
            (-3_600, NextAttempt, 3_900, 300),
            (-3_600, ReceiverFailing, 3_540, -60),
            // A silence that was made by the wrong clock; one that was made before.
            (-3_600, Silence, 3_590, -10),
            (-3_600, Silence, -7_200, -7_200),
            // An hour on: what was planned before moves, what has been planned since then does not.
            (3_600, NextAttempt, -3_300, 300),
            (3_600, NextAttempt, 300, 300),
            (3_600, Silence, -3_600, -3_600),
        ] {
            let moves = was_set(SignedDuration::from_secs(by), at(0));
            assert_eq!(moved(&moves, kind, at(before)), at(after), "{by} {kind:?} {before}");
        }
    }

    #[test]
    fn at_a_start_nothing_waits_for_a_time_that_was_written_in_error() {
        use StoredTime::{NextAttempt, OpenMessage, ReceiverPause, Tried};
        let day = 86_400;
        for (newest, kind, before, after) in [
            // The clock is right.
            (Some(-60), NextAttempt, 240, 240),
            (None, ReceiverPause, 3_600, 3_600),
            // It was a day ahead.
            (Some(day), NextAttempt, day + 300, 300),
            (Some(day), ReceiverPause, day + 120, 120),
            (Some(day), Tried, day, 0),
            // A pause that nobody can have asked for.
            (None, NextAttempt, 4_501, 0),
            (None, NextAttempt, 4_500, 4_500),
            (None, ReceiverPause, 4_501, 0),
        ] {
            let moves = at_start(newest.map(at), at(0));
            assert_eq!(moved(&moves, kind, at(before)), at(after), "{newest:?} {kind:?} {before}");
        }
        assert_eq!(moved(&at_start(None, at(0)), OpenMessage, Timestamp::UNIX_EPOCH), at(0));
        // A machine that still has not been set makes nothing older.
        let early = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(60);
        assert_eq!(moved(&at_start(None, early), OpenMessage, Timestamp::UNIX_EPOCH), early);
    }
}
