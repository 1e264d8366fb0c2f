//! One poll's walks: which query fully, which only for what is new, and what they are evidence of.

use jiff::{SignedDuration, Timestamp};

use super::{gate::BudgetGate, poller::Mode};
use crate::{
    engine::{Observed, Query, observed::Coverage},
    inbox::{
        Client, InboxError, Walk, WalkEnd,
        walk::{Extent, Last, PageSize, walk},
    },
    model::{InboxMemory, snapshot::WalkMemory},
};

/// More pages than any inbox within the budget has.
pub const MOST_PAGES: u32 = 2_000;

/// What a narrow walk overlaps with the one before: clocks differ, and `lastSeenAt` may lag.
const OVERLAP: SignedDuration = SignedDuration::from_mins(2);

/// How a query is walked this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To its end.
    Full,
    /// Only what was seen since then, at most so many pages.
    Narrow {
        /// Since when.
        since: Timestamp,
        /// Pages.
        cap: u32,
    },
}

/// What one poll may spend.
#[derive(Clone, Copy, Debug)]
pub struct Means {
    /// Requests that are free now.
    pub free: usize,
    /// A poll's fair part of the budget.
    pub share: usize,
    /// A full walk at least this often.
    pub sweep_every: SignedDuration,
    /// The time.
    pub now: Timestamp,
}

/// Decides how each query is walked: all fully where that fits, else only those that are due for a
/// full walk, and the others for what is new.
pub fn reaches(queries: &[Query], memory: &InboxMemory, mode: Mode, means: Means) -> Vec<Reach> {
    let Means { free, share, sweep_every, now } = means;
    let known = |query: &Query| memory.walks.get(&query.id).cloned().unwrap_or_default();
    let pages = |query: &Query| usize::try_from(known(query).pages.max(1)).unwrap_or(usize::MAX);
    let needed: usize = queries.iter().map(pages).fold(0, usize::saturating_add);
    let affordable = match mode {
        Mode::Daemon => needed <= share.max(queries.len() * 2) && needed <= free,
        Mode::Once => needed <= free,
    };
    queries
        .iter()
        .map(|query| {
            let WalkMemory { ended_at, looked_at, .. } = known(query);
            let due = ended_at.is_none_or(|at| now.duration_since(at) >= sweep_every || at > now);
            match looked_at {
                Some(looked_at) if !(affordable || (mode == Mode::Daemon && due)) => Reach::Narrow {
                    since: looked_at.checked_sub(OVERLAP).unwrap_or(looked_at),
                    cap: u32::try_from(share / queries.len().max(1)).unwrap_or(1).max(1),
                },
                _ => Reach::Full,
            }
        })
        .collect()
}

/// Walks one query and notes what it is evidence of.
pub struct Walker<'a> {
    /// The client.
    pub client: &'a Client,
    /// The budget.
    pub gate: &'a BudgetGate,
    /// How often a walk goes on to an empty page, to confirm the page size.
    pub verify_every: SignedDuration,
    /// Hears of every page.
    pub progress: &'a (dyn Fn(u32) + Send + Sync),
}

impl Walker<'_> {
    /// One query; a torn walk is tried once more.
    ///
    /// # Errors
    /// The request that failed for good; what was seen until then is in `observed`.
    pub async fn query(
        &self,
        query: &Query,
        reach: Reach,
        memory: &mut InboxMemory,
        observed: &mut Observed,
        now: Timestamp,
    ) -> Result<(), InboxError> {
        let mut walk = self.walk(query, reach, memory, now).await;
        if walk.end == WalkEnd::Torn {
            take(&mut walk, observed);
            tracing::debug!(query.id, walk.pages, walk.unreadable, "walk.torn");
            walk = self.walk(query, reach, memory, now).await;
        }
        take(&mut walk, observed);
        note(query, reach, &walk, memory, observed, now);
        match walk.end {
            WalkEnd::Failed(error) => Err(error),
            WalkEnd::Complete | WalkEnd::Torn | WalkEnd::Capped => Ok(()),
        }
    }

    async fn walk(&self, query: &Query, reach: Reach, memory: &InboxMemory, now: Timestamp) -> Walk {
        let verified = memory.page_size_at.is_some_and(|at| now.duration_since(at) < self.verify_every && at <= now);
        let page_size = memory.page_size;
        match reach {
            Reach::Full => {
                let last = if verified { Last::Short } else { Last::Empty };
                let extent = Extent { page_size, last, cap: MOST_PAGES, now };
                walk(self.client, self.gate, &query.filter, extent, self.progress).await
            }
            Reach::Narrow { since, cap } => {
                let filter = query.filter.narrowed(since, now);
                let extent = Extent { page_size, last: Last::AnyShort, cap, now };
                walk(self.client, self.gate, &filter, extent, self.progress).await
            }
        }
    }
}

/// Notes what a walk taught and what it is evidence of.
fn note(query: &Query, reach: Reach, walk: &Walk, memory: &mut InboxMemory, observed: &mut Observed, now: Timestamp) {
    let remembered = memory.walks.entry(query.id.clone()).or_default();
    match walk.end {
        WalkEnd::Complete | WalkEnd::Torn => remembered.looked_at = Some(now),
        // More is new than a narrow walk may read: a full one is due.
        WalkEnd::Capped if reach != Reach::Full => remembered.ended_at = None,
        WalkEnd::Capped | WalkEnd::Failed(_) => {}
    }
    if reach != Reach::Full {
        return;
    }
    if walk.is_complete() {
        remembered.complete_at = Some(now);
        remembered.pages = walk.pages;
    } else {
        remembered.pages = remembered.pages.max(walk.pages);
    }
    match walk.page_size {
        PageSize::Confirmed(size) => (memory.page_size, memory.page_size_at) = (Some(size), Some(now)),
        PageSize::Wrong => (memory.page_size, memory.page_size_at) = (None, None),
        PageSize::Unchanged => {}
    }
    let ended = !matches!(walk.end, WalkEnd::Failed(_));
    if ended {
        remembered.ended_at = Some(now);
    }
    for rule in &query.rules {
        let coverage: &mut Coverage = observed.coverage.entry(rule.clone()).or_default();
        coverage.complete += u32::from(walk.is_complete());
        coverage.ended |= ended;
    }
}

fn take(walk: &mut Walk, observed: &mut Observed) {
    for contact in std::mem::take(&mut walk.contacts).into_values() {
        observed.see(contact);
    }
    observed.unreadable = observed.unreadable.max(walk.unreadable);
}

#[cfg(test)]
mod tests;
