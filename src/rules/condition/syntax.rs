//! Explains the parser's errors, and finds the parts of a condition that do not become true by time alone.

use cel::{
    ParseErrors,
    common::ast::{Expr, IdedExpr},
};

use super::{ConditionMistake, forms, mistakes, spelling};

/// The mistakes of a text that cannot be parsed: known forms of other languages, else the parser's first error.
pub(super) fn of_parser(text: &str, errors: &ParseErrors) -> Vec<ConditionMistake> {
    let known = spelling::mistakes(text);
    if !known.is_empty() {
        return known;
    }
    let mut found: Vec<ConditionMistake> = errors
        .errors
        .iter()
        .map(|error| {
            let at = offset(text, error.pos);
            let has = error.msg.contains("has() macro").then(|| forms::macro_form("has"));
            if let Some((what, help)) = has {
                let at = text.find("has").unwrap_or(at);
                return ConditionMistake { span: at..(at + 3).min(text.len()), what, help: Some(help) };
            }
            let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
            ConditionMistake::at(at..end, mistakes::not_cel(&plainly(&error.msg)))
        })
        .collect();
    // One mistake often causes several errors of the parser.
    found.truncate(1);
    found
}

/// The first line of the parser's message, without the list of expected tokens.
fn plainly(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default().trim_start_matches("Syntax error: ");
    let line = line.split(" expecting ").next().unwrap_or(line);
    if line.contains("'<EOF>'") { "something is missing at the end".to_owned() } else { line.to_owned() }
}

/// The byte of the parser's line and column (both from 1, the column in characters).
fn offset(text: &str, (line, column): (isize, isize)) -> usize {
    let line = usize::try_from(line).unwrap_or(1).max(1);
    let column = usize::try_from(column).unwrap_or(1).max(1);
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    text[start..].char_indices().nth(column - 1).map_or(text.len(), |(at, _)| start + at)
}

/// The operands of the top-level `&&` that time alone cannot make true: those that do not read the clock, and
/// those like `since(lastMessage.at) < days(3)`, which can only become false as time passes.
pub(super) fn steady(node: &IdedExpr) -> Vec<IdedExpr> {
    if let Expr::Call(call) = &node.expr {
        if call.func_name == "_&&_" {
            return call.args.iter().flat_map(steady).collect();
        }
        if let ("_<_" | "_<=_" | "@<" | "@<=", [left, right]) = (call.func_name.as_str(), call.args.as_slice())
            && is_elapsed(left)
            && !has_clock(right)
        {
            return vec![node.clone()];
        }
    }
    if has_clock(node) { Vec::new() } else { vec![node.clone()] }
}

fn is_elapsed(node: &IdedExpr) -> bool {
    match &node.expr {
        Expr::Ident(name) => name == "waiting",
        Expr::Call(call) => call.func_name == "since" && call.args.iter().all(|argument| !has_clock(argument)),
        _ => false,
    }
}

fn has_clock(node: &IdedExpr) -> bool {
    let references = node.references();
    references.has_function("since") || references.has_variable("waiting") || references.has_variable("open")
}
