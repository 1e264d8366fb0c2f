//! The loops of a daemon: polling, delivery, the heartbeat, the watchdog.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    deliverer::{Deliverer, Limits},
    health::Health,
    heartbeat::Heartbeat,
    metrics::Metrics,
    poller::Poller,
    watchdog::WatchdogLoop,
};
use crate::{
    clock::{Clock, Jumps},
    engine::reach::Mode,
    engine::wrong_clock,
    inbox::InboxError,
    model::alert::short_hash,
    store::Store,
};

/// How often rules are judged between two polls, for what time, edits, acknowledgements and silences change.
const TICK: Duration = Duration::from_secs(1);

/// How often the watchdog looks.
const LOOK: Duration = Duration::from_secs(2);

/// The shortest pause between two heartbeats.
const BEAT: SignedDuration = SignedDuration::from_secs(15);

/// The longest pause of a delivery loop.
const LONGEST_REST: Duration = Duration::from_mins(1);

/// The longest pause after failed polls, unless `poll_every` is longer.
const SLOWEST: SignedDuration = SignedDuration::from_mins(1);

/// What the polling loops wake, and where they report that they turn.
#[derive(Clone)]
pub(crate) struct Signals {
    /// Notified when something is owed.
    pub owed: Arc<Notify>,
    /// Notified when a poll has ended.
    pub polled: Arc<Notify>,
    /// Whether the loops turn.
    pub health: Arc<Health>,
}

/// Polls one inbox, and judges meanwhile what time, edits and people change.
pub(crate) async fn poll(
    poller: Arc<Poller>,
    every: SignedDuration,
    bells: Signals,
    stop: CancellationToken,
    progress: PageProgress,
) {
    let mut pause = every;
    let mut failed_since: Option<Timestamp> = None;
    // What is known from before the start is too old to act on.
    let mut good = false;
    loop {
        let (began, steady) = (poller.clock.now(), poller.clock.steady());
        // After the clock was set or the machine slept, what was known before is too old.
        let mut known = Known { good, jumps: Jumps::of(poller.clock.ours()) };
        let token = poller.client.token();
        let page = |number| progress(&poller.inbox, number);
        let result = tokio::select! {
            result = poller.run_once(Mode::Daemon, &page) => result,
            // A walk may wait for slots; time and people do not wait.
            () = tick_on(&poller, &mut known, &bells) => return,
            () = stop.cancelled() => return,
        };
        let mut refused = false;
        good = match result {
            Ok(done) => {
                refused = matches!(done.failure, Some(InboxError::TokenRefused { .. }));
                // A tick that was cut off may have owed something, too.
                bells.owed.notify_one();
                bells.health.polled(&poller.inbox, done.complete, poller.clock.ours().now(), poller.clock.steady());
                done.failure.is_none()
            }
            Err(error) => {
                tracing::error!(inbox = poller.inbox, %error, "store.failed: this poll has not happened");
                bells.health.polled(&poller.inbox, false, poller.clock.ours().now(), poller.clock.steady());
                false
            }
        };
        bells.polled.notify_one();
        pause = next_pause(pause, every, good, failed_since.get_or_insert(began), began);
        if good {
            failed_since = None;
        }
        // A refused token does not recover by itself within seconds.
        if refused {
            pause = SLOWEST.max(every);
        }
        known = Known { good, ..known };
        let next = if good { pause } else { scattered(pause, &poller.inbox, began) };
        // A renewed token is tried at once.
        let is_done = || !good && !Arc::ptr_eq(&token, &poller.client.token());
        if rest(&poller, steady + next.unsigned_abs(), is_done, (&mut known, &bells, &stop)).await {
            return;
        }
    }
}

/// Whether what the last poll saw can be judged by time alone.
struct Known {
    good: bool,
    jumps: Jumps,
}

/// Ticks until the poll beside it has ended.
async fn tick_on(poller: &Poller, known: &mut Known, bells: &Signals) {
    loop {
        tokio::time::sleep(TICK).await;
        tick(poller, known, bells).await;
    }
}

async fn tick(poller: &Poller, known: &mut Known, bells: &Signals) {
    bells.health.inbox_turned(&poller.inbox, poller.clock.steady());
    known.good &= known.jumps.since(poller.clock.ours()).is_none();
    match poller.tick(known.good).await {
        Ok(0) => {}
        Ok(_) => bells.owed.notify_one(),
        Err(error) => tracing::error!(inbox = poller.inbox, %error, "store.failed: this tick has not happened"),
    }
}

/// The pause after a poll. After a failure it grows: by at most 10 s in the first minute, then up to one minute.
pub(crate) fn next_pause(
    pause: SignedDuration,
    every: SignedDuration,
    good: bool,
    failed_since: &Timestamp,
    now: Timestamp,
) -> SignedDuration {
    if good {
        return every;
    }
    let doubled = pause.saturating_mul(2).max(SignedDuration::from_secs(2));
    let early = now.duration_since(*failed_since) < SignedDuration::from_mins(1);
    let most = if early { (every + SignedDuration::from_secs(10)).min(SLOWEST.max(every)) } else { SLOWEST.max(every) };
    doubled.min(most)
}

/// A pause that is up to a fifth shorter, so that watchers that failed together do not all come back at once.
pub(crate) fn scattered(pause: SignedDuration, inbox: &str, now: Timestamp) -> SignedDuration {
    let hash = short_hash(&format!("{inbox} {} {}", std::process::id(), now.as_nanosecond()));
    let chance = u32::from_str_radix(&hash[..8], 16).map_or(0.0, |number| f64::from(number) / f64::from(u32::MAX));
    pause.mul_f64(1.0 - 0.2 * chance)
}

/// Waits for the next poll, by the steady clock, or until `is_done`; judges meanwhile what time, edits and people
/// change. Returns `true` on the stop signal.
async fn rest(
    poller: &Poller,
    next: Duration,
    is_done: impl Fn() -> bool,
    (known, bells, stop): (&mut Known, &Signals, &CancellationToken),
) -> bool {
    loop {
        let left = next.saturating_sub(poller.clock.steady());
        if left.is_zero() || is_done() {
            return stop.is_cancelled();
        }
        tokio::select! {
            () = tokio::time::sleep(left.min(TICK)) => {}
            () = stop.cancelled() => return true,
        }
        tick(poller, known, bells).await;
    }
}

/// Notices when the clock is set, and moves stored times with it, so that a pause keeps its length.
pub(crate) async fn watch_clock(
    store: Store,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    owed: Arc<Notify>,
    stop: CancellationToken,
) {
    let mut jumps = Jumps::of(clock.as_ref());
    loop {
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = stop.cancelled() => return,
        }
        let Some(by) = jumps.since(clock.as_ref()) else { continue };
        metrics.clock_jumped();
        let seconds = by.as_secs();
        tracing::warn!(seconds, "clock.jumped: nobody is notified by time alone before the inboxes were read again");
        if let Err(error) = store.move_times(wrong_clock::was_set(by, clock.now())).await {
            tracing::error!(%error, "store.failed: messages may come later, or sooner, than they should");
        }
        owed.notify_one();
    }
}

pub(crate) async fn run_watchdog(watchdog: Arc<WatchdogLoop>, owed: Arc<Notify>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
        match watchdog.run_once().await {
            Ok(0) => {}
            Ok(_) => owed.notify_one(),
            Err(error) => tracing::error!(%error, "store.failed: the watchdog cannot look"),
        }
    }
}

/// Sends heartbeats after polls, while every inbox was read completely, and not sooner than `BEAT` after one that was
/// heard.
pub(crate) async fn run_heartbeat(
    heartbeat: Arc<Heartbeat>,
    bells: Signals,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let mut heard_at: Option<Timestamp> = None;
    loop {
        tokio::select! {
            () = bells.polled.notified() => {}
            () = stop.cancelled() => return,
        }
        let now = clock.now();
        let soon = heard_at.is_some_and(|at| now.duration_since(at) < BEAT && at <= now);
        if soon || !bells.health.all_complete() {
            continue;
        }
        match heartbeat.beat(now).await {
            Ok(true) => heard_at = Some(now),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "store.failed: the heartbeat is withheld"),
        }
    }
}

/// Delivers to one receiver: when something is owed, when a retry is due, when another process has written to the
/// state.
pub(crate) async fn deliver(deliverer: Arc<Deliverer>, wake: Arc<Notify>, bells: Signals, stop: CancellationToken) {
    let mut used = deliverer.sender.get();
    loop {
        let turned = || bells.health.receiver_turned(&deliverer.settings.receiver, deliverer.clock.steady());
        turned();
        let seen = deliverer.store.version().await.ok();
        let sender = deliverer.sender.get();
        if !Arc::ptr_eq(&sender, &used) {
            used = sender;
            // Failures with the old secrets do not count against the new ones.
            let now = deliverer.clock.now();
            if let Err(error) = deliverer.store.try_at_once(&deliverer.settings.receiver, now).await {
                tracing::error!(receiver = deliverer.settings.receiver, %error, "store.failed: the next try comes later");
            }
        }
        // A round may have many attempts.
        let limits = Limits { deadline: None, stop: stop.clone(), asked: &turned };
        let next_at = match deliverer.run_once(&limits).await {
            // A fallback has more to send now.
            Ok(round) if round.handed_over > 0 => {
                bells.owed.notify_one();
                round.next_at
            }
            // Held notifications are checked often, since a silence may end or hours may open.
            Ok(round) if round.held > 0 => {
                let soon = deliverer.clock.now().checked_add(SignedDuration::from_secs(1)).ok();
                round.next_at.min(soon).or(soon)
            }
            Ok(round) => round.next_at,
            Err(error) => {
                tracing::error!(receiver = deliverer.settings.receiver, %error, "store.failed: delivery continues in a minute");
                deliverer.clock.now().checked_add(SignedDuration::from_mins(1)).ok()
            }
        };
        if stop.is_cancelled() {
            return;
        }
        // The loop turns at least this often, so that it counts as alive.
        let wait = next_at.map_or(LONGEST_REST, |at| until(deliverer.clock.as_ref(), at)).min(LONGEST_REST);
        tokio::select! {
            () = wake.notified() => {}
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            // A command beside this process has written, perhaps to the outbox.
            () = written_beside(&deliverer.store, seen) => {}
        }
    }
}

/// Returns when another process has written to the store since `seen`.
async fn written_beside(store: &Store, seen: Option<i64>) {
    loop {
        tokio::time::sleep(TICK).await;
        let now = store.version().await.ok();
        if now.is_some() && now != seen {
            return;
        }
    }
}

/// The time until `at`, or zero.
pub(crate) fn until(clock: &dyn Clock, at: Timestamp) -> Duration {
    at.duration_since(clock.now()).max(SignedDuration::ZERO).unsigned_abs()
}

/// Is called for every page that is read, with inbox and page number.
pub(crate) type PageProgress = Arc<dyn Fn(&str, u32) + Send + Sync>;
