//! `run --dry-run`: says what would be sent, sends and stores nothing.

use std::{fs, path::Path};

use pengwatch::sandbox::{
    By, CustomerAction,
    fault::{Fault, FaultKind},
};

use sha2::{Digest, Sha256};

use crate::harness::{Home, now};

/// Every file below the folder, with a hash of its content; without the files that `SQLite` makes for readers: shared
/// memory, which holds locks only, and an empty log.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_none_or(|end| end != "db-shm") {
            let bytes = fs::read(&path).expect("a file");
            if bytes.is_empty() && path.extension().is_some_and(|end| end == "db-wal") {
                continue;
            }
            files.push((path.display().to_string(), format!("{:x}", Sha256::digest(&bytes))));
        }
    }
    files.sort();
    files
}

#[track_caller]
fn nothing_was_sent(home: &Home) {
    assert_eq!((home.inbox().slack().len(), home.mail().connections(), home.inbox().webhooks().len()), (0, 0, 0));
}

#[test]
fn says_what_would_be_sent_to_whom() {
    let home = Home::watching();
    home.waits("c1", "Asha Rao", "Where is my order?");
    let before = files(&home.path(""));
    let ran = home.run(&["run", "--dry-run"]);
    ran.ends(0);
    assert_eq!(ran.stderr, "");
    let heads: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("--- ")).collect();
    let mut sorted = heads.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["leads", "ops", "screen", "support"].map(|name| format!("--- would be sent to {name}")));
    let screen = "--- would be sent to screen\n🟠 Asha Rao has waited 2 min on WhatsApp · “Where is my order?” · User ID c1 · \
                  https://app.example.com/inbox/c1 · waiting\n";
    assert!(ran.stdout.contains(screen), "{}", ran.stdout);
    assert!(ran.stdout.contains("Subject: "), "{}", ran.stdout);
    nothing_was_sent(&home);
    assert_eq!(files(&home.path("")), before, "nothing is stored");
}

#[test]
fn a_receivers_template_stands_in_for_alert() {
    let home = Home::watching()
        .file("templates/short/console.txt.hbs", "{{count}} wait")
        .file("templates/loud/console.txt.hbs", "LOUD");
    home.edit("pengwatch.toml", "type = \"console\"", "type = \"console\"\ntemplate = \"short\"");
    home.waits("c1", "Asha Rao", "Where is my order?");
    home.run(&["check"]).ends(0);
    let screen = |stdout: &str| {
        let rest = stdout.split("--- would be sent to screen\n").nth(1).unwrap_or_default().to_owned();
        rest.lines().next().unwrap_or_default().to_owned()
    };
    let ran = home.run(&["run", "--dry-run"]);
    assert_eq!(screen(&ran.stdout), "1 wait", "{}", ran.stdout);
    assert!(ran.stdout.contains("Subject: "), "the others have theirs: {}", ran.stdout);
    // A rule that names a template uses it.
    home.edit("rules/waiting.toml", "[[notify]]", "[[notify]]\ntemplate = \"loud\"");
    assert_eq!(screen(&home.run(&["run", "--dry-run"]).stdout), "LOUD");
    // An absent template is a mistake of the configuration.
    home.edit("pengwatch.toml", "template = \"short\"", "template = \"shrot\"");
    let ran = home.run(&["check"]);
    ran.ends(1);
    for part in ["there is no folder `shrot` in the templates", "pengwatch.toml:", "did you mean `short`?"] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
}

#[test]
fn knows_what_was_told_before_and_changes_nothing() {
    let home = Home::watching();
    home.waits("c1", "Asha Rao", "Where is my order?");
    home.run(&["run", "--once"]).ends(0);
    home.inbox().clear_logs();
    let before = files(&home.path(""));

    home.run(&["run", "--dry-run"]).says(0, "nothing would be sent\n", "");
    home.inbox().act("c1", &CustomerAction::Answer(By::Agent, "Here it is.".to_owned()), now()).expect("a contact");
    for _ in 0..2 {
        let ran = home.run(&["run", "--dry-run"]);
        ran.ends(0);
        assert!(ran.stdout.contains("✅ Asha Rao: answered by an agent after 2 min"), "{}", ran.stdout);
    }
    assert_eq!((home.inbox().slack().len(), home.inbox().webhooks().len()), (0, 0));
    assert_eq!(files(&home.path("")), before, "nothing is stored");
}

#[test]
fn works_beside_a_daemon() {
    let home = Home::watching();
    let daemon = home.start(&["run"]);
    crate::harness::eventually("the first poll", || !home.inbox().requests().is_empty());
    home.run(&["run", "--dry-run"]).says(0, "nothing would be sent\n", "");
    daemon.signal("TERM");
    daemon.end().ends(0);
}

#[test]
fn an_inbox_that_cannot_be_read_is_status_1() {
    let home = Home::watching();
    home.inbox().fault(Fault::inbox(FaultKind::status(403)));
    let ran = home.run(&["run", "--dry-run"]);
    ran.ends(1);
    assert_eq!(ran.stdout, "nothing would be sent\n");
    let line = "inbox main was not read completely: the API refused the token (HTTP 403); check the inbox's `token`, or \
                ask the provider for a new one\n";
    assert!(ran.stderr.ends_with(line), "{}", ran.stderr);
    nothing_was_sent(&home);
}
