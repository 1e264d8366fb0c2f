//! The functions that a condition can call besides CEL's own, and those that [`absent`](super::absent) inserts.

// CEL passes arguments by value.
#![allow(clippy::needless_pass_by_value)]

use std::sync::Arc;

use cel::{
    Context, ExecutionError, FunctionContext, Value,
    extractors::{Arguments, This},
    objects::{Key, Map},
};

use super::absent::{AT, DOUBLE, HAS, INT, OPERATORS, OR};
use crate::model::time;

/// The functions that a condition can call besides CEL's own.
pub(crate) const FUNCTIONS: [&str; 6] = ["seconds", "minutes", "hours", "days", "since", "raw"];

/// The variable in which the functions find the current time, in seconds.
pub(super) const NOW: &str = "@now";

/// The number of seconds since something that never happened: more than any rule compares with.
pub(super) const NEVER: i64 = 1 << 53;

type Answer = Result<Value, ExecutionError>;

/// A context with all functions and no variables.
pub(super) fn root() -> Context<'static, 'static> {
    let mut root = Context::default();
    // These names are not CEL's own, so adding them cannot fail.
    let _ = root.add_function("seconds", |n: i64| n);
    let _ = root.add_function("minutes", |n: i64| n.saturating_mul(60));
    let _ = root.add_function("hours", |n: i64| n.saturating_mul(3_600));
    let _ = root.add_function("days", |n: i64| n.saturating_mul(86_400));
    let _ = root.add_function("since", since);
    let _ = root.add_function("raw", |text: Arc<String>| text);
    let _ = root.add_function("min", |Arguments(values): Arguments| extreme(&values, std::cmp::Ordering::Less));
    let _ = root.add_function("max", |Arguments(values): Arguments| extreme(&values, std::cmp::Ordering::Greater));
    let _ = root.add_function(AT, at);
    let _ = root.add_function(OR, |value: Value, empty: Value| if value == Value::Null { empty } else { value });
    let _ = root.add_function(HAS, has);
    let _ = root.add_function(INT, int);
    let _ = root.add_function(DOUBLE, double);
    for (name, ours) in OPERATORS {
        let _ = root.add_function(ours, move |left: Value, right: Value| operate(name, left, right));
    }
    root
}

fn since(context: &FunctionContext, This(time): This<Arc<String>>) -> Result<i64, ExecutionError> {
    if time.is_empty() {
        return Ok(NEVER);
    }
    let Some(time) = time::parse_timestamp(&time) else {
        return Err(context.error("this is not a time"));
    };
    let now = context.ptx.get_variable(NOW).and_then(|now| Value::try_from(now.as_ref()).ok());
    let Some(Value::Int(now)) = now else {
        return Err(context.error("no time is known here"));
    };
    Ok(now - time.as_second())
}

fn wrong_type(got: &Value, want: &str) -> ExecutionError {
    ExecutionError::UnexpectedType { got: got.type_of().to_string(), want: want.to_owned() }
}

fn entry<'a>(map: &'a Map, name: &Value) -> Result<Option<&'a Value>, ExecutionError> {
    let key = match name {
        Value::String(text) => Key::String(Arc::clone(text)),
        Value::Int(number) => Key::Int(*number),
        Value::Bool(flag) => Key::Bool(*flag),
        other => return Err(wrong_type(other, "string")),
    };
    Ok(map.map.get(&key))
}

fn at(from: Value, index: Value, empty: Value) -> Answer {
    let found = match (&from, &index) {
        (Value::Null, _) => None,
        (Value::Map(map), index) => entry(map, index)?.cloned(),
        (Value::List(list), Value::Int(index)) => usize::try_from(*index).ok().and_then(|at| list.get(at).cloned()),
        (Value::List(_), index) => return Err(wrong_type(index, "int")),
        (other, _) => return Err(wrong_type(other, "map")),
    };
    Ok(found.filter(|found| *found != Value::Null).unwrap_or(empty))
}

fn has(from: Value, name: Value) -> Answer {
    match &from {
        Value::Null => Ok(false.into()),
        Value::Map(map) => Ok(entry(map, &name)?.is_some().into()),
        other => Err(wrong_type(other, "map")),
    }
}

fn int(context: &FunctionContext, value: Value) -> Answer {
    let wrong = || context.error("this is not a whole number");
    Ok(Value::Int(match value {
        Value::Null => 0,
        Value::Int(number) => number,
        Value::UInt(number) => i64::try_from(number).map_err(|_| wrong())?,
        #[allow(clippy::cast_possible_truncation)]
        Value::Float(number) if number.abs() < 9.2e18 => number as i64,
        Value::String(text) if text.trim().is_empty() => 0,
        Value::String(text) => text.trim().parse().map_err(|_| wrong())?,
        _ => return Err(wrong()),
    }))
}

fn double(context: &FunctionContext, value: Value) -> Answer {
    let wrong = || context.error("this is not a number");
    Ok(Value::Float(match value {
        Value::Null => 0.0,
        Value::Float(number) => number,
        #[allow(clippy::cast_precision_loss)]
        Value::Int(number) => number as f64,
        #[allow(clippy::cast_precision_loss)]
        Value::UInt(number) => number as f64,
        Value::String(text) if text.trim().is_empty() => 0.0,
        // The parser accepts "NaN", which is not equal to anything.
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(wrong)?,
        _ => return Err(wrong()),
    }))
}

fn extreme(values: &[Value], wanted: std::cmp::Ordering) -> Answer {
    let values = match values {
        [Value::List(list)] => list.as_slice(),
        values => values,
    };
    let mut best = Value::Null;
    for value in values {
        let (left, right) = meet(value.clone(), best.clone());
        if best == Value::Null || compared(&left, &right)? == wanted {
            best = value.clone();
        }
    }
    Ok(best)
}

/// Both sides; a side that is null becomes the empty value of the other side's type.
fn meet(left: Value, right: Value) -> (Value, Value) {
    match (left, right) {
        (Value::Null, right) => (empty_like(&right), right),
        (left, Value::Null) => {
            let empty = empty_like(&left);
            (left, empty)
        }
        both => both,
    }
}

fn empty_like(value: &Value) -> Value {
    match value {
        Value::String(_) => "".into(),
        Value::Int(_) => Value::Int(0),
        Value::UInt(_) => Value::UInt(0),
        Value::Float(_) => Value::Float(0.0),
        Value::Bool(_) => Value::Bool(false),
        Value::List(_) => Vec::<Value>::new().into(),
        Value::Map(_) => std::collections::HashMap::<String, Value>::new().into(),
        _ => Value::Null,
    }
}

fn compared(left: &Value, right: &Value) -> Result<std::cmp::Ordering, ExecutionError> {
    left.partial_cmp(right).ok_or_else(|| ExecutionError::ValuesNotComparable(Value::Null, Value::Null))
}

#[allow(clippy::cast_precision_loss)]
fn operate(name: &str, left: Value, right: Value) -> Answer {
    let (left, right) = meet(left, right);
    let types = || vec![left.type_of().to_string(), right.type_of().to_string()];
    let order = || compared(&left, &right).map_err(|_| ExecutionError::no_such_overload(name, types()));
    match name {
        "_==_" => return Ok((left == right).into()),
        "_!=_" => return Ok((left != right).into()),
        "_<_" => return Ok(order()?.is_lt().into()),
        "_<=_" => return Ok(order()?.is_le().into()),
        "_>_" => return Ok(order()?.is_gt().into()),
        "_>=_" => return Ok(order()?.is_ge().into()),
        _ => {}
    }
    // Whole numbers and fractions can be mixed, and null counts as 0.
    let (left, right) = match (left, right) {
        (Value::Null, Value::Null) if name == "_+_" => return Ok(Value::Null),
        (Value::Null, Value::Null) => (Value::Int(0), Value::Int(0)),
        (Value::Int(left), right @ Value::Float(_)) => (Value::Float(left as f64), right),
        (left @ Value::Float(_), Value::Int(right)) => (left, Value::Float(right as f64)),
        both => both,
    };
    match name {
        "_+_" => left + right,
        "_-_" => left - right,
        "_*_" => left * right,
        "_/_" => left / right,
        _ => left % right,
    }
}
