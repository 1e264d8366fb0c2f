//! The parts of a condition as text: their places, and the keys that identify them.

use std::ops::Range;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo};

use super::depth::below;

/// The text of a condition, and the places of its parts.
#[derive(Clone, Copy)]
pub(super) struct ConditionText<'a> {
    pub(super) info: &'a SourceInfo,
}

impl<'a> ConditionText<'a> {
    fn all(self) -> &'a str {
        &self.info.source
    }

    /// The place of the whole condition.
    pub(super) fn whole(self) -> Range<usize> {
        0..self.all().len()
    }

    /// The place of the operator or word that the parser recorded for a node.
    pub(super) fn sign(self, id: u64) -> Range<usize> {
        let all = self.all();
        let Some((start, stop)) = self.info.offset_for(id) else { return self.whole() };
        let (start, stop) = ((start as usize).min(all.len()), (stop as usize + 1).min(all.len()));
        floor(all, start)..ceil(all, stop.max(start))
    }

    /// The place of a name: directly before the node, else the first one after its beginning.
    pub(super) fn name(self, id: u64, name: &str) -> Range<usize> {
        let all = self.all();
        let near = self.sign(id).start;
        let behind = all[near..].find(name).map(|at| near + at);
        // The parser records a call at its bracket: the name is before it.
        let before = all[..near].trim_end().strip_suffix(name).map(str::len);
        before.or(behind).or_else(|| all.find(name)).map_or(self.whole(), |at| at..at + name.len())
    }

    /// The place of a whole part, with all its brackets closed.
    pub(super) fn place(self, node: &IdedExpr) -> Range<usize> {
        let all = self.all();
        let (mut start, mut end) = (all.len(), 0);
        let mut open = vec![node];
        while let Some(part) = open.pop() {
            if self.info.offset_for(part.id).is_some() {
                let sign = self.sign(part.id);
                let first = match &part.expr {
                    Expr::Call(call) if call.target.is_none() && is_word(&call.func_name) => {
                        self.name(part.id, &call.func_name).start.min(sign.start)
                    }
                    Expr::Select(select) if select.test => self.name(part.id, "has").start.min(sign.start),
                    _ => sign.start,
                };
                let last = match &part.expr {
                    // The parser records a field at its dot.
                    Expr::Select(select) => {
                        let rest = &all[sign.end..];
                        let skipped = rest.len() - rest.trim_start().len();
                        let is_next = rest[skipped..].starts_with(&select.field);
                        if is_next { sign.end + skipped + select.field.len() } else { sign.end }
                    }
                    _ => sign.end,
                };
                (start, end) = (start.min(first), end.max(last));
            }
            open.extend(below(part));
        }
        if start >= end { self.whole() } else { balanced(all, start..end) }
    }

    /// The part as the admin wrote it, on one line.
    pub(super) fn of(self, node: &IdedExpr) -> String {
        self.all()[self.place(node)].split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

fn is_word(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn ceil(text: &str, at: usize) -> usize {
    (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// The range, extended until its brackets are closed.
fn balanced(text: &str, range: Range<usize>) -> Range<usize> {
    let (mut depth, mut missing) = (0_i32, 0_i32);
    let mut quote = None;
    for c in text[range.clone()].chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') if depth == 0 => missing += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            _ => {}
        }
    }
    let (mut start, mut end) = (range.start, range.end);
    for (at, c) in text[..range.start].char_indices().rev() {
        if missing == 0 {
            break;
        }
        if matches!(c, '(' | '[' | '{') {
            missing -= 1;
            start = at;
        }
    }
    for (at, c) in text[range.end..].char_indices() {
        if depth == 0 {
            break;
        }
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth -= 1;
                end = range.end + at + 1;
            }
            _ => {}
        }
    }
    start..end
}

/// The key of a part; two parts with the same key always have the same value.
pub(super) fn key(node: &IdedExpr) -> String {
    let list = |nodes: &[IdedExpr]| nodes.iter().map(key).collect::<Vec<_>>().join(", ");
    match &node.expr {
        Expr::Unspecified => "?".to_owned(),
        Expr::Literal(literal) => literal_key(literal),
        // Both names are the same list.
        Expr::Ident(name) if name == "tags" => "profile.userDetails.tags".to_owned(),
        Expr::Ident(name) => name.clone(),
        Expr::Select(select) => {
            let operand = key(&select.operand);
            let field = format!("{:?}", select.field);
            match select.test {
                true => format!("{field} in {operand}"),
                false if matches!(operand.as_str(), "attributes" | "extra") => format!("{operand}[{field}]"),
                false => format!("{operand}.{}", select.field),
            }
        }
        Expr::Call(call) => {
            let target = call.target.as_deref().map(key);
            match (call.func_name.as_str(), target, call.args.as_slice()) {
                ("_[_]", None, [list, at]) => format!("{}[{}]", key(list), key(at)),
                ("@in", None, [entry, list]) => format!("{} in {}", key(entry), key(list)),
                ("size" | "since", Some(target), []) => format!("{}({target})", call.func_name),
                ("raw", None, [text]) => key(text),
                ("seconds", None, [number]) => key(number),
                (name, Some(target), args) => format!("{target}.{name}({})", list(args)),
                (name, None, args) => format!("{name}({})", list(args)),
            }
        }
        Expr::List(entries) => format!("[{}]", list(&entries.elements)),
        Expr::Map(map) => format!("{{{}}}", map.entries.iter().map(|entry| entry_key(&entry.expr)).collect::<String>()),
        Expr::Struct(object) => {
            let entries: String = object.entries.iter().map(|entry| entry_key(&entry.expr)).collect();
            format!("{}{{{entries}}}", object.type_name)
        }
        Expr::Comprehension(inner) => {
            let steps = [&inner.iter_range, &inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result];
            format!("@loop({}: {})", inner.iter_var, steps.map(key).join("; "))
        }
    }
}

fn entry_key(entry: &EntryExpr) -> String {
    match entry {
        EntryExpr::StructField(field) => format!("{}: {}, ", field.field, key(&field.value)),
        EntryExpr::MapEntry(entry) => format!("{}: {}, ", key(&entry.key), key(&entry.value)),
    }
}

fn literal_key(literal: &LiteralValue) -> String {
    match literal {
        LiteralValue::String(text) => format!("{:?}", text.inner()),
        LiteralValue::Int(number) => number.inner().to_string(),
        LiteralValue::Boolean(flag) => flag.inner().to_string(),
        other => format!("{other:?}"),
    }
}
