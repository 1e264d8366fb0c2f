//! Killed at any moment: no alert is lost, and at most the messages under way come twice.

use std::{collections::BTreeMap, time::Duration};

use pengwatch::sandbox::{By, CustomerAction};

use crate::harness::{Home, eventually, now};

/// A rule that notifies the webhook.
pub(crate) const RULE: &str = r#"when = 'unreadMessages > 0'

[filter]
lastMessageBy = ["user"]

[[notify]]
to = ["ops"]
"#;

const CUSTOMERS: usize = 24;
const KILLS: u64 = 16;

/// How often the webhook accepted a message about each customer: beginnings, and ends.
pub(crate) fn told(home: &Home) -> BTreeMap<String, (usize, usize)> {
    let mut told = BTreeMap::new();
    for received in home.inbox().webhooks().iter().filter(|received| received.status == 200) {
        let body = received.json().expect("a body");
        let id = body["alerts"][0]["contact"]["_id"].as_str().expect("an id").to_owned();
        let (waiting, over): &mut (usize, usize) = told.entry(id).or_default();
        if body["event"] == "resolved" { *over += 1 } else { *waiting += 1 }
    }
    told
}

#[test]
fn nobody_is_lost_and_only_what_was_in_flight_comes_twice() {
    let home = Home::watching().file("rules/waiting.toml", RULE);
    home.edit(
        "pengwatch.toml",
        "url = { env = \"OPS_WEBHOOK_URL\" }",
        "group = \"contact\"\nurl = { env = \"OPS_WEBHOOK_URL\" }",
    );
    let mut chance: u64 = 11;
    let mut below = |most: u64| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) % most
    };
    for kill in 0..KILLS {
        // Customers come, and those of two kills ago are answered.
        for number in 0..CUSTOMERS {
            let (turn, id) = (u64::try_from(number).expect("small") % KILLS, format!("c{number:02}"));
            if turn == kill {
                home.waits(&id, &format!("Customer {number}"), "Hello?");
            } else if turn + 4 == kill {
                home.inbox().act(&id, &CustomerAction::Answer(By::Agent, "Yes?".to_owned()), now()).expect("a contact");
            }
        }
        let daemon = home.start(&["run"]);
        std::thread::sleep(Duration::from_millis(30 + below(2_400)));
        daemon.signal("KILL");
        assert_eq!(daemon.end().status, None);
    }
    for number in 0..CUSTOMERS {
        let id = format!("c{number:02}");
        home.inbox().act(&id, &CustomerAction::Answer(By::Agent, "Yes?".to_owned()), now()).expect("a contact");
    }
    let daemon = home.start(&["run"]);
    eventually("every end", || home.run(&["alerts"]).stdout == "nobody is waiting\n");
    eventually("that nothing is owed", || home.run(&["status", "--json"]).stdout.matches("\"owed\": 0,").count() == 4);
    daemon.signal("TERM");
    daemon.end().ends(0);

    let told = told(&home);
    let history = home.run(&["history", "--json"]).stdout;
    let mut twice = 0;
    for (id, (waiting, over)) in &told {
        // The end can be under way at a kill, and come twice.
        assert!(*waiting >= 1, "an end without a beginning: {id} {waiting} {over}");
        assert!(*over >= 1, "no end: {id} {waiting} {over}");
        twice += waiting - 1 + over - 1;
    }
    // One message can be under way at a kill.
    assert!(twice <= usize::try_from(KILLS).expect("small"), "{twice} came twice: {told:?}");
    // A customer without a message was answered before a poll, or the message was withdrawn.
    for number in 0..CUSTOMERS {
        let id = format!("c{number:02}");
        let fired = history.contains(&format!("\"contact\": \"{id}\""));
        let withdrawn = home.run(&["history", "--contact", &id]).stdout.contains("superseded");
        assert!(told.contains_key(&id) || !fired || withdrawn, "{id} is lost");
    }
    assert!(told.len() > CUSTOMERS / 2, "hardly anybody was told of: {told:?}");
}
