//! How long things may take when the program ends: after the stop signal, or at the deadline of `run --once`.
//!
//! The times stand together because each must leave room for the next; `their_order` holds that. Rooms that must not
//! know each other go by them: whoever sends, the loops, and the web server.

use std::time::Duration;

use jiff::SignedDuration;

/// An attempt under way at the deadline of a run may take so long; then its outcome is unknown.
pub(crate) const ATTEMPT_AFTER_DEADLINE: Duration = Duration::from_secs(5);

/// An attempt under way at the stop signal may take so long.
pub(crate) const ATTEMPT_AFTER_STOP: Duration = Duration::from_secs(9);

/// What the outcome of an attempt that ended late may take to be recorded.
pub(crate) const RECORDING: Duration = Duration::from_secs(3);

/// What a mail server may take to hear the goodbye.
pub(crate) const GOODBYE: Duration = Duration::from_secs(2);

/// Answers of the web server that were begun before the stop signal may take so long.
pub(crate) const WEB_ANSWERS: Duration = Duration::from_millis(500);

/// All loops of a daemon together may take so long after the stop signal; what has not ended by then is left.
pub(crate) const LOOPS: Duration = Duration::from_secs(10);

/// A run with a deadline reads inboxes until a fifth of its time is left to send, and no more than this.
pub(crate) const LONGEST_SENDING: SignedDuration = SignedDuration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    /// What the files in `deploy/` give the program before it is killed.
    const KILLED_AFTER: Duration = Duration::from_secs(30);

    #[test]
    fn their_order() {
        // An attempt ends, and its outcome is recorded, before the loops are left.
        assert!(ATTEMPT_AFTER_STOP < LOOPS);
        assert!(WEB_ANSWERS < LOOPS);
        // An outcome that comes at the last moment is recorded in a run, too, and nobody waits longer for it than
        // for the attempt itself.
        assert!(RECORDING < ATTEMPT_AFTER_DEADLINE && RECORDING < ATTEMPT_AFTER_STOP);
        assert!(GOODBYE <= RECORDING);
        // What is begun just before the deadline of a run is over within the time that is left to send.
        assert!(SignedDuration::try_from(ATTEMPT_AFTER_DEADLINE + RECORDING).unwrap() <= LONGEST_SENDING);
        // Nobody is killed in the middle of it.
        assert!(LOOPS + RECORDING + GOODBYE < KILLED_AFTER);
        assert!(ATTEMPT_AFTER_STOP + RECORDING + GOODBYE < KILLED_AFTER);
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
        for (file, line) in [
            ("systemd/pengwatch.service", "TimeoutStopSec=30s"),
            ("compose.yaml", "stop_grace_period: 30s"),
            ("kubernetes/deployment.yaml", "terminationGracePeriodSeconds: 30"),
        ] {
            assert!(std::fs::read_to_string(folder.join(file)).unwrap().contains(line), "{file}");
        }
    }
}
