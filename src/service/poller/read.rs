//! What a poll asks of the inbox: walks, look-ups of missing contacts, names of segments. It changes no state.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    Poller,
    poll::{InboxReading, Poll},
};
use crate::{
    clock::Clock,
    engine::{
        Observed, missing, plan,
        reach::{Mode, RequestBudget, WalkPlan, reaches},
    },
    inbox::InboxError,
    model::{Alert, Contact, Filter, InboxMemory, Snapshot},
    rules::Rule,
    service::walks::{WalkKind, Walker},
    store::StoreError,
};

/// The shortest time between two requests for the names of segments.
const SEGMENTS_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// The time limit of that request, since an alert waits for it.
const NAMES_WITHIN: Duration = Duration::from_secs(3);

/// The least share of the memory for a query, where that much is left, since a walk continues by whole pages.
const LARGE_PAGE: usize = 4 << 20;

/// The number of look-ups in a poll while everybody is gone; they are enough to notice that somebody is back.
const WHILE_DOUBTED: usize = 3;

impl Poller {
    /// The steps of a poll that ask the inbox; all of them mean the same moment.
    pub(super) async fn read(
        &self,
        mode: Mode,
        progress: &(dyn Fn(u32) + Send + Sync),
    ) -> Result<InboxReading, StoreError> {
        let began = self.clock.now();
        self.shared.at("poll.began");
        self.knowledge.reading();

        // 2. Read the state.
        let snapshot = self.snapshot().await?;
        let memory = snapshot.memory.clone();
        self.shared.learn_segments(&memory.segments);

        // 3. Plan the fewest queries that serve all rules.
        let live = self.shared.live();
        let rules = live.rules.of_inbox(&self.inbox);
        let queries = plan::queries(&rules);

        // 4. Walk them.
        let sights = Some(self.knowledge.sights(self.late_at(&memory, began)));
        let observed = Observed { sights, ..Observed::default() };
        let mut poll = Poll { mode, now: began, queries, memory, observed, gap: None };
        let failure = self.walk(&mut poll, progress).await;
        self.settle(&mut poll);
        poll.observed.fresh = failure.is_none();

        // 5. Look up firing contacts that are missing, unless the inbox cannot be reached.
        let failure = match failure {
            failure @ (None | Some(InboxError::BadRequest { .. })) => {
                failure.or(self.find_missing(&rules, &snapshot, &mut poll).await)
            }
            failed => failed,
        };
        Ok(InboxReading { live, poll, failure })
    }

    /// Makes the measured time of the API's clock count, and moves this poll's times to it.
    fn settle(&self, poll: &mut Poll) {
        let before = self.clock.ahead();
        self.clock.settle();
        let ahead = self.clock.ahead();
        self.shared.learn_clock(&self.inbox, ahead);
        if ahead == before {
            return;
        }
        tracing::info!(
            inbox = self.inbox,
            seconds = ahead.as_secs(),
            "clock.differs: this machine's clock is ahead of the API's by this time"
        );
        let by = before - ahead;
        self.knowledge.moved(by);
        if let Some(sights) = &mut poll.observed.sights {
            sights.moved(by);
        }
        let began = poll.now.checked_add(by).unwrap_or(poll.now);
        poll.memory.began_rather(poll.now, began);
        poll.now = began;
    }

    fn walker<'a>(
        &'a self,
        progress: &'a (dyn Fn(u32) + Send + Sync),
        ended: &'a (dyn Fn(WalkKind, &str) + Send + Sync),
    ) -> Walker<'a> {
        Walker {
            client: &self.client,
            gate: self.gate.keeping(self.gate.kept_for_due()),
            clock: &self.clock,
            verify_every: self.sweep_every,
            progress,
            ended,
            room: AtomicUsize::new(self.most_bytes),
            most_bytes: self.most_bytes,
        }
    }

    async fn walk(&self, poll: &mut Poll, progress: &(dyn Fn(u32) + Send + Sync)) -> Option<InboxError> {
        let Poll { mode, now, queries, memory, observed, gap } = poll;
        let now = *now;
        if *mode == Mode::Once {
            self.gate.wait_out().await;
        }
        let free = self.gate.free().await.saturating_sub(self.gate.kept_for_due().requests);
        let dated = self.clock.measured().is_some();
        let means = RequestBudget {
            free,
            requests_per_poll: self.requests_per_poll,
            sweep_every: self.sweep_every,
            dated,
            now,
        };
        let ended = |kind: WalkKind, outcome: &str| self.shared.metrics.walked(&self.inbox, kind, outcome);
        let walker = self.walker(progress, &ended);
        let mut failure = None;
        let mut room = self.most_bytes;
        for (place, (query, reach)) in queries.iter().zip(reaches(queries, memory, *mode, means)).enumerate() {
            // What one query leaves over is shared by the others.
            let share = (room / (queries.len() - place)).max(LARGE_PAGE.min(room));
            walker.room.store(share, Ordering::Relaxed);
            let read = walker.query(query, reach, memory, observed, now).await;
            room = room.saturating_sub(share.saturating_sub(walker.room.load(Ordering::Relaxed)));
            match read {
                Ok(missing) => *gap = gap.filter(|gap| gap.is_fault()).or(missing).or(*gap),
                // The API may accept the other queries.
                Err(error @ InboxError::BadRequest { .. }) => failure = Some(error),
                Err(error) => return Some(error),
            }
        }
        failure
    }

    /// Looks up firing contacts that were not seen; a one-shot run then walks again, to confirm the absence of those
    /// that were not found.
    async fn find_missing(&self, rules: &[Arc<Rule>], snapshot: &Snapshot, poll: &mut Poll) -> Option<InboxError> {
        let Poll { mode, now, queries, memory, observed, .. } = poll;
        let now = *now;
        let mut wanted: Vec<Contact> = missing::to_look_up(rules, snapshot, observed).into_iter().cloned().collect();
        if memory.doubt.emptied.is_some() {
            wanted.truncate(WHILE_DOUBTED);
        }
        let mut failure = None;
        for contact in wanted {
            match self.look_up(&contact, observed, now).await {
                Ok(()) => {
                    let id = contact.contact_id();
                    if observed.contacts.contains_key(&id) {
                        observed.found.insert(id);
                    }
                }
                Err(InboxError::OutOfTime) => return failure,
                // The API may refuse one contact's search text and accept the others.
                Err(error @ InboxError::BadRequest { .. }) => failure = Some(error),
                Err(error) => return Some(error),
            }
        }
        if *mode == Mode::Daemon {
            return failure;
        }
        let unsure = missing::rules_to_confirm(rules, snapshot, observed);
        let ended = |kind: WalkKind, outcome: &str| self.shared.metrics.walked(&self.inbox, kind, outcome);
        let walker = self.walker(&|_| {}, &ended);
        for query in queries.iter().filter(|query| query.rules.iter().any(|rule| unsure.contains(rule))) {
            match walker.query(query, WalkPlan::Full, memory, observed, now).await {
                // Without time for a second walk, the next run confirms.
                Ok(_) | Err(InboxError::OutOfTime) => {}
                Err(error) => return Some(error),
            }
        }
        failure
    }

    /// Looks up one contact with one small request, if it has a search text; if found, it counts as seen.
    pub(super) async fn look_up(
        &self,
        contact: &Contact,
        observed: &mut Observed,
        now: Timestamp,
    ) -> Result<(), InboxError> {
        let Some(search) = contact.search_text() else { return Ok(()) };
        let page = self.client.page(&self.gate, &Filter::for_look_up(&search), 1, now).await?;
        let at = page.asked_at;
        page.contacts.into_iter().filter(|found| found.id == contact.id).for_each(|found| observed.see_at(found, at));
        Ok(())
    }

    /// Gets the names of segments, if an alert shows segments without one. Nothing depends on them: where they are
    /// refused, the ids are shown.
    pub(super) async fn name_segments(&self, alerts: &[Alert], memory: &mut InboxMemory) {
        let now = self.clock.now();
        let unnamed = alerts
            .iter()
            .flat_map(|alert| &alert.contact.segments)
            .any(|segment| !memory.segments.contains_key(segment));
        let recent = memory.segments_at.is_some_and(|at| now.duration_since(at) < SEGMENTS_EVERY && at <= now);
        // An alert must not wait for a slot.
        if !unnamed || recent || self.gate.free().await == 0 {
            return;
        }
        memory.segments_at = Some(now);
        let fault = match tokio::time::timeout(NAMES_WITHIN, self.client.segments(&self.gate)).await {
            Ok(Ok(segments)) => {
                memory.segments = segments;
                return self.shared.learn_segments(&memory.segments);
            }
            Ok(Err(error)) => error.name(),
            Err(_) => "timeout",
        };
        tracing::info!(inbox = self.inbox, fault, "segments.unknown: their ids are shown");
    }
}
