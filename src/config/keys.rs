//! The interface through which a kind of receiver names its keys and reads them.
//!
//! This room must not know any kind. It is given a list of kinds; each kind names its keys here, and makes its settings
//! of them.

use std::{mem::take, ops::Range, sync::Arc};

use secrecy::SecretString;
use serde::de::DeserializeOwned;
use toml::{Spanned, Value, de::DeTable};

use crate::diagnose::{Diagnostic, Source, toml::read_table_secretly};

/// One key of a kind of receiver.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub name: &'static str,
    /// Whether its value may be shown, since it is never a secret.
    pub shown: bool,
}

impl Key {
    pub(crate) const fn shown(name: &'static str) -> Self {
        Self { name, shown: true }
    }

    pub(crate) const fn secret(name: &'static str) -> Self {
        Self { name, shown: false }
    }
}

/// A kind of receiver, as far as its keys go; `W` is the type that it makes of them.
pub trait KeyedKind<W>: Sync {
    /// The value of `type`.
    fn name(&self) -> &'static str;

    /// Its keys besides those of every receiver.
    fn keys(&self) -> &'static [Key];

    /// Judges its keys, and reports every mistake; `None`: too much is missing.
    fn read(&self, keys: &mut Keys<'_>) -> Option<W>;
}

/// Recognizes a wrong value in place of a secret address; returns what it is, and what would be right.
pub(crate) type Misplaced = fn(&str) -> Option<(&'static str, &'static str)>;

/// Judges values of a file, and collects their mistakes.
pub(crate) trait ValueJudge {
    fn error(&mut self, span: Range<usize>, title: String, help: String);
    fn warning(&mut self, span: Range<usize>, title: String, help: String);
    fn no_effect(&mut self, span: Range<usize>, key: &str);
    fn secret(&mut self, key: &str, value: &Spanned<Value>) -> SecretString;
    fn secret_as_it_is(&mut self, key: &str, value: &Spanned<Value>) -> SecretString;
    fn http_secret(&mut self, key: &str, value: &Spanned<Value>, misplaced: Misplaced) -> SecretString;
    /// The file, and the mistakes that were found so far.
    fn found(&mut self) -> (&Arc<Source>, &mut Vec<Diagnostic>);
}

/// The keys of one receiver as they are written in the file.
pub struct Keys<'k> {
    judge: &'k mut dyn ValueJudge,
    table: DeTable<'k>,
    span: Range<usize>,
}

impl<'k> Keys<'k> {
    pub(super) fn of(judge: &'k mut dyn ValueJudge, table: DeTable<'k>, span: Range<usize>) -> Self {
        Self { judge, table, span }
    }

    /// The keys as a plain struct of [`Spanned`] values; a key of the wrong shape is reported and left out.
    pub(crate) fn table<T: DeserializeOwned>(&mut self) -> Option<T> {
        let table = Spanned::new(self.span.clone(), take(&mut self.table));
        let (source, found) = self.judge.found();
        read_table_secretly(source, table, found)
    }

    /// Reports that a key is missing, at the place of the whole receiver.
    pub(crate) fn missing(&mut self, title: &str, help: &str) {
        self.judge.error(self.span.clone(), title.to_owned(), help.to_owned());
    }

    pub(crate) fn error(&mut self, span: Range<usize>, title: impl Into<String>, help: impl Into<String>) {
        self.judge.error(span, title.into(), help.into());
    }

    pub(crate) fn warning(&mut self, span: Range<usize>, title: impl Into<String>, help: impl Into<String>) {
        self.judge.warning(span, title.into(), help.into());
    }

    pub(crate) fn no_effect(&mut self, span: Range<usize>, key: &str) {
        self.judge.no_effect(span, key);
    }

    /// Reads a secret, without what was pasted around it. One that cannot be read is reported, and the result is empty.
    pub(crate) fn secret(&mut self, key: &str, value: &Spanned<Value>) -> SecretString {
        self.judge.secret(key, value)
    }

    /// Like [`Keys::secret`], but keeps what stands around it.
    pub(crate) fn secret_as_it_is(&mut self, key: &str, value: &Spanned<Value>) -> SecretString {
        self.judge.secret_as_it_is(key, value)
    }

    /// Reads a secret http(s) address; `misplaced` recognizes values that belong elsewhere.
    pub(crate) fn http_secret(&mut self, key: &str, value: &Spanned<Value>, misplaced: Misplaced) -> SecretString {
        self.judge.http_secret(key, value, misplaced)
    }
}
