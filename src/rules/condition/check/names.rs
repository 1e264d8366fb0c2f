//! Checks names, fields and indexes in a condition, and finds texts without their quotes.

use std::ops::Range;

use cel::common::ast::{Expr, IdedExpr, LiteralValue};

use super::{Checker, signs::nearest_value};
use crate::{
    diagnose::{
        Wording,
        nearest::{did_you_mean, nearest},
    },
    model::field::FieldKind,
    rules::condition::{
        forms, mistakes, spelling,
        types::{Family, Type, Values},
    },
};

/// The names that a condition sees besides the documented fields.
pub(crate) const DERIVED: [&str; 9] =
    ["waiting", "inbox", "name", "agent", "tags", "attributes", "open", "missed_live_chat", "extra"];

impl Checker<'_> {
    fn is_known(&self, name: &str) -> bool {
        name.starts_with('@') || self.bound.iter().any(|(own, _)| own == name) || Type::of_name(name).is_some()
    }

    pub(super) fn root(&mut self, node: &IdedExpr, name: &str) -> Type {
        if let Some((_, found)) = self.bound.iter().rev().find(|(own, _)| own == name) {
            return found.clone();
        }
        if let Some(found) = Type::of_name(name) {
            self.used.roots.insert(name.to_owned());
            return found;
        }
        if name.starts_with('@') {
            return Type::Any;
        }
        let place = self.source.name(node.id, name);
        if let Some((what, help)) = spelling::word(name) {
            self.mistake(place, Wording::new(what).help(help));
            return Type::Any;
        }
        let FieldKind::Object(fields) = self.record.clone() else { return Type::Any };
        let near = nearest(name, DERIVED.into_iter().chain(fields.iter().map(|(field, _)| *field)));
        let deep = self.deep(name);
        self.mistake(place, mistakes::no_field_of_contact(name, deep.as_deref().or(near)));
        Type::Any
    }

    /// The path of the documented field of this name deeper in the record, if there is only one.
    fn deep(&self, name: &str) -> Option<String> {
        let paths = self.record.paths();
        let mut ends = paths.iter().filter(|path| path.rsplit('.').next() == Some(name) && path.contains('.'));
        let first = ends.next()?;
        ends.next().is_none().then(|| first.clone())
    }

    pub(super) fn field(&mut self, node: &IdedExpr, operand: &IdedExpr, from: &Type, name: &str) -> Type {
        let above = || self.source.of(operand);
        match from {
            Type::Any | Type::Null | Type::Other => Type::Any,
            Type::Map(value) => (**value).clone(),
            Type::Record(path, kind) => {
                if let Some(found) = kind.at(&[name]) {
                    let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                    return Type::of(&path, found);
                }
                let FieldKind::Object(fields) = kind else { return Type::Any };
                let help = did_you_mean(name, fields.iter().map(|(field, _)| *field).collect::<Vec<_>>());
                self.mistake(self.after(node, operand, name), mistakes::no_field(&above(), name, help));
                Type::Any
            }
            other => {
                let help = forms::without_fields(&above(), name, other);
                self.mistake(self.after(node, operand, name), mistakes::no_fields(&above(), help));
                Type::Any
            }
        }
    }

    /// The place of a field's name after its operand.
    fn after(&self, node: &IdedExpr, operand: &IdedExpr, name: &str) -> Range<usize> {
        let end = self.source.place(operand).end;
        let all = &self.source.info.source;
        let at = all.get(end..).and_then(|rest| rest.find(name)).map(|at| end + at);
        at.map_or_else(|| self.source.name(node.id, name), |at| at..at + name.len())
    }

    pub(super) fn index(&mut self, node: &IdedExpr, list: &IdedExpr, at: &IdedExpr) -> Type {
        let (is_list, is_at) = (self.infer(list), self.infer(at));
        let text = self.source.of(list);
        let wording = match (&is_list, is_at.family()) {
            (Type::Any | Type::Null | Type::Other, _) => return Type::Any,
            (Type::List(entry), Family::Number | Family::Any) if is_at != Type::Fraction => return (**entry).clone(),
            (Type::Map(value), Family::Text | Family::Any) => return (**value).clone(),
            (Type::Record(path, kind), Family::Text | Family::Any) => {
                let Expr::Literal(LiteralValue::String(name)) = &at.expr else { return Type::Any };
                if let Some(found) = kind.at(&[name.inner()]) {
                    return Type::of(&format!("{path}.{}", name.inner()), found);
                }
                let FieldKind::Object(fields) = kind else { return Type::Any };
                let help = did_you_mean(name.inner(), fields.iter().map(|(field, _)| *field).collect::<Vec<_>>());
                mistakes::no_field(&text, name.inner(), help)
            }
            (Type::List(_), _) => mistakes::by_number(&text, &self.source.of(at)),
            (Type::Map(_) | Type::Record(..), _) => mistakes::by_name(&text),
            (other, _) => mistakes::no_entries(&text, other.word()),
        };
        self.mistake(self.source.sign(node.id), wording);
        Type::Any
    }

    /// Reports a name beside a text that was probably meant as a text in quotes; returns whether it did.
    pub(super) fn unquoted(&mut self, sign: &str, part: &IdedExpr, other: &IdedExpr, is_left: bool) -> bool {
        let Expr::Ident(name) = &part.expr else { return false };
        let is_value = |values: &'static Values| values.known.iter().any(|known| known.eq_ignore_ascii_case(name));
        let known = self.is_known(name);
        if matches!(other.expr, Expr::Literal(_) | Expr::List(_)) || (known && name.starts_with('@')) {
            return false;
        }
        let found = self.infer(other);
        let values = found.values();
        if known && !values.is_some_and(is_value) {
            return false;
        }
        if found.family() != Family::Text && !(sign == "in" && found.family() == Family::List) {
            return false;
        }
        if self.used.types.get(&other.id) == Some(&Type::Any) || spelling::word(name).is_some() {
            return false;
        }
        let meant = values.and_then(|values| nearest_value(name, values)).unwrap_or(name);
        let near_field = values.is_none().then(|| self.near_field(name)).flatten();
        let text = self.source.of(other);
        let right = if sign == "in" && !is_left {
            format!("\"{meant}\"")
        } else if is_left {
            format!("\"{meant}\" {sign} {text}")
        } else {
            format!("{text} {sign} \"{meant}\"")
        };
        let wording = if known {
            mistakes::field_as_value(name, &text, &right, near_field)
        } else {
            mistakes::without_quotes(name, &right, near_field)
        };
        self.used.types.insert(part.id, Type::Any);
        self.mistake(self.source.name(part.id, name), wording);
        true
    }

    fn near_field(&self, name: &str) -> Option<&'static str> {
        let FieldKind::Object(fields) = &self.record else { return None };
        nearest(name, DERIVED.into_iter().chain(fields.iter().map(|(field, _)| *field)))
    }
}
