//! Makes a [`Rule`] of the file as written, and reports every mistake.

use std::sync::Arc;

use jiff::SignedDuration;
use toml::{Spanned, Value};

use super::{
    Condition, Rule, Step,
    condition::{Fact, always_open, inboxes, of_filter, types},
    mistakes,
    shape::{NotifyTable, RuleFile},
};
use crate::{
    diagnose::{
        Diagnostic, Source, Wording,
        decode::unseen_in_code,
        nearest::{Choice, did_you_mean, one_of},
        toml::read,
    },
    model::{
        ALERT, RuleVersion,
        text::{form, same},
    },
    rules::known::Known,
};

/// The documented values of `status`.
pub(crate) const STATUS: &[&str] = types::STATUS.known;
/// The outcome of compiling a rule file.
#[derive(Clone, Debug)]
pub enum Compiled {
    /// The rule is used.
    Rule(Box<Rule>),
    /// `enabled = false`: it counts as removed.
    Disabled,
    /// The file has mistakes.
    Rejected,
}

/// Compiles one rule file; its mistakes are added to `found`.
pub fn compile(name: &str, source: &Arc<Source>, known: &Known<'_>, found: &mut Vec<Diagnostic>) -> Compiled {
    let before = found.len();
    let Some(file) = read::<RuleFile>(source, found) else { return Compiled::Rejected };
    let mut compiler = Compiler { source, known, found };
    let enabled = file.enabled.unwrap_or(true);
    let rule = compiler.rule(name, file);
    // Mistakes are reported in the order of the file, not in the order of the checks.
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
    pub(super) fn error(&mut self, span: std::ops::Range<usize>, wording: Wording) {
        self.found.push(Diagnostic::error(self.source, span, wording));
    }

    pub(super) fn warning(&mut self, span: std::ops::Range<usize>, wording: Wording) {
        self.found.push(Diagnostic::warning(self.source, span, wording));
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
        // The meaning of a filter with mistakes is not known.
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
            version: RuleVersion::default(),
            description: file.description.map(Spanned::into_inner).unwrap_or_default(),
            severity: self.one_of("severity", file.severity),
            inboxes: watched,
            since: self.one_of("since", file.since),
            filter,
            when,
            r#for,
            keep_firing_for: self.duration("keep_firing_for", file.keep_firing_for.as_ref()),
            resolved: file.resolved.unwrap_or(true),
            ack_on: self.ack_on(file.ack_on.unwrap_or_default()),
            hours: file.hours.map(|table| self.hours(table)),
            notify,
        };
        rule.version = rule.fingerprints(&self.source.text);
        rule
    }

    /// Whether a value of the wrong type was already reported for this key. The value was taken out, so it must not be
    /// reported as missing, too.
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
            self.error(value.span(), mistakes::not_supported(key));
        }
    }

    /// The name as the configuration spells it. An unknown name is a mistake.
    fn known_name(&mut self, what: &str, name: Spanned<String>, known: &[String]) -> String {
        let spelled = known.iter().find(|known| same(known, name.get_ref()));
        if spelled.is_none() {
            let help = did_you_mean(name.get_ref(), known.iter().map(String::as_str).collect::<Vec<_>>());
            self.error(name.span(), mistakes::not_configured(what, name.get_ref(), help));
        }
        spelled.cloned().unwrap_or_else(|| name.into_inner())
    }

    pub(super) fn one_of<T: Choice>(&mut self, key: &str, value: Option<Spanned<String>>) -> T {
        let Some(value) = value else { return T::default() };
        one_of(value.get_ref()).unwrap_or_else(|help| {
            self.error(value.span(), mistakes::not_a_value(value.get_ref(), key, help));
            T::default()
        })
    }

    /// Compiles `when`; `facts` hold for every customer whom the rule watches.
    fn condition(&mut self, when: &Spanned<String>, facts: &[Fact]) -> Option<Condition> {
        if let Some((_, name)) = unseen_in_code(when.get_ref()) {
            self.error(when.span(), mistakes::unseen_character(&name));
            return None;
        }
        let compiled = Condition::compile(when.get_ref()).and_then(|condition| match condition.contradiction(facts) {
            Some(mistake) => Err(vec![mistake]),
            None => Ok(condition),
        });
        match compiled {
            Ok(condition) => {
                if condition.is_always_true() {
                    self.warning(when.span(), mistakes::holds_for_everybody());
                }
                Some(condition)
            }
            Err(mistakes) => {
                // The exact place can be shown only if the text stands in the file without escapes.
                let outer = when.span();
                let inner = self.source.text.get(outer.clone()).and_then(|raw| raw.find(when.get_ref().as_str()));
                for mistake in mistakes {
                    let span = inner.map_or(outer.clone(), |at| {
                        let start = outer.start + at;
                        start + mistake.span.start..start + mistake.span.end
                    });
                    self.error(span, Wording { what: mistake.what, help: mistake.help });
                }
                None
            }
        }
    }

    fn notify(&mut self, notify: Option<Vec<Spanned<NotifyTable>>>, r#for: SignedDuration) -> Vec<Step> {
        let Some(steps) = notify.filter(|steps| !steps.is_empty()) else {
            if !self.is_reported("notify") {
                self.error(0..0, mistakes::notifies_nobody());
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
                if !self.is_reported("to") {
                    self.error(span, mistakes::nobody_in_to());
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
            self.error(template.span(), mistakes::no_template(template.get_ref(), help));
        }
        Step {
            to,
            template: template.map_or_else(|| ALERT.to_owned(), Spanned::into_inner),
            after,
            repeat,
            repeat_factor,
            repeat_limit,
        }
    }
}

/// A name in the Unicode form in which names are compared.
fn composed_name(name: &Spanned<String>) -> Spanned<String> {
    Spanned::new(name.span(), form(name.get_ref()).into_owned())
}
