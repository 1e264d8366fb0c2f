//! The claims that a part of a condition makes about the names in it.

use cel::{
    Value,
    common::ast::{CallExpr, Expr, IdedExpr, LiteralValue},
};

use super::{
    CLAIMS, Search,
    parts::Builder,
    terms::{EQUAL, GREATER, KnownTerms, LESS, turned},
    trial::path_root,
};
use crate::{
    model::field::FieldKind,
    rules::condition::{
        depth::below,
        facts::{Const, TermClaim},
        functions::NEVER,
        text::key,
        types::{Family, Type},
    },
};

impl Builder<'_> {
    /// The claims that a part makes about the names in it, besides that it is itself true or false.
    pub(super) fn claims(&self, node: &IdedExpr, wanted: bool) -> Vec<(String, TermClaim)> {
        match &node.expr {
            Expr::Call(call) => self.call(call, wanted),
            Expr::Select(select) if select.test => match self.of(&select.operand) {
                Type::Record(_, kind) => {
                    let name = format!("{}.{}", key(&select.operand), select.field);
                    match kind.at(&[&select.field]) {
                        Some(FieldKind::Text | FieldKind::Time) => {
                            vec![(name, values(!wanted, Const::Text(String::new())))]
                        }
                        Some(FieldKind::Number) => vec![(name, values(!wanted, Const::Whole(0)))],
                        Some(FieldKind::Flag) => vec![(name, TermClaim::Flag(wanted))],
                        Some(FieldKind::List(_)) => filled(&name, wanted),
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
                // The list must have an entry for which it holds, so it cannot be empty.
                if !((is_exists && wanted) || (is_all && !wanted)) {
                    return Vec::new();
                }
                let mut claims = filled(&key(&inner.iter_range), true);
                if Type::of_name(&inner.iter_var).is_none() {
                    let asked = self.formula(asked, wanted);
                    let mut search = Search { builder: self, left: CLAIMS / 8, conflict: None };
                    if !search.possible(vec![&asked], KnownTerms::default()) {
                        claims.push((String::new(), TermClaim::Never("no entry can match")));
                    }
                }
                claims
            }
            _ => Vec::new(),
        }
    }

    fn call(&self, call: &CallExpr, wanted: bool) -> Vec<(String, TermClaim)> {
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
                    return vec![(name, if wanted { TermClaim::OneOf(values) } else { TermClaim::NoneOf(values) })];
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
                    return if wanted { Vec::new() } else { vec![(term, TermClaim::Never("everything does"))] };
                }
                if !wanted {
                    return Vec::new();
                }
                let claim = match name {
                    "startsWith" => Some(TermClaim::Prefix(text.to_string())),
                    "endsWith" => Some(TermClaim::Suffix(text.to_string())),
                    _ => None,
                };
                let not_empty = (term.clone(), TermClaim::NoneOf(vec![Const::Text(String::new())]));
                claim.map(|claim| (term, claim)).into_iter().chain([not_empty]).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Claims that a table has an entry of this name, or that it has none.
    fn entry(&self, table: &IdedExpr, name: &str, wanted: bool) -> Vec<(String, TermClaim)> {
        let absent = matches!(self.of(table), Type::Map(value) if value.family() == Family::Text) && !wanted;
        let term = format!("{}[{name:?}]", key(table));
        let there = (format!("{name:?} in {}", key(table)), TermClaim::Flag(wanted));
        let empty = (term, TermClaim::OneOf(vec![Const::Text(String::new())]));
        if absent { vec![there, empty] } else { vec![there] }
    }

    pub(super) fn equality(&self, left: &IdedExpr, right: &IdedExpr, equal: bool) -> Vec<(String, TermClaim)> {
        if key(left) == key(right) {
            // NaN is not equal to itself.
            let is_stable = !matches!(self.of(left), Type::Fraction | Type::Other) && !has_arithmetic(left);
            let same = || vec![(String::new(), TermClaim::Never("both sides are the same"))];
            return if is_stable && !equal { same() } else { Vec::new() };
        }
        for (term, constant) in [(left, right), (right, left)] {
            let Some(Ok(value)) = self.constant(constant) else { continue };
            if let Value::List(entries) = &value {
                let size = i64::try_from(entries.len()).unwrap_or(i64::MAX);
                return match (equal, size) {
                    (true, 0) => filled(&key(term), false),
                    (false, 0) => filled(&key(term), true),
                    (true, size) => vec![(format!("size({})", key(term)), TermClaim::OneOf(vec![Const::Whole(size)]))],
                    (false, _) => Vec::new(),
                };
            }
            let Some(value) = Const::of(&value) else { return Vec::new() };
            let Some(name) = self.term(term, Some(&value)) else { return Vec::new() };
            return vec![(name, values(equal, value))];
        }
        self.relation(left, right, if equal { EQUAL } else { LESS | GREATER })
    }

    fn order(&self, name: &str, left: &IdedExpr, right: &IdedExpr, wanted: bool) -> Vec<(String, TermClaim)> {
        let same = || vec![(String::new(), TermClaim::Never("both sides are the same"))];
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
        // NaN is neither less nor greater than a number, so a negated order of fractions claims nothing.
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
                claims.push((name.clone(), TermClaim::Whole));
            }
            if bits & LESS != 0 {
                // An absent time is longer ago than any bound below `NEVER`, so the time is not empty.
                if let (Some(time), Const::Whole(bound)) = (since_what(term), &value)
                    && *bound < NEVER
                {
                    claims.push((time, TermClaim::NoneOf(vec![Const::Text(String::new())])));
                }
                claims.push((name, TermClaim::Below(value, including)));
            } else {
                claims.push((name, TermClaim::Above(value, including)));
            }
            return claims;
        }
        if is_exact(left) && is_exact(right) { self.relation(left, right, bits) } else { Vec::new() }
    }

    fn relation(&self, left: &IdedExpr, right: &IdedExpr, bits: u8) -> Vec<(String, TermClaim)> {
        let ordered = |side: &IdedExpr| matches!(self.of(side), Type::Whole | Type::Text(_) | Type::Time);
        if !ordered(left) || !ordered(right) {
            return Vec::new();
        }
        let (left, right) = (key(left), key(right));
        let (pair, bits) = if left <= right { ((left, right), bits) } else { ((right, left), turned(bits)) };
        vec![(format!("{} ? {}", pair.0, pair.1), TermClaim::Relation(bits))]
    }

    /// The name under which claims about a part are kept; for a part of unknown type it holds the constant's type, too.
    fn term(&self, node: &IdedExpr, like: Option<&Const>) -> Option<String> {
        if matches!(self.constant(node), Some(Ok(_))) {
            return None;
        }
        let name = key(node);
        match (self.of(node).family(), like) {
            // Null is equal to the empty value of every type, so each type has claims of its own.
            (Family::Any, Some(like)) => Some(format!("{name}#{}", like.family())),
            (Family::Text | Family::Number | Family::Flag, _) => Some(name),
            _ => None,
        }
    }
}

fn has_arithmetic(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Call(call) if matches!(call.func_name.as_str(), "_+_" | "_-_" | "_*_" | "_/_" | "_%_" | "-_" | "double"))
        || below(node).into_iter().any(has_arithmetic)
}

/// The name of the time in `since(…)`.
fn since_what(node: &IdedExpr) -> Option<String> {
    let Expr::Call(call) = &node.expr else { return None };
    let time = call.target.as_deref().or(call.args.first())?;
    (call.func_name == "since" && path_root(time).is_some()).then(|| key(time))
}

fn values(equal: bool, value: Const) -> TermClaim {
    if equal { TermClaim::OneOf(vec![value]) } else { TermClaim::NoneOf(vec![value]) }
}

/// Claims that a list has entries, or that it has none.
fn filled(list: &str, wanted: bool) -> Vec<(String, TermClaim)> {
    let claim = if wanted { TermClaim::Above(Const::Whole(1), true) } else { TermClaim::OneOf(vec![Const::Whole(0)]) };
    vec![(format!("size({list})"), TermClaim::Whole), (format!("size({list})"), claim)]
}
