//! Watches the state itself: that it is in its place, that it can be written, and that its loss is reported before
//! anything else is sent.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::{sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::outcry::{Judge, Outcry, WriteHealth};
use crate::{
    clock::Clock,
    model::{Problem, WATCHDOG, time::elapsed},
    store::{Store, StoreError},
};

/// How often the place of the state is checked.
const LOOK: Duration = Duration::from_secs(1);

/// How often it is checked whether the state can be written.
const LISTEN: Duration = Duration::from_secs(2);

const PROBE: Duration = Duration::from_secs(10);

const PATIENCE: SignedDuration = SignedDuration::from_mins(1);

const SOON: Duration = Duration::from_millis(250);

pub(crate) async fn keep_in_place(store: Store, taken: Arc<Notify>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
        // The store counts failures, and the outcry reports them.
        let _ = store.look().await;
        if store.writes().taken_over {
            taken.notify_one();
            return;
        }
    }
}

/// Watches whether the state can be written, and reports when it cannot.
pub(crate) async fn cry(outcry: Arc<Outcry>, store: Store, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let (mut judge, mut seen, mut seen_at) = (Judge::default(), 0, clock.steady());
    let mut probing: Option<JoinHandle<()>> = None;
    loop {
        tokio::select! {
            () = tokio::time::sleep(LISTEN) => {}
            () = stop.cancelled() => return,
        }
        let writes = store.writes();
        if writes.done != seen {
            (seen, seen_at) = (writes.done, clock.steady());
        }
        let verdict = judge.look(&writes, clock.now(), clock.steady());
        let is_unsure = verdict != WriteHealth::Fine || clock.steady().saturating_sub(seen_at) >= PROBE;
        // Where another program locks the state, a probe waits behind all other writes; the reports must not wait for
        // it.
        if is_unsure && probing.as_ref().is_none_or(JoinHandle::is_finished) {
            let store = store.clone();
            probing = Some(tokio::spawn(async move { drop(store.probe().await) }));
        }
        match verdict {
            WriteHealth::Began(since, why) => outcry.begin(since, &why).await,
            WriteHealth::Ended => outcry.end().await,
            WriteHealth::Fine | WriteHealth::Doubtful | WriteHealth::Lasts => {}
        }
        outcry.speak().await;
    }
}

/// Releases other messages once the watchdog's receivers were notified that the state was lost, or after `PATIENCE`.
pub(crate) async fn let_go(
    store: Store,
    notify: Vec<String>,
    clock: Arc<dyn Clock>,
    owed: Arc<Notify>,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(SOON) => {}
            () = stop.cancelled() => return,
        }
        if store.is_untold() {
            match let_go_once(&store, &notify, clock.now()).await {
                Ok(true) => owed.notify_one(),
                Ok(false) => {}
                Err(error) => tracing::debug!(%error, "state.untold"),
            }
        }
    }
}

async fn let_go_once(store: &Store, notify: &[String], now: Timestamp) -> Result<bool, StoreError> {
    let Some(loss) = store.loss().await? else { return Ok(false) };
    if elapsed(loss.found_at, now) < PATIENCE && !was_told(store, notify).await? {
        return Ok(false);
    }
    store.told_of_loss(now).await?;
    Ok(true)
}

/// Whether an attempt was made to notify each of the watchdog's receivers.
async fn was_told(store: &Store, notify: &[String]) -> Result<bool, StoreError> {
    let told_of = |alert: &crate::model::Alert| alert.rule == Problem::StateLost.name();
    if !notify.is_empty() && !store.snapshot(WATCHDOG).await?.alerts.iter().any(told_of) {
        return Ok(false);
    }
    for receiver in notify {
        let open = store.open_of(receiver).await?;
        let waits = open.owed.iter().filter(|owed| owed.alert.inbox == WATCHDOG && told_of(&owed.alert)).any(|owed| {
            let message = open.messages.iter().find(|(message, _)| Some(&message.id) == owed.message.as_ref());
            message.is_none_or(|(message, _)| message.attempts == 0)
        });
        if waits {
            return Ok(false);
        }
    }
    Ok(true)
}
