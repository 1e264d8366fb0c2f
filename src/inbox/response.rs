//! Makes a page of contacts, or an error, of an answer's bytes.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    InboxError,
    envelope::{self, Good},
    loose,
    mend::{readings, within},
    quotes::escaped,
    split,
};
use crate::model::{Contact, text};

/// One page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The records that were understood, in order.
    pub contacts: Vec<Contact>,
    /// The number of records that were not understood. One bad record does not lose the page.
    pub unreadable: usize,
    /// The memory that the records take, in bytes, approximately.
    pub bytes: usize,
    /// The total number of records, if the answer states it.
    pub stated: Option<u64>,
    /// When the request began.
    pub asked_at: Timestamp,
}

impl Page {
    /// The number of records, understood or not.
    pub fn len(&self) -> usize {
        self.contacts.len() + self.unreadable
    }

    /// Whether it has no records.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The memory that the records of one answer may take, in bytes. A page of 137 long records takes far less.
const MOST_KEPT: usize = 8 << 20;

/// In a record that is larger than this, in bytes, texts are cut.
const LARGEST: usize = 256 << 10;

/// The length after which they are cut, in bytes.
const LONGEST_TEXT: usize = 64 << 10;

/// The longest id, in bytes.
const LONGEST_ID: usize = 256;

/// The most segments whose names are kept.
const MOST_SEGMENTS: usize = 10_000;

/// The longest requested pause that is kept, because nobody is watched for during a pause.
pub(crate) const MOST_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// The parts of an answer that decide besides its body.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    pub status: u16,
    /// The pause that it asks for.
    pub retry_after: Option<SignedDuration>,
    /// The time of the request, by the API's clock as far as that is known.
    pub asked_at: Timestamp,
}

/// Reads a page of the inbox.
///
/// # Errors
/// The fault. The records of such an answer are not evidence of anything.
pub fn page(head: Head, body: &[u8]) -> Result<Page, InboxError> {
    let text = String::from_utf8_lossy(body);
    let good = good(head, &text)?;
    let contact = |raw: &str| {
        let contact = Contact::read(record(raw)?).ok().filter(|contact| contact.id.len() <= LONGEST_ID)?;
        let weight = contact.weight();
        Some((contact, weight))
    };
    let Read { kept, unreadable, bytes } = read(good.data, contact)?;
    Ok(Page { contacts: kept, unreadable, bytes, stated: good.stated, asked_at: head.asked_at })
}

/// The entries of a list that were understood, the number of the others, and the memory that they take, in bytes.
struct Read<T> {
    kept: Vec<T>,
    unreadable: usize,
    bytes: usize,
}

/// Reads a list's entries; `entry` returns the value of one and its size in bytes. If an entry may hide others, the
/// list
/// is also split by their beginnings, and the reading with more entries counts.
fn read<T>(list: &str, entry: impl Fn(&str) -> Option<(T, usize)>) -> Result<Read<T>, InboxError> {
    let by_brackets = read_of(split::entries(list).into_iter().flatten(), &entry)?;
    if by_brackets.unreadable == 0 {
        return Ok(by_brackets);
    }
    let by_beginnings = read_of(loose::entries(list), &entry)?;
    let has_more = by_beginnings.kept.len() > by_brackets.kept.len();
    Ok(if has_more { by_beginnings } else { by_brackets })
}

fn read_of<'a, T>(
    entries: impl Iterator<Item = &'a str>,
    entry: impl Fn(&str) -> Option<(T, usize)>,
) -> Result<Read<T>, InboxError> {
    let mut read = Read { kept: Vec::new(), unreadable: 0, bytes: 0 };
    for raw in entries {
        match entry(raw) {
            Some((kept, bytes)) => {
                read.bytes += bytes;
                read.kept.push(kept);
            }
            None => read.unreadable += 1,
        }
        // A few bytes on the wire can take a hundred times as many in memory.
        if read.bytes > MOST_KEPT {
            return Err(InboxError::TooMuch { limit: MOST_KEPT >> 20 });
        }
    }
    Ok(read)
}

/// A record as JSON, repaired if needed, so that a fault costs at most its own record. The texts of a very large record
/// are cut. A record that is still too large is refused, because it would take many times as much memory.
fn record(raw: &str) -> Option<Value> {
    let cut = |raw: &str| serde_json::from_str(&within(raw, LONGEST_TEXT, LARGEST)?).ok();
    if raw.len() > LARGEST {
        return cut(raw).or_else(|| cut(&escaped(raw)?));
    }
    readings(raw).find_map(|json| serde_json::from_str(&json).ok())
}

/// Reads the answer of `GET /inbox/segments`: names by id. Entries that lack one of the two are left out.
///
/// # Errors
/// The fault.
pub fn segments(head: Head, body: &[u8]) -> Result<BTreeMap<String, String>, InboxError> {
    let named = |raw: &str| {
        let value = record(raw)?;
        let of = |key: &str| value.get(key)?.as_str().map(str::to_owned).filter(|text| !text.is_empty());
        let (id, name) = (of("_id").filter(|id| id.len() <= LONGEST_ID)?, text::one_line(&of("segmentName")?, 200));
        let bytes = id.len() + name.len();
        Some(((id, name), bytes))
    };
    let text = String::from_utf8_lossy(body);
    let good = good(head, &text)?;
    Ok(read(good.data, named)?.kept.into_iter().take(MOST_SEGMENTS).collect())
}

fn good(head: Head, body: &str) -> Result<Good<'_>, InboxError> {
    let retry_after = head.retry_after.map(|pause| pause.min(MOST_PAUSE));
    match head.status {
        status if envelope::is_good(status.into()) => envelope::read(status, retry_after, body),
        300..=399 => Err(InboxError::Redirected { status: head.status }),
        400 => Err(InboxError::BadRequest { code: envelope::error_code_of(body) }),
        401 | 403 => Err(InboxError::TokenRefused { status: head.status }),
        429 => Err(InboxError::RateLimited { retry_after }),
        408 | 425 | 500..=599 => Err(InboxError::Server { status: head.status, retry_after }),
        status => Err(InboxError::Status { status }),
    }
}

#[cfg(test)]
mod tests;
