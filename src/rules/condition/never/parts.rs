//! Takes a condition apart into parts that must all be true, and parts of which one is enough.

use std::cell::Cell;

use cel::{
    Value,
    common::ast::{Expr, IdedExpr},
};

use super::formula::{Atom, Formula, Label, Reader};
use crate::rules::condition::{facts::TermClaim, text::key, types::Type};

/// Takes one condition apart, within the bounds of one search.
pub(super) struct Builder<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) left: Cell<u32>,
    pub(super) trials: Cell<u32>,
}

/// A formula that is always true.
fn nothing() -> Formula {
    Formula::All(Vec::new())
}

impl Builder<'_> {
    pub(super) fn of(&self, node: &IdedExpr) -> Type {
        self.reader.types.get(&node.id).cloned().unwrap_or(Type::Any)
    }

    /// The formula for a part being `wanted`.
    pub(super) fn formula(&self, node: &IdedExpr, wanted: bool) -> Formula {
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

    fn labelled(&self, node: &IdedExpr, wanted: bool, claims: Vec<(String, TermClaim)>) -> Formula {
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
            // A part that fails is neither true nor false.
            Some(Ok(Value::Bool(_)) | Err(())) => {
                return self.labelled(
                    node,
                    wanted,
                    vec![(String::new(), TermClaim::Never("it is the same for everybody"))],
                );
            }
            _ => {}
        }
        let mut claims = self.claims(node, wanted);
        let whole = key(node);
        claims
            .push((if self.of(node) == Type::Any { format!("{whole}#flag") } else { whole }, TermClaim::Flag(wanted)));
        if let Some(term) = self.only_term(node) {
            claims.push((term, TermClaim::Test(Box::new(node.clone()), wanted)));
        }
        self.labelled(node, wanted, claims)
    }
}
