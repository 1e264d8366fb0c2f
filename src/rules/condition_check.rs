//! A condition's syntax and names, checked by walking the parsed text against the documented shape of
//! a record.

use std::{collections::BTreeSet, ops::Range};

use cel::{
    ParseErrors, Program,
    common::ast::{EntryExpr, Expr, IdedExpr},
};

use super::condition::{DERIVED, FUNCTIONS, Mistake};
use crate::{
    diagnose::nearest::did_you_mean,
    model::{Contact, field::Kind},
};

/// CEL's own functions that make sense in a condition, for suggestions.
const STANDARD: [&str; 16] = [
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "has",
    "all",
    "exists",
    "exists_one",
    "map",
    "filter",
    "int",
    "double",
    "string",
    "min",
    "max",
];

/// What a condition refers to.
#[derive(Debug, Default)]
pub(super) struct Used {
    pub(super) roots: BTreeSet<String>,
    pub(super) functions: BTreeSet<String>,
}

/// The parser's errors as mistakes.
pub(super) fn syntax(text: &str, errors: &ParseErrors) -> Vec<Mistake> {
    errors
        .errors
        .iter()
        .map(|error| {
            let at = offset(text, error.pos);
            Mistake {
                span: at..at + text[at..].chars().next().map_or(0, char::len_utf8),
                what: format!("not valid CEL: {}", plainly(&error.msg)),
                help: Some("write it like `unreadMessages > 0 && lastMessage.by == \"user\"`".to_owned()),
            }
        })
        .collect()
}

/// The parser's first line, without the long list of what it expected.
fn plainly(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default().trim_start_matches("Syntax error: ");
    let line = line.split(" expecting ").next().unwrap_or(line);
    if line.contains("'<EOF>'") { "something is missing at the end".to_owned() } else { line.to_owned() }
}

/// A line and column of the parser (both from 1, the column in characters) as a byte.
fn offset(text: &str, (line, column): (isize, isize)) -> usize {
    let line = usize::try_from(line).unwrap_or(1).max(1);
    let column = usize::try_from(column).unwrap_or(1).max(1);
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    text[start..].char_indices().nth(column - 1).map_or(text.len(), |(at, _)| start + at)
}

/// Checks every name, and gives those that are used.
pub(super) fn names(program: &Program) -> Result<Used, Vec<Mistake>> {
    let mut walk = Walk { program, record: Contact::kind(), used: Used::default(), mistakes: Vec::new() };
    walk.visit(program.expression(), &mut Vec::new());
    if walk.mistakes.is_empty() { Ok(walk.used) } else { Err(walk.mistakes) }
}

struct Walk<'a> {
    program: &'a Program,
    record: Kind,
    used: Used,
    mistakes: Vec<Mistake>,
}

impl Walk<'_> {
    fn visit(&mut self, node: &IdedExpr, bound: &mut Vec<String>) {
        match &node.expr {
            Expr::Unspecified | Expr::Literal(_) => {}
            Expr::Ident(name) => self.root(node.id, name, bound),
            Expr::Select(select) => {
                if let Some(path) = path(node)
                    && !bound.contains(&path[0])
                {
                    self.path(node.id, &path, bound);
                } else {
                    self.visit(&select.operand, bound);
                }
            }
            Expr::Call(call) => {
                self.function(node.id, &call.func_name);
                let given = call.args.len() + usize::from(call.target.is_some());
                if FUNCTIONS.contains(&call.func_name.as_str()) && given != 1 {
                    let what = format!("`{}` takes one value, not {given}", call.func_name);
                    self.mistake(node.id, &call.func_name, what, None);
                }
                call.target.iter().for_each(|target| self.visit(target, bound));
                call.args.iter().for_each(|argument| self.visit(argument, bound));
            }
            Expr::List(list) => list.elements.iter().for_each(|element| self.visit(element, bound)),
            Expr::Map(map) => map.entries.iter().for_each(|entry| self.entry(&entry.expr, bound)),
            Expr::Struct(object) => object.entries.iter().for_each(|entry| self.entry(&entry.expr, bound)),
            Expr::Comprehension(inner) => {
                self.visit(&inner.iter_range, bound);
                let outer = bound.len();
                bound.push(inner.iter_var.clone());
                bound.extend(inner.iter_var2.clone());
                bound.push(inner.accu_var.clone());
                for part in [&inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result] {
                    self.visit(part, bound);
                }
                bound.truncate(outer);
            }
        }
    }

    fn entry(&mut self, entry: &EntryExpr, bound: &mut Vec<String>) {
        match entry {
            EntryExpr::StructField(field) => self.visit(&field.value, bound),
            EntryExpr::MapEntry(entry) => {
                self.visit(&entry.key, bound);
                self.visit(&entry.value, bound);
            }
        }
    }

    fn function(&mut self, id: u64, name: &str) {
        let operator = !name.starts_with(|c: char| c.is_ascii_alphabetic());
        if !operator && !FUNCTIONS.contains(&name) && !STANDARD.contains(&name) {
            let help = did_you_mean(name, FUNCTIONS.into_iter().chain(STANDARD));
            self.mistake(id, name, format!("there is no function `{name}`"), help);
        }
        self.used.functions.insert(name.to_owned());
    }

    fn root(&mut self, id: u64, name: &str, bound: &[String]) {
        if name.starts_with('@') || bound.iter().any(|own| own == name) {
            return;
        }
        if DERIVED.contains(&name) || self.record.at(&[name]).is_some() {
            self.used.roots.insert(name.to_owned());
            return;
        }
        let Kind::Object(fields) = self.record.clone() else { return };
        let help = did_you_mean(name, DERIVED.into_iter().chain(fields.iter().map(|(field, _)| *field)))
            .unwrap_or_else(|| format!("an undocumented field is written `extra[\"{name}\"]`"));
        self.mistake(id, name, format!("a contact has no field `{name}`"), Some(help));
    }

    fn path(&mut self, id: u64, path: &[String], bound: &[String]) {
        self.root(id, &path[0], bound);
        if DERIVED.contains(&path[0].as_str()) {
            return;
        }
        for depth in 1..path.len() {
            let above: Vec<&str> = path[..depth].iter().map(String::as_str).collect();
            let name = path[depth].as_str();
            match self.record.at(&above) {
                Some(Kind::Object(fields)) if fields.iter().any(|(field, _)| *field == name) => {}
                Some(Kind::Object(fields)) => {
                    let help = did_you_mean(name, fields.iter().map(|(field, _)| *field).collect::<Vec<_>>());
                    return self.mistake(id, name, format!("`{}` has no field `{name}`", above.join(".")), help);
                }
                Some(_) => {
                    let what = format!("`{}` has no fields", above.join("."));
                    return self.mistake(id, name, what, None);
                }
                None => return,
            }
        }
    }

    fn mistake(&mut self, id: u64, name: &str, what: String, help: Option<String>) {
        let span = span(self.program, id, name);
        if !self.mistakes.iter().any(|known| known.what == what) {
            self.mistakes.push(Mistake { span, what, help });
        }
    }
}

/// The place of a name in the text, near the node with this id.
fn span(program: &Program, id: u64, name: &str) -> Range<usize> {
    let info = program.source_info();
    let text = &info.source;
    let near = info.offset_for(id).map_or(0, |(start, _)| start as usize).min(text.len());
    let near = (0..=near).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let at = text[near..].find(name).map(|at| near + at).or_else(|| text.find(name));
    at.map_or(0..text.len(), |at| at..at + name.len())
}

/// `a.b.c` as its names, where it starts with a plain name.
fn path(node: &IdedExpr) -> Option<Vec<String>> {
    match &node.expr {
        Expr::Ident(name) => Some(vec![name.clone()]),
        Expr::Select(select) => {
            let mut names = path(&select.operand)?;
            names.push(select.field.clone());
            Some(names)
        }
        _ => None,
    }
}

/// The parts between top-level `&&` that time alone cannot make true: those without a clock, and
/// those like `since(lastMessage.at) < days(3)`, which can only become false as time passes.
pub(super) fn steady(node: &IdedExpr) -> Vec<IdedExpr> {
    if let Expr::Call(call) = &node.expr {
        if call.func_name == "_&&_" {
            return call.args.iter().flat_map(steady).collect();
        }
        if let ("_<_" | "_<=_", [left, right]) = (call.func_name.as_str(), call.args.as_slice())
            && is_elapsed(left)
            && !has_clock(right)
        {
            return vec![node.clone()];
        }
    }
    if has_clock(node) { Vec::new() } else { vec![node.clone()] }
}

fn is_elapsed(node: &IdedExpr) -> bool {
    match &node.expr {
        Expr::Ident(name) => name == "waiting",
        Expr::Call(call) => call.func_name == "since" && call.args.iter().all(|argument| !has_clock(argument)),
        _ => false,
    }
}

fn has_clock(node: &IdedExpr) -> bool {
    let references = node.references();
    references.has_function("since") || references.has_variable("waiting") || references.has_variable("open")
}
