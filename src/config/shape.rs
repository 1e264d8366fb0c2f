//! The keys of `pengwatch.toml` and their types. Values are judged elsewhere.
//!
//! There is no `Debug` here, since the file may hold a secret as plain text.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Spanned, Table, Value};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConfigFile {
    /// `sqlite:PATH` or `postgres://…`.
    pub state: Option<Spanned<String>>,
    /// A folder.
    pub rules: Option<Spanned<String>>,
    /// A folder.
    pub templates: Option<Spanned<String>>,
    /// The IANA name of a time zone.
    pub timezone: Option<Spanned<String>>,
    /// A duration.
    pub retention: Option<Spanned<String>>,
    /// A duration.
    pub deadline: Option<Spanned<String>>,
    /// The inboxes, by name.
    pub inbox: BTreeMap<Spanned<String>, Spanned<InboxTable>>,
    /// The receivers, by name. Their keys are read elsewhere, as the kinds need them.
    pub receiver: BTreeMap<Spanned<String>, Spanned<Table>>,
    /// Messages about pengwatch itself.
    pub watchdog: Option<Spanned<WatchdogTable>>,
    /// The server for health and metrics.
    pub server: Option<Spanned<ServerTable>>,
    /// Names of agents and bots, for which the API returns only ids.
    pub names: NamesTable,
}

/// `[inbox.NAME]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct InboxTable {
    /// The base address of the API.
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
    /// An address with placeholders.
    pub contact_link: Option<Spanned<String>>,
}

/// `[receiver.NAME]`: the keys that every receiver may have. The others belong to its kind.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ReceiverTable {
    /// The name of a kind.
    pub r#type: Option<Spanned<String>>,
    /// The name of another receiver.
    pub fallback: Option<Spanned<String>>,
    /// The name of a folder in `templates/`.
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
    /// Names of receivers.
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
    /// Agents, by id.
    pub agents: BTreeMap<String, AgentTable>,
    /// Names of bots, by id.
    pub bots: BTreeMap<String, String>,
}

/// One entry of `[names.agents]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AgentTable {
    /// The name in messages.
    pub name: String,
    /// The Slack member id.
    pub slack: Option<String>,
}
