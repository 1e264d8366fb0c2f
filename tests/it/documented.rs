//! Every key, name and helper that the program knows is in the docs, and the docs name no other.
//!
//! The program says itself what it knows: `check` lists it as help for a name that does not exist.

use std::{collections::BTreeSet, fs, path::Path};

use crate::harness::Home;

/// A name that nothing has.
const UNKNOWN: &str = "zzqx";

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The part of a document below a heading, up to the next heading.
fn section(document: &str, heading: &str) -> String {
    let start = document.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let rest = &document[start + 1 + heading.len()..];
    rest[..rest.find("\n#").unwrap_or(rest.len())].to_owned()
}

/// The names in backticks in a column of the tables of a text.
fn column(text: &str, number: usize) -> BTreeSet<String> {
    let cells = text.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(number));
    cells.flat_map(quoted).collect()
}

fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The lists of what is known, in the order in which `check` finds what is not.
fn known(home: &Home) -> Vec<BTreeSet<String>> {
    let ran = home.run(&["check"]);
    let lists = ran.stdout.lines().filter_map(|line| line.split_once("help: known here: "));
    lists.map(|(_, list)| list.split(", ").map(str::to_owned).collect()).collect()
}

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

#[test]
fn every_key_of_the_configuration() {
    let tables = ["inbox.main", "receiver.screen", "watchdog", "server", "names"];
    let headings = [
        "## Top level",
        "## `[inbox.NAME]`",
        "## `[receiver.NAME]`",
        "## `[watchdog]`",
        "## `[server]`",
        "## `[names]`",
    ];
    let config = tables.map(|table| format!("[{table}]\n{UNKNOWN} = 1\n")).concat();
    let home = Home::empty().file("pengwatch.toml", &format!("{UNKNOWN} = 1\n{config}"));
    let known = known(&home);
    assert_eq!(known.len(), headings.len(), "{known:?}");
    let docs = document("configuration.md");
    for (heading, known) in headings.into_iter().zip(known) {
        let text = section(&docs, heading);
        let mut documented = column(&text, 1);
        match heading {
            // Its tables have headings of their own.
            "## Top level" => documented.extend(names(["inbox", "receiver", "watchdog", "server", "names"])),
            "## `[receiver.NAME]`" => {
                let (every, each) = text.split_once("| type | keys |").expect("the keys of each kind");
                documented = column(every, 1);
                documented.extend(column(each, 2));
            }
            _ => {}
        }
        assert_eq!(documented, known, "{heading}");
    }
}

#[test]
fn every_key_of_a_rule() {
    let places = ["", "[filter]\n", "[hours]\nopen = ['08:00-18:00']\n", "[[notify]]\nto = ['screen']\n"];
    let rule = places.map(|place| format!("{place}{UNKNOWN} = 1\n")).concat();
    let config = "[inbox.main]\ntoken = 'x'\n[receiver.screen]\ntype = 'console'\n";
    let known = known(&Home::empty().file("pengwatch.toml", config).file("rules/r.toml", &rule).folder("templates"));
    let [top, filter, hours, notify] = known.as_slice() else { panic!("{known:?}") };
    let docs = document("rules.md");

    let example = section(&docs, "## A rule with every key");
    let example = example.split("```").nth(1).and_then(|block| block.strip_prefix("toml\n")).expect("an example");
    let example: toml::Table = example.parse().expect("a rule");
    let keys = |table: &toml::Table| table.keys().cloned().collect::<BTreeSet<_>>();
    let mut documented = keys(&example);
    // It is reserved.
    documented.insert("test".to_owned());
    assert_eq!(&documented, top);
    assert_eq!(&keys(example["hours"].as_table().expect("hours")), hours);
    let steps = example["notify"].as_array().expect("steps").iter().filter_map(toml::Value::as_table);
    assert_eq!(&steps.flat_map(keys).collect::<BTreeSet<_>>(), notify);
    assert_eq!(&column(&section(&docs, "## `[filter]`"), 1), filter);
}

#[test]
fn every_name_and_helper_of_a_template() {
    let template = format!(
        "{{{{{UNKNOWN}}}}}{{{{#each alerts}}}}{{{{{UNKNOWN}}}}}{{{{rule.{UNKNOWN}}}}}{{{{/each}}}}{{{{{UNKNOWN} step}}}}"
    );
    let config = "[inbox.main]\ntoken = 'x'\n[receiver.screen]\ntype = 'console'\n";
    let home = Home::empty().file("pengwatch.toml", config).folder("rules");
    let known = known(&home.file("templates/alert/console.txt.hbs", &template));
    let [message, alert, rule, helpers] = known.as_slice() else { panic!("{known:?}") };
    let docs = document("templates.md");

    let text = section(&docs, "## Names");
    let (of_message, of_alert) = text.split_once("Each of `alerts` has:").expect("two tables");
    let documented = column(of_message, 1);
    let inner: BTreeSet<String> =
        documented.iter().filter_map(|name| name.strip_prefix("rule.")).map(str::to_owned).collect();
    assert_eq!(&inner, rule);
    let outer: BTreeSet<String> =
        documented.iter().map(|name| name.split('.').next().unwrap_or_default().to_owned()).collect();
    assert_eq!(&outer, message);
    assert_eq!(&column(of_alert, 1), alert);
    let helper = |shown: &String| {
        let inside = shown.trim_start_matches("{{").trim_end_matches("}}");
        inside.split(' ').next().unwrap_or_default().to_owned()
    };
    assert_eq!(&column(&section(&docs, "## Helpers"), 1).iter().map(helper).collect::<BTreeSet<_>>(), helpers);
}

#[test]
fn every_name_of_a_condition_is_one() {
    let docs = document("rules.md");
    let text = section(&docs, "## `when`");
    let (of_names, of_functions) = text.split_once("| function |").expect("two tables");
    let listed = column(of_names, 1);
    let mut home = Home::empty()
        .folder("templates")
        .file("pengwatch.toml", "[inbox.main]\ntoken = 'x'\n[receiver.screen]\ntype = 'console'\n");
    for (number, name) in listed.iter().enumerate() {
        let when = match name.as_str() {
            "tags" => "size(tags) > 3".to_owned(),
            "attributes" => "'plan' in attributes".to_owned(),
            "waiting" => "waiting > 90".to_owned(),
            "open" | "missed_live_chat" => format!("{name} && unreadMessages > 0"),
            "inbox" => "inbox != 'main' || unreadMessages > 0".to_owned(),
            text => format!("{text} == \"somebody else's\""),
        };
        let hours = "[hours]\nopen = ['mon-fri 09:00-18:00']\n";
        let rule = format!("when = '''{when}'''\n{hours}[[notify]]\nto = ['screen']\n");
        home = home.file(&format!("rules/r{number}.toml"), &rule);
    }
    let ran = home.run(&["check"]);
    assert!(listed.len() >= 9, "{listed:?}");
    assert!(ran.stdout.contains(&format!("rules: {} rules in use", listed.len())), "{}", ran.stdout);

    let functions = column(of_functions, 1);
    let shown: BTreeSet<&str> = functions.iter().filter_map(|shown| shown.split('(').next()).collect();
    assert_eq!(shown, BTreeSet::from(["days", "has", "hours", "minutes", "raw", "seconds", "since"]));
}
