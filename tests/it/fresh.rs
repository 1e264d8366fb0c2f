//! A wait is checked before anybody is notified: the real binary, with polls fifteen seconds apart.

use std::time::Duration;

use jiff::SignedDuration;
use pengwatch::sandbox::{By, CustomerAction, Fault, FaultKind, Place};
use serde_json::json;

use crate::harness::{Home, eventually, now};

/// A rule with a wait of half a minute.
const VIP: &str = r#"for = "30s"

[filter]
lastMessageBy = ["user"]

[[notify]]
to = ["support"]
"#;

fn home() -> Home {
    let home = Home::watching().file("rules/waiting.toml", VIP);
    home.edit("pengwatch.toml", "poll_every = \"1s\"", "poll_every = \"15s\"");
    home
}

/// Somebody who wrote this number of seconds ago.
fn wrote(home: &Home, id: &str, seconds: i64) {
    let at = pengwatch::inside::iso(now() - SignedDuration::from_secs(seconds));
    let contact = json!({
        "_id": id, "platform": ["WHATSAPP"], "status": "OPEN", "unreadMessages": 1, "lastSeenAt": at,
        "profile": { "userDetails": { "name": id } },
        "lastMessage": { "at": at, "by": "user", "text": "Hello?" },
    });
    home.inbox().make(contact).expect("a contact");
}

fn look_ups(home: &Home) -> usize {
    home.inbox().requests().iter().filter(|body| body["searchText"] != "").count()
}

#[test]
fn an_answer_between_two_polls_is_known_before_anybody_is_told() {
    let home = home();
    wrote(&home, "asha", 24);
    wrote(&home, "ravi", 24);
    let run = home.start(&["run"]);
    eventually("the first poll", || !home.inbox().requests().is_empty());
    home.inbox().act("asha", &CustomerAction::Answer(By::Agent, "Hi.".to_owned()), now()).expect("an answer");
    // The next poll is in fifteen seconds, the due moment in six.
    eventually("ravi is told of", || home.inbox().slack().len() == 1);
    assert!(look_ups(&home) >= 1, "{:?}", home.inbox().requests());
    let everything = |body: &&serde_json::Value| body["searchText"] == "" && body["lastSeenAt"]["startAt"] == "";
    assert!(home.inbox().requests().iter().filter(everything).count() <= 2, "one poll, to an empty page");
    let told = home.inbox().slack()[0].body.clone();
    assert!(told.contains("ravi") && !told.contains("asha"), "{told}");
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(home.inbox().slack().len(), 1);
    run.signal("TERM");
    run.end().ends(0);
    let history = home.run(&["history", "--json"]).raw_stdout;
    let history: serde_json::Value = serde_json::from_str(&history).expect("JSON");
    let events = history.as_array().expect("a list").iter().filter(|entry| entry["contact"] == "asha");
    let events: Vec<&str> = events.filter_map(|entry| entry["event"].as_str()).collect();
    assert_eq!(events, ["pending", "vanished"]);
}

#[test]
fn what_a_receiver_did_not_take_is_looked_at_before_it_is_sent() {
    let home = home();
    wrote(&home, "asha", 40);
    home.inbox().fault(Fault::at(Place::Slack, FaultKind::status(503)).repeated(3));
    let run = home.start(&["run"]);
    eventually("the first attempt", || !home.inbox().slack().is_empty());
    home.inbox().act("asha", &CustomerAction::Answer(By::Agent, "Hi.".to_owned()), now()).expect("an answer");
    let withdrawn = || home.run(&["history", "--json", "--verbose"]).raw_stdout.contains("superseded");
    eventually("it is withdrawn", withdrawn);
    let accepted = home.inbox().slack().iter().filter(|one| one.status == 200).count();
    assert_eq!(accepted, 0, "nobody is told of who was answered during the outage");
    run.signal("TERM");
    run.end().ends(0);
}
