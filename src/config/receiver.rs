//! Judges `[receiver.NAME]`: which keys belong to which kind, and the values of the keys that all kinds have.

use std::{ops::Range, sync::Arc};

use secrecy::SecretString;
use toml::{
    Spanned, Value,
    de::{DeTable, DeValue},
};

use super::{
    ReceiverOf,
    keys::{KeyedKind, Keys, Misplaced, ValueJudge},
    load::{Loader, composed_name},
    mistakes,
    shape::ReceiverTable,
};
use crate::diagnose::{
    Diagnostic, Source, Wording,
    nearest::{Choice, did_you_mean, nearest, one_of},
    toml::{read_table_secretly, unknown_key},
};

/// The keys that every receiver may have.
pub(super) const OF_ALL: [&str; 7] =
    ["type", "fallback", "template", "group", "max_listed", "give_up_after", "privacy"];

impl Loader<'_, '_> {
    /// Judges one receiver; `None`: its type is not known, or too much is missing.
    pub(super) fn receiver<W>(
        &mut self,
        name: &Spanned<String>,
        table: Spanned<DeTable<'_>>,
        all: &[String],
        kinds: &[&dyn KeyedKind<W>],
    ) -> Option<ReceiverOf<W>> {
        let span = table.span();
        let (common, rest): (DeTable<'_>, DeTable<'_>) =
            table.into_inner().into_iter().partition(|(key, _)| OF_ALL.contains(&key.get_ref().as_ref()));
        self.unknown_keys(&rest, common.get("type").and_then(|kind| kind.get_ref().as_str()), kinds);
        let table: ReceiverTable = read_table_secretly(self.source, Spanned::new(span.clone(), common), self.found)?;
        let Some(kind) = &table.r#type else {
            self.error(span, mistakes::no_type(name.get_ref(), &or(kinds)));
            return None;
        };
        let Some(kind) = kinds.iter().find(|known| known.name() == kind.get_ref()) else {
            let help = did_you_mean(kind.get_ref(), kinds.iter().map(|kind| kind.name()));
            self.error(kind.span(), mistakes::unknown_type(kind.get_ref(), help));
            return None;
        };
        let own = self.own_keys(rest, *kind, kinds);
        let fallback = table.fallback.as_ref().map(composed_name);
        if let Some(fallback) = &fallback {
            if fallback.get_ref() == name.get_ref() {
                self.error(fallback.span(), mistakes::own_fallback());
            }
            self.known_receiver(fallback, all);
        }
        let template = self.template(table.template.as_ref().map(composed_name));
        let group = self.one_of("group", table.group.as_ref());
        let privacy = self.one_of("privacy", table.privacy.as_ref());
        let max_listed = table.max_listed.as_ref().map_or(10, |most| *most.get_ref());
        if let Some(most) = &table.max_listed
            && !(1..=100).contains(&max_listed)
        {
            self.error(most.span(), mistakes::max_listed());
        }
        let give_up_after = self.duration(table.give_up_after.clone(), "24h", "1s");
        let way = kind.read(&mut Keys::of(self, own, span))?;
        Some(ReceiverOf {
            name: name.get_ref().clone(),
            way,
            fallback: fallback.map(Spanned::into_inner),
            template,
            group,
            max_listed: usize::try_from(max_listed).unwrap_or(10).max(1),
            give_up_after,
            privacy,
        })
    }

    fn one_of<T: Choice>(&mut self, key: &str, value: Option<&Spanned<String>>) -> T {
        let Some(value) = value else { return T::default() };
        one_of(value.get_ref()).unwrap_or_else(|help| {
            self.error(value.span(), mistakes::not_a_value(value.get_ref(), key, help));
            T::default()
        })
    }

    /// Reports keys that no kind has; the nearest known key is looked for among those of its own `kind` first.
    fn unknown_keys<W>(&mut self, keys: &DeTable<'_>, kind: Option<&str>, kinds: &[&dyn KeyedKind<W>]) {
        let known = || kinds.iter().flat_map(|kind| kind.keys()).map(|key| key.name);
        let own = kinds.iter().filter(|known| Some(known.name()) == kind).flat_map(|kind| kind.keys());
        let own: Vec<&str> = own.map(|key| key.name).chain(OF_ALL).collect();
        for (key, _) in keys {
            let name = key.get_ref().as_ref();
            if known().all(|known| known != name) {
                let is_near = nearest(name, own.iter().copied()).is_some();
                let all = || OF_ALL[..1].iter().copied().chain(known()).chain(OF_ALL[1..].iter().copied()).collect();
                let known = if is_near { own.clone() } else { all() };
                self.found.push(unknown_key(self.source, key.span(), name, known));
            }
        }
    }

    /// The keys of this kind. A key of another kind is reported, since it would have no effect.
    fn own_keys<'t, W>(
        &mut self,
        keys: DeTable<'t>,
        kind: &dyn KeyedKind<W>,
        kinds: &[&dyn KeyedKind<W>],
    ) -> DeTable<'t> {
        let has = |kind: &dyn KeyedKind<W>, key: &str| kind.keys().iter().any(|known| known.name == key);
        let mut own = DeTable::new();
        for (key, value) in keys {
            let name = key.get_ref().as_ref();
            if has(kind, name) {
                own.insert(key, value);
            } else if let Some(owner) = kinds.iter().find(|other| has(**other, name)) {
                let wording = mistakes::of_another_type(name, owner.name(), kind.name());
                let span = match value.get_ref() {
                    DeValue::Table(inner) => inner.keys().next().map_or_else(|| value.span(), Spanned::span),
                    _ => value.span(),
                };
                self.error(span, wording);
            }
        }
        own
    }
}

/// The names of all kinds, like `"slack", "email" or "console"`.
fn or<W>(kinds: &[&dyn KeyedKind<W>]) -> String {
    let names: Vec<String> = kinds.iter().map(|kind| format!("\"{}\"", kind.name())).collect();
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => names.concat(),
    }
}

impl ValueJudge for Loader<'_, '_> {
    fn error(&mut self, span: Range<usize>, title: String, help: String) {
        Self::error(self, span, Wording::new(title).help(help));
    }

    fn warning(&mut self, span: Range<usize>, title: String, help: String) {
        Self::warning(self, span, Wording::new(title).help(help));
    }

    fn no_effect(&mut self, span: Range<usize>, key: &str) {
        Self::no_effect(self, span, key);
    }

    fn secret(&mut self, key: &str, value: &Spanned<Value>) -> SecretString {
        Self::secret(self, key, value)
    }

    fn secret_as_it_is(&mut self, key: &str, value: &Spanned<Value>) -> SecretString {
        Self::secret_as_it_is(self, key, value)
    }

    fn http_secret(&mut self, key: &str, value: &Spanned<Value>, misplaced: Misplaced) -> SecretString {
        Self::http_secret(self, key, value, misplaced)
    }

    fn found(&mut self) -> (&Arc<Source>, &mut Vec<Diagnostic>) {
        (self.source, self.found)
    }
}
