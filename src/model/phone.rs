//! Recognizes texts that are certainly phone numbers, and formats them as people read them.
//!
//! The inbox has numbers in two fields, as customers and forms left them: `9812345678.0` out of a table, `98123 45678
//! ext. 12`, two numbers in one field. A text is read as a number only if it is one by the numbering plans of the
//! countries, and can be read in one way only; for any other text the result is `None`.

use std::fmt::Write;

use phonenumber::{Mode, metadata::DATABASE};

/// Most digits of a number with its country's code, by E.164.
const LONGEST: usize = 15;

/// Characters that may stand between the digits of a number.
const BETWEEN: [char; 12] =
    [' ', '\u{a0}', '\u{202f}', '-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '.', '(', ')', '\t'];

/// The zeros, with which ten digits begin, of the scripts that have digits of their own: full width, Arabic, Persian,
/// Devanagari, Bengali, Gurmukhi, Gujarati, Tamil, Telugu, Kannada, Malayalam, Thai.
const ZEROS: [char; 12] = [
    '\u{ff10}', '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{be6}', '\u{c66}', '\u{ce6}',
    '\u{d66}', '\u{e50}',
];

/// A number in one text, its country's code in front: `+91 98123 45678`, `0091…`, and without a sign where it is
/// too long for a number without a code. `None`: it is not certain.
pub(crate) fn international(number: &str) -> Option<String> {
    let Digits { digits, is_international } = Digits::read(number)?;
    // The same ten digits can be a number of India and one of Iran.
    if !is_international && digits.len() < 11 {
        return None;
    }
    formatted(&digits)
}

/// A number beside its country's code, which it may repeat. `None`: it is not certain.
pub(crate) fn with_prefix(prefix: &str, number: &str) -> Option<String> {
    if prefix.trim().is_empty() {
        // The number's country is not known.
        return Digits::read(number).filter(|read| read.is_international).and_then(|read| formatted(&read.digits));
    }
    let code = Digits::read(prefix).filter(|_| !prefix.contains('.'))?.digits;
    let Digits { digits, is_international } = Digits::read(number)?;
    if is_international {
        // A number of another country than the prefix says is not certain.
        return digits.starts_with(&code).then(|| formatted(&digits)).flatten();
    }
    let beside = formatted(&format!("{code}{digits}"));
    let repeated = digits.starts_with(&code).then(|| formatted(&digits)).flatten();
    match (beside, repeated) {
        (Some(one), Some(other)) if one != other => None,
        (one, other) => one.or(other),
    }
}

/// The digits of a text that may be a number.
struct Digits {
    digits: String,
    /// Whether it begins with `+` or `00`.
    is_international: bool,
}

impl Digits {
    /// Reads the digits; `None`: the text cannot be a number.
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let has_plus = text.starts_with(['+', '\u{ff0b}']);
        let mut digits = String::new();
        for c in text.chars().skip(usize::from(has_plus)) {
            match digit(c) {
                Some(digit) => digits.push(digit),
                None if BETWEEN.contains(&c) => {}
                None => return None,
            }
        }
        // A number with a fraction, as tables write whole numbers.
        let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        let is_fraction = text
            .trim_start_matches('+')
            .split_once('.')
            .is_some_and(|(whole, fraction)| whole.len() > 6 && is_number(whole) && is_number(fraction));
        let zeros = if has_plus { None } else { digits.strip_prefix("00").map(str::to_owned) };
        let is_international = has_plus || zeros.is_some();
        let digits = zeros.unwrap_or(digits);
        (!is_fraction && !digits.is_empty() && digits.len() <= LONGEST).then_some(Self { digits, is_international })
    }
}

fn digit(c: char) -> Option<char> {
    if c.is_ascii_digit() {
        return Some(c);
    }
    let value = ZEROS.iter().find_map(|zero| (c as u32).checked_sub(*zero as u32).filter(|value| *value < 10))?;
    char::from_digit(value, 10)
}

/// The number as people read it, if a country has given out numbers like it. The library gets only digits.
fn formatted(digits: &str) -> Option<String> {
    let number = phonenumber::parse(None, format!("+{digits}")).ok().filter(phonenumber::is_valid)?;
    let mut shown = String::new();
    // If the library's tables lack a code, its formatting returns an error, and `to_string` would panic.
    write!(shown, "{}", number.format().mode(Mode::International)).ok()?;
    let shown = shown.replace('-', " ");
    let all: String = shown.chars().filter(char::is_ascii_digit).collect();
    // Only the prefix that is dialled within the country may be left out.
    let rest = all.strip_prefix(&number.code().value().to_string())?;
    let before = number.metadata(&DATABASE).and_then(|country| country.national_prefix().map(str::to_owned));
    let dialled = before.map(|before| format!("{}{before}{rest}", number.code().value()));
    (all == digits || dialled.as_deref() == Some(digits)).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::{international, with_prefix};

    const INDIAN: Option<&str> = Some("+91 98123 45678");

    #[test]
    fn what_is_certainly_a_number() {
        for (prefix, number, wanted) in [
            ("+91", "9812345678", INDIAN),
            ("91", "98123 45678", INDIAN),
            ("+91", "09812345678", INDIAN),
            ("91", "919812345678", INDIAN),
            ("+91", "+919812345678", INDIAN),
            ("+91", "00919812345678", INDIAN),
            ("0091", "9812345678", INDIAN),
            ("+91", "９８１２３４５６７８", INDIAN),
            ("+91", "९८१२३४५६७८", INDIAN),
            ("+91", "98123\u{2011}45678", INDIAN),
            ("", "+91 98123-45678", INDIAN),
            ("", "００９１９８１２３４５６７８", INDIAN),
            ("+1", "(415) 555-2671", Some("+1 415 555 2671")),
            ("1", "415.555.2671", Some("+1 415 555 2671")),
            ("+33", "06 12 34 56 78", Some("+33 6 12 34 56 78")),
            ("91", "9198123456", Some("+91 91981 23456")),
        ] {
            assert_eq!(with_prefix(prefix, number).as_deref(), wanted, "{prefix} {number}");
        }
        assert_eq!(international("919812345678").as_deref(), INDIAN);
    }

    #[test]
    fn what_is_not_certainly_one() {
        for (prefix, number) in [
            ("+91", "9812345678.0"),
            ("+91", "9812345678.00"),
            ("+91", "9.81235E+09"),
            ("+91", "98123 45678 ext. 12"),
            ("+91", "98123 45678 x12"),
            ("+91", "98123 45678,12"),
            ("+91", "9812345678 / 9812345679"),
            ("+91", "9812345678 9812345679"),
            ("+91", "9812345678;9812345679"),
            ("+91", "98123"),
            ("+91", "981234567"),
            ("+91", "98123456789"),
            ("+91", "++919812345678"),
            ("+91", "98123+45678"),
            ("+91", "+447911123456"),
            ("+91", "98l2345678"),
            ("+91", "call me"),
            ("+91", "0000000000"),
            ("India", "9812345678"),
            ("+999", "9812345678"),
            ("+91 / +1", "9812345678"),
            ("91.0", "9812345678"),
            ("", "+919812345678.0"),
            ("", "9812345678"),
            ("", "09812345678"),
            ("+91", ""),
            ("", ""),
            ("+91", "-"),
            ("+91", "①②③④⑤⑥⑦⑧⑨⓪"),
        ] {
            assert_eq!(with_prefix(prefix, number), None, "{prefix} {number}");
        }
        // Ten digits, which may be of Iran, or of India without its code.
        assert_eq!(international("9812345678"), None);
        assert_eq!(international("99999999999999999999"), None);
    }

    proptest::proptest! {
        /// Any text is allowed.
        #[test]
        fn any_text_is_a_number_or_none(prefix in ".{0,6}", number in "[0-9+(). x/-]{0,20}|.{0,20}") {
            for number in [with_prefix(&prefix, &number), international(&number)].into_iter().flatten() {
                proptest::prop_assert!(number.starts_with('+'), "{}", number);
            }
        }
    }
}
