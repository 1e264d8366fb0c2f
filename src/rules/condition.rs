//! `when`: a condition in CEL over one contact, compiled once.
//!
//! It sees every documented field under its API name (absent or null: the empty value), undocumented
//! ones as `extra["x"]`, and the derived names of [`DERIVED`]. Durations and `waiting` are whole
//! seconds, so that `waiting > minutes(5)` compares numbers.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use cel::{Context, ExecutionError, FunctionContext, Program, Value, common::ast::IdedExpr, extractors::This};
use jiff::Timestamp;
use serde_json::Value as Json;

use super::{condition_check, condition_depth, condition_types};
use crate::model::{Contact, Names, field::Field, time};

/// The longest condition: beyond it, nobody understands it either.
pub const MAX_LENGTH: usize = 1024;

/// Names that a condition sees besides the documented fields.
pub const DERIVED: [&str; 9] =
    ["waiting", "inbox", "name", "agent", "tags", "attributes", "open", "missed_live_chat", "extra"];

/// Functions that a condition can call besides CEL's own.
pub const FUNCTIONS: [&str; 5] = ["seconds", "minutes", "hours", "days", "since"];

/// Where the functions find the time.
const NOW: &str = "@now";

/// "Never" as a number of seconds ago: longer than anything a rule compares with.
const NEVER: i64 = 1 << 53;

/// What a condition is judged with, besides the rule.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The contact.
    pub contact: &'a Contact,
    /// Since when the customer waits, or would if the episode began now.
    pub since: Timestamp,
    /// The inbox's name.
    pub inbox: &'a str,
    /// Names of agents.
    pub names: &'a Names,
    /// Whether it is within the rule's hours.
    pub open: bool,
    /// Whether a live chat of the contact ended without a word of an agent, and none has spoken since.
    pub missed_live_chat: bool,
    /// The time.
    pub now: Timestamp,
}

/// What a condition says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not hold.
    Fails,
    /// It could not be judged, which counts as "does not match"; the text names no value.
    Fault(String),
}

/// A mistake in a condition, at a byte range of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Which bytes of the condition.
    pub span: std::ops::Range<usize>,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub help: Option<String>,
}

/// A compiled condition.
#[derive(Clone)]
pub struct Condition {
    text: String,
    program: Arc<Program>,
    root: Arc<Context<'static, 'static>>,
    /// Root names that the text refers to.
    names: BTreeSet<String>,
    clock: bool,
    /// The parts between `&&` that time alone cannot make true.
    steady: Arc<Vec<IdedExpr>>,
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Condition({:?})", self.text)
    }
}

impl Condition {
    /// Compiles and checks a condition: syntax, names, and types as far as they can be known.
    ///
    /// # Errors
    /// Every mistake found.
    pub fn compile(text: &str) -> Result<Self, Vec<Mistake>> {
        let whole = |what: &str, help: &str| {
            vec![Mistake { span: 0..text.len(), what: what.to_owned(), help: Some(help.to_owned()) }]
        };
        if text.len() > MAX_LENGTH {
            return Err(whole("this condition is longer than 1024 bytes", "split it into several rules"));
        }
        if text.trim().is_empty() {
            return Err(whole("this condition is empty", "leave `when` out, or write it like `unreadMessages > 0`"));
        }
        let deep = || whole("this condition is nested too deep", "write it flatter, or split it into several rules");
        if condition_depth::too_many_brackets(text) {
            return Err(deep());
        }
        let program = Program::compile(text).map_err(|errors| condition_check::syntax(text, &errors))?;
        if condition_depth::too_deep(program.expression()) {
            return Err(deep());
        }
        if condition_depth::too_long(program.expression()) {
            let help = "loops (`all`, `exists`, `map`, `filter`): two in each other, four one after the other";
            return Err(whole("this condition would take too long", help));
        }
        let used = condition_check::names(&program)?;
        let condition = Self {
            text: text.to_owned(),
            root: Arc::new(root()),
            clock: used.functions.contains("since") || used.roots.contains("waiting") || used.roots.contains("open"),
            names: used.roots,
            steady: Arc::new(condition_check::steady(program.expression())),
            program: Arc::new(program),
        };
        condition_types::types(&condition)?;
        Ok(condition)
    }

    /// The text as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it can change without the contact changing.
    pub fn looks_at_clock(&self) -> bool {
        self.clock
    }

    /// Whether a condition that does not hold can come to hold by time alone: not while one of its
    /// parts fails that no clock can mend.
    pub fn may_come_true(&self, scope: Scope<'_>) -> bool {
        let context = self.context(scope);
        self.clock && self.steady.iter().all(|part| matches!(context.resolve(part), Ok(Value::Bool(true))))
    }

    /// Whether a root field of the record decides about it.
    pub fn reads(&self, root: &str) -> bool {
        self.names.contains(root)
            || (root == "profile" && ["name", "tags", "attributes"].iter().any(|name| self.names.contains(*name)))
            || (root == "_agentAssigned" && self.names.contains("agent"))
            || (root == "lastMessage" && ["waiting", "missed_live_chat"].iter().any(|name| self.names.contains(*name)))
            || (root == "isLiveChatActive" && self.names.contains("missed_live_chat"))
    }

    /// Judges one contact.
    pub fn judge(&self, scope: Scope<'_>) -> Verdict {
        match self.program.execute(&self.context(scope)) {
            Ok(Value::Bool(true)) => Verdict::Holds,
            // A custom field or a list's entry that this contact does not have is an ordinary "no".
            Ok(Value::Bool(false)) | Err(ExecutionError::NoSuchKey(_) | ExecutionError::IndexOutOfBounds(_)) => {
                Verdict::Fails
            }
            Ok(_) => Verdict::Fault("the condition is neither true nor false".to_owned()),
            Err(error) => Verdict::Fault(condition_types::words(&error)),
        }
    }

    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    pub(super) fn context(&self, scope: Scope<'_>) -> Context<'_, 'static> {
        let mut context = self.root.new_inner_scope();
        context.add_variable_from_value(NOW, scope.now.as_second());
        for name in &self.names {
            context.add_variable_from_value(name.as_str(), variable(name, scope));
        }
        context
    }
}

fn root() -> Context<'static, 'static> {
    let mut root = Context::default();
    // These names are not CEL's own, so that adding them cannot fail.
    let _ = root.add_function("seconds", |n: i64| n);
    let _ = root.add_function("minutes", |n: i64| n.saturating_mul(60));
    let _ = root.add_function("hours", |n: i64| n.saturating_mul(3_600));
    let _ = root.add_function("days", |n: i64| n.saturating_mul(86_400));
    let _ = root.add_function("since", since);
    root
}

fn since(context: &FunctionContext, This(time): This<Arc<String>>) -> Result<i64, ExecutionError> {
    if time.is_empty() {
        return Ok(NEVER);
    }
    let Some(time) = time::parse_timestamp(&time) else {
        return Err(context.error("this is no time"));
    };
    let now = context.ptx.get_variable(NOW).and_then(|now| Value::try_from(now.as_ref()).ok());
    let Some(Value::Int(now)) = now else {
        return Err(context.error("no time is known here"));
    };
    Ok(now - time.as_second())
}

fn variable(name: &str, scope: Scope<'_>) -> Value {
    let contact = scope.contact;
    let who = &contact.profile.user_details;
    match name {
        "waiting" => time::elapsed(scope.since, scope.now).as_secs().into(),
        "inbox" => scope.inbox.into(),
        "name" => contact.name().into(),
        "agent" => scope.names.agent(&contact.agent_assigned).into(),
        "tags" => who.tags.clone().into(),
        "attributes" => who
            .attributes
            .iter()
            .map(|attribute| (attribute.key.clone(), attribute.value.clone()))
            .collect::<HashMap<_, _>>()
            .into(),
        "open" => scope.open.into(),
        "missed_live_chat" => scope.missed_live_chat.into(),
        "extra" => from_json(&Json::Object(contact.extra.clone())),
        documented => field(contact, documented),
    }
}

/// The documented field of this root name: the cheap ones without making the whole record JSON.
fn field(contact: &Contact, name: &str) -> Value {
    match name {
        "_id" => contact.id.as_str().into(),
        "status" => contact.status.as_str().into(),
        "unreadMessages" => contact.unread_messages.into(),
        "isLiveChatActive" => contact.is_live_chat_active.into(),
        "isImported" => contact.is_imported.into(),
        "userInteracted" => contact.user_interacted.into(),
        "lastMessage" => from_json(&contact.last_message.json()),
        "profile" => from_json(&contact.profile.json()),
        "lastSeenAt" => from_json(&contact.last_seen_at.json()),
        other => contact.record.json().get(other).map_or(Value::Null, from_json),
    }
}

fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => (*flag).into(),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(float)) => float.into(),
            (None, None) => Value::Null,
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(entries) => entries.iter().map(from_json).collect::<Vec<Value>>().into(),
        Json::Object(object) => {
            object.iter().map(|(key, value)| (key.clone(), from_json(value))).collect::<HashMap<String, Value>>().into()
        }
    }
}
