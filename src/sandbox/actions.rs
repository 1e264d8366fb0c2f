//! What people and bots do to a conversation, as changes of its record.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::model::contact::{CLOSED, by};
use crate::model::time::iso;

/// Who answers a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A person of the team.
    Agent,
    Bot,
}

/// Something done in one conversation.
#[derive(Clone, PartialEq, Eq)]
pub enum CustomerAction {
    /// The customer writes; without a text it is an attachment.
    Write(Option<String>),
    Answer(By, String),
    /// The conversation is closed, and a live chat with it.
    Close,
    /// A live chat is requested, or is over.
    LiveChat(bool),
    /// An agent is assigned; nobody, if the id is empty.
    Assign(String),
    /// The customer goes offline.
    Leave,
}

impl CustomerAction {
    /// Applies the action to a record.
    pub(super) fn change(&self, contact: &mut Map<String, Value>, at: Timestamp) {
        match self {
            Self::Write(text) => {
                say(contact, by::USER, text.as_deref(), at);
                unread(contact, |count| count.saturating_add(1));
                set(contact, "lastSeenAt", iso(at));
                set(contact, "userInteracted", true);
                set(contact, "isOnline", true);
                if contact.get("status").is_some_and(|status| status == CLOSED) {
                    set(contact, "status", "OPEN");
                }
            }
            Self::Answer(By::Bot, text) => say(contact, by::BOT, Some(text), at),
            Self::Answer(By::Agent, text) => {
                say(contact, by::AGENT, Some(text), at);
                unread(contact, |_| 0);
            }
            Self::Close => {
                set(contact, "status", CLOSED);
                set(contact, "isLiveChatActive", false);
                unread(contact, |_| 0);
            }
            Self::LiveChat(active) => set(contact, "isLiveChatActive", *active),
            // The field is documented as present only when somebody is assigned.
            Self::Assign(agent) if agent.is_empty() => {
                contact.shift_remove("_agentAssigned");
            }
            Self::Assign(agent) => {
                set(contact, "_agentAssigned", agent.as_str());
                set(contact, "status", "INPROGRESS");
            }
            Self::Leave => set(contact, "isOnline", false),
        }
        set(contact, "updatedAt", iso(at));
    }
}

fn set(contact: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    contact.insert(name.to_owned(), value.into());
}

fn say(contact: &mut Map<String, Value>, who: &str, text: Option<&str>, at: Timestamp) {
    let mut message = json!({ "at": iso(at), "by": who });
    if let Some(text) = text {
        message["text"] = json!(text);
    }
    set(contact, "lastMessage", message);
}

fn unread(contact: &mut Map<String, Value>, change: impl Fn(i64) -> i64) {
    let count = |value: Option<&Value>| change(value.and_then(Value::as_i64).unwrap_or(0));
    let total = count(contact.get("unreadMessages"));
    set(contact, "unreadMessages", total);
    let Some(Value::Array(agents)) = contact.get_mut("unreadMessage") else { return };
    for agent in agents {
        if let Value::Object(agent) = agent {
            let total = count(agent.get("count"));
            set(agent, "count", total);
        }
    }
}
