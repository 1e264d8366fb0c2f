//! Judges by the writes of the store when the state counts as unwritable, and when that is over.

use std::time::Duration;

use jiff::Timestamp;

use crate::store::Writes;

/// How long writes must keep failing to be a trouble; a single failure is not one.
const LASTS: Duration = Duration::from_secs(2);

const CALM: Duration = Duration::from_secs(10);

const MOST_CALM: Duration = Duration::from_mins(10);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WriteHealth {
    Fine,
    Doubtful,
    Began(Timestamp, String),
    Lasts,
    Ended,
}

#[derive(Clone, Debug)]
pub(crate) struct Judge {
    seen: (u64, u64),
    first: Option<(Timestamp, Duration)>,
    last: Duration,
    written_since: bool,
    told: bool,
    calm: Duration,
    ended: Option<Duration>,
}

impl Default for Judge {
    fn default() -> Self {
        Self {
            seen: (0, 0),
            first: None,
            last: Duration::ZERO,
            written_since: false,
            told: false,
            calm: CALM,
            ended: None,
        }
    }
}

impl Judge {
    pub(crate) fn look(&mut self, writes: &Writes, now: Timestamp, steady: Duration) -> WriteHealth {
        let (done, failed) = (writes.done > self.seen.0, writes.failed > self.seen.1);
        self.seen = (writes.done, writes.failed);
        if failed {
            self.first.get_or_insert((now, steady));
            (self.last, self.written_since) = (steady, false);
        } else if done {
            self.written_since = true;
        }
        let Some((since, first)) = self.first else { return WriteHealth::Fine };
        let quiet = steady.saturating_sub(self.last);
        if self.told {
            if !self.written_since || quiet < self.calm {
                return WriteHealth::Lasts;
            }
            (self.first, self.told, self.ended) = (None, false, Some(steady));
            return WriteHealth::Ended;
        }
        if failed && steady.saturating_sub(first) >= LASTS {
            let again = self.ended.is_some_and(|ended| steady.saturating_sub(ended) < MOST_CALM);
            self.calm = if again { self.calm.saturating_mul(2).min(MOST_CALM) } else { CALM };
            self.told = true;
            return WriteHealth::Began(since, writes.why.clone());
        }
        if self.written_since && quiet >= CALM {
            self.first = None;
            return WriteHealth::Fine;
        }
        WriteHealth::Doubtful
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    struct Bench {
        judge: Judge,
        writes: Writes,
        second: i64,
    }

    impl Bench {
        fn new() -> Self {
            Self { judge: Judge::default(), writes: Writes::default(), second: 0 }
        }

        fn at(second: i64) -> Timestamp {
            "2026-06-12T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
        }

        /// Looks two seconds later, after so many transactions were written and so many failed.
        fn look(&mut self, done: u64, failed: u64) -> WriteHealth {
            self.second += 2;
            self.writes.done += done;
            self.writes.failed += failed;
            "full".clone_into(&mut self.writes.why);
            let steady = Duration::from_secs(self.second.unsigned_abs());
            self.judge.look(&self.writes, Self::at(self.second), steady)
        }

        fn began(&self) -> WriteHealth {
            WriteHealth::Began(Self::at(self.second - 2), "full".to_owned())
        }
    }

    #[test]
    fn what_failed_once_is_no_trouble() {
        let mut bench = Bench::new();
        assert_eq!(
            [bench.look(5, 0), bench.look(0, 1), bench.look(1, 0)],
            [WriteHealth::Fine, WriteHealth::Doubtful, WriteHealth::Doubtful]
        );
        let rest: Vec<WriteHealth> = (0..5).map(|_| bench.look(1, 0)).collect();
        assert_eq!(rest.last(), Some(&WriteHealth::Fine), "{rest:?}");
    }

    #[test]
    fn what_lasts_is_told_once_and_its_end() {
        let mut bench = Bench::new();
        assert_eq!(bench.look(0, 1), WriteHealth::Doubtful);
        assert_eq!(bench.look(0, 1), bench.began());
        // Now and then a write that needs no room succeeds.
        for (done, failed) in [(0, 1), (1, 1), (1, 0), (0, 1), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0)] {
            assert_eq!(bench.look(done, failed), WriteHealth::Lasts);
        }
        assert_eq!(bench.look(1, 0), WriteHealth::Ended);
        assert_eq!(bench.look(1, 0), WriteHealth::Fine);
    }

    #[test]
    fn one_that_comes_again_and_again_is_no_storm() {
        let mut bench = Bench::new();
        let mut told = 0;
        // For an hour: half a minute in which writes fail, half a minute in which none does.
        for look in 0..1_800 {
            let failing = look / 15 % 2 == 0;
            told += u32::from(matches!(bench.look(1, u64::from(failing)), WriteHealth::Began(..)));
        }
        assert!(told <= 3, "told {told} times");
    }
}
