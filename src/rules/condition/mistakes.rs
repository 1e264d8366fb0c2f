//! The texts about mistakes in conditions, for admins. They stand together so that their wording can be read in one go.
//! What would be right in place of one form is in `forms.rs`, spellings of other languages are in `spelling.rs`, and why
//! a part fails for a contact is in `fault.rs`.

use super::types::Values;
use crate::diagnose::Wording;

// The condition as a whole.

pub(super) fn too_long() -> Wording {
    Wording::new("this condition is longer than 1024 bytes").instead("split it into several rules")
}

pub(super) fn empty() -> Wording {
    Wording::new("this condition is empty").instead("leave `when` out, or write it like `unreadMessages > 0`")
}

pub(super) fn too_deep() -> Wording {
    Wording::new("this condition is nested too deep").instead("write it flatter, or split it into several rules")
}

pub(super) fn too_slow() -> Wording {
    Wording::new("this condition would take too long")
        .instead("use at most two of `all`, `exists`, `map` and `filter` in each other, and four in a row")
}

pub(super) fn never_true() -> Wording {
    Wording::new("this condition is never true").instead("to switch a rule off, write `enabled = false`")
}

/// `why`: the reason, or empty.
pub(super) fn part_never_true(part: &str, why: &str) -> Wording {
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    Wording::new(format!("`{part}` can never be true{why}")).instead("write what should hold, or leave it out")
}

pub(super) fn contradicts_part(part: &str, other: &str) -> Wording {
    Wording::new(format!("this condition can never be true: `{part}` contradicts `{other}`"))
        .help(format!("leave one of them out, or write `{other} || {part}` where either is meant"))
}

pub(super) fn contradicts_fact(part: &str, fact: &str) -> Wording {
    Wording::new(format!("this condition can never be true: `{part}` contradicts {fact}"))
        .instead("change one of them: both must hold")
}

pub(super) fn contradicts_rest(part: &str) -> Wording {
    Wording::new(format!("this condition can never be true: `{part}` contradicts what else must hold"))
        .instead("leave a part out, or join alternatives by `||`")
}

pub(super) fn not_a_condition(right: String) -> Wording {
    Wording::new("this is neither true nor false").help(right)
}

/// `why`: the parser's message.
pub(super) fn not_cel(why: &str) -> Wording {
    Wording::new(format!("not valid CEL: {why}"))
        .instead("write it like `unreadMessages > 0 && lastMessage.by == \"user\"`")
}

pub(super) fn neither_true_nor_false(text: &str, is: &str, right: String) -> Wording {
    Wording::new(format!("`{text}` is {is}, which is neither true nor false")).help(right)
}

// Names.

/// `near`: a field that was probably meant.
pub(super) fn no_field_of_contact(name: &str, near: Option<&str>) -> Wording {
    Wording::new(format!("a contact has no field `{name}`")).help(match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("an undocumented field is written `extra[\"{name}\"]`"),
    })
}

pub(super) fn no_field(above: &str, name: &str, help: Option<String>) -> Wording {
    Wording::new(format!("`{above}` has no field `{name}`")).help(help)
}

pub(super) fn no_fields(above: &str, help: Option<String>) -> Wording {
    Wording::new(format!("`{above}` has no fields")).help(help)
}

pub(super) fn by_number(list: &str, at: &str) -> Wording {
    Wording::new(format!("an entry of the list `{list}` is chosen by its number"))
        .help(format!("write `{at} in {list}`, or `{list}[0]` for the first"))
}

pub(super) fn by_name(table: &str) -> Wording {
    Wording::new(format!("an entry of the table `{table}` is chosen by its name"))
        .help(format!("write `{table}[\"…\"]`"))
}

pub(super) fn no_entries(text: &str, is: &str) -> Wording {
    Wording::new(format!("`{text}` is {is} and has no entries"))
}

/// `near`: a field that was perhaps meant.
fn right_or_near(right: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("write `{right}`, or did you mean the field `{near}`?"),
        None => format!("write `{right}`"),
    }
}

pub(super) fn field_as_value(name: &str, of: &str, right: &str, near: Option<&str>) -> Wording {
    Wording::new(format!("`{name}` is the name of a field here, and not a value of `{of}`"))
        .help(right_or_near(right, near))
}

pub(super) fn without_quotes(name: &str, right: &str, near: Option<&str>) -> Wording {
    Wording::new(format!("`{name}` is not a name that a condition knows: a text stands in quotes"))
        .help(right_or_near(right, near))
}

// Functions.

pub(super) fn no_function(name: &str, help: Option<String>) -> Wording {
    Wording::new(format!("there is no function `{name}`")).help(help)
}

pub(super) fn two_values(name: &str) -> Wording {
    Wording::new(format!("`{name}` is called on a text with one value, like `name.{name}(\"…\")`"))
}

pub(super) fn one_value(name: &str, given: usize) -> Wording {
    Wording::new(format!("`{name}` takes one value, not {given}"))
}

pub(super) fn on_a_text(name: &str, text: &str, value: &str) -> Wording {
    Wording::new(format!("`{name}` is called on a text")).help(format!("write `{text}.{name}({value})`"))
}

pub(super) fn raw_without_quotes() -> Wording {
    Wording::new("`raw` takes a text in quotes, like raw(\"DELETED\")")
}

pub(super) fn not_whole(name: &str, text: &str, is: &str, help: Option<String>) -> Wording {
    Wording::new(format!("`{name}` takes a whole number, and `{text}` is {is}")).help(help)
}

pub(super) fn since_no_time(text: &str, is: &str, help: Option<String>) -> Wording {
    Wording::new(format!("`since` takes one of the contact's times, and `{text}` is {is}")).help(help)
}

pub(super) fn no_size(text: &str, is: &str) -> Wording {
    Wording::new(format!("`size` counts what is in a list or a text, and `{text}` is {is}"))
}

pub(super) fn does_not_work_on(what: &str, is: &str) -> Wording {
    Wording::new(format!("`{what}` does not work on {is}"))
}

pub(super) fn not_on_a_text(name: &str, text: &str, is: &str, help: Option<String>) -> Wording {
    Wording::new(format!("`{name}` is called on a text, and `{text}` is {is}")).help(help)
}

/// `in_quotes`: whether the value in quotes is what was meant.
pub(super) fn takes_a_text(name: &str, text: &str, value: &str, is: &str, in_quotes: bool) -> Wording {
    Wording::new(format!("`{name}` takes a text, and `{value}` is {is}"))
        .help(in_quotes.then(|| format!("write `{text}.{name}(\"{value}\")`")))
}

pub(super) fn not_a_pattern(why: &str) -> Wording {
    Wording::new(format!("this is not a valid pattern: {why}"))
}

// Values.

/// `help`: the value that was probably meant, or what is known.
fn or_raw(help: &str, value: &str) -> String {
    format!("{help} (a value that the page does not list is written raw(\"{value}\"))")
}

/// `verb`: `begins with`, `ends with` or `contains`.
pub(super) fn no_value_does(verb: &str, value: &str, values: &Values, help: &str) -> Wording {
    Wording::new(format!("no documented value of `{}` {verb} `{value}`", values.field)).help(or_raw(help, value))
}

pub(super) fn not_documented(value: &str, values: &Values, help: &str) -> Wording {
    Wording::new(format!("`{value}` is not a documented value of `{}`", values.field)).help(or_raw(help, value))
}

// Signs. Each `is` is a type in words.

pub(super) fn not_a_time(text: &str) -> Wording {
    Wording::new(format!("`{text}` is not a time"))
}

pub(super) fn never_null(text: &str, is: &str) -> Wording {
    Wording::new(format!("`{text}` is {is} and never null: an absent field has the empty value"))
}

/// Each side is a part of the condition, and its type.
pub(super) fn of_two_types(sign: &str, [left, right]: [(&str, &str); 2]) -> Wording {
    let never = if sign == "==" { "never equal" } else { "always different" };
    Wording::new(format!("`{}` is {} and `{}` is {}: they are {never}", left.0, left.1, right.0, right.1))
}

pub(super) fn not_between(sign: &str, left: &str, right: &str) -> Wording {
    Wording::new(format!("`{sign}` does not work between {left} and {right}"))
}

pub(super) fn never_equal(text: &str, is: &str, element: &str, is_element: &str) -> Wording {
    Wording::new(format!("`{text}` is {is} and `{element}` is {is_element}: they are never equal"))
}

pub(super) fn never_in(text: &str, is: &str, list: &str, entries: &str) -> Wording {
    Wording::new(format!("`{text}` is {is} and `{list}` is a list of {entries}: it is never in it"))
}

pub(super) fn not_a_list(text: &str) -> Wording {
    Wording::new(format!("`{text}` is not a list"))
}

pub(super) fn not_a_name(text: &str, is: &str) -> Wording {
    Wording::new(format!("`in` looks for a name in a table, and `{text}` is {is}"))
}

pub(super) fn no_list(text: &str, is: &str) -> Wording {
    Wording::new(format!("`in` needs a list on its right, and `{text}` is {is}"))
}
