//! Remembers outside of the state that receivers were notified that it cannot be written.
//!
//! The file lies beside the state, where that works, else in the folder for temporary files.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::PathBuf,
    time::SystemTime,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::{StateLocation, alert::short_hash, state_location::sibling_path, time::elapsed};

/// The size limit of the file, in bytes.
const LONGEST: u64 = 64 * 1024;

const NEW: SignedDuration = SignedDuration::from_mins(2);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    /// The time since which the state cannot be written.
    pub since: Timestamp,
    pub told: Vec<String>,
}

/// The places of the file for one state.
#[derive(Clone, Debug)]
pub(crate) struct Marker {
    places: Vec<PathBuf>,
    /// The state, where it is a file.
    file: Option<PathBuf>,
}

impl Marker {
    /// The marker of this state.
    pub(crate) fn of(state: &StateLocation) -> Self {
        let file = state.file().map(|path| path.canonicalize().unwrap_or_else(|_| path.to_owned()));
        let name = file.as_ref().map_or_else(|| state.to_string(), |file| file.to_string_lossy().into_owned());
        let temporary = std::env::temp_dir().join(format!("pengwatch-{}.unwritable", short_hash(&name)));
        let beside = file.as_deref().map(|file| sibling_path(file, ".unwritable"));
        Self { places: beside.into_iter().chain([temporary]).collect(), file }
    }

    pub(crate) fn read(&self) -> Option<Remembered> {
        let read = |place: &PathBuf| {
            // In a folder where everybody may write, somebody may have put something else there.
            let found = fs::symlink_metadata(place).ok()?;
            let text =
                (found.is_file() && found.len() <= LONGEST).then(|| fs::read_to_string(place)).and_then(Result::ok)?;
            serde_json::from_str(&text).ok()
        };
        self.places.iter().find_map(read)
    }

    /// Remembers it; returns `false` where there is no place for it.
    pub(crate) fn write(&self, remembered: &Remembered) -> bool {
        let Ok(text) = serde_json::to_string(remembered) else { return false };
        let write = |place: &PathBuf| {
            let _ = fs::remove_file(place);
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(place).and_then(|mut file| file.write_all(text.as_bytes())).is_ok()
        };
        self.places.iter().any(write)
    }

    pub(crate) fn remove(&self) {
        for place in &self.places {
            let _ = fs::remove_file(place);
        }
    }

    /// Whether to report although it cannot be remembered: while the trouble is new, and when its age in minutes is a
    /// power of two. The age counts from the last write of the state.
    pub(crate) fn is_worth_saying(&self, now: Timestamp) -> bool {
        let files = self.file.iter().flat_map(|file| [sibling_path(file, "-wal"), file.clone()]);
        let written = files.filter_map(|path| fs::metadata(path).and_then(|found| found.modified()).ok()).max();
        written.is_none_or(|written| is_worth_saying(written, now))
    }
}

fn is_worth_saying(written: SystemTime, now: Timestamp) -> bool {
    let Ok(written) = Timestamp::try_from(written) else { return true };
    let age = elapsed(written, now);
    let minutes = u64::try_from(age.as_mins()).unwrap_or(0);
    age < NEW || minutes.is_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_remembered_beside_the_state_or_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateLocation::sqlite(folder.path().join("state.db"));
        let marker = Marker::of(&state);
        assert_eq!(marker.read(), None);
        let remembered = Remembered { since: "2026-06-12T12:00:00Z".parse().unwrap(), told: vec!["leads".to_owned()] };
        assert!(marker.write(&remembered));
        assert_eq!(Marker::of(&state).read(), Some(remembered.clone()));
        marker.remove();
        assert_eq!(marker.read(), None);

        let elsewhere = Marker::of(&StateLocation::sqlite("/proc/pengwatch/state.db"));
        assert!(elsewhere.write(&remembered));
        assert_eq!(elsewhere.read(), Some(remembered));
        elsewhere.remove();
        // A file that somebody else put there is ignored.
        std::fs::write(&marker.places[0], "garbage").unwrap();
        assert_eq!(marker.read(), None);
    }

    #[test]
    fn without_a_memory_it_is_said_at_first_and_ever_more_rarely() {
        let written = "2026-06-12T12:00:00Z".parse::<Timestamp>().unwrap();
        let said = (0..1_440).filter(|minute| {
            is_worth_saying(
                written.into(),
                written + SignedDuration::from_mins(*minute) + SignedDuration::from_secs(30),
            )
        });
        assert_eq!(said.collect::<Vec<i64>>(), [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024]);
    }
}
