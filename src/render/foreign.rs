//! Reports tags that are not closed, and the syntax of other template languages, before the parser fails at another
//! place, or the text is sent as it is.

use std::{ops::Range, sync::Arc};

use super::context::{shape_of_alert, shape_of_message};
use crate::diagnose::{Diagnostic, Source, decode::unseen_in_code};

/// Tags that end a block in other languages.
const ENDS: [&str; 9] = ["end", "endif", "endfor", "endeach", "endforeach", "endunless", "endwith", "fi", "done"];

/// Spellings of `else if`.
const ELSE_IFS: [&str; 4] = ["elseif", "elif", "elsif", "else_if"];

/// Helpers that are used as blocks.
const BLOCKS: [&str; 4] = ["if", "unless", "each", "with"];

/// Comparisons of other languages, and the helpers that replace them here.
const SIGNS: [(&str, &str); 8] = [
    ("==", "(eq a b)"),
    ("!=", "(ne a b)"),
    (">=", "(gte a b)"),
    ("<=", "(lte a b)"),
    ("&&", "(and a b)"),
    ("||", "(or a b)"),
    (" > ", "(gt a b)"),
    (" < ", "(lt a b)"),
];

/// A block that is not closed yet.
struct Open<'a> {
    name: &'a str,
    tag: Range<usize>,
}

struct Scan<'a, 'f> {
    source: &'a Arc<Source>,
    text: &'a str,
    open: Vec<Open<'a>>,
    /// Tags like `{{if …}}`, which should begin with `#`.
    bare: Vec<Open<'a>>,
    names: Vec<String>,
    found: &'f mut Vec<Diagnostic>,
}

/// Reports such tags; returns whether there were none.
pub(super) fn check(source: &Arc<Source>, found: &mut Vec<Diagnostic>) -> bool {
    let before = found.len();
    let names = shape_of_message().paths().into_iter().chain(shape_of_alert().paths()).collect();
    let mut scan = Scan { source, text: &source.text, open: Vec::new(), bare: Vec::new(), names, found };
    scan.run();
    found.len() == before
}

impl<'a> Scan<'a, '_> {
    fn error(&mut self, span: Range<usize>, title: impl Into<String>, help: impl Into<String>) {
        self.found.push(Diagnostic::error(self.source, span, crate::diagnose::Wording::new(title)).help(help));
    }

    fn run(&mut self) {
        let mut at = 0;
        while let Some(start) = self.text[at..].find("{{").map(|found| at + found) {
            self.plain(at, start);
            // A raw block may contain anything; a tag after a backslash is text.
            if self.text[start..].starts_with("{{{{") {
                return;
            }
            if self.text[..start].ends_with('\\') {
                at = start + 2;
                continue;
            }
            let Some(end) = self.end_of(start) else { return };
            self.tag(start..end);
            at = end;
        }
        self.plain(at, self.text.len());
        for Open { name, tag } in std::mem::take(&mut self.open) {
            let title = format!("not valid Handlebars: {{{{#{name} …}}}} is not closed");
            self.error(tag, title, format!("write {{{{/{name}}}}} where its part ends"));
        }
    }

    /// Returns the end of the tag, or reports that it is not closed.
    fn end_of(&mut self, start: usize) -> Option<usize> {
        let rest = &self.text[start..];
        let inside = rest.trim_start_matches('{').trim_start_matches('~');
        let close = if inside.starts_with("!--") {
            rest.find("--}}").map(|found| found + 4).or_else(|| rest.find("--~}}").map(|found| found + 5))
        } else {
            rest.find("}}").map(|found| {
                // `}}}` closes a tag only if `{{{` opened it.
                found + 2 + usize::from(rest[found + 2..].starts_with('}') && rest.starts_with("{{{"))
            })
        };
        let next = rest[2..].find("{{").map(|found| found + 2);
        let is_comment = inside.starts_with('!');
        match close {
            Some(close) if is_comment || next.is_none_or(|next| next >= close || rest[..next].ends_with('{')) => {
                Some(start + close)
            }
            _ => {
                let line = rest.find('\n').unwrap_or(rest.len());
                let title = "not valid Handlebars: this {{ is not closed";
                self.error(start..start + line, title, "write }} where the tag ends");
                None
            }
        }
    }

    fn tag(&mut self, tag: Range<usize>) {
        let whole = &self.text[tag.clone()];
        let inner = whole.trim_matches(['{', '}']).trim_matches('~').trim();
        if inner.starts_with(['!', '>']) {
            return;
        }
        if let Some(name) = inner.strip_prefix('/') {
            return self.close(name.trim(), tag);
        }
        if let Some((at, mark)) = whole.char_indices().find(|(_, c)| matches!(c, '“' | '”' | '„' | '‘' | '’'))
        {
            let span = tag.start + at..tag.start + at + mark.len_utf8();
            return self.error(span, format!("`{mark}` is a typographic quotation mark"), "write the straight one: \"");
        }
        if let Some((at, name)) = unseen_in_code(whole) {
            let end = at + whole[at..].chars().next().map_or(0, char::len_utf8);
            let title = format!("a character that cannot be seen stands in this tag: {name}");
            return self.error(tag.start + at..tag.start + end, title, "delete it, and type what belongs there");
        }
        let (block, rest) =
            (inner.starts_with(['#', '^']), inner.trim_start_matches(['#', '^', '*', '>']).trim_start());
        let name = rest.split([' ', '\t', '\n']).next().unwrap_or_default();
        let bare = without_quoted(rest);
        if ENDS.contains(&name) && rest == name {
            let open = self.open.pop().map_or("if", |open| open.name);
            return self.error(
                tag,
                format!("{{{{{name}}}}} does not close a block in Handlebars"),
                format!("write {{{{/{open}}}}}"),
            );
        }
        if ELSE_IFS.contains(&name) {
            return self.error(tag, format!("`{name}` is written in two words"), "write {{else if …}}");
        }
        if rest == "else if" {
            return self.error(tag, "{{else if}} has no condition", "write {{else if NAME}}, or {{else}}");
        }
        let known_sign = |(sign, _): &&(&str, &str)| bare.contains(sign);
        if let Some((sign, helper)) = SIGNS.iter().find(known_sign) {
            self.error(
                tag.clone(),
                format!("`{}` does not compare in Handlebars", sign.trim()),
                format!("write {helper}, like {{{{#if {helper}}}}}"),
            );
        } else if bare.contains('|') && !bare.contains(" as |") {
            self.error(
                tag.clone(),
                "`|` does not pass a value on in Handlebars",
                "write the helper first: {{upper name}}",
            );
        } else if block && matches!(name, "for" | "foreach") {
            self.error(
                tag.clone(),
                format!("`{name}` is not a loop in Handlebars"),
                "write {{#each alerts}}…{{/each}}",
            );
        }
        // `{{^}}` has no name and does not open a block; `{{^if …}}` does.
        if block && !name.is_empty() {
            self.open.push(Open { name, tag });
        } else if !block && BLOCKS.contains(&name) && rest != name {
            self.bare.push(Open { name, tag });
        }
    }

    fn close(&mut self, name: &'a str, tag: Range<usize>) {
        match self.open.iter().rposition(|open| open.name == name) {
            Some(at) => {
                // Blocks inside it that are still open were not closed.
                for Open { name: inner, tag: opened } in self.open.split_off(at).into_iter().skip(1) {
                    let line = self.source.position(tag.start).0;
                    let title = format!("not valid Handlebars: {{{{#{inner} …}}}} is not closed");
                    self.error(opened, title, format!("write {{{{/{inner}}}}} before {{{{/{name}}}}} in line {line}"));
                }
            }
            None => match self.bare.iter().rposition(|bare| bare.name == name) {
                Some(at) => {
                    let Open { name, tag } = self.bare.remove(at);
                    self.error(tag, format!("`{name}` is a block"), format!("write {{{{#{name} …}}}}…{{{{/{name}}}}}"));
                }
                None if !self.open.is_empty() => {
                    let open = self.open.pop().map_or("", |open| open.name);
                    let title = format!("{{{{/{name}}}}} does not close an open block");
                    self.error(tag, title, format!("the open block is {{{{#{open} …}}}}"));
                }
                None => {
                    let title = format!("not valid Handlebars: {{{{/{name}}}}} does not close an open block");
                    self.error(tag, title, format!("write {{{{#{name} …}}}} before it, or take it out"));
                }
            },
        }
    }

    /// Checks the text outside of tags.
    fn plain(&mut self, from: usize, to: usize) {
        let text = &self.text[from..to];
        for (open, close, what) in [("{%", "%}", "Jinja and Liquid"), ("<%", "%>", "ERB and EJS")] {
            let mut at = 0;
            while let Some(start) = text[at..].find(open).map(|found| at + found) {
                let Some(end) = text[start..].find(close).map(|found| start + found + close.len()) else { break };
                let title = format!("`{open} … {close}` is of {what}, and is sent as it stands");
                self.error(
                    from + start..from + end,
                    title,
                    "Handlebars writes {{name}}, {{#if name}}…{{/if}}, {{#each list}}…{{/each}}",
                );
                at = end;
            }
        }
        for (start, _) in text.match_indices('{') {
            let Some(length) = text[start..].find('}') else { break };
            let name = text[start + 1..start + length].trim();
            let dollar = text[..start].ends_with('$');
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._".contains(c));
            let is_known = self.names.iter().any(|known| known == name.strip_prefix("alert.").unwrap_or(name));
            if is_name && (dollar || is_known) {
                let (sign, begin) = if dollar { ("$", start - 1) } else { ("", start) };
                let title = format!("`{sign}{{{name}}}` is not replaced, and is sent as it stands");
                self.error(from + begin..from + start + length + 1, title, format!("write two braces: {{{{{name}}}}}"));
            }
        }
    }
}

/// The tag without quoted texts.
fn without_quoted(text: &str) -> String {
    let mut quote = None;
    text.chars()
        .filter(|c| match quote {
            Some(open) => {
                if *c == open {
                    quote = None;
                }
                false
            }
            None if matches!(c, '"' | '\'') => {
                quote = Some(*c);
                false
            }
            None => true,
        })
        .collect()
}
