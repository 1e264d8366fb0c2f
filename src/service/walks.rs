//! One poll's walks: which query fully, which only for what is new, and what they are evidence of. It is long because
//! what is decided of a walk, what it does and what it leaves behind are read together.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use jiff::{SignedDuration, Timestamp};

mod gap;
mod seen;

pub(crate) use self::gap::{Incomplete, MOST_PAGES};
use self::{
    gap::MOST_SEEN,
    seen::{AS_IT_PAGES, take, uneven},
};
use super::{api_clock::ApiClock, gate::Keeping, poller::Mode};
use crate::{
    engine::{Observed, Query, observed::Coverage},
    inbox::{
        Client, InboxError, Walk, WalkEnd,
        walk::{Extent, Last, PageSize, walk as read_pages},
    },
    model::{
        Filter, InboxMemory,
        clocks::{ask_since, shown_to},
        snapshot::{WalkMemory, WalkPart},
    },
};

/// How long after its beginning a full walk can go on where it stopped.
const GOES_ON_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// What a narrow walk overlaps with the one before: clocks differ, and `lastSeenAt` may lag.
const OVERLAP: SignedDuration = SignedDuration::from_mins(2);

/// How a query is walked this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WalkPlan {
    /// To its end.
    Full,
    /// Only what is new.
    Narrow(Recent),
    /// What is new, then a part of the full walk, which goes on where the last poll stopped.
    Part {
        /// What is new; nothing where nothing is old.
        news: Option<Recent>,
        /// Pages of the full walk.
        cap: u32,
    },
}

/// What is new: contacts seen since the walk before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recent {
    pub since: Timestamp,
    /// At most so many pages.
    pub cap: u32,
}

/// What one poll may spend.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestBudget {
    /// Requests that are free now.
    pub free: usize,
    /// A poll's fair part of the budget.
    pub requests_per_poll: usize,
    /// A full walk at least this often.
    pub sweep_every: SignedDuration,
    /// Whether the time is the API's own, and not only ours.
    pub dated: bool,
    pub now: Timestamp,
}

/// Decides how each query is walked: all fully where that fits; else for what is new, and those that
/// are due for a full walk a part of it at a time.
pub(crate) fn reaches(queries: &[Query], memory: &InboxMemory, mode: Mode, means: RequestBudget) -> Vec<WalkPlan> {
    let RequestBudget { free, requests_per_poll, sweep_every, dated, now } = means;
    let known = |query: &Query| memory.walks.get(&query.id).cloned().unwrap_or_default();
    let pages = |query: &Query| usize::try_from(known(query).pages.max(1)).unwrap_or(usize::MAX);
    let needed: usize = queries.iter().map(pages).fold(0, usize::saturating_add);
    let count = queries.len().max(1);
    let allowance = match mode {
        Mode::Daemon => requests_per_poll.max(count * 2).min(free),
        Mode::Once => free,
    };
    let most = |pages: usize| u32::try_from(pages.max(1)).unwrap_or(u32::MAX);
    queries
        .iter()
        .map(|query| {
            let WalkMemory { ended_at, looked_at, shown_to, part, .. } = known(query);
            let Some(looked_at) = looked_at else {
                // How long it is, is not known: what is free now is read now, the rest next time.
                return WalkPlan::Part { news: None, cap: most(free / count) };
            };
            let fits = needed <= allowance;
            if fits && (part.is_none() || now.duration_since(looked_at) < OVERLAP) {
                return WalkPlan::Full;
            }
            let since = ask_since(looked_at, shown_to, dated);
            let since = since.checked_sub(OVERLAP).unwrap_or(since);
            let (each, burst) = match mode {
                // Half of what is free is left for the polls that come before a minute has passed.
                Mode::Daemon => (requests_per_poll / count, free / 2 / count),
                Mode::Once => (free / count, 0),
            };
            if fits {
                // Who came since this walk began is not on the pages that are left of it.
                let news = Recent { since, cap: most(each / 2) };
                return WalkPlan::Part { news: Some(news), cap: MOST_PAGES };
            }
            let due = ended_at.is_none_or(|at| now.duration_since(at) >= sweep_every || at > now);
            if mode == Mode::Once || due || part.is_some() {
                let news = Recent { since, cap: most(each / 2) };
                WalkPlan::Part { news: Some(news), cap: most(burst.max(each - each / 2)) }
            } else {
                WalkPlan::Narrow(Recent { since, cap: most(each) })
            }
        })
        .collect()
}

/// What a walk is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkKind {
    /// Everything, or a part of it.
    Full,
    /// What is new.
    Narrow,
}

impl WalkKind {
    /// The name for metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Narrow => "narrow",
        }
    }
}

/// Walks one query and notes what it is evidence of.
pub(crate) struct Walker<'a> {
    pub client: &'a Client,
    /// The budget, without what is kept for others.
    pub gate: Keeping<'a>,
    /// The time by the API's clock.
    pub clock: &'a ApiClock,
    /// How often a walk goes on to an empty page, to confirm the page size.
    pub verify_every: SignedDuration,
    /// Hears of every page.
    pub progress: &'a (dyn Fn(u32) + Send + Sync),
    /// Hears how every walk ended.
    pub ended: &'a (dyn Fn(WalkKind, &str) + Send + Sync),
    /// How many bytes this poll may still keep of what the API sends.
    pub room: AtomicUsize,
    /// How many there were.
    pub most_bytes: usize,
}

impl Walker<'_> {
    /// One query; a torn walk is tried once more. Gives what was missing in what it read.
    ///
    /// # Errors
    /// The request that failed for good; what was seen until then is in `observed`.
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

    /// What is new, which is evidence of nobody's absence.
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
            // It is evidence of nobody's absence anyway.
            walk.end = WalkEnd::Complete;
        }
        let remembered = memory.walks.entry(query.id.clone()).or_default();
        let gap = self.gap(&walk);
        match walk.end {
            WalkEnd::Complete | WalkEnd::Torn | WalkEnd::Uneven | WalkEnd::TooLarge => {
                (remembered.looked_at, remembered.shown_to) = (Some(now), memory.shown_to);
            }
            // More is new than may be read so: a full walk is due.
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
            // Counted as a walk of its own.
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
            // What fits into memory is judged, and the next poll goes on behind it.
            walk.end = WalkEnd::Capped;
        }
        let shown = self.shown_to(&walk);
        let stopped = note(query, &walk, (part, shown), memory, observed, now);
        take(query, &mut walk, observed, now);
        let gap = self.gap(&walk);
        match walk.end {
            WalkEnd::Capped if !stopped => Ok(gap.or(Some(Incomplete::TooLong))),
            // No slot is left in this run: the next one goes on.
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

/// Whether a walk can go on where it stopped: records move, so not for long.
fn is_usable(part: &WalkPart, now: Timestamp) -> bool {
    part.began_at <= now && now.duration_since(part.began_at) < GOES_ON_WITHIN && part.pages < MOST_PAGES
}

/// Notes what a full walk, or the next part of one, taught and what it is evidence of; gives whether it goes on.
fn note(
    query: &Query,
    walk: &Walk,
    (part, shown): (Option<WalkPart>, Option<Timestamp>),
    memory: &mut InboxMemory,
    observed: &mut Observed,
    now: Timestamp,
) -> bool {
    let before = part.as_ref().map_or(0, |part| part.pages);
    // What was shown when it began; a walk that begins anew forgets a time that no record has any more.
    let shown_before = part.as_ref().map_or(memory.shown_to, |part| part.shown_to).or(shown);
    memory.shown_to = if before == 0 && shown.is_some() { shown } else { memory.shown_to.max(shown) };
    let began_at = part.as_ref().map_or(now, |part| part.began_at);
    let pages = before + walk.pages;
    let remembered = memory.walks.entry(query.id.clone()).or_default();
    let stopped = match walk.end {
        WalkEnd::Capped => {
            let seen = part.as_ref().map_or(0, |part| part.seen.len());
            pages < MOST_PAGES && seen.saturating_add(walk.contacts.len()) < MOST_SEEN
        }
        WalkEnd::Failed(InboxError::OutOfTime) => true,
        // What was read in earlier polls stays read.
        WalkEnd::Failed(_) => part.is_some(),
        WalkEnd::Complete | WalkEnd::Torn | WalkEnd::Uneven | WalkEnd::TooLarge => false,
    };
    // Who came since the first part began is what the next narrow walk looks at.
    if stopped || matches!(walk.end, WalkEnd::Complete | WalkEnd::Torn | WalkEnd::Uneven | WalkEnd::TooLarge) {
        remembered.looked_at = Some(remembered.looked_at.map_or(began_at, |looked| looked.max(began_at)));
        remembered.shown_to = remembered.shown_to.max(shown_before);
    }
    remembered.pages = if walk.is_complete() { pages } else { remembered.pages.max(pages) };
    if walk.is_complete() {
        (remembered.complete_at, remembered.whole_at) = (Some(began_at), Some(now));
        remembered.filled = walk.filled;
        // Even pages down to an empty one: so it pages again.
        if matches!(walk.page_size, PageSize::Confirmed(_)) {
            remembered.uneven = 0;
        }
    }
    if stopped {
        let mut part =
            part.unwrap_or(WalkPart { began_at, pages: 0, seen: BTreeSet::new(), torn: false, shown_to: shown_before });
        part.pages = pages;
        part.torn |= walk.unreadable > 0;
        part.seen.extend(walk.contacts.keys().map(|id| id.0.clone()));
        remembered.part = Some(part);
        return true;
    }
    match walk.page_size {
        PageSize::Confirmed(size) => (memory.page_size, memory.page_size_at) = (Some(size), Some(now)),
        PageSize::Wrong => (memory.page_size, memory.page_size_at) = (None, None),
        PageSize::Unchanged => {}
    }
    remembered.shown_to = remembered.shown_to.min(memory.shown_to).or(remembered.shown_to);
    let hides = uneven(query, memory) >= AS_IT_PAGES;
    let remembered = memory.walks.entry(query.id.clone()).or_default();
    let ended = !matches!(walk.end, WalkEnd::Failed(_));
    if ended {
        remembered.ended_at = Some(now);
    }
    for rule in &query.rules {
        let coverage: &mut Coverage = observed.coverage.entry(rule.clone()).or_default();
        coverage.complete += u32::from(walk.is_complete());
        coverage.ended |= ended;
        if hides {
            observed.uneven.insert(rule.clone());
        }
        if let Some(part) = &part {
            observed.earlier.insert(rule.clone(), part.clone());
        }
    }
    false
}

#[cfg(test)]
mod tests;
