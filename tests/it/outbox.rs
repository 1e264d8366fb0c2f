//! `outbox`: messages that no receiver has accepted, tried again or dropped by hand.

use pengwatch::sandbox::{
    By, CustomerAction,
    fault::{Fault, FaultKind},
};
use serde_json::Value;

use crate::harness::{Home, RULE, eventually, now, slack_text};

/// Slack refuses the message, as plain text, too; it is given up.
fn given_up() -> (Home, String) {
    let home = Home::watching().file("rules/waiting.toml", &RULE.replace(", \"leads\", \"ops\", \"screen\"", ""));
    home.waits("c1", "Asha", "Hello?");
    home.inbox().fault(Fault::slack(FaultKind::status(400)).repeated(100));
    home.run(&["run", "--once"]).ends(1);
    let kept = list(&home);
    assert_eq!((kept.len(), &kept[0]["state"], &kept[0]["receiver"]), (1, &"dead".into(), &"support".into()));
    let id = kept[0]["id"].as_str().expect("an id").to_owned();
    (home, id)
}

fn list(home: &Home) -> Vec<Value> {
    let ran = home.run(&["outbox", "list", "--json"]);
    ran.ends(0);
    serde_json::from_str(&ran.stdout).expect("a list")
}

fn accepted(home: &Home) -> usize {
    home.inbox().slack().iter().filter(|received| received.status == 200).count()
}

#[test]
fn what_was_given_up_is_sent_after_a_replay_while_a_watcher_runs() {
    let (home, id) = given_up();
    let kept = list(&home);
    let told = &kept[0]["notifications"][0];
    assert_eq!((&told["name"], &told["event"], &told["rule"]), (&"Asha".into(), &"fired".into(), &"waiting".into()));
    assert!(kept[0]["last_error"].as_str().is_some_and(|why| why.contains("400")), "{kept:?}");
    let table = home.run(&["outbox", "list"]).stdout;
    assert!(table.contains(&format!("{id}  dead   support   fired Asha  2         ")), "{table}");

    home.inbox().clear_faults();
    let daemon = home.start(&["run"]);
    eventually("a poll", || home.run(&["status"]).stdout.contains(" s ago"));
    home.run(&["outbox", "replay", &id]).says(
        0,
        &format!("{id} is tried again; what is no longer true is not sent\n"),
        "",
    );
    eventually("the message", || accepted(&home) == 1);
    home.run(&["outbox", "list"]).says(0, "nothing waits, and nothing was given up\n", "");
    home.run(&["outbox", "replay", &id]).says(1, "", &format!("{id} is gone: sent, or withdrawn\n"));
    home.inbox().act("c1", &CustomerAction::Answer(By::Agent, "Yes?".to_owned()), now()).expect("a contact");
    eventually("the end", || accepted(&home) == 2);
    daemon.signal("TERM");
    daemon.end().ends(0);
}

#[test]
fn what_is_no_longer_true_is_not_sent_after_a_replay() {
    let (home, id) = given_up();
    home.inbox().clear_faults();
    home.inbox().act("c1", &CustomerAction::Answer(By::Agent, "Yes?".to_owned()), now()).expect("a contact");
    home.run(&["run", "--once"]).ends(0);
    home.run(&["outbox", "replay", &id]).ends(0);
    home.run(&["run", "--once"]).ends(0);
    assert_eq!((accepted(&home), list(&home).len()), (0, 0));
}

#[test]
fn what_is_dropped_is_never_sent_and_the_history_says_so() {
    let (home, id) = given_up();
    home.inbox().clear_faults();
    home.run(&["outbox", "drop", &id, "pw_none"]).says(
        1,
        &format!("{id} is not sent any more\n"),
        "there is no message `pw_none`; `pengwatch outbox list` lists them\n",
    );
    home.run(&["run", "--once"]).ends(0);
    assert_eq!((accepted(&home), list(&home).len()), (0, 0));
    home.run(&["outbox", "drop", &id]).says(1, "", &format!("{id} is gone: sent, or withdrawn\n"));
    let history = home.run(&["history"]).stdout;
    assert!(history.contains("superseded  support  step 1 fired: dropped by hand"), "{history}");
}

#[test]
fn what_waits_for_a_broken_receiver_is_tried_at_once_by_a_replay() {
    let home = Home::watching().file("rules/waiting.toml", &RULE.replace(", \"leads\", \"ops\", \"screen\"", ""));
    home.waits("c1", "Asha", "Hello?");
    home.inbox().fault(Fault::slack(FaultKind::status(404)).repeated(100));
    let ran = home.run(&["run", "--once"]);
    ran.ends(1);
    assert!(ran.stderr.contains("receiver support: 1 notification waits in the outbox: HTTP 404"), "{ran:?}");
    home.waits("c2", "Ravi", "Hello?");
    home.inbox().clear_faults();
    home.run(&["run", "--once"]).ends(1);
    assert_eq!(accepted(&home), 0, "a broken receiver is tried every few minutes only");
    let [kept] = list(&home).try_into().expect("one message tells of both");
    assert_eq!((&kept["state"], kept["notifications"].as_array().map(Vec::len)), (&"waiting".into(), Some(2)));
    let id = kept["id"].as_str().expect("an id");
    home.run(&["outbox", "replay", id]).says(
        0,
        &format!("{id} is tried again; what is no longer true is not sent\n"),
        "",
    );
    home.run(&["run", "--once"]).ends(0);
    assert_eq!((accepted(&home), list(&home).len()), (1, 0));
}

#[test]
fn runs_with_a_full_outbox_send_what_fits_and_the_next_ones_go_on() {
    let home = Home::watching().file("rules/waiting.toml", &RULE.replace(", \"leads\", \"ops\", \"screen\"", ""));
    home.edit("pengwatch.toml", "deadline = \"20s\"", "deadline = \"3s\"");
    home.edit(
        "pengwatch.toml",
        "webhook_url = { env = \"SLACK_WEBHOOK_URL\" }",
        "webhook_url = { env = \"SLACK_WEBHOOK_URL\" }\ngroup = \"contact\"",
    );
    for number in 0..12 {
        home.waits(&format!("c{number:02}"), &format!("Customer {number:02}"), "Hello?");
    }
    // A few at once, then one a second: more than a run has time for.
    let mut runs = 0;
    loop {
        runs += 1;
        let (before, ran) = (accepted(&home), home.run(&["run", "--once"]));
        let sent = accepted(&home) - before;
        assert!((1..=7).contains(&sent), "{sent} in one run");
        if ran.status == Some(0) {
            break;
        }
        ran.ends(1);
        assert!(ran.stderr.contains("in the outbox: no time was left. The next run tries again"), "{}", ran.stderr);
        assert!(ran.took.as_secs() < 9, "{:?}", ran.took);
        assert!(runs < 12, "it does not come to an end");
    }
    assert!(runs > 1);
    let mut told: Vec<String> = home.inbox().slack().iter().map(|received| slack_text(&received.body)).collect();
    told.sort();
    told.dedup();
    assert_eq!((told.len(), accepted(&home)), (12, 12), "each once");
}
