//! Receivers that are replaced, renamed or moved: what is owed goes once to the receivers that the rule names now.

use pengwatch::sandbox::{
    By, CustomerAction,
    fault::{Fault, FaultKind},
};

use crate::harness::{Home, RULE, eventually, now, slack_text};

const NEW_PATH: &str = "/services/T0SECRET/B0NEW/hunter2new";
const NEW: &str = "\n[receiver.helpdesk]\ntype = \"slack\"\nwebhook_url = { env = \"NEW_URL\" }\n";
const SUPPORT: &str = "[receiver.support]\ntype = \"slack\"\nwebhook_url = { env = \"SLACK_WEBHOOK_URL\" }\n";

fn rule(to: &str) -> String {
    RULE.replace(r#"["support", "leads", "ops", "screen"]"#, to)
}

/// Two customers wait, and Slack refuses for good.
fn refused(to: &str) -> Home {
    let home = Home::watching();
    let url = format!("{}{NEW_PATH}", home.url());
    let home = home.env("NEW_URL", &url).file("rules/waiting.toml", &rule(to));
    home.waits("c1", "Asha", "Hello?");
    home.waits("c2", "Ravi", "Hello?");
    home.inbox().fault(Fault::slack(FaultKind::status(404)).repeated(1_000));
    home.run(&["run", "--once"]).ends(1);
    assert_eq!(told(&home).len(), 0);
    home.inbox().clear_faults();
    home
}

/// What Slack accepted: the end of the path, and the first line.
fn told(home: &Home) -> Vec<(String, String)> {
    let accepted = home.inbox().slack().into_iter().filter(|received| received.status == 200);
    let line = |body: &str| slack_text(body).lines().next().unwrap_or_default().to_owned();
    accepted
        .map(|received| {
            let path = received.path.rsplit('/').next().unwrap_or_default().to_owned();
            (path, line(&received.body))
        })
        .collect()
}

fn answer(home: &Home, id: &str) {
    home.inbox().act(id, &CustomerAction::Answer(By::Agent, "Yes?".to_owned()), now()).expect("a contact");
}

fn replace(home: &Home) {
    home.edit("pengwatch.toml", SUPPORT, NEW);
    home.write("rules/waiting.toml", &rule(r#"["helpdesk"]"#));
}

#[test]
fn its_successor_hears_once_what_was_owed_and_the_end() {
    let home = refused(r#"["support"]"#);
    replace(&home);
    home.run(&["run", "--once"]).ends(0);
    let waiting = told(&home);
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert!(waiting[0].0 == "hunter2new" && waiting[0].1.contains("2 customers are waiting"), "{waiting:?}");
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(told(&home).len(), 1, "once");
    home.run(&["outbox", "list"]).says(0, "nothing waits, and nothing was given up\n", "");
    let history = home.run(&["history", "--contact", "c1"]).stdout;
    assert!(history.contains("support   step 1 fired: the rule names other receivers now"), "{history}");
    assert!(history.contains("helpdesk  in place of support"), "{history}");
    answer(&home, "c1");
    home.run(&["run", "--once"]).ends(0);
    let end = told(&home)[1].clone();
    assert!(end.0 == "hunter2new" && end.1.contains("Asha"), "{end:?}");
}

#[test]
fn a_daemon_tells_the_successor_after_its_restart() {
    let home = refused(r#"["support"]"#);
    replace(&home);
    let daemon = home.start(&["run"]);
    eventually("the message", || told(&home).len() == 1);
    daemon.signal("TERM");
    let ran = daemon.end();
    ran.ends(0);
    assert!(
        ran.stderr.contains("receiver.replaced: the receivers that the rules name now are notified in its place"),
        "{ran:?}"
    );
}

#[test]
fn who_is_over_or_taken_meanwhile_is_not_told_of() {
    let home = refused(r#"["support"]"#);
    replace(&home);
    answer(&home, "c1");
    // An end needs evidence, which is known before anything is sent.
    home.run(&["run", "--once"]).ends(0);
    let waiting = told(&home);
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert!(waiting[0].1.contains("Ravi"), "{waiting:?}");
}

#[test]
fn an_edit_of_the_rule_alone_is_enough_while_it_runs() {
    let home = refused(r#"["support"]"#);
    let text = std::fs::read_to_string(home.path("pengwatch.toml")).expect("a file");
    home.write("pengwatch.toml", &format!("{text}{NEW}"));
    // The old one is broken, and is not tried again for two minutes.
    let daemon = home.start(&["run"]);
    eventually("a poll", || home.run(&["status"]).stdout.contains(" s ago"));
    home.write("rules/waiting.toml", &rule(r#"["helpdesk"]"#));
    eventually("the message", || told(&home).iter().any(|(path, _)| path == "hunter2new"));
    daemon.signal("TERM");
    daemon.end().ends(0);
    assert_eq!(told(&home).len(), 1, "{:?}", told(&home));
}

#[test]
fn a_receiver_that_is_only_taken_out_of_the_rule_leaves_nothing_behind() {
    let home = refused(r#"["support", "screen"]"#);
    home.write("rules/waiting.toml", &rule(r#"["screen"]"#));
    let ran = home.run(&["run", "--once"]);
    ran.ends(0);
    assert_eq!((ran.stdout.as_str(), told(&home).len()), ("", 0), "the others know it already");
    home.run(&["outbox", "list"]).says(0, "nothing waits, and nothing was given up\n", "");
}

#[test]
fn what_was_given_up_goes_to_the_successor_too() {
    let home = Home::watching();
    let url = format!("{}{NEW_PATH}", home.url());
    let home = home.env("NEW_URL", &url).file("rules/waiting.toml", &rule(r#"["support"]"#));
    home.waits("c1", "Asha", "Hello?");
    home.inbox().fault(Fault::slack(FaultKind::status(400)).repeated(1_000));
    home.run(&["run", "--once"]).ends(1);
    assert!(home.run(&["outbox", "list"]).stdout.contains("dead"));
    home.inbox().clear_faults();
    replace(&home);
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(told(&home).len(), 1);
    home.run(&["outbox", "list"]).says(0, "nothing waits, and nothing was given up\n", "");
}

#[test]
fn a_fallback_that_is_replaced_hands_its_part_on() {
    let home = refused(r#"["support"]"#);
    // The mail server accepts nothing either.
    home.mail().fault(pengwatch::sandbox::smtp::Stage::Mail, 550, 1_000);
    home.inbox().fault(Fault::slack(FaultKind::status(404)).repeated(1_000));
    home.edit("pengwatch.toml", SUPPORT, &format!("{SUPPORT}fallback = \"leads\"\n"));
    home.run(&["run", "--once"]).ends(1);
    assert!(home.run(&["outbox", "list"]).stdout.contains("leads"));
    home.edit("pengwatch.toml", "fallback = \"leads\"", "fallback = \"screen\"");
    let ran = home.run(&["run", "--once"]);
    assert!(ran.stdout.contains("2 customers are waiting"), "{ran:?}");
    assert!(!home.run(&["outbox", "list"]).stdout.contains("leads"));
    assert_eq!(home.run(&["run", "--once"]).stdout, "", "once");
}

#[test]
fn the_same_receiver_under_another_name_is_told_nothing_twice_and_hears_the_ends() {
    let home = Home::watching().file("rules/waiting.toml", &rule(r#"["support", "leads"]"#));
    home.waits("c1", "Asha", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    home.waits("c2", "Ravi", "Hello?");
    home.inbox().fault(Fault::slack(FaultKind::status(503)).repeated(1_000));
    home.run(&["run", "--once"]).ends(1);
    home.inbox().clear_faults();
    home.edit("pengwatch.toml", "[receiver.support]", "[receiver.helpdesk]");
    home.edit("pengwatch.toml", "[receiver.leads]", "[receiver.bosses]");
    home.write("rules/waiting.toml", &rule(r#"["helpdesk", "bosses"]"#));
    home.run(&["run", "--once"]).ends(0);
    let slack = told(&home);
    assert_eq!((slack.len(), home.mail().mails().len()), (2, 2), "{slack:?}");
    assert!(slack[0].1.contains("Asha") && slack[1].1.contains("Ravi"), "{slack:?}");
    answer(&home, "c1");
    home.run(&["run", "--once"]).ends(0);
    assert_eq!((told(&home).len(), home.mail().mails().len()), (3, 3));
}

#[test]
fn another_address_under_the_same_name_is_tried_at_once() {
    let home = refused(r#"["support"]"#);
    home.edit("pengwatch.toml", "env = \"SLACK_WEBHOOK_URL\"", "env = \"NEW_URL\"");
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(told(&home).len(), 1, "it does not wait for the next probe of the old one");
}

#[test]
fn another_kind_under_the_same_name_takes_over() {
    let home = refused(r#"["support"]"#);
    home.edit("pengwatch.toml", SUPPORT, "[receiver.support]\ntype = \"console\"\n");
    let ran = home.run(&["run", "--once"]);
    ran.ends(0);
    assert!(ran.stdout.contains("2 customers are waiting"), "{ran:?}");
}

#[test]
fn a_rule_that_still_names_the_old_one_keeps_what_is_owed_until_it_is_right() {
    let home = refused(r#"["support"]"#);
    home.edit("pengwatch.toml", SUPPORT, NEW);
    home.write("rules/other.toml", &rule(r#"["screen"]"#).replace("unreadMessages > 0", "unreadMessages > 99"));
    let ran = home.run(&["run", "--once"]);
    assert!(ran.stderr.contains("support"), "{ran:?}");
    assert_eq!(told(&home).len(), 0);
    home.write("rules/waiting.toml", &rule(r#"["helpdesk"]"#));
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(told(&home).len(), 1);
}

#[test]
fn what_the_watchdog_owes_goes_to_its_new_receiver() {
    let home = Home::watching();
    let text = std::fs::read_to_string(home.path("pengwatch.toml")).expect("a file");
    home.write("pengwatch.toml", &format!("{text}\n[watchdog]\nnotify = [\"leads\"]\n"));
    home.write("rules/broken.toml", "when = 'unreadMessages >'\n[[notify]]\nto = [\"screen\"]\n");
    home.mail().fault(pengwatch::sandbox::smtp::Stage::Mail, 550, 1_000);
    home.run(&["run", "--once"]).ends(1);
    home.edit("pengwatch.toml", "notify = [\"leads\"]", "notify = [\"screen\"]");
    let ran = home.run(&["run", "--once"]);
    assert!(ran.stdout.contains("broken"), "{ran:?}");
    assert!(!home.run(&["run", "--once"]).stdout.contains("broken"), "once");
}

#[test]
fn an_end_is_not_owed_to_one_who_is_gone() {
    let home = Home::watching().file("rules/waiting.toml", &rule(r#"["support"]"#));
    home.waits("c1", "Asha", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(told(&home).len(), 1);
    home.edit("pengwatch.toml", SUPPORT, "");
    home.write("rules/waiting.toml", &rule(r#"["screen"]"#));
    home.run(&["run", "--once"]).ends(0);
    answer(&home, "c1");
    let ran = home.run(&["run", "--once"]);
    ran.ends(0);
    assert_eq!(ran.stdout, "", "the new one was not told of the beginning");
}
