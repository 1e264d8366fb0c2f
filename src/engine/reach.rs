//! How far each query is walked in one poll, and what a walk proves.

use std::{collections::BTreeSet, fmt};

use jiff::{SignedDuration, Timestamp};

use super::{Observed, Query, observed::Coverage};
use crate::model::{
    InboxMemory,
    clocks::ask_since,
    snapshot::{PageSize, WalkMemory, WalkPart},
};

/// Time after its beginning within which a full walk can go on where it stopped.
const GOES_ON_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// The overlap of a narrow walk with the one before: clocks differ, and `lastSeenAt` may lag.
const OVERLAP: SignedDuration = SignedDuration::from_mins(2);

/// The number of walks in a row with pages of different sizes after which that counts as normal for this API.
pub(crate) const AS_IT_PAGES: u32 = 3;

/// The limit of pages; no inbox within the budget has more.
pub(crate) const MOST_PAGES: u32 = 2_000;

/// The limit of customers that a walk over several polls remembers.
const MOST_SEEN: usize = 200_000;

/// How pengwatch runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The next poll comes soon.
    Daemon,
    /// The next run may come late: what is missing is confirmed at once.
    Once,
}

/// How far a query is walked this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WalkPlan {
    /// To its end.
    Full,
    /// New contacts only.
    Narrow(Recent),
    /// New contacts, then a part of the full walk, which goes on where the last poll stopped.
    Part {
        /// The new contacts; `None` on a first walk.
        news: Option<Recent>,
        /// The page limit for the full walk.
        cap: u32,
    },
}

/// The new contacts: those seen since the walk before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recent {
    pub since: Timestamp,
    /// The page limit.
    pub cap: u32,
}

/// The requests that one poll may spend.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestBudget {
    /// Requests that are free now.
    pub free: usize,
    /// A poll's fair share of the budget.
    pub requests_per_poll: usize,
    /// The longest time between two full walks.
    pub sweep_every: SignedDuration,
    /// Whether `now` is the API's own time and not only ours.
    pub dated: bool,
    pub now: Timestamp,
}

/// Decides how far each query is walked. All are walked fully where that fits; else each is walked for new contacts,
/// and those that are due for a full walk get a part of it at a time.
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
                // The length is not known: what is free now is read now, the rest next time.
                return WalkPlan::Part { news: None, cap: most(free / count) };
            };
            let fits = needed <= allowance;
            if fits && (part.is_none() || now.duration_since(looked_at) < OVERLAP) {
                return WalkPlan::Full;
            }
            let since = ask_since(looked_at, shown_to, dated);
            let since = since.checked_sub(OVERLAP).unwrap_or(since);
            let (each, burst) = match mode {
                // Half of what is free is left for the polls within the next minute.
                Mode::Daemon => (requests_per_poll / count, free / 2 / count),
                Mode::Once => (free / count, 0),
            };
            if fits {
                // New contacts since this walk began are not on its remaining pages.
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

/// Why a poll without a failed request did not read everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incomplete {
    /// Some records were not understood.
    Unreadable(usize),
    /// Pages repeated earlier records.
    Torn,
    /// Pages differ in size.
    Uneven,
    /// Most of the customers who waited are gone at once: how many, of how many.
    Emptied(usize, usize),
    /// There are more pages than any inbox has.
    TooLong,
    /// The records need more than this many MiB.
    TooLarge(usize),
    /// There are more new contacts than a narrow walk may read: the next polls go on.
    Behind,
}

impl Incomplete {
    /// Whether the next poll cannot make up for it by itself.
    pub fn is_fault(self) -> bool {
        self != Self::Behind
    }
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(1) => f.write_str("1 record was not understood"),
            Self::Unreadable(count) => write!(f, "{count} records were not understood"),
            Self::Torn => f.write_str("the API's pages repeated earlier records, twice"),
            Self::Uneven => f.write_str("the API's pages differ in size, and may hide customers"),
            Self::Emptied(gone, open) => {
                write!(f, "{gone} of {open} customers whose alerts fire are gone at once, and no look-up finds anybody")
            }
            Self::TooLong => write!(f, "the API returns more than {MOST_PAGES} pages or {MOST_SEEN} customers"),
            Self::TooLarge(mebibytes) => {
                write!(f, "the API returns more than the {mebibytes} MiB of memory that a poll keeps")
            }
            Self::Behind => f.write_str("there is more new than could be read"),
        }
    }
}

/// How a full walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    /// At its end, and everything was understood.
    Complete,
    /// At its end after pages of different sizes: some customers may be missing.
    Uneven,
    /// Pages repeated earlier records, or a record was not understood.
    Torn,
    /// At the page limit.
    Capped,
    /// The next page needs more memory than is left.
    TooLarge,
    /// No request was free any more.
    Unfinished,
    /// A request failed for good.
    Failed,
}

/// The result of a full walk, or of the next part of one.
#[derive(Clone, Debug)]
pub(crate) struct FullWalk {
    pub end: Reached,
    pub pages: u32,
    /// The number of the last page with records.
    pub filled: u32,
    pub unreadable: usize,
    /// What the walk shows about the page size.
    pub page_size: PageSize,
    /// Ids of the contacts that it showed; empty if it came to its end.
    pub seen: BTreeSet<String>,
    /// The newest time in its records.
    pub shown_to: Option<Timestamp>,
}

/// Whether a walk can go on where it stopped. Records move, so this holds for a limited time.
pub(crate) fn is_usable(part: &WalkPart, now: Timestamp) -> bool {
    part.began_at <= now && now.duration_since(part.began_at) < GOES_ON_WITHIN && part.pages < MOST_PAGES
}

/// The number of walks in a row with pages of different sizes.
pub(crate) fn uneven(query: &Query, memory: &InboxMemory) -> u32 {
    memory.walks.get(&query.id).map_or(0, |walk| walk.uneven)
}

/// Notes what a full walk, or the next part of one, shows and proves; returns whether it goes on. `part` is what
/// earlier polls read of it.
pub(crate) fn note(
    query: &Query,
    walk: FullWalk,
    part: Option<WalkPart>,
    memory: &mut InboxMemory,
    observed: &mut Observed,
    now: Timestamp,
) -> bool {
    let is_complete = walk.end == Reached::Complete;
    let before = part.as_ref().map_or(0, |part| part.pages);
    // The newest time shown when the walk began. A walk that begins anew forgets a time that no record has any more.
    let shown_before = part.as_ref().map_or(memory.shown_to, |part| part.shown_to).or(walk.shown_to);
    memory.shown_to =
        if before == 0 && walk.shown_to.is_some() { walk.shown_to } else { memory.shown_to.max(walk.shown_to) };
    let began_at = part.as_ref().map_or(now, |part| part.began_at);
    let pages = before + walk.pages;
    let remembered = memory.walks.entry(query.id.clone()).or_default();
    let stopped = match walk.end {
        Reached::Capped => {
            let seen = part.as_ref().map_or(0, |part| part.seen.len());
            pages < MOST_PAGES && seen.saturating_add(walk.seen.len()) < MOST_SEEN
        }
        Reached::Unfinished => true,
        // The pages that earlier polls read are kept.
        Reached::Failed => part.is_some(),
        Reached::Complete | Reached::Torn | Reached::Uneven | Reached::TooLarge => false,
    };
    // The next narrow walk looks at contacts that came since the first part began.
    if stopped || matches!(walk.end, Reached::Complete | Reached::Torn | Reached::Uneven | Reached::TooLarge) {
        remembered.looked_at = Some(remembered.looked_at.map_or(began_at, |looked| looked.max(began_at)));
        remembered.shown_to = remembered.shown_to.max(shown_before);
    }
    remembered.pages = if is_complete { pages } else { remembered.pages.max(pages) };
    if is_complete {
        (remembered.complete_at, remembered.whole_at) = (Some(began_at), Some(now));
        remembered.filled = walk.filled;
        // Pages of equal size down to an empty one: the API pages normally again.
        if matches!(walk.page_size, PageSize::Confirmed(_)) {
            remembered.uneven = 0;
        }
    }
    if stopped {
        let mut part =
            part.unwrap_or(WalkPart { began_at, pages: 0, seen: BTreeSet::new(), torn: false, shown_to: shown_before });
        part.pages = pages;
        part.torn |= walk.unreadable > 0;
        part.seen.extend(walk.seen);
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
    let ended = !matches!(walk.end, Reached::Failed | Reached::Unfinished);
    if ended {
        remembered.ended_at = Some(now);
    }
    for rule in &query.rules {
        let coverage: &mut Coverage = observed.coverage.entry(rule.clone()).or_default();
        coverage.complete += u32::from(is_complete);
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
