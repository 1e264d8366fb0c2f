//! From the file as written to a [`Rule`], with every mistake reported.

use std::sync::Arc;

use jiff::SignedDuration;
use toml::{Spanned, Value};

use super::{
    Condition, Filter, Rule, Severity, Since, Step,
    condition::{Fact, always_open, inboxes, nearest_value, of_filter, types},
    filter::{Bots, Range, When},
    load::Known,
    shape::{FilterTable, NotifyTable, RangeTable, RuleFile},
};
use crate::{
    diagnose::{Diagnostic, Source, decode::unseen_in_code, nearest::did_you_mean, toml::read},
    model::{
        Edition,
        text::{form, same},
        time,
    },
};

/// The documented values of `status`.
pub const STATUS: &[&str] = types::STATUS.known;
/// The documented values of `lastMessageBy`.
pub const LAST_MESSAGE_BY: &[&str] = types::LAST_MESSAGE_BY.known;
/// The keys that `applicableFilters` can list.
pub const FILTER_KEYS: [&str; 17] = [
    "searchText",
    "tags",
    "status",
    "isOnline",
    "_botWebsite",
    "_botWhatsapp",
    "_botTelegram",
    "_botFacebook",
    "_agentAssigned",
    "segments",
    "lastSeenAt",
    "createdAt",
    "userInteracted",
    "lastMessageBy",
    "isLiveChatActive",
    "hasOrdered",
    "isContact",
];

/// A rule file that was read.
#[derive(Clone, Debug)]
pub enum Compiled {
    /// It is used.
    Rule(Box<Rule>),
    /// `enabled = false`: it counts as removed.
    Disabled,
    /// It has mistakes.
    Rejected,
}

/// Compiles one rule file; its mistakes are added to `found`.
pub fn compile(name: &str, source: &Arc<Source>, known: &Known<'_>, found: &mut Vec<Diagnostic>) -> Compiled {
    let before = found.len();
    let Some(file) = read::<RuleFile>(source, found) else { return Compiled::Rejected };
    let mut compiler = Compiler { source, known, found };
    let enabled = file.enabled.unwrap_or(true);
    let rule = compiler.rule(name, file);
    // In the order in which they stand in the file, not in which they are looked for.
    found[before..].sort_by_key(|mistake| mistake.span.start);
    if found[before..].iter().any(Diagnostic::is_error) {
        return Compiled::Rejected;
    }
    if enabled { Compiled::Rule(Box::new(rule)) } else { Compiled::Disabled }
}

pub(super) struct Compiler<'a, 'f> {
    pub(super) source: &'a Arc<Source>,
    pub(super) known: &'a Known<'a>,
    pub(super) found: &'f mut Vec<Diagnostic>,
}

impl Compiler<'_, '_> {
    pub(super) fn error(&mut self, span: std::ops::Range<usize>, title: impl Into<String>, help: Option<String>) {
        let mut diagnostic = Diagnostic::error(self.source, span, title);
        diagnostic.help = help;
        self.found.push(diagnostic);
    }

    fn rule(&mut self, name: &str, file: RuleFile) -> Rule {
        self.later("test", file.test.as_ref());
        let known = self.known.inboxes;
        let names = |this: &mut Self, names: Vec<Spanned<String>>| {
            names.into_iter().map(|inbox| this.known_name("inbox", inbox, known)).collect::<Vec<_>>()
        };
        let watched = file.inboxes.map(|inboxes| names(self, inboxes));
        let before = self.found.len();
        let filter = file.filter.map(|table| self.filter(table.into_inner())).unwrap_or_default();
        let mut facts = of_filter(&filter);
        // Of a filter with mistakes it is not known what it means.
        if self.found[before..].iter().any(Diagnostic::is_error) {
            facts.clear();
        }
        if file.hours.is_none() {
            facts.push(always_open());
        }
        let seen = watched.as_deref().unwrap_or(known);
        if !seen.is_empty() {
            facts.push(inboxes(seen));
        }
        let when = file.when.and_then(|when| self.condition(&when, &facts));
        let r#for = self.duration("for", file.r#for.as_ref());
        let notify = self.notify(file.notify, r#for);
        let mut rule = Rule {
            name: name.to_owned(),
            edition: Edition::default(),
            description: file.description.map(Spanned::into_inner).unwrap_or_default(),
            severity: self.one_of("severity", file.severity, &Severity::NAMES),
            inboxes: watched,
            since: self.one_of("since", file.since, &Since::NAMES),
            filter,
            when,
            r#for,
            keep_firing_for: self.duration("keep_firing_for", file.keep_firing_for.as_ref()),
            resolved: file.resolved.unwrap_or(true),
            ack_on: self.ack_on(file.ack_on.unwrap_or_default()),
            hours: file.hours.map(|table| self.hours(table)),
            notify,
        };
        rule.edition = rule.fingerprints(&self.source.text);
        rule
    }

    /// Whether a value of this key was of another kind: it was taken out, and is not missing as well.
    fn is_reported(&self, key: &str) -> bool {
        let is_at_key = |one: &Diagnostic| {
            let line_start = self.source.text[..one.span.start].rfind('\n').map_or(0, |at| at + 1);
            let line = self.source.text[line_start..].trim_start();
            let header = line.strip_prefix('[').and_then(|line| line.strip_prefix(key));
            line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
                || header.is_some_and(|rest| rest.starts_with(']'))
        };
        let of_this_file =
            |one: &&Diagnostic| one.source.as_ref().is_some_and(|source| Arc::ptr_eq(source, self.source));
        self.found.iter().filter(of_this_file).any(|one| one.title.starts_with("this is ") && is_at_key(one))
    }

    fn later(&mut self, key: &str, value: Option<&Spanned<Value>>) {
        if let Some(value) = value {
            let help = "take it out until a later version".to_owned();
            self.error(value.span(), format!("`{key}` is not supported yet by this version"), Some(help));
        }
    }

    /// The name as the configuration spells it.
    fn known_name(&mut self, what: &str, name: Spanned<String>, known: &[String]) -> String {
        let spelled = known.iter().find(|known| same(known, name.get_ref()));
        if spelled.is_none() {
            let help = did_you_mean(name.get_ref(), known.iter().map(String::as_str).collect::<Vec<_>>());
            let title = format!("there is no {what} `{}` in the configuration", name.get_ref());
            self.error(name.span(), title, help);
        }
        spelled.cloned().unwrap_or_else(|| name.into_inner())
    }

    pub(super) fn one_of<T: Copy + Default>(
        &mut self,
        key: &str,
        value: Option<Spanned<String>>,
        names: &[(&str, T)],
    ) -> T {
        let Some(value) = value else { return T::default() };
        if let Some((_, meant)) = names.iter().find(|(name, _)| name == value.get_ref()) {
            return *meant;
        }
        let help = did_you_mean(value.get_ref(), names.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        self.error(value.span(), format!("`{}` is no value of `{key}`", value.get_ref()), help);
        T::default()
    }

    /// `facts`: what holds of every customer whom the rule looks at.
    fn condition(&mut self, when: &Spanned<String>, facts: &[Fact]) -> Option<Condition> {
        if let Some((_, name)) = unseen_in_code(when.get_ref()) {
            let title = format!("a character that cannot be seen stands in this condition: {name}");
            self.error(when.span(), title, Some("delete it, and type what belongs there".to_owned()));
            return None;
        }
        let compiled = Condition::compile(when.get_ref()).and_then(|condition| match condition.contradiction(facts) {
            Some(mistake) => Err(vec![mistake]),
            None => Ok(condition),
        });
        match compiled {
            Ok(condition) => {
                if condition.is_always_true() {
                    let title = "this condition holds for every customer";
                    let help = "leave `when` out if everybody is meant; `a || b` holds where one of the two does";
                    self.found.push(Diagnostic::warning(self.source, when.span(), title).help(help));
                }
                Some(condition)
            }
            Err(mistakes) => {
                // Where the text stands unescaped in the file, the very place can be shown.
                let outer = when.span();
                let inner = self.source.text.get(outer.clone()).and_then(|raw| raw.find(when.get_ref().as_str()));
                for mistake in mistakes {
                    let span = inner.map_or(outer.clone(), |at| {
                        let start = outer.start + at;
                        start + mistake.span.start..start + mistake.span.end
                    });
                    self.error(span, mistake.what, mistake.help);
                }
                None
            }
        }
    }

    fn notify(&mut self, notify: Option<Vec<Spanned<NotifyTable>>>, r#for: SignedDuration) -> Vec<Step> {
        let Some(steps) = notify.filter(|steps| !steps.is_empty()) else {
            let help = "add [[notify]] with to = [\"…\"], a receiver of the configuration".to_owned();
            if !self.is_reported("notify") {
                self.error(0..0, "this rule tells nobody", Some(help));
            }
            return Vec::new();
        };
        steps.into_iter().map(|step| self.step(step, r#for)).collect()
    }

    fn step(&mut self, step: Spanned<NotifyTable>, r#for: SignedDuration) -> Step {
        let span = step.span();
        let step = step.into_inner();
        let after = self.after(step.after.as_ref(), r#for);
        let (repeat, repeat_factor, repeat_limit) = self.repeat(&step);
        let to = match step.to {
            Some(to) if !to.get_ref().is_empty() => to.into_inner(),
            other => {
                let span = other.map_or(span, |to| to.span());
                let help = "name at least one receiver of the configuration".to_owned();
                if !self.is_reported("to") {
                    self.error(span, "this [[notify]] has nobody in `to`", Some(help));
                }
                Vec::new()
            }
        };
        let known = self.known.receivers;
        let to = to.into_iter().map(|receiver| self.known_name("receiver", receiver, known)).collect();
        let template = step.template.as_ref().map(composed_name);
        if let Some(template) = &template
            && !self.known.templates.contains(template.get_ref())
        {
            let known = self.known.templates.iter().map(String::as_str).collect::<Vec<_>>();
            let help = did_you_mean(template.get_ref(), known);
            let title = format!("there is no folder `{}` in the templates", template.get_ref());
            self.error(template.span(), title, help);
        }
        Step {
            to,
            template: template.map_or_else(|| "alert".to_owned(), Spanned::into_inner),
            after,
            repeat,
            repeat_factor,
            repeat_limit,
        }
    }

    fn filter(&mut self, table: FilterTable) -> Filter {
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

    /// `false` is how the API spells "do not filter", which may not be what was meant.
    fn flag(&mut self, key: &str, field: &str, value: Option<Spanned<bool>>) -> bool {
        let Some(value) = value else { return false };
        if !value.get_ref() {
            let title = format!("`{key} = false` does not filter: the API takes it for \"all\"");
            let help = format!("leave it out, or write when = '!{field}'");
            self.found.push(Diagnostic::warning(self.source, value.span(), title).help(help));
        }
        value.into_inner()
    }

    /// A list of texts; entries, or the whole list, may be `{ raw = … }`.
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
                        self.error(at, format!("`{text}` is no documented value of `{key}`"), Some(help));
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

    /// The place of one entry of a list, if it stands there unescaped.
    fn entry_span(&self, list: &std::ops::Range<usize>, text: &str) -> std::ops::Range<usize> {
        let raw = self.source.text.get(list.clone()).unwrap_or_default();
        ['"', '\'']
            .iter()
            .find_map(|quote| raw.find(&format!("{quote}{text}{quote}")))
            .map_or(list.clone(), |at| list.start + at..list.start + at + text.len() + 2)
    }

    fn range(&mut self, table: Option<Spanned<RangeTable>>) -> Range {
        let Some(table) = table else { return Range::default() };
        let span = table.span();
        let table = table.into_inner();
        let range = Range {
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

    /// `"2026-06-12T08:00:00Z"`, a date, `"-1h"`, or `""` for none.
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
            self.error(value.span(), "this is no time", Some(help));
        }
        fixed.map(When::At)
    }
}

/// A name in the Unicode form in which names are compared.
fn composed_name(name: &Spanned<String>) -> Spanned<String> {
    Spanned::new(name.span(), form(name.get_ref()).into_owned())
}

fn raw(value: Value) -> Value {
    Value::Table(std::iter::once(("raw".to_owned(), value)).collect())
}
