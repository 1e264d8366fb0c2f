//! Killed between every two steps of a poll, a commit and a delivery: no alert is lost, and only messages
//! under way come twice.
//!
//! The program stops at the point that `PENGWATCH_FAULT_POINT` names and is killed there with SIGKILL. Only
//! programs with debug assertions know these points.

use std::{cell::RefCell, collections::BTreeSet, fs};

use pengwatch::sandbox::{By, CustomerAction};

use crate::{
    harness::{Home, eventually, now},
    kill::{RULE, told},
};

/// Customers who wait, and of whom the second half gets an answer.
const CUSTOMERS: usize = 6;

fn home() -> Home {
    let home = Home::watching().file("rules/waiting.toml", &RULE.replace("[\"ops\"]", "[\"ops\", \"support\"]"));
    home.edit(
        "pengwatch.toml",
        "url = { env = \"OPS_WEBHOOK_URL\" }",
        "group = \"contact\"\nurl = { env = \"OPS_WEBHOOK_URL\" }",
    );
    home
}

/// A run that is killed at this point; returns whether it reached the point.
fn killed(home: &Home, point: &str) -> bool {
    let mark = home.path("mark");
    let _ = fs::remove_file(&mark);
    let run = home.start_with(
        &["run", "--once"],
        &[("PENGWATCH_FAULT_POINT", point), ("PENGWATCH_FAULT_MARK", &mark.to_string_lossy())],
    );
    let run = RefCell::new(run);
    eventually("the point, or the end", || mark.exists() || run.borrow_mut().has_ended());
    let mut run = run.into_inner();
    let reached = mark.exists();
    if !run.has_ended() {
        run.signal("KILL");
    }
    run.end();
    reached
}

/// Two kills at this point: while customers begin to wait, and while they are answered.
fn life(point: &str) -> bool {
    let home = home();
    for number in 0..CUSTOMERS {
        home.waits(&format!("c{number}"), &format!("Customer {number}"), "Hello?");
    }
    let mut reached = killed(&home, point);
    home.run(&["run", "--once"]).ends(0);
    for number in CUSTOMERS / 2..CUSTOMERS {
        let answer = CustomerAction::Answer(By::Agent, "Yes?".to_owned());
        home.inbox().act(&format!("c{number}"), &answer, now()).expect("a contact");
    }
    reached |= killed(&home, point);
    home.run(&["run", "--once"]).ends(0);
    home.run(&["run", "--once"]).ends(0);

    let told = told(&home);
    let mut twice = 0;
    for number in 0..CUSTOMERS {
        let (waiting, over) = told.get(&format!("c{number}")).copied().unwrap_or_default();
        let expected = usize::from(number >= CUSTOMERS / 2);
        assert!(waiting >= 1 && over >= expected, "{point}: customer {number} is lost: {told:?}");
        assert!(expected == 1 || over == 0, "{point}: an end that was none: {told:?}");
        twice += waiting - 1 + over - expected;
    }
    // All messages may be under way when the program is stopped: to the webhook each, first beginnings, then
    // ends, and to Slack a list of them.
    let flies = !point.starts_with("poll");
    let in_flight = if flies { CUSTOMERS + CUSTOMERS / 2 } else { 0 };
    assert!(twice <= in_flight, "{point}: {twice} came twice: {told:?}");
    // Slack gets a list of each, and each of them may come twice.
    let slack = home.inbox().slack().iter().filter(|received| received.status == 200).count();
    assert!((2..=4).contains(&slack) && (in_flight > 0 || slack == 2), "{point}: {slack} messages to Slack");
    home.run(&["outbox", "list"]).says(0, "nothing waits, and nothing was given up\n", "");
    reached
}

/// All occurrences of these points, until a run does not reach one any more; returns their number.
fn every_turn(points: &[&str], most: u32) -> usize {
    let mut lives = 0;
    for point in points {
        let reached: BTreeSet<u32> = (1..=most).take_while(|turn| life(&format!("{point}:{turn}"))).collect();
        assert!(!reached.is_empty(), "{point} was never reached");
        lives += reached.len();
    }
    lives
}

#[test]
fn between_every_two_steps_of_a_poll() {
    every_turn(&["poll.began", "poll.read", "poll.judged", "poll.committed"], 2);
}

#[test]
fn between_every_two_steps_of_a_delivery() {
    every_turn(&["delivery.composed", "delivery.attempting", "delivery.sent", "delivery.recorded"], 4);
}

#[test]
fn before_and_in_every_transaction() {
    assert!(every_turn(&["transaction.began", "transaction.written"], 24) > 30);
}

#[test]
fn after_every_transaction() {
    assert!(every_turn(&["transaction.committed"], 24) > 15);
}
