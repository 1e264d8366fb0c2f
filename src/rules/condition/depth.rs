//! Limits the nesting of a condition and its loops over lists. The parser and the evaluation are recursive, so a text
//! that is nested too deep would overflow the stack and end the program.

use cel::common::ast::{EntryExpr, Expr, IdedExpr};

/// The deepest nesting of brackets. The parser needs more stack for a bracket than for anything else.
pub(super) const BRACKETS: usize = 8;

/// The largest depth of the parsed tree, without `&&` and `||`.
pub(super) const TREE: usize = 32;

/// The most loops (`all`, `exists`, `map`, `filter`) in each other, and one after the other. An inner loop multiplies
/// the time by the length of its list; a loop over another one's result may go through a list that has grown as much.
const LOOPS: (usize, usize) = (2, 4);

/// Whether a parsed condition would take too long.
pub(super) fn too_long(root: &IdedExpr) -> bool {
    let mut open = vec![(root, 0, 0)];
    while let Some((node, inside, behind)) = open.pop() {
        if inside > LOOPS.0 || behind > LOOPS.1 {
            return true;
        }
        if let Expr::Comprehension(inner) = &node.expr {
            open.push((&inner.iter_range, inside, behind + 1));
            let steps = [&inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result];
            open.extend(steps.map(|step| (step, inside + 1, behind)));
        } else {
            open.extend(below(node).into_iter().map(|node| (node, inside, behind)));
        }
    }
    false
}

/// Whether brackets are nested too deep to be parsed. They are counted with and without those in quotes, since only
/// the parser knows where a quoted text ends.
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

/// Whether a parsed condition is too deep to be evaluated: `1 + 1 + …` is deep without brackets.
pub(super) fn too_deep(root: &IdedExpr) -> bool {
    let mut open = vec![(root, 1)];
    while let Some((node, depth)) = open.pop() {
        if depth > TREE {
            return true;
        }
        let flat = matches!(&node.expr, Expr::Call(call) if matches!(call.func_name.as_str(), "_&&_" | "_||_"));
        let depth = if flat { depth } else { depth + 1 };
        open.extend(below(node).into_iter().map(|node| (node, depth)));
    }
    false
}

/// The direct parts of a node.
pub(super) fn below(node: &IdedExpr) -> Vec<&IdedExpr> {
    match &node.expr {
        Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) => Vec::new(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map.entries.iter().flat_map(|entry| parts(&entry.expr)).collect(),
        Expr::Struct(object) => object.entries.iter().flat_map(|entry| parts(&entry.expr)).collect(),
        Expr::Comprehension(inner) => {
            vec![&inner.iter_range, &inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result]
        }
    }
}

fn parts(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}
