//! The keys of a rule file and their types. Values are judged elsewhere.

use serde::Deserialize;
use toml::{Spanned, Value};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RuleFile {
    /// What the rule is for.
    pub description: Option<Spanned<String>>,
    /// `info`, `warning` or `critical`.
    pub severity: Option<Spanned<String>>,
    /// The moment from which a customer waits: `message` or `match`.
    pub since: Option<Spanned<String>>,
    /// Whether the rule is used; `false` counts as removed.
    pub enabled: Option<bool>,
    /// Names of the inboxes that it watches.
    pub inboxes: Option<Vec<Spanned<String>>>,
    /// A condition in CEL.
    pub when: Option<Spanned<String>>,
    /// The query to the API.
    pub filter: Option<Spanned<FilterTable>>,
    /// Who is notified, and when.
    pub notify: Option<Vec<Spanned<NotifyTable>>>,
    /// The wait before the rule fires.
    pub r#for: Option<Spanned<Value>>,
    /// The time for which an alert keeps firing after the contact no longer matches.
    pub keep_firing_for: Option<Spanned<Value>>,
    /// Whether receivers are notified of an alert's end.
    pub resolved: Option<bool>,
    /// What counts as an acknowledgement.
    pub ack_on: Option<Vec<Spanned<String>>>,
    /// The times at which receivers are notified.
    pub hours: Option<Spanned<HoursTable>>,
    /// Reserved for a later version, and refused by this one.
    pub test: Option<Spanned<Value>>,
}

/// `[hours]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HoursTable {
    /// The IANA name of a time zone.
    pub timezone: Option<Spanned<String>>,
    /// Ranges like `mon-fri 09:00-18:00`.
    pub open: Option<Spanned<Vec<Spanned<String>>>>,
    /// Dates, in quotes or bare.
    pub holidays: Option<Vec<Spanned<Value>>>,
    /// What happens to notifications outside the hours: `hold`, `drop` or a receiver's name.
    pub outside: Option<Spanned<String>>,
    /// The hours that durations count: `wall` or `business`.
    pub clock: Option<Spanned<String>>,
}

/// One `[[notify]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NotifyTable {
    /// Names of the receivers that are notified.
    pub to: Option<Spanned<Vec<Spanned<String>>>>,
    /// The name of a folder in `templates/`.
    pub template: Option<Spanned<String>>,
    /// Time since the customer began to wait.
    pub after: Option<Spanned<Value>>,
    /// Pause between further messages.
    pub repeat: Option<Spanned<Value>>,
    /// The factor by which each pause is longer than the one before.
    pub repeat_factor: Option<Spanned<Value>>,
    /// The largest number of further messages.
    pub repeat_limit: Option<Spanned<Value>>,
}

/// `[filter]`: the keys of the API's request body. A list is read as any value, since an entry may
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

/// `lastSeenAt` and `createdAt`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(non_snake_case, missing_docs)]
pub(crate) struct RangeTable {
    pub startAt: Option<Spanned<Value>>,
    pub endsAt: Option<Spanned<Value>>,
}

/// `hasOrdered`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(non_snake_case, missing_docs)]
pub(crate) struct OrderedTable {
    pub status: Option<Spanned<bool>>,
    pub lastAt: Option<Spanned<Value>>,
}
