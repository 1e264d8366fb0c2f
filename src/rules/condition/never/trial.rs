//! Evaluates parts that have the same value for every contact, and tries parts with a value in place of a name.

use std::collections::{BTreeMap, BTreeSet};

use cel::{
    Value,
    common::ast::{Expr, IdedExpr},
};

use super::parts::Builder;
use crate::rules::condition::{absent, depth::below, facts::Const, text::key, types::Family};

impl Builder<'_> {
    /// The value of a part that is the same for every contact; `Some(Err)`: it fails for every contact.
    pub(super) fn constant(&self, node: &IdedExpr) -> Option<Result<Value, ()>> {
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

    /// The one name that a part depends on, if values can be tried for it.
    pub(super) fn only_term(&self, node: &IdedExpr) -> Option<String> {
        let mut terms = BTreeMap::new();
        self.terms(node, &mut Vec::new(), &mut terms).then_some(())?;
        let (name, family) = terms.pop_first()?;
        (terms.is_empty() && matches!(family, Family::Text | Family::Number)).then_some(name)
    }

    /// Collects the fields of a part; `false` if it reads several, or anything else that differs between contacts.
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

    /// Whether a part can be `wanted` if this name has this value.
    pub(super) fn try_value(&self, node: &IdedExpr, name: &str, value: &Const, wanted: bool) -> bool {
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
pub(super) fn path_root(node: &IdedExpr) -> Option<&str> {
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

/// Collects the names that a part does not bind itself, and `since` if it reads the clock.
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
