//! `[filter]`: what the API is asked for, and the same check on this side.
//!
//! The provider does not say whether a filter that `applicableFilters` does not list is applied, so
//! no record is believed to pass only because it was returned.

use std::collections::BTreeMap;

use jiff::Timestamp;

mod key;

pub(crate) use self::key::{FilterKey, FilterShape, TimeRange, Wanted, When};
use super::{
    Contact,
    text::{form, same},
};

/// The filters of the API's request body that a rule or a look-up uses; the others do not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Holds no value that does not filter, so that equal filters are equal values.
    wanted: BTreeMap<FilterKey, Wanted>,
    /// `applicableFilters`, where the rule overrides what is in use.
    applicable_filters: Option<Vec<String>>,
}

impl Filter {
    /// A filter that lists its `applicableFilters` itself.
    #[must_use]
    pub fn listing(mut self, applicable: Option<Vec<String>>) -> Self {
        self.applicable_filters = applicable;
        self
    }

    /// The filter with another value of `key`, which has to fit the key's shape.
    #[must_use]
    pub fn with(mut self, key: FilterKey, wanted: impl Into<Wanted>) -> Self {
        let wanted = wanted.into();
        if wanted.is_empty() {
            return self.without(key);
        }
        self.wanted.insert(key, wanted);
        self
    }

    /// The filter that does not use `key`.
    #[must_use]
    pub fn without(mut self, key: FilterKey) -> Self {
        self.wanted.remove(&key);
        self
    }

    /// A filter by `searchText` alone, for looking a missing contact up: nothing in it is changed by an answer.
    #[must_use]
    pub fn for_look_up(search_text: &str) -> Self {
        Self::default().with(FilterKey::SearchText, search_text)
    }

    /// What is asked for by `key`; `None`: it is not used.
    pub fn get(&self, key: FilterKey) -> Option<&Wanted> {
        self.wanted.get(&key)
    }

    /// The keys that are used, in the order of the table.
    pub fn used(&self) -> impl Iterator<Item = (FilterKey, &Wanted)> {
        self.wanted.iter().map(|(key, wanted)| (*key, wanted))
    }

    fn bots(&self) -> impl Iterator<Item = (FilterKey, &Wanted)> {
        self.used().filter(|(key, _)| matches!(key.shape(), FilterShape::Bot(_)))
    }

    fn last_seen_at(&self) -> TimeRange {
        if let Some(Wanted::Range(range)) = self.get(FilterKey::LastSeenAt) { *range } else { TimeRange::default() }
    }

    /// `applicableFilters`: what the rule says, else every filter in use.
    pub fn applicable(&self) -> Vec<String> {
        let used = || self.wanted.keys().map(|key| key.name().to_owned()).collect();
        self.applicable_filters.clone().unwrap_or_else(used)
    }

    /// Whether a record's root field decides about passing.
    pub fn reads(&self, root: &str) -> bool {
        self.wanted.keys().any(|key| key.root() == root)
    }

    /// The filter narrowed to contacts seen at `since` or later, which finds new waiting customers apart from the full
    /// walk. A contact that it does not return need not be absent.
    #[must_use]
    pub fn narrowed(&self, since: Timestamp, now: Timestamp) -> Self {
        let own = self.last_seen_at();
        let start = own.start.map_or(since, |own| own.at(now).max(since));
        let mut narrow = self.clone().with(FilterKey::LastSeenAt, TimeRange { start: Some(When::At(start)), ..own });
        let name = FilterKey::LastSeenAt.name();
        if let Some(listed) = &mut narrow.applicable_filters
            && !listed.iter().any(|key| key == name)
        {
            listed.push(name.to_owned());
        }
        narrow
    }

    /// Whether `contact` passes at `now`. Fields that a record lacks have their empty value.
    pub fn passes(&self, contact: &Contact, now: Timestamp) -> bool {
        self.checks(contact, now).all(|(_, passes)| passes)
    }

    /// Each used key's own check.
    pub fn checks(&self, contact: &Contact, now: Timestamp) -> impl Iterator<Item = (FilterKey, bool)> {
        self.used().map(move |(key, wanted)| (key, self.check(key, wanted, contact, now)))
    }

    fn check(&self, key: FilterKey, wanted: &Wanted, contact: &Contact, now: Timestamp) -> bool {
        match (key.shape(), wanted) {
            (FilterShape::Search, Wanted::Text(text)) => is_found(contact, text),
            (FilterShape::OneOf(own), Wanted::List(values)) => values.iter().any(|value| same(value, own(contact))),
            (FilterShape::AnyOf(own), Wanted::List(values)) => {
                values.iter().any(|value| own(contact).iter().any(|own| same(own, value)))
            }
            (FilterShape::Bot(_), Wanted::List(_)) => self.bots().any(|(key, values)| {
                matches!(key.shape(), FilterShape::Bot(own) if values.list().iter().any(|value| value == own(contact)))
            }),
            (FilterShape::Flag(own), Wanted::Flag(flag)) => !flag || own(contact),
            (FilterShape::Within(own), Wanted::Range(range)) => range.holds(own(contact), now),
            (FilterShape::Order, Wanted::Order { since, .. }) => {
                let last = contact.has_ordered.last_at;
                contact.has_ordered.status && since.is_none_or(|since| last.is_some_and(|at| at >= since.at(now)))
            }
            // `with` asks for values of the key's shape.
            _ => true,
        }
    }

    /// What a key asks for, if that is in the API's own words and not in a customer's.
    pub fn asked(&self, key: FilterKey) -> Option<String> {
        let wanted = self.get(key)?;
        match key.shape() {
            FilterShape::Flag(_) => Some("`true`".to_owned()),
            // A tag may be a customer's name.
            FilterShape::OneOf(_) | FilterShape::AnyOf(_) if key != FilterKey::Tags => {
                Some(wanted.list().iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" or "))
            }
            _ => None,
        }
    }

    /// Whether every record that passes `other` passes this one too, so that one walk serves both.
    pub fn covers(&self, other: &Self) -> bool {
        // A list that an admin wrote by hand may not be what is applied, so only an equal filter is covered.
        if self.applicable_filters.is_some() || other.applicable_filters.is_some() {
            return self == other;
        }
        self.used().all(|(key, mine)| match key.shape() {
            // With one more platform, the other filter would be the wider one.
            FilterShape::Bot(_) => self.bots().eq(other.bots()),
            _ => other.get(key).is_some_and(|theirs| mine.covers(theirs)),
        })
    }

    /// A text that is the same for the same filter, over restarts and versions: it is stored as part of the id of a
    /// query and of a rule's condition. So its order does not change, which is by shape and then by table.
    pub fn fingerprint(&self) -> String {
        let time = |when: Option<When>| match when {
            None => String::new(),
            Some(When::At(time)) => time.to_string(),
            Some(When::Ago(ago)) => format!("-{}", ago.as_millis()),
        };
        // An entry ends with a mark, so that an empty one differs from none.
        let list = |values: &[String]| values.iter().flat_map(|value| [value, "\u{1f}"]).collect::<String>();
        let (mut texts, mut times, mut flags) = (Vec::new(), Vec::new(), String::new());
        for key in <FilterKey as strum::VariantArray>::VARIANTS {
            let wanted = self.get(*key);
            match key.shape() {
                FilterShape::Search => texts.push(match wanted {
                    Some(Wanted::Text(text)) => text.clone(),
                    _ => String::new(),
                }),
                FilterShape::OneOf(_) | FilterShape::AnyOf(_) | FilterShape::Bot(_) => {
                    texts.push(wanted.map(|values| list(values.list())).unwrap_or_default());
                }
                FilterShape::Flag(_) => flags.push(if wanted.is_some() { '1' } else { '0' }),
                FilterShape::Within(_) => {
                    let range = if let Some(Wanted::Range(range)) = wanted { *range } else { TimeRange::default() };
                    times.extend([time(range.start), time(range.end)]);
                }
                FilterShape::Order => {
                    let (placed, since) = if let Some(Wanted::Order { placed, since }) = wanted {
                        (*placed, *since)
                    } else {
                        (false, None)
                    };
                    times.push(time(since));
                    flags.push(if placed { '1' } else { '0' });
                }
            }
        }
        // An empty list is not the same as none.
        texts.push(self.applicable_filters.as_deref().map(|listed| format!("={}", list(listed))).unwrap_or_default());
        texts.extend(times);
        texts.push(flags);
        texts.join("\u{1e}")
    }
}

/// "Free-text search by name, email, or phone", as the provider's page says; case is ignored.
fn is_found(contact: &Contact, text: &str) -> bool {
    let who = &contact.profile.user_details;
    let wanted = form(text.trim()).to_lowercase();
    // A prefix comes with and without its plus.
    let phone = format!("+{}{}", who.contact.phone.prefix.trim_start_matches('+'), who.contact.phone.number);
    let whats_app = format!("+{}", who.whats_app_number.trim_start_matches('+'));
    [&who.name, &who.user_provided_name, &who.contact.email, &phone, &whats_app]
        .into_iter()
        .any(|text| form(text).to_lowercase().contains(&wanted))
}

#[cfg(test)]
mod tests;
