//! Whether a condition can be true at all, and whether it can be false.
//!
//! A condition is taken apart into alternatives of claims about names: bounds, values, flags. An
//! alternative whose claims contradict each other is impossible; a condition without another one is never
//! true. The search is bounded, and what is not certain counts as possible: an evaluation that is true is
//! never called impossible here.
//!
//! Parts that fail to be judged are neither true nor false, so that the same reasoning holds for `!`.

use std::{
    cell::Cell,
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use cel::{
    Context, Value,
    common::ast::{CallExpr, Expr, IdedExpr, LiteralValue},
};

use super::{
    absent::{self, Types},
    depth::below,
    facts::{Claim, Const, Fact},
    functions::NEVER,
    text::{Text, key},
    types::{Family, Type},
};
use crate::model::field::Kind;

/// How many claims one search looks at: beyond that, everything is possible.
const CLAIMS: u32 = 4_000;
/// How many parts a condition is taken apart into.
const PARTS: u32 = 2_000;
/// How often a part is tried with a value.
const TRIALS: u32 = 4_000;

/// A parsed condition, with the types of its parts.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) source: Text<'a>,
    pub(super) types: &'a Types,
    pub(super) root: &'a Context<'static, 'static>,
}

/// What cannot be, and why.
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
    /// What holds of every customer of this rule.
    Fact(String),
    /// Everything before it, together.
    Rest,
}

#[derive(Clone, Debug)]
enum Formula {
    All(Vec<Formula>),
    Any(Vec<Formula>),
    Atom(Atom),
}

#[derive(Clone, Debug)]
struct Atom {
    label: Label,
    claims: Vec<(String, Claim)>,
}

#[derive(Clone, Debug)]
enum Label {
    Part(Range<usize>, String),
    Fact(String),
}

/// Why a condition is never true for customers of whom these facts hold; `None` where it may be.
pub(super) fn never(reader: Reader<'_>, condition: &IdedExpr, facts: &[Fact]) -> Option<Conflict> {
    let builder = Builder { reader, left: Cell::new(PARTS), trials: Cell::new(TRIALS) };
    let mut all: Vec<Formula> = facts.iter().map(known).collect();
    all.push(builder.formula(condition, true));
    let mut search = Search { builder: &builder, left: CLAIMS, conflict: None };
    let formula = Formula::All(all);
    if search.possible(vec![&formula], State::default()) {
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
    !Search { builder: &builder, left: CLAIMS, conflict: None }.possible(vec![&formula], State::default())
}

fn known(fact: &Fact) -> Formula {
    let label = Label::Fact(fact.label.clone());
    Formula::Any(
        fact.any.iter().map(|claims| Formula::Atom(Atom { label: label.clone(), claims: claims.clone() })).collect(),
    )
}

struct Builder<'a> {
    reader: Reader<'a>,
    left: Cell<u32>,
    trials: Cell<u32>,
}

/// What can be said of a part that must be true, or must be false.
fn nothing() -> Formula {
    Formula::All(Vec::new())
}

impl Builder<'_> {
    fn of(&self, node: &IdedExpr) -> Type {
        self.reader.types.get(&node.id).cloned().unwrap_or(Type::Any)
    }

    fn formula(&self, node: &IdedExpr, wanted: bool) -> Formula {
        let Some(left) = self.left.get().checked_sub(1) else { return nothing() };
        self.left.set(left);
        let Expr::Call(call) = &node.expr else { return self.atom(node, wanted) };
        let both = |parts: Vec<Formula>, all: bool| if all { Formula::All(parts) } else { Formula::Any(parts) };
        match (call.func_name.as_str(), call.args.as_slice()) {
            ("_&&_", parts) => both(parts.iter().map(|part| self.formula(part, wanted)).collect(), wanted),
            ("_||_", parts) => both(parts.iter().map(|part| self.formula(part, wanted)).collect(), !wanted),
            ("!_", [part]) => self.formula(part, !wanted),
            ("_?_:_", [condition, yes, no]) => Formula::Any(vec![
                Formula::All(vec![self.formula(condition, true), self.formula(yes, wanted)]),
                Formula::All(vec![self.formula(condition, false), self.formula(no, wanted)]),
            ]),
            ("_==_" | "_!=_", [left, right]) if self.of(left) == Type::Flag && self.of(right) == Type::Flag => {
                let equal = (call.func_name == "_==_") == wanted;
                if key(left) == key(right) {
                    return self.atom(node, wanted);
                }
                match (self.constant(left), self.constant(right)) {
                    (Some(Ok(Value::Bool(left))), _) => self.formula(right, left == equal),
                    (_, Some(Ok(Value::Bool(right)))) => self.formula(left, right == equal),
                    _ => Formula::Any(vec![
                        Formula::All(vec![self.formula(left, true), self.formula(right, equal)]),
                        Formula::All(vec![self.formula(left, false), self.formula(right, !equal)]),
                    ]),
                }
            }
            ("@in", [entry, list]) => match &list.expr {
                Expr::List(entries) if self.constant(list).is_none() => {
                    let equal = |other| self.labelled(node, wanted, self.equality(entry, other, wanted));
                    both(entries.elements.iter().map(equal).collect(), !wanted)
                }
                _ => self.atom(node, wanted),
            },
            _ => self.atom(node, wanted),
        }
    }

    fn labelled(&self, node: &IdedExpr, wanted: bool, claims: Vec<(String, Claim)>) -> Formula {
        let text = self.reader.source.of(node);
        let is_one = text.ends_with(')') || text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
        let text = match wanted {
            true => text,
            false if is_one => format!("!{text}"),
            false => format!("!({text})"),
        };
        let label = Label::Part(self.reader.source.place(node), text);
        Formula::Atom(Atom { label, claims })
    }

    fn atom(&self, node: &IdedExpr, wanted: bool) -> Formula {
        match self.constant(node) {
            Some(Ok(Value::Bool(value))) if value == wanted => return nothing(),
            // What fails is neither true nor false.
            Some(Ok(Value::Bool(_)) | Err(())) => {
                return self.labelled(
                    node,
                    wanted,
                    vec![(String::new(), Claim::Never("it is the same for everybody"))],
                );
            }
            _ => {}
        }
        let mut claims = self.claims(node, wanted);
        let whole = key(node);
        claims.push((if self.of(node) == Type::Any { format!("{whole}#flag") } else { whole }, Claim::Flag(wanted)));
        if let Some(term) = self.only_term(node) {
            claims.push((term, Claim::Test(Box::new(node.clone()), wanted)));
        }
        self.labelled(node, wanted, claims)
    }

    /// What a part says of the names in it, besides that it is true or false.
    fn claims(&self, node: &IdedExpr, wanted: bool) -> Vec<(String, Claim)> {
        match &node.expr {
            Expr::Call(call) => self.call(call, wanted),
            Expr::Select(select) if select.test => match self.of(&select.operand) {
                Type::Record(_, kind) => {
                    let name = format!("{}.{}", key(&select.operand), select.field);
                    match kind.at(&[&select.field]) {
                        Some(Kind::Text | Kind::Time) => vec![(name, values(!wanted, Const::Text(String::new())))],
                        Some(Kind::Number) => vec![(name, values(!wanted, Const::Whole(0)))],
                        Some(Kind::Flag) => vec![(name, Claim::Flag(wanted))],
                        Some(Kind::List(_)) => filled(&name, wanted),
                        _ => Vec::new(),
                    }
                }
                _ => self.entry(&select.operand, &select.field, wanted),
            },
            Expr::Comprehension(inner) => {
                let begins = |flag: bool| matches!(&inner.accu_init.expr, Expr::Literal(LiteralValue::Boolean(begin)) if *begin.inner() == flag);
                let Expr::Call(step) = &inner.loop_step.expr else { return Vec::new() };
                let is_exists = begins(false) && step.func_name == "_||_";
                let is_all = begins(true) && step.func_name == "_&&_";
                let [_, asked] = step.args.as_slice() else { return Vec::new() };
                // Somebody in the list must be so, which an empty one cannot have.
                if !((is_exists && wanted) || (is_all && !wanted)) {
                    return Vec::new();
                }
                let mut claims = filled(&key(&inner.iter_range), true);
                if Type::of_name(&inner.iter_var).is_none() {
                    let asked = self.formula(asked, wanted);
                    let mut search = Search { builder: self, left: CLAIMS / 8, conflict: None };
                    if !search.possible(vec![&asked], State::default()) {
                        claims.push((String::new(), Claim::Never("no entry can be so")));
                    }
                }
                claims
            }
            _ => Vec::new(),
        }
    }

    fn call(&self, call: &CallExpr, wanted: bool) -> Vec<(String, Claim)> {
        match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
            (name @ ("_==_" | "_!=_"), None, [left, right]) => self.equality(left, right, (name == "_==_") == wanted),
            (name @ ("_<_" | "_<=_" | "_>_" | "_>=_"), None, [left, right]) => self.order(name, left, right, wanted),
            ("@in", None, [entry, list]) => {
                if let Some(Ok(Value::List(values))) = self.constant(list) {
                    let values: Option<Vec<Const>> = values.iter().map(Const::of).collect();
                    let Some(values) = values else { return Vec::new() };
                    let Some(name) = self.term(entry, values.first()) else { return Vec::new() };
                    if values.iter().any(|value| value.family() != values[0].family()) {
                        return Vec::new();
                    }
                    return vec![(name, if wanted { Claim::OneOf(values) } else { Claim::NoneOf(values) })];
                }
                match (self.of(list), self.constant(entry)) {
                    (Type::Map(_), Some(Ok(Value::String(name)))) => self.entry(list, &name, wanted),
                    (Type::List(_), _) if wanted => filled(&key(list), true),
                    _ => Vec::new(),
                }
            }
            (name @ ("startsWith" | "endsWith" | "contains"), Some(target), [argument]) => {
                let Some(Ok(Value::String(text))) = self.constant(argument) else { return Vec::new() };
                let Some(term) = self.term(target, Some(&Const::Text(String::new()))) else { return Vec::new() };
                if text.is_empty() {
                    return if wanted { Vec::new() } else { vec![(term, Claim::Never("everything does"))] };
                }
                if !wanted {
                    return Vec::new();
                }
                let claim = match name {
                    "startsWith" => Some(Claim::Prefix(text.to_string())),
                    "endsWith" => Some(Claim::Suffix(text.to_string())),
                    _ => None,
                };
                let not_empty = (term.clone(), Claim::NoneOf(vec![Const::Text(String::new())]));
                claim.map(|claim| (term, claim)).into_iter().chain([not_empty]).collect()
            }
            _ => Vec::new(),
        }
    }

    /// An entry of a table is there, or not.
    fn entry(&self, table: &IdedExpr, name: &str, wanted: bool) -> Vec<(String, Claim)> {
        let absent = matches!(self.of(table), Type::Map(value) if value.family() == Family::Text) && !wanted;
        let term = format!("{}[{name:?}]", key(table));
        let there = (format!("{name:?} in {}", key(table)), Claim::Flag(wanted));
        let empty = (term, Claim::OneOf(vec![Const::Text(String::new())]));
        if absent { vec![there, empty] } else { vec![there] }
    }

    fn equality(&self, left: &IdedExpr, right: &IdedExpr, equal: bool) -> Vec<(String, Claim)> {
        if key(left) == key(right) {
            // NaN differs from itself.
            let is_stable = !matches!(self.of(left), Type::Fraction | Type::Other) && !has_arithmetic(left);
            let same = || vec![(String::new(), Claim::Never("both sides are the same"))];
            return if is_stable && !equal { same() } else { Vec::new() };
        }
        for (term, constant) in [(left, right), (right, left)] {
            let Some(Ok(value)) = self.constant(constant) else { continue };
            if let Value::List(entries) = &value {
                let size = i64::try_from(entries.len()).unwrap_or(i64::MAX);
                return match (equal, size) {
                    (true, 0) => filled(&key(term), false),
                    (false, 0) => filled(&key(term), true),
                    (true, size) => vec![(format!("size({})", key(term)), Claim::OneOf(vec![Const::Whole(size)]))],
                    (false, _) => Vec::new(),
                };
            }
            let Some(value) = Const::of(&value) else { return Vec::new() };
            let Some(name) = self.term(term, Some(&value)) else { return Vec::new() };
            return vec![(name, values(equal, value))];
        }
        self.relation(left, right, if equal { EQUAL } else { LESS | GREATER })
    }

    fn order(&self, name: &str, left: &IdedExpr, right: &IdedExpr, wanted: bool) -> Vec<(String, Claim)> {
        let same = || vec![(String::new(), Claim::Never("both sides are the same"))];
        let holds = match name {
            "_<_" => LESS,
            "_<=_" => LESS | EQUAL,
            "_>_" => GREATER,
            _ => GREATER | EQUAL,
        };
        let is_exact = |side: &IdedExpr| matches!(self.of(side), Type::Whole | Type::Text(_) | Type::Time);
        let bits = if wanted { holds } else { (LESS | EQUAL | GREATER) & !holds };
        if key(left) == key(right) && is_exact(left) {
            return if bits & EQUAL == 0 { same() } else { Vec::new() };
        }
        // A number that is none is neither less nor more.
        for (term, constant, bits) in [(left, right, bits), (right, left, turned(bits))] {
            let Some(Ok(value)) = self.constant(constant) else { continue };
            if !wanted && !is_exact(term) {
                return Vec::new();
            }
            let Some(value) = Const::of(&value) else { return Vec::new() };
            let Some(name) = self.term(term, Some(&value)) else { return Vec::new() };
            let including = bits & EQUAL != 0;
            let mut claims = Vec::new();
            if self.of(term) == Type::Whole {
                claims.push((name.clone(), Claim::Whole));
            }
            if bits & LESS != 0 {
                // A time that is not there is longer ago than anything.
                if let (Some(time), Const::Whole(bound)) = (since_what(term), &value)
                    && *bound < NEVER
                {
                    claims.push((time, Claim::NoneOf(vec![Const::Text(String::new())])));
                }
                claims.push((name, Claim::Below(value, including)));
            } else {
                claims.push((name, Claim::Above(value, including)));
            }
            return claims;
        }
        if is_exact(left) && is_exact(right) { self.relation(left, right, bits) } else { Vec::new() }
    }

    fn relation(&self, left: &IdedExpr, right: &IdedExpr, bits: u8) -> Vec<(String, Claim)> {
        let ordered = |side: &IdedExpr| matches!(self.of(side), Type::Whole | Type::Text(_) | Type::Time);
        if !ordered(left) || !ordered(right) {
            return Vec::new();
        }
        let (left, right) = (key(left), key(right));
        let (pair, bits) = if left <= right { ((left, right), bits) } else { ((right, left), turned(bits)) };
        vec![(format!("{} ? {}", pair.0, pair.1), Claim::Relation(bits))]
    }

    /// The name of a part as something with values of this constant's kind.
    fn term(&self, node: &IdedExpr, like: Option<&Const>) -> Option<String> {
        if matches!(self.constant(node), Some(Ok(_))) {
            return None;
        }
        let name = key(node);
        match (self.of(node).family(), like) {
            // Nothing is equal to every empty value: kinds are looked at apart.
            (Family::Any, Some(like)) => Some(format!("{name}#{}", like.family())),
            (Family::Text | Family::Number | Family::Flag, _) => Some(name),
            _ => None,
        }
    }

    /// The value of a part that is the same for everybody.
    fn constant(&self, node: &IdedExpr) -> Option<Result<Value, ()>> {
        if let Expr::Literal(_) = &node.expr {
            return Some(self.reader.root.resolve(node).map_err(drop));
        }
        let mut names = BTreeSet::new();
        free(node, &mut Vec::new(), &mut names);
        names.is_empty().then(|| self.resolve(node))
    }

    fn resolve(&self, node: &IdedExpr) -> Result<Value, ()> {
        let left = self.trials.get();
        self.trials.set(left.saturating_sub(1));
        if left == 0 {
            return Ok(Value::Null);
        }
        let mut lowered = node.clone();
        absent::lower(&mut lowered, self.reader.types);
        self.reader.root.resolve(&lowered).map_err(drop)
    }

    /// The one name that decides about a part, if its values can be tried.
    fn only_term(&self, node: &IdedExpr) -> Option<String> {
        let mut terms = BTreeMap::new();
        self.terms(node, &mut Vec::new(), &mut terms).then_some(())?;
        let (name, family) = terms.pop_first()?;
        (terms.is_empty() && matches!(family, Family::Text | Family::Number)).then_some(name)
    }

    /// Every field in a part; `false` where there is something else that differs from customer to customer.
    fn terms(&self, node: &IdedExpr, bound: &mut Vec<String>, found: &mut BTreeMap<String, Family>) -> bool {
        if let Some(root) = path_root(node) {
            if bound.iter().any(|name| name == root) || root.starts_with('@') {
                return true;
            }
            found.insert(key(node), self.of(node).family());
            return found.len() <= 1;
        }
        if let Expr::Comprehension(inner) = &node.expr {
            let before = bound.len();
            let range = self.terms(&inner.iter_range, bound, found);
            bound.extend([inner.iter_var.clone(), inner.accu_var.clone()]);
            let steps = [&inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result];
            let all = range && steps.into_iter().all(|step| self.terms(step, bound, found));
            bound.truncate(before);
            return all;
        }
        let reads_clock = matches!(&node.expr, Expr::Call(call) if call.func_name == "since");
        !reads_clock
            && !matches!(&node.expr, Expr::Select(_))
            && below(node).into_iter().all(|part| self.terms(part, bound, found))
    }

    /// Whether a part can be as wanted where this name has this value.
    fn try_value(&self, node: &IdedExpr, name: &str, value: &Const, wanted: bool) -> bool {
        let mut tried = node.clone();
        put(&mut tried, name, &value.literal());
        !matches!(self.resolve(&tried), Ok(Value::Bool(found)) if found != wanted)
    }
}

/// Puts a literal in the place of a name.
fn put(node: &mut IdedExpr, name: &str, literal: &IdedExpr) {
    if path_root(node).is_some() && key(node) == name {
        *node = literal.clone();
        return;
    }
    match &mut node.expr {
        Expr::Select(select) => put(&mut select.operand, name, literal),
        Expr::Call(call) => {
            call.target.as_deref_mut().into_iter().chain(&mut call.args).for_each(|part| put(part, name, literal));
        }
        Expr::List(list) => list.elements.iter_mut().for_each(|part| put(part, name, literal)),
        Expr::Comprehension(inner) => {
            put(&mut inner.iter_range, name, literal);
            put(&mut inner.loop_step, name, literal);
        }
        _ => {}
    }
}

/// The name that `a.b.c` or `a["b"].c` begins with.
fn path_root(node: &IdedExpr) -> Option<&str> {
    match &node.expr {
        Expr::Ident(name) => Some(name),
        Expr::Select(select) if !select.test => path_root(&select.operand),
        Expr::Call(call) if call.func_name == "_[_]" => match call.args.as_slice() {
            [list, IdedExpr { expr: Expr::Literal(_), .. }] => path_root(list),
            _ => None,
        },
        _ => None,
    }
}

/// The names of a part that are not its own, and whether it looks at the clock.
fn free(node: &IdedExpr, bound: &mut Vec<String>, found: &mut BTreeSet<String>) {
    match &node.expr {
        Expr::Ident(name) if !bound.contains(name) => drop(found.insert(name.clone())),
        Expr::Comprehension(inner) => {
            free(&inner.iter_range, bound, found);
            let before = bound.len();
            bound.extend([inner.iter_var.clone(), inner.accu_var.clone()]);
            bound.extend(inner.iter_var2.clone());
            for step in [&inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result] {
                free(step, bound, found);
            }
            bound.truncate(before);
        }
        Expr::Call(call) if call.func_name == "since" => drop(found.insert("since".to_owned())),
        _ => below(node).into_iter().for_each(|part| free(part, bound, found)),
    }
}

fn has_arithmetic(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Call(call) if matches!(call.func_name.as_str(), "_+_" | "_-_" | "_*_" | "_/_" | "_%_" | "-_" | "double"))
        || below(node).into_iter().any(has_arithmetic)
}

/// The time that a part counts from.
fn since_what(node: &IdedExpr) -> Option<String> {
    let Expr::Call(call) = &node.expr else { return None };
    let time = call.target.as_deref().or(call.args.first())?;
    (call.func_name == "since" && path_root(time).is_some()).then(|| key(time))
}

fn values(equal: bool, value: Const) -> Claim {
    if equal { Claim::OneOf(vec![value]) } else { Claim::NoneOf(vec![value]) }
}

/// Something is in a list, or nothing.
fn filled(list: &str, wanted: bool) -> Vec<(String, Claim)> {
    let claim = if wanted { Claim::Above(Const::Whole(1), true) } else { Claim::OneOf(vec![Const::Whole(0)]) };
    vec![(format!("size({list})"), Claim::Whole), (format!("size({list})"), claim)]
}

const LESS: u8 = 1;
const EQUAL: u8 = 2;
const GREATER: u8 = 4;

fn turned(bits: u8) -> u8 {
    bits & EQUAL | if bits & LESS != 0 { GREATER } else { 0 } | if bits & GREATER != 0 { LESS } else { 0 }
}

/// Counts, which are never negative.
fn is_count(name: &str) -> bool {
    matches!(name, "waiting" | "unreadMessages" | "websiteVisits") || name.starts_with("size(")
}

/// What always has a text.
fn is_filled(name: &str) -> bool {
    matches!(name, "_id" | "name" | "inbox")
}

/// What is claimed of one name.
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
struct State {
    terms: BTreeMap<String, Term>,
    atoms: Vec<Atom>,
}

impl State {
    /// Adds what an atom claims; gives whether all of it can be true.
    fn add(&mut self, atom: &Atom, builder: &Builder<'_>) -> bool {
        self.atoms.push(atom.clone());
        let mut touched = BTreeSet::new();
        for (name, claim) in &atom.claims {
            if matches!(claim, Claim::Never(_)) {
                return false;
            }
            if !self.terms.entry(name.clone()).or_default().claim(name, claim) {
                return false;
            }
            touched.insert(name.clone());
            // Who has no agent has no agent's name.
            if name == "_agentAssigned" && *claim == Claim::OneOf(vec![Const::Text(String::new())]) {
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
    fn claim(&mut self, name: &str, claim: &Claim) -> bool {
        match claim {
            Claim::Never(_) => return false,
            Claim::Flag(flag) => return self.flag.replace(*flag).is_none_or(|before| before == *flag),
            Claim::OneOf(values) => {
                let kept =
                    |before: &Vec<Const>| before.iter().filter(|value| values.contains(value)).cloned().collect();
                self.one_of = Some(self.one_of.as_ref().map_or_else(|| values.clone(), kept));
            }
            Claim::NoneOf(values) => self.none_of.extend(values.iter().cloned()),
            Claim::Above(value, including) => narrow(&mut self.above, value, *including, Ordering::Greater),
            Claim::Below(value, including) => narrow(&mut self.below, value, *including, Ordering::Less),
            Claim::Prefix(text) => self.prefixes.push(text.clone()),
            Claim::Suffix(text) => self.suffixes.push(text.clone()),
            Claim::Whole => self.whole = true,
            Claim::Relation(bits) => self.relation = Some(self.relation.unwrap_or(LESS | EQUAL | GREATER) & bits),
            Claim::Test(node, wanted) => self.tests.push(((**node).clone(), *wanted)),
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
        // Nothing comes before the empty text.
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

    /// The whole numbers between the bounds, where they are few.
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

struct Search<'a> {
    builder: &'a Builder<'a>,
    left: u32,
    conflict: Option<Conflict>,
}

impl Search<'_> {
    /// Whether all of these can be true together with what was claimed before.
    fn possible(&mut self, todo: Vec<&Formula>, mut state: State) -> bool {
        let mut todo: std::collections::VecDeque<&Formula> = todo.into();
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

    /// The first contradiction, in two parts where two are enough.
    fn note(&mut self, atom: &Atom, state: &State) {
        if self.conflict.is_some() {
            return;
        }
        let alone = State::default().add(atom, self.builder);
        let earlier = &state.atoms[..state.atoms.len() - 1];
        let other = alone.then(|| {
            earlier.iter().find(|other| {
                let mut two = State::default();
                !(two.add(other, self.builder) && two.add(atom, self.builder))
            })
        });
        let certain = atom.claims.iter().find_map(|(_, claim)| match claim {
            Claim::Never(reason) => Some(*reason),
            Claim::OneOf(values) if values.is_empty() => Some("the list is empty"),
            _ => None,
        });
        let natural = || {
            atom.claims.iter().find_map(|(name, _)| match name.as_str() {
                "waiting" => Some("nobody waits for less than no time"),
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
            // Facts alone do not contradict each other in a way that the condition could mend.
            (Label::Fact(_), _) => None,
        };
    }
}
