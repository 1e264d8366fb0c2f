//! Filters that the API understands in another way than pengwatch does: no record that it returns passes the check
//! here.
//!
//! Every record is checked again on this side, so that nobody is notified by mistake when the API ignores a filter.
//! When the API understands a filter differently, nobody is notified at all, and it looks like a quiet day.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Query;
use crate::model::{
    Contact, Differs, Filter,
    filter::{FilterKey, FilterShape},
    snapshot::WalkMemory,
};

/// The number of values that are shown.
const SHOWN: usize = 3;

/// What the records of one query say about its filter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Returned {
    records: usize,
    passed: usize,
    keys: BTreeMap<FilterKey, OfKey>,
}

#[derive(Clone, Debug, Default)]
struct OfKey {
    passed: usize,
    /// Values that came instead of the requested ones, as far as they can be shown.
    values: BTreeSet<String>,
    /// A requested value, and the other spelling in which it came.
    respelled: Option<(String, String)>,
}

impl Returned {
    /// Adds one record.
    pub(crate) fn add(&mut self, filter: &Filter, contact: &Contact, now: Timestamp) {
        self.records += 1;
        let mut all = true;
        for (key, passes) in filter.checks(contact, now) {
            let of_key = self.keys.entry(key).or_default();
            all &= passes;
            if passes {
                of_key.passed += 1;
                continue;
            }
            // Only values of the API's own are shown.
            let (FilterShape::OneOf(own), Some(asked)) = (key.shape(), filter.get(key)) else { continue };
            let came = own(contact);
            let is_same = |value: &&String| value.trim().to_lowercase() == came.trim().to_lowercase();
            if let Some(value) = asked.list().iter().find(is_same) {
                of_key.respelled = Some((value.clone(), came.to_owned()));
            }
            if of_key.values.len() < SHOWN && is_plain(came) {
                of_key.values.insert(if came.is_empty() { "no value".to_owned() } else { format!("`{came}`") });
            }
        }
        self.passed += usize::from(all);
    }

    /// Notes what the records say about the query's filter. Without records nothing is noted.
    pub(crate) fn note(&self, query: &Query, memory: &mut WalkMemory, now: Timestamp) {
        if self.records == 0 {
            return;
        }
        // An API that ignores the filter returns records that nobody asked for beside the others.
        memory.loose |= self.passed > 0 && self.records - self.passed >= Differs::SEVERAL;
        let respelled = self.keys.iter().find_map(|(key, of_key)| Some((*key, of_key.respelled.as_ref()?)));
        let (seen, what) = if let Some((key, (asked, came))) = respelled {
            let came = if is_plain(came) { format!("`{came}`") } else { "another spelling of it".to_owned() };
            (Differs::SEVERAL, format!("`{}` asks for `{asked}`, and the API returned {came}", key.name()))
        } else if self.passed == 0 && !memory.loose {
            (self.records, self.none_passed(&query.filter))
        } else {
            memory.differs = None;
            return;
        };
        let before = memory.differs.take();
        memory.differs = Some(Differs {
            since: before.as_ref().map_or(now, |before| before.since.min(now)),
            seen: before.map_or(0, |before| before.seen).saturating_add(seen),
            what: format!("what the filter of {} returns does not pass it here: {what}", query.rules.join(", ")),
        });
    }

    fn none_passed(&self, filter: &Filter) -> String {
        let records = if self.records == 1 { "the record".to_owned() } else { format!("all {} records", self.records) };
        // The key can be named only where no record passes it.
        let Some((key, of_key)) = self.keys.iter().find(|(_, of_key)| of_key.passed == 0) else {
            return format!("{records} that the API returned fail one or another of its keys");
        };
        let asked = filter.asked(*key).map_or_else(|| ":".to_owned(), |asked| format!(" asks for {asked}, and"));
        let has = if of_key.values.is_empty() {
            "other values".to_owned()
        } else {
            of_key.values.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
        };
        format!("`{}`{asked} {records} that the API returned have {has}", key.name())
    }
}

/// Whether a value is one of the API's own names and not a customer's text.
fn is_plain(value: &str) -> bool {
    value.len() <= 32 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}
