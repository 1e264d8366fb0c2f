//! Compiles a rule's `[filter]`, the query to the API.

use toml::{Spanned, Value};

use super::{
    compile::Compiler,
    condition::{nearest_value, types, types::Values},
    mistakes,
    shape::{FilterTable, RangeTable, Written},
};
use crate::{
    diagnose::nearest::did_you_mean,
    model::{
        Filter,
        filter::{FilterKey, TimeRange, Wanted, When},
        text::form,
        time,
    },
};

/// What `applicableFilters` can list.
const APPLICABLE: Values = Values { field: FilterTable::APPLICABLE, known: &FilterKey::NAMES, meant: &[] };

impl Compiler<'_, '_> {
    pub(super) fn filter(&mut self, table: FilterTable) -> Filter {
        let applicable = table.applicable_filters.map(|listed| self.list(APPLICABLE.field, &listed, Some(&APPLICABLE)));
        let mut filter = Filter::default().listing(applicable);
        for (key, written) in table.keys {
            let wanted = match written {
                Written::Text(text) => Wanted::Text(text),
                Written::List(list) => Wanted::List(self.list(key.name(), &list, types::values(key.path()))),
                Written::Flag(flag) => Wanted::Flag(self.flag(key.path(), &flag)),
                Written::Range(range) => Wanted::Range(self.range(range)),
                Written::Order(order) => Wanted::Order {
                    placed: order.status.is_some_and(|status| self.flag("hasOrdered.status", &status)),
                    since: order.last_at.and_then(|value| self.time(&value)),
                },
            };
            filter = filter.with(key, wanted);
        }
        filter
    }

    /// Warns of `false`, which means "do not filter" to the API: that may not be what the admin meant.
    fn flag(&mut self, field: &str, value: &Spanned<bool>) -> bool {
        if !value.get_ref() {
            self.warning(value.span(), mistakes::false_does_not_filter(field));
        }
        *value.get_ref()
    }

    /// Reads a list of texts; an entry, or the whole list, may be written as `{ raw = … }`.
    fn list(&mut self, key: &str, value: &Spanned<Value>, documented: Option<&Values>) -> Vec<String> {
        let span = value.span();
        let wrong = |this: &mut Self| {
            let source = this.source;
            let written = source.text.get(span.clone()).filter(|text| text.len() <= 60 && !text.contains('\n'));
            let text = written.filter(|text| text.starts_with(['"', '\'']));
            let wording = mistakes::not_a_list(key, text.map(|text| text.trim_matches(['"', '\''])));
            this.error(span.clone(), wording);
        };
        let entries = match value.get_ref().clone() {
            Value::Array(entries) => entries,
            Value::Table(mut table) if table.len() == 1 && table.contains_key("raw") => match table.remove("raw") {
                Some(Value::Array(entries)) => entries.into_iter().map(raw).collect(),
                Some(single @ Value::String(_)) => vec![raw(single)],
                _ => {
                    wrong(self);
                    Vec::new()
                }
            },
            _ => {
                wrong(self);
                Vec::new()
            }
        };
        let mut texts = Vec::new();
        for entry in entries {
            match entry {
                Value::String(text) => {
                    if let Some(values) = documented.filter(|values| !values.known.contains(&text.as_str())) {
                        let meant = nearest_value(&text, values).map(|meant| format!("did you mean `{meant}`?"));
                        let help = meant.or_else(|| did_you_mean(&text, values.known.to_vec())).unwrap_or_default();
                        let at = self.entry_span(&span, &text);
                        self.error(at, mistakes::not_documented(&text, key, &help));
                    }
                    texts.push(form(&text).into_owned());
                }
                Value::Table(table) => match table.get("raw") {
                    Some(Value::String(text)) if table.len() == 1 => texts.push(form(text).into_owned()),
                    _ => wrong(self),
                },
                _ => wrong(self),
            }
        }
        texts
    }

    /// The place of one entry of a list, or of the whole list if the entry is written with escapes.
    fn entry_span(&self, list: &std::ops::Range<usize>, text: &str) -> std::ops::Range<usize> {
        let raw = self.source.text.get(list.clone()).unwrap_or_default();
        ['"', '\'']
            .iter()
            .find_map(|quote| raw.find(&format!("{quote}{text}{quote}")))
            .map_or(list.clone(), |at| list.start + at..list.start + at + text.len() + 2)
    }

    fn range(&mut self, table: Spanned<RangeTable>) -> TimeRange {
        let span = table.span();
        let table = table.into_inner();
        let range = TimeRange {
            start: table.start_at.and_then(|value| self.time(&value)),
            end: table.ends_at.and_then(|value| self.time(&value)),
        };
        let is_turned = match (range.start, range.end) {
            (Some(When::At(start)), Some(When::At(end))) => start > end,
            (Some(When::Ago(start)), Some(When::Ago(end))) => start < end,
            _ => false,
        };
        if is_turned {
            self.error(span, mistakes::nobody_passes());
        }
        range
    }

    /// Reads a time like `"2026-06-12T08:00:00Z"`, a date, or `"-1h"`; `""` is `None`.
    fn time(&mut self, value: &Spanned<Value>) -> Option<When> {
        let text = match value.get_ref() {
            Value::String(text) => text.trim().to_owned(),
            Value::Datetime(datetime) => datetime.to_string(),
            _ => String::from("?"),
        };
        if text.is_empty() {
            return None;
        }
        let relative = text.strip_prefix('-').map(|ago| (ago, 1)).or_else(|| text.strip_prefix('+').map(|on| (on, -1)));
        if let Some((duration, sign)) = relative
            && let Ok(duration) = time::parse_duration(duration)
            && !duration.is_negative()
        {
            return Some(When::Ago(duration * sign));
        }
        if text.eq_ignore_ascii_case("now") {
            return Some(When::Ago(jiff::SignedDuration::ZERO));
        }
        let date: Option<jiff::civil::Date> = text.parse().ok().filter(|_| text.len() == 10);
        let midnight = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok()).map(|zoned| zoned.timestamp());
        let fixed = midnight.or_else(|| time::parse_timestamp(&text));
        if fixed.is_none() {
            self.error(value.span(), mistakes::not_a_time());
        }
        fixed.map(When::At)
    }
}

fn raw(value: Value) -> Value {
    Value::Table(std::iter::once(("raw".to_owned(), value)).collect())
}
