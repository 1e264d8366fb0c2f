//! The types of a condition's parts, taken from the documented shape of a record.

use serde_json::{Value as Json, json};

use crate::model::{Contact, field::FieldKind};

/// The documented values of one field.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::rules) struct Values {
    /// The field's name in a condition.
    pub(in crate::rules) field: &'static str,
    /// The values that the provider's page lists.
    pub(in crate::rules) known: &'static [&'static str],
    /// Words that people write, each with the documented value that they mean.
    pub(in crate::rules) meant: &'static [(&'static str, &'static str)],
}

pub(in crate::rules) const STATUS: Values = Values {
    field: "status",
    known: &["OPEN", "INPROGRESS", "REVIEW", "ONHOLD", "DEPENDANCY", "CLOSED"],
    meant: &[
        ("resolved", "CLOSED"),
        ("done", "CLOSED"),
        ("solved", "CLOSED"),
        ("finished", "CLOSED"),
        ("new", "OPEN"),
        ("active", "OPEN"),
        ("in_progress", "INPROGRESS"),
        ("assigned", "INPROGRESS"),
        ("hold", "ONHOLD"),
        ("paused", "ONHOLD"),
        ("dependency", "DEPENDANCY"),
        ("blocked", "DEPENDANCY"),
    ],
};

pub(in crate::rules) const LAST_MESSAGE_BY: Values = Values {
    field: "lastMessage.by",
    known: &["bot", "user", "agent"],
    meant: &[
        ("customer", "user"),
        ("contact", "user"),
        ("client", "user"),
        ("visitor", "user"),
        ("human", "agent"),
        ("operator", "agent"),
        ("support", "agent"),
        ("person", "agent"),
        ("chatbot", "bot"),
        ("ai", "bot"),
    ],
};

pub(in crate::rules) const PLATFORM: Values = Values {
    field: "platform",
    known: &["WEBSITE", "WHATSAPP", "TELEGRAM", "FACEBOOK", "INSTAGRAM"],
    meant: &[
        ("web", "WEBSITE"),
        ("site", "WEBSITE"),
        ("wa", "WHATSAPP"),
        ("fb", "FACEBOOK"),
        ("messenger", "FACEBOOK"),
        ("ig", "INSTAGRAM"),
        ("insta", "INSTAGRAM"),
        ("tg", "TELEGRAM"),
    ],
};

pub(in crate::rules) const CHAT_BOT_TYPE: Values = Values {
    field: "chatBotType",
    known: &["FLOW_BASED", "AGENTIC"],
    meant: &[("flow", "FLOW_BASED"), ("flow-based", "FLOW_BASED"), ("agent", "AGENTIC"), ("ai", "AGENTIC")],
};

/// The documented values of the field at a dotted path; `None`: the page does not list them.
pub(in crate::rules) fn values(path: &str) -> Option<&'static Values> {
    [&STATUS, &LAST_MESSAGE_BY, &PLATFORM, &CHAT_BOT_TYPE].into_iter().find(|values| values.field == path)
}

/// Where a text comes from, as far as it decides about its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextType {
    /// A field or a derived name whose values are not documented.
    Plain,
    /// A field whose values are documented.
    One(&'static Values),
    /// A text by whoever configures the bot or the rule: it may be anything, also a time or a number.
    Free,
}

/// The type of a part.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    /// A type that is known only when a contact is judged, or that was reported as wrong already.
    Any,
    Null,
    Text(TextType),
    /// A text with a time in ISO 8601.
    Time,
    Whole,
    Fraction,
    Flag,
    List(Box<Type>),
    /// A table with texts as keys.
    Map(Box<Type>),
    /// A documented object, at its dotted path.
    Record(String, FieldKind),
    Other,
}

/// Types that can be compared with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Any,
    Null,
    Text,
    Number,
    Flag,
    List,
    Map,
    Other,
}

impl Type {
    /// The type of a documented field.
    pub(super) fn of(path: &str, kind: &FieldKind) -> Self {
        match kind {
            FieldKind::Text => Self::Text(values(path).map_or(TextType::Plain, TextType::One)),
            FieldKind::Number => Self::Whole,
            FieldKind::Flag => Self::Flag,
            FieldKind::Time => Self::Time,
            FieldKind::List(entry) => Self::List(Box::new(Self::of(path, entry))),
            FieldKind::Object(_) => Self::Record(path.to_owned(), kind.clone()),
        }
    }

    /// The type of a root name.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let text = || Self::Text(TextType::Plain);
        Some(match name {
            "waiting" => Self::Whole,
            "inbox" | "name" | "agent" => text(),
            "tags" => Self::List(Box::new(text())),
            "attributes" => Self::Map(Box::new(Self::Text(TextType::Free))),
            "open" | "missed_live_chat" => Self::Flag,
            "extra" => Self::Map(Box::new(Self::Any)),
            field => Self::of(field, Contact::kind().at(&[field])?),
        })
    }

    pub(super) fn family(&self) -> Family {
        match self {
            Self::Any => Family::Any,
            Self::Null => Family::Null,
            Self::Text(_) | Self::Time => Family::Text,
            Self::Whole | Self::Fraction => Family::Number,
            Self::Flag => Family::Flag,
            Self::List(_) => Family::List,
            Self::Map(_) | Self::Record(..) => Family::Map,
            Self::Other => Family::Other,
        }
    }

    /// The value that replaces an absent one.
    pub(super) fn empty(&self) -> Json {
        match self {
            Self::Any | Self::Null | Self::Other => Json::Null,
            Self::Text(_) | Self::Time => json!(""),
            Self::Whole => json!(0),
            Self::Fraction => json!(0.0),
            Self::Flag => json!(false),
            Self::List(_) => json!([]),
            Self::Map(_) => json!({}),
            Self::Record(_, kind) => kind.empty(),
        }
    }

    /// The documented values of a text, or of the texts in a list.
    pub(super) fn values(&self) -> Option<&'static Values> {
        match self {
            Self::Text(TextType::One(values)) => Some(values),
            Self::List(entry) => entry.values(),
            _ => None,
        }
    }

    /// The common type of two branches, or of two entries of a list.
    pub(super) fn join(self, other: Self) -> Self {
        match (self, other) {
            (left, right) if left == right => left,
            (Self::List(left), Self::List(right)) => Self::List(Box::new(left.join(*right))),
            (Self::Whole | Self::Fraction, Self::Whole | Self::Fraction) => Self::Fraction,
            (left, right) if left.family() == Family::Text && right.family() == Family::Text => {
                Self::Text(TextType::Free)
            }
            _ => Self::Any,
        }
    }

    /// The type in words, for the admin.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Any | Self::Other => "something else",
            Self::Null => "nothing (null)",
            Self::Text(_) => "a text",
            Self::Time => "a time",
            Self::Whole => "a number",
            Self::Fraction => "a number with a fraction",
            Self::Flag => "true/false",
            Self::List(_) => "a list",
            Self::Map(_) | Self::Record(..) => "a table",
        }
    }
}
