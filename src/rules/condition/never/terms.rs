//! All claims about each name, and whether any value can fulfil them together.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use cel::common::ast::IdedExpr;

use super::{formula::Atom, parts::Builder};
use crate::rules::condition::facts::{Const, TermClaim};

pub(super) const LESS: u8 = 1;
pub(super) const EQUAL: u8 = 2;
pub(super) const GREATER: u8 = 4;

pub(super) fn turned(bits: u8) -> u8 {
    bits & EQUAL | if bits & LESS != 0 { GREATER } else { 0 } | if bits & GREATER != 0 { LESS } else { 0 }
}

/// Whether a name is a count, which is never negative.
pub(super) fn is_count(name: &str) -> bool {
    matches!(name, "waiting" | "unreadMessages" | "websiteVisits") || name.starts_with("size(")
}

/// Whether a name always has a text that is not empty.
pub(super) fn is_filled(name: &str) -> bool {
    matches!(name, "_id" | "name" | "inbox")
}

/// The claims about one name.
#[derive(Clone, Debug, Default)]
struct Term {
    flag: Option<bool>,
    one_of: Option<Vec<Const>>,
    none_of: Vec<Const>,
    above: Option<(Const, bool)>,
    below: Option<(Const, bool)>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
    whole: bool,
    relation: Option<u8>,
    tests: Vec<(IdedExpr, bool)>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct KnownTerms {
    terms: BTreeMap<String, Term>,
    pub(super) atoms: Vec<Atom>,
}

impl KnownTerms {
    /// Adds the claims of an atom; returns whether all claims together can be true.
    pub(super) fn add(&mut self, atom: &Atom, builder: &Builder<'_>) -> bool {
        self.atoms.push(atom.clone());
        let mut touched = BTreeSet::new();
        for (name, claim) in &atom.claims {
            if matches!(claim, TermClaim::Never(_)) {
                return false;
            }
            if !self.terms.entry(name.clone()).or_default().claim(name, claim) {
                return false;
            }
            touched.insert(name.clone());
            // Without an assigned agent, the agent's name is empty.
            if name == "_agentAssigned" && *claim == TermClaim::OneOf(vec![Const::Text(String::new())]) {
                if !self.terms.entry("agent".to_owned()).or_default().claim("agent", claim) {
                    return false;
                }
                touched.insert("agent".to_owned());
            }
        }
        touched.iter().all(|name| self.terms[name].is_possible(name, builder))
    }
}

impl Term {
    fn claim(&mut self, name: &str, claim: &TermClaim) -> bool {
        match claim {
            TermClaim::Never(_) => return false,
            TermClaim::Flag(flag) => return self.flag.replace(*flag).is_none_or(|before| before == *flag),
            TermClaim::OneOf(values) => {
                let kept =
                    |before: &Vec<Const>| before.iter().filter(|value| values.contains(value)).cloned().collect();
                self.one_of = Some(self.one_of.as_ref().map_or_else(|| values.clone(), kept));
            }
            TermClaim::NoneOf(values) => self.none_of.extend(values.iter().cloned()),
            TermClaim::Above(value, including) => narrow(&mut self.above, value, *including, Ordering::Greater),
            TermClaim::Below(value, including) => narrow(&mut self.below, value, *including, Ordering::Less),
            TermClaim::Prefix(text) => self.prefixes.push(text.clone()),
            TermClaim::Suffix(text) => self.suffixes.push(text.clone()),
            TermClaim::Whole => self.whole = true,
            TermClaim::Relation(bits) => self.relation = Some(self.relation.unwrap_or(LESS | EQUAL | GREATER) & bits),
            TermClaim::Test(node, wanted) => self.tests.push(((**node).clone(), *wanted)),
        }
        if is_count(name) {
            narrow(&mut self.above, &Const::Whole(0), true, Ordering::Greater);
            self.whole = true;
        }
        true
    }

    fn allows(&self, name: &str, value: &Const, builder: &Builder<'_>) -> bool {
        let within = |bound: &Option<(Const, bool)>, wanted: Ordering| {
            bound.as_ref().is_none_or(|(bound, including)| match value.order(bound) {
                Some(order) => order == wanted || (order == Ordering::Equal && *including),
                None => true,
            })
        };
        let text = |is_so: &dyn Fn(&str) -> bool| match value {
            Const::Text(text) => is_so(text),
            _ => true,
        };
        !self.none_of.contains(value)
            && within(&self.above, Ordering::Greater)
            && within(&self.below, Ordering::Less)
            && text(&|text| self.prefixes.iter().all(|prefix| text.starts_with(prefix.as_str())))
            && text(&|text| self.suffixes.iter().all(|suffix| text.ends_with(suffix.as_str())))
            && !(is_filled(name) && text(&str::is_empty) && matches!(value, Const::Text(_)))
            && self.tests.iter().all(|(node, wanted)| builder.try_value(node, name, value, *wanted))
    }

    fn is_possible(&self, name: &str, builder: &Builder<'_>) -> bool {
        if self.relation == Some(0) {
            return false;
        }
        if let Some(values) = &self.one_of {
            return values.iter().any(|value| self.allows(name, value, builder));
        }
        if let (Some((above, including_above)), Some((below, including_below))) = (&self.above, &self.below) {
            match above.order(below) {
                Some(Ordering::Greater) => return false,
                Some(Ordering::Equal) if !(*including_above && *including_below) => return false,
                Some(Ordering::Equal) => return self.allows(name, above, builder),
                _ => {}
            }
        }
        // No text is less than the empty one.
        if let Some((Const::Text(text), including)) = &self.below
            && text.is_empty()
        {
            return *including && self.allows(name, &Const::Text(String::new()), builder);
        }
        if self.whole
            && let Some(values) = self.few_wholes()
        {
            return values.into_iter().any(|value| self.allows(name, &Const::Whole(value), builder));
        }
        let agree = |texts: &[String], is_part: &dyn Fn(&str, &str) -> bool| {
            texts
                .iter()
                .enumerate()
                .all(|(at, one)| texts[..at].iter().all(|other| is_part(one, other) || is_part(other, one)))
        };
        agree(&self.prefixes, &|one, other| one.starts_with(other))
            && agree(&self.suffixes, &|one, other| one.ends_with(other))
    }

    /// The whole numbers between the bounds, if there are at most 32.
    #[allow(clippy::cast_possible_truncation)]
    fn few_wholes(&self) -> Option<Vec<i64>> {
        let (above, below) = (self.above.as_ref()?, self.below.as_ref()?);
        let first = match above {
            (Const::Whole(bound), including) => bound.checked_add(i64::from(!including))?,
            (Const::Fraction(bound), including) if bound.abs() < 9.0e15 => {
                if *including {
                    bound.ceil() as i64
                } else {
                    bound.floor() as i64 + 1
                }
            }
            _ => return None,
        };
        let last = match below {
            (Const::Whole(bound), including) => bound.checked_sub(i64::from(!including))?,
            (Const::Fraction(bound), including) if bound.abs() < 9.0e15 => {
                if *including {
                    bound.floor() as i64
                } else {
                    bound.ceil() as i64 - 1
                }
            }
            _ => return None,
        };
        if first > last {
            return Some(Vec::new());
        }
        (last.checked_sub(first)? < 32).then(|| (first..=last).collect())
    }
}

fn narrow(bound: &mut Option<(Const, bool)>, value: &Const, including: bool, tighter: Ordering) {
    let is_tighter = match bound {
        None => true,
        Some((before, was_including)) => match value.order(before) {
            Some(Ordering::Equal) => *was_including && !including,
            order => order == Some(tighter),
        },
    };
    if is_tighter {
        *bound = Some((value.clone(), including));
    }
}
