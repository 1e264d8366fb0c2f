//! Refuses templates that are nested too deeply, before they are parsed.
//!
//! The parser, the renderer and our own checks are recursive; thousands of levels would overflow the stack, which ends
//! the whole process.

use std::ops::Range;

/// The size limit of a template, in bytes.
pub(super) const SIZE: u64 = 64 * 1024;
/// The most levels of brackets of one kind.
const BRACKETS: usize = 60;
/// The most levels of blocks.
const BLOCKS: usize = 30;
/// The most `{{else if …}}` in a file; each is a level below the one before.
const ELSES: usize = 100;

/// The first place that is nested too deeply, and why.
pub(super) fn too_deep(text: &str) -> Option<(Range<usize>, String)> {
    brackets(text).or_else(|| blocks(text))
}

/// Counts brackets in strings and comments, too; no sensible template comes near the limit.
fn brackets(text: &str) -> Option<(Range<usize>, String)> {
    let mut levels = [0_usize; 2];
    for (at, c) in text.char_indices() {
        let kind = match c {
            '(' | ')' => 0,
            '[' | ']' => 1,
            _ => continue,
        };
        if matches!(c, ')' | ']') {
            levels[kind] = levels[kind].saturating_sub(1);
            continue;
        }
        levels[kind] += 1;
        if levels[kind] > BRACKETS {
            return Some((at..at + 1, format!("more than {BRACKETS} open `{c}`")));
        }
    }
    // Braces nest only in object literals inside a tag; outside of tags they are JSON or CSS.
    let mut level = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => level += 1,
            '}' => level = level.saturating_sub(1),
            _ => {}
        }
        if level > 2 * BRACKETS {
            return Some((at..at + 1, format!("more than {} open `{{`", 2 * BRACKETS)));
        }
    }
    None
}

fn blocks(text: &str) -> Option<(Range<usize>, String)> {
    let (mut level, mut elses) = (0_usize, 0_usize);
    for (at, _) in text.match_indices("{{") {
        let tag = text[at..].trim_start_matches('{').trim_start_matches(['~', ' ', '\t', '\n', '\r']);
        // A raw block opens with four braces, without a sign.
        let raw = text[at..].starts_with("{{{{") && !tag.starts_with('/');
        if tag.starts_with('#') || raw {
            level += 1;
        } else if tag.starts_with('/') {
            level = level.saturating_sub(1);
        } else if tag.starts_with('^') || tag.starts_with("else") {
            elses += 1;
        }
        if level > BLOCKS {
            return Some((at..at + 2, format!("more than {BLOCKS} blocks in each other")));
        }
        if elses > ELSES {
            return Some((at..at + 2, format!("more than {ELSES} times `else`")));
        }
    }
    None
}
