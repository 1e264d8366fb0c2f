//! Removes what a receiver may not see of a contact.
//!
//! It lists the fields that stay, so that a new field is hidden until somebody decides about it.

use crate::model::{
    Contact, Privacy,
    contact::{LastMessage, Profile, Record, UserDetails},
};

use super::display;

/// The contact as the receiver may see it, and the name to show.
pub(super) fn seen(contact: &Contact, privacy: Privacy) -> (Contact, String) {
    match privacy {
        Privacy::Full => (contact.clone(), contact.name()),
        Privacy::Masked => (masked(contact), initials(contact)),
        Privacy::Id => (bare(contact), bare(contact).name()),
    }
}

/// The initials of a name; the User ID if there is no name, since everything else that is used as a name (number, mail
/// address, account) must be hidden.
fn initials(contact: &Contact) -> String {
    let who = &contact.profile.user_details;
    [&who.name, &who.user_provided_name]
        .into_iter()
        .map(|name| display::initials(&crate::model::text::one_line(name, 80)))
        .find(|initials| !initials.is_empty())
        .unwrap_or_else(|| bare(contact).name())
}

fn bare(contact: &Contact) -> Contact {
    let record = Record { id: contact.id.clone(), ..Record::default() };
    Contact { record, extra: serde_json::Map::new(), unreadable_fields: Vec::new() }
}

fn masked(contact: &Contact) -> Contact {
    let from = &contact.record;
    let details = UserDetails { tags: from.profile.user_details.tags.clone(), ..UserDetails::default() };
    let last_message = LastMessage { at: from.last_message.at, by: from.last_message.by.clone(), text: String::new() };
    let record = Record {
        id: from.id.clone(),
        platform: from.platform.clone(),
        secondary_platform: from.secondary_platform.clone(),
        bot_website: from.bot_website.clone(),
        bot_whatsapp: from.bot_whatsapp.clone(),
        bot_telegram: from.bot_telegram.clone(),
        bot_facebook: from.bot_facebook.clone(),
        bot_automation: from.bot_automation.clone(),
        ai_agent: from.ai_agent.clone(),
        agent_assigned: from.agent_assigned.clone(),
        is_subscriber: from.is_subscriber,
        website_visits: from.website_visits,
        is_online: from.is_online,
        user_interacted: from.user_interacted,
        status: from.status.clone(),
        is_contact: from.is_contact,
        is_imported: from.is_imported,
        is_migrated: from.is_migrated,
        is_user_blocked: from.is_user_blocked,
        is_live_chat_active: from.is_live_chat_active,
        is_paid: from.is_paid,
        email_notification_sent: from.email_notification_sent,
        chat_bot_type: from.chat_bot_type.clone(),
        segments: from.segments.clone(),
        last_seen_at: from.last_seen_at,
        last_message,
        unread_messages: from.unread_messages,
        unread_message: from.unread_message.clone(),
        has_ordered: from.has_ordered.clone(),
        profile: Profile { user_details: details, ..Profile::default() },
        created_at: from.created_at,
        updated_at: from.updated_at,
        ..Record::default()
    };
    Contact { record, extra: serde_json::Map::new(), unreadable_fields: Vec::new() }
}
