//! The facts that hold for every customer whom a rule watches, besides its condition: they come from its filter, its
//! hours and its inboxes.

use std::{cmp::Ordering, sync::Arc};

use cel::{
    Value,
    common::ast::{Expr, IdedExpr, LiteralValue},
};
use jiff::Timestamp;

use crate::model::{
    filter::{Filter, FilterShape, TimeRange, Wanted, When},
    time,
};

/// A claim about a name.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TermClaim {
    /// The claim cannot be true, for this reason.
    Never(&'static str),
    Flag(bool),
    OneOf(Vec<Const>),
    NoneOf(Vec<Const>),
    /// More than this value, or equal to it if the flag is set.
    Above(Const, bool),
    Below(Const, bool),
    Prefix(String),
    Suffix(String),
    /// The value is a whole number.
    Whole,
    /// The order of two names: bits for less, equal, greater.
    Relation(u8),
    /// This part has this value if the name's value is put in.
    Test(Box<IdedExpr>, bool),
}

/// A constant of a condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Const {
    Flag(bool),
    Whole(i64),
    Fraction(f64),
    Text(String),
}

impl Const {
    pub(super) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Bool(flag) => Self::Flag(*flag),
            Value::Int(number) => Self::Whole(*number),
            Value::Float(number) if number.is_finite() => Self::Fraction(*number),
            Value::String(text) => Self::Text(Arc::unwrap_or_clone(Arc::clone(text))),
            _ => return None,
        })
    }

    pub(super) fn family(&self) -> &'static str {
        match self {
            Self::Flag(_) => "flag",
            Self::Whole(_) | Self::Fraction(_) => "number",
            Self::Text(_) => "text",
        }
    }

    pub(super) fn literal(&self) -> IdedExpr {
        let literal = match self {
            Self::Flag(flag) => LiteralValue::Boolean((*flag).into()),
            Self::Whole(number) => LiteralValue::Int((*number).into()),
            Self::Fraction(number) => LiteralValue::Double((*number).into()),
            Self::Text(text) => LiteralValue::String(text.clone().into()),
        };
        IdedExpr { id: 0, expr: Expr::Literal(literal) }
    }

    #[allow(clippy::cast_precision_loss)]
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(left), Self::Whole(right)) => Some(left.cmp(right)),
            (Self::Whole(left), Self::Fraction(right)) => (*left as f64).partial_cmp(right),
            (Self::Fraction(left), Self::Whole(right)) => left.partial_cmp(&(*right as f64)),
            (Self::Fraction(left), Self::Fraction(right)) => left.partial_cmp(right),
            (Self::Text(left), Self::Text(right)) => Some(left.cmp(right)),
            (Self::Flag(left), Self::Flag(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }
}

/// A fact: of its lists of claims, at least one is true as a whole.
#[derive(Clone, Debug)]
pub struct Fact {
    /// The fact in words, for the admin.
    pub(super) label: String,
    pub(super) any: Vec<Vec<(String, TermClaim)>>,
}

fn text(text: &str) -> Const {
    Const::Text(text.to_owned())
}

/// The fact that a rule without hours is always open.
pub(crate) fn always_open() -> Fact {
    Fact {
        label: "a rule without [hours], which is always open".to_owned(),
        any: vec![vec![("open".to_owned(), TermClaim::Flag(true))]],
    }
}

/// The fact that a rule watches only these inboxes.
pub(crate) fn inboxes(names: &[String]) -> Fact {
    let values = names.iter().map(|name| text(name)).collect();
    Fact {
        label: format!("the rule's inboxes, {}", shown(names)),
        any: vec![vec![("inbox".to_owned(), TermClaim::OneOf(values))]],
    }
}

/// The facts that hold for contacts that pass a filter.
pub(crate) fn of_filter(filter: &Filter) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |label: String, any: Vec<Vec<(String, TermClaim)>>| {
        facts.push(Fact { label: format!("the filter `{label}`"), any });
    };
    let flag = |path: &str| vec![(path.to_owned(), TermClaim::Flag(true))];
    let among = |name: &str, values: &[String]| {
        vec![(name.to_owned(), TermClaim::OneOf(values.iter().map(|value| text(value)).collect()))]
    };
    let mut bots = Vec::new();
    for (key, wanted) in filter.used() {
        let (name, path, values) = (key.name(), key.path(), wanted.list());
        match (key.shape(), wanted) {
            (FilterShape::OneOf(_), _) => add(format!("{name} = {}", shown(values)), vec![among(path, values)]),
            (FilterShape::AnyOf(_), _) => {
                let size = || (format!("size({path})"), TermClaim::Above(Const::Whole(1), true));
                let one = |value: &String| vec![(format!("{value:?} in {path}"), TermClaim::Flag(true)), size()];
                add(format!("{name} = {}", shown(values)), values.iter().map(one).collect());
            }
            (FilterShape::Bot(_), _) => bots.push((name, values)),
            (FilterShape::Flag(_), _) => add(format!("{path} = true"), vec![flag(path)]),
            (FilterShape::Within(_), Wanted::Range(range)) => add(name.to_owned(), vec![of_range(path, *range)]),
            (FilterShape::Order, Wanted::Order { since, .. }) => {
                add("hasOrdered.status = true".to_owned(), vec![flag("hasOrdered.status")]);
                if since.is_some() {
                    let range = TimeRange { start: *since, end: None };
                    add("hasOrdered.lastAt".to_owned(), vec![of_range("hasOrdered.lastAt", range)]);
                }
            }
            // What a search finds is not said by one field.
            (FilterShape::Search | FilterShape::Within(_) | FilterShape::Order, _) => {}
        }
    }
    if !bots.is_empty() {
        let label: Vec<String> = bots.iter().map(|(name, values)| format!("{name} = {}", shown(values))).collect();
        add(label.join(", "), bots.iter().map(|(name, values)| among(name, values)).collect());
    }
    facts
}

/// The claims about a time within a range: about its text, and about how long ago it was.
fn of_range(name: &str, range: TimeRange) -> Vec<(String, TermClaim)> {
    let mut claims = vec![(name.to_owned(), TermClaim::NoneOf(vec![text("")]))];
    let since = format!("since({name})");
    // Both times are cut to whole seconds, so the bound may be off by one.
    let second = 1;
    for (end, is_start) in [(range.start, true), (range.end, false)] {
        match end {
            Some(When::At(time)) if is_plain(time) => {
                let bound = text(&time::iso(time));
                let claim = if is_start { TermClaim::Above(bound, true) } else { TermClaim::Below(bound, true) };
                claims.push((name.to_owned(), claim));
            }
            None | Some(When::At(_)) => {}
            Some(When::Ago(ago)) => {
                let claim = if is_start {
                    TermClaim::Below(Const::Whole(ago.as_secs().saturating_add(second)), true)
                } else {
                    TermClaim::Above(Const::Whole(ago.as_secs().saturating_sub(second)), true)
                };
                claims.push((since.clone(), claim));
            }
        }
    }
    claims
}

/// Whether times compare like their texts, which is so for years of four digits.
fn is_plain(time: Timestamp) -> bool {
    let year = time.to_zoned(jiff::tz::TimeZone::UTC).year();
    (0..=9999).contains(&year)
}

/// A list as the admin wrote it, with at most three entries.
fn shown(values: &[String]) -> String {
    let mut shown: Vec<String> = values.iter().take(3).map(|value| format!("\"{value}\"")).collect();
    if values.len() > 3 {
        shown.push("…".to_owned());
    }
    format!("[{}]", shown.join(", "))
}
