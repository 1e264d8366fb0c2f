//! Looks after the state itself: checks that it is in its place and can be written, and holds other messages back until
//! its loss was reported.

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

/// How often the results of writing are judged.
const LISTEN: Duration = Duration::from_secs(2);

/// Time without any write after which the keeper writes itself, to test the state.
const PROBE: Duration = Duration::from_secs(10);

/// How long other messages wait for the watchdog's receivers to be notified of a lost state.
const PATIENCE: SignedDuration = SignedDuration::from_mins(1);

/// How often it is checked whether they were.
const SOON: Duration = Duration::from_millis(250);

/// Checks that the state is in its place; `taken` is notified when another process has it.
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

/// Watches whether the state can be written, and notifies the watchdog's receivers when it cannot.
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
        // Where another program keeps the state locked, a probe waits behind all other writes. It runs in a task of its
        // own, so that the outcry does not wait for it.
        if is_unsure && probing.as_ref().is_none_or(JoinHandle::is_finished) {
            let store = store.clone();
            // The store counts the result.
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

/// Lets other messages go once the watchdog's receivers were notified of the lost state, or could not be for
/// a minute.
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

/// Whether the watchdog's message was tried at each of its receivers.
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
