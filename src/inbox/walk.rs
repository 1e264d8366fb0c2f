//! Reading all pages of a query, and knowing whether that was really all.
//!
//! The API gives neither a page size nor a total, and records move while one pages. A walk says for
//! itself whether it is complete; only a complete one is evidence of absence.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use super::{Client, Gate, InboxError};
use crate::model::{Contact, ContactId, Filter, snapshot::PageSize};

/// Pages in a row without a new contact that end a walk.
const STALE: u32 = 3;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WalkEnd {
    /// Every page came and was understood, down to an empty or a short one.
    Complete,
    /// Every page came and was understood, down to an empty one, and yet some customers may not have come: pages in
    /// the middle are shorter than others, or there are said to be more.
    Uneven,
    /// A page repeated the one before, three brought nothing new, or a record was not understood.
    Torn,
    /// As many pages as were allowed.
    Capped,
    /// The next page takes more memory than there is room for.
    TooLarge,
    /// A request failed for good.
    Failed(InboxError),
}

/// What a walk gave.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Walk {
    /// Every contact that was understood, the newest version of each.
    pub contacts: BTreeMap<ContactId, Contact>,
    /// When the request began that showed a contact last.
    pub seen_at: BTreeMap<ContactId, Timestamp>,
    pub end: WalkEnd,
    pub pages: u32,
    /// The number of the last page that had records.
    pub filled: u32,
    /// How many bytes of memory the records of the pages took, about.
    pub bytes: usize,
    pub unreadable: usize,
    /// What it taught of the page size.
    pub page_size: PageSize,
}

impl Walk {
    /// Takes the contacts out, each with the time at which the request began that showed it last.
    pub(crate) fn sightings(&mut self) -> impl Iterator<Item = (Contact, Timestamp)> {
        let seen_at = std::mem::take(&mut self.seen_at);
        std::mem::take(&mut self.contacts).into_iter().map(move |(id, contact)| {
            let at = seen_at.get(&id).copied().unwrap_or_default();
            (contact, at)
        })
    }

    /// Whether it is evidence of absence.
    pub(crate) fn is_complete(&self) -> bool {
        self.end == WalkEnd::Complete
    }
}

/// Which page is a walk's last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// An empty one, which confirms the page size.
    Empty,
    /// One shorter than the learned size, after full ones: a first page that is short may as well
    /// mean that pages have become shorter.
    Short,
    /// Any that is shorter than the learned size, where the walk need not be evidence.
    AnyShort,
}

/// How far to walk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub page_size: Option<usize>,
    /// Which page ends the walk.
    pub last: Last,
    /// The first page, from 1: a walk can go on where an earlier one stopped.
    pub first: u32,
    /// At most so many pages.
    pub cap: u32,
    /// Pages that had records the last time: that there are fewer now is asked twice.
    pub filled: u32,
    /// At most so many bytes: what is read is kept until the poll ends.
    pub room: usize,
    /// The time that relative dates are meant at.
    pub now: Timestamp,
}

/// Walks a query; `progress` hears of every page.
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

/// An empty page where there were records the last time is asked for once more, and so is the one after it: a
/// moment's emptiness hides everybody who comes after it.
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

/// How many records it has seen.
fn count(walk: &Walk) -> u64 {
    u64::try_from(walk.contacts.len() + walk.unreadable).unwrap_or(u64::MAX)
}

/// Whether pages in the middle are so short that they may have hidden somebody.
fn hides(sizes: &[usize], known: Option<usize>) -> bool {
    let Some((last, full)) = sizes.split_last() else { return false };
    let Some(size) = full.first() else { return false };
    let even = full.iter().all(|other| other == size) && last <= size;
    // One page alone does not teach another size.
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

/// What the sizes of a walk's pages say, down to an empty one: all but the last should be full. Two
/// full pages teach the size.
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
