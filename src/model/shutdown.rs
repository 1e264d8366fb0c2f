//! How long things may take when the program ends: after the stop signal, or at the deadline of `run --once`.
//!
//! The times are in one place because each must leave room for the next, which the test `their_order` checks. They are
//! used by rooms that must not know each other: the senders, the loops, and the web server.

use std::time::Duration;

use jiff::SignedDuration;

/// Longest time of an attempt that is under way at the deadline of a run; then its outcome is unknown.
pub(crate) const ATTEMPT_AFTER_DEADLINE: Duration = Duration::from_secs(5);

/// Longest time of an attempt that is under way at the stop signal.
pub(crate) const ATTEMPT_AFTER_STOP: Duration = Duration::from_secs(9);

/// Longest time to record the outcome of an attempt that ended late.
pub(crate) const RECORDING: Duration = Duration::from_secs(3);

/// Longest time to say goodbye to a mail server.
pub(crate) const GOODBYE: Duration = Duration::from_secs(2);

/// Longest time of answers of the web server that were begun before the stop signal.
pub(crate) const WEB_ANSWERS: Duration = Duration::from_millis(500);

/// Longest time of all loops of a daemon together after the stop signal; loops that have not ended by then are left.
pub(crate) const LOOPS: Duration = Duration::from_secs(10);

/// Longest time that a run with a deadline keeps for sending: it reads inboxes until a fifth of its time is left, or
/// this.
pub(crate) const LONGEST_SENDING: SignedDuration = SignedDuration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    /// Time that the files in `deploy/` allow the program to end before it is killed.
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
        // An attempt that begins just before the deadline of a run is over within the time that is left to send.
        assert!(SignedDuration::try_from(ATTEMPT_AFTER_DEADLINE + RECORDING).unwrap() <= LONGEST_SENDING);
        // The program is not killed before all of that is over.
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
