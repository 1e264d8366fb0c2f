//! How much memory undocumented values take: a few bytes on the wire can be a hundred times as many here.

use serde_json::{Map, Value};

/// About how many bytes one allocation costs besides its own.
pub(crate) const ALLOCATION: usize = 16;

/// About how many bytes an undocumented value keeps besides its own.
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

/// About how many bytes the fields of an object keep.
pub(crate) fn heap_of_all(fields: &Map<String, Value>) -> usize {
    let entry = size_of::<String>() + size_of::<Value>() + 3 * size_of::<usize>() + ALLOCATION;
    fields.iter().map(|(name, value)| 2 * entry + name.capacity() + heap_of(value)).sum()
}
