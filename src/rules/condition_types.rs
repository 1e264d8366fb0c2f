//! A condition's types, as far as they can be known before it meets a customer.
//!
//! CEL has no type checker here: every part is evaluated on sample contacts, so that a mistake behind
//! an `&&` is found as well.

use cel::{
    Context, ExecutionError, Value,
    common::ast::{Expr, IdedExpr},
};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::condition::{Condition, Mistake, Scope};
use crate::model::{Contact, Names, field::Kind};

/// Evaluates the whole and every part on sample contacts; a type that cannot work is a mistake.
pub(super) fn types(condition: &Condition) -> Result<(), Vec<Mistake>> {
    let program = condition.program();
    let names = Names::default();
    let mut mistakes = Vec::new();
    for contact in samples() {
        let now = Timestamp::UNIX_EPOCH;
        let context = condition.context(Scope {
            contact: &contact,
            since: now,
            inbox: "main",
            names: &names,
            open: true,
            missed_live_chat: false,
            now,
        });
        let mut wrong = Vec::new();
        innermost(&context, program.expression(), &mut wrong);
        for (id, what) in wrong {
            let info = program.source_info();
            let span = info.offset_for(id).map_or(0..info.source.len(), |(start, stop)| {
                let end = info.source.len();
                (start as usize).min(end)..(stop as usize + 1).clamp(start as usize, end)
            });
            // Several samples stumble at one place.
            if !mistakes.iter().any(|known: &Mistake| known.span == span) {
                mistakes.push(Mistake { span, what, help: None });
            }
        }
        if mistakes.is_empty() && !matches!(context.resolve(program.expression()), Ok(Value::Bool(_)) | Err(_)) {
            mistakes.push(Mistake {
                span: 0..program.source_info().source.len(),
                what: "this is neither true nor false".to_owned(),
                help: Some("compare it with something, like `unreadMessages > 0`".to_owned()),
            });
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
}

/// Parts whose types cannot work while all that they are made of does; `true` if there are any.
fn innermost(context: &Context<'_, '_>, part: &IdedExpr, wrong: &mut Vec<(u64, String)>) -> bool {
    let mut below = false;
    // Below a comprehension names are bound that exist nowhere else.
    if let Expr::Call(call) = &part.expr {
        for inner in call.target.as_deref().into_iter().chain(&call.args) {
            below |= innermost(context, inner, wrong);
        }
    }
    if below {
        return true;
    }
    match context.resolve(part) {
        Err(error) if is_type_error(&error) => {
            wrong.push((part.id, words(&error)));
            true
        }
        _ => false,
    }
}

/// A contact with nothing, and one with something in every documented field.
fn samples() -> Vec<Contact> {
    let mut full = sample(&Contact::kind());
    full["_id"] = Json::from("sample");
    [json!({ "_id": "sample" }), full].into_iter().filter_map(|value| Contact::read(value).ok()).collect()
}

fn sample(kind: &Kind) -> Json {
    match kind {
        Kind::Text => Json::from("text"),
        Kind::Number => Json::from(1),
        Kind::Flag => Json::from(true),
        Kind::Time => Json::from("1969-12-31T00:00:00Z"),
        Kind::List(entry) => Json::Array(vec![sample(entry)]),
        Kind::Object(fields) => {
            Json::Object(fields.iter().map(|(name, kind)| ((*name).to_owned(), sample(kind))).collect())
        }
    }
}

fn is_type_error(error: &ExecutionError) -> bool {
    !matches!(
        error,
        ExecutionError::NoSuchKey(_)
            | ExecutionError::IndexOutOfBounds(_)
            | ExecutionError::DivisionByZero(_)
            | ExecutionError::RemainderByZero(_)
            | ExecutionError::Overflow(..)
    )
}

/// An evaluation's error in words that show no value: a value may be a customer's.
pub(super) fn words(error: &ExecutionError) -> String {
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
            "since" => format!("`since` failed: {message}"),
            function => format!("`{function}` failed"),
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

/// The name of a type, from whatever the evaluation calls it: sometimes with the value in brackets,
/// which is not repeated.
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
    let sign = function.trim_matches('_');
    (sign != function && !sign.chars().any(char::is_alphanumeric)).then_some(match sign {
        "!" => "!",
        sign => sign,
    })
}
