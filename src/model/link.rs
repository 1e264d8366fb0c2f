//! The address of a conversation: an inbox's `contact_link`, filled with a contact's values.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::model::{Contact, field::FieldKind};

/// A piece of the link template.
enum Piece<'a> {
    Text(&'a str),
    /// The dotted path behind `contact.`.
    Field(&'a str),
}

/// Finds the known name that was probably meant.
pub(crate) type Suggest<'a> = &'a dyn Fn(&str, &[String]) -> Option<String>;

/// Whether `template` is a usable `contact_link`.
///
/// # Errors
/// What is wrong and what would be right, for the admin.
pub fn check(template: &str, suggest: Suggest<'_>) -> Result<(), String> {
    let pieces = pieces(template)?;
    let with = |value: &'static str| -> String {
        pieces.iter().map(|piece| if let Piece::Text(text) = piece { *text } else { value }).collect()
    };
    if with("").chars().any(|c| c.is_whitespace() || c.is_control() || "<>\"|\\^`".contains(c)) {
        return Err("an address holds no spaces and none of < > \" | \\ ^ `".to_owned());
    }
    for piece in &pieces {
        if let Piece::Field(path) = piece {
            field(path, suggest)?;
        }
    }
    let url = url::Url::parse(&with("x")).map_err(|error| format!("not an address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("write an address that begins with https://".to_owned());
    }
    // A value in the host would lead people to any address that the record names.
    let first = match pieces.first() {
        Some(Piece::Text(text)) => *text,
        _ => "",
    };
    let host_ends = first.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?', '#']));
    if pieces.len() > 1 && !host_ends {
        return Err("a contact's value may stand behind the host's name only".to_owned());
    }
    Ok(())
}

/// The address for one contact (as `Contact::json` returns it); empty where a value that the template needs is empty,
/// or the template is wrong.
pub fn fill(template: &str, contact: &Value) -> String {
    let Ok(pieces) = pieces(template) else { return String::new() };
    let mut filled = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Field(path) => {
                let value = path.split('.').try_fold(contact, |value, name| value.get(name));
                let text = match value {
                    Some(Value::String(text)) => text.clone(),
                    Some(Value::Number(number)) => number.to_string(),
                    Some(Value::Bool(flag)) => flag.to_string(),
                    _ => String::new(),
                };
                // `.` and `..` are steps of a path, whatever their encoding.
                if text.chars().all(|c| c == '.') {
                    return String::new();
                }
                filled.extend(utf8_percent_encode(&text, UNSAFE));
            }
        }
    }
    filled
}

fn pieces(template: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((text, behind)) = rest.split_once("{{") {
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        let (inside, after) = behind.split_once("}}").ok_or("a `{{` is not closed")?;
        let name = inside.trim();
        let path = name
            .strip_prefix("contact.")
            .filter(|path| path.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.'))
            .ok_or_else(|| format!("`{{{{{name}}}}}` is not known here: only fields like {{{{contact._id}}}}"))?;
        pieces.push(Piece::Field(path));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

fn field(path: &str, suggest: Suggest<'_>) -> Result<(), String> {
    let names: Vec<&str> = path.split('.').collect();
    match Contact::kind().at(&names) {
        Some(FieldKind::Text | FieldKind::Number | FieldKind::Flag | FieldKind::Time) => Ok(()),
        Some(FieldKind::List(_) | FieldKind::Object(_)) => Err(format!("`contact.{path}` is not a single value")),
        None => {
            let paths = Contact::kind().paths();
            let hint =
                suggest(path, &paths).map(|near| format!(": did you mean `contact.{near}`?")).unwrap_or_default();
            Err(format!("there is no field `contact.{path}`{hint}"))
        }
    }
}

/// The letters, digits and signs that are allowed in every part of an address stay.
const UNSAFE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
