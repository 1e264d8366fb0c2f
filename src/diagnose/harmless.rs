//! Recognizes files that editors and systems leave beside an admin's. They are not read, and not reported as mistakes.

/// Names of files and folders that do not hold rules, whatever is in them.
const NAMES: [&str; 16] = [
    "4913",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "icon\r",
    "lost+found",
    "__macosx",
    "$recycle.bin",
    "@eadir",
    "cvs",
    "makefile",
    "codeowners",
    "kustomization.yaml",
    "kustomization.yml",
    "rule.schema.json",
    "config.schema.json",
];

/// Names that may have any ending, like `README` and `LICENSE.txt`.
const STEMS: [&str; 7] = ["readme", "license", "licence", "changelog", "contributing", "notice", "authors"];

/// Endings of texts for people, and of files that editors and tools write while they work.
const ENDINGS: [&str; 14] =
    ["md", "markdown", "rst", "adoc", "swp", "swo", "swn", "swx", "tmp", "temp", "part", "crdownload", "lock", "log"];

/// Whether a file of this name is to be ignored: a hidden file, an editor's backup, a system's file, a text for people.
pub(crate) fn is_harmless(name: &str) -> bool {
    let lower = name.to_lowercase();
    let (stem, ending) = lower.split_once('.').unwrap_or((&lower, ""));
    name.starts_with('.')
        || name.ends_with('~')
        || (name.starts_with('#') && name.ends_with('#'))
        // Lock files of office programs and some editors.
        || name.starts_with("~$")
        || NAMES.contains(&lower.as_str())
        || STEMS.contains(&stem)
        || ENDINGS.contains(&ending.rsplit('.').next().unwrap_or(ending))
        // Copies that are written before they replace a file: JetBrains' `___jb_tmp___`, `sedAb12Cd`.
        || lower.contains("___jb_")
        || is_of_sed(name)
}

/// Whether this is a file of `sed -i`, which writes to `sed` with six letters or digits and then renames it.
fn is_of_sed(name: &str) -> bool {
    name.strip_prefix("sed").is_some_and(|rest| {
        rest.len() == 6 && rest.chars().all(|c| c.is_ascii_alphanumeric()) && rest.chars().any(|c| !c.is_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::is_harmless;

    #[test]
    fn names_by_table() {
        for name in [
            ".a.toml.swp",
            "a.toml~",
            "#a.toml#",
            ".#a.toml",
            ".DS_Store",
            "Thumbs.db",
            "desktop.ini",
            "README.md",
            "README",
            "readme.txt",
            "LICENSE",
            "4913",
            ".gitkeep",
            "notes.md",
            "a.swp",
            "a.toml.tmp",
            "~$a.toml",
            "sedA1b2C3",
            "lost+found",
            "..data",
            "a.toml___jb_tmp___",
        ] {
            assert!(is_harmless(name), "{name}");
        }
        for name in ["a.toml", "night.TOML", "second.toml.txt", "x.yaml", "vip", "a.toml.bak", "sedate", "tmp", "log"] {
            assert!(!is_harmless(name), "{name}");
        }
    }
}
