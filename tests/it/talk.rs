//! Output delays nothing: whatever happens to standard error and standard output, customers are reported.

use std::{
    io::{PipeReader, Read},
    net::{TcpListener, TcpStream},
    process::Stdio,
    time::Duration,
};

use crate::harness::{Home, Started, closed_pipe, eventually, full_disk, full_pipe};

/// A log that nobody reads; returns what has to stay open meanwhile.
fn logs() -> [(&'static str, Stdio, Option<PipeReader>); 3] {
    let (reader, writer) = full_pipe();
    [
        ("nobody reads", writer.into(), Some(reader)),
        ("the reader has gone", closed_pipe().into(), None),
        ("the disk is full", full_disk().into(), None),
    ]
}

fn ends_in_order(daemon: Started, what: &str) {
    daemon.signal("TERM");
    let ran = daemon.end();
    assert!(ran.ends(0).took < Duration::from_secs(8), "{what}: {:?}", ran.took);
}

#[test]
fn a_log_that_takes_nothing_keeps_nobody_from_being_told() {
    for (what, log, _open) in logs() {
        let home = Home::watching();
        // The most verbose level, so that the log is long.
        let daemon = home.start_into(&["-vv", "run"], Stdio::piped(), log);
        home.waits("c1", "Asha", "Hello?");
        eventually(what, || home.inbox().slack().len() == 1 && home.mail().mails().len() == 1);
        ends_in_order(daemon, what);
    }
}

#[test]
fn the_same_for_one_poll_in_either_format() {
    for format in ["text", "json"] {
        for (what, log, _open) in logs() {
            let home = Home::watching();
            home.waits("c1", "Asha", "Hello?");
            let ran = home.start_into(&["-vv", "--log-format", format, "run", "--once"], Stdio::piped(), log).end();
            assert!(ran.ends(0).took < Duration::from_secs(15), "{what}: {:?}", ran.took);
            assert_eq!(home.inbox().slack().len(), 1, "{what}");
        }
    }
}

#[test]
fn who_reads_late_reads_all() {
    let home = Home::watching();
    let (mut reader, writer) = full_pipe();
    let daemon = home.start_into(&["run"], Stdio::piped(), writer);
    eventually("the first poll", || !home.inbox().requests().is_empty());
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = reader.read_to_string(&mut text);
        text
    });
    daemon.signal("TERM");
    daemon.end().ends(0);
    let log = reading.join().expect("a reader");
    assert!(log.contains("run: watching") && log.trim_end().ends_with("run: stopped"), "{log}");
}

#[test]
fn a_mistake_of_ours_is_no_end_where_it_cannot_be_told() {
    for (what, log, _open) in logs() {
        let home = Home::watching().env("PENGWATCH_FAULT_POINT", "delivery.composed:1");
        home.waits("c1", "Asha", "Hello?");
        let ran = home.start_into(&["run", "--once"], Stdio::piped(), log).end();
        ran.ends(1);
        let left = 4 - home.inbox().slack().len() - home.mail().mails().len() - home.inbox().webhooks().len();
        assert_eq!(left - ran.stdout.lines().count(), 1, "{what}: all but one receiver were told");
    }
}

#[test]
fn a_mistake_of_ours_is_told_and_the_others_go_on() {
    let home = Home::watching().env("PENGWATCH_FAULT_POINT", "delivery.composed:1");
    home.waits("c1", "Asha", "Hello?");
    let ran = home.run(&["run", "--once"]);
    assert!(ran.ends(1).stderr.contains("internal error: please report it"), "{}", ran.stderr);
}

#[test]
fn data_that_cannot_be_written_is_a_failure_and_a_gone_reader_is_none() {
    let home = Home::watching();
    home.waits("c1", "Asha", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    let no_room = "error: standard output cannot be written: No space left on device (os error 28)\n";
    for arguments in [
        &["check"][..],
        &["status"],
        &["status", "--json"],
        &["alerts"],
        &["history"],
        &["outbox", "list"],
        &["silence", "list", "--json"],
        &["silence", "add", "--for", "1m", "--rule", "waiting", "--comment", "lunch"],
        &["run", "--dry-run"],
    ] {
        let ran = home.start_into(arguments, full_disk(), Stdio::piped()).end();
        ran.says(1, "", no_room);
        let ran = home.run_through_a_closed_pipe(arguments);
        ran.says(0, "", "");
    }
    assert_eq!(home.start_into(&["--help"], full_disk(), Stdio::piped()).end().status, Some(1));
    assert_eq!(home.run_through_a_closed_pipe(&["--help"]).status, Some(0));
    // There was no output.
    home.start_into(&["-q", "check"], full_disk(), Stdio::piped()).end().ends(0);
}

#[test]
fn who_does_not_read_an_answer_does_not_keep_it_from_ending() {
    let home = Home::watching();
    home.waits("c1", "Asha", "Hello?");
    let (_reader, writer) = full_pipe();
    let run = home.start_into(&["run", "--dry-run"], writer, Stdio::piped());
    eventually("the poll", || !home.inbox().requests().is_empty());
    run.signal("TERM");
    let ran = run.end();
    assert!(ran.ends(1).took < Duration::from_secs(8), "{:?}", ran.took);
}

#[test]
fn the_made_up_inbox_and_the_demo_go_on_whoever_looks_on() {
    let home = Home::empty();
    let (_reader, writer) = full_pipe();
    let (_other, log) = full_pipe();
    let ran = home.start_into(&["demo", "--fast", "--for", "3s"], writer, log).end();
    assert!(ran.took < Duration::from_secs(20), "{:?}", ran.took);
    // The reader has gone.
    let ran = home.start_into(&["demo", "--fast"], closed_pipe(), Stdio::piped()).end();
    assert!(ran.took < Duration::from_secs(20), "{:?}", ran.took);

    let free = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a port").to_string();
    let (_reader, writer) = full_pipe();
    let arguments = ["sandbox", "--speed", "1000", "--listen", &free, "--smtp", "127.0.0.1:0"];
    let sandbox = home.start_into(&arguments, writer, Stdio::piped());
    eventually("the sandbox", || TcpStream::connect(&free).is_ok());
    ends_in_order(sandbox, "the sandbox");
}
