//! Finds the place of a tag or name in a template's text.
//!
//! Handlebars keeps the line and column of a tag, but not of the names in it, and no place of `{{else if}}`; these are
//! found by searching for the name from there on.

use std::ops::Range;

/// A template's text, with the beginnings of its lines.
pub(super) struct Places<'a> {
    text: &'a str,
    lines: Vec<usize>,
}

impl<'a> Places<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, lines }
    }

    /// The byte at a line and column, both counted from 1, the column in characters.
    pub(super) fn byte(&self, line: usize, column: usize) -> usize {
        let Some(start) = self.lines.get(line.saturating_sub(1)).copied() else { return self.text.len() };
        let offset = self.text[start..].char_indices().nth(column.saturating_sub(1)).map(|(at, _)| at);
        offset.map_or(self.text.len(), |offset| start + offset)
    }

    /// The tag that begins at `from`.
    pub(super) fn tag(&self, from: usize) -> Range<usize> {
        let end = self.text[from..].find("}}").map_or(self.text.len(), |at| from + at + 2);
        from..end
    }

    /// The `{{else NAME …}}` after `from`.
    pub(super) fn else_tag(&self, from: usize, name: &str) -> Option<Range<usize>> {
        self.text[from..].match_indices("{{").map(|(at, _)| self.tag(from + at)).find(|tag| {
            let inside = self.text[tag.clone()].trim_start_matches(['{', '~', ' ', '\n', '\t']);
            let inside = inside.strip_prefix("else").or_else(|| inside.strip_prefix('^'));
            inside.is_some_and(|inside| inside.trim_start().starts_with(name))
        })
    }

    /// The place of `name` as a whole word inside `tag`; the whole tag if it is not found.
    pub(super) fn word(&self, tag: &Range<usize>, name: &str) -> Range<usize> {
        let part = |c: char| c.is_alphanumeric() || "_-@$./".contains(c);
        let text = &self.text[tag.clone()];
        text.match_indices(name)
            .map(|(at, _)| at..at + name.len())
            .find(|found| {
                !name.is_empty() && !text[..found.start].ends_with(part) && !text[found.end..].starts_with(part)
            })
            .map_or(tag.clone(), |found| tag.start + found.start..tag.start + found.end)
    }
}
