//! Checks the functions in a condition: their names, and the types of their arguments.

use cel::common::ast::{Expr, IdedExpr, LiteralValue};

use super::{
    Checker,
    signs::{did_you_mean_value, is_no_time},
};
use crate::{
    diagnose::{Wording, nearest::did_you_mean},
    rules::condition::{
        forms,
        functions::FUNCTIONS,
        mistakes, spelling,
        types::{Family, TextType, Type},
    },
};

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

/// The functions that are called on a text.
const OF_TEXTS: [&str; 4] = ["contains", "startsWith", "endsWith", "matches"];

impl Checker<'_> {
    pub(super) fn function(
        &mut self,
        node: &IdedExpr,
        name: &str,
        target: Option<&IdedExpr>,
        args: &[IdedExpr],
    ) -> Type {
        self.used.functions.insert(name.to_owned());
        let given: Vec<&IdedExpr> = target.into_iter().chain(args).collect();
        let types: Vec<Type> = given.iter().map(|part| self.infer(part)).collect();
        let texts: Vec<String> = given.iter().map(|part| self.source.of(part)).collect();
        let place = self.source.name(node.id, name);
        if !FUNCTIONS.contains(&name) && !STANDARD.contains(&name) {
            let wording = match forms::function(name, &texts, &types).or_else(|| spelling::word(name)) {
                Some((what, help)) => Wording::new(what).help(help),
                None => mistakes::no_function(name, did_you_mean(name, FUNCTIONS.into_iter().chain(STANDARD))),
            };
            self.mistake(place, wording);
            return Type::Any;
        }
        if matches!(name, "has" | "all" | "exists" | "exists_one" | "map" | "filter") {
            let (what, help) = forms::macro_form(name);
            self.mistake(place, Wording::new(what).help(help));
            return Type::Any;
        }
        let wanted = if OF_TEXTS.contains(&name) { 2 } else { 1 };
        if !matches!(name, "min" | "max") && given.len() != wanted {
            self.mistake(
                place,
                if wanted == 2 { mistakes::two_values(name) } else { mistakes::one_value(name, given.len()) },
            );
            return Type::Any;
        }
        if OF_TEXTS.contains(&name) && target.is_none() {
            self.mistake(place, mistakes::on_a_text(name, &texts[0], &texts[1]));
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
                    self.mistake(place, mistakes::raw_without_quotes());
                }
                Type::Text(TextType::Free)
            }
            "seconds" | "minutes" | "hours" | "days" => {
                if first != Type::Whole && first != Type::Any {
                    let help = forms::duration(name, given[0]);
                    let wording = mistakes::not_whole(name, &texts[0], first.word(), help);
                    self.mistake(self.source.place(given[0]), wording);
                }
                Type::Whole
            }
            "since" => {
                let is_time = match &first {
                    Type::Time | Type::Any => true,
                    Type::Text(TextType::Free) => !is_no_time(given[0]) || !matches!(given[0].expr, Expr::Literal(_)),
                    _ => false,
                };
                if !is_time {
                    let help = forms::since(&texts[0], &first);
                    let wording = mistakes::since_no_time(&texts[0], no_time(&first), help);
                    self.mistake(self.source.place(given[0]), wording);
                }
                Type::Whole
            }
            "size" => {
                if !matches!(first.family(), Family::Any | Family::Text | Family::List | Family::Map | Family::Other) {
                    self.mistake(self.source.place(given[0]), mistakes::no_size(&texts[0], first.word()));
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
                    self.mistake(self.source.place(given[0]), mistakes::does_not_work_on(name, first.word()));
                }
                match name {
                    "int" => Type::Whole,
                    "double" => Type::Fraction,
                    _ => Type::Text(TextType::Free),
                }
            }
            _ => {
                self.text_method(name, [given[0], given[1]], &types);
                Type::Flag
            }
        }
    }

    /// Checks a call of `startsWith`, `endsWith`, `contains` or `matches`.
    fn text_method(&mut self, name: &str, [target, argument]: [&IdedExpr; 2], types: &[Type]) {
        let (text, other) = (self.source.of(target), self.source.of(argument));
        if !matches!(types[0].family(), Family::Text | Family::Any) {
            let help = forms::method(name, &text, &types[0], &other);
            let wording = mistakes::not_on_a_text(name, &text, types[0].word(), help);
            return self.mistake(self.source.place(target), wording);
        }
        if !matches!(types[1].family(), Family::Text | Family::Any) {
            let in_quotes = matches!(argument.expr, Expr::Literal(_));
            let wording = mistakes::takes_a_text(name, &text, &other, types[1].word(), in_quotes);
            return self.mistake(self.source.place(argument), wording);
        }
        let Expr::Literal(LiteralValue::String(literal)) = &argument.expr else { return };
        let wanted = literal.inner();
        if name == "matches" {
            if let Err(error) = regex::Regex::new(wanted) {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
                self.mistake(self.source.place(argument), mistakes::not_a_pattern(why));
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
            let help = did_you_mean_value(wanted, values);
            self.mistake(self.source.place(argument), mistakes::no_value_does(verb, wanted, values, &help));
        }
    }
}

fn no_time(is: &Type) -> &'static str {
    if matches!(is, Type::Text(TextType::Plain | TextType::One(_))) { "not a time" } else { is.word() }
}
