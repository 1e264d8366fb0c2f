//! What the README and the docs show is true.

use std::{fs, path::Path};

use crate::harness::Home;

fn document(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn readme() -> String {
    document("README.md")
}

/// Documents outside of `docs`.
const OTHERS: [&str; 5] = ["README.md", "deploy/README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"];

/// All documents, each with its path.
fn documents() -> Vec<(String, String)> {
    let docs = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")).expect("docs");
    let names = docs.map(|entry| format!("docs/{}", entry.expect("an entry").file_name().display()));
    let paths = names.filter(|name| ends_in(name, "md")).chain(OTHERS.map(str::to_owned));
    paths.map(|path| (path.clone(), document(&path))).collect()
}

fn ends_in(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

/// The whole examples in TOML, without the indentation of a list.
fn examples(path: &str) -> Vec<String> {
    let text = document(path);
    let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks
        .map(|block| block.lines().map(|line| line.strip_prefix("   ").unwrap_or(line)).collect::<Vec<_>>().join("\n"))
        .collect()
}

/// The fragments in TOML: tables of a configuration or of a rule.
fn fragments(path: &str) -> Vec<String> {
    let text = document(path);
    let blocks = text.split("```toml fragment\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(str::to_owned).collect()
}

#[test]
fn the_examples_have_no_mistakes() {
    let (configs, rules_shown) = (examples("docs/configuration.md"), examples("docs/rules.md"));
    let ([whole], [rule]) = (configs.as_slice(), rules_shown.as_slice()) else { panic!("one example each") };
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut home = Home::empty().file("pengwatch.toml", whole).file("rules/example.toml", rule).folder("templates");
    for file in fs::read_dir(&rules).expect("rules") {
        let path = file.expect("a file").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        home = home.file(&format!("rules/{name}"), &fs::read_to_string(&path).expect("a rule"));
    }
    let ran = home.run(&["check"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stdout);
    assert!(ran.stdout.contains("8 rules in use"), "{}", ran.stdout);
}

#[test]
fn the_code_map_has_every_room() {
    let architecture = document("docs/architecture.md");
    let map = architecture.split("## Code map").nth(1).expect("a code map");
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

#[test]
fn fragments_of_receivers_have_no_mistakes() {
    let fragments = fragments("docs/receivers.md");
    assert!(fragments.len() >= 4, "one of each kind");
    for fragment in fragments {
        let config = format!("[inbox.main]\ntoken = {{ env = \"TOKEN\" }}\n\n{fragment}");
        let home = Home::empty().file("pengwatch.toml", &config).folder("rules").folder("templates");
        let ran = home.run(&["check"]);
        assert!(!ran.stdout.contains("error: "), "{fragment}\n{}", ran.stdout);
    }
}

#[test]
fn the_readme_is_short() {
    let lines = readme().lines().count();
    assert!(lines <= 150, "{lines} lines");
}

#[test]
fn links_lead_to_files_and_headings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut links = 0;
    for (path, text) in documents() {
        let folder = Path::new(&path).parent().expect("a folder").to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http") || link.starts_with("mailto:") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { root.join(&path) } else { root.join(&folder).join(file) };
            assert!(target.exists(), "{path}: {link}");
            if !heading.is_empty() {
                let text = fs::read_to_string(&target).expect("a document");
                let headings = text.lines().filter(|line| line.starts_with('#')).map(anchor);
                assert!(headings.collect::<Vec<_>>().contains(&heading.to_owned()), "{path}: {link}");
            }
            links += 1;
        }
    }
    assert!(links > 20, "only {links} links found");
}

/// What a heading is called in links.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.trim_start_matches('#').trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}

#[test]
fn files_that_documents_name_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests"] {
        below(&root.join(folder), &mut files);
    }
    for (path, text) in documents() {
        for name in text.split('`').skip(1).step_by(2).filter(|name| ends_in(name, "rs") && !name.contains([' ', 'N']))
        {
            let is_there = files.iter().any(|file| file.ends_with(&format!("/{name}")));
            assert!(is_there, "{path} names {name}");
        }
    }
}

fn below(folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            below(&path, files);
        } else {
            files.push(path.display().to_string());
        }
    }
}
