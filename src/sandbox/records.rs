//! The made-up inbox's records, kept in the order of the pages.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::filter::{text, time};

/// The order of the records, which the page leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The newest last message first, as on the screen.
    #[default]
    NewestFirst,
    /// The oldest last message first.
    OldestFirst,
    /// By `_id`.
    Id,
}

/// A place in the order; equal times are ordered by `_id`.
type Place = (i64, String);

/// The records.
pub(super) struct ContactRecords {
    order: Order,
    places: HashMap<String, Place>,
    records: BTreeMap<Place, Value>,
}

impl ContactRecords {
    pub(super) fn new(order: Order) -> Self {
        Self { order, places: HashMap::new(), records: BTreeMap::new() }
    }

    /// Adds a record or replaces the one with the same `_id`; returns the record if it has none.
    pub(super) fn put(&mut self, contact: Value) -> Result<String, Value> {
        let id = text(&contact, "/_id").to_owned();
        if id.is_empty() {
            return Err(contact);
        }
        self.remove(&id);
        let place = (self.rank(&contact), id.clone());
        self.places.insert(id.clone(), place.clone());
        self.records.insert(place, contact);
        Ok(id)
    }

    fn rank(&self, contact: &Value) -> i64 {
        let at = time(contact, "/lastMessage/at").map(jiff::Timestamp::as_millisecond);
        match self.order {
            // Records without a message come last.
            Order::NewestFirst => at.map_or(i64::MAX, |at| -at),
            Order::OldestFirst => at.unwrap_or(i64::MAX),
            Order::Id => 0,
        }
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Value> {
        self.records.remove(&self.places.remove(id)?)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Value> {
        self.records.get(self.places.get(id)?)
    }

    /// All records in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Value> {
        self.records.values()
    }
}
