//! Finds the name that was probably meant.

use std::str::FromStr;

use strum::VariantArray;

/// The longest names that are compared, in bytes. Time and memory grow with the product of both lengths.
const LONGEST: usize = 100;

/// The nearest of `known` to `word`, if it is near enough to be worth suggesting.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let lower = word.to_lowercase();
    known
        .into_iter()
        .filter(|name| name.len() <= LONGEST)
        .map(|name| {
            let name_lower = name.to_lowercase();
            let distance = strsim::damerau_levenshtein(&lower, &name_lower);
            // A shortened or lengthened word is near, however many letters it differs by.
            let within = lower.len() >= 4
                && name_lower.len() >= 4
                && (name_lower.contains(&lower) || lower.contains(&name_lower));
            (if within { distance.min(2) } else { distance }, name)
        })
        .filter(|(distance, name)| *distance <= (word.chars().count().max(name.chars().count()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// [`nearest`] as an argument for rooms that must not know this one.
pub fn suggest(word: &str, known: &[String]) -> Option<String> {
    nearest(word, known.iter().map(String::as_str)).map(str::to_owned)
}

/// Help for an unknown name: the nearest one, else all known names if there are at most 40.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(name) = nearest(word, known.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let all: Vec<&str> = known.into_iter().collect();
    (!all.is_empty() && all.len() <= 40).then(|| format!("known here: {}", all.join(", ")))
}

/// One of a few values, each with the name under which it is configured.
pub(crate) trait Choice: Copy + Default + FromStr + Into<&'static str> + VariantArray {}

impl<T: Copy + Default + FromStr + Into<&'static str> + VariantArray> Choice for T {}

/// The value with this name, else help.
pub(crate) fn one_of<T: Choice>(name: &str) -> Result<T, Option<String>> {
    let known: Vec<&str> = T::VARIANTS.iter().map(|value| (*value).into()).collect();
    name.parse().map_err(|_| did_you_mean(name, known))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn names_without_end_are_not_compared() {
        // As a table of distances these two would be 80 GB.
        let (long, other) = ("a".repeat(100_000), "b".repeat(100_000));
        assert_eq!(nearest(&long, [other.as_str(), "aa"]), None);
        assert_eq!(nearest("suport", [other.as_str(), "support"]), Some("support"));
    }
}
