//! The help for mistakes of types: the right form of what the admin wrote.

use cel::common::ast::{Expr, IdedExpr, LiteralValue};

use super::types::{Family, Type};
use crate::model::time::parse_duration;

/// One side of an operator.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    /// The part as the admin wrote it.
    pub(super) text: &'a str,
    pub(super) node: &'a IdedExpr,
    pub(super) is: &'a Type,
}

impl Side<'_> {
    fn literal(&self) -> Option<&str> {
        match &self.node.expr {
            Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
            _ => None,
        }
    }

    fn is_literal(&self) -> bool {
        matches!(self.node.expr, Expr::Literal(_) | Expr::List(_))
    }
}

/// Help for a part that is neither true nor false: a comparison.
pub(super) fn as_condition(text: &str, is: &Type) -> String {
    let right = match is {
        Type::Whole | Type::Fraction => format!("{text} > 0"),
        Type::Text(_) | Type::Time => format!("{text} != \"\""),
        Type::List(_) => format!("size({text}) > 0"),
        _ => return "compare it with something, like `unreadMessages > 0`".to_owned(),
    };
    // A long text is not repeated.
    let example = if text.len() <= 60 && !text.contains(' ') { right } else { "unreadMessages > 0".to_owned() };
    format!("compare it with something, like `{example}`")
}

/// Help for `exists` and other loops over something that is not a list.
pub(super) fn list_of(is: &Type) -> Option<String> {
    matches!(is, Type::Text(_)).then(|| "a text is compared as a whole, or searched with `.contains(\"…\")`".to_owned())
}

/// Help for a field of something without fields, like `name.length`.
pub(super) fn without_fields(text: &str, name: &str, is: &Type) -> Option<String> {
    match (name, is) {
        ("length" | "len" | "size" | "count", Type::Text(_) | Type::List(_)) => Some(format!("write `size({text})`")),
        (_, Type::List(_)) => Some(format!("write `\"{name}\" in {text}`, or `{text}[0]` for the first entry")),
        _ => None,
    }
}

/// A duration like `5m`, written with a function of conditions: `minutes(5)`.
pub(super) fn as_seconds(text: &str) -> Option<String> {
    let duration = parse_duration(text).ok().filter(|duration| !duration.is_negative())?;
    let seconds = Some(duration.as_secs()).filter(|_| duration.subsec_nanos() == 0)?;
    let units = [("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1)];
    let (unit, size) = units.into_iter().find(|(_, size)| seconds >= *size && seconds % size == 0).unwrap_or(units[3]);
    Some(format!("{unit}({})", seconds / size))
}

/// The right form of a comparison between types that are never equal.
// Long because it is a table of pairs of types.
#[allow(clippy::too_many_lines)]
pub(super) fn comparison(sign: &str, left: Side<'_>, right: Side<'_>) -> Option<String> {
    // The field comes first, the value that it is compared with second.
    let (field, other, flipped) =
        if left.is_literal() && !right.is_literal() { (right, left, true) } else { (left, right, false) };
    let not = sign == "!=";
    let is_equality = matches!(sign, "==" | "!=");
    let write = |text: String| Some(format!("write `{text}`"));
    let sign = match (flipped, sign) {
        (true, "<") => ">",
        (true, "<=") => ">=",
        (true, ">") => "<",
        (true, ">=") => "<=",
        (_, sign) => sign,
    };
    let (text, value) = (field.text, other.text);
    match (field.is, other.is) {
        (_, Type::Null) => {
            let (is, is_not) = match field.is {
                Type::Flag => (format!("!{text}"), text.to_owned()),
                Type::Whole | Type::Fraction => (format!("{text} == 0"), format!("{text} != 0")),
                Type::List(_) | Type::Map(_) => (format!("size({text}) == 0"), format!("size({text}) > 0")),
                Type::Record(..) => return fields(text, field.is),
                _ => (format!("{text} == \"\""), format!("{text} != \"\"")),
            };
            write(if not { is_not } else { is })
        }
        (Type::List(_), _) if other.literal() == Some("") && is_equality => {
            write(format!("size({text}) {} 0", if not { ">" } else { "==" }))
        }
        (Type::List(_), element) if element.family() != Family::List && is_equality => match field.is {
            Type::List(entry) if entry.family() == Family::Text && !matches!(element.family(), Family::Text) => {
                write(format!("{}\"{value}\" in {text}{}", if not { "!(" } else { "" }, if not { ")" } else { "" }))
            }
            _ if not => write(format!("!({value} in {text})")),
            _ => write(format!("{value} in {text}")),
        },
        (Type::List(_), other) if other.family() == Family::Number => write(format!("size({text}) {sign} {value}")),
        (_, Type::List(_)) if is_equality => {
            write(if not { format!("!({text} in {value})") } else { format!("{text} in {value}") })
        }
        (Type::Time, Type::Whole | Type::Fraction) => {
            // A later time was less long ago, so the sign turns round.
            let turned = match sign {
                "<" => ">",
                "<=" => ">=",
                ">" => "<",
                ">=" => "<=",
                sign => sign,
            };
            let help = format!(
                "a time is compared by how long ago it was: `since({text}) < {value}` means less than that ago, `since({text}) > {value}` means more"
            );
            if turned == sign { Some(format!("write `since({text}) {sign} {value}`")) } else { Some(help) }
        }
        (Type::Time, _) if other.literal().and_then(as_seconds).is_some() => {
            let seconds = other.literal().and_then(as_seconds)?;
            Some(format!(
                "a time is compared by how long ago it was: `since({text}) < {seconds}` means less than that ago, `since({text}) > {seconds}` means more"
            ))
        }
        (Type::Time, _) => Some(format!("write `since({text}) < hours(1)`, or a time like \"2026-06-12T08:00:00Z\"")),
        (Type::Whole | Type::Fraction, _) => {
            let literal = other.literal()?;
            let number = literal.trim();
            if number.parse::<f64>().is_ok() {
                return write(format!("{text} {sign} {number}"));
            }
            as_seconds(number).and_then(|seconds| write(format!("{text} {sign} {seconds}")))
        }
        (Type::Flag, _) if is_equality => {
            let literal = other.literal().unwrap_or(value).trim().to_ascii_lowercase();
            let holds = match literal.as_str() {
                "true" | "yes" | "1" | "on" => true,
                "false" | "no" | "0" | "off" | "" => false,
                _ => return Some(format!("`{text}` is true or false: write `{text}` or `!{text}`")),
            };
            write(if holds == not { format!("!{text}") } else { text.to_owned() })
        }
        (Type::Flag, _) => Some(format!("`{text}` is true or false: write `{text}` or `!{text}`")),
        (Type::Text(_), _) if text.ends_with("phone.prefix") && is_equality => {
            let digits = value.trim_start_matches(['+', '-']);
            let list = format!("{text} in [\"+{digits}\", \"{digits}\"]");
            Some(format!(
                "write `{text} {sign} \"{digits}\"`; a prefix comes with and without its plus: `{}`",
                if not { format!("!({list})") } else { list }
            ))
        }
        (Type::Text(_), Type::Whole | Type::Fraction) if text.starts_with("attributes") => {
            let function = if *other.is == Type::Whole { "int" } else { "double" };
            if is_equality {
                Some(format!("write `{text} {sign} \"{value}\"`, or `{function}({text}) {sign} {value}`"))
            } else {
                write(format!("{function}({text}) {sign} {value}"))
            }
        }
        (Type::Text(_), Type::Whole | Type::Fraction | Type::Flag) if other.is_literal() && is_equality => {
            write(format!("{text} {sign} \"{value}\""))
        }
        (Type::Map(_), _) => Some(format!("write `{text}[\"…\"] {sign} {value}`, with the entry's name in quotes")),
        (Type::Record(..), _) => fields(text, field.is),
        _ => None,
    }
}

/// Help for a comparison of a whole record like `lastMessage == …`: the names of its fields.
fn fields(text: &str, is: &Type) -> Option<String> {
    let Type::Record(_, crate::model::field::FieldKind::Object(fields)) = is else { return None };
    let names: Vec<String> = fields.iter().take(6).map(|(name, _)| format!("`{text}.{name}`")).collect();
    Some(format!("compare one of its fields: {}", names.join(", ")))
}

/// Help for `x in [1, "a"]`, where one entry has another type.
pub(super) fn among(left: Side<'_>, list: Side<'_>, element: Side<'_>) -> Option<String> {
    match (left.is, element.is) {
        (Type::List(_), _) => membership(left, list),
        (Type::Text(_), Type::Whole | Type::Fraction | Type::Flag) => Some(format!("write `\"{}\"`", element.text)),
        (Type::Whole, Type::Text(_)) => {
            let number = element.literal()?.trim();
            number.parse::<i64>().is_ok().then(|| format!("write `{number}`"))
        }
        _ => None,
    }
}

/// The right form of an `in` that never holds.
pub(super) fn membership(entry: Side<'_>, list: Side<'_>) -> Option<String> {
    let write = |text: String| Some(format!("write `{text}`"));
    let (text, text_list) = (entry.text, list.text);
    match (entry.is, list.is) {
        (Type::List(_), Type::List(_)) => match &list.node.expr {
            Expr::List(single) if single.elements.len() == 1 => {
                write(format!("{} in {text}", text_list.trim_matches(['[', ']']).trim()))
            }
            _ => write(format!("{text}.exists(one, one in {text_list})")),
        },
        (Type::List(_), Type::Text(_)) => write(format!("{text_list} in {text}")),
        (Type::Text(_), Type::Text(_)) if list.is_literal() => write(format!("{text} == {text_list}")),
        (Type::Text(_), Type::Text(_) | Type::Time) => write(format!("{text_list}.contains({text})")),
        (Type::Whole | Type::Fraction | Type::Flag, Type::List(element))
            if element.family() == Family::Text && entry.is_literal() =>
        {
            write(format!("\"{text}\" in {text_list}"))
        }
        (_, Type::Text(_) | Type::Whole | Type::Fraction) if list.is_literal() => {
            write(format!("{text} == {text_list}"))
        }
        _ => None,
    }
}

/// The plural of a type's name.
pub(super) fn plural(is: &Type) -> &'static str {
    match is.family() {
        Family::Text => "texts",
        Family::Number => "numbers",
        Family::Flag => "true/false",
        Family::List => "lists",
        Family::Map => "tables",
        _ => "something else",
    }
}

pub(super) fn arithmetic(left: &str, is_left: &Type, right: &str, is_right: &Type) -> Option<String> {
    match (is_left, is_right) {
        (Type::Time, Type::Time) => Some(format!("write `since({right}) - since({left})`, which is in seconds")),
        (Type::Time, _) => Some(format!("write `since({left})`: how long ago it was, in seconds")),
        (_, Type::Time) => Some(format!("write `since({right})`: how long ago it was, in seconds")),
        _ if is_left.family() == Family::Text && is_right.family() == Family::Number => {
            Some(format!("`int({left})` turns the text into a number"))
        }
        _ if is_right.family() == Family::Text && is_left.family() == Family::Number => {
            Some(format!("`int({right})` turns the text into a number"))
        }
        _ => None,
    }
}

/// The mistake and the help for a function of another language.
pub(super) fn function(name: &str, texts: &[String], types: &[Type]) -> Option<(String, String)> {
    let first = texts.first().map_or("…", String::as_str);
    let rest = texts.get(1..).unwrap_or_default();
    let help = match name.to_ascii_lowercase().as_str() {
        "length" | "len" | "count" | "strlen" => format!("write `size({first})`"),
        "includes" | "has" | "includesany" => match types.first() {
            Some(Type::List(_)) => format!("write `{} in {first}`", rest.first().map_or("…", String::as_str)),
            _ => format!("write `{first}.contains({})`", rest.first().map_or("…", String::as_str)),
        },
        "and" => format!("write `{}`", texts.join(" && ")),
        "or" => format!("write `{}`", texts.join(" || ")),
        "not" => format!("write `!({first})`"),
        "if" | "iif" if texts.len() == 3 => format!("write `{first} ? {} : {}`", rest[0], rest[1]),
        "isblank" | "isempty" | "isnull" | "is_null" | "empty" => match types.first() {
            Some(Type::List(_)) => format!("write `size({first}) == 0`"),
            Some(Type::Flag) => format!("write `!{first}`"),
            Some(Type::Whole) => format!("write `{first} == 0`"),
            _ => format!("write `{first} == \"\"`"),
        },
        "now" | "today" | "current_timestamp" => {
            "write how long ago a time was: `since(lastMessage.at) < hours(1)`".to_owned()
        }
        "ago" | "age" | "elapsed" => format!("write `since({first})`"),
        "number" | "parseint" | "tonumber" | "value" => format!("write `int({first})`"),
        "lower" | "upper" | "tolower" | "toupper" | "lowerascii" | "upperascii" | "tolowercase" | "touppercase" => {
            format!(
                "write each spelling, like `{first} in [\"vip\", \"VIP\"]`, or a pattern: `{first}.matches(\"(?i)^vip$\")`"
            )
        }
        "like" | "regex" | "regexp" | "regexmatch" | "match" | "test" => {
            format!("write `{first}.matches({})`", rest.first().map_or("\"…\"", String::as_str))
        }
        "any" | "some" | "find" => format!("write `{first}.exists(one, …)`"),
        "every" => format!("write `{first}.all(one, …)`"),
        _ => return None,
    };
    Some((format!("there is no function `{name}`"), help))
}

/// The mistake and the help for a macro like `has` or `exists` with wrong arguments.
pub(super) fn macro_form(name: &str) -> (String, String) {
    if name == "has" {
        return (
            "`has` asks for an entry, like `has(attributes.plan)`".to_owned(),
            "a documented field is always there: compare it with its empty value, like `status != \"\"`".to_owned(),
        );
    }
    let example = match name {
        "map" => "tags.map(tag, size(tag))",
        _ => "tags.exists(tag, tag == \"vip\")",
    };
    (
        format!("`{name}` takes a name for each entry and an expression about it"),
        format!("write it like `{}`", example.replace("exists", name)),
    )
}

/// Help for a duration with a wrong argument, like `minutes("5")`.
pub(super) fn duration(name: &str, node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => {
            let text = text.inner().trim();
            if text.parse::<i64>().is_ok() {
                return Some(format!("write `{name}({text})`"));
            }
            as_seconds(text).map(|seconds| format!("write `{seconds}`"))
        }
        Expr::Literal(LiteralValue::Double(number)) => {
            let size = match name {
                "minutes" => 60.0,
                "hours" => 3_600.0,
                "days" => 86_400.0,
                _ => 1.0,
            };
            as_seconds(&format!("{}s", (number.inner() * size).round())).map(|seconds| format!("write `{seconds}`"))
        }
        _ => None,
    }
}

pub(super) fn since(text: &str, is: &Type) -> Option<String> {
    match is {
        Type::Record(_, crate::model::field::FieldKind::Object(fields)) => fields
            .iter()
            .find(|(_, kind)| *kind == crate::model::field::FieldKind::Time)
            .map(|(name, _)| format!("write `since({text}.{name})`")),
        Type::Whole if text == "waiting" => Some("`waiting` is in seconds already".to_owned()),
        _ => Some("the times are lastMessage.at, lastSeenAt, createdAt, updatedAt and hasOrdered.lastAt".to_owned()),
    }
}

/// Help for a text's method that is called on another type, like `tags.contains("vip")`.
pub(super) fn method(name: &str, text: &str, is: &Type, other: &str) -> Option<String> {
    match (name, is) {
        ("contains", Type::List(_) | Type::Map(_)) => Some(format!("write `{other} in {text}`")),
        (_, Type::List(_)) => Some(format!("write `{text}.exists(one, one.{name}({other}))`")),
        (_, Type::Whole | Type::Fraction) => {
            Some(format!("compare a number with `==`, `<` or `>`, or write `string({text}).{name}({other})`"))
        }
        _ => None,
    }
}
