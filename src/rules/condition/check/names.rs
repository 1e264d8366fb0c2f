//! Checks names, fields and indexes in a condition, and finds texts without their quotes.

use std::ops::Range;

use cel::common::ast::{Expr, IdedExpr, LiteralValue};

use super::{Checker, signs::nearest_value};
use crate::{
    diagnose::nearest::{did_you_mean, nearest},
    model::field::FieldKind,
    rules::condition::{
        forms, spelling,
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
            self.mistake(place, what, Some(help));
            return Type::Any;
        }
        let FieldKind::Object(fields) = self.record.clone() else { return Type::Any };
        let near = nearest(name, DERIVED.into_iter().chain(fields.iter().map(|(field, _)| *field)));
        let help = match (near, self.deep(name)) {
            (_, Some(path)) => format!("did you mean `{path}`?"),
            (Some(near), None) => format!("did you mean `{near}`?"),
            (None, None) => format!("an undocumented field is written `extra[\"{name}\"]`"),
        };
        self.mistake(place, format!("a contact has no field `{name}`"), Some(help));
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
                let what = format!("`{}` has no field `{name}`", above());
                self.mistake(self.after(node, operand, name), what, help);
                Type::Any
            }
            other => {
                let (what, help) =
                    (format!("`{}` has no fields", above()), forms::without_fields(&above(), name, other));
                self.mistake(self.after(node, operand, name), what, help);
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
        let wrong = |what: String, help: Option<String>| (what, help);
        let (what, help) = match (&is_list, is_at.family()) {
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
                wrong(format!("`{text}` has no field `{}`", name.inner()), help)
            }
            (Type::List(_), _) => wrong(
                format!("an entry of the list `{text}` is chosen by its number"),
                Some(format!("write `{} in {text}`, or `{text}[0]` for the first", self.source.of(at))),
            ),
            (Type::Map(_) | Type::Record(..), _) => wrong(
                format!("an entry of the table `{text}` is chosen by its name"),
                Some(format!("write `{text}[\"…\"]`")),
            ),
            (other, _) => wrong(format!("`{text}` is {} and has no entries", other.word()), None),
        };
        self.mistake(self.source.sign(node.id), what, help);
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
        let what = if known {
            format!("`{name}` is the name of a field here, and not a value of `{text}`")
        } else {
            format!("`{name}` is not a name that a condition knows: a text stands in quotes")
        };
        let help = match near_field {
            Some(near) => format!("write `{right}`, or did you mean the field `{near}`?"),
            None => format!("write `{right}`"),
        };
        self.used.types.insert(part.id, Type::Any);
        self.mistake(self.source.name(part.id, name), what, Some(help));
        true
    }

    fn near_field(&self, name: &str) -> Option<&'static str> {
        let FieldKind::Object(fields) = &self.record else { return None };
        nearest(name, DERIVED.into_iter().chain(fields.iter().map(|(field, _)| *field)))
    }
}
