//! What must hold for every mistake that an admin is shown.

use pengwatch::inside::{Diagnostic, draw};

/// Each mistake has a text and a place inside its file, and can be drawn. Returns the drawing.
pub fn check(found: &[Diagnostic]) -> String {
    let mut drawn = String::new();
    for mistake in found {
        assert!(!mistake.title.trim().is_empty(), "a mistake without words: {mistake:?}");
        if let Some(source) = &mistake.source {
            let (start, end) = (mistake.span.start, mistake.span.end);
            assert!(start <= end && end <= source.text.len(), "a mistake outside of its file: {mistake:?}");
            let whole = source.text.is_char_boundary(start) && source.text.is_char_boundary(end);
            assert!(whole, "a mistake that begins or ends inside of a character: {mistake:?}");
        }
        assert!(!mistake.line().contains('\n'), "a mistake of several lines: {mistake:?}");
        drawn.push_str(&draw(mistake, false));
        drawn.push('\n');
    }
    // A terminal obeys control characters.
    let control = drawn.chars().find(|c| c.is_control() && *c != '\n');
    assert!(control.is_none(), "{control:?} is drawn:\n{drawn:?}");
    drawn
}
