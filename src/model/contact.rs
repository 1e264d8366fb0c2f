//! One record of the inbox, with every field that the provider's page documents.
//!
//! The names, types and conditions are those of the page on `POST /inbox/users` (section "Response Fields"). Enum
//! values stay text, so that a value that is new tomorrow is shown, not refused. The file is long because it holds
//! every documented field in one place.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::field::{Field, FieldKind, FieldReading, record};
use super::text;
use super::weight::heap_of_all;

/// The value of `lastMessage.by` for each side of a conversation.
pub(crate) mod by {
    /// The customer.
    pub(crate) const USER: &str = "user";
    /// A person of the team.
    pub(crate) const AGENT: &str = "agent";
    pub(crate) const BOT: &str = "bot";
}

/// The `status` of a conversation that is over.
pub(crate) const CLOSED: &str = "CLOSED";
/// The platform whose businesses may answer freely for 24 hours only.
pub(crate) const WHATSAPP: &str = "WHATSAPP";
/// Time since the customer's last message within which a business may answer freely.
const REPLY_WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// A contact's `_id`, which the provider's inbox calls "User ID".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContactId(pub String);

impl fmt::Display for ContactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for ContactId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

record! {
    /// The most recent message of the conversation.
    pub struct LastMessage {
        at: Option<Timestamp> = "at",
        /// What it says; empty for attachments and imports.
        text: String = "text",
        /// `bot`, `user` or `agent`.
        by: String = "by",
    }
}

record! {
    /// Unread messages as one agent sees them.
    pub struct UnreadOf {
        /// The agent's id.
        user_id: String = "userId",
        count: i64 = "count",
    }
}

record! {
    /// Order history in short.
    pub struct HasOrdered {
        /// Whether the contact ever ordered.
        status: bool = "status",
        /// Time of the last order; only if `status`.
        last_at: Option<Timestamp> = "lastAt",
    }
}

record! {
    /// State of the Zoho integration.
    pub struct Zoho {
        is_template_sent: bool = "isTemplateSent",
    }
}

record! {
    /// Third-party integrations.
    pub struct Integrations {
        zoho: Zoho = "zoho",
    }
}

record! {
    /// Why a summary could not be made.
    pub struct SummaryError {
        is_error: bool = "isError",
        code: String = "code",
        message_key: String = "messageKey",
        /// What to show without a translation.
        fallback_message: String = "fallbackMessage",
    }
}

record! {
    /// The provider's own summary of the conversation (flow-based bots).
    pub struct ConversationSummary {
        /// The text; empty if not made yet.
        summary: String = "summary",
        /// The error of making it.
        error_status: SummaryError = "errorStatus",
    }
}

record! {
    /// A phone number in two parts.
    pub struct Phone {
        /// Without the country's prefix.
        number: String = "number",
        /// The country's prefix: `+91`, `91` or `1`.
        prefix: String = "prefix",
    }
}

record! {
    /// How the contact can be reached.
    pub struct Reach {
        email: String = "email",
        phone: Phone = "phone",
    }
}

record! {
    /// A custom key and its value.
    pub struct Attribute {
        key: String = "key",
        /// The value, as text.
        value: String = "value",
    }
}

record! {
    /// Who the contact is.
    pub struct UserDetails {
        name: String = "name",
        /// Address of a picture.
        picture: String = "picture",
        /// Mail and phone.
        contact: Reach = "contact",
        /// WhatsApp number with the country's code.
        whats_app_number: String = "whatsAppNumber",
        telegram_user_name: String = "telegramUserName",
        telegram_chat_id: String = "telegramChatId",
        facebook_profile_id: String = "facebookProfileId",
        instagram_user_name: String = "instagramUserName",
        instagram_profile_id: String = "instagramProfileId",
        /// City, from the address or given.
        city: String = "city",
        /// Country's code.
        country: String = "country",
        /// Gender, if given.
        gender: String = "gender",
        tags: Vec<String> = "tags",
        /// Custom key-value pairs.
        attributes: Vec<Attribute> = "attributes",
        /// The name that the customer gave in the conversation.
        user_provided_name: String = "userProvidedName",
    }
}

record! {
    /// A note of an agent.
    pub struct Note {
        title: String = "title",
        /// Its text.
        description: String = "description",
        id: String = "_id",
    }
}

record! {
    /// What is known from browsing.
    pub struct Marketing {
        /// Pages visited in the session.
        urls_visited: Vec<String> = "urlsVisited",
    }
}

record! {
    /// The contact's device.
    pub struct Device {
        /// Type and model.
        device: String = "device",
        /// Browser and version.
        browser: String = "browser",
        /// Address on the network.
        ip: String = "ip",
        operating_system: String = "operatingSystem",
    }
}

record! {
    /// Profile data.
    pub struct Profile {
        user_details: UserDetails = "userDetails",
        /// Agents' notes.
        notes: Vec<Note> = "notes",
        /// Browsing.
        marketing: Marketing = "marketing",
        device: Device = "device",
    }
}

record! {
    /// The documented fields of a contact.
    pub struct Record {
        /// The contact's id ("User ID").
        id: String = "_id",
        /// The agency's account.
        agency: String = "_agency",
        /// The sub-account.
        customer: String = "_customer",
        /// The browser's session.
        uuid: String = "uuid",
        /// `WEBSITE`, `WHATSAPP`, `TELEGRAM`, `FACEBOOK`, `INSTAGRAM`, or newer ones.
        platform: Vec<String> = "platform",
        /// Further platforms.
        secondary_platform: Vec<String> = "secondaryPlatform",
        bot_website: String = "_botWebsite",
        bot_whatsapp: String = "_botWhatsapp",
        bot_telegram: String = "_botTelegram",
        bot_facebook: String = "_botFacebook",
        /// The automation bot (Instagram).
        bot_automation: String = "_botAutomation",
        /// The AI agent, for `chatBotType` `AGENTIC`.
        ai_agent: String = "_aiAgent",
        /// The platform's user record.
        user: String = "_user",
        user_website: String = "_userWebsite",
        user_whatsapp: String = "_userWhatsapp",
        user_telegram: String = "_userTelegram",
        user_facebook: String = "_userFacebook",
        user_automation: String = "_userAutomation",
        /// The agent in charge; empty when nobody is.
        agent_assigned: String = "_agentAssigned",
        is_subscriber: bool = "isSubscriber",
        website_visits: i64 = "websiteVisits",
        /// Whether active now.
        is_online: bool = "isOnline",
        /// Whether the contact ever wrote.
        user_interacted: bool = "userInteracted",
        /// `OPEN`, `INPROGRESS`, `REVIEW`, `ONHOLD`, `DEPENDANCY`, `CLOSED`, or newer ones.
        status: String = "status",
        /// Whether it is a confirmed contact.
        is_contact: bool = "isContact",
        is_imported: bool = "isImported",
        is_migrated: bool = "isMigrated",
        is_user_blocked: bool = "isUserBlocked",
        /// Whether a live chat is asked for or going on.
        is_live_chat_active: bool = "isLiveChatActive",
        /// Whether the conversation counts as paid.
        is_paid: bool = "isPaid",
        /// Whether a mail went out (agentic bots).
        email_notification_sent: bool = "emailNotificationSent",
        /// `FLOW_BASED` or `AGENTIC`.
        chat_bot_type: String = "chatBotType",
        /// Segments' ids.
        segments: Vec<String> = "segments",
        last_seen_at: Option<Timestamp> = "lastSeenAt",
        last_message: LastMessage = "lastMessage",
        /// Unread messages of the default view.
        unread_messages: i64 = "unreadMessages",
        unread_message: Vec<UnreadOf> = "unreadMessage",
        has_ordered: HasOrdered = "hasOrdered",
        integrations: Integrations = "integrations",
        /// Summary (flow-based bots).
        conversation_summary: ConversationSummary = "conversationSummary",
        profile: Profile = "profile",
        /// When the record was made.
        created_at: Option<Timestamp> = "createdAt",
        /// When the record last changed, for whatever reason.
        updated_at: Option<Timestamp> = "updatedAt",
        /// The provider's document version.
        version: i64 = "__v",
    }
}

/// A record that cannot be used at all: its page counts as not understood, but its other records are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// An entry of the list is not a JSON object.
    #[error("an entry of `data` is not an object")]
    NoObject,
    /// A record without `_id` cannot be attributed to anybody.
    #[error("a record has no `_id`")]
    NoId,
}

/// One contact as the inbox returned it.
#[derive(Clone)]
pub struct Contact {
    /// The documented fields.
    pub record: Record,
    /// Undocumented fields, under their dotted path.
    pub extra: Map<String, Value>,
    /// Documented fields whose value made no sense, by dotted path; they count as empty.
    pub unreadable_fields: Vec<String>,
}

/// Compares what was understood; the rest is not kept over a restart.
impl PartialEq for Contact {
    fn eq(&self, other: &Self) -> bool {
        self.record == other.record && self.extra == other.extra
    }
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contact({})", self.record.id)
    }
}

impl std::ops::Deref for Contact {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}

impl Contact {
    /// Reads one entry of `data`, or the result of [`Contact::json`].
    pub fn read(value: Value) -> Result<Self, Unreadable> {
        let Value::Object(mut object) = value else { return Err(Unreadable::NoObject) };
        let mut reading = match object.remove("extra") {
            Some(Value::Object(kept)) => FieldReading::with_extra(kept),
            // This field is the API's own, and undocumented like any other.
            Some(other) => FieldReading::with_extra(Map::from_iter([("extra".to_owned(), other)])),
            None => FieldReading::default(),
        };
        let record = Record::read(Value::Object(object), &mut reading);
        if record.id.trim().is_empty() {
            return Err(Unreadable::NoId);
        }
        Ok(Self { record, extra: reading.extra, unreadable_fields: reading.unreadable_fields })
    }

    /// The record under the API's names, every documented field present, undocumented ones under
    /// `extra`.
    pub fn json(&self) -> Value {
        let mut value = self.record.json();
        if let Value::Object(object) = &mut value {
            object.insert("extra".to_owned(), Value::Object(self.extra.clone()));
        }
        value
    }

    /// About how many bytes of memory it takes.
    pub fn weight(&self) -> usize {
        let doubts: usize = self.unreadable_fields.iter().map(|path| size_of::<String>() + path.heap()).sum();
        size_of::<Self>() + self.record.heap() + heap_of_all(&self.extra) + doubts
    }

    /// The documented shape of a record.
    pub fn kind() -> FieldKind {
        Record::kind()
    }

    pub fn contact_id(&self) -> ContactId {
        ContactId(self.record.id.clone())
    }

    /// The best display name: the profile's, else the one the customer gave, else a WhatsApp
    /// number, a Telegram or Instagram name, a mail address, the User ID; each only where it shows something.
    /// One line, no control characters, at most 80 characters.
    pub fn name(&self) -> String {
        let who = &self.profile.user_details;
        [
            &who.name,
            &who.user_provided_name,
            &who.whats_app_number,
            &who.telegram_user_name,
            &who.instagram_user_name,
            &who.contact.email,
            &self.record.id,
        ]
        .into_iter()
        .map(|candidate| text::one_line(candidate, 80))
        .find(|candidate| text::shows_a_name(candidate))
        .unwrap_or_else(|| "(no id)".to_owned())
    }

    /// The main platform as the API spells it, upper case; empty when none is given.
    pub fn platform(&self) -> String {
        self.record.platform.first().map(|platform| platform.to_uppercase()).unwrap_or_default()
    }

    /// Until when a business may answer freely, if the platform limits that and the customer wrote last.
    pub fn reply_window_ends(&self) -> Option<Timestamp> {
        let last = &self.last_message;
        let limited = self.platform() == WHATSAPP && last.by == by::USER;
        limited.then_some(last.at)?.and_then(|at| at.checked_add(REPLY_WINDOW).ok())
    }

    /// The id of the bot that the customer talks with; empty when none is given.
    pub fn bot_id(&self) -> &str {
        [
            &self.bot_website,
            &self.bot_whatsapp,
            &self.bot_telegram,
            &self.bot_facebook,
            &self.bot_automation,
            &self.ai_agent,
        ]
        .into_iter()
        .find(|id| !id.is_empty())
        .map_or("", String::as_str)
    }

    /// The text by which the inbox's search finds the contact, as the inbox has it; the best one of phone, WhatsApp
    /// number, mail and names, in this order.
    pub fn search_text(&self) -> Option<String> {
        let who = &self.profile.user_details;
        [&who.contact.phone.number, &who.whats_app_number, &who.contact.email, &who.name, &who.user_provided_name]
            .into_iter()
            .map(|candidate| candidate.trim())
            .find(|candidate| text::shows_a_name(candidate))
            .map(str::to_owned)
    }

    /// The later one of two readings of the same contact; `other` was read after `self`.
    ///
    /// While pages are read, a record can move and be read twice. `updatedAt` changes with every change of the record,
    /// so it distinguishes the versions; without it the later reading counts. Nothing else is ever concluded from it.
    #[must_use]
    pub fn newer(self, other: Self) -> Self {
        if other.updated_at.is_some() && self.updated_at > other.updated_at { self } else { other }
    }
}

#[cfg(test)]
mod tests;
