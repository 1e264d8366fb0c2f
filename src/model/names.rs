//! Names of things for which the API returns ids only.

use std::collections::BTreeMap;

use super::text::shows_a_name;

/// An agent, from `[names.agents]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    /// The name in messages.
    pub name: String,
    /// The Slack member id (`U012AB3CD`), to mention the agent.
    pub slack: Option<String>,
}

/// Names by id: agents and bots from the configuration, segments from the API. A name that shows nothing does not
/// count.
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
        self.agents.get(id).map(|agent| agent.name.as_str()).filter(|name| shows_a_name(name)).unwrap_or(id)
    }

    /// The agent's Slack member id, or empty.
    pub fn agent_slack(&self, id: &str) -> &str {
        self.agents.get(id).and_then(|agent| agent.slack.as_deref()).unwrap_or("")
    }

    /// The name of a bot; empty where none is configured.
    pub fn bot(&self, id: &str) -> &str {
        self.bots.get(id).map(String::as_str).filter(|name| shows_a_name(name)).unwrap_or_default()
    }

    /// The name of a segment; the id where the API returned no name.
    pub fn segment<'a>(&'a self, id: &'a str) -> &'a str {
        self.segments.get(id).map(String::as_str).filter(|name| shows_a_name(name)).unwrap_or(id)
    }
}

#[cfg(test)]
mod tests {
    use super::{Agent, Names};

    #[test]
    fn a_name_that_shows_nothing_is_none() {
        let by = |name: &str| [("id".to_owned(), name.to_owned())].into();
        for (name, agent, bot) in
            [("Asha", "Asha", "Asha"), ("\u{3164}", "id", ""), (" ", "id", ""), ("null", "id", "")]
        {
            let agents = [("id".to_owned(), Agent { name: name.to_owned(), slack: None })].into();
            let names = Names { agents, bots: by(name), segments: by(name) };
            assert_eq!((names.agent("id"), names.bot("id"), names.segment("id")), (agent, bot, agent), "{name:?}");
        }
        assert_eq!(Names::default().agent("other"), "other");
    }
}
