//! One word for one thing: no two types that others can see have the same name.

use std::collections::BTreeMap;

use crate::imports::sources;

/// The type that a line declares, where others can see it.
fn declared(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub")?;
    let rest = if rest.starts_with('(') { rest.split_once(')')?.1 } else { rest };
    let mut words = rest.split_whitespace();
    let is_type = matches!(words.next()?, "struct" | "enum" | "trait" | "type");
    let name = words.next()?.split(|c: char| !c.is_alphanumeric()).next()?;
    (is_type && !name.is_empty()).then_some(name)
}

#[test]
fn no_two_public_types_share_a_name() {
    let sources = sources();
    let mut declarations: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        for name in source.code.lines().filter_map(declared) {
            declarations.entry(name).or_default().push(&source.path);
        }
    }
    assert!(declarations.len() > 250, "only {} types found", declarations.len());
    let shared: Vec<String> = declarations
        .iter()
        .filter(|(_, paths)| paths.len() > 1)
        .map(|(name, paths)| format!("{name}: {}", paths.join(", ")))
        .collect();
    assert!(shared.is_empty(), "\n{}", shared.join("\n"));
}

#[test]
fn this_test_reads_declarations_right() {
    for (line, name) in [
        ("pub struct Alert<'a> {", Some("Alert")),
        ("    pub(crate) enum Event {", Some("Event")),
        ("pub(in crate::rules) type Types = u8;", Some("Types")),
        ("pub fn type_of() {}", None),
        ("struct Private;", None),
        ("pub struct $name {", None),
    ] {
        assert_eq!(declared(line), name, "{line}");
    }
}
