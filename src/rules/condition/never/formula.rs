//! The formula into which a condition is taken apart.

use std::ops::Range;

use cel::Context;

use crate::rules::condition::{absent::Types, facts::TermClaim, text::ConditionText};

/// A parsed condition, with the types of its parts.
#[derive(Clone, Copy)]
pub(in crate::rules::condition) struct Reader<'a> {
    pub(in crate::rules::condition) source: ConditionText<'a>,
    pub(in crate::rules::condition) types: &'a Types,
    pub(in crate::rules::condition) root: &'a Context<'static, 'static>,
}

#[derive(Clone, Debug)]
pub(super) enum Formula {
    All(Vec<Formula>),
    Any(Vec<Formula>),
    Atom(Atom),
}

#[derive(Clone, Debug)]
pub(super) struct Atom {
    pub(super) label: Label,
    pub(super) claims: Vec<(String, TermClaim)>,
}

#[derive(Clone, Debug)]
pub(super) enum Label {
    Part(Range<usize>, String),
    Fact(String),
}
