//! The state vanishes, is an older copy, or cannot be written: this is reported, and nobody is notified twice.

use std::{fs, path::PathBuf, time::Duration};

use pengwatch::sandbox::{
    By, CustomerAction,
    fault::{Fault, FaultKind},
    smtp::Mail,
};

use crate::harness::{Home, RULE, eventually, now};

/// Support by Slack; the watchdog notifies the leads by mail.
fn watched() -> Home {
    let home = Home::watching().file("rules/waiting.toml", &RULE.replace(", \"leads\", \"ops\", \"screen\"", ""));
    let config = fs::read_to_string(home.path("pengwatch.toml")).expect("a file");
    home.write("pengwatch.toml", &format!("{config}\n[watchdog]\nnotify = [\"leads\"]\n"));
    home
}

fn subjects(home: &Home) -> Vec<String> {
    home.mail().mails().iter().map(Mail::subject).collect()
}

fn slack(home: &Home) -> usize {
    home.inbox().slack().iter().filter(|received| received.status == 200).count()
}

/// The state's files that a copy of it has.
fn files(home: &Home) -> [PathBuf; 3] {
    ["pengwatch.db", "pengwatch.db-wal", "pengwatch.db-shm"].map(|name| home.path(name))
}

fn delete(home: &Home) {
    for file in files(home) {
        let _ = fs::remove_file(file);
    }
}

#[test]
fn a_state_that_is_deleted_under_a_watcher_is_written_back_and_nobody_is_told_twice() {
    let home = watched();
    home.waits("c1", "Asha", "Hello?");
    let daemon = home.start(&["run"]);
    eventually("the first message", || slack(&home) == 1);
    delete(&home);
    eventually("the file", || home.path("pengwatch.db").exists());
    eventually("the mail", || subjects(&home).len() == 1);
    let told = home.mail().mails()[0].text();
    let words = "⚠️ pengwatch lost its state pengwatch.db: it was deleted while pengwatch ran, and was written back";
    assert!(told.starts_with(words), "{told}");
    let status = home.run(&["status"]);
    assert!(status.ends(1).stdout.contains("the state was lost at "), "{}", status.stdout);
    home.waits("c2", "Ravi", "Hello?");
    eventually("the second message", || slack(&home) == 2);
    // What Slack has accepted may come once more as long as that is not noted.
    eventually("the notes of it", || home.run(&["run", "--dry-run"]).stdout == "nothing would be sent\n");
    // After a kill now everything is in its place.
    daemon.signal("KILL");
    daemon.end();
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(slack(&home), 2, "told again");
    home.inbox().act("c1", &CustomerAction::Answer(By::Agent, "Yes?".to_owned()), now()).expect("a contact");
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(slack(&home), 3, "the end of what was told before");
}

#[test]
fn an_older_copy_between_two_runs_is_told_before_anything_is_sent() {
    let home = watched();
    home.waits("c1", "Asha", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    let [state, ..] = files(&home);
    fs::copy(&state, home.path("backup.db")).expect("a copy");
    home.waits("c2", "Ravi", "Hello?");
    home.waits("c3", "Chloé", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(slack(&home), 2);
    home.inbox().act("c3", &CustomerAction::Answer(By::Agent, "Yes?".to_owned()), now()).expect("a contact");
    // The copy is two hours old, by its own times.
    let db = rusqlite::Connection::open(home.path("backup.db")).expect("the copy");
    db.execute("UPDATE store SET committed_at = committed_at - 7200000000", []).expect("to write");
    drop(db);
    delete(&home);
    fs::copy(home.path("backup.db"), &state).expect("a copy");

    let status = home.run(&["status", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&status.ends(1).stdout).expect("JSON");
    assert!((7_200..7_300).contains(&shown["state_lost"]["older_by"].as_i64().expect("seconds")), "{shown}");
    let ran = home.run(&["run", "--once"]);
    ran.ends(0);
    let told = home.mail().mails()[0].text();
    let words = "⚠️ pengwatch lost its state pengwatch.db: it is a copy that is 2 h older than the newest one here (last change ";
    assert!(told.starts_with(words), "{told}");
    // Customers in the copy are not reported again; others who still wait are; those who were answered are not.
    assert_eq!(slack(&home), 3);
    let last = &home.inbox().slack()[2].body;
    assert!(last.contains("Ravi") && !last.contains("Asha") && !last.contains("Chloé"), "{last}");
    home.run(&["run", "--once"]).ends(0);
    assert_eq!((slack(&home), subjects(&home).len()), (3, 1));
}

#[test]
fn nothing_is_sent_while_nobody_has_heard_that_the_state_was_lost() {
    let home = watched();
    home.waits("c1", "Asha", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    delete(&home);
    let ran = home.run(&["status"]);
    assert!(ran.ends(1).stderr.contains("the state `pengwatch.db` is gone (last change "), "{}", ran.stderr);
    home.inbox().fault(Fault::mail(FaultKind::status(451)).repeated(1));
    home.run(&["run", "--once"]);
    // The mail was tried, and then Slack was notified again, because the first time was lost.
    assert_eq!(slack(&home), 2);
    home.run(&["run", "--once"]);
    assert_eq!(slack(&home), 2);
    let told = subjects(&home);
    assert!(told[0].starts_with("⚠️ pengwatch lost its state pengwatch.db: it was not there at the start"), "{told:?}");
}

#[test]
fn a_state_that_cannot_be_used_is_told_once_without_it_and_when_it_is_over() {
    let home = watched();
    home.waits("c1", "Asha", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    let [state, ..] = files(&home);
    let good = fs::read(&state).expect("the state");
    fs::write(&state, &good[..=good.len() / 2]).expect("to write");
    for _ in 0..3 {
        home.run(&["run", "--once"]).ends(1);
        home.run(&["run"]).ends(1);
    }
    assert_eq!(subjects(&home).len(), 1);
    let told = home.mail().mails()[0].text();
    let words = "⚠️ pengwatch cannot write its state and notifies nobody of waiting customers until it can: the state";
    assert!(told.starts_with(words), "{told}");
    fs::write(&state, &good).expect("to write");
    for _ in 0..2 {
        home.run(&["run", "--once"]).ends(0);
    }
    let [_, over] = subjects(&home).try_into().expect("two mails");
    assert!(
        over.starts_with("✅ pengwatch: the state can be written again, and waiting customers are reported, after "),
        "{over}"
    );
    assert_eq!(slack(&home), 1, "told again");
}

#[test]
fn a_state_that_somebody_keeps_is_told_by_a_watcher_once_and_with_an_end() {
    let home = watched();
    let daemon = home.start(&["run"]);
    eventually("a poll", || home.run(&["status"]).stdout.contains(" s ago"));
    let db = rusqlite::Connection::open(home.path("pengwatch.db")).expect("the state");
    db.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    home.waits("c1", "Asha", "Hello?");
    eventually("the mail", || subjects(&home).len() == 1);
    let told = home.mail().mails()[0].text();
    assert!(told.contains("another program keeps the state `pengwatch.db` for itself"), "{told}");
    assert_eq!(slack(&home), 0, "what could not be stored was sent");
    std::thread::sleep(Duration::from_secs(3));
    db.execute_batch("ROLLBACK").expect("to let go");
    eventually("the message", || slack(&home) == 1);
    eventually("the end", || subjects(&home).len() == 2);
    assert!(subjects(&home)[1].starts_with("✅ pengwatch: the state can be written again"), "{:?}", subjects(&home));
    daemon.signal("TERM");
    daemon.end().ends(0);
    assert_eq!((slack(&home), subjects(&home).len()), (1, 2));
}

#[test]
fn what_was_given_up_shows_until_somebody_has_seen_to_it() {
    let home = watched();
    home.waits("c1", "Asha", "Hello?");
    home.inbox().fault(Fault::slack(FaultKind::status(400)).repeated(2));
    home.run(&["run", "--once"]).ends(1);
    for _ in 0..2 {
        let status = home.run(&["status"]);
        let words = "1 message given up: `pengwatch outbox list` shows it; `outbox replay ID` sends again, `outbox drop ID` does not\n";
        assert!(status.ends(1).stdout.ends_with(words), "{}", status.stdout);
        let shown: serde_json::Value = serde_json::from_str(&home.run(&["status", "--json"]).stdout).expect("JSON");
        assert_eq!(shown["given_up"], 1);
        home.run(&["run", "--once"]).ends(0);
    }
    let kept = home.run(&["outbox", "list"]).stdout;
    let id = kept.lines().nth(1).and_then(|line| line.split(' ').next()).expect("a message").to_owned();
    home.run(&["outbox", "drop", &id]).ends(0);
    home.run(&["status"]).ends(0);
}

#[test]
fn a_second_watcher_stays_away_whatever_was_deleted() {
    let home = watched();
    home.waits("c1", "Asha", "Hello?");
    let daemon = home.start(&["run"]);
    eventually("the first message", || slack(&home) == 1);
    let is_refused = |deleted: &str| {
        let second = home.run(&["run", "--once"]);
        let words = "error: another pengwatch works on the state `pengwatch.db`";
        assert!(second.ends(1).stderr.starts_with(words), "{deleted}: {}", second.stderr);
    };
    fs::remove_file(home.path("pengwatch.db.lock")).expect("a file");
    is_refused("the lock");
    // Also by another name.
    std::os::unix::fs::symlink(home.path("pengwatch.db"), home.path("link.db")).expect("a link");
    home.edit("pengwatch.toml", "sqlite:pengwatch.db", "sqlite:link.db");
    let second = home.run(&["run", "--once"]);
    assert!(second.ends(1).stderr.starts_with("error: another pengwatch works on the state `link.db`"));
    home.edit("pengwatch.toml", "sqlite:link.db", "sqlite:pengwatch.db");
    // The run that was refused has left a file, which the watcher takes when it looks again.
    let is_held = |file: fs::File| matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock));
    eventually("a new lock", || fs::File::open(home.path("pengwatch.db.lock")).is_ok_and(is_held));
    delete(&home);
    is_refused("the state");
    eventually("the file", || home.path("pengwatch.db").exists());
    daemon.signal("TERM");
    daemon.end().ends(0);
    assert_eq!(slack(&home), 1);
}

#[test]
fn a_watcher_whose_state_somebody_else_has_stops() {
    let home = watched();
    home.waits("c1", "Asha", "Hello?");
    let first = home.start(&["run"]);
    eventually("the first message", || slack(&home) == 1);
    // Before it can put the state back, another run has begun a new one.
    first.signal("STOP");
    delete(&home);
    for name in ["pengwatch.db.lock", "pengwatch.db.mark"] {
        fs::remove_file(home.path(name)).expect("a file");
    }
    let second = home.start(&["run"]);
    eventually("who knows of nothing", || slack(&home) == 2);
    first.signal("CONT");
    let first = first.end();
    assert!(first.ends(1).stderr.contains("error: another pengwatch works on the state"), "{}", first.stderr);
    home.waits("c2", "Ravi", "Hello?");
    eventually("the one that is left", || slack(&home) == 3);
    second.signal("TERM");
    second.end().ends(0);
    assert_eq!(slack(&home), 3);
}
