//! `[filter]`: what the API is asked for, and the same check on this side.
//!
//! The provider does not say whether a filter that `applicableFilters` does not list is applied, so
//! no record is believed to pass only because it was returned.

use jiff::{SignedDuration, Timestamp};

use super::{
    Contact,
    text::{form, same},
};

/// A time in a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A fixed one.
    At(Timestamp),
    /// This long before now (`"-1h"`); negative: after now.
    Ago(SignedDuration),
}

impl When {
    /// The time meant at `now`.
    pub fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Ago(ago) => now.checked_sub(ago).unwrap_or(Timestamp::MIN),
        }
    }
}

/// A range of times, both ends included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The earliest time.
    pub start: Option<When>,
    /// The latest time.
    pub end: Option<When>,
}

impl TimeRange {
    /// Whether it is open at both ends.
    pub fn is_empty(&self) -> bool {
        self.start.is_none() && self.end.is_none()
    }

    fn holds(&self, time: Option<Timestamp>, now: Timestamp) -> bool {
        if self.is_empty() {
            return true;
        }
        let Some(time) = time else { return false };
        self.start.is_none_or(|start| time >= start.at(now)) && self.end.is_none_or(|end| time <= end.at(now))
    }
}

/// The ids of bots by platform, as the API has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bots {
    /// `_botWebsite`.
    pub website: Vec<String>,
    /// `_botWhatsapp`.
    pub whatsapp: Vec<String>,
    /// `_botTelegram`.
    pub telegram: Vec<String>,
    /// `_botFacebook`.
    pub facebook: Vec<String>,
}

/// All filters of the API's request body; an empty one does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub search_text: String,
    /// `tags`: any of them.
    pub tags: Vec<String>,
    /// `status`: any of them.
    pub status: Vec<String>,
    pub is_online: bool,
    /// `_botWebsite`, `_botWhatsapp`, `_botTelegram`, `_botFacebook`.
    pub bots: Bots,
    /// `_agentAssigned`: any of them.
    pub agent_assigned: Vec<String>,
    /// `segments`: any of them.
    pub segments: Vec<String>,
    /// `applicableFilters`, where the rule overrides what is in use.
    pub applicable_filters: Option<Vec<String>>,
    pub last_seen_at: TimeRange,
    pub created_at: TimeRange,
    pub user_interacted: bool,
    /// `lastMessageBy`: any of them.
    pub last_message_by: Vec<String>,
    pub is_live_chat_active: bool,
    /// `hasOrdered.status`.
    pub has_ordered: bool,
    /// `hasOrdered.lastAt`: ordered at this time or later.
    pub ordered_since: Option<When>,
    pub is_contact: bool,
}

/// A field of a record and whether this filter looks at it, by the record's root name and by the
/// request's key.
struct Use {
    key: &'static str,
    root: &'static str,
    used: bool,
}

impl Filter {
    fn uses(&self) -> [Use; 16] {
        let entry = |key, root, used| Use { key, root, used };
        [
            entry("searchText", "profile", !self.search_text.is_empty()),
            entry("tags", "profile", !self.tags.is_empty()),
            entry("status", "status", !self.status.is_empty()),
            entry("isOnline", "isOnline", self.is_online),
            entry("_botWebsite", "_botWebsite", !self.bots.website.is_empty()),
            entry("_botWhatsapp", "_botWhatsapp", !self.bots.whatsapp.is_empty()),
            entry("_botTelegram", "_botTelegram", !self.bots.telegram.is_empty()),
            entry("_botFacebook", "_botFacebook", !self.bots.facebook.is_empty()),
            entry("_agentAssigned", "_agentAssigned", !self.agent_assigned.is_empty()),
            entry("segments", "segments", !self.segments.is_empty()),
            entry("lastSeenAt", "lastSeenAt", !self.last_seen_at.is_empty()),
            entry("createdAt", "createdAt", !self.created_at.is_empty()),
            entry("userInteracted", "userInteracted", self.user_interacted),
            entry("lastMessageBy", "lastMessage", !self.last_message_by.is_empty()),
            entry("isLiveChatActive", "isLiveChatActive", self.is_live_chat_active),
            entry("isContact", "isContact", self.is_contact),
        ]
    }

    fn orders(&self) -> bool {
        self.has_ordered || self.ordered_since.is_some()
    }

    /// `applicableFilters`: what the rule says, else every filter in use.
    pub fn applicable(&self) -> Vec<String> {
        if let Some(listed) = &self.applicable_filters {
            return listed.clone();
        }
        let mut keys: Vec<String> =
            self.uses().iter().filter(|entry| entry.used).map(|entry| entry.key.to_owned()).collect();
        if self.orders() {
            keys.push("hasOrdered".to_owned());
        }
        keys
    }

    /// Whether a record's root field decides about passing.
    pub fn reads(&self, root: &str) -> bool {
        self.uses().iter().any(|entry| entry.used && entry.root == root) || (root == "hasOrdered" && self.orders())
    }

    /// A filter by `search_text` alone, for looking a missing contact up: nothing in it is changed by an answer.
    #[must_use]
    pub fn for_look_up(search_text: String) -> Self {
        Self { search_text, ..Self::default() }
    }

    /// The filter narrowed to contacts seen at `since` or later, which finds new waiting customers apart from the full
    /// walk. A contact that it does not return need not be absent.
    #[must_use]
    pub fn narrowed(&self, since: Timestamp, now: Timestamp) -> Self {
        let mut narrow = self.clone();
        let start = narrow.last_seen_at.start.map_or(since, |own| own.at(now).max(since));
        narrow.last_seen_at.start = Some(When::At(start));
        if let Some(listed) = &mut narrow.applicable_filters
            && !listed.iter().any(|key| key == "lastSeenAt")
        {
            listed.push("lastSeenAt".to_owned());
        }
        narrow
    }

    /// Whether `contact` passes at `now`. Fields that a record lacks have their empty value.
    pub fn passes(&self, contact: &Contact, now: Timestamp) -> bool {
        self.checks(contact, now).into_iter().all(|(_, passes)| passes)
    }

    /// Each key's own check, by the request's key; one that is not in use passes.
    pub fn checks(&self, contact: &Contact, now: Timestamp) -> [(&'static str, bool); 14] {
        let any = |wanted: &[String], has: &str| wanted.is_empty() || wanted.iter().any(|value| same(value, has));
        let overlap = |wanted: &[String], has: &[String]| {
            wanted.is_empty() || wanted.iter().any(|value| has.iter().any(|own| same(own, value)))
        };
        let ordered = (!self.orders() || contact.has_ordered.status)
            && self.ordered_since.is_none_or(|since| contact.has_ordered.last_at.is_some_and(|at| at >= since.at(now)));
        [
            ("isOnline", !self.is_online || contact.is_online),
            ("userInteracted", !self.user_interacted || contact.user_interacted),
            ("isLiveChatActive", !self.is_live_chat_active || contact.is_live_chat_active),
            ("isContact", !self.is_contact || contact.is_contact),
            ("status", any(&self.status, &contact.status)),
            ("lastMessageBy", any(&self.last_message_by, &contact.last_message.by)),
            ("_agentAssigned", any(&self.agent_assigned, &contact.agent_assigned)),
            ("segments", overlap(&self.segments, &contact.segments)),
            ("tags", overlap(&self.tags, &contact.profile.user_details.tags)),
            ("_botWebsite or another bot", self.has_bot(contact)),
            ("lastSeenAt", self.last_seen_at.holds(contact.last_seen_at, now)),
            ("createdAt", self.created_at.holds(contact.created_at, now)),
            ("hasOrdered", ordered),
            ("searchText", self.found_by_search(contact)),
        ]
    }

    /// For a key that lists values of the API's own: those that are asked for, and the one that a record has.
    pub fn listed<'a>(&'a self, key: &str, contact: &'a Contact) -> Option<(&'a [String], &'a str)> {
        match key {
            "status" => Some((&self.status, &contact.status)),
            "lastMessageBy" => Some((&self.last_message_by, &contact.last_message.by)),
            "_agentAssigned" => Some((&self.agent_assigned, &contact.agent_assigned)),
            _ => None,
        }
    }

    /// What a key asks for, if that is in the API's own words and not in a customer's.
    pub fn asked(&self, key: &str) -> Option<String> {
        let flags = ["isOnline", "userInteracted", "isLiveChatActive", "isContact"];
        let listed = match key {
            "status" => &self.status,
            "lastMessageBy" => &self.last_message_by,
            "_agentAssigned" => &self.agent_assigned,
            "segments" => &self.segments,
            key => return flags.contains(&key).then(|| "`true`".to_owned()),
        };
        Some(listed.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" or "))
    }

    /// A contact talks with one bot, so bots of several platforms are alternatives.
    fn has_bot(&self, contact: &Contact) -> bool {
        let pairs = [
            (&self.bots.website, &contact.bot_website),
            (&self.bots.whatsapp, &contact.bot_whatsapp),
            (&self.bots.telegram, &contact.bot_telegram),
            (&self.bots.facebook, &contact.bot_facebook),
        ];
        pairs.iter().all(|(wanted, _)| wanted.is_empty()) || pairs.iter().any(|(wanted, has)| wanted.contains(has))
    }

    /// "Free-text search by name, email, or phone", as the provider's page says; case is ignored.
    fn found_by_search(&self, contact: &Contact) -> bool {
        if self.search_text.is_empty() {
            return true;
        }
        let who = &contact.profile.user_details;
        let wanted = form(self.search_text.trim()).to_lowercase();
        // A prefix comes with and without its plus.
        let phone = format!("+{}{}", who.contact.phone.prefix.trim_start_matches('+'), who.contact.phone.number);
        let whats_app = format!("+{}", who.whats_app_number.trim_start_matches('+'));
        [&who.name, &who.user_provided_name, &who.contact.email, &phone, &whats_app]
            .into_iter()
            .any(|text| form(text).to_lowercase().contains(&wanted))
    }

    /// Whether every record that passes `other` passes this one too, so that one walk serves both.
    pub fn covers(&self, other: &Self) -> bool {
        let wider = |mine: &[String], theirs: &[String]| {
            mine.is_empty() || (!theirs.is_empty() && theirs.iter().all(|value| mine.contains(value)))
        };
        let flag = |mine: bool, theirs: bool| !mine || theirs;
        // A list that an admin wrote by hand may not be what is applied, so only an equal filter is covered.
        if self.applicable_filters.is_some() || other.applicable_filters.is_some() {
            return self == other;
        }
        (self.search_text.is_empty() || self.search_text == other.search_text)
            && wider(&self.tags, &other.tags)
            && wider(&self.status, &other.status)
            && wider(&self.agent_assigned, &other.agent_assigned)
            && wider(&self.segments, &other.segments)
            && wider(&self.last_message_by, &other.last_message_by)
            && (self.bots == Bots::default() || self.bots == other.bots)
            && (self.last_seen_at.is_empty() || self.last_seen_at == other.last_seen_at)
            && (self.created_at.is_empty() || self.created_at == other.created_at)
            && (self.ordered_since.is_none() || self.ordered_since == other.ordered_since)
            && flag(self.is_online, other.is_online)
            && flag(self.user_interacted, other.user_interacted)
            && flag(self.is_live_chat_active, other.is_live_chat_active)
            && flag(self.has_ordered, other.has_ordered)
            && flag(self.is_contact, other.is_contact)
    }

    /// A text that is the same for the same filter, over restarts and versions.
    pub fn fingerprint(&self) -> String {
        let time = |when: Option<When>| match when {
            None => String::new(),
            Some(When::At(time)) => time.to_string(),
            Some(When::Ago(ago)) => format!("-{}", ago.as_millis()),
        };
        // An entry ends with a mark, so that an empty one differs from none.
        let list = |values: &[String]| values.iter().flat_map(|value| [value, "\u{1f}"]).collect::<String>();
        [
            self.search_text.clone(),
            list(&self.tags),
            list(&self.status),
            list(&self.bots.website),
            list(&self.bots.whatsapp),
            list(&self.bots.telegram),
            list(&self.bots.facebook),
            list(&self.agent_assigned),
            list(&self.segments),
            list(&self.last_message_by),
            // An empty list is not the same as none.
            self.applicable_filters.as_deref().map(|listed| format!("={}", list(listed))).unwrap_or_default(),
            time(self.last_seen_at.start),
            time(self.last_seen_at.end),
            time(self.created_at.start),
            time(self.created_at.end),
            time(self.ordered_since),
            [self.is_online, self.user_interacted, self.is_live_chat_active, self.has_ordered, self.is_contact]
                .map(|flag| if flag { "1" } else { "0" })
                .concat(),
        ]
        .join("\u{1e}")
    }
}

#[cfg(test)]
mod tests;
