//! Rewrites a parsed condition so that an absent value is the empty value of its type, where CEL would fail
//! instead.
//!
//! Documented fields are always there. Entries of lists and tables and all undocumented fields may be absent: the
//! other side of an operator then tells the type of the empty value.

use std::collections::HashMap;

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, ListExpr, LiteralValue, MapEntryExpr, MapExpr};
use serde_json::{Value as Json, json};

use super::types::{Family, Type};

/// `@at(from, index, empty)`: an entry, or the empty value if it is absent.
pub(super) const AT: &str = "@at";
/// `@or(value, empty)`: the value, or the empty one if it is null.
pub(super) const OR: &str = "@or";
/// `@has(from, name)`: whether there is such an entry.
pub(super) const HAS: &str = "@has";
/// `@int(text)`: CEL's `int`, but 0 for null and the empty text.
pub(super) const INT: &str = "@int";
/// `@double(text)`: CEL's `double`, but 0 for null and the empty text.
pub(super) const DOUBLE: &str = "@double";

/// The operators that are replaced by our own, and their new names: where a side's type is known only when a contact
/// is judged, or where arithmetic mixes whole numbers and fractions.
pub(super) const OPERATORS: [(&str, &str); 11] = [
    ("_==_", "@=="),
    ("_!=_", "@!="),
    ("_<_", "@<"),
    ("_<=_", "@<="),
    ("_>_", "@>"),
    ("_>=_", "@>="),
    ("_+_", "@+"),
    ("_-_", "@-"),
    ("_*_", "@*"),
    ("_/_", "@/"),
    ("_%_", "@%"),
];

/// The types of a condition's parts, by id.
pub(super) type Types = HashMap<u64, Type>;

/// Rewrites a condition and everything in it.
pub(super) fn lower(node: &mut IdedExpr, types: &Types) {
    let of = |node: &IdedExpr| types.get(&node.id).cloned().unwrap_or(Type::Any);
    let is_any = |node: &IdedExpr| of(node).family() == Family::Any;
    let own = of(node);
    match &mut node.expr {
        Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) => {}
        Expr::Select(select) => {
            let from = of(&select.operand);
            lower(&mut select.operand, types);
            match (select.test, &from) {
                // `has` of a documented field is true if the field is not empty.
                (true, Type::Record(_, kind)) => {
                    let empty = kind.at(&[&select.field]).map_or(Json::Null, crate::model::field::FieldKind::empty);
                    select.test = false;
                    let field = std::mem::take(&mut node.expr);
                    node.expr = call("_!=_", vec![bare(field), literal(&empty)]);
                }
                (true, _) => {
                    let operand = std::mem::take(&mut *select.operand);
                    node.expr = call(HAS, vec![operand, literal(&json!(select.field))]);
                }
                (false, Type::Record(..)) => {}
                (false, _) => {
                    let operand = std::mem::take(&mut *select.operand);
                    node.expr = call(AT, vec![operand, literal(&json!(select.field)), literal(&own.empty())]);
                }
            }
        }
        Expr::Call(given) => {
            let wanted = wanted(given, types);
            let any: Vec<bool> = given.args.iter().map(is_any).collect();
            let target_any = given.target.as_deref().is_some_and(is_any);
            let mixed = given.args.iter().any(|part| of(part) == Type::Whole)
                && given.args.iter().any(|part| of(part) == Type::Fraction);
            given.target.iter_mut().for_each(|target| lower(target, types));
            given.args.iter_mut().for_each(|argument| lower(argument, types));
            if let Some((_, ours)) = OPERATORS.iter().find(|(name, _)| *name == given.func_name)
                && given.args.len() == 2
            {
                let is_arithmetic = !matches!(*ours, "@==" | "@!=" | "@<" | "@<=" | "@>" | "@>=");
                if any.contains(&true) || (mixed && is_arithmetic) {
                    (*ours).clone_into(&mut given.func_name);
                }
                return;
            }
            match given.func_name.as_str() {
                "_[_]" if given.args.len() == 2 => {
                    (*AT).clone_into(&mut given.func_name);
                    given.args.push(literal(&own.empty()));
                }
                "int" | "double" if given.args.len() == 1 && given.target.is_none() => {
                    given.func_name.insert(0, '@');
                }
                _ => {
                    if let (true, Some(target), Some(empty)) = (target_any, given.target.as_deref_mut(), &wanted.target)
                    {
                        or(target, empty);
                    }
                    for ((argument, is_any), empty) in given.args.iter_mut().zip(any).zip(&wanted.args) {
                        if let (true, Some(empty)) = (is_any, empty) {
                            or(argument, empty);
                        }
                    }
                }
            }
        }
        Expr::List(list) => list.elements.iter_mut().for_each(|element| lower(element, types)),
        Expr::Map(map) => map.entries.iter_mut().for_each(|entry| lower_entry(&mut entry.expr, types)),
        Expr::Struct(object) => object.entries.iter_mut().for_each(|entry| lower_entry(&mut entry.expr, types)),
        Expr::Comprehension(inner) => {
            let any_range = is_any(&inner.iter_range);
            for part in [&mut inner.iter_range, &mut inner.accu_init, &mut inner.loop_cond, &mut inner.loop_step] {
                lower(part, types);
            }
            lower(&mut inner.result, types);
            if any_range {
                or(&mut inner.iter_range, &json!([]));
            }
        }
    }
}

fn lower_entry(entry: &mut EntryExpr, types: &Types) {
    match entry {
        EntryExpr::StructField(field) => lower(&mut field.value, types),
        EntryExpr::MapEntry(entry) => {
            lower(&mut entry.key, types);
            lower(&mut entry.value, types);
        }
    }
}

/// The empty values for the target and the arguments of a call; `None`: there is no replacement.
struct Wanted {
    target: Option<Json>,
    args: Vec<Option<Json>>,
}

fn wanted(given: &CallExpr, types: &Types) -> Wanted {
    let mut args = vec![None; given.args.len()];
    let mut target = None;
    let all = |empty: Json| vec![Some(empty); given.args.len()];
    match given.func_name.as_str() {
        "_&&_" | "_||_" | "!_" => args = all(json!(false)),
        "_?_:_" => args[0] = Some(json!(false)),
        "-_" | "seconds" | "minutes" | "hours" | "days" => args = all(json!(0)),
        "@in" if given.args.len() == 2 => {
            let entry = match types.get(&given.args[1].id) {
                Some(Type::List(entry)) => entry.empty(),
                Some(Type::Map(_)) => json!(""),
                _ => Json::Null,
            };
            args = vec![Some(entry), Some(json!([]))];
        }
        "contains" | "startsWith" | "endsWith" | "matches" | "since" | "size" => {
            target = Some(json!(""));
            args = all(json!(""));
        }
        _ => {}
    }
    Wanted { target, args }
}

fn or(node: &mut IdedExpr, empty: &Json) {
    let value = std::mem::take(node);
    // The replacement keeps the part's id, and with it the part's place.
    let id = value.id;
    *node = IdedExpr { id, expr: call(OR, vec![value, literal(empty)]) };
}

fn bare(expr: Expr) -> IdedExpr {
    IdedExpr { id: 0, expr }
}

fn call(name: &str, args: Vec<IdedExpr>) -> Expr {
    Expr::Call(CallExpr { func_name: name.to_owned(), target: None, args })
}

/// A value as a part of a condition.
pub(super) fn literal(value: &Json) -> IdedExpr {
    bare(match value {
        Json::Null => Expr::Literal(LiteralValue::Null),
        Json::Bool(flag) => Expr::Literal(LiteralValue::Boolean((*flag).into())),
        Json::Number(number) => Expr::Literal(match number.as_i64() {
            Some(whole) => LiteralValue::Int(whole.into()),
            None => LiteralValue::Double(number.as_f64().unwrap_or_default().into()),
        }),
        Json::String(text) => Expr::Literal(LiteralValue::String(text.clone().into())),
        Json::Array(entries) => Expr::List(ListExpr::new(entries.iter().map(literal).collect())),
        Json::Object(fields) => {
            let entry = |(name, value): (&String, &Json)| {
                let entry = MapEntryExpr { key: literal(&json!(name)), value: literal(value), optional: false };
                cel::common::ast::IdedEntryExpr { id: 0, expr: EntryExpr::MapEntry(entry) }
            };
            Expr::Map(MapExpr { entries: fields.iter().map(entry).collect() })
        }
    })
}

/// Brings every text of a condition into one Unicode form, so that equal texts compare equal.
pub(super) fn in_one_form(node: &mut IdedExpr) {
    match &mut node.expr {
        Expr::Literal(LiteralValue::String(text)) => {
            let form = crate::model::text::form(text.inner()).into_owned();
            node.expr = Expr::Literal(LiteralValue::String(form.into()));
        }
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
        Expr::Select(select) => {
            select.field = crate::model::text::form(&select.field).into_owned();
            in_one_form(&mut select.operand);
        }
        Expr::Call(call) => call.target.as_deref_mut().into_iter().chain(&mut call.args).for_each(in_one_form),
        Expr::List(list) => list.elements.iter_mut().for_each(in_one_form),
        Expr::Map(map) => map.entries.iter_mut().for_each(|entry| entry_in_one_form(&mut entry.expr)),
        Expr::Struct(object) => object.entries.iter_mut().for_each(|entry| entry_in_one_form(&mut entry.expr)),
        Expr::Comprehension(inner) => {
            let steps = [
                &mut inner.iter_range,
                &mut inner.accu_init,
                &mut inner.loop_cond,
                &mut inner.loop_step,
                &mut inner.result,
            ];
            steps.into_iter().for_each(in_one_form);
        }
    }
}

fn entry_in_one_form(entry: &mut EntryExpr) {
    match entry {
        EntryExpr::StructField(field) => in_one_form(&mut field.value),
        EntryExpr::MapEntry(entry) => {
            in_one_form(&mut entry.key);
            in_one_form(&mut entry.value);
        }
    }
}
