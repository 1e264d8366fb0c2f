//! Reading a TOML file into plain structs, with every mistake of shape and not the first only.
//!
//! `serde` stops at the first unknown key or wrong type. The offending entry is then reported,
//! taken out of the parsed table, and the rest is read again, until all is said.

use std::{ops::Range, sync::Arc};

use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer},
};

use super::{Diagnostic, Source, nearest::did_you_mean};

/// More mistakes than anybody reads at once.
const MOST: usize = 50;

/// Reads `source`; `None` when what is left after the mistakes does not make a `T`.
pub fn read<T: DeserializeOwned>(source: &Arc<Source>, found: &mut Vec<Diagnostic>) -> Option<T> {
    let (mut table, syntax) = DeTable::parse_recoverable(&source.text);
    if !syntax.is_empty() {
        for error in syntax.into_iter().take(MOST) {
            let span = error.span().unwrap_or(0..0);
            let mistake = word_processor(source, &span).unwrap_or_else(|| {
                Diagnostic::error(source, span.clone(), format!("not valid TOML: {}", error.message()))
                    .help(quoting(source, &span).unwrap_or("see https://toml.io for how TOML is written"))
            });
            // One line of them makes the parser stumble at each.
            if !found.iter().any(|known: &Diagnostic| known.span == mistake.span && known.title == mistake.title) {
                found.push(mistake);
            }
        }
        return None;
    }
    let mut removed = false;
    for _ in 0..MOST {
        let error = match T::deserialize(Deserializer::from(table.clone())) {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let span = error.span().unwrap_or(0..0);
        let missing = error.message().starts_with("missing field");
        // A key that was taken out because of its value is not missing as well.
        if !(missing && removed) {
            found.push(explain(source, span.clone(), error.message()));
        }
        if missing || !remove(table.get_mut(), &span) {
            return None;
        }
        removed = true;
    }
    None
}

/// The line of a place, and where it begins.
fn line_at<'a>(text: &'a str, span: &Range<usize>) -> (usize, &'a str) {
    let at = (0..=span.start.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
    (start, text[start..].lines().next().unwrap_or_default())
}

/// A quote that a word processor made, on the line that is not understood, in place of a straight one.
fn word_processor(source: &Arc<Source>, span: &Range<usize>) -> Option<Diagnostic> {
    let (start, line) = line_at(&source.text, span);
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            // What stands in straight quotes is text.
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') => return None,
            (None, '“' | '”' | '„' | '‟' | '‘' | '’' | '‚' | '«' | '»' | '＂') => {
                let place = start + at..start + at + c.len_utf8();
                let title = format!("`{c}` is a typographic quote, as word processors make them");
                return Some(Diagnostic::error(source, place, title).help("write straight quotes, like \"user\""));
            }
            _ => {}
        }
    }
    None
}

/// A condition has quotes of its own, and ends at the first of them where it stands in the same.
fn quoting(source: &Arc<Source>, span: &Range<usize>) -> Option<&'static str> {
    let (_, line) = line_at(&source.text, span);
    let (key, value) = line.split_once('=')?;
    let quotes = value.trim_start().chars().next().filter(|c| matches!(c, '"' | '\''))?;
    (key.trim() == "when" && value.matches(quotes).count() > 2)
        .then_some("quotes inside of quotes end the text: put the condition between \'\'\' and \'\'\'")
}

/// The words of serde's error in an admin's terms.
fn explain(source: &Arc<Source>, span: Range<usize>, message: &str) -> Diagnostic {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field") {
        let name = quoted.next().unwrap_or_default();
        let known: Vec<&str> = quoted.collect();
        let mut diagnostic = Diagnostic::error(source, span, format!("unknown key `{name}`")).label("not known here");
        diagnostic.help = did_you_mean(name, known);
        return diagnostic;
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
        return Diagnostic::error(source, span, format!("this is {}, expected {}", kind(is), plain(wanted)));
    }
    Diagnostic::error(source, span, message.to_owned())
}

/// serde names the value too (`string "x"`): it may be a secret, so only its kind is kept.
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

/// Takes the entry at `span` out of the table: the smallest one that holds it.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let inside = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    let key = table
        .iter()
        .find(|(key, value)| inside(key.span()) || (inside(value.span()) && *span != (0..0)))
        .map(|(key, _)| key.clone());
    // A table that was opened by headers in several places has the span of one of them only.
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
        // A wrong entry of a plain list takes its whole key with it.
        DeValue::Array(entries) => {
            (0..entries.len()).any(|at| entries.get_mut(at).is_some_and(|entry| within(entry, span)))
        }
        _ => false,
    }
}
