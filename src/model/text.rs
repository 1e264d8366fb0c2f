//! Customers' text made harmless for one line: what every name and subject goes through.

/// Whether a character has no place in text that others read: control characters, and the marks
/// that turn the direction of what follows them (a way to make a name read as something else).
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// One line of at most `max` characters: white space folded, harmful characters removed, a cut
/// shown as `…`.
pub fn one_line(text: &str, max: usize) -> String {
    folded(text, max, is_harmful)
}

/// The same for a line of ours in which every customer's text is cleaned already: the marks that set a
/// name of the other direction apart stay.
pub fn line_of_ours(text: &str, max: usize) -> String {
    folded(text, max, |c| is_harmful(c) && !matches!(c, '\u{2068}' | '\u{2069}'))
}

fn folded(text: &str, max: usize, unwanted: impl Fn(char) -> bool) -> String {
    // A bound first: a customer may write megabytes.
    let cleaned: String = text
        .chars()
        .take(max.saturating_mul(8).saturating_add(64))
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !unwanted(*c))
        .collect();
    let folded = cleaned.split_whitespace().collect::<Vec<_>>().join(" ");
    cut(&folded, max)
}

/// Several lines, harmful characters but the line breaks removed, cut at `max` characters.
pub fn lines(text: &str, max: usize) -> String {
    let cleaned: String = text
        .chars()
        .take(max.saturating_mul(4).saturating_add(64))
        .map(|c| if c == '\u{2028}' || c == '\u{2029}' { '\n' } else { c })
        .filter(|c| *c == '\n' || *c == '\t' || !is_harmful(*c))
        .collect();
    cut(cleaned.trim(), max)
}

/// At most `max` characters, the last one `…` where something was cut.
pub fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(max.saturating_sub(1)).collect();
    // Half of a joined emoji is worse than none.
    while kept.ends_with(['\u{200d}', '\u{fe0f}']) {
        kept.pop();
    }
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}
