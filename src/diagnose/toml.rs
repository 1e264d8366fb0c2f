//! Reads a TOML file into plain structs, and reports every mistake of shape, not the first only.
//!
//! `serde` stops at the first unknown key or wrong type. That entry is then reported and
//! taken out of the parsed table, and the rest is read again, until there is no mistake left.

use std::{ops::Range, sync::Arc};

use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer},
};

use super::{Diagnostic, Source, nearest::did_you_mean, syntax};

/// The longest value that help repeats, in bytes.
const SHORT: usize = 60;

/// The largest number of mistakes that are reported in one file.
const MOST: usize = 50;

/// Reads `source`; `None`: the entries without mistakes are not enough for a `T`.
pub(crate) fn read<T: DeserializeOwned>(source: &Arc<Source>, found: &mut Vec<Diagnostic>) -> Option<T> {
    read_as(source, true, found)
}

/// Reads a file that may hold secrets: no mistake repeats a value.
pub(crate) fn read_secretly<T: DeserializeOwned>(source: &Arc<Source>, found: &mut Vec<Diagnostic>) -> Option<T> {
    read_as(source, false, found)
}

/// The tables of a file that may hold secrets, as far as it can be parsed.
pub(crate) fn tables(source: &Arc<Source>) -> Spanned<DeTable<'_>> {
    DeTable::parse_recoverable(&source.text).0
}

fn read_as<T: DeserializeOwned>(source: &Arc<Source>, may_show: bool, found: &mut Vec<Diagnostic>) -> Option<T> {
    let (table, wrong) = DeTable::parse_recoverable(&source.text);
    if !wrong.is_empty() {
        let wrong = wrong.into_iter().map(|error| (error.span().unwrap_or(0..0), error.message().to_owned()));
        for mistake in syntax::explain(&source.text, wrong.collect(), may_show).into_iter().take(MOST) {
            let help = quoting(source, &mistake.span).map_or(mistake.help, str::to_owned);
            found.push(Diagnostic::error(source, mistake.span, mistake.what).help(help));
        }
        return None;
    }
    read_table(source, table, may_show, found)
}

/// Reads one of the [`tables`] of a file that may hold secrets.
pub(crate) fn read_table_secretly<T: DeserializeOwned>(
    source: &Arc<Source>,
    table: Spanned<DeTable<'_>>,
    found: &mut Vec<Diagnostic>,
) -> Option<T> {
    read_table(source, table, false, found)
}

fn read_table<T: DeserializeOwned>(
    source: &Arc<Source>,
    mut table: Spanned<DeTable<'_>>,
    may_show: bool,
    found: &mut Vec<Diagnostic>,
) -> Option<T> {
    let mut removed = false;
    for _ in 0..MOST {
        let error = match T::deserialize(Deserializer::from(table.clone())) {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let span = error.span().unwrap_or(0..0);
        let missing = error.message().starts_with("missing field");
        // A key that was taken out because of its value must not be reported as missing, too.
        if !(missing && removed) {
            found.push(explain(source, span.clone(), error.message(), may_show));
        }
        if missing || !remove(table.get_mut(), &span) {
            return None;
        }
        removed = true;
    }
    None
}

/// The beginning of the line at a place, and its text.
fn line_at<'a>(text: &'a str, span: &Range<usize>) -> (usize, &'a str) {
    let at = (0..=span.start.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
    (start, text[start..].lines().next().unwrap_or_default())
}

/// Help for a condition in the same quotes that it uses itself: it ends at the first of them.
fn quoting(source: &Arc<Source>, span: &Range<usize>) -> Option<&'static str> {
    let (_, line) = line_at(&source.text, span);
    let (key, value) = line.split_once('=')?;
    let quotes = value.trim_start().chars().next().filter(|c| matches!(c, '"' | '\''))?;
    (key.trim() == "when" && value.matches(quotes).count() > 2)
        .then_some("quotes inside of quotes end the text: put the condition between \'\'\' and \'\'\'")
}

/// Makes a diagnostic of serde's error, in the admin's terms.
fn explain(source: &Arc<Source>, span: Range<usize>, message: &str, may_show: bool) -> Diagnostic {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field") {
        let name = quoted.next().unwrap_or_default();
        let known: Vec<&str> = quoted.collect();
        return unknown_key(source, span, name, known);
    }
    if message.starts_with("missing field") {
        let name = quoted.next().unwrap_or_default();
        let span = first_line(&source.text, span);
        return Diagnostic::error(source, span, format!("the key `{name}` is missing")).label("needed here");
    }
    if message.starts_with("unknown variant") {
        let name = quoted.next().unwrap_or_default();
        let known: Vec<&str> = quoted.collect();
        let mut diagnostic = Diagnostic::error(source, span, format!("unknown value `{name}`"));
        diagnostic.help = did_you_mean(name, known);
        return diagnostic;
    }
    if let Some(rest) = message.strip_prefix("invalid type: ")
        && let Some((is, wanted)) = rest.split_once(", expected ")
    {
        let (kind, wanted) = (kind(is), plain(wanted));
        let value =
            source.text.get(span.clone()).filter(|value| may_show && value.len() <= SHORT && !value.contains('\n'));
        let mut diagnostic = Diagnostic::error(source, span, format!("this is {kind}, expected {wanted}"));
        diagnostic.help = remedy(&kind, &wanted, value.unwrap_or("\"…\""));
        return diagnostic;
    }
    Diagnostic::error(source, span, message.to_owned())
}

/// Reports an unknown key, with the nearest known one.
pub(crate) fn unknown_key(source: &Arc<Source>, span: Range<usize>, name: &str, known: Vec<&str>) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(source, span, format!("unknown key `{name}`")).label("not known here");
    diagnostic.help = did_you_mean(name, known);
    diagnostic
}

/// Help for a value of one type in place of another type.
fn remedy(kind: &str, wanted: &str, value: &str) -> Option<String> {
    let bare = value.trim_matches(['"', '\'', '[', ']', ' ']);
    Some(match (kind, wanted) {
        ("a text", "a list in [ ]") => format!("a list stands in brackets: write [\"{bare}\"]"),
        ("a number" | "true or false", "a list in [ ]") => {
            format!("a list of texts stands in brackets: write [\"{bare}\"]")
        }
        ("a table", "a list in [ ]") => {
            "for [notify] write [[notify]], with two brackets; other lists are [\"…\"]".to_owned()
        }
        ("a list", "a text in quotes") => "one value, without brackets".to_owned(),
        ("a number" | "true or false", "a text in quotes") => format!("write it in quotes: \"{bare}\""),
        ("a text", "true or false") if matches!(bare, "true" | "false") => format!("write it without quotes: {bare}"),
        ("a text", "true or false") => "write true or false, without quotes".to_owned(),
        ("a number", "true or false") => "write true or false".to_owned(),
        ("a text", "a number" | "a whole number") if bare.parse::<f64>().is_ok() => {
            format!("write it without quotes: {bare}")
        }
        ("a text" | "a list" | "a number" | "true or false", "a table") => {
            "its keys stand in braces, { key = value }, or under a header of their own".to_owned()
        }
        _ => return None,
    })
}

/// The type in serde's message. The message holds the value, too (`string "x"`), which may be a secret.
fn kind(is: &str) -> String {
    let word = is.split([' ', '`']).next().unwrap_or(is);
    match word {
        "string" => "a text".to_owned(),
        "integer" | "floating" => "a number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "sequence" => "a list".to_owned(),
        "map" => "a table".to_owned(),
        other => other.to_owned(),
    }
}

fn plain(wanted: &str) -> String {
    match wanted {
        "a string" => "a text in quotes".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list in [ ]".to_owned(),
        "a map" => "a table".to_owned(),
        wanted if wanted.starts_with("struct ") => "a table".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" | "i64" | "i32" => "a whole number".to_owned(),
        wanted if wanted.starts_with('f') && wanted[1..].parse::<u8>().is_ok() => "a number".to_owned(),
        wanted => wanted.to_owned(),
    }
}

fn first_line(text: &str, span: Range<usize>) -> Range<usize> {
    let start = span.start.min(text.len());
    let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    start..end.max(start)
}

/// Takes the smallest entry that holds `span` out of the table; returns whether there was one.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let inside = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    let key = table
        .iter()
        .find(|(key, value)| inside(key.span()) || (inside(value.span()) && *span != (0..0)))
        .map(|(key, _)| key.clone());
    // A table whose headers stand in several places has the span of only one of them.
    let Some(key) = key else {
        return table.iter_mut().any(|(_, value)| within(value, span));
    };
    let by_key = inside(key.span());
    if !by_key
        && let Some(value) = table.get_mut(&key)
        && within(value, span)
    {
        return true;
    }
    table.remove(&key).is_some()
}

fn within(value: &mut Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    match value.get_mut() {
        DeValue::Table(inner) => remove(inner, span),
        // In a plain list, the whole key is taken out because of one wrong entry.
        DeValue::Array(entries) => {
            (0..entries.len()).any(|at| entries.get_mut(at).is_some_and(|entry| within(entry, span)))
        }
        _ => false,
    }
}
