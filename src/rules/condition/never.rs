//! Decides whether a condition can be true at all, and whether it can be false.
//!
//! A condition is taken apart into alternatives of claims about names ([`parts`]): bounds, values, flags. An
//! alternative whose claims contradict each other ([`terms`]) is impossible; a condition of which every alternative
//! is impossible is never true. The search is bounded, and what is not certain counts as possible: a condition that
//! is true for some contact is never called impossible.
//!
//! A part that fails is neither true nor false, so the same reasoning holds for `!`.

mod claims;
mod formula;
mod parts;
mod terms;
mod trial;

use std::{cell::Cell, collections::VecDeque, ops::Range};

use cel::common::ast::IdedExpr;

pub(super) use self::formula::Reader;
use self::{
    formula::{Atom, Formula, Label},
    parts::Builder,
    terms::{KnownTerms, is_count, is_filled},
};
use super::facts::{Fact, TermClaim};

/// The largest number of atoms in one search. Beyond it, everything counts as possible.
const CLAIMS: u32 = 4_000;
/// The largest number of parts into which a condition is taken apart.
const PARTS: u32 = 2_000;
/// The largest number of evaluations in one search.
const TRIALS: u32 = 4_000;

/// A part that cannot be true, and what contradicts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Conflict {
    /// The place of the part.
    pub(super) place: Range<usize>,
    /// The part as it was written.
    pub(super) part: String,
    /// What contradicts it.
    pub(super) against: Against,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Against {
    /// Itself, for this reason.
    Itself(&'static str),
    /// Another part of the condition.
    Part(String),
    /// A fact that holds for every customer of the rule, in words.
    Fact(String),
    /// All parts before it together.
    Rest,
}

/// The reason why a condition is never true for customers for whom these facts hold; `None`: it may be true.
pub(super) fn never(reader: Reader<'_>, condition: &IdedExpr, facts: &[Fact]) -> Option<Conflict> {
    let builder = Builder { reader, left: Cell::new(PARTS), trials: Cell::new(TRIALS) };
    let mut all: Vec<Formula> = facts.iter().map(known).collect();
    all.push(builder.formula(condition, true));
    let mut search = Search { builder: &builder, left: CLAIMS, conflict: None };
    let formula = Formula::All(all);
    if search.possible(vec![&formula], KnownTerms::default()) {
        return None;
    }
    let whole = || Conflict {
        place: reader.source.place(condition),
        part: reader.source.of(condition),
        against: Against::Rest,
    };
    Some(search.conflict.unwrap_or_else(whole))
}

/// Whether a condition is never false.
pub(super) fn always(reader: Reader<'_>, condition: &IdedExpr) -> bool {
    let builder = Builder { reader, left: Cell::new(PARTS), trials: Cell::new(TRIALS) };
    let formula = builder.formula(condition, false);
    !Search { builder: &builder, left: CLAIMS, conflict: None }.possible(vec![&formula], KnownTerms::default())
}

fn known(fact: &Fact) -> Formula {
    let label = Label::Fact(fact.label.clone());
    Formula::Any(
        fact.any.iter().map(|claims| Formula::Atom(Atom { label: label.clone(), claims: claims.clone() })).collect(),
    )
}

struct Search<'a> {
    builder: &'a Builder<'a>,
    left: u32,
    conflict: Option<Conflict>,
}

impl Search<'_> {
    /// Whether all of these can be true together with what was claimed before.
    fn possible(&mut self, todo: Vec<&Formula>, mut state: KnownTerms) -> bool {
        let mut todo: VecDeque<&Formula> = todo.into();
        let mut choices: Vec<(&Formula, &Vec<Formula>)> = Vec::new();
        while let Some(next) = todo.pop_front() {
            match next {
                Formula::All(parts) => parts.iter().rev().for_each(|part| todo.push_front(part)),
                Formula::Any(parts) if parts.len() == 1 => todo.push_front(&parts[0]),
                Formula::Any(parts) => choices.push((next, parts)),
                Formula::Atom(atom) => {
                    let Some(left) = self.left.checked_sub(1) else { return true };
                    self.left = left;
                    if !state.add(atom, self.builder) {
                        self.note(atom, &state);
                        return false;
                    }
                }
            }
        }
        let Some(smallest) = (0..choices.len()).min_by_key(|at| choices[*at].1.len()) else { return true };
        let (_, alternatives) = choices.remove(smallest);
        alternatives.iter().any(|alternative| {
            let rest = choices.iter().map(|(whole, _)| *whole);
            self.possible(std::iter::once(alternative).chain(rest).collect(), state.clone())
        })
    }

    /// Keeps the first contradiction: between two parts where two are enough.
    fn note(&mut self, atom: &Atom, state: &KnownTerms) {
        if self.conflict.is_some() {
            return;
        }
        let alone = KnownTerms::default().add(atom, self.builder);
        let earlier = &state.atoms[..state.atoms.len() - 1];
        let other = alone.then(|| {
            earlier.iter().find(|other| {
                let mut two = KnownTerms::default();
                !(two.add(other, self.builder) && two.add(atom, self.builder))
            })
        });
        let certain = atom.claims.iter().find_map(|(_, claim)| match claim {
            TermClaim::Never(reason) => Some(*reason),
            TermClaim::OneOf(values) if values.is_empty() => Some("the list is empty"),
            _ => None,
        });
        let natural = || {
            atom.claims.iter().find_map(|(name, _)| match name.as_str() {
                "waiting" => Some("a wait is never negative"),
                name if is_filled(name) => Some("it is never empty"),
                name if is_count(name) => Some("a count is never negative"),
                _ => None,
            })
        };
        let reason = certain.or_else(natural);
        let against = match other {
            None => Against::Itself(reason.unwrap_or_default()),
            Some(Some(Atom { label: Label::Part(_, part), .. })) => Against::Part(part.clone()),
            Some(Some(Atom { label: Label::Fact(fact), .. })) => Against::Fact(fact.clone()),
            Some(None) => Against::Rest,
        };
        self.conflict = match (&atom.label, other.flatten().map(|other| &other.label)) {
            (Label::Part(place, part), _) => Some(Conflict { place: place.clone(), part: part.clone(), against }),
            (Label::Fact(fact), Some(Label::Part(place, part))) => {
                Some(Conflict { place: place.clone(), part: part.clone(), against: Against::Fact(fact.clone()) })
            }
            // A contradiction between facts alone is not a mistake of the condition.
            (Label::Fact(_), _) => None,
        };
    }
}
