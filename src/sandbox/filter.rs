//! Every filter of the page, applied to a record as stored JSON.

use jiff::Timestamp;
use serde_json::Value;

use super::validate::{InboxQuery, QueryRange};
use crate::model::time::parse_timestamp;

/// Choices that the page leaves open about filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FilterReading {
    /// A filter is applied only if `applicableFilters` names it.
    pub(super) listed_only: bool,
    /// `false` does not limit anything, for the four flags where the page does not say so.
    pub(super) false_means_all: bool,
}

/// A text of a record; empty if it is absent.
pub(super) fn text<'a>(contact: &'a Value, pointer: &str) -> &'a str {
    contact.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A time of a record.
pub(super) fn time(contact: &Value, pointer: &str) -> Option<Timestamp> {
    parse_timestamp(text(contact, pointer))
}

fn flag(contact: &Value, pointer: &str) -> bool {
    contact.pointer(pointer).and_then(Value::as_bool).unwrap_or_default()
}

fn any_in(contact: &Value, pointer: &str, wanted: &[String]) -> bool {
    let list = contact.pointer(pointer).and_then(Value::as_array);
    list.is_some_and(|list| list.iter().filter_map(Value::as_str).any(|entry| is_in(entry, wanted)))
}

fn is_in(text: &str, wanted: &[String]) -> bool {
    wanted.iter().any(|one| one == text)
}

/// Whether a record passes the query.
pub(super) fn passes(query: &InboxQuery, contact: &Value, reading: FilterReading) -> bool {
    let holds = |name: &str| !reading.listed_only || is_in(name, &query.applicable_filters);
    // `isOnline` alone is documented as "`false` for all".
    let flagged = |name: &str, wanted: bool, pointer: &str| {
        !holds(name) || flag(contact, pointer) == wanted || (!wanted && reading.false_means_all)
    };
    let one_of = |name: &str, wanted: &[String], pointer: &str| {
        wanted.is_empty() || !holds(name) || is_in(text(contact, pointer), wanted)
    };
    let some_of = |name: &str, wanted: &[String], pointer: &str| {
        wanted.is_empty() || !holds(name) || any_in(contact, pointer, wanted)
    };
    let ordered_since = |since: Timestamp| time(contact, "/hasOrdered/lastAt").is_some_and(|at| at >= since);

    (!holds("searchText") || found(&query.search_text, contact))
        && some_of("tags", &query.tags, "/profile/userDetails/tags")
        && one_of("status", &query.status, "/status")
        && (!query.is_online || !holds("isOnline") || flag(contact, "/isOnline"))
        && with_bot(query, contact, holds)
        && one_of("_agentAssigned", &query.agent_assigned, "/_agentAssigned")
        && some_of("segments", &query.segments, "/segments")
        && (!holds("lastSeenAt") || within(&query.last_seen_at, contact, "/lastSeenAt"))
        && (!holds("createdAt") || within(&query.created_at, contact, "/createdAt"))
        && flagged("userInteracted", query.user_interacted, "/userInteracted")
        && one_of("lastMessageBy", &query.last_message_by, "/lastMessage/by")
        && flagged("isLiveChatActive", query.is_live_chat_active, "/isLiveChatActive")
        && flagged("hasOrdered", query.has_ordered.status, "/hasOrdered/status")
        && (!holds("hasOrdered") || query.has_ordered.last_at.is_none_or(ordered_since))
        && flagged("isContact", query.is_contact, "/isContact")
}

/// A customer talks with one bot, so bots of two platforms are alternatives.
fn with_bot(query: &InboxQuery, contact: &Value, holds: impl Fn(&str) -> bool) -> bool {
    let asked = [
        ("_botWebsite", &query.bot_website),
        ("_botWhatsapp", &query.bot_whatsapp),
        ("_botTelegram", &query.bot_telegram),
        ("_botFacebook", &query.bot_facebook),
    ];
    let mut limits = asked.into_iter().filter(|(name, bots)| !bots.is_empty() && holds(name)).peekable();
    limits.peek().is_none() || limits.any(|(name, bots)| is_in(text(contact, &format!("/{name}")), bots))
}

/// Whether the search finds a record: by name, mail, phone or `WhatsApp` number, without regard to case.
fn found(searched: &str, contact: &Value) -> bool {
    let searched = searched.trim().to_lowercase();
    if searched.is_empty() {
        return true;
    }
    let who = |name: &str| text(contact, &format!("/profile/userDetails/{name}")).to_lowercase();
    let phone = format!("{}{}", who("contact/phone/prefix"), who("contact/phone/number"));
    [who("name"), who("contact/email"), phone, who("whatsAppNumber")].iter().any(|text| text.contains(&searched))
}

/// Whether a time is in a range, including its ends. An unknown time is in no range.
fn within(range: &QueryRange, contact: &Value, pointer: &str) -> bool {
    if range.start.is_none() && range.end.is_none() {
        return true;
    }
    time(contact, pointer)
        .is_some_and(|at| range.start.is_none_or(|start| at >= start) && range.end.is_none_or(|end| at <= end))
}
