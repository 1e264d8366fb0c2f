//! Rules that vanish, rules that are not read, and the rules' sentences: the real binary.

use std::fs;

use pengwatch::sandbox::{By, CustomerAction};
use serde_json::Value;

use crate::harness::{Home, RULE, Ran, eventually, now};

/// Support by Slack; the watchdog notifies the leads by mail.
fn watched() -> Home {
    let home = Home::watching().file("rules/waiting.toml", &RULE.replace(", \"leads\", \"ops\", \"screen\"", ""));
    let config = fs::read_to_string(home.path("pengwatch.toml")).expect("a file");
    home.file("pengwatch.toml", &format!("{config}\n[watchdog]\nnotify = [\"leads\"]\n"))
}

#[track_caller]
fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("no JSON: {} {}", ran.stdout, ran.stderr))
}

fn subjects(home: &Home) -> Vec<String> {
    home.mail().mails().iter().filter_map(|mail| mail.header("Subject")).collect()
}

/// The folder is there, and empty.
fn empty(home: &Home) {
    fs::rename(home.path("rules"), home.path("away")).expect("a folder");
    fs::create_dir(home.path("rules")).expect("a folder");
}

fn full(home: &Home) {
    fs::remove_dir_all(home.path("rules")).expect("a folder");
    fs::rename(home.path("away"), home.path("rules")).expect("a folder");
}

#[test]
fn runs_on_a_schedule_with_an_empty_folder() {
    let home = watched();
    home.waits("c1", "Asha", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    empty(&home);
    for _ in 0..2 {
        let ran = home.run(&["run", "--once"]);
        ran.ends(1);
        let said = "the only rule is missing: waiting; their alerts are left alone. If it is meant, `pengwatch rules \
                    --accept` says so\n";
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
    assert_eq!(json(&home.run(&["alerts", "--json"]))[0]["state"], "firing");
    let status = home.run(&["status"]);
    status.ends(1);
    assert!(
        status.stdout.contains(" the only rule is missing: waiting; `pengwatch rules --accept`"),
        "{}",
        status.stdout
    );
    assert_eq!(json(&home.run(&["status", "--json"]))["rules_missing"]["names"], serde_json::json!(["waiting"]));
    assert_eq!(
        home.run(&["rules"]).stdout,
        "waiting: Its file is missing. It fired once, at NOW.\n".replace("NOW", &fired_at(&home, 0))
    );
    let told = subjects(&home);
    assert!(told.len() == 1 && told[0].starts_with("⚠️ pengwatch: the only rule is missing: waiting. "), "{told:?}");

    full(&home);
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(home.inbox().slack().len(), 1, "told again");
    assert!(
        subjects(&home)[1].starts_with("✅ pengwatch: the rules that were missing are back"),
        "{:?}",
        subjects(&home)
    );

    // It is accepted: the alert ends without a message.
    empty(&home);
    home.run(&["run", "--once"]).ends(1);
    home.run(&["rules", "--accept"]).says(
        0,
        "1 rule taken as removed, its alerts end without a message: waiting\n",
        "",
    );
    home.run(&["rules", "--accept"]).says(0, "no rule is missing\n", "");
    // Without any rule nobody is watched for.
    home.run(&["run", "--once"]).ends(1);
    assert_eq!(json(&home.run(&["alerts", "--json"])), serde_json::json!([]));
    assert_eq!(home.inbox().slack().len(), 1);
}

#[test]
fn a_daemon_whose_rules_vanish_goes_on() {
    let home = watched();
    home.waits("c1", "Asha", "Hello?");
    let daemon = home.start(&["run"]);
    eventually("the message", || home.inbox().slack().len() == 1);
    empty(&home);
    eventually("the watchdog's word", || subjects(&home).len() == 1);
    home.waits("c2", "Ravi", "Me too");
    eventually("a message by the last good version", || home.inbox().slack().len() == 2);
    // Another start meanwhile.
    daemon.signal("TERM");
    daemon.end().ends(0);
    let daemon = home.start(&["run"]);
    home.inbox().act("c1", &CustomerAction::Answer(By::Agent, "Yes?".to_owned()), now()).expect("a contact");
    eventually("the end", || home.inbox().slack().len() == 3);
    full(&home);
    eventually("the watchdog's end", || subjects(&home).len() == 2);
    daemon.signal("TERM");
    let ran = daemon.end();
    ran.ends(0);
    assert!(ran.stderr.contains("the only rule is missing: waiting; their last good versions go on"), "{}", ran.stderr);
    assert_eq!(home.inbox().slack().len(), 3, "somebody was told again");
}

#[test]
fn what_is_not_read_is_named() {
    let home = watched().file("rules/team/vip.toml", &RULE.replace("unreadMessages > 0", "unreadMessages > 5"));
    for name in ["night.TOML", "second.toml.txt", "x.yaml", ".hidden.toml", "README.md", "4913"] {
        home.write(&format!("rules/{name}"), RULE);
    }
    home.write("templates/alert/README.md", "mine");
    home.write("templates/alert/.console.txt.hbs.swp", "an editor's");
    home.write("templates/alert/#console.txt.hbs#", "an editor's");
    home.write("templates/Thumbs.db", "a system's");
    let title = "the name of a rule's file ends in `.toml`";
    let check = home.run(&["check"]);
    check.ends(0);
    for name in ["night.TOML", "second.toml.txt", "x.yaml"] {
        let said = format!("warning: `rules/{name}` looks like a rule and is not read: {title}\n");
        assert!(check.stdout.contains(&said), "{said}{}", check.stdout);
    }
    assert!(check.stdout.contains("rename it to `night.toml`"), "{}", check.stdout);
    assert!(check.stdout.ends_with("rules: 2 rules in use, 0 disabled, 0 with mistakes\ntemplates: alert\nrequests of inbox main: 1 query for 2 rules, every 1s: 120 a minute while few customers wait, of 80 allowed: polls will wait for each other\nok, 3 warnings\n"), "{}", check.stdout);
    home.waits("c1", "Asha", "Hello?");
    let ran = home.run(&["run", "--once"]);
    ran.ends(0);
    assert_eq!(ran.stderr.matches("looks like a rule and is not read").count(), 3, "{}", ran.stderr);
    assert!(!ran.stderr.contains("in use from now on"), "nothing ran before: {}", ran.stderr);
    let status = home.run(&["status"]);
    assert!(status.stdout.contains(&format!("not read: rules/night.TOML: {title}\n")), "{}", status.stdout);
    let status = json(&home.run(&["status", "--json"]));
    assert_eq!(status["not_read"][2], serde_json::json!({ "file": "rules/x.yaml", "why": title }));

    // As after a version that knew neither subfolders nor the memory of rules.
    let db = rusqlite::Connection::open(home.path("pengwatch.db")).expect("a state");
    db.execute("DELETE FROM rules", []).expect("a table");
    drop(db);
    let said = "the rule `team/vip` is in use from now on: the version before did not read rules in subfolders\n";
    assert!(home.run(&["run", "--once"]).stderr.contains(said));
    assert!(!home.run(&["run", "--once"]).stderr.contains(said));
}

#[test]
fn rules_in_words() {
    let home = watched();
    home.waits("c1", "Asha", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    home.write(
        "rules/team/vip.toml",
        "for = \"2m\"\nack_on = [\"assigned\", \"INPROGRESS\"]\nresolved = false\n[hours]\nopen = [\"mon-fri \
         09:00-18:00\"]\nclock = \"business\"\n[filter]\ntags = [\"vip\"]\nlastSeenAt = { startAt = \"-1h\" }\n\
         [[notify]]\nto = [\"support\", \"ops\"]\n[[notify]]\nto = [\"leads\"]\nafter = \"15m\"\nrepeat = \"1h\"\n\
         repeat_factor = 2.0\nrepeat_limit = 3\n",
    );
    home.write("rules/broken.toml", "severity = 1\n");
    home.write("rules/off.toml", "enabled = false\n[[notify]]\nto = [\"support\"]\n");
    let ran = home.run(&["rules"]);
    let expected = format!(
        "broken: It has mistakes; `pengwatch check` names them. It has not fired.\n\
         off: It is disabled. It has not fired.\n\
         team/vip: Notifies support and ops and leads after 15m of open time, again every 1h of open time (each pause 2 times as \
         long, 3 times at most) about contacts with the tag vip and last seen since 1h ago, who have waited 2m of open time; \
         quiet once an agent is assigned or the status is INPROGRESS; within its hours; no message at the end. It has not fired.\n\
         waiting: Notifies support about contacts with the last message by user and the status OPEN or INPROGRESS, where \
         `unreadMessages > 0`. It fired once, at {}.\n",
        fired_at(&home, 3)
    );
    ran.says(0, &expected, "");
    let rows = json(&home.run(&["rules", "--json"]));
    assert_eq!(
        (&rows[3]["name"], &rows[3]["state"], &rows[3]["fired"]),
        (&"waiting".into(), &"in-use".into(), &1.into())
    );
    assert_eq!(
        (&rows[0]["state"], &rows[1]["state"], &rows[1]["last_fired_at"]),
        (&"rejected".into(), &"disabled".into(), &Value::Null)
    );
}

fn fired_at(home: &Home, row: usize) -> String {
    let at = json(&home.run(&["rules", "--json"]))[row]["last_fired_at"].as_str().expect("a time").to_owned();
    at.replace('T', " ").split('.').next().expect("seconds").to_owned()
}
