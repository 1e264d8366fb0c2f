//! Checks a condition's names and types against the documented shape of a record. The CEL library has no
//! type checker.
//!
//! Values of different types are never equal: CEL would always return `false`, and nobody would notice. So such a
//! comparison is a mistake, reported with the right form. A type that is known only when a contact is judged passes.

mod calls;
mod names;
pub(in crate::rules) mod signs;

use std::{collections::BTreeSet, ops::Range};

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue};

use super::{
    ConditionMistake,
    absent::Types,
    forms, mistakes,
    text::ConditionText as Source,
    types::{Family, TextType, Type},
};
use crate::{
    diagnose::Wording,
    model::{Contact, field::FieldKind},
};

/// What a condition refers to, and the types of its parts.
#[derive(Debug, Default)]
pub(super) struct Used {
    pub(super) roots: BTreeSet<String>,
    pub(super) functions: BTreeSet<String>,
    pub(super) types: Types,
}

/// Checks every name and type of a parsed condition.
pub(super) fn check(root: &IdedExpr, source: Source<'_>) -> Result<Used, Vec<ConditionMistake>> {
    let mut checker =
        Checker { source, record: Contact::kind(), bound: Vec::new(), used: Used::default(), mistakes: Vec::new() };
    let whole = checker.infer(root);
    if checker.mistakes.is_empty() && !matches!(whole.family(), Family::Flag | Family::Any) {
        let right = forms::as_condition(&source.of(root), &whole);
        checker.mistakes.push(ConditionMistake::at(source.whole(), mistakes::not_a_condition(right)));
    }
    if checker.mistakes.is_empty() { Ok(checker.used) } else { Err(checker.mistakes) }
}

struct Checker<'a> {
    source: Source<'a>,
    record: FieldKind,
    /// The variables of the enclosing loops, the innermost last.
    bound: Vec<(String, Type)>,
    used: Used,
    mistakes: Vec<ConditionMistake>,
}

impl Checker<'_> {
    fn infer(&mut self, node: &IdedExpr) -> Type {
        // A part may be inferred several times; its mistakes are reported once.
        if let Some(known) = self.used.types.get(&node.id) {
            return known.clone();
        }
        let found = self.kind(node);
        self.used.types.insert(node.id, found.clone());
        found
    }

    fn kind(&mut self, node: &IdedExpr) -> Type {
        match &node.expr {
            Expr::Unspecified => Type::Any,
            Expr::Literal(literal) => match literal {
                LiteralValue::Boolean(_) => Type::Flag,
                LiteralValue::Int(_) | LiteralValue::UInt(_) => Type::Whole,
                LiteralValue::Double(_) => Type::Fraction,
                LiteralValue::String(_) => Type::Text(TextType::Free),
                LiteralValue::Null => Type::Null,
                LiteralValue::Bytes(_) => Type::Other,
            },
            Expr::Ident(name) => self.root(node, name),
            Expr::Select(select) => {
                let from = self.infer(&select.operand);
                let field = self.field(node, &select.operand, &from, &select.field);
                if select.test { Type::Flag } else { field }
            }
            Expr::Call(call) => match (call.func_name.as_str(), &call.target, call.args.as_slice()) {
                (name @ ("_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_"), None, [left, right]) => {
                    self.comparison(node, name, left, right);
                    Type::Flag
                }
                ("@in", None, [entry, list]) => {
                    self.membership(node, entry, list);
                    Type::Flag
                }
                ("_&&_" | "_||_" | "!_", None, parts) => {
                    for part in parts {
                        self.truth(part);
                    }
                    Type::Flag
                }
                ("_?_:_", None, [condition, yes, no]) => {
                    self.truth(condition);
                    let yes = self.infer(yes);
                    yes.join(self.infer(no))
                }
                ("_[_]", None, [list, at]) => self.index(node, list, at),
                ("-_", None, [number]) => self.number(node, "-", number),
                (name @ ("_+_" | "_-_" | "_*_" | "_/_" | "_%_"), None, [left, right]) => {
                    self.arithmetic(node, name, left, right)
                }
                (name, target, args) if name.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                    self.function(node, name, target.as_deref(), args)
                }
                (_, target, args) => {
                    for part in target.as_deref().into_iter().chain(args) {
                        self.infer(part);
                    }
                    Type::Any
                }
            },
            Expr::List(list) => {
                let types: Vec<Type> = list.elements.iter().map(|element| self.infer(element)).collect();
                Type::List(Box::new(types.into_iter().reduce(Type::join).unwrap_or(Type::Any)))
            }
            Expr::Map(map) => {
                map.entries.iter().for_each(|entry| self.entry(&entry.expr));
                Type::Map(Box::new(Type::Any))
            }
            Expr::Struct(object) => {
                object.entries.iter().for_each(|entry| self.entry(&entry.expr));
                Type::Any
            }
            Expr::Comprehension(inner) => {
                let range = self.infer(&inner.iter_range);
                let entry = match range {
                    Type::List(entry) => *entry,
                    Type::Map(_) | Type::Record(..) => Type::Text(TextType::Plain),
                    Type::Any => Type::Any,
                    other => {
                        let wording = mistakes::not_a_list(&self.source.of(&inner.iter_range));
                        self.mistake(self.source.place(&inner.iter_range), wording.help(forms::list_of(&other)));
                        Type::Any
                    }
                };
                let outer = self.bound.len();
                self.bound.push((inner.iter_var.clone(), entry));
                self.bound.extend(inner.iter_var2.clone().map(|name| (name, Type::Any)));
                let collected = self.infer(&inner.accu_init);
                self.bound.push((inner.accu_var.clone(), collected));
                self.infer(&inner.loop_cond);
                let step = self.infer(&inner.loop_step);
                self.infer(&inner.result);
                self.bound.truncate(outer);
                // `exists_one` counts in its steps and returns a flag.
                if step == Type::Whole { Type::Flag } else { step }
            }
        }
    }

    fn entry(&mut self, entry: &EntryExpr) {
        match entry {
            EntryExpr::StructField(field) => drop(self.infer(&field.value)),
            EntryExpr::MapEntry(entry) => {
                self.infer(&entry.key);
                self.infer(&entry.value);
            }
        }
    }

    /// Checks that a part is true or false.
    fn truth(&mut self, part: &IdedExpr) {
        let found = self.infer(part);
        if !matches!(found.family(), Family::Flag | Family::Any) {
            let text = self.source.of(part);
            let right = forms::as_condition(&text, &found);
            self.mistake(self.source.place(part), mistakes::neither_true_nor_false(&text, found.word(), right));
        }
    }

    fn mistake(&mut self, span: Range<usize>, Wording { what, help }: Wording) {
        if !self.mistakes.iter().any(|known| known.what == what && (known.span == span || known.help == help)) {
            self.mistakes.push(ConditionMistake { span, what, help });
        }
    }
}
