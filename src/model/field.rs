//! How one field of an answer is read: leniently, without losing what is not understood.
//!
//! The provider's page documents types but not which fields may be absent, null or of another JSON type. Every field
//! therefore has a documented empty value, and accepts the neighbouring JSON types that mean the same (a number as
//! text, a scalar where a list is documented). A field whose value makes no sense is remembered as a *doubt*, and is
//! not evidence for the end of an alert.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// The documented type of a field, for code that must know the shape of a record without having one: the condition's
/// and the templates' name checks, and the test against the provider's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A string; its empty value is `""`.
    Text,
    /// A whole number; its empty value is `0`.
    Number,
    /// A boolean; its empty value is `false`.
    Flag,
    /// A time, ISO 8601 in UTC; its empty value is `""`.
    Time,
    /// A list of one kind; its empty value is `[]`.
    List(Box<FieldKind>),
    /// An object with known fields, each with its own empty value.
    Object(Vec<(&'static str, FieldKind)>),
}

impl FieldKind {
    /// The kind of the field at a dotted path below this one, if it is documented.
    pub fn at(&self, path: &[&str]) -> Option<&FieldKind> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        match self {
            FieldKind::Object(fields) => fields.iter().find(|(name, _)| name == first)?.1.at(rest),
            _ => None,
        }
    }

    /// Every documented path of this kind, dotted, lists of objects entered as in the provider's
    /// page (`profile.notes`, not their entries).
    pub fn paths(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.collect("", &mut found);
        found
    }

    fn collect(&self, prefix: &str, found: &mut Vec<String>) {
        let FieldKind::Object(fields) = self else { return };
        for (name, kind) in fields {
            let path = if prefix.is_empty() { (*name).to_owned() } else { format!("{prefix}.{name}") };
            found.push(path.clone());
            kind.collect(&path, found);
        }
    }

    /// The documented empty value.
    pub fn empty(&self) -> Value {
        match self {
            FieldKind::Text | FieldKind::Time => Value::from(""),
            FieldKind::Number => Value::from(0),
            FieldKind::Flag => Value::from(false),
            FieldKind::List(_) => Value::Array(Vec::new()),
            FieldKind::Object(fields) => {
                Value::Object(fields.iter().map(|(name, kind)| ((*name).to_owned(), kind.empty())).collect())
            }
        }
    }
}

/// What is left over when a record is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FieldReading {
    /// Undocumented fields, under their dotted path.
    pub extra: Map<String, Value>,
    /// Dotted paths of documented fields whose value was not understood and counts as empty.
    pub unreadable_fields: Vec<String>,
    /// Where the reading is: names and indexes, outermost first.
    at: Vec<PathStep>,
}

/// One step of the way to a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum PathStep {
    Name(&'static str),
    Index(usize),
}

impl FieldReading {
    /// A reading that already has undocumented fields.
    pub(crate) fn with_extra(extra: Map<String, Value>) -> Self {
        let extra = extra.into_iter().map(|(name, value)| (name, shallow(value, DEEPEST))).collect();
        Self { extra, ..Self::default() }
    }

    /// Reads one field below the present place.
    pub(crate) fn below<T: Field>(&mut self, step: PathStep, value: Value) -> T {
        self.at.push(step);
        let field = T::read(value, self);
        self.at.pop();
        field
    }

    /// Keeps an undocumented field of the object at the present place.
    pub(crate) fn keep(&mut self, name: &str, value: Value) {
        let path = self.path(Some(name));
        self.extra.insert(path, shallow(value, DEEPEST));
    }

    /// Notes that the value here was not understood; it counts as empty.
    fn doubt<T: Default>(&mut self) -> T {
        let path = self.path(None);
        self.unreadable_fields.push(path);
        T::default()
    }

    fn path(&self, last: Option<&str>) -> String {
        let steps = self.at.iter().map(|step| match step {
            PathStep::Name(name) => (*name).to_owned(),
            PathStep::Index(index) => index.to_string(),
        });
        steps.chain(last.map(str::to_owned)).collect::<Vec<_>>().join(".")
    }
}

/// Greatest nesting of undocumented values. JSON that is nested too deep cannot be read again, neither from the store
/// nor, some levels further down, from the output of a template.
const DEEPEST: usize = 32;

/// The value, with null in place of everything that is nested deeper.
fn shallow(value: Value, left: usize) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) if left == 0 => Value::Null,
        Value::Array(entries) => entries.into_iter().map(|entry| shallow(entry, left - 1)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, shallow(value, left - 1))).collect())
        }
        other => other,
    }
}

/// A type that one field of a record can have.
pub(crate) trait Field: Default {
    /// The documented type.
    fn kind() -> FieldKind;
    /// Reads `value`; what is not understood goes to `reading`, which knows the place.
    fn read(value: Value, reading: &mut FieldReading) -> Self;
    /// The value as the provider documents it, empty value included.
    fn json(&self) -> Value;
    /// About how many bytes it keeps besides its own.
    fn heap(&self) -> usize {
        0
    }
}

impl Field for String {
    fn kind() -> FieldKind {
        FieldKind::Text
    }

    fn read(value: Value, reading: &mut FieldReading) -> Self {
        match value {
            Value::String(text) => text,
            Value::Null => String::new(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            // The provider's database writes an id like this in its own extended JSON.
            Value::Object(mut object) if object.len() == 1 && object.contains_key("$oid") => {
                Self::read(object.remove("$oid").unwrap_or_default(), reading)
            }
            Value::Array(_) | Value::Object(_) => reading.doubt(),
        }
    }

    fn json(&self) -> Value {
        Value::from(self.as_str())
    }

    fn heap(&self) -> usize {
        if self.capacity() == 0 { 0 } else { self.capacity() + super::weight::ALLOCATION }
    }
}

impl Field for i64 {
    fn kind() -> FieldKind {
        FieldKind::Number
    }

    fn read(value: Value, reading: &mut FieldReading) -> Self {
        match &value {
            Value::Null => 0,
            Value::Bool(flag) => i64::from(*flag),
            Value::Number(number) => match number.as_i64().or_else(|| whole(number.as_f64()?)) {
                Some(number) => number,
                None => reading.doubt(),
            },
            Value::String(text) if text.trim().is_empty() => 0,
            Value::String(text) => match text.trim().parse().ok().or_else(|| whole(text.trim().parse().ok()?)) {
                Some(number) => number,
                None => reading.doubt(),
            },
            Value::Array(_) | Value::Object(_) => reading.doubt(),
        }
    }

    fn json(&self) -> Value {
        Value::from(*self)
    }
}

/// A float as a whole number, if it fits one.
#[allow(clippy::cast_possible_truncation)]
fn whole(number: f64) -> Option<i64> {
    (number.is_finite() && number.abs() < 9.0e15).then_some(number as i64)
}

impl Field for bool {
    fn kind() -> FieldKind {
        FieldKind::Flag
    }

    fn read(value: Value, reading: &mut FieldReading) -> Self {
        match &value {
            Value::Null => false,
            Value::Bool(flag) => *flag,
            Value::Number(number) => match number.as_f64() {
                Some(number) => number != 0.0,
                None => reading.doubt(),
            },
            Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                "" | "false" | "0" | "no" => false,
                "true" | "1" | "yes" => true,
                _ => reading.doubt(),
            },
            Value::Array(_) | Value::Object(_) => reading.doubt(),
        }
    }

    fn json(&self) -> Value {
        Value::from(*self)
    }
}

impl Field for Option<Timestamp> {
    fn kind() -> FieldKind {
        FieldKind::Time
    }

    fn read(value: Value, reading: &mut FieldReading) -> Self {
        match value {
            Value::Null => None,
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => match super::time::parse_timestamp(text.trim()).or_else(|| digits(text.trim())) {
                Some(time) => Some(in_millis(time)),
                None => reading.doubt(),
            },
            // Some encoders write "never" as zero.
            Value::Number(number) if number.as_f64() == Some(0.0) => None,
            Value::Number(number) => match number.as_f64().and_then(epoch) {
                Some(time) => Some(time),
                None => reading.doubt(),
            },
            Value::Object(mut object) if object.len() == 1 && object.contains_key("$date") => {
                Self::read(object.remove("$date").unwrap_or_default(), reading)
            }
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => reading.doubt(),
        }
    }

    fn json(&self) -> Value {
        Value::from(self.map(super::time::iso).unwrap_or_default())
    }
}

/// A number as a time: seconds since 1970, or milliseconds where seconds would be past the year 5000.
fn epoch(number: f64) -> Option<Timestamp> {
    let millis = if number.abs() < 1.0e11 { number * 1000.0 } else { number };
    Timestamp::from_millisecond(whole(millis)?).ok()
}

/// Such a number written as text; a shorter one is a date, or not a time.
fn digits(text: &str) -> Option<Timestamp> {
    let plain = (9..=13).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok().and_then(epoch)).flatten()
}

/// The time in the API's own precision, so that it is the same when it is kept and read again.
fn in_millis(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

impl<T: Field> Field for Vec<T> {
    fn kind() -> FieldKind {
        FieldKind::List(Box::new(T::kind()))
    }

    fn read(value: Value, reading: &mut FieldReading) -> Self {
        match value {
            Value::Null => Vec::new(),
            Value::String(text) if text.is_empty() => Vec::new(),
            Value::Array(entries) => entries
                .into_iter()
                .filter(|entry| !entry.is_null())
                .enumerate()
                .filter_map(|(index, entry)| understood(PathStep::Index(index), entry, reading))
                .collect(),
            // Some encoders write an absent list like this.
            Value::Object(object) if object.is_empty() => Vec::new(),
            scalar => understood(PathStep::Index(0), scalar, reading).into_iter().collect(),
        }
    }

    fn json(&self) -> Value {
        Value::Array(self.iter().map(Field::json).collect())
    }

    fn heap(&self) -> usize {
        self.capacity() * size_of::<T>() + self.iter().map(Field::heap).sum::<usize>()
    }
}

/// One entry of a list; one that makes no sense is a doubt, and is left out.
fn understood<T: Field>(step: PathStep, entry: Value, reading: &mut FieldReading) -> Option<T> {
    let before = reading.unreadable_fields.len();
    let read = reading.below(step, entry);
    if reading.unreadable_fields.len() == before {
        return Some(read);
    }
    reading.at.push(step);
    let here = reading.path(None);
    reading.at.pop();
    (!reading.unreadable_fields[before..].contains(&here)).then_some(read)
}

/// Reads an object's fields: null, `""` and `[]` (as some encoders write an absent object) are the empty object,
/// anything else that is not an object is a doubt.
pub(crate) fn object(value: Value, reading: &mut FieldReading) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        Value::Null => Map::new(),
        Value::Array(entries) if entries.is_empty() => Map::new(),
        Value::String(text) if text.is_empty() => Map::new(),
        _ => reading.doubt(),
    }
}

/// Declares one documented object: the struct, its reading, its JSON and its shape, from one list.
///
/// `Debug` prints no field, because a record holds a customer's data. The fields' names are the API's.
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$doc:meta])* $field:ident : $ty:ty = $api:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Default, PartialEq)] #[allow(clippy::struct_field_names)]
        pub struct $name { $($(#[$doc])* pub $field: $ty,)* }

        impl $crate::model::field::Field for $name {
            fn kind() -> $crate::model::field::FieldKind {
                $crate::model::field::FieldKind::Object(vec![
                    $(($api, <$ty as $crate::model::field::Field>::kind()),)*
                ])
            }

            fn read(
                value: serde_json::Value,
                reading: &mut $crate::model::field::FieldReading,
            ) -> Self {
                let mut object = $crate::model::field::object(value, reading);
                let record = Self {
                    $($field: match object.remove($api) {
                        Some(value) => reading.below($crate::model::field::PathStep::Name($api), value),
                        None => <$ty>::default(),
                    },)*
                };
                for (name, value) in object {
                    reading.keep(&name, value);
                }
                record
            }

            fn json(&self) -> serde_json::Value {
                let mut object = serde_json::Map::new();
                $(object.insert($api.to_owned(), $crate::model::field::Field::json(&self.$field));)*
                serde_json::Value::Object(object)
            }

            fn heap(&self) -> usize {
                [$($crate::model::field::Field::heap(&self.$field),)*].into_iter().sum()
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}
pub(crate) use record;

#[cfg(test)]
mod tests;
