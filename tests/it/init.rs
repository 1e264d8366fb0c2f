//! `init`: what a user starts from, and the way from there to the first alert.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::harness::{Home, eventually, slack_text};

/// The files that `init` writes, in its order.
const FILES: [&str; 14] = [
    "pengwatch.toml",
    "rules/bot-left-waiting.toml",
    "rules/customer-waiting.toml",
    "rules/live-chat-waiting.toml",
    "rules/missed-live-chat.toml",
    "rules/unassigned-waiting.toml",
    "rules/vip-waiting.toml",
    "rules/whatsapp-window-closing.toml",
    "templates/alert/slack.json.hbs",
    "templates/alert/email.subject.hbs",
    "templates/alert/email.html.hbs",
    "templates/alert/email.txt.hbs",
    "templates/alert/webhook.json.hbs",
    "templates/alert/console.txt.hbs",
];

const NEXT: &str = "  export BOTPENGUIN_TOKEN=… SLACK_WEBHOOK_URL=…
  pengwatch check      # every mistake, and what would be right
  pengwatch run        # watches until Ctrl-C; run --dry-run sends nothing
";

fn said(folder: &str, kept: &[&str]) -> String {
    let line = |file: &&str| {
        if kept.contains(file) {
            format!("kept  {folder}{file}: it exists\n")
        } else {
            format!("wrote {folder}{file}\n")
        }
    };
    FILES.iter().map(line).collect()
}

#[test]
fn writes_everything_and_says_what_to_type_next() {
    let home = Home::empty();
    let next = format!("\nNow type:\n  cd 'my shop'\n{NEXT}");
    home.run(&["init", "my shop"]).says(0, &format!("{}{next}", said("my shop/", &[])), "");
    for file in FILES {
        let path = home.path("my shop").join(file);
        let mode = fs::metadata(&path).expect(file).permissions().mode();
        assert_eq!(mode & 0o444, 0o444, "{file}: others may read it");
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in &FILES[1..] {
        let (ours, shipped) = (fs::read(home.path("my shop").join(file)), fs::read(repository.join(file)));
        assert_eq!(ours.expect("written"), shipped.expect("shipped"), "{file}");
    }
}

#[test]
fn nothing_that_exists_is_touched() {
    let home = Home::empty().file("pengwatch.toml", "# mine\n").file("rules/vip-waiting.toml", "# mine, too\n");
    let kept = ["pengwatch.toml", "rules/vip-waiting.toml"];
    home.run(&["init"]).says(0, &format!("{}\nNow type:\n{NEXT}", said("", &kept)), "");
    assert_eq!(fs::read_to_string(home.path("pengwatch.toml")).expect("a file"), "# mine\n");
    assert_eq!(fs::read_to_string(home.path("rules/vip-waiting.toml")).expect("a file"), "# mine, too\n");
    home.run(&["init", "."]).says(0, &format!("{}\nNow type:\n{NEXT}", said("", &FILES)), "");
}

#[test]
fn what_it_wrote_has_no_mistake() {
    let home = Home::empty().env("BOTPENGUIN_TOKEN", "t").env("SLACK_WEBHOOK_URL", "https://hooks.example.com/a");
    home.run(&["init"]).ends(0);
    let ran = home.run(&["check"]);
    ran.ends(0);
    assert_eq!(ran.stderr, "");
    assert!(ran.stdout.contains("7 rules in use") && ran.stdout.ends_with("ok\n"), "{}", ran.stdout);
}

#[test]
fn what_cannot_be_written_is_told() {
    let home = Home::empty().file("a-file", "").file("shop/rules", "not a folder");
    let ran = home.run(&["init", "a-file"]);
    ran.ends(1);
    assert!(ran.stderr.starts_with("error: a-file/pengwatch.toml cannot be written: "), "{}", ran.stderr);
    let ran = home.run(&["init", "shop"]);
    ran.ends(1);
    assert_eq!(ran.stdout, "wrote shop/pengwatch.toml\n");
    assert!(ran.stderr.starts_with("error: shop/rules/bot-left-waiting.toml cannot be written: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("may simply be run again"), "{}", ran.stderr);
    let ran = home.run(&["init", "--config", "other.toml"]);
    ran.ends(1);
    assert!(ran.stderr.contains("name the folder, not a configuration"), "{}", ran.stderr);
    let home = home.env("PENGWATCH_CONFIG", "/etc/other.toml");
    let ran = home.run(&["init", "new"]);
    ran.ends(0);
    assert!(ran.stdout.ends_with("these commands read /etc/other.toml until you unset it.\n"), "{}", ran.stdout);
}

/// The commands of the README, from nothing to the first alert.
fn commands() -> Vec<String> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("a README");
    let section = readme.split("## The first own alert in ten minutes").nth(1).expect("the section");
    let block = section.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the commands");
    block.lines().map(|line| line.split("  #").next().unwrap_or_default().trim_end().to_owned()).collect()
}

#[test]
fn five_commands_of_the_readme_lead_to_a_true_alert() {
    let home = Home::watching();
    home.waits("6a2bbfbe1a0899b1ad04bf58", "Ravi Kumar", "Where is my order?");
    let commands = commands();
    assert!(commands.len() <= 5, "{commands:?}");
    let [init, cd, export, check, run] = commands.as_slice() else { panic!("{commands:?}") };
    let bin = Path::new(assert_cmd::cargo::cargo_bin!("pengwatch")).parent().expect("a folder").display().to_string();
    let slack = format!("{}{}", home.url(), crate::harness::SLACK_PATH);
    let export = export.replacen('…', crate::harness::TOKEN, 1).replacen('…', &slack, 1);
    assert!(!export.contains('…'), "{export}");
    // The account of the test is not the provider's: one line more than a user has.
    let url = format!(
        "sed -i.old 's|^#url = \"https.*|url = \"{}\"|; s|^#poll_every = .*|poll_every = \"1s\"|' pengwatch.toml",
        home.url()
    );
    let (path, run) = (format!("PATH='{bin}':$PATH"), format!("exec {run}"));
    let script = [path.as_str(), init, cd, &url, &export, check, &run].join(" &&\n");
    let watching = home.shell(&script);
    eventually("an alert", || !home.inbox().slack().is_empty());
    watching.signal("TERM");
    let ran = watching.end();
    ran.ends(0);
    let told = slack_text(&home.inbox().slack()[0].body);
    assert!(told.contains("Ravi Kumar") && told.contains("2 min on WhatsApp"), "{told}");
    assert!(ran.stdout.contains("7 rules in use") && ran.stdout.contains("\nok\n"), "{}", ran.stdout);
}
