//! Checks a request's body against the page: all fields, each with its type and its values.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::model::time::parse_timestamp;

/// The documented values of `status`.
pub const STATUSES: [&str; 6] = ["OPEN", "INPROGRESS", "REVIEW", "ONHOLD", "DEPENDANCY", "CLOSED"];
/// The documented values of `lastMessageBy`.
pub const SENDERS: [&str; 3] = ["bot", "user", "agent"];

/// The type of a field of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldShape {
    Text,
    /// A time, or `""`.
    Time,
    Flag,
    /// A list of strings.
    Texts,
    /// A list of some of these strings.
    Some(&'static [&'static str]),
    /// An object, whose fields follow.
    Object,
    /// A whole number from 1.
    Page,
    /// `"none"`, the only documented value.
    Export,
}

impl FieldShape {
    fn fits(self, value: &Value) -> bool {
        let texts = |allowed: &dyn Fn(&str) -> bool| {
            value.as_array().is_some_and(|list| list.iter().all(|entry| entry.as_str().is_some_and(allowed)))
        };
        match self {
            Self::Text => value.is_string(),
            Self::Time => value.as_str().is_some_and(|text| text.is_empty() || parse_timestamp(text).is_some()),
            Self::Flag => value.is_boolean(),
            Self::Texts => texts(&|_| true),
            Self::Some(allowed) => texts(&|text| allowed.contains(&text)),
            Self::Object => value.is_object(),
            Self::Page => page(value).is_some(),
            Self::Export => value == "none",
        }
    }
}

impl fmt::Display for FieldShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("a string"),
            Self::Time => f.write_str("a string (ISO 8601) or \"\""),
            Self::Flag => f.write_str("a boolean"),
            Self::Texts => f.write_str("an array of strings"),
            Self::Some(allowed) => write!(f, "an array of {}", allowed.join(", ")),
            Self::Object => f.write_str("an object"),
            Self::Page => f.write_str("a number, starting at 1"),
            Self::Export => f.write_str("\"none\""),
        }
    }
}

/// Every documented field of the body, in the page's order.
pub const FIELDS: [(&str, FieldShape); 26] = [
    ("searchText", FieldShape::Text),
    ("tags", FieldShape::Texts),
    ("status", FieldShape::Some(&STATUSES)),
    ("isOnline", FieldShape::Flag),
    ("_botWebsite", FieldShape::Texts),
    ("_botWhatsapp", FieldShape::Texts),
    ("_botTelegram", FieldShape::Texts),
    ("_botFacebook", FieldShape::Texts),
    ("_agentAssigned", FieldShape::Texts),
    ("segments", FieldShape::Texts),
    ("applicableFilters", FieldShape::Texts),
    ("lastSeenAt", FieldShape::Object),
    ("lastSeenAt.startAt", FieldShape::Time),
    ("lastSeenAt.endsAt", FieldShape::Time),
    ("createdAt", FieldShape::Object),
    ("createdAt.startAt", FieldShape::Time),
    ("createdAt.endsAt", FieldShape::Time),
    ("userInteracted", FieldShape::Flag),
    ("lastMessageBy", FieldShape::Some(&SENDERS)),
    ("isLiveChatActive", FieldShape::Flag),
    ("hasOrdered", FieldShape::Object),
    ("hasOrdered.status", FieldShape::Flag),
    ("hasOrdered.lastAt", FieldShape::Time),
    ("page", FieldShape::Page),
    ("isExport", FieldShape::Export),
    ("isContact", FieldShape::Flag),
];

/// A range of times; an absent end does not limit it.
#[derive(Deserialize)]
pub(super) struct QueryRange {
    #[serde(rename = "startAt", deserialize_with = "time")]
    pub(super) start: Option<Timestamp>,
    #[serde(rename = "endsAt", deserialize_with = "time")]
    pub(super) end: Option<Timestamp>,
}

/// The filter on orders.
#[derive(Deserialize)]
pub(super) struct Ordered {
    pub(super) status: bool,
    #[serde(rename = "lastAt", deserialize_with = "time")]
    pub(super) last_at: Option<Timestamp>,
}

/// A valid body.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools)] // the page's own
pub(super) struct InboxQuery {
    pub(super) search_text: String,
    pub(super) tags: Vec<String>,
    pub(super) status: Vec<String>,
    pub(super) is_online: bool,
    #[serde(rename = "_botWebsite")]
    pub(super) bot_website: Vec<String>,
    #[serde(rename = "_botWhatsapp")]
    pub(super) bot_whatsapp: Vec<String>,
    #[serde(rename = "_botTelegram")]
    pub(super) bot_telegram: Vec<String>,
    #[serde(rename = "_botFacebook")]
    pub(super) bot_facebook: Vec<String>,
    #[serde(rename = "_agentAssigned")]
    pub(super) agent_assigned: Vec<String>,
    pub(super) segments: Vec<String>,
    pub(super) applicable_filters: Vec<String>,
    pub(super) last_seen_at: QueryRange,
    pub(super) created_at: QueryRange,
    pub(super) user_interacted: bool,
    pub(super) last_message_by: Vec<String>,
    pub(super) is_live_chat_active: bool,
    pub(super) has_ordered: Ordered,
    #[serde(deserialize_with = "whole")]
    pub(super) page: usize,
    pub(super) is_contact: bool,
}

/// The body as a query, or the first mistake in it, in the page's order.
pub(super) fn query(body: &Value) -> Result<InboxQuery, String> {
    if !body.is_object() {
        return Err("The body must be a JSON object.".to_owned());
    }
    for (path, shape) in FIELDS {
        let value = path.split('.').try_fold(body, |value, name| value.get(name));
        match value {
            None => return Err(format!("`{path}` is required.")),
            Some(value) if !shape.fits(value) => return Err(format!("`{path}` must be {shape}.")),
            Some(_) => {}
        }
    }
    InboxQuery::deserialize(body).map_err(|error| error.to_string())
}

/// A number as a page; JSON does not distinguish 1 and 1.0.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole, positive and small, as asked before
fn page(value: &Value) -> Option<usize> {
    let number = value.as_f64()?;
    (number.fract() == 0.0 && (1.0..=1.0e9).contains(&number)).then_some(number as usize)
}

fn whole<'de, D: Deserializer<'de>>(source: D) -> Result<usize, D::Error> {
    page(&Value::deserialize(source)?).ok_or_else(|| serde::de::Error::custom("`page` must be a number"))
}

fn time<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(parse_timestamp(&String::deserialize(source)?))
}
