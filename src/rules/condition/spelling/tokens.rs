//! Splits a condition into tokens, and reports wrong quotes and brackets that do not match.

use crate::rules::condition::ConditionMistake;

/// One token of a condition, with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) at: usize,
    pub(super) text: &'a str,
    pub(super) kind: TokenKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Word,
    Number,
    Quoted,
    Sign,
}

/// Quotation marks that are not valid in a condition.
const OPENING: [char; 15] = ['“', '”', '„', '‟', '‘', '’', '‚', '‛', '«', '»', '‹', '›', '＂', '`', '´'];

/// The tokens of a condition; wrong quotation marks are added to `found`.
pub(super) fn tokens<'a>(text: &'a str, found: &mut Vec<ConditionMistake>) -> Vec<Token<'a>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        } else if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        } else if c == '"' || c == '\'' {
            let length = quoted(rest, c);
            if length.is_none() {
                let shown = rest.lines().next().unwrap_or(rest).trim_end();
                let what = "this text has no closing quote";
                // The help closes the quote after the first word.
                let end = shown[1..].find([' ', ')', ']', ',', '&', '|']).map_or(shown.len(), |end| end + 1);
                found.push(mistake(at..at + c.len_utf8(), what, format!("close it: {}{c}", &shown[..end])));
                return tokens;
            }
            length.unwrap_or(rest.len())
        } else if OPENING.contains(&c) {
            let inside = &rest[c.len_utf8()..];
            // The closing quotation mark, and the text between.
            let close = inside.find(|c| OPENING.contains(&c) || c == '"' || c == '\n');
            let closes = close.and_then(|at| inside[at..].chars().next()).filter(|c| *c != '\n');
            let word = &inside[..close.unwrap_or(0)];
            let help = if closes.is_some() {
                format!("write \"{word}\"")
            } else {
                "write straight quotes, like \"user\"".to_owned()
            };
            let what = match c {
                '`' | '´' => "a text does not stand in backticks".to_owned(),
                c => format!("`{c}` is a typographic quote, as word processors make them"),
            };
            found.push(mistake(at..at + c.len_utf8(), what, help));
            c.len_utf8() + closes.map_or(0, |end| word.len() + end.len_utf8())
        } else if c.is_ascii_digit() {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '.' && c != '_').unwrap_or(rest.len());
            let end = if rest[..end].ends_with('.') { end - 1 } else { end };
            end.max(1)
        } else if c.is_alphabetic() || c == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else {
            let signs =
                ["!==", "===", "==", "!=", "<=", ">=", "<>", "=<", "=>", "=~", ":=", "&&", "||", "**", "{{", "}}"];
            signs.iter().find(|sign| rest.starts_with(**sign)).map_or(c.len_utf8(), |sign| sign.len())
        };
        let kind = match c {
            c if c.is_ascii_digit() => TokenKind::Number,
            c if c.is_alphabetic() || c == '_' => TokenKind::Word,
            '"' | '\'' => TokenKind::Quoted,
            c if OPENING.contains(&c) => TokenKind::Quoted,
            _ => TokenKind::Sign,
        };
        tokens.push(Token { at, text: &rest[..length], kind });
        at += length;
    }
    tokens
}

/// The length of a quoted text with its quotes, in bytes; `None`: it is not closed.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let triple = quote.to_string().repeat(3);
    if rest.starts_with(&triple) {
        return rest[3..].find(&triple).map(|at| at + 6);
    }
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '\n' => return None,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Reports the first bracket that does not match, or else the last one that is not closed.
pub(super) fn brackets(tokens: &[Token<'_>], found: &mut Vec<ConditionMistake>) {
    let mut open: Vec<Token<'_>> = Vec::new();
    let closing = |open: &str| match open {
        "(" => ")",
        "[" => "]",
        _ => "}",
    };
    for token in tokens.iter().filter(|token| token.kind == TokenKind::Sign) {
        match token.text {
            "(" | "[" | "{" => open.push(*token),
            ")" | "]" | "}" => match open.pop() {
                Some(opened) if closing(opened.text) == token.text => {}
                Some(opened) => {
                    let what = format!("`{}` closes a `{}`", token.text, opened.text);
                    return found.push(mistake(
                        token.at..token.at + 1,
                        what,
                        format!("write `{}`", closing(opened.text)),
                    ));
                }
                None => {
                    let what = format!("`{}` closes a bracket that was not opened", token.text);
                    return found.push(mistake(token.at..token.at + 1, what, "take it out, or open one before"));
                }
            },
            _ => {}
        }
    }
    if let Some(opened) = open.pop() {
        let what = format!("`{}` is not closed", opened.text);
        found.push(mistake(opened.at..opened.at + 1, what, format!("close it with `{}`", closing(opened.text))));
    }
}

pub(super) fn mistake(
    span: std::ops::Range<usize>,
    what: impl Into<String>,
    help: impl Into<String>,
) -> ConditionMistake {
    ConditionMistake { span, what: what.into(), help: Some(help.into()) }
}
