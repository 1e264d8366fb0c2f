//! Recognizes forms of SQL, spreadsheets and word processors. They are reported with the right form, in place of the
//! parser's error.

mod tokens;

use self::tokens::{Token, TokenKind, brackets, mistake, tokens};
use super::{ConditionMistake, forms::as_seconds};

/// The mistake and the help for a word of another language that stands for a value or an operator.
pub(super) fn word(name: &str) -> Option<(String, String)> {
    let is = |what: &str, help: &str| Some((format!("`{name}` {what}"), help.to_owned()));
    match name.to_ascii_lowercase().as_str() {
        lower @ ("true" | "false") if lower != name => {
            is("is not a name that a condition knows", &format!("write `{lower}`"))
        }
        "yes" | "on" => is("is not a name that a condition knows", "write `true`"),
        "no" | "off" => is("is not a name that a condition knows", "write `false`"),
        "null" | "nil" | "none" | "undefined" | "blank" => {
            is("is not a value here: an absent field has the empty value", "compare with `\"\"`, `0` or `false`")
        }
        "and" => is("is not an operator here", "write `&&`"),
        "or" => is("is not an operator here", "write `||`"),
        "not" => is("is not an operator here", "write `!`"),
        "now" | "today" | "yesterday" => is(
            "is not a name that a condition knows",
            "write how long ago a time was, like `since(lastMessage.at) < hours(1)`",
        ),
        _ => None,
    }
}

/// All such mistakes of a text that cannot be parsed.
pub(super) fn mistakes(text: &str) -> Vec<ConditionMistake> {
    let mut found = Vec::new();
    let tokens = tokens(text, &mut found);
    let mut at = 0;
    while at < tokens.len() {
        at += look(text, &tokens, at, &mut found).max(1);
    }
    // Brackets after a quote that is not closed cannot be counted.
    if found.is_empty() {
        brackets(&tokens, &mut found);
    }
    found.sort_by_key(|mistake| mistake.span.start);
    found
}

/// Looks at one token; returns how many tokens belong to what was found.
// Long because it is a table of words.
#[allow(clippy::too_many_lines)]
fn look(text: &str, tokens: &[Token<'_>], at: usize, found: &mut Vec<ConditionMistake>) -> usize {
    let token = tokens[at];
    let next = tokens.get(at + 1).copied();
    let before = at.checked_sub(1).map(|at| tokens[at]);
    let span = token.at..token.at + token.text.len();
    let word = |token: Option<Token<'_>>| token.map(|token| token.text.to_ascii_lowercase()).unwrap_or_default();
    match token.kind {
        TokenKind::Quoted => 1,
        TokenKind::Sign => {
            sign(token, span, next, found);
            1
        }
        TokenKind::Number => number(token, next, found),
        TokenKind::Word => {
            if before.is_some_and(|before| before.text == ".") {
                return 1;
            }
            let calls = next.is_some_and(|next| next.text == "(");
            let left = before.filter(|before| before.kind != TokenKind::Sign || matches!(before.text, ")" | "]"));
            let subject = subject(text, tokens, at);
            let after = |skip: usize| tokens.get(at + skip).map_or("…", |token| token.text);
            let to = |skip: usize| tokens.get(at + skip - 1).map_or(span.end, |token| token.at + token.text.len());
            match word(Some(token)).as_str() {
                // In spreadsheets they are functions.
                name @ ("and" | "or") => {
                    let sign = if name == "and" { "&&" } else { "||" };
                    let form = if calls && left.is_none() { format!("`a {sign} b`") } else { format!("`{sign}`") };
                    found.push(mistake(
                        span,
                        format!("`{}` is not an operator here", token.text),
                        format!("write {form}"),
                    ));
                    1
                }
                "not" if word(next) == "in" => {
                    let help = format!("write `!({subject} in {})`", rest_of(text, tokens, at + 2));
                    found.push(mistake(span.start..to(2), "`not in` is not an operator here", help));
                    2
                }
                "not" if matches!(word(next).as_str(), "like" | "contains") => {
                    let help = format!("write `!{subject}.contains({})`", after(2));
                    found.push(mistake(
                        span.start..to(2),
                        format!("`{} {}` is not an operator here", token.text, after(1)),
                        help,
                    ));
                    3
                }
                "not" => {
                    let help = if calls { "write `!(…)`".to_owned() } else { format!("write `!{}`", after(1)) };
                    found.push(mistake(span, format!("`{}` is not an operator here", token.text), help));
                    1
                }
                "xor" => {
                    found.push(mistake(span, "`xor` is not an operator here", "write `!=` between the two"));
                    1
                }
                "is" if left.is_some() => is_words(token, tokens, at, &subject, found),
                name @ ("contains" | "startswith" | "endswith" | "matches" | "like" | "ilike" | "includes" | "has")
                    if left.is_some() && !calls =>
                {
                    let method = match name {
                        "startswith" => "startsWith",
                        "endswith" => "endsWith",
                        "matches" => "matches",
                        _ => "contains",
                    };
                    let value = after(1).replace('%', "");
                    let help = if value == "…" {
                        format!("write `{subject}.{method}(\"…\")`")
                    } else {
                        format!("write `{subject}.{method}({value})`; in a list: `{value} in {subject}`")
                    };
                    found.push(mistake(span, format!("`{}` does not stand between two values here", token.text), help));
                    2
                }
                "between" if left.is_some() => {
                    let help = format!("write `{subject} >= {} && {subject} <= {}`", after(1), after(3));
                    found.push(mistake(span, format!("`{}` is not an operator here", token.text), help));
                    4
                }
                name @ ("eq" | "equals" | "equal" | "ne" | "gt" | "lt" | "ge" | "gte" | "le" | "lte")
                    if left.is_some() && !calls =>
                {
                    let sign = match name {
                        "ne" => "!=",
                        "gt" => ">",
                        "lt" => "<",
                        "ge" | "gte" => ">=",
                        "le" | "lte" => "<=",
                        _ => "==",
                    };
                    found.push(mistake(
                        span,
                        format!("`{}` is not an operator here", token.text),
                        format!("write `{sign}`"),
                    ));
                    1
                }
                "in" if calls && left.is_some() => {
                    let close = tokens.iter().skip(at).find(|token| token.text == ")");
                    let inside = close.and_then(|close| text.get(to(2)..close.at)).unwrap_or("…");
                    if inside.contains(',') || inside.contains('"') {
                        let help = format!("write `{subject} in [{}]`", inside.trim());
                        found.push(mistake(to(2) - 1..to(2), "a list stands in `[ ]` here", help));
                    }
                    1
                }
                "if" | "when" | "where" | "select" | "unless" if at == 0 && !calls => {
                    found.push(mistake(
                        span,
                        format!("a condition does not begin with `{}`", token.text),
                        "write only what must hold, like `unreadMessages > 0`",
                    ));
                    1
                }
                name @ ("true" | "false") if token.text != name => {
                    found.push(mistake(
                        span,
                        format!("`{}` is not a name that a condition knows", token.text),
                        format!("write `{name}`"),
                    ));
                    1
                }
                _ => 1,
            }
        }
    }
}

/// Reports `is null`, `is not empty`, `is true`, `is "x"`.
fn is_words(
    token: Token<'_>,
    tokens: &[Token<'_>],
    at: usize,
    subject: &str,
    found: &mut Vec<ConditionMistake>,
) -> usize {
    let lower = |skip: usize| tokens.get(at + skip).map(|token| token.text.to_ascii_lowercase()).unwrap_or_default();
    let not = usize::from(lower(1) == "not");
    let value = tokens.get(at + 1 + not).map_or("…", |token| token.text);
    let sign = if not == 1 { "!=" } else { "==" };
    let (length, help) = match lower(1 + not).as_str() {
        "null" | "nil" | "none" | "empty" | "blank" | "unknown" | "undefined" => (
            2 + not,
            format!(
                "write `{subject} {sign} \"\"`: an absent field has the empty value (`0` for a number, `false` for a flag)"
            ),
        ),
        "true" => (2 + not, if not == 1 { format!("write `!{subject}`") } else { format!("write `{subject}`") }),
        "false" => (2 + not, if not == 1 { format!("write `{subject}`") } else { format!("write `!{subject}`") }),
        _ => (1 + not, format!("write `{subject} {sign} {value}`")),
    };
    let last = tokens[(at + length - 1).min(tokens.len() - 1)];
    let words: Vec<&str> = tokens[at..(at + length).min(tokens.len())].iter().map(|token| token.text).collect();
    found.push(mistake(
        token.at..last.at + last.text.len(),
        format!("`{}` is not an operator here", words.join(" ")),
        help,
    ));
    length
}

fn sign(token: Token<'_>, span: std::ops::Range<usize>, next: Option<Token<'_>>, found: &mut Vec<ConditionMistake>) {
    let value = next.map_or("…", |next| next.text);
    let (what, help) = match token.text {
        "=" | ":=" => (format!("`{}` does not compare", token.text), format!("`==` compares: write `== {value}`")),
        "===" => ("`===` is not an operator here".to_owned(), "`==` compares".to_owned()),
        "!==" | "<>" | "≠" | "^=" | "~=" => {
            (format!("`{}` is not an operator here", token.text), "write `!=`".to_owned())
        }
        "=<" | "≤" | "⩽" => (format!("`{}` is not an operator here", token.text), "write `<=`".to_owned()),
        "=>" | "≥" | "⩾" => (format!("`{}` is not an operator here", token.text), "write `>=`".to_owned()),
        "=~" => ("`=~` is not an operator here".to_owned(), "write `.matches(\"…\")`".to_owned()),
        "&" => ("`&` is not an operator here".to_owned(), "write `&&`".to_owned()),
        "|" => ("`|` is not an operator here".to_owned(), "write `||`".to_owned()),
        "∧" => ("`∧` is not an operator here".to_owned(), "write `&&`".to_owned()),
        "∨" => ("`∨` is not an operator here".to_owned(), "write `||`".to_owned()),
        "¬" | "~" => (format!("`{}` is not an operator here", token.text), "write `!`".to_owned()),
        "×" | "∗" => (format!("`{}` is not an operator here", token.text), "write `*`".to_owned()),
        "÷" => ("`÷` is not an operator here".to_owned(), "write `/`".to_owned()),
        "–" | "—" | "−" => (format!("`{}` is a typographic dash", token.text), "write `-`".to_owned()),
        ";" => (
            "`;` does not separate anything here".to_owned(),
            "write `&&` between conditions, `,` between values".to_owned(),
        ),
        "#" => ("`#` does not begin a comment inside a condition".to_owned(), "write `//` before it".to_owned()),
        "{{" => (
            "`{{` belongs to templates".to_owned(),
            "write the field's name alone, like `unreadMessages > 0`".to_owned(),
        ),
        "$" | "@" => {
            (format!("`{}` does not begin a name here", token.text), "write the field's name alone".to_owned())
        }
        _ => return,
    };
    found.push(mistake(span, what, help));
}

/// Reports `5m`, `1h30m`, `5 minutes`, `1_000` and the like.
fn number(token: Token<'_>, next: Option<Token<'_>>, found: &mut Vec<ConditionMistake>) -> usize {
    let span = token.at..token.at + token.text.len();
    let digits = token.text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(token.text.len());
    let unit = &token.text[digits..];
    let hexadecimal = token.text.starts_with("0x");
    if unit.is_empty() {
        let Some(next) = next.filter(|next| next.kind == TokenKind::Word) else { return 1 };
        let whole = format!("{} {}", token.text, next.text);
        if let Some(seconds) = as_seconds(&whole.to_ascii_lowercase()) {
            let end = next.at + next.text.len();
            found.push(mistake(
                span.start..end,
                format!("`{whole}` is not a number"),
                format!("a duration is written `{seconds}`"),
            ));
            return 2;
        }
        return 1;
    }
    if let Some(seconds) = as_seconds(&token.text.to_ascii_lowercase()) {
        found.push(mistake(
            span,
            format!("`{}` is not a number", token.text),
            format!("a duration is written `{seconds}`"),
        ));
    } else if unit.contains('_') && token.text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') {
        found.push(mistake(
            span,
            format!("`{}` is not a number", token.text),
            format!("write `{}`", token.text.replace('_', "")),
        ));
    } else if !hexadecimal && !matches!(unit, "u" | "U") && !unit.starts_with(['e', 'E']) {
        found.push(mistake(
            span,
            format!("`{}` is not a number", token.text),
            "write the digits alone; a duration is `minutes(5)`",
        ));
    }
    1
}

/// The operand before an operator: a name with its fields, or a part in brackets.
fn subject(text: &str, tokens: &[Token<'_>], at: usize) -> String {
    let mut first = at;
    let mut depth = 0_usize;
    while let Some(before) = first.checked_sub(1).map(|at| tokens[at]) {
        let follows = tokens[first].text;
        let joined = first == at || matches!(follows, "." | "[" | "(") || before.text == ".";
        match before.text {
            ")" | "]" if depth > 0 || joined => depth += 1,
            "(" | "[" if depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            _ if joined && (before.kind != TokenKind::Sign || before.text == ".") => {}
            _ => break,
        }
        first -= 1;
    }
    let subject = tokens.get(first).and_then(|token| text.get(token.at..tokens[at].at)).unwrap_or_default().trim();
    if subject.is_empty() { "…".to_owned() } else { subject.to_owned() }
}

/// The value that begins at a token; round brackets become square ones.
fn rest_of(text: &str, tokens: &[Token<'_>], at: usize) -> String {
    let Some(first) = tokens.get(at) else { return "…".to_owned() };
    let end = if matches!(first.text, "[" | "(") {
        tokens[at..].iter().find(|token| matches!(token.text, "]" | ")")).map_or(text.len(), |token| token.at + 1)
    } else {
        first.at + first.text.len()
    };
    text.get(first.at..end).unwrap_or("…").replace('(', "[").replace(')', "]")
}
