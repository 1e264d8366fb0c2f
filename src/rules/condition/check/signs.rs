//! Checks the operands of comparisons, of `in` and of arithmetic, and the documented values of fields.

use cel::common::ast::{Expr, IdedExpr, LiteralValue};

use super::Checker;
use crate::{
    diagnose::nearest::nearest,
    model::time::parse_duration,
    rules::condition::{
        forms, mistakes,
        types::{Family, TextType, Type, Values},
    },
};

impl Checker<'_> {
    pub(super) fn comparison(&mut self, node: &IdedExpr, name: &str, left: &IdedExpr, right: &IdedExpr) {
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
        let wording = if fits {
            mistakes::not_a_time(if is_left == Type::Time { &text_right } else { &text_left })
        } else if matches!(sign, "==" | "!=") {
            match (&is_left, &is_right) {
                (Type::Null, other) | (other, Type::Null) => {
                    mistakes::never_null(if is_left == Type::Null { &text_right } else { &text_left }, other.word())
                }
                _ => mistakes::of_two_types(sign, [(&text_left, is_left.word()), (&text_right, is_right.word())]),
            }
        } else {
            mistakes::not_between(sign, is_left.word(), is_right.word())
        };
        self.mistake(self.source.sign(node.id), wording.help(help));
    }

    pub(super) fn membership(&mut self, node: &IdedExpr, entry: &IdedExpr, list: &IdedExpr) {
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
                let wording = mistakes::never_equal(&text, is_entry.word(), &text_element, is_element.word());
                let left = forms::Side { text: &text, node: entry, is: &is_entry };
                let text_list = self.source.of(list);
                let right = forms::Side { text: &text_list, node: list, is: &is_list };
                let help =
                    forms::among(left, right, forms::Side { text: &text_element, node: element, is: &is_element });
                self.mistake(self.source.place(element), wording.help(help));
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
        let wording = match &is_list {
            Type::Any => return,
            Type::List(element) if comparable(&is_entry, element) => return,
            Type::Map(_) | Type::Record(..) if matches!(is_entry.family(), Family::Text | Family::Any) => return,
            Type::List(element) => mistakes::never_in(&text, is_entry.word(), &text_list, forms::plural(element)),
            Type::Map(_) | Type::Record(..) => mistakes::not_a_name(&text, is_entry.word()),
            other => mistakes::no_list(&text_list, other.word()),
        };
        let help = forms::membership(
            forms::Side { text: &text, node: entry, is: &is_entry },
            forms::Side { text: &text_list, node: list, is: &is_list },
        );
        self.mistake(self.source.sign(node.id), wording.help(help));
    }

    /// Checks that a text that is compared with a field of documented values is one of them. `raw` is not checked.
    fn documented(&mut self, text: &IdedExpr, is: &Type, beside: &IdedExpr) {
        let Some(values) = self.used.types.get(&beside.id).and_then(Type::values) else { return };
        match &text.expr {
            Expr::Literal(LiteralValue::String(literal)) if is.family() == Family::Text => {
                let value = literal.inner();
                // An absent field has the empty value.
                if !value.is_empty() && !values.known.contains(&value) {
                    let help = did_you_mean_value(value, values);
                    self.mistake(self.source.place(text), mistakes::not_documented(value, values, &help));
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

    pub(super) fn number(&mut self, node: &IdedExpr, sign: &str, number: &IdedExpr) -> Type {
        let found = self.infer(number);
        if matches!(found.family(), Family::Number | Family::Any) {
            return found;
        }
        self.mistake(self.source.sign(node.id), mistakes::does_not_work_on(sign, found.word()));
        Type::Any
    }

    pub(super) fn arithmetic(&mut self, node: &IdedExpr, name: &str, left: &IdedExpr, right: &IdedExpr) -> Type {
        let sign = name.trim_matches('_');
        let (is_left, is_right) = (self.infer(left), self.infer(right));
        let text = |side: &Type| side.family() == Family::Text && *side != Type::Time;
        match (&is_left, &is_right) {
            (Type::Any, _) | (_, Type::Any) => return Type::Any,
            (Type::Whole, Type::Whole) => return Type::Whole,
            (left, right) if left.family() == Family::Number && right.family() == Family::Number && sign != "%" => {
                return Type::Fraction;
            }
            (left, right) if text(left) && text(right) && sign == "+" => return Type::Text(TextType::Free),
            (Type::List(left), Type::List(right)) if sign == "+" => {
                // An empty list, with which `map` begins, does not tell the type of its entries.
                let entry =
                    if **left == Type::Any { (**right).clone() } else { (**left).clone().join((**right).clone()) };
                return Type::List(Box::new(entry));
            }
            _ => {}
        }
        let help = forms::arithmetic(&self.source.of(left), &is_left, &self.source.of(right), &is_right);
        let wording = mistakes::not_between(sign, is_left.word(), is_right.word());
        self.mistake(self.source.sign(node.id), wording.help(help));
        Type::Any
    }
}

/// Whether values of two types can be equal.
fn comparable(left: &Type, right: &Type) -> bool {
    match (left, right) {
        (Type::List(left), Type::List(right)) => comparable(left, right),
        (left, right) => {
            let (left, right) = (left.family(), right.family());
            left == Family::Any || right == Family::Any || left == right
        }
    }
}

/// Whether a literal text cannot be a time. The empty text may be one: it is the value of an absent time.
pub(super) fn is_no_time(text: &IdedExpr) -> bool {
    matches!(&text.expr, Expr::Literal(LiteralValue::String(text))
        if !text.inner().is_empty() && !text.inner().starts_with(|c: char| c.is_ascii_digit())
            || parse_duration(text.inner()).is_ok())
}

/// The documented value that was probably meant.
pub(in crate::rules) fn nearest_value(word: &str, values: &Values) -> Option<&'static str> {
    let lower = word.to_lowercase();
    let meant = values.meant.iter().find(|(other, _)| *other == lower).map(|(_, value)| *value);
    meant.or_else(|| nearest(word, values.known.iter().copied()))
}

pub(super) fn did_you_mean_value(word: &str, values: &Values) -> String {
    match nearest_value(word, values) {
        Some(value) => format!("did you mean \"{value}\"?"),
        None => format!("known here: {}", values.known.join(", ")),
    }
}
