//! Looks after the state itself: that it is in its place, that it can be written, and that its loss is told before
//! anything else.

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

/// How often it is looked whether the state is in its place.
const LOOK: Duration = Duration::from_secs(1);

/// How often it is looked whether it can be written.
const LISTEN: Duration = Duration::from_secs(2);

/// Where nobody else has written for so long, the keeper does, to see whether that works.
const PROBE: Duration = Duration::from_secs(10);

/// The watchdog's receivers have so long to hear that the state was lost; then the others are told what is theirs.
const PATIENCE: SignedDuration = SignedDuration::from_mins(1);

/// The pause between two looks whether they have.
const SOON: Duration = Duration::from_millis(250);

/// Keeps the state in its place; `taken` hears when another process has it.
pub(crate) async fn keep_in_place(store: Store, taken: Arc<Notify>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
        // What failed is counted by the store, and told by the outcry.
        let _ = store.look().await;
        if store.writes().taken_over {
            taken.notify_one();
            return;
        }
    }
}

/// Watches whether the state can be written, and tells of it where not.
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
        // Where another program keeps the state, a probe waits behind everything else that waits for it: what is to
        // be said does not.
        if is_unsure && probing.as_ref().is_none_or(JoinHandle::is_finished) {
            let store = store.clone();
            // How it went is counted.
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

/// Lets other messages go once the watchdog's receivers were told that the state was lost, or could not be for too
/// long.
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

/// Whether the watchdog's word has been on its way to each of its receivers.
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
