//! The names that a template may use, and which of them a customer can write.

use crate::model::{Contact, field::Kind};

/// What stands behind a name.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// One value that no customer can write.
    Safe,
    /// One value that may be a customer's text.
    Customers,
    /// A list.
    List(Box<Shape>),
    /// Known fields.
    Fields(Vec<(&'static str, Shape)>),
    /// Anything at all: `contact.extra` and below.
    Free,
}

impl Shape {
    /// Whether a customer's text can be in it.
    pub(super) fn is_customers(&self) -> bool {
        match self {
            Self::Safe => false,
            Self::Customers | Self::Free => true,
            Self::List(entry) => entry.is_customers(),
            Self::Fields(fields) => fields.iter().any(|(_, shape)| shape.is_customers()),
        }
    }

    /// The field or entry with this name.
    pub(super) fn field(&self, name: &str) -> Option<&Shape> {
        match self {
            Self::Fields(fields) => fields.iter().find(|(known, _)| *known == name).map(|(_, shape)| shape),
            Self::List(entry) if !name.is_empty() && name.bytes().all(|c| c.is_ascii_digit()) => Some(entry),
            Self::Free => Some(self),
            _ => None,
        }
    }

    /// The names of its fields.
    pub(super) fn names(&self) -> Vec<&'static str> {
        match self {
            Self::Fields(fields) => fields.iter().map(|(name, _)| *name).collect(),
            _ => Vec::new(),
        }
    }

    /// Every dotted path in it, for suggestions.
    pub(super) fn paths(&self) -> Vec<String> {
        let Self::Fields(fields) = self else { return Vec::new() };
        fields
            .iter()
            .flat_map(|(name, shape)| {
                let below = shape.paths().into_iter().map(move |path| format!("{name}.{path}"));
                std::iter::once((*name).to_owned()).chain(below)
            })
            .collect()
    }
}

/// The whole context.
pub(super) fn root() -> Shape {
    Shape::Fields(vec![
        ("event", Shape::Safe),
        ("headline", Shape::Customers),
        ("now", Shape::Safe),
        ("rule", rule()),
        ("rules", Shape::List(Box::new(Shape::Safe))),
        ("inbox", Shape::Safe),
        ("receiver", Shape::Safe),
        ("step", Shape::Safe),
        ("count", Shape::Safe),
        ("more", Shape::Safe),
        ("delayed", Shape::Safe),
        ("alerts", Shape::List(Box::new(alert()))),
        ("problem", Shape::Safe),
        ("state", Shape::Safe),
        ("detail", Shape::Safe),
        ("since", Shape::Safe),
    ])
}

/// One alert. Tags count as a customer's: bots set them from what customers write. So does the
/// platform, which is shown as the API spells it.
pub(super) fn alert() -> Shape {
    Shape::Fields(vec![
        ("id", Shape::Safe),
        ("rule", rule()),
        ("inbox", Shape::Safe),
        ("contact", contact()),
        ("name", Shape::Customers),
        ("who", Shape::Customers),
        ("phone_number", Shape::Customers),
        ("email", Shape::Customers),
        ("sign", Shape::Safe),
        ("platform", Shape::Customers),
        ("bot", Shape::Safe),
        ("agent", Shape::Safe),
        ("agent_slack", Shape::Safe),
        ("tags", Shape::List(Box::new(Shape::Customers))),
        ("segments", Shape::List(Box::new(Shape::Safe))),
        ("text", Shape::Customers),
        ("since", Shape::Safe),
        ("waiting", Shape::Safe),
        ("waiting_open", Shape::Safe),
        ("fired_at", Shape::Safe),
        ("resolved_at", Shape::Safe),
        ("ended_at", Shape::Safe),
        ("reason", Shape::Safe),
        ("outcome", Shape::Safe),
        ("link", Shape::Safe),
        ("ack_link", Shape::Safe),
        ("reply_window", Shape::Safe),
    ])
}

fn rule() -> Shape {
    Shape::Fields(vec![
        ("name", Shape::Safe),
        ("description", Shape::Safe),
        ("severity", Shape::Safe),
        ("timezone", Shape::Safe),
    ])
}

fn contact() -> Shape {
    let mut shape = of(&Contact::kind());
    if let Shape::Fields(fields) = &mut shape {
        fields.push(("extra", Shape::Free));
    }
    shape
}

fn of(kind: &Kind) -> Shape {
    match kind {
        // Ids and enumerations are texts as well: which of them the API lets through unchecked is
        // not known.
        Kind::Text => Shape::Customers,
        Kind::Number | Kind::Flag | Kind::Time => Shape::Safe,
        Kind::List(entry) => Shape::List(Box::new(of(entry))),
        Kind::Object(fields) => Shape::Fields(fields.iter().map(|(name, kind)| (*name, of(kind))).collect()),
    }
}
