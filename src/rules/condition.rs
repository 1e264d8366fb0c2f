//! `when`: a condition in CEL over one contact, compiled once.
//!
//! It sees every documented field under its API name (absent or null: the empty value), undocumented
//! fields as `extra["x"]`, and the derived names (`check::names::DERIVED`). Durations and `waiting` are whole
//! seconds, so that `waiting > minutes(5)` compares numbers.
//!
//! A text is parsed, its names and types are checked ([`check`]), parts that may be absent get their empty
//! value ([`absent`]), and a condition that can never be true is refused ([`never`]).

mod absent;
mod check;
mod depth;
mod facts;
mod fault;
mod forms;
mod functions;
mod mistakes;
mod never;
mod spelling;
mod syntax;
mod text;
pub(in crate::rules) mod types;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use cel::{Context, Program, Value, common::ast::IdedExpr};
use jiff::Timestamp;
use serde_json::Value as Json;

pub(in crate::rules) use self::check::signs::nearest_value;
pub(crate) use self::facts::{Fact, always_open, inboxes, of_filter};
use self::{
    absent::Types,
    functions::NOW,
    never::{Against, Conflict, Reader},
    text::ConditionText,
};
use crate::{
    diagnose::Wording,
    model::{Contact, Names, field::Field, text::form, time},
};

/// The longest condition, in bytes; a longer one can be split into several rules.
pub(crate) const MAX_LENGTH: usize = 1024;

/// The data with which a condition is judged.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    pub contact: &'a Contact,
    /// The moment since which the customer waits, or would wait if the episode began now.
    pub since: Timestamp,
    pub inbox: &'a str,
    pub names: &'a Names,
    /// Whether `now` is within the rule's hours.
    pub open: bool,
    /// Whether a live chat of the contact ended without a message of an agent, and no agent has written since.
    pub missed_live_chat: bool,
    pub now: Timestamp,
}

/// The outcome of judging a contact by a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Holds,
    /// The condition does not hold.
    Fails,
    /// The condition could not be judged: no alert begins or ends because of it.
    Fault(ConditionFault),
}

/// The reason why a condition could not be judged. It holds no value of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionFault {
    /// The part that fails, as the admin wrote it.
    pub part: String,
    pub why: String,
}

/// A mistake in a condition, at a byte range of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionMistake {
    /// The place, in bytes of the condition.
    pub span: std::ops::Range<usize>,
    pub what: String,
    pub help: Option<String>,
}

impl ConditionMistake {
    fn at(span: std::ops::Range<usize>, Wording { what, help }: Wording) -> Self {
        Self { span, what, help }
    }
}

/// A compiled condition.
#[derive(Clone)]
pub struct Condition {
    text: String,
    program: Arc<Program>,
    root: Arc<Context<'static, 'static>>,
    /// The parsed condition, and the types of its parts.
    parsed: Arc<(IdedExpr, Types)>,
    /// The parsed condition with empty values for parts that may be absent. This one is evaluated.
    lowered: Arc<IdedExpr>,
    /// The root names that the condition refers to.
    names: BTreeSet<String>,
    clock: bool,
    /// The operands of the top-level `&&` that time alone cannot make true.
    steady: Arc<Vec<IdedExpr>>,
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Condition({:?})", self.text)
    }
}

impl Condition {
    /// Compiles a condition and checks its syntax, its names and types, and whether it can be true.
    ///
    /// # Errors
    /// Every mistake found.
    pub fn compile(text: &str) -> Result<Self, Vec<ConditionMistake>> {
        let whole = |wording: Wording| vec![ConditionMistake::at(0..text.len(), wording)];
        if text.len() > MAX_LENGTH {
            return Err(whole(mistakes::too_long()));
        }
        if text.trim().is_empty() {
            return Err(whole(mistakes::empty()));
        }
        if depth::too_many_brackets(text) {
            return Err(whole(mistakes::too_deep()));
        }
        let program = Program::compile(text).map_err(|errors| syntax::of_parser(text, &errors))?;
        if depth::too_deep(program.expression()) {
            return Err(whole(mistakes::too_deep()));
        }
        if depth::too_long(program.expression()) {
            return Err(whole(mistakes::too_slow()));
        }
        let mut parsed = program.expression().clone();
        absent::in_one_form(&mut parsed);
        let used = check::check(&parsed, ConditionText { info: program.source_info() })?;
        let mut lowered = parsed.clone();
        absent::lower(&mut lowered, &used.types);
        let condition = Self {
            text: text.to_owned(),
            root: Arc::new(functions::root()),
            clock: used.functions.contains("since") || used.roots.contains("waiting") || used.roots.contains("open"),
            names: used.roots,
            steady: Arc::new(syntax::steady(&lowered)),
            parsed: Arc::new((parsed, used.types)),
            lowered: Arc::new(lowered),
            program: Arc::new(program),
        };
        condition.try_samples()?;
        match condition.contradiction(&[]) {
            Some(mistake) => Err(vec![mistake]),
            None => Ok(condition),
        }
    }

    /// Evaluates every part on sample contacts, to find wrong types that the checker cannot know.
    fn try_samples(&self) -> Result<(), Vec<ConditionMistake>> {
        let source = self.source();
        let names = Names::default();
        let mut mistakes: Vec<ConditionMistake> = Vec::new();
        for contact in fault::samples() {
            let now = Timestamp::UNIX_EPOCH;
            let scope = Scope {
                contact: &contact,
                since: now,
                inbox: "main",
                names: &names,
                open: true,
                missed_live_chat: false,
                now,
            };
            let mut wrong = Vec::new();
            fault::failing(&self.context(scope), &self.lowered, fault::is_type_error, &mut wrong);
            for (id, what) in wrong {
                let span = source.sign(id);
                // Several samples may fail at the same place.
                if !mistakes.iter().any(|known: &ConditionMistake| known.span == span) {
                    mistakes.push(ConditionMistake { span, what, help: None });
                }
            }
        }
        if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
    }

    /// The reason why it can never be true for customers for whom these facts hold; `None`: it may be true.
    pub fn contradiction(&self, facts: &[Fact]) -> Option<ConditionMistake> {
        let Conflict { place, part, against } = never::never(self.reader(), &self.parsed.0, facts)?;
        if self.parsed.0.id != 0 && part == "false" {
            return Some(ConditionMistake::at(place, mistakes::never_true()));
        }
        let wording = match against {
            Against::Itself(why) => mistakes::part_never_true(&part, why),
            Against::Part(other) => mistakes::contradicts_part(&part, &other),
            Against::Fact(fact) => mistakes::contradicts_fact(&part, &fact),
            Against::Rest => mistakes::contradicts_rest(&part),
        };
        Some(ConditionMistake::at(place, wording))
    }

    /// Whether it is true for every customer, so that it can be left out.
    pub fn is_always_true(&self) -> bool {
        never::always(self.reader(), &self.parsed.0)
    }

    fn source(&self) -> ConditionText<'_> {
        ConditionText { info: self.program.source_info() }
    }

    fn reader(&self) -> Reader<'_> {
        Reader { source: self.source(), types: &self.parsed.1, root: &self.root }
    }

    /// The condition as the admin wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the verdict can change while the contact does not.
    pub fn looks_at_clock(&self) -> bool {
        self.clock
    }

    /// Whether a condition that does not hold can become true by time alone. It cannot while one of the parts fails
    /// that time alone cannot make true.
    pub fn may_come_true(&self, scope: Scope<'_>) -> bool {
        let context = self.context(scope);
        self.clock && self.steady.iter().all(|part| matches!(context.resolve(part), Ok(Value::Bool(true))))
    }

    /// Whether the verdict depends on this root field of the record.
    pub fn reads(&self, root: &str) -> bool {
        self.names.contains(root)
            || (root == "profile" && ["name", "tags", "attributes"].iter().any(|name| self.names.contains(*name)))
            || (root == "_agentAssigned" && self.names.contains("agent"))
            || (root == "lastMessage" && ["waiting", "missed_live_chat"].iter().any(|name| self.names.contains(*name)))
            || (root == "isLiveChatActive" && self.names.contains("missed_live_chat"))
    }

    /// Judges one contact.
    pub fn judge(&self, scope: Scope<'_>) -> Verdict {
        let context = self.context(scope);
        match context.resolve(&self.lowered) {
            Ok(Value::Bool(true)) => Verdict::Holds,
            // An undocumented field that this contact does not have counts as empty.
            Ok(Value::Bool(false) | Value::Null) => Verdict::Fails,
            Ok(_) => Verdict::Fault(ConditionFault {
                part: self.text.split_whitespace().collect::<Vec<_>>().join(" "),
                why: "it is neither true nor false".to_owned(),
            }),
            Err(_) => {
                let failed = fault::innermost(&context, &self.lowered, |_| true);
                let (id, why) = failed.unwrap_or((self.lowered.id, "it failed".to_owned()));
                let part = find(&self.parsed.0, id).map_or(self.text.clone(), |part| self.source().of(part));
                Verdict::Fault(ConditionFault { part, why })
            }
        }
    }

    fn context(&self, scope: Scope<'_>) -> Context<'_, 'static> {
        let mut context = self.root.new_inner_scope();
        context.add_variable_from_value(NOW, scope.now.as_second());
        for name in &self.names {
            context.add_variable_from_value(name.as_str(), variable(name, scope));
        }
        context
    }
}

/// The part with this id.
fn find(node: &IdedExpr, id: u64) -> Option<&IdedExpr> {
    if node.id == id { Some(node) } else { depth::below(node).into_iter().find_map(|part| find(part, id)) }
}

fn variable(name: &str, scope: Scope<'_>) -> Value {
    let contact = scope.contact;
    let who = &contact.profile.user_details;
    match name {
        "waiting" => time::elapsed(scope.since, scope.now).as_secs().into(),
        "inbox" => text(scope.inbox),
        "name" => text(&contact.name()),
        "agent" => text(scope.names.agent(&contact.agent_assigned)),
        "tags" => who.tags.iter().map(|tag| text(tag)).collect::<Vec<_>>().into(),
        "attributes" => who
            .attributes
            .iter()
            .map(|attribute| (form(&attribute.key).into_owned(), text(&attribute.value)))
            .collect::<HashMap<_, _>>()
            .into(),
        "open" => scope.open.into(),
        "missed_live_chat" => scope.missed_live_chat.into(),
        "extra" => from_json(&Json::Object(contact.extra.clone())),
        documented => field(contact, documented),
    }
}

/// The documented field of this name. Common fields are read without turning the whole record into JSON.
fn field(contact: &Contact, name: &str) -> Value {
    match name {
        "_id" => text(&contact.id),
        "status" => text(&contact.status),
        // A count is never negative, whatever the server sends.
        "unreadMessages" => contact.unread_messages.max(0).into(),
        "websiteVisits" => contact.website_visits.max(0).into(),
        "isLiveChatActive" => contact.is_live_chat_active.into(),
        "isImported" => contact.is_imported.into(),
        "userInteracted" => contact.user_interacted.into(),
        "lastMessage" => from_json(&contact.last_message.json()),
        "profile" => from_json(&contact.profile.json()),
        "lastSeenAt" => from_json(&contact.last_seen_at.json()),
        other => contact.record.json().get(other).map_or(Value::Null, from_json),
    }
}

/// A text in the Unicode form of the condition's own texts, so that equal texts compare equal.
fn text(written: &str) -> Value {
    form(written).into_owned().into()
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
        Json::String(written) => text(written),
        Json::Array(entries) => entries.iter().map(from_json).collect::<Vec<Value>>().into(),
        Json::Object(object) => object
            .iter()
            .map(|(key, value)| (form(key).into_owned(), from_json(value)))
            .collect::<HashMap<String, Value>>()
            .into(),
    }
}
