//! The names that a template may use, and which of them a customer can write.

use crate::model::{Contact, field::FieldKind};

/// The kind of value that a name refers to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TemplateShape {
    /// One value that a customer cannot write.
    Safe,
    /// One value that may be a customer's text.
    Customers,
    List(Box<TemplateShape>),
    /// An object with known fields.
    Fields(Vec<(&'static str, TemplateShape)>),
    /// Any value: `contact.extra` and below.
    Free,
}

impl TemplateShape {
    /// Whether it may contain a customer's text.
    pub(super) fn is_customers(&self) -> bool {
        match self {
            Self::Safe => false,
            Self::Customers | Self::Free => true,
            Self::List(entry) => entry.is_customers(),
            Self::Fields(fields) => fields.iter().any(|(_, shape)| shape.is_customers()),
        }
    }

    /// The shape of the field or entry with this name.
    pub(super) fn field(&self, name: &str) -> Option<&TemplateShape> {
        match self {
            Self::Fields(fields) => fields.iter().find(|(known, _)| *known == name).map(|(_, shape)| shape),
            Self::List(entry) if !name.is_empty() && name.bytes().all(|c| c.is_ascii_digit()) => Some(entry),
            Self::Free => Some(self),
            _ => None,
        }
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        match self {
            Self::Fields(fields) => fields.iter().map(|(name, _)| *name).collect(),
            _ => Vec::new(),
        }
    }

    /// All dotted paths in it, for suggestions.
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

/// The shape of the whole context.
pub(super) fn root() -> TemplateShape {
    TemplateShape::Fields(vec![
        ("event", TemplateShape::Safe),
        ("headline", TemplateShape::Customers),
        ("now", TemplateShape::Safe),
        ("rule", rule()),
        ("rules", TemplateShape::List(Box::new(TemplateShape::Safe))),
        ("inbox", TemplateShape::Safe),
        ("receiver", TemplateShape::Safe),
        ("step", TemplateShape::Safe),
        ("count", TemplateShape::Safe),
        ("more", TemplateShape::Safe),
        ("delayed", TemplateShape::Safe),
        ("alerts", TemplateShape::List(Box::new(alert()))),
        ("problem", TemplateShape::Safe),
        ("state", TemplateShape::Safe),
        ("detail", TemplateShape::Safe),
        ("since", TemplateShape::Safe),
    ])
}

/// The shape of one alert. Tags may be a customer's text, since bots set them from what customers write; so may the
/// platform, which is shown as the API spells it.
pub(super) fn alert() -> TemplateShape {
    TemplateShape::Fields(vec![
        ("id", TemplateShape::Safe),
        ("rule", rule()),
        ("inbox", TemplateShape::Safe),
        ("contact", contact()),
        ("name", TemplateShape::Customers),
        ("who", TemplateShape::Customers),
        ("phone_number", TemplateShape::Customers),
        ("email", TemplateShape::Customers),
        ("sign", TemplateShape::Safe),
        ("platform", TemplateShape::Customers),
        ("bot", TemplateShape::Safe),
        ("agent", TemplateShape::Safe),
        ("agent_slack", TemplateShape::Safe),
        ("tags", TemplateShape::List(Box::new(TemplateShape::Customers))),
        ("segments", TemplateShape::List(Box::new(TemplateShape::Safe))),
        ("text", TemplateShape::Customers),
        ("since", TemplateShape::Safe),
        ("waiting", TemplateShape::Safe),
        ("waiting_open", TemplateShape::Safe),
        ("fired_at", TemplateShape::Safe),
        ("resolved_at", TemplateShape::Safe),
        ("ended_at", TemplateShape::Safe),
        ("reason", TemplateShape::Safe),
        ("outcome", TemplateShape::Safe),
        ("link", TemplateShape::Safe),
        ("ack_link", TemplateShape::Safe),
        ("reply_window", TemplateShape::Safe),
    ])
}

fn rule() -> TemplateShape {
    TemplateShape::Fields(vec![
        ("name", TemplateShape::Safe),
        ("description", TemplateShape::Safe),
        ("severity", TemplateShape::Safe),
        ("timezone", TemplateShape::Safe),
    ])
}

fn contact() -> TemplateShape {
    let mut shape = of(&Contact::kind());
    if let TemplateShape::Fields(fields) = &mut shape {
        fields.push(("extra", TemplateShape::Free));
    }
    shape
}

fn of(kind: &FieldKind) -> TemplateShape {
    match kind {
        // Ids and enumerations are texts as well, since it is not known which of them the API checks.
        FieldKind::Text => TemplateShape::Customers,
        FieldKind::Number | FieldKind::Flag | FieldKind::Time => TemplateShape::Safe,
        FieldKind::List(entry) => TemplateShape::List(Box::new(of(entry))),
        FieldKind::Object(fields) => {
            TemplateShape::Fields(fields.iter().map(|(name, kind)| (*name, of(kind))).collect())
        }
    }
}
