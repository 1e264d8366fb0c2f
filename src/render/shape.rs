//! The shape of the values that a template may use, and which of them a customer can write.

use crate::model::field::FieldKind;

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
    /// The shape of a value of a record.
    pub(super) fn of(kind: &FieldKind) -> Self {
        match kind {
            // Ids and enumerations are texts as well, since it is not known which of them the API checks.
            FieldKind::Text => Self::Customers,
            FieldKind::Number | FieldKind::Flag | FieldKind::Time => Self::Safe,
            FieldKind::List(entry) => Self::List(Box::new(Self::of(entry))),
            FieldKind::Object(fields) => {
                Self::Fields(fields.iter().map(|(name, kind)| (*name, Self::of(kind))).collect())
            }
        }
    }

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
