//! Splits a list of records by the beginnings of records, because the end of one of them cannot be found.
//!
//! After a missing or an extra quotation mark, everything that follows seems to be inside of a text or outside of it,
//! so brackets mean nothing any more. But all records of a list begin with the same field.

use serde::de::IgnoredAny;

use super::{
    mend::readings,
    split::{self, is_blank},
};

/// The most beginnings within one record: lists in it may have the same first field.
const MOST_WITHIN: usize = 16;

/// The most entries that are read past the next beginning; a page has fewer.
const MOST_EXTENDED: usize = 1_000;

/// The most brackets that are tried as the end of the list.
const MOST_ENDS: usize = 64;

/// The fields of an answer, as [`split::fields`] returns them, with the records in `data`; `None`: the list of records
/// has no end, or something else is not JSON.
pub(crate) fn fields(answer: &str) -> Option<Vec<(&str, &str)>> {
    let (mut found, rest) = split::fields_before(answer, "data")?;
    let first = First::of(rest.strip_prefix('[')?)?;
    // The last bracket is tried first, but a list after the records is not part of them.
    let ends = rest.rmatch_indices(']').map(|(at, _)| at).take(MOST_ENDS);
    let (end, after) = ends
        .filter_map(|at| Some((at, split::fields_after(&rest[at + 1..]).ok()?)))
        .filter(|(at, _)| comes_to_its_end(first.last(&rest[1..*at])))
        .last()?;
    found.push(("data", &rest[..=end]));
    found.extend(after);
    Some(found)
}

/// The entries of the list in `text`; none if it is not a list of records.
pub(crate) fn entries(text: &str) -> LooseEntries<'_> {
    let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let first = inside.and_then(First::of);
    LooseEntries { rest: inside.filter(|_| first.is_some()), first: first.unwrap_or_default(), extended: 0 }
}

/// Splits off one entry after the other.
pub(crate) struct LooseEntries<'a> {
    rest: Option<&'a str>,
    first: First,
    extended: usize,
}

impl<'a> Iterator for LooseEntries<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.take()?.trim_start_matches(is_blank);
        let mut ends = self.first.commas(rest).chain([rest.len()]).take(MOST_WITHIN);
        let next = ends.next()?;
        let end = match beside_others(&rest[..next]) {
            Some(end) => end,
            None if is_readable(&rest[..next]) || self.extended == MOST_EXTENDED => next,
            None => {
                self.extended += 1;
                ends.find(|end| is_readable(&rest[..*end])).unwrap_or(next)
            }
        };
        self.rest = rest.get(end + 1..);
        Some(rest[..end].trim_end_matches(is_blank))
    }
}

/// The end of an entry without a fault that stands before others which are not records.
fn beside_others(text: &str) -> Option<usize> {
    let entry = split::value(text).filter(|entry| is_json(entry))?;
    let after = text[entry.len()..].trim_start_matches(is_blank);
    after.starts_with(',').then(|| text.len() - after.len())
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn is_readable(text: &str) -> bool {
    readings(text).any(|json| is_json(&json))
}

/// Whether a record is complete. If it cannot be parsed, all its brackets are counted, also those in texts: an answer
/// that was cut short ends with brackets, too.
fn comes_to_its_end(record: &str) -> bool {
    let count = |brackets: [char; 2]| record.matches(brackets).count();
    is_readable(record) || (record.ends_with('}') && count(['{', '[']) == count(['}', ']']))
}

/// The name, in quotes, of the field with which each record begins.
#[derive(Default)]
struct First(String);

impl First {
    fn of(list: &str) -> Option<Self> {
        let record = list[list.find('{')? + 1..].trim_start_matches(is_blank);
        let length = record.strip_prefix('"')?.find('"')?;
        Some(Self(record[..length + 2].to_owned()))
    }

    /// The commas after which a record begins.
    fn commas<'a>(&'a self, text: &'a str) -> impl Iterator<Item = usize> {
        text.match_indices(&self.0).filter_map(|(at, _)| self.comma(text, at))
    }

    /// The text's last record.
    fn last<'a>(&self, text: &'a str) -> &'a str {
        let comma = text.rmatch_indices(&self.0).find_map(|(at, _)| self.comma(text, at));
        text[comma.map_or(0, |comma| comma + 1)..].trim_matches(is_blank)
    }

    fn comma(&self, text: &str, at: usize) -> Option<usize> {
        let is_name = text[at + self.0.len()..].trim_start_matches(is_blank).starts_with(':');
        let before = text[..at].trim_end_matches(is_blank).strip_suffix('{')?;
        let comma = before.trim_end_matches(is_blank).strip_suffix(',')?.len();
        is_name.then_some(comma)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{entries, fields};

    #[test]
    fn records_are_told_apart_by_table() {
        let (a, c) = (r#"{"_id":"a","x":[1]}"#, r#"{"_id":"c","x":"y"}"#);
        for hidden in [
            r#"{"_id":"b","x":"5" screen"}"#,
            r#"{"_id":"b","x":"hello}"#,
            r#"{"_id":"b","x":hello"}"#,
            r#"{"_id":"b","x":"say "}" and "]", "{" "}"#,
            r#"{"_id":"b","x":"C:\"}"#,
            r#"{"_id":"b","x":"y"}}"#,
            r#"{"_id":"b","x":["y"}"#,
            r#"{"_id":"b","notes":[{"_id":"n1","t":"a "b" c"},{"_id":"n2"},{"_id":"n3"}]}"#,
            r#"{"_id":"b","notes":[{"_id":"n1"},{"_id":"n2"}]}"#,
        ] {
            for (list, found) in [
                (format!("[{a},{hidden},{c}]"), vec![a, hidden, c]),
                (format!("[{hidden} , {a}\n,\n{hidden},{c}]"), vec![hidden, a, hidden, c]),
                (format!("[ {a},{hidden} ]"), vec![a, hidden]),
                (format!("[{a}, null ,3,{hidden},{c}]"), vec![a, "null", "3", hidden, c]),
            ] {
                assert_eq!(entries(&list).collect::<Vec<_>>(), found, "{list}");
            }
        }
        for none in ["", "[]", "[null]", "{}", "[{}]", "[{a:1}]", "[\"{\"]"] {
            assert_eq!(entries(none).count(), 0, "{none}");
        }
    }

    #[test]
    fn an_answer_by_table() {
        let beside = [r#"{"success":true,"data":"#, r#","total":2,"errors":[],"meta":{"a":["x"]}}"#];
        for hidden in [r#"{"_id":"b","x":"5" screen"}"#, r#"{"_id":"b","tags":["t"],"x":"hello}"#] {
            let list = format!(r#"[{{"_id":"a"}},{hidden}]"#);
            let answer = [beside[0], &list, beside[1]].concat();
            let found =
                [("success", "true"), ("data", &list), ("total", "2"), ("errors", "[]"), ("meta", r#"{"a":["x"]}"#)];
            assert_eq!(fields(&answer), Some(found.to_vec()), "{answer}");
            assert_eq!(fields(&format!(r#"{{"data":{list}}}"#)), Some(vec![("data", list.as_str())]));
            for cut in [&answer[..answer.len() - 1], &format!("{answer} x"), &answer[1..], &answer[..40]] {
                assert_eq!(fields(cut), None, "{cut}");
            }
        }
        // The answer was cut within a record, just after the end of a list and an object in it.
        assert_eq!(fields(r#"{"success":true,"data":[{"_id":"a"},{"_id":"b","p":{"tags":["t"]}"#), None);
        assert_eq!(fields(r#"{"success":true,"data":[{"_id":"a"},{"_id":"b","p":{"tags":[{"_id":"t"}]}"#), None);
        assert_eq!(fields(r#"{"success":true,"data":[]"#), None);
    }

    #[test]
    fn many_faults_take_no_time() {
        let list = format!("[{}]", vec![r#"{"_id":"b","x":"5" "#; 200_000].join(","));
        assert_eq!(entries(&list).count(), 200_000);
        let ends = format!(r#"{{"data":[{{"_id":"b","x":"5" {}"#, r#""y":[],"#.repeat(200_000));
        assert_eq!(fields(&ends), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r#"[\[\]{}",:\\ aé0]*"#) {
            let list = format!(r#"[{{"a":1}},{text},{{"a":{text}}}]"#);
            let _ = entries(&list).count();
            let _ = fields(&format!(r#"{{"data":{list}}}"#));
            let _ = fields(&text);
        }
    }
}
