//! The request's body: every documented field, with its documented empty value where a filter is
//! not used.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use strum::VariantArray;

use crate::model::{
    Filter,
    filter::{FilterKey, FilterShape, TimeRange, Wanted, When},
    text,
    time::iso,
};

/// The body for one page (from 1) of `filter`, with relative times as of `now`.
pub fn body(filter: &Filter, page: u32, now: Timestamp) -> Value {
    let mut body = Map::new();
    for key in FilterKey::VARIANTS {
        // The order is that of the provider's page.
        match key {
            FilterKey::LastSeenAt => _ = body.insert("applicableFilters".to_owned(), json!(filter.applicable())),
            FilterKey::IsContact => {
                body.insert("page".to_owned(), json!(page));
                body.insert("isExport".to_owned(), json!("none"));
            }
            _ => {}
        }
        body.insert(key.name().to_owned(), value(*key, filter.get(*key), now));
    }
    Value::Object(body)
}

/// The value of one key, or its documented empty value.
fn value(key: FilterKey, wanted: Option<&Wanted>, now: Timestamp) -> Value {
    let time = |when: Option<When>| when.map(|when| iso(when.at(now))).unwrap_or_default();
    let range = |range: TimeRange| json!({ "startAt": time(range.start), "endsAt": time(range.end) });
    let order = |placed: bool, since| json!({ "status": placed, "lastAt": time(since) });
    match wanted {
        // The API may compare byte by byte, and keep a text as some phone or browser wrote it.
        Some(Wanted::List(values)) if key == FilterKey::Tags => {
            json!(values.iter().flat_map(|value| text::forms(value)).collect::<Vec<_>>())
        }
        Some(Wanted::List(values)) => json!(values),
        Some(Wanted::Text(text)) => json!(text),
        Some(Wanted::Flag(flag)) => json!(flag),
        Some(Wanted::Range(own)) => range(*own),
        Some(Wanted::Order { placed, since }) => order(*placed, *since),
        None => match key.shape() {
            FilterShape::Search => json!(""),
            FilterShape::OneOf(_) | FilterShape::AnyOf(_) | FilterShape::Bot(_) => json!([]),
            FilterShape::Flag(_) => json!(false),
            FilterShape::Within(_) => range(TimeRange::default()),
            FilterShape::Order => order(false, None),
        },
    }
}

#[cfg(test)]
mod tests;
