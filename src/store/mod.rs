//! The store of alerts, candidates, what is owed, and the delivery of messages.
//!
//! State changes and the notifications they owe commit in one transaction. This room stores nouns and
//! decides nothing; it knows no rule, no wire, no clock. It is long because it lists every operation.

mod alerts;
mod driver;
mod error;
mod handover;
mod history;
mod outbox;
mod outbox_admin;
mod receivers;
mod rows;
mod rules;
mod silences;
mod sqlite;
mod succession;
#[cfg(test)]
pub(crate) mod tests;
mod times;

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use parking_lot::Mutex;

pub(crate) use error::StoreError;
pub(crate) use sqlite::{FaultPoints, Writes};

use crate::{
    model::{
        Ack, Address, Alert, AlertId, AttemptRecord, Backlog, Change, Changes, DeliveryStep, Entry, HandOver,
        InboxMemory, Left, Loss, MessageId, Notification, Open, Passed, ReceiverChange, ReceiverState, RuleMemory,
        Silence, Snapshot, StateLocation, StoredMessage, TimeMove, Waiting, history::HistoryQuery,
    },
    store::sqlite::{Opening, Owner},
};

/// Rows of each kind that are deleted in one transaction, so that other work can run in between.
const PRUNED_AT_ONCE: u32 = 500;

/// The store: one SQLite file, behind one thread that owns the connection. The operations know the driver only.
///
/// Its operations fail where the file does. A transaction that fails changes nothing.
#[derive(Clone, Debug)]
pub struct Store {
    owner: Owner,
    location: StateLocation,
    /// Attempts whose outcome could not be written. They must not be made again.
    unrecorded: Arc<Mutex<Vec<AttemptRecord>>>,
}

impl Store {
    /// Opens the state, makes it if there is none, and brings it to this program's format.
    ///
    /// # Errors
    /// What is wrong with the state; it is then unchanged.
    pub async fn open(state: &StateLocation) -> Result<Self, StoreError> {
        Self::opened(state, Opening::Beside).await
    }

    /// Opens the state for a `run`, under a lock that lasts as long: the store puts the state back when it vanishes.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another `run` holds it; what is wrong with the state, which is then unchanged.
    pub async fn hold(state: &StateLocation) -> Result<Self, StoreError> {
        Self::opened(state, Opening::Run).await
    }

    async fn opened(state: &StateLocation, opening: Opening) -> Result<Self, StoreError> {
        let StateLocation::Sqlite(path) = state;
        let owner = Owner::open(path, opening).await?;
        Ok(Self { owner, location: state.clone(), unrecorded: Arc::default() })
    }

    /// For tests of crashes.
    #[must_use]
    pub fn with_fault_points(self, points: FaultPoints) -> Self {
        Self { owner: self.owner.with_fault_points(points), ..self }
    }

    /// Opens a copy in memory and leaves the state unchanged. Where there is none, the store is empty.
    ///
    /// # Errors
    /// What is wrong with the state.
    pub async fn copy(state: &StateLocation) -> Result<Self, StoreError> {
        Self::opened(state, Opening::Copy).await
    }

    pub async fn snapshot(&self, inbox: &str) -> Result<Snapshot, StoreError> {
        let inbox = inbox.to_owned();
        self.owner.read(move |db| alerts::snapshot(db, &inbox)).await
    }

    /// Commits what one tick changed, all of it or nothing.
    pub async fn commit(&self, inbox: &str, changes: Changes) -> Result<(), StoreError> {
        let inbox = inbox.to_owned();
        self.owner.write(move |db| alerts::commit(db, &inbox, &changes)).await
    }

    /// The times of an inbox's last requests, and the pause that its API asked for: since when, until when.
    pub async fn requests(&self, inbox: &str) -> Result<alerts::Requests, StoreError> {
        let inbox = inbox.to_owned();
        self.owner.read(move |db| alerts::requests(db, &inbox)).await
    }

    /// Remembers an inbox's last requests and such a pause, without making the request wait for it.
    ///
    /// It survives a kill of the process a moment later. It may be lost with the machine's power, because the minute
    /// is over by then. If it fails, the budget in memory still holds.
    pub fn remember_requests(&self, inbox: &str, times: Vec<Timestamp>, hold: Option<(Timestamp, Timestamp)>) {
        let inbox = inbox.to_owned();
        self.owner.write_soon(move |db| alerts::save_requests(db, &inbox, &(times, hold)));
    }

    /// Everything that is owed to a receiver: notifications, and the open messages they belong to.
    pub async fn open_of(&self, receiver: &str) -> Result<Open, StoreError> {
        let receiver = receiver.to_owned();
        self.owner.read(move |db| outbox::open_of(db, &receiver)).await
    }

    /// The notifications in a message, and what else is owed to its receiver about the same alerts; no messages.
    pub async fn open_for(&self, receiver: &str, message: &MessageId) -> Result<Open, StoreError> {
        let (receiver, message) = (receiver.to_owned(), message.clone());
        self.owner.read(move |db| outbox::open_for(db, &receiver, &message)).await
    }

    /// Records one step of delivery.
    pub async fn record(&self, recorded: DeliveryStep) -> Result<(), StoreError> {
        self.owner.write(move |db| outbox::record(db, &recorded)).await
    }

    /// Records how an attempt ended, with what it says of the receiver; returns how many notifications went over to
    /// the fallback.
    pub async fn attempted(&self, attempted: AttemptRecord) -> Result<usize, StoreError> {
        let kept = attempted.clone();
        let done = self.owner.write(move |db| outbox::attempted(db, &attempted)).await;
        if done.is_err() {
            self.unrecorded.lock().push(kept);
        }
        done
    }

    /// Owes a receiver's notifications to another receiver, except about alerts of which that one knows or is about to
    /// know; returns how many notifications that were.
    pub async fn hand_over(&self, handed: HandOver, now: Timestamp) -> Result<usize, StoreError> {
        self.owner.write(move |db| handover::hand_over(db, &handed, now)).await
    }

    /// After a crash: marks attempts that were under way as having no known outcome.
    pub async fn recover(&self, now: Timestamp) -> Result<(), StoreError> {
        self.owner.write(move |db| outbox::interrupted(db, None, now)).await
    }

    /// Marks attempts to deliver to a receiver, for which nobody waits any more, as having no known outcome. An outcome
    /// that could not be written when it came is written now.
    pub async fn interrupted(&self, receiver: &str, now: Timestamp) -> Result<(), StoreError> {
        let receiver = receiver.to_owned();
        let mut left = self.take_unrecorded(Some(&receiver));
        let kept = left.clone();
        let done = self.owner.write(move |db| {
            for attempted in left.drain(..) {
                outbox::attempted(db, &attempted)?;
            }
            outbox::interrupted(db, Some(&receiver), now)
        });
        let done = done.await;
        if done.is_err() {
            self.unrecorded.lock().extend(kept);
        }
        done
    }

    fn take_unrecorded(&self, receiver: Option<&str>) -> Vec<AttemptRecord> {
        let mut all = self.unrecorded.lock();
        let is_of = |one: &AttemptRecord| receiver.is_none_or(|receiver| one.receiver == receiver);
        let (of, others) = std::mem::take(&mut *all).into_iter().partition(is_of);
        *all = others;
        of
    }

    /// Records a receiver's health where no attempt has shown it.
    pub async fn receives(&self, receiver: &str, reception: ReceiverState) -> Result<(), StoreError> {
        let receiver = receiver.to_owned();
        self.owner.write(move |db| receivers::save(db, &receiver, &reception)).await
    }

    /// Tries what waits for a receiver now, because it can be reached in another way.
    pub async fn try_at_once(&self, receiver: &str, now: Timestamp) -> Result<(), StoreError> {
        let receiver = receiver.to_owned();
        self.owner.write(move |db| receivers::try_at_once(db, &receiver, now)).await
    }

    /// The latest of the times that were stored as the present, if there is one.
    pub async fn newest_time(&self) -> Result<Option<Timestamp>, StoreError> {
        self.owner.read(times::newest).await
    }

    /// Moves stored times, because the machine's clock was wrong.
    pub async fn move_times(&self, moves: Vec<TimeMove>) -> Result<(), StoreError> {
        self.owner.write(move |db| times::shift(db, &moves)).await
    }

    /// The receivers of the last call of [`Store::know_receivers`], by name.
    pub async fn known_receivers(&self) -> Result<Vec<(String, Address)>, StoreError> {
        self.owner.read(succession::known).await
    }

    /// Records the present receivers, and what became of those that were known before.
    pub async fn know_receivers(
        &self,
        receivers: Vec<(String, Address)>,
        changes: Vec<ReceiverChange>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.owner.write(move |db| succession::know(db, &receivers, &changes, now)).await
    }

    /// Receivers that are missing in the configuration, and to which something is owed or was until it was given up.
    pub async fn gone(&self, receivers: Vec<String>) -> Result<Vec<String>, StoreError> {
        self.owner.read(move |db| succession::gone(db, &receivers)).await
    }

    /// What a receiver was owed, and was not sent, of alerts that fire and that nobody has acknowledged.
    pub async fn left_by(&self, receiver: &str) -> Result<Vec<Left>, StoreError> {
        let receiver = receiver.to_owned();
        self.owner.read(move |db| succession::left_by(db, &receiver)).await
    }

    /// Owes a receiver's notifications to others for good, where they do not know of the alert yet; returns how many
    /// notifications that were.
    pub async fn pass_on(&self, passed: Vec<Passed>, now: Timestamp) -> Result<usize, StoreError> {
        self.owner.write(move |db| succession::pass_on(db, &passed, now)).await
    }

    /// After an edit of the configuration: ends alerts of inboxes that are gone without a message, and withdraws what
    /// is owed to receivers that are gone, except where `unknown` names the rule: who is notified instead is not known
    /// yet. Returns how many of each.
    pub async fn forget_others(
        &self,
        inboxes: Vec<String>,
        receivers: Vec<String>,
        unknown: Vec<String>,
        now: Timestamp,
    ) -> Result<(usize, usize), StoreError> {
        self.owner.write(move |db| handover::forget_others(db, &inboxes, &receivers, &unknown, now)).await
    }

    /// Moves everything into the one file, so that a copy of it is complete; the last thing that a run does.
    pub async fn close(self) {
        let left = self.take_unrecorded(None);
        if !left.is_empty() {
            let written = self
                .owner
                .write(move |db| left.iter().try_for_each(|attempted| outbox::attempted(db, attempted).map(drop)));
            if let Err(error) = written.await {
                tracing::error!(%error, "store.failed: messages that were sent may come again");
            }
        }
        self.owner.checkpoint().await;
    }

    pub fn location(&self) -> &StateLocation {
        &self.location
    }

    /// The outcomes of all writing since the state was opened.
    pub fn writes(&self) -> Writes {
        self.owner.writes()
    }

    /// Checks that the state is in its place, and puts it back if it is not.
    ///
    /// # Errors
    /// Why it cannot be put back.
    pub async fn look(&self) -> Result<(), StoreError> {
        self.owner.look().await
    }

    /// Writes a little, to see whether that works.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.owner.touch().await
    }

    /// How the state was last lost.
    pub async fn loss(&self) -> Result<Option<Loss>, StoreError> {
        self.owner.loss().await
    }

    /// Whether the state was lost and this must still be reported, before anything else is sent.
    pub fn is_untold(&self) -> bool {
        self.owner.is_untold()
    }

    /// Marks the loss of the state as reported.
    pub async fn told_of_loss(&self, now: Timestamp) -> Result<(), StoreError> {
        self.owner.told(now).await
    }

    /// Whether there is a state.
    pub fn exists(state: &StateLocation) -> bool {
        let StateLocation::Sqlite(path) = state;
        path.exists()
    }

    /// When the state changed last, if its mark is still there and the state is not.
    pub fn missing(state: &StateLocation) -> Option<Timestamp> {
        let StateLocation::Sqlite(path) = state;
        sqlite::missing(path)
    }

    /// What waits in the outbox, by receiver.
    pub async fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        self.owner.read(outbox::waiting).await
    }

    /// The backlog and the health of every receiver, by name.
    pub async fn backlogs(&self) -> Result<BTreeMap<String, Backlog>, StoreError> {
        self.owner.read(receivers::backlogs).await
    }

    /// Every episode that is remembered, the oldest first, including those that have ended; for tests and the demo's
    /// books.
    pub async fn episodes(&self) -> Result<Vec<Alert>, StoreError> {
        self.owner.read(alerts::episodes).await
    }

    /// Every notification with its state, in the order in which they were owed; for tests and the demo's books.
    pub async fn notifications(&self) -> Result<Vec<(Notification, String)>, StoreError> {
        self.owner.read(outbox::all).await
    }

    /// Forgets what ended before `before`, in small parts, between which other work can run, and gives its room back to
    /// the disk; returns how many alerts that were.
    pub async fn prune(&self, before: Timestamp) -> Result<usize, StoreError> {
        let mut alerts = 0;
        loop {
            let (gone, rows) = self.owner.write(move |db| alerts::prune(db, before, PRUNED_AT_ONCE)).await?;
            alerts += gone;
            if rows == 0 {
                break;
            }
        }
        self.owner.give_room_back(before).await;
        Ok(alerts)
    }

    /// Every episode that has not ended, of all inboxes, the longest waiting first, with the receivers that know of it.
    pub async fn open_alerts(&self) -> Result<Vec<(Alert, Vec<String>)>, StoreError> {
        let (alerts, told) = self.owner.read(|db| Ok((alerts::open(db)?, alerts::told(db)?))).await?;
        let told_of =
            |alert: &Alert| told.iter().filter(|(id, _)| *id == alert.id).map(|(_, who)| who.clone()).collect();
        Ok(alerts.into_iter().map(|alert| (told_of(&alert), alert)).map(|(told, alert)| (alert, told)).collect())
    }

    /// Episodes whose id has this beginning, including those that have ended.
    pub async fn with_id(&self, beginning: &str) -> Result<Vec<Alert>, StoreError> {
        let beginning = beginning.to_owned();
        self.owner.read(move |db| alerts::with_id(db, &beginning)).await
    }

    /// Acknowledges an episode that has not ended, unless somebody has done so before; returns its value from before
    /// the change.
    pub async fn acknowledge(&self, id: AlertId, ack: Ack) -> Result<Option<Alert>, StoreError> {
        self.owner.write(move |db| alerts::acknowledge(db, &id, &ack)).await
    }

    /// What happened, the oldest first.
    pub async fn history(&self, asked: HistoryQuery) -> Result<Vec<Entry>, StoreError> {
        self.owner.read(move |db| history::read(db, &asked)).await
    }

    /// Every silence that is remembered, including those that have ended, by their end.
    pub async fn silences(&self) -> Result<Vec<Silence>, StoreError> {
        self.owner.read(silences::all).await
    }

    /// Adds a silence; returns its number.
    pub async fn silence(&self, silence: Silence) -> Result<i64, StoreError> {
        self.owner.write(move |db| silences::add(db, &silence)).await
    }

    /// Ends a silence now, unless it has ended; returns its value from before the change.
    pub async fn expire(&self, id: i64, now: Timestamp) -> Result<Option<Silence>, StoreError> {
        self.owner.write(move |db| silences::expire(db, id, now)).await
    }

    /// Every message that waits or was given up, the oldest first.
    pub async fn kept(&self) -> Result<Vec<StoredMessage>, StoreError> {
        self.owner.read(outbox_admin::list).await
    }

    /// Tries a message that was given up as if it were new, under its old id.
    pub async fn replay(&self, id: MessageId, now: Timestamp) -> Result<Change, StoreError> {
        self.owner.write(move |db| outbox_admin::replay(db, &id, now)).await
    }

    /// Gives a message up for good.
    pub async fn drop_message(&self, id: MessageId, now: Timestamp) -> Result<Change, StoreError> {
        self.owner.write(move |db| outbox_admin::drop_message(db, &id, now)).await
    }

    /// A number that changes when another process has written something.
    pub async fn version(&self) -> Result<i64, StoreError> {
        self.owner.version().await
    }

    /// What is remembered of the rules; `None`: no version that remembers them has run yet.
    pub async fn rule_memory(&self) -> Result<Option<RuleMemory>, StoreError> {
        self.owner.read(rules::read).await
    }

    /// Changes what is remembered of the rules, in one transaction; returns what `change` returns.
    pub async fn remember_rules<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut RuleMemory) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        self.owner.write(move |db| rules::change(db, change)).await
    }

    /// The memory of every inbox, by its name.
    pub async fn memories(&self) -> Result<Vec<(String, InboxMemory)>, StoreError> {
        self.owner.read(alerts::memories).await
    }
}
