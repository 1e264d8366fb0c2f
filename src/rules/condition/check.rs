//! A condition's names and types, checked by walking the parsed text against the documented shape of a
//! record. CEL has no type checker here.
//!
//! What differs in kind is never equal: CEL says "no" to that, for ever, and nobody hears of it. So it is
//! a mistake, with the right form beside it. What cannot be known before the condition meets a customer
//! passes.

use std::{collections::BTreeSet, ops::Range};

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue};

use super::{
    Mistake,
    absent::Types,
    forms,
    functions::FUNCTIONS,
    spelling,
    text::Text as Source,
    types::{Family, Text, Type, Values},
};
use crate::{
    diagnose::nearest::{did_you_mean, nearest},
    model::{Contact, field::Kind},
};

/// Names that a condition sees besides the documented fields.
pub const DERIVED: [&str; 9] =
    ["waiting", "inbox", "name", "agent", "tags", "attributes", "open", "missed_live_chat", "extra"];

/// CEL's own functions that make sense in a condition.
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

/// Those that are called on a text.
const OF_TEXTS: [&str; 4] = ["contains", "startsWith", "endsWith", "matches"];

/// What a condition refers to, and the types of its parts.
#[derive(Debug, Default)]
pub(super) struct Used {
    pub(super) roots: BTreeSet<String>,
    pub(super) functions: BTreeSet<String>,
    pub(super) types: Types,
}

/// Checks every name and type.
pub(super) fn check(root: &IdedExpr, source: Source<'_>) -> Result<Used, Vec<Mistake>> {
    let mut checker =
        Checker { source, record: Contact::kind(), bound: Vec::new(), used: Used::default(), mistakes: Vec::new() };
    let whole = checker.infer(root);
    if checker.mistakes.is_empty() && !matches!(whole.family(), Family::Flag | Family::Any) {
        let help = Some(forms::as_condition(&source.of(root), &whole));
        checker.mistakes.push(Mistake {
            span: source.whole(),
            what: "this is neither true nor false".to_owned(),
            help,
        });
    }
    if checker.mistakes.is_empty() { Ok(checker.used) } else { Err(checker.mistakes) }
}

struct Checker<'a> {
    source: Source<'a>,
    record: Kind,
    /// Names of loops, the innermost last.
    bound: Vec<(String, Type)>,
    used: Used,
    mistakes: Vec<Mistake>,
}

impl Checker<'_> {
    fn infer(&mut self, node: &IdedExpr) -> Type {
        // A part is looked at from several sides.
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
                LiteralValue::String(_) => Type::Text(Text::Free),
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
                    Type::Map(_) | Type::Record(..) => Type::Text(Text::Plain),
                    Type::Any => Type::Any,
                    other => {
                        let what = format!("{} is no list to go through", self.source.of(&inner.iter_range));
                        self.mistake(self.source.place(&inner.iter_range), what, forms::list_of(&other));
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
                // `exists_one` counts, and says whether it was one.
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

    /// A part that must be true or false.
    fn truth(&mut self, part: &IdedExpr) {
        let found = self.infer(part);
        if !matches!(found.family(), Family::Flag | Family::Any) {
            let text = self.source.of(part);
            let what = format!("`{text}` is {}, which is neither true nor false", found.word());
            self.mistake(self.source.place(part), what, Some(forms::as_condition(&text, &found)));
        }
    }

    fn is_known(&self, name: &str) -> bool {
        name.starts_with('@') || self.bound.iter().any(|(own, _)| own == name) || Type::of_name(name).is_some()
    }

    fn root(&mut self, node: &IdedExpr, name: &str) -> Type {
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
        let Kind::Object(fields) = self.record.clone() else { return Type::Any };
        let near = nearest(name, DERIVED.into_iter().chain(fields.iter().map(|(field, _)| *field)));
        let help = match (near, self.deep(name)) {
            (_, Some(path)) => format!("did you mean `{path}`?"),
            (Some(near), None) => format!("did you mean `{near}`?"),
            (None, None) => format!("an undocumented field is written `extra[\"{name}\"]`"),
        };
        self.mistake(place, format!("a contact has no field `{name}`"), Some(help));
        Type::Any
    }

    /// The one documented field of this name that stands deeper in the record.
    fn deep(&self, name: &str) -> Option<String> {
        let paths = self.record.paths();
        let mut ends = paths.iter().filter(|path| path.rsplit('.').next() == Some(name) && path.contains('.'));
        let first = ends.next()?;
        ends.next().is_none().then(|| first.clone())
    }

    fn field(&mut self, node: &IdedExpr, operand: &IdedExpr, from: &Type, name: &str) -> Type {
        let above = || self.source.of(operand);
        match from {
            Type::Any | Type::Null | Type::Other => Type::Any,
            Type::Map(value) => (**value).clone(),
            Type::Record(path, kind) => {
                if let Some(found) = kind.at(&[name]) {
                    let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                    return Type::of(&path, found);
                }
                let Kind::Object(fields) = kind else { return Type::Any };
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

    /// The place of a name behind what it belongs to.
    fn after(&self, node: &IdedExpr, operand: &IdedExpr, name: &str) -> Range<usize> {
        let end = self.source.place(operand).end;
        let all = &self.source.info.source;
        let at = all.get(end..).and_then(|rest| rest.find(name)).map(|at| end + at);
        at.map_or_else(|| self.source.name(node.id, name), |at| at..at + name.len())
    }

    /// A name that is none, beside a text: quotes were forgotten. Gives whether it was so.
    fn unquoted(&mut self, sign: &str, part: &IdedExpr, other: &IdedExpr, is_left: bool) -> bool {
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
            format!("`{name}` is the name of a field here, and no value of `{text}`")
        } else {
            format!("`{name}` is no name that a condition knows: a text stands in quotes")
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
        let Kind::Object(fields) = &self.record else { return None };
        nearest(name, DERIVED.into_iter().chain(fields.iter().map(|(field, _)| *field)))
    }

    fn comparison(&mut self, node: &IdedExpr, name: &str, left: &IdedExpr, right: &IdedExpr) {
        let sign = name.trim_matches('_');
        if matches!(sign, "==" | "!=")
            && (self.unquoted(sign, right, left, false) || self.unquoted(sign, left, right, true))
        {
            return;
        }
        let (is_left, is_right) = (self.infer(left), self.infer(right));
        let before = self.mistakes.len();
        self.documented(left, &is_left, right);
        self.documented(right, &is_right, left);
        if self.mistakes.len() > before {
            return;
        }
        let fits = match sign {
            "==" | "!=" => comparable(&is_left, &is_right),
            _ => {
                let ordered =
                    |side: &Type| matches!(side.family(), Family::Any | Family::Text | Family::Number | Family::Flag);
                comparable(&is_left, &is_right) && ordered(&is_left) && ordered(&is_right)
            }
        };
        let odd_time = || {
            let is_odd = |time: &Type, text: &IdedExpr| *time == Type::Time && is_no_time(text);
            is_odd(&is_left, right) || is_odd(&is_right, left)
        };
        if fits && !odd_time() {
            return;
        }
        let (text_left, text_right) = (self.source.of(left), self.source.of(right));
        let help = forms::comparison(
            sign,
            forms::Side { text: &text_left, node: left, is: &is_left },
            forms::Side { text: &text_right, node: right, is: &is_right },
        );
        let what = if fits {
            let side = if is_left == Type::Time { &text_right } else { &text_left };
            format!("`{side}` is no time")
        } else if matches!(sign, "==" | "!=") {
            let never = if sign == "==" { "never equal" } else { "always different" };
            let side = |text: &str, is: &Type| match is {
                Type::Null => "nothing (null)".to_owned(),
                is => format!("`{text}` is {}", is.word()),
            };
            match (&is_left, &is_right) {
                (Type::Null, other) | (other, Type::Null) => {
                    let text = if is_left == Type::Null { &text_right } else { &text_left };
                    format!("`{text}` is {} and never null: what is absent is the empty value", other.word())
                }
                _ => format!("{} and {}: they are {never}", side(&text_left, &is_left), side(&text_right, &is_right)),
            }
        } else {
            format!("`{sign}` does not work between {} and {}", is_left.word(), is_right.word())
        };
        self.mistake(self.source.sign(node.id), what, help);
    }

    fn membership(&mut self, node: &IdedExpr, entry: &IdedExpr, list: &IdedExpr) {
        if self.unquoted("in", entry, list, true) {
            return;
        }
        let is_entry = self.infer(entry);
        let elements = if let Expr::List(literal) = &list.expr { literal.elements.as_slice() } else { &[] };
        for element in elements {
            if self.unquoted("in", element, entry, false) {
                self.used.types.insert(element.id, Type::Any);
            }
        }
        let before = self.mistakes.len();
        let unquoted: Vec<u64> = elements
            .iter()
            .filter(|element| self.used.types.get(&element.id) == Some(&Type::Any))
            .map(|element| element.id)
            .collect();
        let is_list = if unquoted.is_empty() { self.infer(list) } else { Type::List(Box::new(Type::Any)) };
        for element in elements.iter().filter(|element| !unquoted.contains(&element.id)) {
            let is_element = self.infer(element);
            self.documented(element, &is_element, entry);
            if self.mistakes.len() == before && !comparable(&is_entry, &is_element) {
                let (text, text_element) = (self.source.of(entry), self.source.of(element));
                let what = format!(
                    "`{text}` is {} and `{text_element}` is {}: they are never equal",
                    is_entry.word(),
                    is_element.word()
                );
                let left = forms::Side { text: &text, node: entry, is: &is_entry };
                let text_list = self.source.of(list);
                let right = forms::Side { text: &text_list, node: list, is: &is_list };
                let help =
                    forms::among(left, right, forms::Side { text: &text_element, node: element, is: &is_element });
                self.mistake(self.source.place(element), what, help);
            }
        }
        if self.mistakes.len() > before {
            return;
        }
        self.documented(entry, &is_entry, list);
        if self.mistakes.len() > before {
            return;
        }
        let (text, text_list) = (self.source.of(entry), self.source.of(list));
        let what = match &is_list {
            Type::Any => return,
            Type::List(element) if comparable(&is_entry, element) => return,
            Type::Map(_) | Type::Record(..) if matches!(is_entry.family(), Family::Text | Family::Any) => return,
            Type::List(element) => {
                format!(
                    "`{text}` is {} and `{text_list}` is a list of {}: it is never in it",
                    is_entry.word(),
                    forms::plural(element)
                )
            }
            Type::Map(_) | Type::Record(..) => {
                format!("`in` looks for a name in a table, and `{text}` is {}", is_entry.word())
            }
            other => format!("`in` needs a list on its right, and `{text_list}` is {}", other.word()),
        };
        let help = forms::membership(
            forms::Side { text: &text, node: entry, is: &is_entry },
            forms::Side { text: &text_list, node: list, is: &is_list },
        );
        self.mistake(self.source.sign(node.id), what, help);
    }

    /// A text beside a field whose values are documented is one of them, unless it is meant.
    fn documented(&mut self, text: &IdedExpr, is: &Type, beside: &IdedExpr) {
        let Some(values) = self.used.types.get(&beside.id).and_then(Type::values) else { return };
        match &text.expr {
            Expr::Literal(LiteralValue::String(literal)) if is.family() == Family::Text => {
                let value = literal.inner();
                // The empty value is what an absent field has.
                if !value.is_empty() && !values.known.contains(&value) {
                    let what = format!("`{value}` is no documented value of `{}`", values.field);
                    let help = format!(
                        "{} (a value that the page does not list is written raw(\"{value}\"))",
                        did_you_mean_value(value, values)
                    );
                    self.mistake(self.source.place(text), what, Some(help));
                }
            }
            Expr::List(list) => {
                for element in &list.elements {
                    let is = self.used.types.get(&element.id).cloned().unwrap_or(Type::Any);
                    self.documented(element, &is, beside);
                }
            }
            Expr::Call(call) if call.func_name == "_?_:_" => {
                for branch in &call.args[1..] {
                    let is = self.used.types.get(&branch.id).cloned().unwrap_or(Type::Any);
                    self.documented(branch, &is, beside);
                }
            }
            _ => {}
        }
    }

    fn index(&mut self, node: &IdedExpr, list: &IdedExpr, at: &IdedExpr) -> Type {
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
                let Kind::Object(fields) = kind else { return Type::Any };
                let help = did_you_mean(name.inner(), fields.iter().map(|(field, _)| *field).collect::<Vec<_>>());
                wrong(format!("`{text}` has no field `{}`", name.inner()), help)
            }
            (Type::List(_), _) => wrong(
                format!("an entry of the list `{text}` has a number"),
                Some(format!("write `{} in {text}`, or `{text}[0]` for the first", self.source.of(at))),
            ),
            (Type::Map(_) | Type::Record(..), _) => {
                wrong(format!("an entry of the table `{text}` has a name"), Some(format!("write `{text}[\"…\"]`")))
            }
            (other, _) => wrong(format!("`{text}` is {} and has no entries", other.word()), None),
        };
        self.mistake(self.source.sign(node.id), what, help);
        Type::Any
    }

    fn number(&mut self, node: &IdedExpr, sign: &str, number: &IdedExpr) -> Type {
        let found = self.infer(number);
        if matches!(found.family(), Family::Number | Family::Any) {
            return found;
        }
        self.mistake(self.source.sign(node.id), format!("`{sign}` does not work on {}", found.word()), None);
        Type::Any
    }

    fn arithmetic(&mut self, node: &IdedExpr, name: &str, left: &IdedExpr, right: &IdedExpr) -> Type {
        let sign = name.trim_matches('_');
        let (is_left, is_right) = (self.infer(left), self.infer(right));
        let text = |side: &Type| side.family() == Family::Text && *side != Type::Time;
        match (&is_left, &is_right) {
            (Type::Any, _) | (_, Type::Any) => return Type::Any,
            (Type::Whole, Type::Whole) => return Type::Whole,
            (left, right) if left.family() == Family::Number && right.family() == Family::Number && sign != "%" => {
                return Type::Fraction;
            }
            (left, right) if text(left) && text(right) && sign == "+" => return Type::Text(Text::Free),
            (Type::List(left), Type::List(right)) if sign == "+" => {
                // An empty list, as `map` begins with, says nothing of its entries.
                let entry =
                    if **left == Type::Any { (**right).clone() } else { (**left).clone().join((**right).clone()) };
                return Type::List(Box::new(entry));
            }
            _ => {}
        }
        let help = forms::arithmetic(&self.source.of(left), &is_left, &self.source.of(right), &is_right);
        let what = format!("`{sign}` does not work between {} and {}", is_left.word(), is_right.word());
        self.mistake(self.source.sign(node.id), what, help);
        Type::Any
    }

    fn function(&mut self, node: &IdedExpr, name: &str, target: Option<&IdedExpr>, args: &[IdedExpr]) -> Type {
        self.used.functions.insert(name.to_owned());
        let given: Vec<&IdedExpr> = target.into_iter().chain(args).collect();
        let types: Vec<Type> = given.iter().map(|part| self.infer(part)).collect();
        let texts: Vec<String> = given.iter().map(|part| self.source.of(part)).collect();
        let place = self.source.name(node.id, name);
        if !FUNCTIONS.contains(&name) && !STANDARD.contains(&name) {
            let (what, help) = match forms::function(name, &texts, &types).or_else(|| spelling::word(name)) {
                Some((what, help)) => (what, Some(help)),
                None => (
                    format!("there is no function `{name}`"),
                    did_you_mean(name, FUNCTIONS.into_iter().chain(STANDARD)),
                ),
            };
            self.mistake(place, what, help);
            return Type::Any;
        }
        if matches!(name, "has" | "all" | "exists" | "exists_one" | "map" | "filter") {
            let (what, help) = forms::macro_form(name);
            self.mistake(place, what, Some(help));
            return Type::Any;
        }
        let wanted = if OF_TEXTS.contains(&name) { 2 } else { 1 };
        if !matches!(name, "min" | "max") && given.len() != wanted {
            let what = if wanted == 2 {
                format!("`{name}` is called on a text with one value, like `name.{name}(\"…\")`")
            } else {
                format!("`{name}` takes one value, not {}", given.len())
            };
            self.mistake(place, what, None);
            return Type::Any;
        }
        if OF_TEXTS.contains(&name) && target.is_none() {
            let what = format!("`{name}` is called on a text");
            self.mistake(place, what, Some(format!("write `{}.{name}({})`", texts[0], texts[1])));
            return Type::Flag;
        }
        let first = types.first().cloned().unwrap_or(Type::Any);
        match name {
            "min" | "max" => match types.into_iter().reduce(Type::join) {
                Some(Type::List(entry)) => *entry,
                joined => joined.unwrap_or(Type::Any),
            },
            "raw" => {
                if !matches!(given[0].expr, Expr::Literal(LiteralValue::String(_))) {
                    let what = "`raw` takes a text in quotes, like raw(\"DELETED\")".to_owned();
                    self.mistake(place, what, None);
                }
                Type::Text(Text::Free)
            }
            "seconds" | "minutes" | "hours" | "days" => {
                if first != Type::Whole && first != Type::Any {
                    let what = format!("`{name}` takes a whole number, and `{}` is {}", texts[0], first.word());
                    self.mistake(self.source.place(given[0]), what, forms::duration(name, given[0]));
                }
                Type::Whole
            }
            "since" => {
                let is_time = match &first {
                    Type::Time | Type::Any => true,
                    Type::Text(Text::Free) => !is_no_time(given[0]) || !matches!(given[0].expr, Expr::Literal(_)),
                    _ => false,
                };
                if !is_time {
                    let what =
                        format!("`since` takes one of the contact's times, and `{}` is {}", texts[0], no_time(&first));
                    self.mistake(self.source.place(given[0]), what, forms::since(&texts[0], &first));
                }
                Type::Whole
            }
            "size" => {
                if !matches!(first.family(), Family::Any | Family::Text | Family::List | Family::Map | Family::Other) {
                    let what =
                        format!("`size` counts what is in a list or a text, and `{}` is {}", texts[0], first.word());
                    self.mistake(self.source.place(given[0]), what, None);
                }
                Type::Whole
            }
            "int" | "double" | "string" => {
                let can = match first.family() {
                    Family::Any | Family::Text | Family::Number => true,
                    Family::Flag => name == "string",
                    _ => false,
                };
                if !can {
                    let what = format!("`{name}` cannot be made of {}", first.word());
                    self.mistake(self.source.place(given[0]), what, None);
                }
                match name {
                    "int" => Type::Whole,
                    "double" => Type::Fraction,
                    _ => Type::Text(Text::Free),
                }
            }
            _ => {
                self.text_method(name, [given[0], given[1]], &types);
                Type::Flag
            }
        }
    }

    /// `startsWith` and its like.
    fn text_method(&mut self, name: &str, [target, argument]: [&IdedExpr; 2], types: &[Type]) {
        let (text, other) = (self.source.of(target), self.source.of(argument));
        if !matches!(types[0].family(), Family::Text | Family::Any) {
            let what = format!("`{name}` is called on a text, and `{text}` is {}", types[0].word());
            let help = forms::method(name, &text, &types[0], &other);
            return self.mistake(self.source.place(target), what, help);
        }
        if !matches!(types[1].family(), Family::Text | Family::Any) {
            let what = format!("`{name}` takes a text, and `{other}` is {}", types[1].word());
            let help = matches!(argument.expr, Expr::Literal(_)).then(|| format!("write `{text}.{name}(\"{other}\")`"));
            return self.mistake(self.source.place(argument), what, help);
        }
        let Expr::Literal(LiteralValue::String(literal)) = &argument.expr else { return };
        let wanted = literal.inner();
        if name == "matches" {
            if let Err(error) = regex::Regex::new(wanted) {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                self.mistake(self.source.place(argument), format!("this is no pattern: {why}"), None);
            }
            return;
        }
        let Some(values) = types[0].values() else { return };
        let holds = |value: &str| match name {
            "startsWith" => value.starts_with(wanted),
            "endsWith" => value.ends_with(wanted),
            _ => value.contains(wanted),
        };
        if !values.known.iter().any(|value| holds(value)) && !wanted.is_empty() {
            let verb = match name {
                "startsWith" => "begins with",
                "endsWith" => "ends with",
                _ => "contains",
            };
            let what = format!("no documented value of `{}` {verb} `{wanted}`", values.field);
            let help = format!(
                "{} (what the page does not list is written raw(\"{wanted}\"))",
                did_you_mean_value(wanted, values)
            );
            self.mistake(self.source.place(argument), what, Some(help));
        }
    }

    fn mistake(&mut self, span: Range<usize>, what: String, help: Option<String>) {
        if !self.mistakes.iter().any(|known| known.what == what && (known.span == span || known.help == help)) {
            self.mistakes.push(Mistake { span, what, help });
        }
    }
}

fn no_time(is: &Type) -> &'static str {
    if matches!(is, Type::Text(Text::Plain | Text::One(_))) { "no time" } else { is.word() }
}

/// Whether two kinds can be equal.
fn comparable(left: &Type, right: &Type) -> bool {
    match (left, right) {
        (Type::List(left), Type::List(right)) => comparable(left, right),
        (left, right) => {
            let (left, right) = (left.family(), right.family());
            left == Family::Any || right == Family::Any || left == right
        }
    }
}

/// A text that no time begins with; the empty one is what an absent time has.
fn is_no_time(text: &IdedExpr) -> bool {
    matches!(&text.expr, Expr::Literal(LiteralValue::String(text))
        if !text.inner().is_empty() && !text.inner().starts_with(|c: char| c.is_ascii_digit())
            || crate::model::time::parse_duration(text.inner()).is_ok())
}

/// The documented value that was probably meant.
pub(in crate::rules) fn nearest_value(word: &str, values: &Values) -> Option<&'static str> {
    let lower = word.to_lowercase();
    let meant = values.meant.iter().find(|(other, _)| *other == lower).map(|(_, value)| *value);
    meant.or_else(|| nearest(word, values.known.iter().copied()))
}

fn did_you_mean_value(word: &str, values: &Values) -> String {
    match nearest_value(word, values) {
        Some(value) => format!("did you mean \"{value}\"?"),
        None => format!("known here: {}", values.known.join(", ")),
    }
}
