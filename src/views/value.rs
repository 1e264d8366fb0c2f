//! How times, durations and absent texts look for programs.

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};

use crate::model::time::iso;

/// A time, for programs as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At(pub(crate) Timestamp);

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&iso(self.0))
    }
}

/// A duration, for programs in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) SignedDuration);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.as_secs())
    }
}

/// A text that the nouns leave empty where there is none.
pub(super) fn present(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use serde_json::json;

    use super::{At, Seconds, present};

    #[test]
    fn values_look_the_same_everywhere() {
        let at = At("2026-06-12T08:20:52.5Z".parse().unwrap());
        let shown = json!({ "at": at, "never": None::<At>, "for": Seconds(SignedDuration::from_millis(61_900)) });
        assert_eq!(shown, json!({ "at": "2026-06-12T08:20:52.500Z", "never": null, "for": 61 }));
        assert_eq!((present(""), present("a")), (None, Some("a".to_owned())));
    }
}
