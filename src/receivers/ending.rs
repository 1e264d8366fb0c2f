//! Ends an attempt before its timeout: at the deadline of a run, or on the stop signal.
//!
//! An attempt that ends by itself has an outcome, which can be recorded. Nothing is known of one that is dropped, not
//! even which recipients of a mail have it.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::model::{
    Outcome,
    shutdown::{ATTEMPT_AFTER_DEADLINE, ATTEMPT_AFTER_STOP},
};

/// What ends an attempt besides the sender's own timeout; nothing by default.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    deadline: Option<Instant>,
    stop: CancellationToken,
}

impl Ending {
    /// Ends attempts `left` from now, or on `stop`.
    pub fn new(left: Option<Duration>, stop: CancellationToken) -> Self {
        Self { deadline: left.and_then(|left| Instant::now().checked_add(left)), stop }
    }

    /// Whether something new may be begun, like another recipient of a mail.
    pub(super) fn allows_more(&self) -> bool {
        !self.stop.is_cancelled() && self.deadline.is_none_or(|deadline| Instant::now() < deadline)
    }

    /// The time at which what is begun now has to end.
    pub(super) fn by(&self, timeout: Duration) -> Instant {
        let own = Instant::now() + timeout;
        self.deadline.map_or(own, |deadline| own.min(deadline + ATTEMPT_AFTER_DEADLINE))
    }

    /// Returns when what is under way has to end after the stop signal.
    pub(super) async fn after_stop(&self) {
        self.stop.cancelled().await;
        sleep(ATTEMPT_AFTER_STOP).await;
    }

    /// Ends an attempt that does not end by itself; it may have arrived.
    pub(super) async fn bound<T: From<Outcome>>(&self, attempt: impl Future<Output = T>) -> T {
        let last_words = async {
            match self.deadline {
                Some(deadline) => sleep_until(deadline + ATTEMPT_AFTER_DEADLINE).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            done = attempt => return done,
            () = last_words => {}
            () = self.after_stop() => {}
        }
        Outcome::Retry { after: None, reason: "no answer in time".to_owned(), ambiguous: true }.into()
    }
}
