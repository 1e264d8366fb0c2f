//! Reports tags that are not closed, and the syntax of other template languages, before the parser fails at another
//! place, or the text is sent as it is.

use std::{ops::Range, sync::Arc};

use super::{
    context::{shape_of_alert, shape_of_message},
    mistakes,
};
use crate::diagnose::{Diagnostic, Source, Wording, decode::unseen_in_code};

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
    fn error(&mut self, span: Range<usize>, wording: Wording) {
        self.found.push(Diagnostic::error(self.source, span, wording));
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
            self.error(tag, mistakes::not_closed(name));
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
                self.error(start..start + line, mistakes::tag_not_closed());
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
            return self.error(span, mistakes::typographic_quote(mark));
        }
        if let Some((at, name)) = unseen_in_code(whole) {
            let end = at + whole[at..].chars().next().map_or(0, char::len_utf8);
            return self.error(tag.start + at..tag.start + end, mistakes::unseen(&name));
        }
        let (block, rest) =
            (inner.starts_with(['#', '^']), inner.trim_start_matches(['#', '^', '*', '>']).trim_start());
        let name = rest.split([' ', '\t', '\n']).next().unwrap_or_default();
        let bare = without_quoted(rest);
        if ENDS.contains(&name) && rest == name {
            let open = self.open.pop().map_or("if", |open| open.name);
            return self.error(tag, mistakes::foreign_end(name, open));
        }
        if ELSE_IFS.contains(&name) {
            return self.error(tag, mistakes::foreign_else_if(name));
        }
        if rest == "else if" {
            return self.error(tag, mistakes::no_condition());
        }
        let known_sign = |(sign, _): &&(&str, &str)| bare.contains(sign);
        if let Some((sign, helper)) = SIGNS.iter().find(known_sign) {
            self.error(tag.clone(), mistakes::foreign_sign(sign.trim(), helper));
        } else if bare.contains('|') && !bare.contains(" as |") {
            self.error(tag.clone(), mistakes::foreign_pipe());
        } else if block && matches!(name, "for" | "foreach") {
            self.error(tag.clone(), mistakes::foreign_loop(name));
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
                    self.error(opened, mistakes::not_closed_before(inner, name, line));
                }
            }
            None => match self.bare.iter().rposition(|bare| bare.name == name) {
                Some(at) => {
                    let Open { name, tag } = self.bare.remove(at);
                    self.error(tag, mistakes::is_block(name));
                }
                None if !self.open.is_empty() => {
                    let open = self.open.pop().map_or("", |open| open.name);
                    self.error(tag, mistakes::closes_another(name, open));
                }
                None => self.error(tag, mistakes::closes_nothing(name)),
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
                self.error(from + start..from + end, mistakes::foreign_tag(open, close, what));
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
                self.error(from + begin..from + start + length + 1, mistakes::one_brace(sign, name));
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
