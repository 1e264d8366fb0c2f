//! Runs everything: once, or until the stop signal.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::SignedDuration;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    app::App,
    deliverer::{Delivered, Deliverer, Limits},
    keeper,
    loops::{PageProgress, Signals, deliver, poll, run_heartbeat, run_watchdog, until, watch_clock},
    reload, renew, succession,
};
use crate::{
    clock::Clock,
    engine::{reach::Mode, successor, wrong_clock},
    model::{
        ReceiverChange, WATCHDOG, Waiting,
        shutdown::{ATTEMPT_AFTER_DEADLINE, ATTEMPT_AFTER_STOP, LOOPS, RECORDING},
    },
    store::StoreError,
};

/// The time after the start at which a daemon first deletes ended alerts from the state.
const PRUNE_FIRST: Duration = Duration::from_mins(1);

/// The pause before a loop that panicked is started again.
const RESTART: Duration = Duration::from_secs(5);

/// What a one-shot run did.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Report {
    /// Inboxes that could not be read, and why.
    pub unread: Vec<(String, String)>,
    /// Inboxes whose full walk continues in the next run, and how many of its pages were read.
    pub goes_on: Vec<(String, u32)>,
    /// Whether every inbox is known completely; a full walk that continues in the next run is not a failure.
    pub complete: bool,
    pub contacts: usize,
    /// Reasons why nobody would be notified of a customer who waits.
    pub blind: Vec<String>,
    /// Episodes that began.
    pub fired: usize,
    /// Episodes that ended.
    pub resolved: usize,
    pub sent: usize,
    /// Messages that were given up.
    pub dead: usize,
    /// What is still owed, for the next run.
    pub waiting: Vec<Waiting>,
}

impl Report {
    /// Whether all of the work was done.
    pub(crate) fn is_good(&self) -> bool {
        self.unread.is_empty() && self.blind.is_empty() && self.dead == 0 && self.waiting.is_empty()
    }
}

/// Polls every inbox once, then delivers what is owed until it is done or the deadline comes.
///
/// # Errors
/// The store failed.
pub(crate) async fn once(app: App, stop: &CancellationToken, progress: PageProgress) -> Result<Report, StoreError> {
    // From here on the steady clock counts, since somebody may set the wall clock meanwhile.
    let deadline = app.deadline.map(|deadline| app.clock.steady() + until(app.clock.as_ref(), deadline));
    begin(&app).await?;
    let mut report = Report { complete: true, ..Report::default() };
    let mut polls = tokio::task::JoinSet::new();
    for poller in app.pollers {
        let (progress, stop) = (Arc::clone(&progress), stop.clone());
        polls.spawn(async move {
            let page = |number| progress(&poller.inbox, number);
            let polled = tokio::select! {
                polled = poller.run_once(Mode::Once, &page) => Some(polled),
                () = stop.cancelled() => None,
            };
            (poller.inbox.clone(), polled)
        });
    }
    while let Some(joined) = polls.join_next().await {
        // A panic stays in its task; the other inboxes go on.
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
                report.complete &= polled.complete;
                match (polled.unread(), polled.goes_on) {
                    (Some(why), _) => report.unread.push((inbox, why)),
                    (None, Some(pages)) => report.goes_on.push((inbox, pages)),
                    (None, None) => {}
                }
            }
        }
    }
    report.unread.sort();
    report.goes_on.sort();
    if let Some(watchdog) = &app.watchdog {
        watchdog.run_once().await?;
    }
    let ended = CancellationToken::new();
    let ends = ended.clone().drop_guard();
    let notify = app.watchdog.as_ref().map(|watchdog| watchdog.notify.clone()).unwrap_or_default();
    tokio::spawn(keeper::let_go(app.store.clone(), notify, Arc::clone(&app.clock), Arc::default(), ended.clone()));

    let mut held = BTreeMap::new();
    let deliverers: Vec<Arc<Deliverer>> = app.deliverers.into_iter().map(Arc::new).collect();
    // What was handed over to a fallback, and what the watchdog reports of a receiver that failed, is sent as well. A
    // fallback may have a fallback of its own, and so on.
    for _ in 0..deliverers.len() + 2 {
        let mut more = 0;
        let mut deliveries = tokio::task::JoinSet::new();
        for deliverer in &deliverers {
            let (deliverer, clock) = (Arc::clone(deliverer), Arc::clone(&app.clock));
            deliveries.spawn(deliver_within(deliverer, clock, deadline, stop.clone()));
        }
        while let Some(joined) = deliveries.join_next().await {
            if let Ok(done) = joined {
                let (receiver, done) = done?;
                report.sent += done.sent;
                report.dead += done.dead;
                more += done.handed_over;
                held.insert(receiver, done.held);
            }
        }
        if let Some(watchdog) = &app.watchdog {
            more += watchdog.run_once().await?;
        }
        let is_over = stop.is_cancelled() || deadline.is_some_and(|deadline| app.clock.steady() >= deadline);
        if more == 0 || is_over {
            break;
        }
    }
    drop(ends);
    prune(&app.store, app.clock.as_ref(), app.retention).await;
    report.blind = app.lookout.blind().await?;
    report.waiting = app.store.waiting().await?;
    // What must not be sent yet does not count as work that was left.
    for waiting in &mut report.waiting {
        waiting.notifications -= waiting.notifications.min(held.get(&waiting.receiver).copied().unwrap_or(0));
    }
    report.waiting.retain(|waiting| waiting.notifications > 0);
    app.store.close().await;
    Ok(report)
}

/// Takes over from the run before: messages that it was sending when it died, and alerts and notifications of inboxes
/// and receivers that the configuration no longer has, or has under another name.
///
/// # Errors
/// The store failed.
pub(crate) async fn begin(app: &App) -> Result<(), StoreError> {
    let (newest, now) = (app.store.newest_time().await?, app.clock.now());
    app.store.move_times(wrong_clock::at_start(newest, now)).await?;
    app.store.recover(now).await?;
    let changes = successor::changes(&app.store.known_receivers().await?, &app.addresses);
    app.store.know_receivers(app.addresses.clone(), changes.clone(), app.clock.now()).await?;
    for change in changes {
        if let ReceiverChange::Renamed { from, to } = change {
            tracing::info!(from, to, "receiver.renamed: its notifications continue under the new name");
        }
    }
    let shared = &app.edits.1;
    succession::pass_on_of_gone(&app.store, shared, app.clock.now()).await?;
    let mut inboxes: Vec<String> = app.pollers.iter().map(|poller| poller.inbox.clone()).collect();
    // Without receivers for the watchdog, its alerts end as well.
    inboxes.extend(app.watchdog.is_some().then(|| WATCHDOG.to_owned()));
    let receivers = app.deliverers.iter().map(|deliverer| deliverer.settings.receiver.clone()).collect();
    let unknown = shared.live().rules.rejected.clone();
    let (ended, withdrawn) = app.store.forget_others(inboxes, receivers, unknown, app.clock.now()).await?;
    if ended + withdrawn > 0 {
        tracing::warn!(
            ended,
            withdrawn,
            "run: ended alerts of inboxes, and withdrew notifications to receivers, that the configuration no longer has"
        );
    }
    Ok(())
}

/// Delivers to one receiver until nothing is left or the next attempt would be after the deadline; returns its name and
/// what was done. `deadline` is a time of the steady clock.
async fn deliver_within(
    deliverer: Arc<Deliverer>,
    clock: Arc<dyn Clock>,
    deadline: Option<Duration>,
    stop: CancellationToken,
) -> Result<(String, Delivered), StoreError> {
    let receiver = deliverer.settings.receiver.clone();
    let limits = Limits { deadline, stop: stop.clone(), ..Limits::default() };
    let mut done = Delivered::default();
    loop {
        let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_sub(clock.steady()));
        let round = tokio::select! {
            round = deliverer.run_once(&limits) => round?,
            // Attempts end by themselves before that. If one is cut off nevertheless, its outcome is not known, and the
            // next run treats it so.
            () = tokio::time::sleep(left.saturating_add(ATTEMPT_AFTER_DEADLINE + RECORDING)) => break,
            () = async { stop.cancelled().await; tokio::time::sleep(ATTEMPT_AFTER_STOP + RECORDING).await } => break,
        };
        done.sent += round.sent;
        done.dead += round.dead;
        done.held = round.held;
        done.handed_over += round.handed_over;
        let Some(next_at) = round.next_at else { break };
        let wait = until(clock.as_ref(), next_at);
        if deadline.is_some_and(|deadline| clock.steady() + wait >= deadline) {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => break,
        }
    }
    Ok((receiver, done))
}

/// Watches until `stop`; then finishes what is under way or leaves it in the outbox.
///
/// # Errors
/// The store failed.
pub(crate) async fn daemon(app: App, stop: &CancellationToken, progress: PageProgress) -> Result<(), StoreError> {
    begin(&app).await?;
    let tracker = TaskTracker::new();
    let owed = Arc::new(Notify::new());
    let bells = Signals { owed: Arc::clone(&owed), polled: Arc::default(), health: Arc::clone(&app.health) };
    let mut wakers = Vec::new();
    for deliverer in app.deliverers {
        let wake = Arc::new(Notify::new());
        wakers.push(Arc::clone(&wake));
        let (deliverer, bells, again) = (Arc::new(deliverer), bells.clone(), stop.clone());
        tracker.spawn(supervised("delivery", RESTART, stop.clone(), move || {
            deliver(Arc::clone(&deliverer), Arc::clone(&wake), bells.clone(), again.clone())
        }));
    }
    let (sources, shared) = app.edits;
    let (metrics, clock) = (Arc::clone(&shared.metrics), Arc::clone(&app.clock));
    tracker.spawn(watch_clock(app.store.clone(), metrics, clock, Arc::clone(&owed), stop.clone()));
    let (again, asked, memory) = (stop.clone(), app.asked.clone(), app.memory);
    let edited = reload::Edited { store: app.store.clone(), clock: Arc::clone(&app.clock), owed: Arc::clone(&owed) };
    tracker.spawn(supervised("edits", RESTART, stop.clone(), move || {
        let (sources, shared) = (sources.clone(), Arc::clone(&shared));
        reload::watch(sources, shared, memory.clone(), edited.clone(), asked.clone(), again.clone())
    }));
    let (renewal, again, asked) = (Arc::new(Mutex::new(app.renewal)), stop.clone(), app.asked);
    let anew = Arc::clone(&owed);
    tracker.spawn(supervised("secrets", RESTART, stop.clone(), move || {
        renew::watch(Arc::clone(&renewal), Arc::clone(&anew), asked.clone(), again.clone())
    }));
    for (poller, every) in app.pollers.into_iter().zip(app.poll_every) {
        let (bells, again, progress) = (bells.clone(), stop.clone(), Arc::clone(&progress));
        tracker.spawn(supervised("polling", RESTART, stop.clone(), move || {
            poll(Arc::clone(&poller), every, bells.clone(), again.clone(), Arc::clone(&progress))
        }));
    }
    let notify = app.watchdog.as_ref().map(|watchdog| watchdog.notify.clone()).unwrap_or_default();
    let taken = Arc::new(Notify::new());
    tracker.spawn(keeper::keep_in_place(app.store.clone(), Arc::clone(&taken), stop.clone()));
    tracker.spawn(keeper::let_go(app.store.clone(), notify, Arc::clone(&app.clock), Arc::clone(&owed), stop.clone()));
    {
        let (outcry, store) = (Arc::clone(&app.outcry), app.store.clone());
        let (clock, again) = (Arc::clone(&app.clock), stop.clone());
        tracker.spawn(supervised("the outcry", RESTART, stop.clone(), move || {
            keeper::cry(Arc::clone(&outcry), store.clone(), Arc::clone(&clock), again.clone())
        }));
    }
    if let Some(watchdog) = app.watchdog {
        let (watchdog, owed, again) = (Arc::new(watchdog), Arc::clone(&owed), stop.clone());
        tracker.spawn(supervised("the watchdog", RESTART, stop.clone(), move || {
            run_watchdog(Arc::clone(&watchdog), Arc::clone(&owed), again.clone())
        }));
    }
    if let Some(heartbeat) = app.heartbeat {
        let (heartbeat, clock, again) = (Arc::new(heartbeat), Arc::clone(&app.clock), stop.clone());
        tracker.spawn(supervised("the heartbeat", RESTART, stop.clone(), move || {
            run_heartbeat(Arc::clone(&heartbeat), bells.clone(), Arc::clone(&clock), again.clone())
        }));
    }
    {
        let (store, clock, stop, retention) = (app.store.clone(), Arc::clone(&app.clock), stop.clone(), app.retention);
        tracker.spawn(async move {
            // Not before the inboxes were read: only their answers show whether the clock is right.
            let mut pause = PRUNE_FIRST;
            loop {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = stop.cancelled() => return,
                }
                prune(&store, clock.as_ref(), retention).await;
                pause = Duration::from_hours(1);
            }
        });
    }
    tracker.close();
    let mut ended = Ok(());
    loop {
        tokio::select! {
            () = owed.notified() => wakers.iter().for_each(|wake| wake.notify_one()),
            () = taken.notified() => {
                // What another process sends must not be sent by this one as well.
                ended = Err(StoreError::Locked { place: app.store.location().to_string(), holder: None });
                stop.cancel();
            }
            () = stop.cancelled() => break,
        }
    }
    if tokio::time::timeout(LOOPS, tracker.wait()).await.is_err() {
        tracing::warn!("stop: something did not end in time; what was under way comes again");
    }
    app.store.close().await;
    ended
}

/// Runs a loop, and starts it again after a panic, because a watcher must not stop watching silently.
async fn supervised<F, L>(what: &'static str, pause: Duration, stop: CancellationToken, run: F)
where
    F: Fn() -> L,
    L: Future<Output = ()> + Send + 'static,
{
    loop {
        if tokio::spawn(run()).await.is_ok() {
            return;
        }
        tracing::error!(what, "loop.failed: an internal error, please report it; the loop is started again");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn prune(store: &crate::store::Store, clock: &dyn Clock, retention: SignedDuration) {
    let Ok(memories) = store.memories().await else { return };
    // A clock that is years ahead must not delete the history.
    let ahead = memories.iter().map(|(_, memory)| memory.clocks.counted()).max().unwrap_or_default();
    let kept = retention.saturating_add(ahead.max(SignedDuration::ZERO));
    let Ok(before) = clock.now().checked_sub(kept) else { return };
    match store.prune(before).await {
        Ok(0) => {}
        Ok(alerts) => tracing::debug!(alerts, "store.pruned"),
        Err(error) => tracing::warn!(%error, "store.not_pruned"),
    }
}

#[cfg(test)]
mod tests;
