//! Finds the part of a condition that fails, and the reason, without any value of a customer.

use cel::{
    Context, ExecutionError,
    common::ast::{Expr, IdedExpr},
};
use serde_json::{Value as Json, json};

use super::absent::{DOUBLE, INT};
use crate::model::{Contact, field::FieldKind};

/// The innermost part that fails: its id, and the reason.
///
/// A loop binds names that exist only inside it, so it is looked at as a whole.
pub(super) fn innermost(
    context: &Context<'_, '_>,
    part: &IdedExpr,
    counts: fn(&ExecutionError) -> bool,
) -> Option<(u64, String)> {
    let mut found = Vec::new();
    failing(context, part, counts, &mut found);
    found.into_iter().next()
}

/// Collects every part that fails although none of its own parts fails.
pub(super) fn failing(
    context: &Context<'_, '_>,
    part: &IdedExpr,
    counts: fn(&ExecutionError) -> bool,
    found: &mut Vec<(u64, String)>,
) {
    let before = found.len();
    if let Expr::Call(call) = &part.expr {
        for inner in call.target.as_deref().into_iter().chain(&call.args) {
            failing(context, inner, counts, found);
        }
    }
    if found.len() > before {
        return;
    }
    match context.resolve(part) {
        Err(error) if counts(&error) => found.push((part.id, message(&error))),
        _ => {}
    }
}

/// A contact without any field but its id, and one with a value in every documented field.
pub(super) fn samples() -> Vec<Contact> {
    let mut full = sample(&Contact::kind());
    full["_id"] = Json::from("sample");
    [json!({ "_id": "sample" }), full].into_iter().filter_map(|value| Contact::read(value).ok()).collect()
}

fn sample(kind: &FieldKind) -> Json {
    match kind {
        FieldKind::Text => Json::from("text"),
        FieldKind::Number => Json::from(1),
        FieldKind::Flag => Json::from(true),
        FieldKind::Time => Json::from("1969-12-31T00:00:00Z"),
        FieldKind::List(entry) => Json::Array(vec![sample(entry)]),
        FieldKind::Object(fields) => {
            Json::Object(fields.iter().map(|(name, kind)| ((*name).to_owned(), sample(kind))).collect())
        }
    }
}

/// Whether an error does not depend on the contact's values.
pub(super) fn is_type_error(error: &ExecutionError) -> bool {
    let depends_on_values = matches!(error, ExecutionError::FunctionError { function, .. } if matches!(function.as_str(), INT | DOUBLE | "since"));
    !depends_on_values
        && !matches!(
            error,
            ExecutionError::NoSuchKey(_)
                | ExecutionError::IndexOutOfBounds(_)
                | ExecutionError::DivisionByZero(_)
                | ExecutionError::RemainderByZero(_)
                | ExecutionError::Overflow(..)
        )
}

/// The error of an evaluation in words, without any value: it may be a customer's.
fn message(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchOverload(overload) => {
            let types = overload.argument_types().iter().map(|kind| type_word(kind)).collect::<Vec<_>>();
            match (operator(overload.function()), types.as_slice()) {
                (Some(sign), [left, right]) => format!("`{sign}` does not work between {left} and {right}"),
                (Some(sign), [only]) => format!("`{sign}` does not work on {only}"),
                _ => format!("`{}` does not take {}", overload.function(), types.join(", ")),
            }
        }
        ExecutionError::UndeclaredReference(name) => format!("there is no `{name}` here"),
        ExecutionError::UnexpectedType { got, want } => {
            format!("this is {}, but {} is wanted", type_word(got), type_word(want))
        }
        ExecutionError::InvalidArgumentCount { expected, actual } => {
            format!("this function takes {expected} arguments, not {actual}")
        }
        ExecutionError::FunctionError { function, message } => match function.as_str() {
            // The messages of our own functions hold no value.
            "since" | INT | DOUBLE => message.clone(),
            function => format!("`{}` failed", function.trim_start_matches('@')),
        },
        ExecutionError::ValuesNotComparable(..) => "two values of different types are compared".to_owned(),
        ExecutionError::UnsupportedBinaryOperator(name, ..) => {
            let sign = match *name {
                "add" => "+",
                "sub" => "-",
                "mul" => "*",
                "div" => "/",
                "rem" => "%",
                name => name,
            };
            format!("`{sign}` does not work between these types")
        }
        ExecutionError::NotSupportedAsMethod { method, .. } => format!("`{method}` does not work on this type"),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "a division by zero".to_owned(),
        ExecutionError::Overflow(..) => "a number grew too large".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "a list has no such entry".to_owned(),
        _ => "a value has the wrong type".to_owned(),
    }
}

/// A type in words, from its name in the evaluation. That name sometimes has the value in brackets, which must not
/// be repeated.
fn type_word(kind: &str) -> &'static str {
    match kind.split('(').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "string" | "arc<string>" => "a text",
        "int" | "uint" | "i64" | "u64" => "a number",
        "double" | "float" | "f64" => "a number with a fraction",
        "bool" => "true/false",
        "list" => "a list",
        "map" => "a table",
        "null_type" | "null" => "nothing (null)",
        _ => "something else",
    }
}

fn operator(function: &str) -> Option<&str> {
    let sign = function.trim_start_matches('@').trim_matches('_');
    (sign != function && !sign.chars().any(char::is_alphanumeric)).then_some(match sign {
        "!" => "!",
        sign => sign,
    })
}
