//! `run --once`: receivers are notified once of a waiting customer, and once of the end.

use std::{fs, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use pengwatch::sandbox::{
    By, CustomerAction, Received,
    fault::{Fault, FaultKind},
};
use sha2::Sha256;

use crate::harness::{Home, RULE, WEBHOOK_SECRET, eventually, now, slack_text};

/// The body of a snapshot, without what differs from run to run.
#[track_caller]
fn body(home: &Home, name: &str, text: &str) {
    let text = serde_json::from_str::<serde_json::Value>(text)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| text.to_owned());
    insta::with_settings!({
        prepend_module_to_snapshot => false,
        omit_expression => true,
        filters => [
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
            (r"\w{3} \d{1,2} \w{3}( \d{4})? \d\d:\d\d UTC", "TIME"),
            (r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME"),
            (r"Since [^\x22]+\x22", "Since TIME\""),
            (r"Waiting since: .*", "Waiting since: TIME"),
            (r#""id": "[0-9a-f]{12}""#, r#""id": "ALERT""#),
            (r#""waiting_seconds": \d+"#, r#""waiting_seconds": SECONDS"#),
        ],
    }, {
        insta::assert_snapshot!(name, home.steady(&text));
    });
}

/// The webhook's signature, after the Standard Webhooks specification.
fn is_signed(received: &Received) -> bool {
    let key = STANDARD.decode(WEBHOOK_SECRET.trim_start_matches("whsec_")).expect("base64");
    let header = |name| received.header(name).unwrap_or_default();
    let signed = format!("{}.{}.{}", header("webhook-id"), header("webhook-timestamp"), received.body);
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
    mac.update(signed.as_bytes());
    header("webhook-signature") == format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[test]
fn one_customer_is_told_once_to_each_receiver_and_so_is_the_end() {
    let home = Home::watching();
    home.waits("c1", "Asha Rao", "Where is my <order>?");

    // Each receiver is notified once.
    home.run(&["run", "--once"]).says(
        0,
        "🟠 Asha Rao has waited 2 min on WhatsApp · “Where is my <order>?” · User ID c1 · \
         https://app.example.com/inbox/c1 · waiting\n",
        "contacts read 1, alerts begun 1, ended 0, messages sent 4\n",
    );
    let (slack, mails, webhooks) = (home.inbox().slack(), home.mail().mails(), home.inbox().webhooks());
    assert_eq!((slack.len(), mails.len(), webhooks.len()), (1, 1, 1));
    body(&home, "once_slack", &slack[0].body);
    body(&home, "once_webhook", &webhooks[0].body);
    body(&home, "once_mail", &format!("{}\n\n{}", mails[0].subject(), mails[0].text()));

    let mail = &mails[0];
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("alerts@example.com", ["leads@example.com".to_owned()].as_slice())
    );
    let header = |name: &str| mail.header(name).unwrap_or_else(|| panic!("no header {name}"));
    assert_eq!(header("From").replace('"', ""), "Pengwatch <alerts@example.com>");
    assert_eq!(header("To"), "leads@example.com");
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    assert_eq!(header("List-Id"), "<pengwatch.example.com>");
    assert!(header("Message-ID").starts_with("<pw_") && header("Message-ID").ends_with("@example.com>"));
    let date = jiff::fmt::rfc2822::parse(&header("Date")).expect("a date").timestamp();
    assert!(now().duration_since(date).as_secs() < 120);

    let webhook = &webhooks[0];
    assert!(is_signed(webhook));
    assert!(webhook.header("webhook-id").is_some_and(|id| id.starts_with("pw_")));
    assert_eq!(webhook.header("x-team"), Some("support"));
    assert_eq!(webhook.header("content-type"), Some("application/json"));
    let sent: i64 = webhook.header("webhook-timestamp").and_then(|at| at.parse().ok()).expect("a time");
    assert!((now().as_second() - sent).abs() < 120);

    // Nothing is new, so nothing is sent.
    home.run(&["run", "--once"]).says(0, "", "contacts read 1, alerts begun 0, ended 0, messages sent 0\n");
    assert_eq!((home.inbox().slack().len(), home.mail().mails().len(), home.inbox().webhooks().len()), (1, 1, 1));

    // The answer: the end, with its reason, to each.
    home.inbox()
        .act("c1", &CustomerAction::Answer(By::Agent, "It is on its way.".to_owned()), now())
        .expect("a contact");
    home.run(&["run", "--once"]).says(
        0,
        "✅ Asha Rao: answered by an agent after 2 min (WhatsApp) · “It is on its way.” · User ID c1 · \
         https://app.example.com/inbox/c1 · waiting\n",
        "contacts read 1, alerts begun 0, ended 1, messages sent 4\n",
    );
    let (slack, mails, webhooks) = (home.inbox().slack(), home.mail().mails(), home.inbox().webhooks());
    assert_eq!((slack.len(), mails.len(), webhooks.len()), (2, 2, 2));
    assert!(slack_text(&slack[1].body).contains("answered"), "{}", slack[1].body);
    assert!(mails[1].subject().contains("answered"), "{}", mails[1].subject());
    assert!(is_signed(&webhooks[1]));
    let told = webhooks[1].json().expect("JSON");
    assert_eq!(told["event"], "resolved");
    assert_ne!(webhooks[0].header("webhook-id"), webhooks[1].header("webhook-id"));
    // One conversation of mails.
    assert_eq!(mails[0].header("References"), mails[1].header("References"));

    home.run(&["run", "--once"]).says(0, "", "contacts read 0, alerts begun 0, ended 0, messages sent 0\n");
}

#[test]
fn quiet_says_nothing_when_all_is_well() {
    let home = Home::watching();
    home.run(&["run", "--once", "-q"]).says(0, "", "");
}

#[test]
fn logs_in_json_are_one_object_a_line() {
    let home = Home::watching();
    home.edit("pengwatch.toml", "{ env = \"TOKEN\" }", &format!("\"{}\"", crate::harness::TOKEN));
    home.waits("c1", "Asha", "Hello?");
    home.write("rules/broken.toml", "severity = 1\n");
    let ran = home.run(&["run", "--once", "--log-format", "json", "-vv"]);
    ran.ends(1);
    let lines: Vec<serde_json::Value> =
        ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    assert!(lines.len() > 3, "{}", ran.stderr);
    assert!(ran.stderr.lines().all(|line| line.matches("\"message\":").count() == 1), "{}", ran.stderr);
    for line in &lines {
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
    }
    let has = |level: &str, text: &str| {
        lines
            .iter()
            .any(|line| line["level"] == level && line["message"].as_str().is_some_and(|said| said.contains(text)))
    };
    assert!(has("ERROR", "rules/broken.toml:1:12"), "{}", ran.stderr);
    assert!(has("WARN", "plain text"), "{}", ran.stderr);
    assert!(has("INFO", "alert.firing"), "{}", ran.stderr);
    assert!(has("INFO", "contacts read 1"), "{}", ran.stderr);

    let home = Home::empty();
    for (arguments, text) in [(["run", "--once"], "cannot be read"), (["run", "--dry-run"], "cannot be read")] {
        let ran = home.run(&[arguments[0], arguments[1], "--log-format=json"]);
        ran.ends(2);
        let line: serde_json::Value = serde_json::from_str(&ran.stderr).expect("one object");
        assert!(line["message"].as_str().is_some_and(|said| said.contains(text)), "{line}");
    }
}

#[test]
fn one_rule_with_a_mistake_does_not_stop_the_others() {
    let home = Home::watching();
    home.waits("c1", "Asha", "Hello?");
    home.write("rules/broken.toml", "severity = \"loud\"\n[[notify]]\nto = [\"support\"]\n");
    let ran = home.run(&["run", "--once"]);
    ran.ends(1);
    assert!(ran.stderr.contains("rules/broken.toml:1:12"), "{}", ran.stderr);
    let note = "the rule `broken` is left out until it is corrected; its running alerts are kept\n";
    assert!(ran.stderr.contains(note), "{}", ran.stderr);
    assert_eq!(home.inbox().slack().len(), 1);
}

#[test]
fn a_rule_that_breaks_keeps_its_alerts() {
    let home = Home::watching();
    home.waits("c1", "Asha", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    home.edit("rules/waiting.toml", "severity = \"warning\"", "severity = \"loud\"");
    home.run(&["run", "--once"]).ends(1);
    home.edit("rules/waiting.toml", "severity = \"loud\"", "severity = \"warning\"");
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(home.inbox().slack().len(), 1, "told again, or of an end that was none");
}

#[test]
fn of_two_runs_at_once_the_second_leaves_with_a_word() {
    let home = Home::watching();
    let mut first = home.start(&["run"]);
    eventually("the first poll", || !home.inbox().requests().is_empty());
    let second = home.run(&["run", "--once"]);
    let path = "another pengwatch works on the state `pengwatch.db` (process ";
    assert!(second.stderr.starts_with(&format!("error: {path}")), "{}", second.stderr);
    assert!(second.stderr.ends_with("); stop it first, or let this one end\n"), "{}", second.stderr);
    second.ends(1);
    assert!(!first.has_ended());

    // After a kill nothing prevents the next run.
    first.signal("KILL");
    let first = first.end();
    assert_eq!(first.status, None);
    home.run(&["run", "--once"]).ends(0);
}

#[test]
fn rules_that_are_not_there_end_nothing() {
    let home = Home::watching();
    home.waits("c1", "Asha", "Hello?");
    home.run(&["run", "--once"]).ends(0);

    // A folder that is not mounted yet, for example.
    fs::rename(home.path("rules"), home.path("away")).expect("a folder");
    let cannot = "error: the folder of rules `rules` cannot be read: it does not exist\n |\n = help: the key `rules` of the \
                  configuration names it, relative to that file\n\n";
    let missing = "the only rule is missing, since their folder cannot be read (it does not exist): waiting; their alerts \
                   are left alone. If it is meant, `pengwatch rules --accept` says so\n";
    for arguments in [&["run", "--once", "-q"][..], &["run", "--dry-run", "-q"]] {
        let ran = home.run(arguments);
        ran.ends(1);
        assert!(ran.stderr.starts_with(&format!("{cannot}{missing}")), "{}", ran.stderr);
    }
    // If no rule is known, nothing runs.
    let first = Home::watching();
    fs::remove_dir_all(first.path("rules")).expect("a folder");
    for arguments in [&["run", "--once"][..], &["run"], &["run", "--dry-run"]] {
        let nothing = "the folder of rules cannot be read: nothing was polled or sent\n";
        first.run(arguments).says(2, "", &format!("{cannot}{nothing}"));
    }
    assert!(!first.path("pengwatch.db").exists());
    fs::rename(home.path("away"), home.path("rules")).expect("a folder");
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(home.inbox().slack().len(), 1, "told again");
}

#[test]
fn a_rule_that_is_removed_ends_its_alerts_without_a_word() {
    let home = Home::watching();
    home.waits("c1", "Asha", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    fs::remove_file(home.path("rules/waiting.toml")).expect("a file");
    home.write("rules/other.toml", &RULE.replace("unreadMessages > 0", "unreadMessages > 5"));
    home.run(&["run", "--once", "-q"]).says(0, "", "");
    assert_eq!((home.inbox().slack().len(), home.mail().mails().len()), (1, 1));
}

#[test]
fn many_customers_are_one_message() {
    let home = Home::watching();
    for number in 1..=25 {
        home.waits(&format!("c{number}"), &format!("Customer {number}"), "Hello?");
    }
    home.run(&["run", "--once"]).ends(0);
    let slack = home.inbox().slack();
    assert_eq!((slack.len(), home.mail().mails().len(), home.inbox().webhooks().len()), (1, 1, 1));
    assert!(slack_text(&slack[0].body).starts_with("🟠 25 customers are waiting, "), "{}", slack[0].body);
    assert!(slack[0].body.contains("… and 15 more"), "{}", slack[0].body);
}

#[test]
fn a_state_that_cannot_be_used_is_named_and_left_alone() {
    let home = Home::watching();
    home.write("pengwatch.db", "this is no database, but somebody's letters, and long enough to be looked at");
    let ran = home.run(&["run", "--once"]);
    ran.ends(1);
    assert!(ran.stderr.contains("\nerror: the state `pengwatch.db` is damaged: "), "{}", ran.stderr);
    assert!(fs::read_to_string(home.path("pengwatch.db")).expect("a file").starts_with("this is no database"));
    assert!(home.inbox().requests().is_empty());

    let home = Home::watching();
    home.edit("pengwatch.toml", "sqlite:pengwatch.db", "sqlite:nowhere/pengwatch.db");
    let ran = home.run(&["run", "--once"]);
    ran.ends(2);
    let place = "error: there is no folder `nowhere`\n --> pengwatch.toml:1:9\n";
    assert!(ran.stderr.starts_with(place), "{}", ran.stderr);
    let ran = home.run(&["check"]);
    ran.ends(0);
    assert!(ran.stdout.starts_with(&place.replace("error", "warning")), "{}", ran.stdout);
}

#[test]
fn a_reader_that_has_gone_is_no_panic() {
    let home = Home::watching();
    home.waits("c1", "Asha", "Hello?");
    home.edit("pengwatch.toml", "deadline = \"20s\"", "deadline = \"4s\"");
    let ran = home.run_through_a_closed_pipe(&["run", "--once"]);
    ran.ends(1);
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    assert!(ran.stderr.contains("receiver screen: 1 notification waits in the outbox"), "{}", ran.stderr);
    home.edit("pengwatch.toml", "deadline = \"4s\"", "deadline = \"20s\"");
    let ran = home.run(&["run", "--once"]);
    ran.ends(0);
    assert!(ran.stdout.starts_with("🟠 Asha"), "{}", ran.stdout);
    home.run_through_a_closed_pipe(&["check"]).ends(0);
}

#[test]
fn a_reader_that_stands_still_holds_nobody_up() {
    let home = Home::watching();
    home.waits("c1", "Asha", "Hello?");
    home.edit("pengwatch.toml", "deadline = \"20s\"", "deadline = \"4s\"");
    let ran = home.run_through_a_full_pipe(&["run", "--once"]);
    ran.ends(1);
    assert!(ran.took < Duration::from_secs(15), "{:?}", ran.took);
    assert!(ran.stderr.contains("receiver screen: 1 notification waits in the outbox"), "{}", ran.stderr);
    assert_eq!(home.inbox().slack().len(), 1, "the others were told");
}

#[test]
fn the_deadline_ends_a_slow_reading() {
    let home = Home::watching();
    home.waits("c1", "Asha", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    home.edit("pengwatch.toml", "deadline = \"20s\"", "deadline = \"1s\"");
    home.inbox().fault(Fault::inbox(FaultKind::too_many(30)).repeated(10));
    let ran = home.run(&["run", "--once"]);
    ran.ends(1);
    assert!(ran.took < Duration::from_secs(10), "{:?}", ran.took);
    assert!(ran.stderr.contains("inbox main was not read completely: "), "{}", ran.stderr);
    assert_eq!(home.inbox().slack().len(), 1, "an end that was none");
}

#[test]
fn a_run_ends_well_within_its_deadline() {
    let home = Home::watching();
    let ran = home.run(&["run", "--once"]);
    assert!(ran.ends(0).took < Duration::from_secs(10), "{:?}", ran.took);
}

#[test]
fn a_slow_api_is_read_over_several_runs() {
    let home = Home::watching_pages_of(2);
    home.edit("pengwatch.toml", "deadline = \"20s\"", "deadline = \"2s\"");
    for number in 1..=11 {
        home.waits(&format!("c{number}"), &format!("Customer {number}"), "Hello?");
    }
    home.inbox().fault(Fault::inbox(FaultKind::Delay { ms: 500 }).repeated(1_000));
    let alerts = || {
        let shown = home.run(&["alerts", "--json"]).stdout;
        serde_json::from_str::<Vec<serde_json::Value>>(&shown).expect("a list").len()
    };
    // Delivery of what is owed does not depend on it.
    let run = || {
        let ran = home.run(&["run", "--once"]);
        assert!(!ran.stderr.contains("was not read completely"), "{}", ran.stderr);
        alerts()
    };
    assert!((1..11).contains(&run()));
    assert!((0..6).any(|_| run() == 11), "{} of 11", alerts());

    // An inbox that does not answer is not a slow one.
    home.inbox().clear_faults();
    home.inbox().fault(Fault::inbox(FaultKind::Delay { ms: 60_000 }).repeated(1_000));
    let ran = home.run(&["run", "--once"]);
    assert!(
        ran.ends(1).stderr.contains("inbox main was not read completely: the API did not answer within "),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_run_in_a_pause_that_outlasts_it_says_so_and_asks_nothing() {
    let home = Home::watching();
    home.waits("c1", "Asha", "Hello?");
    home.inbox().fault(Fault::inbox(FaultKind::too_many(60)));
    for _ in 0..2 {
        let ran = home.run(&["run", "--once"]);
        ran.ends(1);
        let words = "inbox main was not read completely: the API's request limit is used up; it asks to wait ";
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
        assert_eq!((home.inbox().requests().len(), home.inbox().slack().len()), (1, 0));
    }
}
