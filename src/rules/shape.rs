//! The keys of a rule file and their types. Values are judged elsewhere.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use strum::VariantArray;
use toml::{Spanned, Value};

use crate::model::filter::{FilterKey, FilterShape};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RuleFile {
    /// What the rule is for.
    pub description: Option<Spanned<String>>,
    /// `info`, `warning` or `critical`.
    pub severity: Option<Spanned<String>>,
    /// The moment from which a customer waits: `message` or `match`.
    pub since: Option<Spanned<String>>,
    /// Whether the rule is used; `false` counts as removed.
    pub enabled: Option<bool>,
    /// Names of the inboxes that it watches.
    pub inboxes: Option<Vec<Spanned<String>>>,
    /// A condition in CEL.
    pub when: Option<Spanned<String>>,
    /// The query to the API.
    pub filter: Option<Spanned<FilterTable>>,
    /// Who is notified, and when.
    pub notify: Option<Vec<Spanned<NotifyTable>>>,
    /// The wait before the rule fires.
    pub r#for: Option<Spanned<Value>>,
    /// The time for which an alert keeps firing after the contact no longer matches.
    pub keep_firing_for: Option<Spanned<Value>>,
    /// Whether receivers are notified of an alert's end.
    pub resolved: Option<bool>,
    /// What counts as an acknowledgement.
    pub ack_on: Option<Vec<Spanned<String>>>,
    /// The times at which receivers are notified.
    pub hours: Option<Spanned<HoursTable>>,
    /// Reserved for a later version, and refused by this one.
    pub test: Option<Spanned<Value>>,
}

/// `[hours]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HoursTable {
    /// The IANA name of a time zone.
    pub timezone: Option<Spanned<String>>,
    /// Ranges like `mon-fri 09:00-18:00`.
    pub open: Option<Spanned<Vec<Spanned<String>>>>,
    /// Dates, in quotes or bare.
    pub holidays: Option<Vec<Spanned<Value>>>,
    /// What happens to notifications outside the hours: `hold`, `drop` or a receiver's name.
    pub outside: Option<Spanned<String>>,
    /// The hours that durations count: `wall` or `business`.
    pub clock: Option<Spanned<String>>,
}

/// One `[[notify]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NotifyTable {
    /// Names of the receivers that are notified.
    pub to: Option<Spanned<Vec<Spanned<String>>>>,
    /// The name of a folder in `templates/`.
    pub template: Option<Spanned<String>>,
    /// Time since the customer began to wait.
    pub after: Option<Spanned<Value>>,
    /// Pause between further messages.
    pub repeat: Option<Spanned<Value>>,
    /// The factor by which each pause is longer than the one before.
    pub repeat_factor: Option<Spanned<Value>>,
    /// The largest number of further messages.
    pub repeat_limit: Option<Spanned<Value>>,
}

/// `[filter]`: what the file says by each key of the API's request body.
#[derive(Debug, Default)]
pub(crate) struct FilterTable {
    pub keys: Vec<(FilterKey, Written)>,
    pub applicable_filters: Option<Spanned<Value>>,
}

/// A value of a filter's key, by the key's shape. A list is read as any value, since an entry may be written as
/// `{ raw = … }`.
#[derive(Debug)]
pub(crate) enum Written {
    Text(String),
    List(Spanned<Value>),
    Flag(Spanned<bool>),
    Range(Spanned<RangeTable>),
    Order(OrderTable),
}

impl FilterTable {
    /// The key that lists the filters in use, and is none itself.
    pub(crate) const APPLICABLE: &'static str = "applicableFilters";

    /// The names of all keys of the table.
    const NAMES: [&'static str; FilterKey::NAMES.len() + 1] = {
        let mut names = [Self::APPLICABLE; FilterKey::NAMES.len() + 1];
        let mut at = 0;
        while at < FilterKey::NAMES.len() {
            names[at] = FilterKey::NAMES[at];
            at += 1;
        }
        names
    };
}

impl<'de> Deserialize<'de> for FilterTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByKey;
        impl<'de> Visitor<'de> for ByKey {
            type Value = FilterTable;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("struct FilterTable")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FilterTable, A::Error> {
                let mut table = FilterTable::default();
                while let Some(NamedKey(key)) = map.next_key()? {
                    let Some(key) = key else {
                        table.applicable_filters = Some(map.next_value()?);
                        continue;
                    };
                    let written = match key.shape() {
                        FilterShape::Search => Written::Text(map.next_value()?),
                        FilterShape::OneOf(_) | FilterShape::AnyOf(_) | FilterShape::Bot(_) => {
                            Written::List(map.next_value()?)
                        }
                        FilterShape::Flag(_) => Written::Flag(map.next_value()?),
                        FilterShape::Within(_) => Written::Range(map.next_value()?),
                        FilterShape::Order => Written::Order(map.next_value()?),
                    };
                    table.keys.push((key, written));
                }
                Ok(table)
            }
        }
        deserializer.deserialize_struct("FilterTable", &Self::NAMES, ByKey)
    }
}

/// A key by its name; `None` for `applicableFilters`. A name that is unknown fails here, so that the error has the
/// place of the key and not of the table.
struct NamedKey(Option<FilterKey>);

impl<'de> Deserialize<'de> for NamedKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByName;
        impl Visitor<'_> for ByName {
            type Value = NamedKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a filter")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<NamedKey, E> {
                let key = FilterKey::VARIANTS.iter().copied().find(|key| key.name() == name);
                if key.is_none() && name != FilterTable::APPLICABLE {
                    return Err(E::unknown_field(name, &FilterTable::NAMES));
                }
                Ok(NamedKey(key))
            }
        }
        deserializer.deserialize_identifier(ByName)
    }
}

/// `lastSeenAt` and `createdAt`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct RangeTable {
    pub start_at: Option<Spanned<Value>>,
    pub ends_at: Option<Spanned<Value>>,
}

/// `hasOrdered`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct OrderTable {
    pub status: Option<Spanned<bool>>,
    pub last_at: Option<Spanned<Value>>,
}
