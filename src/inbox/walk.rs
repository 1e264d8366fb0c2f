//! Reads all pages of a query, and says whether they were all.
//!
//! The API documents neither a page size nor a total, and records move between pages during a walk. Each walk states
//! whether it is complete; only a complete walk is evidence of absence.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use super::{Client, Gate, InboxError};
use crate::model::{Contact, ContactId, Filter, snapshot::PageSize};

/// The number of consecutive pages without a new contact that ends a walk.
const STALE: u32 = 3;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WalkEnd {
    /// Every page came and was understood, down to an empty or a short one.
    Complete,
    /// Every page came and was understood, down to an empty one, but some customers may be missing: pages in the
    /// middle are shorter than others, or the answer states a larger total.
    Uneven,
    /// A page repeated the one before, three brought nothing new, or a record was not understood.
    Torn,
    /// The largest allowed number of pages was read.
    Capped,
    /// The next page would take too much memory.
    TooLarge,
    /// A request failed for good.
    Failed(InboxError),
}

/// The result of a walk.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Walk {
    /// Every contact that was understood, the newest version of each.
    pub contacts: BTreeMap<ContactId, Contact>,
    /// For each contact, when the last request that showed it began.
    pub seen_at: BTreeMap<ContactId, Timestamp>,
    pub end: WalkEnd,
    pub pages: u32,
    /// The number of the last page that had records.
    pub filled: u32,
    /// The memory that the records of the pages took, in bytes, approximately.
    pub bytes: usize,
    pub unreadable: usize,
    /// What it showed about the page size.
    pub page_size: PageSize,
}

impl Walk {
    /// Takes the contacts out, each with the time at which the last request that showed it began.
    pub(crate) fn sightings(&mut self) -> impl Iterator<Item = (Contact, Timestamp)> {
        let seen_at = std::mem::take(&mut self.seen_at);
        std::mem::take(&mut self.contacts).into_iter().map(move |(id, contact)| {
            let at = seen_at.get(&id).copied().unwrap_or_default();
            (contact, at)
        })
    }

    /// Whether the walk is evidence of absence.
    pub(crate) fn is_complete(&self) -> bool {
        self.end == WalkEnd::Complete
    }
}

/// Which page ends a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// An empty page, which confirms the page size.
    Empty,
    /// A page that is shorter than the learned size, after full ones. A short first page may also mean that pages have
    /// become shorter.
    Short,
    /// Any page that is shorter than the learned size, for walks that need not be evidence.
    AnyShort,
}

/// How far to walk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub page_size: Option<usize>,
    /// Which page ends the walk.
    pub last: Last,
    /// The first page, from 1: a walk can continue where an earlier one stopped.
    pub first: u32,
    /// The most pages.
    pub cap: u32,
    /// The number of pages that had records the last time. If there are fewer now, they are requested twice.
    pub filled: u32,
    /// The most bytes, because records are kept until the poll ends.
    pub room: usize,
    /// The time to which relative dates refer.
    pub now: Timestamp,
}

/// Walks a query; `progress` is called for every page.
pub(crate) async fn walk(
    client: &Client,
    gate: &impl Gate,
    filter: &Filter,
    extent: Extent,
    progress: &(dyn Fn(u32) + Send + Sync),
) -> Walk {
    let mut walk = Walk {
        contacts: BTreeMap::new(),
        seen_at: BTreeMap::new(),
        end: WalkEnd::Capped,
        pages: 0,
        filled: 0,
        bytes: 0,
        unreadable: 0,
        page_size: PageSize::Unchanged,
    };
    let mut sizes: Vec<usize> = Vec::new();
    let mut before: Vec<ContactId> = Vec::new();
    let mut stale = 0;
    while walk.pages < extent.cap {
        let page = match client.page(gate, filter, extent.first + walk.pages, extent.now).await {
            Ok(page) => page,
            Err(error) => {
                walk.end = WalkEnd::Failed(error);
                return walk;
            }
        };
        progress(walk.pages + 1);
        if walk.bytes + page.bytes > extent.room {
            walk.end = WalkEnd::TooLarge;
            return walk;
        }
        walk.pages += 1;
        walk.bytes += page.bytes;
        let size = page.len();
        walk.unreadable += page.unreadable;
        let number = extent.first + walk.pages - 1;
        if size == 0 {
            if number <= extent.filled
                && let Some(end) = another_look(client, gate, filter, extent, number).await
            {
                walk.end = end;
                return walk;
            }
            walk.page_size = learned(&sizes, extent.page_size);
            let more = extent.first == 1 && page.stated.is_some_and(|stated| stated > count(&walk));
            if more || hides(&sizes, extent.page_size) {
                walk.end = WalkEnd::Uneven;
            }
            return finish(walk);
        }
        walk.filled = number;
        let ids: Vec<ContactId> = page.contacts.iter().map(Contact::contact_id).collect();
        if ids == before && !ids.is_empty() {
            walk.end = WalkEnd::Torn;
            return walk;
        }
        let known: HashSet<ContactId> = ids.iter().filter(|id| walk.contacts.contains_key(id)).cloned().collect();
        stale = if known.len() < ids.iter().collect::<HashSet<_>>().len() { 0 } else { stale + 1 };
        for contact in page.contacts {
            walk.seen_at.insert(contact.contact_id(), page.asked_at);
            take(&mut walk.contacts, contact);
        }
        if stale == STALE {
            walk.end = WalkEnd::Torn;
            return walk;
        }
        sizes.push(size);
        before = ids;
        let said_to_go_on =
            number < extent.filled || page.stated.is_some_and(|stated| extent.first == 1 && stated > count(&walk));
        if !said_to_go_on && extent.page_size.is_some_and(|learned| is_last(extent.last, &sizes, learned)) {
            return finish(walk);
        }
    }
    walk
}

fn is_last(last: Last, sizes: &[usize], learned: usize) -> bool {
    let Some((size, full)) = sizes.split_last() else { return false };
    *size < learned
        && match last {
            Last::Empty => false,
            Last::Short => !full.is_empty() && full.iter().all(|other| *other == learned),
            Last::AnyShort => true,
        }
}

/// Requests a page once more that is empty and had records the last time, and then the page after it: a page that is
/// empty for a moment would hide all later customers.
async fn another_look(
    client: &Client,
    gate: &impl Gate,
    filter: &Filter,
    extent: Extent,
    number: u32,
) -> Option<WalkEnd> {
    let again = if number < extent.filled { number + 1 } else { number };
    match client.page(gate, filter, again, extent.now).await {
        Ok(page) if page.is_empty() => None,
        Ok(_) => Some(WalkEnd::Torn),
        Err(error) => Some(WalkEnd::Failed(error)),
    }
}

fn finish(mut walk: Walk) -> Walk {
    walk.end = match walk.end {
        _ if walk.unreadable > 0 => WalkEnd::Torn,
        WalkEnd::Uneven => WalkEnd::Uneven,
        _ => WalkEnd::Complete,
    };
    walk
}

/// The number of records so far.
fn count(walk: &Walk) -> u64 {
    u64::try_from(walk.contacts.len() + walk.unreadable).unwrap_or(u64::MAX)
}

/// Whether pages in the middle are so short that a customer may be missing.
fn hides(sizes: &[usize], known: Option<usize>) -> bool {
    let Some((last, full)) = sizes.split_last() else { return false };
    let Some(size) = full.first() else { return false };
    let even = full.iter().all(|other| other == size) && last <= size;
    // One page alone is not evidence of another size.
    !even || (full.len() == 1 && known.is_some_and(|known| *size < known))
}

fn take(contacts: &mut BTreeMap<ContactId, Contact>, contact: Contact) {
    let id = contact.contact_id();
    let newest = match contacts.remove(&id) {
        Some(known) => known.newer(contact),
        None => contact,
    };
    contacts.insert(id, newest);
}

/// What the sizes of a walk's pages, down to an empty one, show: all but the last should be full. Two full pages show
/// the page size.
fn learned(sizes: &[usize], known: Option<usize>) -> PageSize {
    let Some((last, full)) = sizes.split_last() else { return PageSize::Unchanged };
    let size = full.first().copied();
    let even = size.is_none_or(|size| full.iter().all(|other| *other == size) && *last <= size);
    let fits = known.is_none_or(|known| size.is_none_or(|size| size == known) && *last <= known);
    match size {
        Some(size) if even && full.len() >= 2 => PageSize::Confirmed(size),
        _ if even && fits => PageSize::Unchanged,
        _ => PageSize::Wrong,
    }
}

#[cfg(test)]
mod tests;
