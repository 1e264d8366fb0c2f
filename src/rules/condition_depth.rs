//! How deep a condition is nested. The parser and the evaluation go down by recursion, so a text that
//! is nested without end would take the whole program with it.

use cel::common::ast::{EntryExpr, Expr, IdedExpr};

/// The deepest brackets: the parser takes more of the stack for each than anything else does.
pub(super) const BRACKETS: usize = 8;

/// The deepest tree, `&&` and `||` not counted.
pub(super) const TREE: usize = 32;

/// Whether brackets are nested too deep to be parsed. Brackets in quotes are looked at both ways: which
/// quote ends which text is the parser's to say.
pub(super) fn too_many_brackets(text: &str) -> bool {
    brackets(text, false).max(brackets(text, true)) > BRACKETS
}

fn brackets(text: &str, skip_quoted: bool) -> usize {
    let (mut depth, mut deepest): (usize, usize) = (0, 0);
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') if skip_quoted => quote = Some(c),
            (None, '(' | '[' | '{') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Whether a parsed condition is too deep to be evaluated: `1 + 1 + …` has no brackets.
pub(super) fn too_deep(root: &IdedExpr) -> bool {
    let mut open = vec![(root, 1)];
    while let Some((node, depth)) = open.pop() {
        if depth > TREE {
            return true;
        }
        let mut below = |node| open.push((node, depth + 1));
        match &node.expr {
            Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) => {}
            Expr::Select(select) => below(&select.operand),
            Expr::Call(call) if matches!(call.func_name.as_str(), "_&&_" | "_||_") => {
                open.extend(call.args.iter().map(|argument| (argument, depth)));
            }
            Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).for_each(below),
            Expr::List(list) => list.elements.iter().for_each(below),
            Expr::Map(map) => map.entries.iter().for_each(|entry| parts(&entry.expr).into_iter().for_each(&mut below)),
            Expr::Struct(object) => {
                object.entries.iter().for_each(|entry| parts(&entry.expr).into_iter().for_each(&mut below));
            }
            Expr::Comprehension(inner) => {
                let parts = [&inner.iter_range, &inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result];
                parts.into_iter().for_each(below);
            }
        }
    }
    false
}

fn parts(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}
