//! Compiles a rule's `[filter]`, the query to the API.

use toml::{Spanned, Value};

use super::{
    compile::{Compiler, FILTER_KEYS, LAST_MESSAGE_BY, STATUS},
    condition::{nearest_value, types},
    shape::{FilterTable, RangeTable},
};
use crate::{
    diagnose::{Diagnostic, nearest::did_you_mean},
    model::{
        Filter,
        filter::{Bots, TimeRange, When},
        text::form,
        time,
    },
};

impl Compiler<'_, '_> {
    pub(super) fn filter(&mut self, table: FilterTable) -> Filter {
        let ordered = table.hasOrdered.map(Spanned::into_inner).unwrap_or_default();
        Filter {
            search_text: table.searchText.map(Spanned::into_inner).unwrap_or_default(),
            tags: self.list("tags", table.tags, &[]),
            status: self.list("status", table.status, STATUS),
            is_online: self.flag("isOnline", "isOnline", table.isOnline),
            bots: Bots {
                website: self.list("_botWebsite", table.bot_website, &[]),
                whatsapp: self.list("_botWhatsapp", table.bot_whatsapp, &[]),
                telegram: self.list("_botTelegram", table.bot_telegram, &[]),
                facebook: self.list("_botFacebook", table.bot_facebook, &[]),
            },
            agent_assigned: self.list("_agentAssigned", table.agent_assigned, &[]),
            segments: self.list("segments", table.segments, &[]),
            applicable_filters: table
                .applicableFilters
                .map(|listed| self.list("applicableFilters", Some(listed), &FILTER_KEYS)),
            last_seen_at: self.range(table.lastSeenAt),
            created_at: self.range(table.createdAt),
            user_interacted: self.flag("userInteracted", "userInteracted", table.userInteracted),
            last_message_by: self.list("lastMessageBy", table.lastMessageBy, LAST_MESSAGE_BY),
            is_live_chat_active: self.flag("isLiveChatActive", "isLiveChatActive", table.isLiveChatActive),
            has_ordered: self.flag("hasOrdered.status", "hasOrdered.status", ordered.status),
            ordered_since: ordered.lastAt.and_then(|value| self.time(&value)),
            is_contact: self.flag("isContact", "isContact", table.isContact),
        }
    }

    /// Warns of `false`, which means "do not filter" to the API: that may not be what the admin meant.
    fn flag(&mut self, key: &str, field: &str, value: Option<Spanned<bool>>) -> bool {
        let Some(value) = value else { return false };
        if !value.get_ref() {
            let title = format!("`{key} = false` does not filter: the API takes it for \"all\"");
            let help = format!("leave it out, or write when = '!{field}'");
            self.found.push(Diagnostic::warning(self.source, value.span(), title).help(help));
        }
        value.into_inner()
    }

    /// Reads a list of texts; an entry, or the whole list, may be written as `{ raw = … }`.
    fn list(&mut self, key: &str, value: Option<Spanned<Value>>, documented: &[&str]) -> Vec<String> {
        let Some(value) = value else { return Vec::new() };
        let span = value.span();
        let wrong = |this: &mut Self| {
            let source = this.source;
            let written = source.text.get(span.clone()).filter(|text| text.len() <= 60 && !text.contains('\n'));
            let help = written
                .filter(|text| text.starts_with(['"', '\'']))
                .map(|text| format!("write {key} = [\"{}\"]", text.trim_matches(['"', '\''])));
            this.error(span.clone(), format!("`{key}` is a list of texts, like [\"…\"]"), help);
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
                    if !documented.is_empty() && !documented.contains(&text.as_str()) {
                        let meant = types::values(if key == "lastMessageBy" { "lastMessage.by" } else { key })
                            .and_then(|values| nearest_value(&text, values))
                            .map(|meant| format!("did you mean `{meant}`?"));
                        let help = meant.or_else(|| did_you_mean(&text, documented.to_vec())).unwrap_or_default();
                        let help =
                            format!("{help} (a value that the page does not list is written {{ raw = \"{text}\" }})");
                        let at = self.entry_span(&span, &text);
                        self.error(at, format!("`{text}` is not a documented value of `{key}`"), Some(help));
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

    fn range(&mut self, table: Option<Spanned<RangeTable>>) -> TimeRange {
        let Some(table) = table else { return TimeRange::default() };
        let span = table.span();
        let table = table.into_inner();
        let range = TimeRange {
            start: table.startAt.and_then(|value| self.time(&value)),
            end: table.endsAt.and_then(|value| self.time(&value)),
        };
        let is_turned = match (range.start, range.end) {
            (Some(When::At(start)), Some(When::At(end))) => start > end,
            (Some(When::Ago(start)), Some(When::Ago(end))) => start < end,
            _ => false,
        };
        if is_turned {
            let help = "exchange `startAt` and `endsAt`: \"-2h\" is before \"-1h\"".to_owned();
            self.error(span, "nobody passes this filter: its range ends before it starts", Some(help));
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
            let help = "write \"2026-06-12T08:00:00Z\", or before now: \"-1h\"".to_owned();
            self.error(value.span(), "this is not a time", Some(help));
        }
        fixed.map(When::At)
    }
}

fn raw(value: Value) -> Value {
    Value::Table(std::iter::once(("raw".to_owned(), value)).collect())
}
