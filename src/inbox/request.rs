//! The request's body: every documented field, with its documented empty value where a filter is
//! not used.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::model::{Filter, filter::TimeRange, text, time::iso};

/// The body for one page (from 1) of `filter`, with relative times as of `now`.
pub fn body(filter: &Filter, page: u32, now: Timestamp) -> Value {
    let range = |range: &TimeRange| {
        let of = |end: Option<crate::model::filter::When>| end.map(|end| iso(end.at(now))).unwrap_or_default();
        json!({ "startAt": of(range.start), "endsAt": of(range.end) })
    };
    // The API may compare byte by byte, and keep a text as some phone or browser wrote it.
    let forms = |values: &[String]| values.iter().flat_map(|value| text::forms(value)).collect::<Vec<_>>();
    json!({
        "searchText": filter.search_text,
        "tags": forms(&filter.tags),
        "status": filter.status,
        "isOnline": filter.is_online,
        "_botWebsite": filter.bots.website,
        "_botWhatsapp": filter.bots.whatsapp,
        "_botTelegram": filter.bots.telegram,
        "_botFacebook": filter.bots.facebook,
        "_agentAssigned": filter.agent_assigned,
        "segments": filter.segments,
        "applicableFilters": filter.applicable(),
        "lastSeenAt": range(&filter.last_seen_at),
        "createdAt": range(&filter.created_at),
        "userInteracted": filter.user_interacted,
        "lastMessageBy": filter.last_message_by,
        "isLiveChatActive": filter.is_live_chat_active,
        "hasOrdered": {
            "status": filter.has_ordered,
            "lastAt": filter.ordered_since.map(|since| iso(since.at(now))).unwrap_or_default(),
        },
        "page": page,
        "isExport": "none",
        "isContact": filter.is_contact,
    })
}

#[cfg(test)]
mod tests;
