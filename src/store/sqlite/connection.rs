//! One thread owns the connection; all other code sends it work.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;
use parking_lot::Mutex;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::{
    file::{connect, connect_copy, name},
    lineage::{self, Lineage},
    lock::Lock,
    mark::Mark,
    place::{self, StatePlace},
    space,
};
use crate::{
    model::Loss,
    store::{
        StoreError,
        driver::{Done, Driver, DriverError},
    },
};

type Work = Box<dyn FnOnce(&mut Held) + Send>;

/// Receives the name of every point between two steps at which a crash could happen; tests stop the program there.
/// `None` outside of tests.
pub(crate) type FaultPoints = Option<Arc<dyn Fn(&'static str) + Send + Sync>>;

/// The outcomes of all writing since the state was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// Transactions that were written.
    pub done: u64,
    /// Transactions that failed.
    pub failed: u64,
    /// Why the last of those failed, in an operator's words.
    pub why: String,
    /// Another process has the state now.
    pub taken_over: bool,
}

/// How a state is opened.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) enum Opening {
    /// As one of several processes, for short work.
    Beside,
    /// By a run, which holds the lock and puts the state back when it vanishes.
    Run,
    /// As a copy in memory.
    Copy,
}

/// What the thread owns.
struct Held {
    db: Connection,
    path: Arc<PathBuf>,
    mark: Option<Mark>,
    place: Option<StatePlace>,
    known: Arc<Known>,
}

/// What can be read without the thread.
#[derive(Debug, Default)]
struct Known {
    writes: Mutex<Writes>,
    /// The state was lost, and this has not been reported yet.
    untold: AtomicBool,
}

/// A handle to the thread; the thread ends with the last handle.
#[derive(Clone)]
pub(in crate::store) struct Owner {
    path: Arc<PathBuf>,
    work: mpsc::UnboundedSender<Work>,
    points: FaultPoints,
    known: Arc<Known>,
}

impl Owner {
    /// Opens the file, or a copy of it in memory.
    pub(in crate::store) async fn open(path: &Path, opening: Opening) -> Result<Self, StoreError> {
        let path = Arc::new(path.to_owned());
        let (work, mut inbound) = mpsc::unbounded_channel::<Work>();
        let (opened, open) = oneshot::channel();
        let (own, known) = (Arc::clone(&path), Arc::<Known>::default());
        let shared = Arc::clone(&known);
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            match Held::open(own, opening, shared) {
                Ok(mut held) => {
                    let _ = opened.send(Ok(()));
                    while let Some(work) = inbound.blocking_recv() {
                        work(&mut held);
                    }
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            }
        });
        thread.map_err(|source| StoreError::File { place: path.display().to_string(), source })?;
        open.await.unwrap_or_else(|_| Err(gone(&path)))?;
        Ok(Self { path, work, points: None, known })
    }

    pub(in crate::store) fn with_fault_points(self, points: FaultPoints) -> Self {
        Self { points, ..self }
    }

    pub(in crate::store) fn writes(&self) -> Writes {
        self.known.writes.lock().clone()
    }

    /// Whether the state was lost and this has not been reported yet.
    pub(in crate::store) fn is_untold(&self) -> bool {
        self.known.untold.load(Ordering::SeqCst)
    }

    pub(in crate::store) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Driver) -> Done<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(move |held| {
            held.look()?;
            held.read(work)
        })
        .await
    }

    /// Runs a transaction that is on disk when this returns.
    pub(in crate::store) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Driver) -> Done<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let points = self.points.clone();
        self.run(move |held| {
            held.look()?;
            held.write(&points, work)
        })
        .await
    }

    /// Runs a transaction soon, before any work that is requested later. It survives the end of the process but not of
    /// the machine; a failure is only logged.
    pub(in crate::store) fn write_soon(&self, work: impl FnOnce(&dyn Driver) -> Done<()> + Send + 'static) {
        // If the thread has ended, the next reading fails and says so.
        let _ = self.work.send(Box::new(move |held| {
            if let Err(error) = held.look().and_then(|()| held.write_lightly(work)) {
                tracing::warn!(%error, "store.request_not_remembered");
            }
        }));
    }

    /// Checks that the state is in its place, and puts it back if it is not.
    pub(in crate::store) async fn look(&self) -> Result<(), StoreError> {
        self.run(Held::look).await
    }

    /// Runs work outside of a transaction.
    pub(in crate::store) async fn whole<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(move |held| {
            held.look()?;
            let done = work(&held.db).map_err(|source| name(&held.path, source));
            if let Some(place) = &mut held.place {
                place.rewritten(&held.db);
            }
            done
        })
        .await
    }

    /// Writes a little, to see whether that works.
    pub(in crate::store) async fn touch(&self) -> Result<(), StoreError> {
        self.write(|db| lineage::count(db).map(drop)).await
    }

    /// How the state was last lost.
    pub(in crate::store) async fn loss(&self) -> Result<Option<Loss>, StoreError> {
        self.read(lineage::loss).await
    }

    /// Marks the loss of the state as reported.
    pub(in crate::store) async fn told(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |db| lineage::told(db, now)).await?;
        self.known.untold.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// A number that changes when another process has written something.
    pub(in crate::store) async fn version(&self) -> Result<i64, StoreError> {
        self.run(|held| {
            held.look()?;
            let read = held.db.query_row("PRAGMA data_version", [], |row| row.get(0));
            read.map_err(|source| name(&held.path, source))
        })
        .await
    }

    /// Gives the room of deleted rows back to the disk, and forgets files that were set aside before `before`.
    pub(in crate::store) async fn give_room_back(&self, before: Timestamp) {
        place::forget_aside(&self.path, before);
        // If another process reads the file, the next call gives the room back.
        while self.whole(space::give_back).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "store.room_kept");
            false
        }) {}
        // The log has the deleted rows, too.
        self.checkpoint().await;
    }

    /// Moves the write-ahead log into the file. The log stays where another process reads it, which is as safe.
    pub(in crate::store) async fn checkpoint(&self) {
        let moved = self.whole(|db| db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))).await;
        if let Err(error) = moved {
            tracing::debug!(%error, "store.log_not_moved");
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Held) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (done, result) = oneshot::channel();
        let sent = self.work.send(Box::new(move |held| {
            let _ = done.send(work(held));
        }));
        sent.map_err(|_| gone(&self.path))?;
        result.await.map_err(|_| gone(&self.path))?
    }
}

impl Held {
    fn open(path: Arc<PathBuf>, opening: Opening, known: Arc<Known>) -> Result<Self, StoreError> {
        if matches!(opening, Opening::Copy) {
            let db = connect_copy(&path)?;
            return Ok(Self { db, path, mark: None, place: None, known });
        }
        let lock = if matches!(opening, Opening::Run) { Some(Lock::take(&path)?) } else { None };
        let mut db = connect(&path)?;
        let named = |source| name(&path, source);
        let mut mark = Mark::of(&path);
        if let Some(loss) = lineage::compare(&mut db, mark.read().as_ref()).map_err(named)? {
            note(&path, &loss);
        }
        // A failure is ignored: a command that only reads must work where nothing may be written.
        mark.write(&lineage::of(&db).map_err(named)?);
        let place = match lock {
            Some(lock) => Some(StatePlace::of(lock, &mut db)?),
            None => None,
        };
        let untold = lineage::loss(&db).map_err(named)?.is_some_and(|loss| loss.told_at.is_none());
        known.untold.store(untold, Ordering::SeqCst);
        Ok(Self { db, path, mark: Some(mark), place, known })
    }

    fn look(&mut self) -> Result<(), StoreError> {
        let Some(place) = &mut self.place else { return Ok(()) };
        match place.look(&mut self.db) {
            Ok(None) => Ok(()),
            Ok(Some(loss)) => {
                note(&self.path, &loss);
                // From now on nothing else is sent before the loss was reported.
                self.known.untold.store(true, Ordering::SeqCst);
                let lineage = lineage::of(&self.db).map_err(|source| name(&self.path, source))?;
                self.written(Some(&lineage));
                Ok(())
            }
            Err(error) => {
                self.failed(&error);
                Err(error)
            }
        }
    }

    fn read<T>(&mut self, work: impl FnOnce(&dyn Driver) -> Done<T>) -> Result<T, StoreError> {
        // One transaction, so that several queries see the same state.
        let read = || {
            let transaction = self.db.transaction()?;
            let result = work(&*transaction)?;
            transaction.finish()?;
            Ok(result)
        };
        read().map_err(|source: DriverError| name(&self.path, source))
    }

    fn write<T>(&mut self, points: &FaultPoints, work: impl FnOnce(&dyn Driver) -> Done<T>) -> Result<T, StoreError> {
        match transact(&mut self.db, points, work) {
            Ok((result, lineage)) => {
                if lineage.is_some() {
                    self.known.writes.lock().done += 1;
                }
                self.written(lineage.as_ref());
                Ok(result)
            }
            Err(source) => {
                let error = name(&self.path, source);
                self.failed(&error);
                Err(error)
            }
        }
    }

    fn write_lightly(&mut self, work: impl FnOnce(&dyn Driver) -> Done<()>) -> Result<(), StoreError> {
        let lightly = || {
            self.db.pragma_update(None, "synchronous", "NORMAL")?;
            let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate);
            let result = transaction.map_err(DriverError::from).and_then(|transaction| {
                work(&*transaction)?;
                Ok(transaction.commit()?)
            });
            self.db.pragma_update(None, "synchronous", "FULL")?;
            result
        };
        let done = lightly().map_err(|source: DriverError| name(&self.path, source));
        self.written(None);
        done
    }

    fn written(&mut self, lineage: Option<&Lineage>) {
        if let Some((mark, lineage)) = self.mark.as_mut().zip(lineage) {
            mark.write(lineage);
        }
        if let Some(place) = &mut self.place {
            place.written(&self.db);
        }
    }

    fn failed(&self, error: &StoreError) {
        let mut writes = self.known.writes.lock();
        writes.taken_over |= matches!(error, StoreError::Locked { .. });
        writes.failed += 1;
        writes.why = error.to_string();
    }
}

/// Logs the loss for the operator; the watchdog and `status` report it as well.
fn note(path: &Path, loss: &Loss) {
    tracing::error!("state.lost: the state `{}`: {}", path.display(), loss.message());
}

/// Returns how far the state has come if anything was written.
fn transact<T>(
    db: &mut Connection,
    points: &FaultPoints,
    work: impl FnOnce(&dyn Driver) -> Done<T>,
) -> Done<(T, Option<Lineage>)> {
    let at = |point| points.iter().for_each(|hear| hear(point));
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    at("transaction.began");
    let before = transaction.total_changes();
    let result = work(&*transaction)?;
    let lineage = (transaction.total_changes() > before).then(|| lineage::count(&*transaction)).transpose()?;
    at("transaction.written");
    transaction.commit()?;
    at("transaction.committed");
    Ok((result, lineage))
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Owner({})", self.path.display())
    }
}

fn gone(path: &Path) -> StoreError {
    StoreError::Damaged { place: path.display().to_string(), what: "its thread has ended".to_owned() }
}
