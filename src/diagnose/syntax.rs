//! Explains what is wrong with a text that is not TOML. It knows common mistakes: signs of other languages, missing
//! quotes, marks of word processors. It reports one mistake per line.

use std::ops::Range;

use super::decode::{unseen_in_code, within_quotes};

#[derive(Debug, PartialEq, Eq)]
pub(super) struct SyntaxMistake {
    pub span: Range<usize>,
    pub what: String,
    pub help: String,
}

/// Quotation marks by which word processors and chats replace the straight ones.
const TYPOGRAPHIC: [char; 12] = ['“', '”', '„', '‟', '‘', '’', '‚', '«', '»', '＂', '′', '″'];

/// Explains the parser's errors, in the order of the lines. `may_show`: the text holds no secret, so help may repeat
/// what was written.
pub(super) fn explain(text: &str, found: Vec<(Range<usize>, String)>, may_show: bool) -> Vec<SyntaxMistake> {
    if let Some(mistake) = another_language(text) {
        return vec![mistake];
    }
    let mut mistakes: Vec<(usize, SyntaxMistake)> = Vec::new();
    for (span, message) in found {
        let line = Line::at(text, span.start.min(text.len()));
        // The parser goes on after a mistake, and may report the rest of the same line as well.
        if !mistakes.iter().any(|(start, _)| *start == line.start) {
            mistakes.push((line.start, line.explain(text, span, &message, may_show)));
        }
    }
    mistakes.sort_by_key(|(start, _)| *start);
    mistakes.into_iter().map(|(_, mistake)| mistake).collect()
}

/// The mistake of a text that is written in another language as a whole.
fn another_language(text: &str) -> Option<SyntaxMistake> {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines().next()?;
    let at = text.find(first).unwrap_or_default();
    let of = |what: &str, help: &str| {
        Some(SyntaxMistake {
            span: at..at + first.len(),
            what: format!("this is {what}, not TOML"),
            help: help.to_owned(),
        })
    };
    if first.starts_with('{') {
        return of("JSON", "in TOML `\"key\": \"value\",` is `key = \"value\"`, and an object is a [table] of its own");
    }
    if first.starts_with('<') {
        return of("HTML or XML", "perhaps a web page was saved in place of the file");
    }
    let pair = |line: &&str| {
        let key = line.strip_prefix("- ").unwrap_or(line).split_once(':').map(|(key, rest)| (key.trim(), rest));
        key.is_some_and(|(key, rest)| is_key(key) && (rest.is_empty() || rest.starts_with(' ')))
    };
    let yaml = lines().filter(pair).count();
    let is_yaml = first == "---" || (yaml >= 2 && !text.contains('='));
    let help =
        "in TOML `key: value` is `key = \"value\"`, and an entry of a list under `notify:` is [[notify]] with its keys";
    if is_yaml && yaml > 0 { of("YAML", help) } else { None }
}

fn is_key(text: &str) -> bool {
    let text = text.trim_matches(['"', '\'']);
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c))
}

/// One line of the text, without its end.
struct Line<'a> {
    start: usize,
    text: &'a str,
}

impl<'a> Line<'a> {
    fn at(text: &'a str, byte: usize) -> Self {
        let mut byte = byte;
        while !text.is_char_boundary(byte) {
            byte -= 1;
        }
        let start = text[..byte].rfind('\n').map_or(0, |at| at + 1);
        let end = text[byte..].find('\n').map_or(text.len(), |at| byte + at);
        // A mistake at the end of the text belongs to its last line.
        if start == end && start > 0 && byte == text.len() {
            return Self::at(text, start - 1);
        }
        Self { start, text: &text[start..end] }
    }

    fn span(&self, from: usize, to: usize) -> Range<usize> {
        self.start + from..self.start + to
    }

    fn explain(&self, text: &str, span: Range<usize>, message: &str, may_show: bool) -> SyntaxMistake {
        let of = |span: Range<usize>, what: String, help: String| SyntaxMistake {
            span,
            what: format!("not valid TOML: {what}"),
            help,
        };
        let code = self.text.split(" #").next().unwrap_or(self.text);
        let mark = code.char_indices().find(|(_, c)| TYPOGRAPHIC.contains(c));
        let value = text.get(span.clone()).unwrap_or_default().trim();
        let show = |right: String, else_right: &str| if may_show { right } else { else_right.to_owned() };
        if let Some((at, mark)) = mark
            && !within_quotes(code, at)
        {
            let what = format!("`{mark}` is a typographic quotation mark");
            return of(self.span(at, at + mark.len_utf8()), what, "write the straight one: \"".to_owned());
        }
        if let Some((at, name)) = unseen_in_code(code) {
            let end = at + code[at..].chars().next().map_or(0, char::len_utf8);
            let help = "delete it, and type what belongs there".to_owned();
            return of(self.span(at, end), format!("a character that cannot be seen stands here: {name}"), help);
        }
        if message.starts_with("key with no value") || message.starts_with("invalid unquoted key") {
            let (at, what, help) = self.without_equals(may_show);
            return of(self.span(at, at), what, help);
        }
        // `null` and `none` begin like the number `nan`, so the parser reports them as wrong numbers.
        if message.starts_with("string values must be quoted") || message.starts_with("invalid float") {
            let (what, help) = unquoted(value, may_show);
            return of(span, what, help);
        }
        let (what, help) = match message.split(',').next().unwrap_or(message) {
            "invalid boolean" => ("true and false are written in small letters".to_owned(), show(format!("write {}", value.to_lowercase()), "write true or false")),
            "invalid literal string" | "invalid basic string" => (
                "the quotation mark is not closed in its line".to_owned(),
                "close it; a text of several lines stands between three of them".to_owned(),
            ),
            "extra `=`" => ("a key is set with one `=`".to_owned(), "`==` compares, in a condition; write one `=`".to_owned()),
            "duplicate key" => return self.twice(text, span, may_show),
            "missing comma between array elements" => {
                ("a comma is missing between two entries of the list".to_owned(), "write [\"one\", \"two\"]".to_owned())
            }
            "missing escaped value" => (
                "in \"…\" a `\\` begins an escape, and this is not one".to_owned(),
                "write `\\\\`, or put the text into '…', where `\\` is itself".to_owned(),
            ),
            "unclosed table" => ("the header is not closed".to_owned(), "write `]` at its end".to_owned()),
            "unclosed array table" => ("the header is not closed".to_owned(), "write `]]` at its end".to_owned()),
            "unexpected key or value" => match self.text.get(span.start.saturating_sub(self.start)..).map(str::trim_start) {
                Some(rest) if rest.starts_with([',', ';']) => {
                    ("nothing may follow a value".to_owned(), format!("take the `{}` out: every key has a line of its own", &rest[..1]))
                }
                _ if self.text.matches('\'').count() >= 3 => (
                    "the text ends before this place".to_owned(),
                    "a text with a `'` in it stands between two \"".to_owned(),
                ),
                _ => (
                    "nothing may follow a value".to_owned(),
                    "every key has a line of its own, a comment begins with `#`, and a text with one kind of quotation marks in it \
                     stands between the other".to_owned(),
                ),
            },
            "invalid datetime" => ("a time or a range of times is a text".to_owned(), "put it into quotes".to_owned()),
            "unquoted keys cannot be empty" => ("the name of the key is missing".to_owned(), "write key = value".to_owned()),
            _ => (message.to_owned(), "see https://toml.io for how TOML is written".to_owned()),
        };
        of(span, what, help)
    }

    /// Explains a line in which a key has no `=`: its place in the line, what is wrong, what would be right.
    fn without_equals(&self, may_show: bool) -> (usize, String, String) {
        let indent = self.text.len() - self.text.trim_start().len();
        let line = self.text.trim();
        for sign in ["//", "--", ";", "/*"] {
            if line.starts_with(sign) {
                return (indent, format!("`{sign}` does not begin a comment"), "a comment begins with `#`".to_owned());
            }
        }
        if line.starts_with("- ") {
            let help = "a list is written as [\"one\", \"two\"], a step of a rule as [[notify]]".to_owned();
            return (indent, "this is an entry of a list as YAML writes it".to_owned(), help);
        }
        let pair = |key: &str, rest: &str| {
            if !may_show || key.is_empty() {
                return "write key = value".to_owned();
            }
            let rest = rest.trim();
            let is_value = rest.starts_with(['"', '\'', '[', '{'])
                || rest.parse::<f64>().is_ok()
                || matches!(rest, "true" | "false");
            if rest.is_empty() {
                format!("write {key} = and its value")
            } else if is_value {
                format!("write {key} = {rest}")
            } else {
                format!("write {key} = \"{rest}\"")
            }
        };
        if let Some((key, rest)) = line.split_once(':').filter(|(key, _)| is_key(key.trim())) {
            let at = indent + key.len();
            return (at, "`:` stands where TOML has `=`".to_owned(), pair(key.trim(), rest));
        }
        let (key, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        (indent + key.len(), "`=` is missing between a key and its value".to_owned(), pair(key, rest))
    }

    /// Explains a key or table that exists already.
    fn twice(&self, text: &str, span: Range<usize>, may_show: bool) -> SyntaxMistake {
        let name = text.get(span.clone()).unwrap_or_default();
        let is_header = self.text.trim_start().starts_with('[');
        let before = text[..self.start].lines().enumerate().find(|(_, line)| {
            let line = line.trim();
            let header = line.trim_start_matches('[').split(']').next().unwrap_or_default().trim();
            let key = line.split('=').next().unwrap_or_default().trim();
            if is_header { line.starts_with('[') && header == name || key == name } else { key == name }
        });
        let first = before.map_or(String::new(), |(number, _)| format!(", first in line {}", number + 1));
        let named = if may_show { format!("`{name}`") } else { "this".to_owned() };
        let help = match (is_header, name) {
            (true, "notify") => "each step is a [[notify]], with two brackets".to_owned(),
            (true, _) => "put its keys together under one header".to_owned(),
            _ => "remove one of the two".to_owned(),
        };
        SyntaxMistake { span, what: format!("not valid TOML: {named} stands here a second time{first}"), help }
    }
}

/// Explains a value without quotes: what is wrong, what would be right.
fn unquoted(value: &str, may_show: bool) -> (String, String) {
    let show = |right: String| if may_show { format!("write {right}") } else { "put it into quotes".to_owned() };
    if value.is_empty() {
        return ("the value is missing".to_owned(), "write key = value, or leave the key out".to_owned());
    }
    if let Some(sign) = [" //", " ;", " --"].into_iter().find(|sign| value.contains(sign)) {
        return (format!("`{}` does not begin a comment", sign.trim()), "a comment begins with `#`".to_owned());
    }
    if value.starts_with('(') {
        return ("a list stands in square brackets".to_owned(), "write [\"one\", \"two\"]".to_owned());
    }
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    match value.to_lowercase().as_str() {
        "yes" | "on" => ("this is not a value".to_owned(), "write true".to_owned()),
        "no" | "off" => ("this is not a value".to_owned(), "write false".to_owned()),
        "none" | "null" | "nil" => ("this is not a value".to_owned(), "leave the key out".to_owned()),
        lower if digits > 0 && lower[digits..].trim_start().starts_with(['m', 's', 'h', 'd', 'w']) => {
            ("a duration is a text and stands in quotes".to_owned(), show(format!("\"{value}\"")))
        }
        _ => ("a text stands in quotes".to_owned(), show(format!("\"{}\"", value.trim_matches(['"', '\''])))),
    }
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::explain;

    /// Every mistake as `LINE:COLUMN WHAT (HELP)`.
    fn said(text: &str, may_show: bool) -> Vec<String> {
        let (_, wrong) = DeTable::parse_recoverable(text);
        let wrong = wrong.into_iter().map(|error| (error.span().unwrap_or(0..0), error.message().to_owned())).collect();
        let source = crate::diagnose::Source::new("a.toml", text);
        let place = |byte| source.position(byte);
        explain(text, wrong, may_show)
            .into_iter()
            .map(|mistake| {
                let (line, column) = place(mistake.span.start);
                format!("{line}:{column} {} ({})", mistake.what.replace("not valid TOML: ", ""), mistake.help)
            })
            .collect()
    }

    #[test]
    fn one_mistake_in_its_own_words() {
        for (text, wanted) in [
            ("severity \"warning\"\n", "1:9 `=` is missing between a key and its value (write severity = \"warning\")"),
            ("severity warning\n", "1:9 `=` is missing between a key and its value (write severity = \"warning\")"),
            ("enabled\n", "1:8 `=` is missing between a key and its value (write enabled = and its value)"),
            ("severity: \"warning\"\n", "1:9 `:` stands where TOML has `=` (write severity = \"warning\")"),
            ("a = 1\nto: [\"support\"]\n", "2:3 `:` stands where TOML has `=` (write to = [\"support\"])"),
            ("severity = warning\n", "1:12 a text stands in quotes (write \"warning\")"),
            ("to = [support, \"leads\"]\n", "1:7 a text stands in quotes (write \"support\")"),
            ("for = 5m\n", "1:7 a duration is a text and stands in quotes (write \"5m\")"),
            ("for = 1h 30m\n", "1:7 a duration is a text and stands in quotes (write \"1h 30m\")"),
            ("severity = “warning”\n", "1:12 `“` is a typographic quotation mark (write the straight one: \")"),
            ("severity = ‘warning’\n", "1:12 `‘` is a typographic quotation mark (write the straight one: \")"),
            ("severity = \"warning”\n", "1:20 `”` is a typographic quotation mark (write the straight one: \")"),
            (
                "severity = 'warning\n",
                "1:20 the quotation mark is not closed in its line (close it; a text of several lines stands between three of them)",
            ),
            ("enabled = True\n", "1:11 true and false are written in small letters (write true)"),
            ("enabled = yes\n", "1:11 this is not a value (write true)"),
            ("when = null\n", "1:8 this is not a value (leave the key out)"),
            ("to = (\"support\")\n", "1:6 a list stands in square brackets (write [\"one\", \"two\"])"),
            (
                "to = [\"a\" \"b\"]\n",
                "1:11 a comma is missing between two entries of the list (write [\"one\", \"two\"])",
            ),
            ("severity == \"info\"\n", "1:11 a key is set with one `=` (`==` compares, in a condition; write one `=`)"),
            ("a = \"b\",\n", "1:8 nothing may follow a value (take the `,` out: every key has a line of its own)"),
            ("a = \"b\";\n", "1:8 nothing may follow a value (take the `;` out: every key has a line of its own)"),
            ("when = 'it's'\n", "1:12 the text ends before this place (a text with a `'` in it stands between two \")"),
            ("// later\na = 1\n", "1:1 `//` does not begin a comment (a comment begins with `#`)"),
            ("a = 1 // later\n", "1:5 `//` does not begin a comment (a comment begins with `#`)"),
            ("[filter\na = 1\n", "1:8 the header is not closed (write `]` at its end)"),
            (
                "[filter]\na = 1\n\n[filter]\nb = 1\n",
                "4:2 `filter` stands here a second time, first in line 1 (put its keys together under one header)",
            ),
            (
                "[notify]\na = 1\n[[notify]]\nb = 1\n",
                "3:3 `notify` stands here a second time, first in line 1 (each step is a [[notify]], with two brackets)",
            ),
            ("a = 1\na = 2\n", "2:1 `a` stands here a second time, first in line 1 (remove one of the two)"),
            (
                "a = \u{a0}1\n",
                "1:5 a character that cannot be seen stands here: no-break space (U+00A0) (delete it, and type what belongs there)",
            ),
            (
                "a\u{200b} = 1\n",
                "1:2 a character that cannot be seen stands here: zero-width space (U+200B) (delete it, and type what belongs there)",
            ),
            ("a = \n", "1:5 the value is missing (write key = value, or leave the key out)"),
            (
                "a = \"\\d+\"\n",
                "1:7 in \"…\" a `\\` begins an escape, and this is not one (write `\\\\`, or put the text into '…', where `\\` is itself)",
            ),
        ] {
            assert_eq!(said(text, true), [wanted], "{text}");
        }
        assert_eq!(said("a = b\nc = d\ne = 5m\n", true).len(), 3, "every line has its own");
    }

    #[test]
    fn another_language_is_one_mistake() {
        for (text, wanted) in [
            ("---\ndescription: x\nnotify:\n  - to: [support]\n", "1:1 this is YAML, not TOML"),
            ("# mine\nseverity: warning\nfor: 5m\n", "2:1 this is YAML, not TOML"),
            ("{\n  \"severity\": \"warning\"\n}\n", "1:1 this is JSON, not TOML"),
            ("<!DOCTYPE html>\n<html></html>\n", "1:1 this is HTML or XML, not TOML"),
        ] {
            let [mistake] = said(text, true).try_into().unwrap();
            assert!(mistake.starts_with(wanted), "{mistake}");
        }
    }

    #[test]
    fn no_value_is_repeated_where_it_may_be_a_secret() {
        for text in [
            "token hunter2\n",
            "token: hunter2\n",
            "token = hunter2\n",
            "hunter2\n",
            "token = \"a\"\ntoken = \"hunter2\"\n",
            "hunter2 = 1\nhunter2 = 2\n",
            "token = “hunter2”\n",
            "token = hunter2s\n",
            "token = 2hunter2\n",
            "- hunter2: x\n",
        ] {
            let said = said(text, false);
            assert!(!said.is_empty() && !said.iter().any(|said| said.contains("hunter2")), "{text}: {said:?}");
        }
    }
}
