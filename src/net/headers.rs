//! Reads headers that any HTTP answer may have.

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{AGE, DATE, HeaderMap};

use crate::model::time::parse_http_date;

/// The time at which an answer was written, by its writer's clock: `Date`, plus the `Age` that a cache states.
pub fn written(headers: &HeaderMap) -> Option<Timestamp> {
    let text = |name| headers.get(name)?.to_str().ok();
    let date = parse_http_date(text(DATE)?)?;
    let age = text(AGE).and_then(|age| age.trim().parse::<u32>().ok()).unwrap_or(0);
    date.checked_add(SignedDuration::from_secs(age.into())).ok()
}

/// Every value of one header that is text.
pub fn all(headers: &HeaderMap, name: &str) -> Vec<String> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok().map(str::to_owned)).collect()
}
