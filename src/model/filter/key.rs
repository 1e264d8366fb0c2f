//! The one table of the filter's keys: each with its name, the field of a record that it looks at, and the way in
//! which the two are compared.

use jiff::{SignedDuration, Timestamp};
use strum::VariantArray;

use crate::model::Contact;

/// A key of the request's body that filters, in the order of the provider's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, VariantArray)]
pub enum FilterKey {
    SearchText,
    Tags,
    Status,
    IsOnline,
    BotWebsite,
    BotWhatsapp,
    BotTelegram,
    BotFacebook,
    AgentAssigned,
    Segments,
    LastSeenAt,
    CreatedAt,
    UserInteracted,
    LastMessageBy,
    IsLiveChatActive,
    HasOrdered,
    IsContact,
}

/// How a key is written, and what it is compared with.
#[derive(Clone, Copy)]
pub enum FilterShape {
    /// A text that is searched for in names, addresses and numbers.
    Search,
    /// A list of texts, one of which the record has.
    OneOf(fn(&Contact) -> &str),
    /// A list of texts, any of which is among those of the record.
    AnyOf(fn(&Contact) -> &[String]),
    /// Ids of bots. A contact talks with one bot, so keys of several platforms are alternatives.
    Bot(fn(&Contact) -> &str),
    /// `true`, or no filter.
    Flag(fn(&Contact) -> bool),
    /// A range of times.
    Within(fn(&Contact) -> Option<Timestamp>),
    /// `status` and `lastAt` of an order.
    Order,
}

impl FilterKey {
    /// The name in the request and in a rule file; the dotted path of the record's field; the shape.
    const fn row(self) -> (&'static str, &'static str, FilterShape) {
        match self {
            Self::SearchText => ("searchText", "profile", FilterShape::Search),
            Self::Tags => ("tags", "profile.userDetails.tags", FilterShape::AnyOf(|of| &of.profile.user_details.tags)),
            Self::Status => ("status", "status", FilterShape::OneOf(|of| &of.status)),
            Self::IsOnline => ("isOnline", "isOnline", FilterShape::Flag(|of| of.is_online)),
            Self::BotWebsite => ("_botWebsite", "_botWebsite", FilterShape::Bot(|of| &of.bot_website)),
            Self::BotWhatsapp => ("_botWhatsapp", "_botWhatsapp", FilterShape::Bot(|of| &of.bot_whatsapp)),
            Self::BotTelegram => ("_botTelegram", "_botTelegram", FilterShape::Bot(|of| &of.bot_telegram)),
            Self::BotFacebook => ("_botFacebook", "_botFacebook", FilterShape::Bot(|of| &of.bot_facebook)),
            Self::AgentAssigned => ("_agentAssigned", "_agentAssigned", FilterShape::OneOf(|of| &of.agent_assigned)),
            Self::Segments => ("segments", "segments", FilterShape::AnyOf(|of| &of.segments)),
            Self::LastSeenAt => ("lastSeenAt", "lastSeenAt", FilterShape::Within(|of| of.last_seen_at)),
            Self::CreatedAt => ("createdAt", "createdAt", FilterShape::Within(|of| of.created_at)),
            Self::UserInteracted => ("userInteracted", "userInteracted", FilterShape::Flag(|of| of.user_interacted)),
            Self::LastMessageBy => ("lastMessageBy", "lastMessage.by", FilterShape::OneOf(|of| &of.last_message.by)),
            Self::IsLiveChatActive => {
                ("isLiveChatActive", "isLiveChatActive", FilterShape::Flag(|of| of.is_live_chat_active))
            }
            Self::HasOrdered => ("hasOrdered", "hasOrdered", FilterShape::Order),
            Self::IsContact => ("isContact", "isContact", FilterShape::Flag(|of| of.is_contact)),
        }
    }

    /// The name in the request and in a rule file.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The dotted path of the record's field.
    pub const fn path(self) -> &'static str {
        self.row().1
    }

    /// The name of the record's root field.
    pub fn root(self) -> &'static str {
        self.path().split('.').next().unwrap_or_default()
    }

    pub const fn shape(self) -> FilterShape {
        self.row().2
    }

    /// The names of all keys, in the order of the table.
    pub const NAMES: [&'static str; Self::VARIANTS.len()] = {
        let mut names = [""; Self::VARIANTS.len()];
        let mut at = 0;
        while at < names.len() {
            names[at] = Self::VARIANTS[at].name();
            at += 1;
        }
        names
    };
}

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

    /// Whether a record's time is in the range; one without a time is in no range with an end.
    pub(super) fn holds(&self, time: Option<Timestamp>, now: Timestamp) -> bool {
        if self.is_empty() {
            return true;
        }
        let Some(time) = time else { return false };
        self.start.is_none_or(|start| time >= start.at(now)) && self.end.is_none_or(|end| time <= end.at(now))
    }
}

/// What a filter asks for by one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Text(String),
    /// Any of these.
    List(Vec<String>),
    Flag(bool),
    Range(TimeRange),
    Order {
        /// `status`: something was ordered.
        placed: bool,
        /// `lastAt`: ordered at this time or later.
        since: Option<When>,
    },
}

impl Wanted {
    /// Whether it does not filter.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::List(values) => values.is_empty(),
            Self::Flag(flag) => !flag,
            Self::Range(range) => range.is_empty(),
            Self::Order { placed, since } => !placed && since.is_none(),
        }
    }

    /// The listed texts; none for other shapes.
    pub fn list(&self) -> &[String] {
        if let Self::List(values) = self { values } else { &[] }
    }

    /// Whether all that passes `other` passes this.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(mine), Self::List(theirs)) => theirs.iter().all(|value| mine.contains(value)),
            (Self::Order { placed, since }, Self::Order { placed: theirs, since: their_since }) => {
                (!placed || *theirs) && (since.is_none() || since == their_since)
            }
            _ => self == other,
        }
    }
}

impl From<&str> for Wanted {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Vec<String>> for Wanted {
    fn from(values: Vec<String>) -> Self {
        Self::List(values)
    }
}

impl From<bool> for Wanted {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<TimeRange> for Wanted {
    fn from(range: TimeRange) -> Self {
        Self::Range(range)
    }
}
