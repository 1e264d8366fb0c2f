//! Names of what the API gives ids for only.

use std::collections::BTreeMap;

/// An agent, from `[names.agents]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    /// The name in messages.
    pub name: String,
    /// The Slack member id (`U012AB3CD`), to mention the agent.
    pub slack: Option<String>,
}

/// Names by id: agents and bots from the configuration, segments from the API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// By agent id.
    pub agents: BTreeMap<String, Agent>,
    /// By bot id.
    pub bots: BTreeMap<String, String>,
    /// By segment id.
    pub segments: BTreeMap<String, String>,
}

impl Names {
    /// The name of an agent; the id where none is configured, empty for an empty id.
    pub fn agent<'a>(&'a self, id: &'a str) -> &'a str {
        self.agents.get(id).map_or(id, |agent| agent.name.as_str())
    }

    /// The agent's Slack member id, or empty.
    pub fn agent_slack(&self, id: &str) -> &str {
        self.agents.get(id).and_then(|agent| agent.slack.as_deref()).unwrap_or("")
    }

    /// The name of a bot; empty where none is configured.
    pub fn bot(&self, id: &str) -> &str {
        self.bots.get(id).map_or("", String::as_str)
    }

    /// The name of a segment; the id where the API gave none.
    pub fn segment<'a>(&'a self, id: &'a str) -> &'a str {
        self.segments.get(id).map_or(id, String::as_str)
    }
}
