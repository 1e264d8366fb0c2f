//! Does one poll's walks as planned: requests, second tries, and what each walk has shown.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::{SignedDuration, Timestamp};
use strum::IntoStaticStr;

mod seen;

use self::seen::take;
use super::{api_clock::ApiClock, gate::Keeping};
use crate::{
    engine::{
        Observed, Query,
        reach::{AS_IT_PAGES, FullWalk, Incomplete, MOST_PAGES, Reached, Recent, WalkPlan, is_usable, note, uneven},
    },
    inbox::{
        Client, InboxError, Walk, WalkEnd,
        walk::{Extent, Last, walk as read_pages},
    },
    model::{Filter, InboxMemory, clocks::shown_to, snapshot::WalkPart},
};

/// What a walk is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum WalkKind {
    /// All contacts of a query, or a part of them.
    Full,
    /// Recently active contacts.
    Narrow,
}

impl WalkKind {
    /// The name for metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Walks one query and notes what the walk is evidence of.
pub(crate) struct Walker<'a> {
    pub client: &'a Client,
    /// The budget, without what is kept for others.
    pub gate: Keeping<'a>,
    pub clock: &'a ApiClock,
    /// How often a walk goes on to an empty page, to confirm the page size.
    pub verify_every: SignedDuration,
    /// Is called for every page, with its number.
    pub progress: &'a (dyn Fn(u32) + Send + Sync),
    /// Is called at the end of every walk, with its outcome.
    pub ended: &'a (dyn Fn(WalkKind, &str) + Send + Sync),
    /// How many bytes of the API's answers this poll may still keep.
    pub room: AtomicUsize,
    /// How many bytes the whole poll may keep.
    pub most_bytes: usize,
}

impl Walker<'_> {
    /// Walks one query; a torn walk is tried once more. Returns what is incomplete in what it read.
    ///
    /// # Errors
    /// The request that failed for good; what was seen before that is in `observed`.
    pub(crate) async fn query(
        &self,
        query: &Query,
        reach: WalkPlan,
        memory: &mut InboxMemory,
        observed: &mut Observed,
        now: Timestamp,
    ) -> Result<Option<Incomplete>, InboxError> {
        let (news, cap) = match reach {
            WalkPlan::Full => (None, Some(MOST_PAGES)),
            WalkPlan::Narrow(news) => (Some(news), None),
            WalkPlan::Part { news, cap } => (news, Some(cap)),
        };
        let mut gap = None;
        if let Some(news) = news {
            gap = self.news(query, news, memory, observed, now).await?;
        }
        if let Some(cap) = cap {
            gap = self.sweep(query, cap, memory, observed, now).await?.or(gap);
        }
        Ok(gap)
    }

    async fn pages(&self, filter: &Filter, kind: WalkKind, extent: Extent) -> Walk {
        let extent = Extent { room: self.room.load(Ordering::Relaxed), ..extent };
        let walk = read_pages(self.client, &self.gate, filter, extent, self.progress).await;
        self.room.store(extent.room.saturating_sub(walk.bytes), Ordering::Relaxed);
        let outcome = match walk.end {
            WalkEnd::Complete => "complete",
            WalkEnd::Torn | WalkEnd::Uneven => "torn",
            WalkEnd::Capped | WalkEnd::TooLarge | WalkEnd::Failed(InboxError::OutOfTime) => "capped",
            WalkEnd::Failed(_) => "failed",
        };
        (self.ended)(kind, outcome);
        walk
    }

    /// The newest time that a walk has shown.
    fn shown_to(&self, walk: &Walk) -> Option<Timestamp> {
        shown_to(walk.contacts.values(), self.clock.measured_now(), self.clock.measured().is_some())
    }

    /// What of a walk was not read, or not understood.
    fn gap(&self, walk: &Walk) -> Option<Incomplete> {
        match walk.end {
            WalkEnd::TooLarge => Some(Incomplete::TooLarge(self.most_bytes >> 20)),
            _ if walk.unreadable > 0 => Some(Incomplete::Unreadable(walk.unreadable)),
            WalkEnd::Torn => Some(Incomplete::Torn),
            WalkEnd::Uneven => Some(Incomplete::Uneven),
            WalkEnd::Complete | WalkEnd::Capped | WalkEnd::Failed(_) => None,
        }
    }

    /// Walks recently active contacts; this is not evidence of anybody's absence.
    async fn news(
        &self,
        query: &Query,
        news: Recent,
        memory: &mut InboxMemory,
        observed: &mut Observed,
        now: Timestamp,
    ) -> Result<Option<Incomplete>, InboxError> {
        let filter = query.filter.narrowed(news.since, now);
        let extent = Extent {
            page_size: memory.page_size,
            last: Last::AnyShort,
            first: 1,
            cap: news.cap,
            filled: 0,
            room: self.most_bytes,
            now,
        };
        let mut walk = self.pages(&filter, WalkKind::Narrow, extent).await;
        if walk.end == WalkEnd::Torn {
            take(query, &mut walk, observed, now);
            walk = self.pages(&filter, WalkKind::Narrow, extent).await;
        }
        memory.shown_to = memory.shown_to.max(self.shown_to(&walk));
        take(query, &mut walk, observed, now);
        if walk.end == WalkEnd::Uneven {
            // A narrow walk is not evidence of absence anyway.
            walk.end = WalkEnd::Complete;
        }
        let remembered = memory.walks.entry(query.id.clone()).or_default();
        let gap = self.gap(&walk);
        match walk.end {
            WalkEnd::Complete | WalkEnd::Torn | WalkEnd::Uneven | WalkEnd::TooLarge => {
                (remembered.looked_at, remembered.shown_to) = (Some(now), memory.shown_to);
            }
            // More is new than may be read in this way, so a full walk is due.
            WalkEnd::Capped => {
                remembered.ended_at = None;
                return Ok(gap.or(Some(Incomplete::Behind)));
            }
            WalkEnd::Failed(error) => return Err(error),
        }
        Ok(gap)
    }

    /// A full walk, or the next `cap` pages of it.
    async fn sweep(
        &self,
        query: &Query,
        cap: u32,
        memory: &mut InboxMemory,
        observed: &mut Observed,
        now: Timestamp,
    ) -> Result<Option<Incomplete>, InboxError> {
        let verified = memory.page_size_at.is_some_and(|at| now.duration_since(at) < self.verify_every && at <= now);
        let last = if verified { Last::Short } else { Last::Empty };
        let remembered = memory.walks.entry(query.id.clone()).or_default();
        remembered.first_at.get_or_insert(now);
        let filled = remembered.filled;
        let mut part = remembered.part.take().filter(|part| is_usable(part, now));
        let from = |part: Option<&WalkPart>| Extent {
            page_size: memory.page_size,
            last,
            first: part.map_or(1, |part| part.pages + 1),
            cap,
            filled,
            room: self.most_bytes,
            now,
        };
        let mut walk = self.pages(&query.filter, WalkKind::Full, from(part.as_ref())).await;
        if walk.is_complete() && part.as_ref().is_some_and(|part| part.torn) {
            walk.end = WalkEnd::Torn;
        }
        if walk.end == WalkEnd::Torn {
            take(query, &mut walk, observed, now);
            tracing::debug!(query.id, walk.pages, walk.unreadable, "walk.torn");
            part = None;
            walk = self.pages(&query.filter, WalkKind::Full, from(None)).await;
        } else if walk.end == WalkEnd::Uneven && uneven(query, memory) + 1 < AS_IT_PAGES {
            // This counts as a walk of its own.
            take(query, &mut walk, observed, now);
            memory.walks.entry(query.id.clone()).or_default().uneven += 1;
            part = None;
            walk = self.pages(&query.filter, WalkKind::Full, from(None)).await;
        }
        if walk.end == WalkEnd::Uneven {
            let remembered = memory.walks.entry(query.id.clone()).or_default();
            remembered.uneven = remembered.uneven.saturating_add(1);
            if remembered.uneven >= AS_IT_PAGES {
                walk.end = WalkEnd::Complete;
            }
        }
        if walk.end == WalkEnd::TooLarge && walk.pages > 0 {
            // What fits into memory is judged, and the next poll continues behind it.
            walk.end = WalkEnd::Capped;
        }
        let stopped = note(query, evidence(&walk, self.shown_to(&walk)), part, memory, observed, now);
        take(query, &mut walk, observed, now);
        let gap = self.gap(&walk);
        match walk.end {
            WalkEnd::Capped if !stopped => Ok(gap.or(Some(Incomplete::TooLong))),
            // No slot is left in this run, and the next run continues.
            WalkEnd::Failed(InboxError::OutOfTime)
            | WalkEnd::Complete
            | WalkEnd::Torn
            | WalkEnd::Uneven
            | WalkEnd::Capped
            | WalkEnd::TooLarge => Ok(gap),
            WalkEnd::Failed(error) => Err(error),
        }
    }
}

/// What the engine needs of a full walk.
fn evidence(walk: &Walk, shown_to: Option<Timestamp>) -> FullWalk {
    let end = match walk.end {
        WalkEnd::Complete => Reached::Complete,
        WalkEnd::Uneven => Reached::Uneven,
        WalkEnd::Torn => Reached::Torn,
        WalkEnd::Capped => Reached::Capped,
        WalkEnd::TooLarge => Reached::TooLarge,
        WalkEnd::Failed(InboxError::OutOfTime) => Reached::Unfinished,
        WalkEnd::Failed(_) => Reached::Failed,
    };
    let Walk { pages, filled, unreadable, page_size, .. } = *walk;
    let may_go_on = matches!(end, Reached::Capped | Reached::Unfinished | Reached::Failed);
    let seen = walk.contacts.keys().filter(|_| may_go_on).map(|id| id.0.clone()).collect();
    FullWalk { end, pages, filled, unreadable, page_size, seen, shown_to }
}
