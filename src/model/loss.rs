//! A state that vanished, was replaced, or turned out to be older than what is known of it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::time::{elapsed, human, iso};

/// Time for which a state that was written back is still reported, so that repeated deletion is one problem.
const WRITTEN_BACK_LASTS: SignedDuration = SignedDuration::from_mins(1);

/// Time for which a state with missing parts is reported.
const MISSING_LASTS: SignedDuration = SignedDuration::from_mins(10);

/// What was found where the state should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// Nothing, or the files beside it are missing, while a watcher ran.
    Deleted,
    /// Something that is not a state, or another state, while a watcher ran.
    Replaced,
    /// An older copy, while a watcher ran.
    OlderWhileRunning,
    /// An older copy, at a start.
    Older,
    /// Nothing, at a start.
    Gone,
    /// Another state, at a start.
    Other,
}

/// How a state was lost, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    pub found: Found,
    pub found_at: Timestamp,
    /// The last change of the copy.
    pub copy_at: Option<Timestamp>,
    /// The last change that was known.
    pub newest_at: Option<Timestamp>,
    /// The name under which what was found is kept.
    pub kept: Option<String>,
    /// Whether the history could not be saved.
    #[serde(default)]
    pub without_history: bool,
    /// When it was reported. Nothing else is sent before that.
    pub told_at: Option<Timestamp>,
}

impl Loss {
    /// A loss that was found at `found_at`, and is not reported yet.
    pub fn new(found: Found, found_at: Timestamp) -> Self {
        Self { found, found_at, copy_at: None, newest_at: None, kept: None, without_history: false, told_at: None }
    }

    /// Whether everything that was known is known again.
    pub fn is_written_back(&self) -> bool {
        matches!(self.found, Found::Deleted | Found::Replaced | Found::OlderWhileRunning)
    }

    /// Whether it still counts as a trouble: until it was reported, and for a while after it was found.
    pub fn lasts(&self, now: Timestamp) -> bool {
        let most = if self.is_written_back() { WRITTEN_BACK_LASTS } else { MISSING_LASTS };
        self.told_at.is_none() || elapsed(self.found_at, now) < most
    }

    /// By how much the copy is older, if that is known.
    pub fn older_by(&self) -> Option<SignedDuration> {
        Some(elapsed(self.copy_at?, self.newest_at?))
    }

    /// What happened, what happens now, what to do: for operators.
    pub fn message(&self) -> String {
        let kept = self.kept.as_ref().map(|name| format!(" (kept as `{name}`)")).unwrap_or_default();
        let time = |at: Option<Timestamp>| at.map_or("an unknown time".to_owned(), iso);
        let by = self.older_by().map_or("older".to_owned(), |by| format!("{} older", human(by)));
        let history = if self.without_history { " The history is lost." } else { "" };
        let told_again = "What was sent since then is not known any more: who still waits is told, perhaps again";
        match self.found {
            Found::Deleted => format!(
                "it was deleted while pengwatch ran, and was written back from what pengwatch knows: nobody is told \
                 twice.{history} Find out what deletes it"
            ),
            Found::Replaced => format!(
                "it was replaced by something else{kept} while pengwatch ran, and was written back from what pengwatch \
                 knows: nobody is told twice.{history} To use another state, stop pengwatch first"
            ),
            Found::OlderWhileRunning => format!(
                "it was replaced by a copy that is {by} (last change {}){kept} while pengwatch ran. The newer state was \
                 written back: nobody is told twice.{history} To go back to a copy, stop pengwatch first",
                time(self.copy_at),
            ),
            Found::Older => format!(
                "it is a copy that is {by} than the newest one here (last change {}, the newest {}). {told_again}",
                time(self.copy_at),
                time(self.newest_at),
            ),
            Found::Gone => {
                format!("it was not there at the start (last change known {}). {told_again}", time(self.newest_at))
            }
            Found::Other => format!(
                "it is another state than the one that was here (last change {}). {told_again}",
                time(self.newest_at),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        "2026-06-12T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn it_says_what_happened_and_by_how_much() {
        let older = Loss { copy_at: Some(at(-7_200)), newest_at: Some(at(0)), ..Loss::new(Found::Older, at(60)) };
        assert_eq!(
            older.message(),
            "it is a copy that is 2 h older than the newest one here (last change 2026-06-12T10:00:00.000Z, the newest \
             2026-06-12T12:00:00.000Z). What was sent since then is not known any more: who still waits is told, \
             perhaps again"
        );
        let running = Loss { found: Found::OlderWhileRunning, kept: Some("x.db".to_owned()), ..older };
        assert_eq!(
            running.message(),
            "it was replaced by a copy that is 2 h older (last change 2026-06-12T10:00:00.000Z) (kept as `x.db`) while \
             pengwatch ran. The newer state was written back: nobody is told twice. To go back to a copy, stop \
             pengwatch first"
        );
    }

    #[test]
    fn it_lasts_until_it_was_told_and_for_a_while_after() {
        for (found, lasts) in [(Found::Deleted, 60), (Found::Replaced, 60), (Found::Older, 600), (Found::Gone, 600)] {
            let loss = Loss::new(found, at(0));
            assert!(loss.lasts(at(100_000)));
            let told = Loss { told_at: Some(at(1)), ..loss };
            assert!(told.lasts(at(lasts - 1)) && !told.lasts(at(lasts)), "{found:?}");
        }
    }
}
