//! How much memory undocumented values take: a few bytes on the wire can be a hundred times as many here.

use serde_json::{Map, Value};

/// What one allocation costs besides its bytes, about.
pub(crate) const ALLOCATION: usize = 16;

/// How many bytes an undocumented value keeps besides its own, about.
pub(crate) fn heap_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.capacity() + ALLOCATION,
        Value::Array(entries) => {
            entries.capacity() * size_of::<Value>() + entries.iter().map(heap_of).sum::<usize>() + ALLOCATION
        }
        Value::Object(fields) => heap_of_all(fields),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// The same of an object's fields.
pub(crate) fn heap_of_all(fields: &Map<String, Value>) -> usize {
    let entry = size_of::<String>() + size_of::<Value>() + 3 * size_of::<usize>() + ALLOCATION;
    fields.iter().map(|(name, value)| 2 * entry + name.capacity() + heap_of(value)).sum()
}
