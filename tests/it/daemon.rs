//! `run`: watches until the stop signal.

use std::time::Duration;

use pengwatch::sandbox::{
    By, CustomerAction,
    fault::{Fault, FaultKind, Place},
};

use crate::harness::{Home, eventually, now};

#[test]
fn tells_within_two_polls_and_of_the_end_too() {
    let home = Home::watching();
    let daemon = home.start(&["run"]);
    eventually("the first poll", || !home.inbox().requests().is_empty());

    let asked = home.inbox().requests().len();
    home.waits("c1", "Asha", "Hello?");
    eventually("the beginning", || home.inbox().slack().len() == 1);
    assert!(home.inbox().requests().len() - asked <= 4, "{:?}", home.inbox().requests().len() - asked);
    eventually("the mail", || home.mail().mails().len() == 1);

    home.inbox().act("c1", &CustomerAction::Answer(By::Agent, "Yes?".to_owned()), now()).expect("a contact");
    eventually("the end", || home.inbox().slack().len() == 2 && home.mail().mails().len() == 2);

    daemon.signal("TERM");
    let ran = daemon.end();
    assert!(ran.ends(0).took < Duration::from_secs(5), "{:?}", ran.took);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ran.stdout);
    assert!(lines[0].starts_with("🟠 Asha has waited 2 min"), "{}", lines[0]);
    assert!(lines[1].starts_with("✅ Asha: answered by an agent after 2 min"), "{}", lines[1]);
    assert_eq!((home.inbox().slack().len(), home.mail().mails().len(), home.inbox().webhooks().len()), (2, 2, 2));
}

#[test]
fn ctrl_c_ends_it() {
    let home = Home::watching();
    let daemon = home.start(&["run"]);
    eventually("the first poll", || !home.inbox().requests().is_empty());
    daemon.signal("INT");
    let ran = daemon.end();
    assert!(ran.ends(0).took < Duration::from_secs(5), "{:?}", ran.took);
    assert!(ran.stderr.contains("run: watching") && ran.stderr.contains("run: stopped"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn every_signal_that_ends_it_ends_it_in_order() {
    for name in ["TERM", "INT", "QUIT", "XCPU", "PWR"] {
        let home = Home::watching();
        let daemon = home.start(&["run"]);
        eventually("the first poll", || !home.inbox().requests().is_empty());
        daemon.signal(name);
        let ran = daemon.end();
        assert!(ran.ends(0).took < Duration::from_secs(5), "{name}: {:?}", ran.took);
        let word =
            if name == "PWR" || name == "XCPU" { "signal.stop: SIG" } else { &format!("signal.stop: SIG{name}") };
        assert!(ran.stderr.contains(word) && ran.stderr.contains("run: stopped"), "{name}: {}", ran.stderr);
    }
}

#[test]
fn no_other_signal_ends_it() {
    let home = Home::watching();
    let daemon = home.start(&["run"]);
    eventually("the first poll", || !home.inbox().requests().is_empty());
    let others = ["PIPE", "USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "XFSZ", "16", "40", "64"];
    for name in others {
        daemon.signal(name);
    }
    home.waits("c1", "Asha", "Hello?");
    eventually("the beginning", || home.inbox().slack().len() == 1);
    daemon.signal("TERM");
    let ran = daemon.end();
    for name in ["SIGUSR1", "SIGUSR2", "SIGALRM", "a signal of real time"] {
        let word = format!("signal.ignored: {name} means nothing here");
        assert!(ran.ends(0).stderr.contains(&word), "{name}: {}", ran.stderr);
    }
}

#[test]
fn a_closed_terminal_ends_one_poll_in_order_unless_it_is_told_not_to_mind() {
    let binary = assert_cmd::cargo::cargo_bin!("pengwatch").display();
    // The test may run with SIGHUP ignored, which would be inherited.
    for (before, ends) in [("exec env --default-signal=HUP", true), ("trap '' HUP; exec", false)] {
        let home = Home::watching();
        home.waits("c1", "Asha", "Hello?");
        home.inbox().fault(Fault::inbox(FaultKind::Delay { ms: 2_000 }));
        let run = home.shell(&format!("{before} {binary} run --once"));
        eventually("the poll", || !home.inbox().requests().is_empty());
        run.signal("HUP");
        let ran = run.end();
        let stopped = "inbox main was not read completely: stopped before it was read";
        assert_eq!(ran.ends(i32::from(ends)).stderr.contains(stopped), ends, "{}", ran.stderr);
        assert_eq!(home.inbox().slack().len(), usize::from(!ends));
    }
}

#[test]
fn ends_while_a_receiver_and_the_inbox_hang() {
    let home = Home::watching();
    home.waits("c1", "Asha", "Hello?");
    home.inbox().fault(Fault::slack(FaultKind::Delay { ms: 60_000 }));
    let daemon = home.start(&["run"]);
    eventually("the message", || home.inbox().slack().len() == 1);
    home.inbox().fault(Fault::inbox(FaultKind::Delay { ms: 60_000 }));
    let asked = home.inbox().requests().len();
    eventually("the hanging request", || home.inbox().requests().len() > asked);
    daemon.signal("TERM");
    let ran = daemon.end();
    assert!(ran.ends(0).took < Duration::from_secs(15), "{:?}", ran.took);
    // It is not known whether it arrived, so it is sent again with the same text.
    home.inbox().clear_logs();
    home.inbox().clear_faults();
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(home.inbox().slack().len(), 1);
}

#[test]
fn polls_on_through_faults() {
    let home = Home::watching();
    home.waits("c1", "Asha", "Hello?");
    let daemon = home.start(&["run"]);
    eventually("the beginning", || home.inbox().slack().len() == 1);
    for kind in [FaultKind::Html, FaultKind::status(500), FaultKind::HalfJson, FaultKind::Reset] {
        home.inbox().fault(Fault::at(Place::Inbox, kind));
    }
    let asked = home.inbox().requests().len();
    eventually("polls after the faults", || home.inbox().requests().len() >= asked + 8);
    home.waits("c2", "Bela", "Me, too!");
    eventually("the next beginning", || home.inbox().slack().len() == 2);
    daemon.signal("TERM");
    let ran = daemon.end();
    ran.ends(0);
    assert!(!ran.stdout.contains('✅'), "an end that was none: {}", ran.stdout);
}

#[test]
fn tells_nothing_twice_over_restarts_however_it_ends() {
    let home = Home::watching();
    home.waits("c1", "Asha", "Hello?");
    let daemon = home.start(&["run"]);
    eventually("the beginning", || {
        home.inbox().slack().len() == 1 && home.mail().mails().len() == 1 && home.inbox().webhooks().len() == 1
    });
    eventually("the notes of it", || home.run(&["run", "--dry-run"]).stdout == "nothing would be sent\n");
    daemon.signal("KILL");
    daemon.end();
    for signal in ["KILL", "TERM"] {
        let asked = home.inbox().requests().len();
        let daemon = home.start(&["run"]);
        eventually("two polls", || home.inbox().requests().len() >= asked + 2);
        daemon.signal(signal);
        daemon.end();
    }
    home.inbox().act("c1", &CustomerAction::Answer(By::Agent, "Yes?".to_owned()), now()).expect("a contact");
    home.run(&["run", "--once"]).ends(0);
    assert_eq!((home.inbox().slack().len(), home.mail().mails().len(), home.inbox().webhooks().len()), (2, 2, 2));
}

#[test]
fn a_refused_token_does_not_end_it() {
    let home = Home::watching();
    home.inbox().fault(Fault::inbox(FaultKind::status(401)));
    home.waits("c1", "Asha", "Hello?");
    let daemon = home.start(&["run"]);
    eventually("the beginning, after the token is taken again", || home.inbox().slack().len() == 1);
    daemon.signal("TERM");
    let ran = daemon.end();
    ran.ends(0);
    assert!(ran.stderr.contains("token-refused"), "{}", ran.stderr);
}

#[test]
fn a_second_ctrl_c_ends_it_at_once() {
    let home = Home::watching();
    home.waits("c1", "Asha", "Hello?");
    home.inbox().fault(Fault::slack(FaultKind::Delay { ms: 60_000 }));
    let mut daemon = home.start(&["run"]);
    eventually("the message", || home.inbox().slack().len() == 1);
    daemon.signal("INT");
    std::thread::sleep(Duration::from_millis(500));
    assert!(!daemon.has_ended(), "the message under way was not waited for");
    daemon.signal("INT");
    let ran = daemon.end();
    assert!(ran.ends(130).took < Duration::from_secs(3), "{:?}", ran.took);
}

#[test]
fn says_what_it_does_unless_told_not_to() {
    for (variable, arguments, says) in [
        (None, &["run"][..], true),
        (Some(""), &["run"], true),
        (Some("error"), &["run"], false),
        (None, &["run", "-q"], false),
    ] {
        let mut home = Home::watching();
        if let Some(value) = variable {
            home = home.env("RUST_LOG", value);
        }
        let daemon = home.start(arguments);
        eventually("the first poll", || !home.inbox().requests().is_empty());
        daemon.signal("TERM");
        let ran = daemon.end();
        assert_eq!(ran.ends(0).stderr.contains("run: watching"), says, "{variable:?} {arguments:?}: {}", ran.stderr);
    }
}

/// Waits for a line of the log while it runs.
fn logs_to(home: &Home, name: &str) -> (std::fs::File, impl Fn(&str) -> bool) {
    let path = home.path(name);
    let file = std::fs::File::create(&path).expect("a file");
    (file, move |words: &str| std::fs::read_to_string(&path).is_ok_and(|log| log.contains(words)))
}

#[test]
fn sighup_reads_rules_and_secrets_again_and_names_what_waits_for_a_restart() {
    let home = Home::watching();
    let (log, says) = logs_to(&home, "log");
    let daemon = home.start_into(&["run"], std::process::Stdio::piped(), log);
    eventually("the start", || says("run: watching"));
    daemon.signal("HUP");
    eventually("the reading", || says("signal.reread: SIGHUP") && says("edit.taken_in"));
    home.edit("pengwatch.toml", "poll_every = \"1s\"", "poll_every = \"2s\"");
    home.edit("pengwatch.toml", "to = [\"leads@example.com\"]", "to = [\"hunter2@example.com\"]");
    daemon.signal("HUP");
    let words = "config.not_taken_in: these keys were changed; a restart takes them in \
        keys=\"inbox.main.poll_every, receiver.leads.to\"";
    eventually("the keys", || says(words));
    home.write("pengwatch.toml", "[inbox.main]\ntoken = 3\n");
    daemon.signal("HUP");
    eventually("the mistake", || says("config.mistake: a restart would fail; the running configuration is kept"));
    // It continues as before.
    home.waits("c1", "Asha", "Hello?");
    eventually("the beginning", || home.inbox().slack().len() == 1);
    daemon.signal("TERM");
    daemon.end().ends(0);
    assert!(!says("hunter2"));
}

#[test]
fn secrets_in_files_are_read_again_when_they_change() {
    let mut home = Home::watching();
    for (name, key) in [("token", "TOKEN"), ("slack", "SLACK_WEBHOOK_URL")] {
        home = home.file(name, "").env(key, "not used");
        home.edit("pengwatch.toml", &format!("{{ env = \"{key}\" }}"), &format!("{{ file = \"{name}\" }}"));
    }
    home.write("token", "old-hunter2");
    home.write("slack", &format!("{}/nowhere/hunter2", home.url()));
    home.waits("c1", "Asha", "Hello?");
    let (log, says) = logs_to(&home, "log");
    let daemon = home.start_into(&["run"], std::process::Stdio::piped(), log);
    // A refused token is tried once a minute, unless there is a new one.
    eventually("the refusal", || says("token-refused"));
    home.write("token", &format!("{}\n", crate::harness::TOKEN));
    eventually("the new token", || says("secret.renewed: the token of inbox main: read again"));
    eventually("the mail", || home.mail().mails().len() == 1);
    eventually("the broken receiver", || says("receiver.broken"));
    // For a moment the file is absent.
    home.write("slack", "");
    eventually("the gap", || says("secret.kept: the last good value is used"));
    home.write("slack", &format!("{}{}", home.url(), crate::harness::SLACK_PATH));
    // A broken receiver is tried every two minutes, unless it can be reached in another way.
    eventually("Slack", || home.inbox().slack().iter().any(|got| got.path == crate::harness::SLACK_PATH));
    daemon.signal("TERM");
    daemon.end().ends(0);
    assert!(says("the secrets of receiver support") && !says("hunter2"));
}
