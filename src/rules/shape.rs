//! A rule file as it is written: keys and types, before anything is judged.

use serde::Deserialize;
use toml::{Spanned, Value};

/// A whole rule file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RuleFile {
    /// What the rule is for.
    pub description: Option<Spanned<String>>,
    /// `info`, `warning` or `critical`.
    pub severity: Option<Spanned<String>>,
    /// `message` or `match`.
    pub since: Option<Spanned<String>>,
    /// `false` counts as removed.
    pub enabled: Option<bool>,
    /// Inboxes' names.
    pub inboxes: Option<Vec<Spanned<String>>>,
    /// A condition in CEL.
    pub when: Option<Spanned<String>>,
    /// What the API is asked for.
    pub filter: Option<Spanned<FilterTable>>,
    /// Who is told.
    pub notify: Option<Vec<Spanned<NotifyTable>>>,
    /// How long it must match before people are told.
    pub r#for: Option<Spanned<Value>>,
    /// How long it goes on after it no longer matches.
    pub keep_firing_for: Option<Spanned<Value>>,
    /// Whether people are told of the end.
    pub resolved: Option<bool>,
    /// What counts as an acknowledgement.
    pub ack_on: Option<Vec<Spanned<String>>>,
    /// When people are told.
    pub hours: Option<Spanned<HoursTable>>,
    /// Comes with a later version.
    pub test: Option<Spanned<Value>>,
}

/// `[hours]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HoursTable {
    /// An IANA name.
    pub timezone: Option<Spanned<String>>,
    /// Ranges like `mon-fri 09:00-18:00`.
    pub open: Option<Spanned<Vec<Spanned<String>>>>,
    /// Dates, as texts or bare.
    pub holidays: Option<Vec<Spanned<Value>>>,
    /// `hold`, `drop` or a receiver's name.
    pub outside: Option<Spanned<String>>,
    /// `wall` or `business`.
    pub clock: Option<Spanned<String>>,
}

/// One `[[notify]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NotifyTable {
    /// Receivers' names.
    pub to: Option<Spanned<Vec<Spanned<String>>>>,
    /// A folder in `templates/`.
    pub template: Option<Spanned<String>>,
    /// Since the customer began to wait.
    pub after: Option<Spanned<Value>>,
    /// Pause between further messages.
    pub repeat: Option<Spanned<Value>>,
    /// By how much the pause grows each time.
    pub repeat_factor: Option<Spanned<Value>>,
    /// How many further messages there are at most.
    pub repeat_limit: Option<Spanned<Value>>,
}

/// `[filter]`: the keys of the API's request body. Lists are read as any value, since an entry may
/// be written as `{ raw = … }`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(non_snake_case, missing_docs)]
pub(crate) struct FilterTable {
    pub searchText: Option<Spanned<String>>,
    pub tags: Option<Spanned<Value>>,
    pub status: Option<Spanned<Value>>,
    pub isOnline: Option<Spanned<bool>>,
    #[serde(rename = "_botWebsite")]
    pub bot_website: Option<Spanned<Value>>,
    #[serde(rename = "_botWhatsapp")]
    pub bot_whatsapp: Option<Spanned<Value>>,
    #[serde(rename = "_botTelegram")]
    pub bot_telegram: Option<Spanned<Value>>,
    #[serde(rename = "_botFacebook")]
    pub bot_facebook: Option<Spanned<Value>>,
    #[serde(rename = "_agentAssigned")]
    pub agent_assigned: Option<Spanned<Value>>,
    pub segments: Option<Spanned<Value>>,
    pub applicableFilters: Option<Spanned<Value>>,
    pub lastSeenAt: Option<Spanned<RangeTable>>,
    pub createdAt: Option<Spanned<RangeTable>>,
    pub userInteracted: Option<Spanned<bool>>,
    pub lastMessageBy: Option<Spanned<Value>>,
    pub isLiveChatActive: Option<Spanned<bool>>,
    pub hasOrdered: Option<Spanned<OrderedTable>>,
    pub isContact: Option<Spanned<bool>>,
}

/// A range of times.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(non_snake_case, missing_docs)]
pub(crate) struct RangeTable {
    pub startAt: Option<Spanned<Value>>,
    pub endsAt: Option<Spanned<Value>>,
}

/// Orders.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(non_snake_case, missing_docs)]
pub(crate) struct OrderedTable {
    pub status: Option<Spanned<bool>>,
    pub lastAt: Option<Spanned<Value>>,
}
