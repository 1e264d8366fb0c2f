//! The watchdog: trouble of the watcher itself is reported once through another receiver, and so is its end.

use jiff::SignedDuration;
use pengwatch::sandbox::{
    By, CustomerAction,
    fault::{Fault, FaultKind},
};

use crate::harness::{Home, RULE, eventually, now};

/// Support by Slack; the watchdog notifies the leads by mail.
fn watched(more: &str) -> Home {
    watched_at(SignedDuration::ZERO, more)
}

/// The same, of an inbox whose clock is ahead of this machine's by this time.
fn watched_at(ahead: SignedDuration, more: &str) -> Home {
    let home =
        Home::watching_by(20, ahead).file("rules/waiting.toml", &RULE.replace(", \"leads\", \"ops\", \"screen\"", ""));
    let config = std::fs::read_to_string(home.path("pengwatch.toml")).expect("a file");
    home.write("pengwatch.toml", &format!("{config}\n[watchdog]\nnotify = [\"leads\"]\n{more}"));
    home
}

fn subjects(home: &Home) -> Vec<String> {
    home.mail().mails().iter().map(pengwatch::sandbox::smtp::Mail::subject).collect()
}

#[test]
fn a_refused_token_is_told_at_once_and_once_and_when_it_is_over() {
    let home = watched("");
    home.inbox().fault(Fault::inbox(FaultKind::status(401)).repeated(3));
    for _ in 0..3 {
        home.run(&["run", "--once"]).ends(1);
    }
    let [told] = subjects(&home).try_into().expect("one mail");
    assert!(
        told.starts_with("⚠️ pengwatch sees nothing of the inbox main: the API refused the token (HTTP 401)"),
        "{told}"
    );
    home.inbox().clear_faults();
    for _ in 0..2 {
        home.run(&["run", "--once"]).ends(0);
    }
    let [_, over] = subjects(&home).try_into().expect("two mails");
    assert!(over.starts_with("✅ pengwatch: the token of the inbox main is accepted again, after "), "{over}");
    // It is not a customer's alert.
    home.run(&["alerts"]).says(0, "nobody is waiting\n", "");
    assert!(home.run(&["history"]).stdout.contains("token-refused"), "{}", home.run(&["history"]).stdout);
}

#[test]
fn an_inbox_that_is_empty_all_at_once_is_doubted() {
    let home = watched("");
    for id in ["c1", "c2", "c3"] {
        home.waits(id, "Asha", "Hello?");
    }
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(home.inbox().slack().len(), 1);
    let empty = r#"{"success":true,"message":"","code":200,"data":[]}"#.to_owned();
    let empty = FaultKind::Status { code: 200, body: Some(empty), retry_after: None };
    home.inbox().fault(Fault::inbox(empty).repeated(10_000));
    for _ in 0..4 {
        let ran = home.run(&["run", "--once"]);
        ran.ends(1);
        let words = "3 of 3 customers whose alerts fire are gone at once, and no look-up finds anybody";
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    let status = home.run(&["status"]);
    status.ends(1);
    assert!(status.stdout.contains("3 of 3 customers whose alerts fi"), "{}", status.stdout);
    let [told] = subjects(&home).try_into().expect("one mail");
    assert!(told.starts_with("⚠️ pengwatch doubts what the inbox main says: 3 of 3 customers"), "{told}");
    home.inbox().clear_faults();
    home.run(&["run", "--once"]).ends(0);
    let [_, over] = subjects(&home).try_into().expect("two mails");
    assert!(over.starts_with("✅ pengwatch: the customers of the inbox main are back"), "{over}");
    assert_eq!(home.inbox().slack().len(), 1, "nobody's wait has ended");
}

#[test]
fn a_filter_that_returns_what_does_not_pass_it_is_told() {
    let home = watched("");
    let record = |id: &str| {
        format!(
            r#"{{"_id":"{id}","status":"OPEN","unreadMessages":1,"lastMessage":{{"by":"USER","at":"{}","text":"Hello?"}}}}"#,
            now()
        )
    };
    let page = format!(r#"{{"success":true,"message":"","code":200,"data":[{},{}]}}"#, record("c1"), record("c2"));
    let page = FaultKind::Status { code: 200, body: Some(page), retry_after: None };
    home.inbox().fault(Fault::inbox(page).on_page(1).repeated(10_000));
    let words = "what the filter of waiting returns does not pass it here: `lastMessageBy` asks for `user`, and the API \
                 returned `USER`";
    for arguments in [&["run", "--once", "--dry-run"][..], &["run", "--once"], &["run", "--once"]] {
        let ran = home.run(arguments);
        ran.ends(1);
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    let [told] = subjects(&home).try_into().expect("one mail");
    assert!(told.starts_with("⚠️ pengwatch may be blind in the inbox main: what the filter of waiting"), "{told}");
    home.inbox().clear_faults();
    home.waits("c3", "Asha", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    assert!(
        subjects(&home)[1].starts_with("✅ pengwatch: what the filters of the inbox main return passes them again")
    );
}

#[test]
fn an_inbox_that_stays_unreadable_is_one_trouble() {
    let home = watched("after = \"2s\"\n");
    let daemon = home.start(&["run"]);
    eventually("a poll", || home.run(&["status"]).stdout.contains(" s ago"));
    home.inbox().fault(Fault::inbox(FaultKind::status(500)).repeated(10_000));
    eventually("the mail", || subjects(&home).len() == 1);
    assert!(subjects(&home)[0].starts_with("⚠️ pengwatch cannot read the inbox main for "), "{:?}", subjects(&home));
    home.inbox().clear_faults();
    eventually("the end", || subjects(&home).len() == 2);
    assert!(
        subjects(&home)[1].starts_with("✅ pengwatch: the inbox main is read again, after "),
        "{:?}",
        subjects(&home)
    );
    daemon.signal("TERM");
    daemon.end().ends(0);
    assert_eq!(home.inbox().slack().len(), 0, "it is nobody's alert");
}

#[test]
fn clocks_that_differ_are_told_shown_and_change_no_wait() {
    for (ahead, words, seconds) in
        [(-600, "10 min ahead of", 600), (-7_200, "2 h ahead of", 7_200), (90, "1 min behind", -90)]
    {
        let home = watched_at(SignedDuration::from_secs(ahead), "");
        let theirs = now() + SignedDuration::from_secs(ahead);
        let wrote = theirs - SignedDuration::from_secs(121);
        let contact = serde_json::json!({
            "_id": "c1", "platform": ["WHATSAPP"], "status": "OPEN", "unreadMessages": 1, "userInteracted": true,
            "lastSeenAt": wrote.to_string(), "updatedAt": wrote.to_string(),
            "lastMessage": { "at": wrote.to_string(), "text": "Hello?", "by": "user" },
        });
        home.inbox().put(contact).expect("a contact");
        home.run(&["run", "--once"]).ends(0);
        let [told] = subjects(&home).try_into().expect("one mail");
        let start =
            format!("⚠️ pengwatch: the clock of this machine is {words} the API's, by the answers of the inbox main.");
        assert!(told.starts_with(&start), "{told}");
        let slack = home.inbox().slack();
        assert!(slack[0].body.contains("has waited 2 min"), "{ahead}: {}", slack[0].body);
        let status = home.run(&["status"]).stdout;
        assert!(status.contains(&format!("{words} the API's")), "{status}");
        let json: serde_json::Value = serde_json::from_str(&home.run(&["status", "--json"]).stdout).expect("JSON");
        let shown = json["inboxes"][0]["clock_ahead_seconds"].as_i64().expect("seconds");
        assert!((shown - seconds).abs() <= 5, "{json}");
        let alerts: serde_json::Value = serde_json::from_str(&home.run(&["alerts", "--json"]).stdout).expect("JSON");
        let waiting = alerts[0]["waiting_seconds"].as_i64().expect("seconds");
        assert!((120..180).contains(&waiting), "{ahead}: {waiting}");
        home.run(&["run", "--once"]).ends(0);
        assert_eq!(subjects(&home).len(), 1, "once");
    }
}

#[test]
fn a_rule_with_a_mistake_is_told_with_its_place() {
    let home = watched("");
    let good = std::fs::read_to_string(home.path("rules/waiting.toml")).expect("a file");
    let daemon = home.start(&["run"]);
    eventually("a poll", || home.run(&["status"]).stdout.contains(" s ago"));
    home.write("rules/waiting.toml", &good.replace("unreadMessages", "unreadMesages"));
    eventually("the mail", || subjects(&home).len() == 1);
    let told = home.mail().mails()[0].text();
    assert!(told.contains("rules/waiting.toml:3:9: a contact has no field `unreadMesages`"), "{told}");
    home.waits("c1", "Asha", "Hello?");
    eventually("an alert by the last good version", || home.inbox().slack().len() == 1);
    home.write("rules/waiting.toml", &good);
    eventually("the end", || subjects(&home).len() == 2);
    daemon.signal("TERM");
    daemon.end().ends(0);
    assert!(
        subjects(&home)[1].starts_with("✅ pengwatch: the rule waiting has no mistake any more"),
        "{:?}",
        subjects(&home)
    );
    assert_eq!(home.inbox().slack().len(), 1);
}

#[test]
fn a_dead_receiver_is_told_through_another_one() {
    let home = watched("");
    home.waits("c1", "Asha", "Hello?");
    home.inbox().fault(Fault::slack(FaultKind::status(404)).repeated(100));
    home.run(&["run", "--once"]).ends(1);
    home.run(&["run", "--once"]).ends(1);
    let told = subjects(&home);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("⚠️ pengwatch: the receiver support accepts no messages: HTTP 404"), "{told:?}");
    assert!(!home.mail().mails()[0].text().contains("hunter2"));
    home.inbox().clear_faults();
    let kept = home.run(&["outbox", "list"]).stdout;
    let id = kept.lines().nth(1).and_then(|line| line.split(' ').next()).expect("a message").to_owned();
    home.run(&["outbox", "replay", &id]).ends(0);
    home.run(&["run", "--once"]).ends(0);
    home.run(&["run", "--once"]).ends(0);
    assert!(
        subjects(&home)[1].starts_with("✅ pengwatch: the receiver support accepts messages again"),
        "{:?}",
        subjects(&home)
    );
    assert_eq!(home.inbox().slack().iter().filter(|received| received.status == 200).count(), 1);
}

#[test]
fn without_anybody_to_tell_what_it_was_telling_of_ends() {
    let home = watched("");
    home.inbox().fault(Fault::inbox(FaultKind::status(401)));
    home.run(&["run", "--once"]).ends(1);
    home.edit("pengwatch.toml", "notify = [\"leads\"]", "");
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(subjects(&home).len(), 1);
}

#[test]
fn the_fallback_hears_of_the_customer_and_of_the_end() {
    let home = watched("");
    home.edit(
        "pengwatch.toml",
        "webhook_url = { env = \"SLACK_WEBHOOK_URL\" }",
        "webhook_url = { env = \"SLACK_WEBHOOK_URL\" }\nfallback = \"leads\"",
    );
    home.waits("c1", "Asha", "Hello?");
    home.inbox().fault(Fault::slack(FaultKind::status(404)).repeated(100));
    home.run(&["run", "--once"]).ends(1);
    let mut told = subjects(&home);
    told.sort();
    assert!(told.len() == 2 && told[0].contains("the receiver support accepts no messages"), "{told:?}");
    assert!(told[1].starts_with("🟠 Asha has waited 2 min"), "{told:?}");
    home.inbox().act("c1", &CustomerAction::Answer(By::Agent, "Yes?".to_owned()), now()).expect("a contact");
    home.run(&["run", "--once"]).ends(0);
    assert!(subjects(&home)[2].starts_with("✅ Asha: answered by an agent"), "{:?}", subjects(&home));
    assert_eq!(home.inbox().slack().iter().filter(|received| received.status == 200).count(), 0);
}

#[test]
fn runs_that_did_not_come_are_told_by_the_next_one_and_once() {
    let home = watched("");
    home.run(&["run", "--once"]).ends(0);
    // As if there had been a run every minute, and none for an hour.
    remember(&home, |memory| {
        memory["runs"] = serde_json::json!({ "last_at": an_hour_ago(), "gaps": [60, 61, 59, 60, 60] });
    });
    home.run(&["run", "--once"]).ends(0);
    let told = subjects(&home);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with(
            "⚠️ pengwatch did not run for a while: no run for 1 h, while usually there is one every 1 min. Customers"
        ),
        "{told:?}"
    );
    home.run(&["run", "--once"]).ends(0);
    assert!(subjects(&home)[1].starts_with("✅ pengwatch: it runs regularly again"), "{:?}", subjects(&home));
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(subjects(&home).len(), 2);
}

#[test]
fn a_budget_that_is_not_enough_for_the_rules_is_told() {
    let home = watched("");
    home.edit("pengwatch.toml", "[inbox.main]", "[inbox.main]\nrequests_per_minute = 3\nsweep_every = \"1s\"");
    for number in 0..120 {
        home.waits(&format!("c{number}"), &format!("Customer {number}"), "Hello?");
    }
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(subjects(&home).len(), 0, "it has only begun");
    // As if that had been an hour ago.
    remember(&home, |memory| {
        for walk in memory["walks"].as_object_mut().expect("walks").values_mut() {
            walk["first_at"] = an_hour_ago().into();
        }
    });
    home.run(&["run", "--once"]);
    let told = subjects(&home);
    let words =
        "⚠️ pengwatch may make too few requests for the rules of the inbox main: a full walk of 3 pages or more";
    assert!(told.len() == 1 && told[0].starts_with(words), "{told:?}");
    home.edit("pengwatch.toml", "requests_per_minute = 3", "requests_per_minute = 60");
    home.run(&["run", "--once"]).ends(0);
    assert!(subjects(&home)[1].starts_with("✅ pengwatch: the requests are enough"), "{:?}", subjects(&home));
}

fn an_hour_ago() -> String {
    (now() - jiff::SignedDuration::from_hours(1)).to_string()
}

/// Changes what is remembered of the inbox.
fn remember(home: &Home, change: impl FnOnce(&mut serde_json::Value)) {
    let db = rusqlite::Connection::open(home.path("pengwatch.db")).expect("the state");
    let memory: String =
        db.query_row("SELECT memory FROM inbox WHERE name = 'main'", [], |row| row.get(0)).expect("a memory");
    let mut memory = serde_json::from_str(&memory).expect("JSON");
    change(&mut memory);
    db.execute("UPDATE inbox SET memory = ?1 WHERE name = 'main'", [memory.to_string()]).expect("to write");
}

#[test]
fn a_template_that_fails_is_told_and_the_message_goes_out_all_the_same() {
    let home = watched("");
    home.edit("rules/waiting.toml", "to = [\"support\"]", "to = [\"support\"]\ntemplate = \"own\"");
    // Valid for the samples of `check`, but not JSON for this customer.
    let text = "{\"text\": \"{{#each alerts}}{{#if (eq name \"Asha\")}}\" {{/if}}{{who}}{{/each}}\"}";
    let home = home.file("templates/own/slack.json.hbs", text);
    home.waits("c1", "Asha", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    let told = subjects(&home);
    assert!(told.len() == 1 && told[0].starts_with("⚠️ pengwatch: the template own fails: "), "{told:?}");
    assert_eq!(home.inbox().slack().iter().filter(|received| received.status == 200).count(), 1);
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(subjects(&home).len(), 1, "nobody knows whether it works now");
    home.waits("c2", "Ravi", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    assert!(subjects(&home)[1].starts_with("✅ pengwatch: the template own works again"), "{:?}", subjects(&home));
}

#[test]
fn a_condition_that_fails_for_somebody_is_told_with_rule_place_and_how_many() {
    let home = watched("");
    home.edit(
        "rules/waiting.toml",
        "when = 'unreadMessages > 0'",
        "when = '10 / websiteVisits > 3 || name == \"Asha\"'",
    );
    home.waits("c1", "Asha", "Hello?");
    home.waits("c2", "Ravi", "Hello?");
    home.waits("c3", "Mina", "Hello?");
    // One-shot runs report it once, whatever the customers' text is, and other customers are still reported.
    let words = "`10 / websiteVisits` failed for 2 contacts: a division by zero";
    let dry = home.run(&["run", "--dry-run"]);
    assert!(
        dry.stdout.contains(&format!("--- the rule waiting cannot be judged in the inbox main: {words}\n")),
        "{}",
        dry.stdout
    );
    for _ in 0..2 {
        home.run(&["run", "--once"]).ends(0);
    }
    let told = format!("⚠️ pengwatch cannot judge the rule waiting for everybody: {words}. For them");
    assert!(subjects(&home).len() == 1 && subjects(&home)[0].starts_with(&told), "{:?}", subjects(&home));
    assert_eq!(home.inbox().slack().len(), 1);
    let status = home.run(&["status"]).stdout;
    assert!(
        status.contains("rule waiting cannot be judged for everybody in main since ") && status.contains(words),
        "{status}"
    );
    let status: serde_json::Value = serde_json::from_str(&home.run(&["status", "--json"]).stdout).expect("JSON");
    let failed = &status["inboxes"][0]["conditions_failed"][0];
    assert_eq!((&failed["rule"], &failed["contacts"]), (&"waiting".into(), &2.into()));
    // The daemon knows that it was reported, and reports its end.
    let daemon = home.start(&["run"]);
    home.edit("rules/waiting.toml", "10 / websiteVisits > 3", "websiteVisits > 3");
    eventually("the end", || subjects(&home).len() == 2);
    assert!(
        subjects(&home)[1].starts_with("✅ pengwatch: the rule waiting can be judged for everybody again"),
        "{:?}",
        subjects(&home)
    );
    daemon.signal("TERM");
    daemon.end().ends(0);
    assert!(!home.run(&["status"]).stdout.contains("cannot be judged"));
}
