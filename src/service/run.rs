//! The loops themselves: one shot, or until told to stop.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    app::App,
    clock::Clock,
    deliverer::{Delivered, Deliverer},
    poller::{Mode, Poller},
    reload,
};
use crate::store::{StoreError, Waiting};

/// How long what is under way may take after the word to stop.
const GRACE: Duration = Duration::from_secs(10);

/// What an attempt that is under way at the deadline of a one-shot run may still take.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The pause before a loop that failed by a mistake of ours begins anew.
const RESTART: Duration = Duration::from_secs(5);

/// How often it is judged between two polls what time, edits, acknowledgements and silences bring.
const TICK: Duration = Duration::from_secs(1);

/// The longest pause after failed polls.
const SLOWEST: SignedDuration = SignedDuration::from_mins(1);

/// Hears of every page that is read: inbox and number.
pub type Progress = Arc<dyn Fn(&str, u32) + Send + Sync>;

/// What a one-shot run did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Inboxes that could not be read, and why.
    pub unread: Vec<(String, String)>,
    /// Contacts seen.
    pub contacts: usize,
    /// Episodes that began.
    pub fired: usize,
    /// Episodes that ended.
    pub resolved: usize,
    /// Messages sent.
    pub sent: usize,
    /// Messages given up.
    pub dead: usize,
    /// What waits for the next run.
    pub waiting: Vec<Waiting>,
}

impl Report {
    /// Whether all of the work was done.
    pub fn is_good(&self) -> bool {
        self.unread.is_empty() && self.dead == 0 && self.waiting.is_empty()
    }
}

/// One poll of every inbox, then delivery of what is owed, until it is done or the deadline comes.
///
/// # Errors
/// The store failed.
pub async fn once(app: App, stop: &CancellationToken, progress: Progress) -> Result<Report, StoreError> {
    begin(&app).await?;
    let mut report = Report::default();
    let mut polls = tokio::task::JoinSet::new();
    for poller in app.pollers {
        let (progress, stop) = (Arc::clone(&progress), stop.clone());
        polls.spawn(async move {
            let page = |number| progress(&poller.inbox, number);
            let polled = tokio::select! {
                polled = poller.run_once(Mode::Once, &page) => Some(polled),
                () = stop.cancelled() => None,
            };
            (poller.inbox, polled)
        });
    }
    while let Some(joined) = polls.join_next().await {
        // A panic stays in its task; the others go on.
        let Ok((inbox, polled)) = joined else {
            report.unread.push(("?".to_owned(), "an internal error; please report it".to_owned()));
            continue;
        };
        match polled {
            None => report.unread.push((inbox, "stopped before it was read".to_owned())),
            Some(polled) => {
                let polled = polled?;
                report.contacts += polled.contacts;
                report.fired += polled.fired;
                report.resolved += polled.resolved;
                if let Some(error) = polled.failure {
                    report.unread.push((inbox, error.to_string()));
                }
            }
        }
    }
    report.unread.sort();

    let mut held = BTreeMap::new();
    let mut deliveries = tokio::task::JoinSet::new();
    for deliverer in app.deliverers {
        deliveries.spawn(deliver_within(deliverer, Arc::clone(&app.clock), app.deadline, stop.clone()));
    }
    while let Some(joined) = deliveries.join_next().await {
        if let Ok(done) = joined {
            let (receiver, done) = done?;
            report.sent += done.sent;
            report.dead += done.dead;
            held.insert(receiver, done.held);
        }
    }
    prune(&app.store, app.clock.as_ref(), app.retention).await;
    report.waiting = app.store.waiting().await?;
    // What must not be said yet is no work that was left.
    for waiting in &mut report.waiting {
        waiting.notifications -= waiting.notifications.min(held.get(&waiting.receiver).copied().unwrap_or(0));
    }
    report.waiting.retain(|waiting| waiting.notifications > 0);
    app.store.close().await;
    Ok(report)
}

/// Takes over from the run before: what it was sending when it died, and what it knew of inboxes and
/// receivers that the configuration no longer has.
async fn begin(app: &App) -> Result<(), StoreError> {
    app.store.recover().await?;
    let inboxes = app.pollers.iter().map(|poller| poller.inbox.clone()).collect();
    let receivers = app.deliverers.iter().map(|deliverer| deliverer.manner.receiver.clone()).collect();
    let (ended, withdrawn) = app.store.forget_others(inboxes, receivers, app.clock.now()).await?;
    if ended + withdrawn > 0 {
        tracing::warn!(
            ended,
            withdrawn,
            "run: alerts of inboxes, and notifications to receivers, that the configuration no longer has"
        );
    }
    Ok(())
}

/// Delivers to one receiver until nothing is left or the next attempt would be after the deadline.
async fn deliver_within(
    deliverer: Deliverer,
    clock: Arc<dyn Clock>,
    deadline: Option<Timestamp>,
    stop: CancellationToken,
) -> Result<(String, Delivered), StoreError> {
    let receiver = deliverer.manner.receiver.clone();
    let mut done = Delivered::default();
    loop {
        let stopped = || stop.is_cancelled();
        let left = deadline.map_or(Duration::MAX, |deadline| until(clock.as_ref(), deadline) + LAST_WORDS);
        // An attempt that is cut off has no known outcome; the next run takes it so.
        let Ok(round) = tokio::time::timeout(left, deliverer.run_once(deadline, &stopped)).await else {
            return Ok((receiver, done));
        };
        let round = round?;
        done.sent += round.sent;
        done.dead += round.dead;
        done.held = round.held;
        let Some(next_at) = round.next_at else { return Ok((receiver, done)) };
        if stop.is_cancelled() || deadline.is_some_and(|deadline| next_at >= deadline) {
            return Ok((receiver, done));
        }
        let wait = until(clock.as_ref(), next_at);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return Ok((receiver, done)),
        }
    }
}

/// How long it is until `at`.
fn until(clock: &dyn Clock, at: Timestamp) -> Duration {
    at.duration_since(clock.now()).max(SignedDuration::ZERO).unsigned_abs()
}

/// Watches until `stop`; then what is under way is finished or left in the outbox.
///
/// # Errors
/// The store failed.
pub async fn daemon(app: App, stop: &CancellationToken, progress: Progress) -> Result<(), StoreError> {
    begin(&app).await?;
    let tracker = TaskTracker::new();
    let owed = Arc::new(Notify::new());
    let mut wakers = Vec::new();
    for deliverer in app.deliverers {
        let wake = Arc::new(Notify::new());
        wakers.push(Arc::clone(&wake));
        let (deliverer, again) = (Arc::new(deliverer), stop.clone());
        tracker.spawn(supervised("delivery", RESTART, stop.clone(), move || {
            deliver(Arc::clone(&deliverer), Arc::clone(&wake), again.clone())
        }));
    }
    let (sources, shared) = app.edits;
    tracker.spawn(reload::watch(sources, shared, stop.clone()));
    for (poller, every) in app.pollers.into_iter().zip(app.poll_every) {
        let (poller, owed, again, progress) =
            (Arc::new(poller), Arc::clone(&owed), stop.clone(), Arc::clone(&progress));
        tracker.spawn(supervised("polling", RESTART, stop.clone(), move || {
            poll(Arc::clone(&poller), every, Arc::clone(&owed), again.clone(), Arc::clone(&progress))
        }));
    }
    {
        let (store, clock, stop, retention) = (app.store.clone(), Arc::clone(&app.clock), stop.clone(), app.retention);
        tracker.spawn(async move {
            loop {
                prune(&store, clock.as_ref(), retention).await;
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_hours(1)) => {}
                    () = stop.cancelled() => return,
                }
            }
        });
    }
    tracker.close();
    loop {
        tokio::select! {
            () = owed.notified() => wakers.iter().for_each(|wake| wake.notify_one()),
            () = stop.cancelled() => break,
        }
    }
    if tokio::time::timeout(GRACE, tracker.wait()).await.is_err() {
        tracing::warn!("stop: something did not end in time; what was under way comes again");
    }
    app.store.close().await;
    Ok(())
}

/// Runs a loop, and runs it anew after a mistake of ours in it: a watcher must not go blind in silence.
async fn supervised<F, L>(what: &'static str, pause: Duration, stop: CancellationToken, run: F)
where
    F: Fn() -> L,
    L: Future<Output = ()> + Send + 'static,
{
    loop {
        if tokio::spawn(run()).await.is_ok() {
            return;
        }
        tracing::error!(what, "loop.failed: an internal error, please report it; the loop begins anew");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn poll(
    poller: Arc<Poller>,
    every: SignedDuration,
    owed: Arc<Notify>,
    stop: CancellationToken,
    progress: Progress,
) {
    let mut pause = every;
    let mut failed_since: Option<Timestamp> = None;
    // What is known from before the start is old.
    let mut good = false;
    loop {
        let began = poller.clock.now();
        let page = |number| progress(&poller.inbox, number);
        let mut reading = std::pin::pin!(poller.run_once(Mode::Daemon, &page));
        let result = loop {
            tokio::select! {
                result = &mut reading => break result,
                // A walk may wait for slots; time and people do not.
                () = tokio::time::sleep(TICK) => tick(&poller, good, &owed).await,
                () = stop.cancelled() => return,
            }
        };
        good = match result {
            Ok(done) => {
                if done.owed > 0 {
                    owed.notify_one();
                }
                done.failure.is_none()
            }
            Err(error) => {
                tracing::error!(inbox = poller.inbox, %error, "store.failed: this poll has not happened");
                false
            }
        };
        pause = next_pause(pause, every, good, failed_since.get_or_insert(began), began);
        if good {
            failed_since = None;
        }
        let next_at = began.checked_add(pause).unwrap_or(Timestamp::MAX);
        if rest(&poller, next_at, good, &owed, &stop).await {
            return;
        }
    }
}

async fn tick(poller: &Poller, good: bool, owed: &Notify) {
    match poller.tick(good).await {
        Ok(0) => {}
        Ok(_) => owed.notify_one(),
        Err(error) => tracing::error!(inbox = poller.inbox, %error, "store.failed: this tick has not happened"),
    }
}

/// After a failure polls slow down: by at most 10 s in the first minute, to one a minute.
fn next_pause(
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

/// Waits for the next poll; what time, edits and people bring is judged meanwhile. `true`: stop.
async fn rest(poller: &Poller, next_at: Timestamp, good: bool, owed: &Notify, stop: &CancellationToken) -> bool {
    loop {
        let left = until(poller.clock.as_ref(), next_at);
        if left.is_zero() {
            return stop.is_cancelled();
        }
        tokio::select! {
            () = tokio::time::sleep(left.min(TICK)) => {}
            () = stop.cancelled() => return true,
        }
        tick(poller, good, owed).await;
    }
}

async fn deliver(deliverer: Arc<Deliverer>, wake: Arc<Notify>, stop: CancellationToken) {
    loop {
        let seen = deliverer.store.version().await.ok();
        let next_at = match deliverer.run_once(None, &|| stop.is_cancelled()).await {
            // What waits for the end of a silence, or for opening, is looked at often.
            Ok(round) if round.held > 0 => {
                let soon = deliverer.clock.now().checked_add(SignedDuration::from_secs(1)).ok();
                round.next_at.min(soon).or(soon)
            }
            Ok(round) => round.next_at,
            Err(error) => {
                tracing::error!(receiver = deliverer.manner.receiver, %error, "store.failed: delivery goes on in a minute");
                deliverer.clock.now().checked_add(SignedDuration::from_mins(1)).ok()
            }
        };
        if stop.is_cancelled() {
            return;
        }
        let wait = next_at.map_or(Duration::from_mins(1), |at| until(deliverer.clock.as_ref(), at));
        tokio::select! {
            () = wake.notified() => {}
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            // A command beside this process has done something, perhaps to the outbox.
            () = written_beside(&deliverer.store, seen) => {}
        }
    }
}

/// Comes back when another process has written to the store since it was seen.
async fn written_beside(store: &crate::store::Store, seen: Option<i64>) {
    loop {
        tokio::time::sleep(TICK).await;
        let now = store.version().await.ok();
        if now.is_some() && now != seen {
            return;
        }
    }
}

async fn prune(store: &crate::store::Store, clock: &dyn Clock, retention: SignedDuration) {
    let Ok(before) = clock.now().checked_sub(retention) else { return };
    match store.prune(before).await {
        Ok(0) => {}
        Ok(alerts) => tracing::debug!(alerts, "store.pruned"),
        Err(error) => tracing::warn!(%error, "store.not_pruned"),
    }
}

#[cfg(test)]
mod tests;
