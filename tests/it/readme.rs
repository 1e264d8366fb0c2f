//! What the README shows is true.

use std::{fs, path::Path};

use crate::harness::Home;

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("a README")
}

/// The TOML examples, without the indentation of a list.
fn examples() -> Vec<String> {
    let readme = readme();
    let blocks = readme.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks
        .map(|block| block.lines().map(|line| line.strip_prefix("   ").unwrap_or(line)).collect::<Vec<_>>().join("\n"))
        .collect()
}

#[test]
fn its_examples_have_no_mistakes() {
    let examples = examples();
    let [whole, rule] = examples.as_slice() else { panic!("{} examples", examples.len()) };
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    for config in [whole] {
        let mut home =
            Home::empty().file("pengwatch.toml", config).file("rules/example.toml", rule).folder("templates");
        for file in fs::read_dir(&rules).expect("rules") {
            let path = file.expect("a file").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
            home = home.file(&format!("rules/{name}"), &fs::read_to_string(&path).expect("a rule"));
        }
        let ran = home.run(&["check"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stdout);
        assert!(ran.stdout.contains("8 rules in use"), "{}", ran.stdout);
    }
}

#[test]
fn its_code_map_has_every_room() {
    let readme = readme();
    let map = readme.split("## Code map").nth(1).expect("a code map");
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("src") {
        let entry = entry.expect("an entry");
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let room = format!("`src/{}`", entry.file_name().display());
            assert!(map.contains(&room), "{room} is not in the code map");
        }
    }
}

#[test]
fn its_commands_are_all_there() {
    let readme = readme();
    let help = Home::empty().run(&["--help"]).stdout;
    for command in ["run", "check", "init", "demo", "sandbox"] {
        assert!(help.contains(&format!("  {command} ")) && readme.contains(&format!("| `{command}")), "{command}");
    }
    assert!(readme.contains("cargo run --release -- demo") && readme.contains("tests/run"));
}
