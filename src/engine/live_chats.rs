//! Live chats that no agent took. A contact shows only whether a chat is active, so its earlier states are remembered.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::Observed;
use crate::model::{
    Contact,
    contact::{CLOSED, by},
    snapshot::LiveChat,
};

/// Time after which a missed chat is forgotten: nobody can do anything about it any more.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(72);

/// The memory after this poll.
pub(super) fn remember(
    known: &BTreeMap<String, LiveChat>,
    observed: &Observed,
    now: Timestamp,
) -> BTreeMap<String, LiveChat> {
    let mut chats = known.clone();
    chats.retain(|_, chat| now.duration_since(chat.missed_at.unwrap_or(chat.began_at)) < FORGOTTEN);
    for contact in observed.contacts.values() {
        match chat(chats.get(&contact.id), contact, now) {
            Some(chat) => chats.insert(contact.id.clone(), chat),
            None => chats.remove(&contact.id),
        };
    }
    chats
}

fn chat(known: Option<&LiveChat>, contact: &Contact, now: Timestamp) -> Option<LiveChat> {
    let unsure = |path: &String| path.starts_with("isLiveChatActive") || path.starts_with("lastMessage");
    if contact.unreadable_fields.iter().any(unsure) {
        return known.cloned();
    }
    let began_at = known.filter(|chat| chat.missed_at.is_none()).map_or(now, |chat| chat.began_at);
    if contact.last_message.by == by::AGENT || contact.status == CLOSED {
        return None;
    }
    if contact.is_live_chat_active {
        return Some(LiveChat { began_at, missed_at: None });
    }
    let chat = known?;
    match chat.missed_at {
        Some(_) => Some(chat.clone()),
        // An agent had taken it, so it was not missed.
        None if !contact.agent_assigned.is_empty() => None,
        None => Some(LiveChat { missed_at: Some(now), ..chat.clone() }),
    }
}
