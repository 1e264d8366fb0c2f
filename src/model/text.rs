//! Makes customers' text harmless for one line, as is done with every name and subject, and defines the form in which
//! texts are compared.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// The text in one Unicode form (NFC): `é` as one character and as `e` with an accent are the same text; the keyboard,
/// the phone, or the file system decides in which form it comes.
pub(crate) fn form(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// A text in every form in which another program may have kept it.
pub(crate) fn forms(text: &str) -> Vec<String> {
    let composed = form(text).into_owned();
    let decomposed: String = composed.nfd().collect();
    if composed == decomposed { vec![composed] } else { vec![composed, decomposed] }
}

/// Whether two texts are equal, in whatever Unicode form they are written.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one == other || form(one) == form(other)
}

use unicode_segmentation::UnicodeSegmentation;

/// Whether a character has no place in text that others read: control characters, and the marks
/// that turn the direction of what follows them (a way to make a name read as something else).
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Whether a character turns the direction of all that follows it and is not needed in our own text, where names of the
/// other direction are set apart by U+2068 and U+2069.
pub(crate) fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}' | '\u{2067}')
}

/// One line of at most `max` characters: white space folded, harmful characters removed, a cut
/// shown as `…`.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    folded(text, max, is_harmful)
}

/// Like [`one_line`], for a line of ours in which every customer's text is cleaned already: the marks that set a name
/// of the other direction apart stay.
pub(crate) fn line_of_ours(text: &str, max: usize) -> String {
    folded(text, max, |c| is_harmful(c) && !matches!(c, '\u{2068}' | '\u{2069}'))
}

fn folded(text: &str, max: usize, unwanted: impl Fn(char) -> bool) -> String {
    // The text is bounded first, since a customer may write megabytes.
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
pub(crate) fn lines(text: &str, max: usize) -> String {
    let cleaned: String = text
        .chars()
        .take(max.saturating_mul(4).saturating_add(64))
        .map(|c| if c == '\u{2028}' || c == '\u{2029}' { '\n' } else { c })
        .filter(|c| *c == '\n' || *c == '\t' || !is_harmful(*c))
        .collect();
    cut(cleaned.trim(), max)
}

/// At most `max` characters, the last one `…` where something was cut.
pub(crate) fn cut(text: &str, max: usize) -> String {
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

/// Texts that programs and forms write in place of a missing name.
const NO_NAMES: [&str; 13] = [
    "null",
    "undefined",
    "none",
    "nil",
    "nan",
    "n/a",
    "n.a.",
    "n.a",
    "unknown",
    "no name",
    "noname",
    "unnamed",
    "[object object]",
];

/// Whether people see a name in this: a letter, a number or a picture. Blanks of any kind, marks without a letter below
/// them, punctuation alone, and texts in place of a missing name do not count.
pub(crate) fn shows_a_name(text: &str) -> bool {
    // The text is bounded, since a customer may write megabytes.
    let shown: String = text.chars().take(1_000).filter(|c| is_shown(*c)).collect();
    let bare = text.trim().trim_matches(['(', ')', '<', '>', '"', '\'']).to_lowercase();
    !shown.is_empty() && !NO_NAMES.contains(&bare.as_str())
}

fn is_shown(c: char) -> bool {
    // These are letters by the standard, but look blank: Hangul fillers, and blanks among hieroglyphs.
    let is_blank = matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{13441}' | '\u{13442}');
    let is_picture = matches!(c, '\u{2300}'..='\u{23ff}' | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}')
        || matches!(c, '\u{1f000}'..='\u{1faff}') && !matches!(c, '\u{1f3fb}'..='\u{1f3ff}');
    !is_blank && (is_picture || c.is_alphanumeric() && !is_mark(c))
}

/// Whether it only changes the letter before it.
fn is_mark(c: char) -> bool {
    !c.is_ascii() && format!("a{c}").graphemes(true).count() == 1
}

/// Whether an HTTP header can hold this text.
pub fn fits_header(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'\t' || byte == b' ' || byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::shows_a_name;

    #[test]
    fn names() {
        for name in [
            "Asha",
            "O",
            "李",
            "محمد",
            "आशा",
            "Ł.",
            "7",
            "🌸",
            "♥",
            "❤\u{fe0f}",
            "A\u{200b}sha",
            "-x-",
            "Null Jennifer",
            "한",
            "ᄀ",
        ] {
            assert!(shows_a_name(name), "{name}");
        }
        let none = [
            "",
            "  ",
            "\u{a0}\u{2003}",
            "\u{200b}",
            "\u{200d}\u{200c}\u{2060}\u{feff}",
            "\u{3164}",
            "\u{ffa0}\u{115f}\u{1160}",
            "\u{2800}\u{2800}",
            "\u{301}\u{308}",
            "\u{93e}",
            "\u{20dd}",
            "\u{fe0f}",
            ".",
            "-",
            "---",
            "…",
            "?!",
            "_",
            "'",
            "。",
            "・",
            "¿",
            "\u{e0041}\u{e0042}",
            "\u{ad}",
            "\u{180e}",
            "\u{34f}",
            "\u{202e}",
            "\u{fffd}",
            "\u{1f3fb}",
            "\u{13441}",
            "\u{e000}",
            "null",
            "NULL",
            " undefined ",
            "N/A",
            "n.a.",
            "(null)",
            "<null>",
            "None",
            "NaN",
            "unknown",
            "[object Object]",
            "\"\"",
        ];
        for name in none {
            assert!(!shows_a_name(name), "{name:?}");
        }
    }
}
