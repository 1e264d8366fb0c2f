//! The life of an alert, as its users see it: the real binary, beside itself.

use std::{collections::BTreeSet, time::Duration};

use pengwatch::sandbox::{
    By, CustomerAction,
    fault::{Fault, FaultKind},
};
use serde_json::Value;

use crate::harness::{Home, Ran, eventually, now};

/// Reminded of every second, and acknowledged by an agent who takes it.
const OFTEN: &str = r#"when = 'unreadMessages > 0'
ack_on = ["assigned"]

[filter]
lastMessageBy = ["user"]

[[notify]]
to = ["support"]
repeat = "1s"
"#;

fn home(rule: &str) -> Home {
    Home::watching().file("rules/waiting.toml", rule)
}

#[track_caller]
fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("no JSON: {} {}", ran.stdout, ran.stderr))
}

/// The one open alert.
#[track_caller]
fn alert(home: &Home) -> Value {
    let alerts = json(&home.run(&["alerts", "--json"]));
    let [alert] = alerts.as_array().expect("a list").as_slice() else { panic!("{alerts}") };
    alert.clone()
}

/// The history, as `event who`.
fn events(home: &Home) -> Vec<String> {
    let history = json(&home.run(&["history", "--json"]));
    let line = |entry: &Value| {
        let who = entry.get("who").expect("who");
        // Absent values are null.
        assert!(who.is_null() || who.as_str().is_some_and(|who| !who.is_empty()), "{entry}");
        format!("{} {}", entry["event"].as_str().unwrap_or("?"), who.as_str().unwrap_or(""))
    };
    history.as_array().expect("a list").iter().map(|entry| line(entry).trim().to_owned()).collect()
}

#[test]
fn one_shot_runs_are_as_good_as_a_daemon() {
    let rule = OFTEN.replace("repeat = \"1s\"", "\n[[notify]]\nafter = \"1h\"\nto = [\"leads\"]");
    let home = home(&rule.replace("ack_on", "for = \"90s\"\nack_on"));
    // The customer wrote two minutes ago.
    home.waits("c1", "Asha", "Hello?");
    for _ in 0..3 {
        home.run(&["run", "--once"]).ends(0);
    }
    assert_eq!((home.inbox().slack().len(), home.mail().mails().len()), (1, 0));
    assert_eq!(alert(&home)["told"], serde_json::json!(["support"]));
    // Shorter by an edit: due now, once.
    home.write("rules/waiting.toml", &rule.replace("1h", "1m").replace("ack_on", "for = \"90s\"\nack_on"));
    for _ in 0..3 {
        home.run(&["run", "--once"]).ends(0);
    }
    assert_eq!((home.inbox().slack().len(), home.mail().mails().len()), (1, 1));
    home.inbox().act("c1", &CustomerAction::Answer(By::Agent, "Yes?".to_owned()), now()).expect("a contact");
    home.run(&["run", "--once"]).ends(0);
    assert_eq!((home.inbox().slack().len(), home.mail().mails().len()), (2, 2));
    // Two receivers are notified at the same time, in any order.
    let (mut came, order) = (events(&home), ["firing", "owed support", "sent support", "rule-edited", "owed leads"]);
    assert_eq!(came[..5], order);
    came.sort();
    let mut all =
        [&order[..], &["sent leads", "resolved", "owed support", "owed leads", "sent leads", "sent support"]].concat();
    all.sort_unstable();
    assert_eq!(came, all);
}

#[test]
fn who_acknowledges_is_not_reminded_and_hears_of_the_end() {
    let home = home(OFTEN);
    home.waits("c1", "Asha", "Hello?");
    let daemon = home.start(&["run"]);
    eventually("a reminder", || home.inbox().slack().len() >= 3);
    let id = alert(&home)["id"].as_str().expect("an id").to_owned();
    let ran = home.run(&["ack", &id[..6], "--comment", "on it", "--by", "Ravi"]);
    ran.says(
        0,
        &format!("acknowledged {id}: Asha (waiting, main); nobody is reminded of it any more until it is over\n"),
        "",
    );
    std::thread::sleep(Duration::from_millis(500));
    let told = home.inbox().slack().len();
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(home.inbox().slack().len(), told, "reminded after the acknowledgement");

    let seen = alert(&home);
    assert_eq!(
        (&seen["acknowledged"], &seen["acknowledged_by"], &seen["comment"]),
        (&true.into(), &"Ravi".into(), &"on it".into())
    );
    let again = home.run(&["ack", &id]);
    again.ends(0);
    assert!(again.stdout.contains("was acknowledged before, by Ravi at "), "{}", again.stdout);

    home.inbox().act("c1", &CustomerAction::Answer(By::Agent, "Yes?".to_owned()), now()).expect("a contact");
    eventually("the end", || home.inbox().slack().len() == told + 1);
    daemon.signal("TERM");
    daemon.end().ends(0);
    let over = home.run(&["ack", &id]);
    over.says(1, "", &format!("the alert {id} is over already: answered by an agent\n"));
    home.run(&["ack", "nobody"]).says(1, "", "there is no alert `nobody`; `pengwatch alerts` lists them\n");
}

#[test]
fn an_agent_who_takes_it_acknowledges() {
    let home = home(OFTEN);
    home.waits("c1", "Asha", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    home.inbox().act("c1", &CustomerAction::Assign("5fed38e56fb193dcc6c933f5".to_owned()), now()).expect("a contact");
    home.run(&["run", "--once"]).ends(0);
    let told = home.inbox().slack().len();
    std::thread::sleep(Duration::from_millis(1_100));
    home.run(&["run", "--once"]).ends(0);
    assert_eq!((home.inbox().slack().len(), &alert(&home)["acknowledged"]), (told, &true.into()));
}

#[test]
fn a_silence_holds_back_and_its_end_tells() {
    let home = home(&OFTEN.replace("repeat = \"1s\"", ""));
    let added = home.run(&[
        "silence",
        "add",
        "--rule",
        "waiting",
        "--for",
        "2h",
        "--comment",
        "a known outage",
        "--by",
        "Ravi",
    ]);
    added.ends(0);
    assert!(added.stdout.starts_with("silence 1 holds back rule=waiting until "), "{}", added.stdout);
    assert!(added.stdout.ends_with("; no open alert matches now\n"), "{}", added.stdout);
    home.waits("c1", "Asha", "Hello?");
    // Notifications that are held are not work that is left.
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(home.inbox().slack().len(), 0);
    assert_eq!((&alert(&home)["state"], &alert(&home)["silenced"]), (&"firing".into(), &true.into()));
    assert!(home.run(&["alerts"]).stdout.contains("  silenced until "), "{}", home.run(&["alerts"]).stdout);

    let listed = json(&home.run(&["silence", "list", "--json"]));
    let one = &listed[0];
    assert_eq!((&one["id"], &one["matchers"]["rule"]), (&"1".into(), &"waiting".into()));
    assert_eq!((&one["comment"], &one["created_by"]), (&"a known outage".into(), &"Ravi".into()));
    assert!(one["ends_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{one}");

    let daemon = home.start(&["run"]);
    eventually("a poll", || !home.inbox().requests().is_empty());
    home.run(&["silence", "expire", "1"]).says(
        0,
        "silence 1 has ended: what still fires of rule=waiting is told now\n",
        "",
    );
    eventually("the message", || home.inbox().slack().len() == 1);
    daemon.signal("TERM");
    daemon.end().ends(0);
    assert!(home.run(&["silence", "expire", "1"]).stdout.starts_with("silence 1 had ended at "));
    home.run(&["silence", "expire", "9"]).says(1, "", "there is no silence 9; `pengwatch silence list` lists them\n");
    home.run(&["silence", "list"]).says(0, "nothing is silenced\n", "");
}

#[test]
fn a_silence_of_nothing_or_of_what_is_not_there_is_refused() {
    let home = home(OFTEN);
    for (matcher, words) in [
        (["--rule", "waitin"], "there is no rule `waitin`: did you mean `waiting`?\n"),
        (["--inbox", "mian"], "there is no inbox `mian`: did you mean `main`?\n"),
        (["--severity", "warn"], "there is no severity `warn`: did you mean `warning`?\n"),
        (["--tag", " "], "--tag is empty\n"),
    ] {
        let ran = home.run(&["silence", "add", matcher[0], matcher[1], "--for", "1h", "--comment", "x"]);
        ran.says(2, "", words);
    }
    let none = home.run(&["silence", "add", "--for", "1h", "--comment", "x"]);
    assert_eq!((none.status, none.stdout.as_str()), (Some(2), ""));
    home.run(&["silence", "add", "--tag", "vip", "--for", "0s", "--comment", "x"]).says(
        2,
        "",
        "--for: a silence must be longer than zero\n",
    );
}

#[test]
fn outside_the_hours_it_is_held_without_complaint() {
    // A day on which it is not open, now or in an hour, wherever this runs.
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let today = now().to_zoned(jiff::tz::TimeZone::UTC).weekday().to_monday_zero_offset();
    let open = days[(usize::try_from(today).expect("a day") + 3) % 7];
    let hours = format!("[hours]\ntimezone = \"UTC\"\nopen = [\"{open} 09:00-18:00\"]\n\n[[notify]]");
    let home = home(&OFTEN.replace("[[notify]]", &hours));
    home.waits("c1", "Asha", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(home.inbox().slack().len(), 0);
    assert_eq!((&alert(&home)["state"], &alert(&home)["told"]), (&"firing".into(), &serde_json::json!([])));
    let other = home.run(&["run", "--once"]);
    other.ends(0);
    // Another receiver, which is notified at once.
    home.write(
        "rules/waiting.toml",
        &OFTEN.replace("[[notify]]", &hours.replace("[[notify]]", "outside = \"leads\"\n\n[[notify]]")),
    );
    home.run(&["run", "--once"]).ends(0);
    assert_eq!((home.inbox().slack().len(), home.mail().mails().len()), (0, 1));
}

#[test]
fn edits_while_it_runs() {
    let calm = OFTEN.replace("repeat = \"1s\"", "");
    let home = home(&calm);
    home.waits("c1", "Asha", "Hello?");
    let daemon = home.start(&["run"]);
    eventually("the message", || home.inbox().slack().len() == 1);

    home.write("rules/waiting.toml", &format!("description = \"new words\"\nseverity = \"critical\"\n{calm}"));
    eventually("the edit", || events(&home).contains(&"rule-edited".to_owned()));
    let text = format!("description = \"new words\"\nseverity = \"critical\"\n{calm}");
    home.write("rules/renamed.toml", &text);
    std::fs::remove_file(home.path("rules/waiting.toml")).expect("a file");
    eventually("the new name", || alert(&home)["rule"] == "renamed");

    // A mistake: the last good version goes on, and the log says where.
    home.write("rules/renamed.toml", &text.replace("unreadMessages", "unreadMesages"));
    std::thread::sleep(Duration::from_secs(3));
    home.waits("c2", "Ravi", "Me too");
    eventually("another message", || home.inbox().slack().len() == 2);

    // Disabled: its alerts end, and nobody is notified of that.
    home.write("rules/renamed.toml", &format!("enabled = false\n{text}"));
    eventually("the quiet end", || json(&home.run(&["alerts", "--json"])) == serde_json::json!([]));
    daemon.signal("TERM");
    let ran = daemon.end();
    ran.ends(0);
    assert_eq!(home.inbox().slack().len(), 2);
    assert_eq!(events(&home).iter().filter(|event| *event == "resolved").count(), 2);
    for words in ["rules/renamed.toml:3:9: a contact has no field `unreadMesages`", "its last good version goes on"] {
        assert!(ran.stderr.contains(words), "no `{words}` in {}", ran.stderr);
    }
}

#[test]
fn a_backlog_is_one_message_for_each_rule_and_receiver() {
    let second = OFTEN.replace("to = [\"support\"]", "to = [\"support\", \"leads\"]").replace("repeat = \"1s\"", "");
    let home = home(&second).file("rules/too.toml", &format!("description = \"another one\"\n{second}"));
    for number in 0..500 {
        home.waits(&format!("c{number:03}"), &format!("Customer {number}"), "Hello?");
    }
    home.run(&["run", "--once"]).ends(0);
    let slack = home.inbox().slack();
    assert_eq!((slack.len(), home.mail().mails().len()), (2, 2));
    for received in slack {
        let text = received.json().expect("a payload").to_string();
        assert!(text.contains("500 customers are waiting") && text.contains("490 more"), "{text}");
        assert!(text.len() < 20_000, "{}", text.len());
    }
    let ids: BTreeSet<String> = json(&home.run(&["alerts", "--json"]))
        .as_array()
        .expect("a list")
        .iter()
        .map(|alert| alert["id"].as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(ids.len(), 1_000);
}

#[test]
fn what_the_commands_say() {
    let home = home(&OFTEN.replace("repeat = \"1s\"", ""));
    home.run(&["alerts"]).says(0, "nobody is waiting\n", "nothing has run yet: there is no state `pengwatch.db`\n");
    home.run(&["history", "--json", "-q"]).ends(0);
    assert_eq!(json(&home.run(&["alerts", "--json"])), serde_json::json!([]));
    home.waits("c1", "Asha", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    let alert = alert(&home);
    for key in ["id", "rule", "inbox", "contact", "name", "state", "since", "waiting_seconds", "acknowledged"] {
        assert!(!alert[key].is_null(), "{key}: {alert}");
    }
    let shown = |arguments: &[&str]| {
        let ran = home.run(arguments);
        ran.ends(0);
        assert_eq!(ran.stderr, "");
        ran.stdout
    };
    let text = [shown(&["alerts"]), shown(&["history"]), shown(&["status"])].join("\n");
    insta::with_settings!({
        prepend_module_to_snapshot => false,
        omit_expression => true,
        filters => [
            (r"pw_[0-9a-f]{12}", "pw_[the-12-hex]"),
            (r"\b[0-9a-f]{12}\b", "[the-12-hex]"),
            (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "[date and time    ]"),
            (r"\b\d+ s ago", "0 s ago"),
        ]
    }, {
        insta::assert_snapshot!("state_tables", text);
    });
    let of = |rule: &str| json(&home.run(&["alerts", "--json", "--rule", rule])).as_array().map(Vec::len);
    assert_eq!((of("waiting"), of("other")), (Some(1), Some(0)));
    let of = |contact: &str| json(&home.run(&["history", "--json", "--contact", contact])).as_array().map(Vec::len);
    assert_eq!((of("c1"), of("c2")), (Some(3), Some(0)));
    assert_eq!(json(&home.run(&["history", "--json", "--since", "1ms"])), serde_json::json!([]));
}

#[test]
fn status_says_what_cannot_be_read() {
    let home = home(OFTEN);
    home.run(&["status"]).ends(0);
    home.inbox().fault(Fault::inbox(FaultKind::status(401)));
    home.run(&["run", "--once"]).ends(1);
    let ran = home.run(&["status", "--json"]);
    ran.ends(1);
    let status = json(&ran);
    assert!(status["inboxes"][0]["failure"].as_str().is_some_and(|why| why.contains("token")), "{status}");
}

#[test]
fn time_goes_on_while_the_inbox_is_slow() {
    let home = home(&OFTEN.replace("repeat = \"1s\"", "").replace("ack_on", "for = \"165s\"\nack_on"));
    home.edit("pengwatch.toml", "timeout = \"5s\"", "timeout = \"60s\"");
    // The customer wrote two minutes and a half ago.
    home.waits("c1", "Asha", "Hello?");
    let daemon = home.start(&["run"]);
    eventually("a poll", || home.run(&["alerts"]).stdout.contains("pending"));
    home.inbox().fault(Fault::inbox(FaultKind::Delay { ms: 60_000 }));
    eventually("the message", || home.inbox().slack().len() == 1);
    daemon.signal("TERM");
    daemon.end().ends(0);
}
