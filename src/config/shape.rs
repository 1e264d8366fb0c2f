//! `pengwatch.toml` as it is written: keys and types, before anything is judged.
//!
//! No `Debug` here: a secret may stand in the file as plain text.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Spanned, Table, Value};

/// The whole file.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConfigFile {
    /// `sqlite:PATH` or `postgres://…`.
    pub state: Option<Spanned<String>>,
    /// A folder.
    pub rules: Option<Spanned<String>>,
    /// A folder.
    pub templates: Option<Spanned<String>>,
    /// An IANA name.
    pub timezone: Option<Spanned<String>>,
    /// A duration.
    pub retention: Option<Spanned<String>>,
    /// A duration.
    pub deadline: Option<Spanned<String>>,
    /// By name.
    pub inbox: BTreeMap<Spanned<String>, Spanned<InboxTable>>,
    /// By name; their keys are read for themselves.
    pub receiver: BTreeMap<Spanned<String>, Spanned<Table>>,
    /// Who watches the watcher.
    pub watchdog: Option<Spanned<WatchdogTable>>,
    /// Page, API, metrics.
    pub server: Option<Spanned<ServerTable>>,
    /// What the API gives ids for only.
    pub names: NamesTable,
}

/// `[inbox.NAME]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct InboxTable {
    /// Base address.
    pub url: Option<Spanned<String>>,
    /// A secret.
    pub token: Option<Spanned<Value>>,
    /// A duration.
    pub poll_every: Option<Spanned<String>>,
    /// A duration.
    pub sweep_every: Option<Spanned<String>>,
    /// A number.
    pub requests_per_minute: Option<Spanned<u32>>,
    /// A duration.
    pub timeout: Option<Spanned<String>>,
    /// A template.
    pub contact_link: Option<Spanned<String>>,
}

/// `[receiver.NAME]`: the keys that every receiver may have. The others belong to its kind.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ReceiverTable {
    /// The name of a kind.
    pub r#type: Option<Spanned<String>>,
    /// Another receiver.
    pub fallback: Option<Spanned<String>>,
    /// A folder in `templates/`.
    pub template: Option<Spanned<String>>,
    /// `rule`, `contact` or `receiver`.
    pub group: Option<Spanned<String>>,
    /// A number.
    pub max_listed: Option<Spanned<u32>>,
    /// A duration.
    pub give_up_after: Option<Spanned<String>>,
    /// `full`, `masked` or `id`.
    pub privacy: Option<Spanned<String>>,
}

/// `[watchdog]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WatchdogTable {
    /// Receivers.
    pub notify: Vec<Spanned<String>>,
    /// A duration.
    pub after: Option<Spanned<String>>,
    /// A secret.
    pub heartbeat_url: Option<Spanned<Value>>,
}

/// `[server]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServerTable {
    /// An address.
    pub listen: Option<Spanned<String>>,
    /// An address.
    pub public_url: Option<Spanned<String>>,
    /// A secret.
    pub token: Option<Spanned<Value>>,
}

/// `[names]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NamesTable {
    /// By agent id.
    pub agents: BTreeMap<String, AgentTable>,
    /// By bot id.
    pub bots: BTreeMap<String, String>,
}

/// One agent.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AgentTable {
    /// The name in messages.
    pub name: String,
    /// The Slack member id.
    pub slack: Option<String>,
}
