//! Health checks and the heartbeat: true while all is well, and only then.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    },
};

use pengwatch::sandbox::{
    BadRecord,
    fault::{Fault, FaultKind},
};

use crate::harness::{Home, eventually};

/// A free port below the range from which the system picks ports, so that nobody else gets it meanwhile.
pub(crate) fn port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 100).expect("small") * 100;
    let ports = (0..100).map(|_| first + NEXT.fetch_add(1, Ordering::SeqCst) % 100);
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.into_iter().find(is_free).expect("a port")
}

fn get(port: u16, path: &str) -> Option<(u16, String)> {
    get_with(port, path, "")
}

/// Status and body; `None`: no answer. `headers` are whole lines.
pub(crate) fn get_with(port: u16, path: &str, headers: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// A home with more in its configuration.
pub(crate) fn with(home: Home, more: &str) -> Home {
    let config = std::fs::read_to_string(home.path("pengwatch.toml")).expect("a file");
    home.write("pengwatch.toml", &format!("{config}\n{more}"));
    home
}

#[test]
fn health_is_answered_without_a_word_about_customers() {
    let port = port();
    let home = with(Home::watching(), &format!("[server]\nlisten = \"127.0.0.1:{port}\"\n"));
    home.waits("c1", "Asha", "Hello?");
    home.inbox().fault(Fault::inbox(FaultKind::status(500)).repeated(3));
    let daemon = home.start(&["run"]);
    eventually("an answer", || get(port, "/healthz").is_some());
    assert_eq!(get(port, "/healthz"), Some((200, "ok\n".to_owned())));
    eventually("the first good poll", || get(port, "/readyz") == Some((200, "ok\n".to_owned())));
    assert_eq!(get(port, "/nothing").map(|(status, _)| status), Some(404));
    daemon.signal("TERM");
    daemon.end().ends(0);
    assert_eq!(get(port, "/healthz"), None);
}

#[test]
fn who_has_not_read_the_inbox_is_not_ready() {
    let port = port();
    let home = with(Home::watching(), &format!("[server]\nlisten = \"127.0.0.1:{port}\"\n"));
    home.inbox().fault(Fault::inbox(FaultKind::status(500)).repeated(1_000));
    let daemon = home.start(&["run"]);
    eventually("an answer", || get(port, "/readyz").is_some());
    assert_eq!(get(port, "/readyz"), Some((503, "inbox main has not been read completely yet\n".to_owned())));
    assert_eq!(get(port, "/healthz"), Some((200, "ok\n".to_owned())), "the program lives");
    daemon.signal("TERM");
    daemon.end().ends(0);
}

#[test]
fn an_address_that_is_taken_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let home = with(Home::watching(), &format!("[server]\nlisten = \"127.0.0.1:{port}\"\n"));
    let ran = home.run(&["run"]);
    ran.ends(1);
    assert!(ran.raw_stderr.contains("error: cannot listen on 127.0.0.1:"), "{}", ran.raw_stderr);
    assert!(ran.raw_stderr.contains("another `listen` of [server] may help"), "{}", ran.raw_stderr);
}

/// Counts heartbeats; returns its port, and the counter.
fn ear() -> (u16, Arc<AtomicUsize>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let (port, heard) = (listener.local_addr().expect("an address").port(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&heard);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 1_024];
            let read = stream.read(&mut request).unwrap_or(0);
            if request[..read].starts_with(b"GET /hunter2heart ") {
                count.fetch_add(1, Ordering::SeqCst);
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    (port, heard)
}

#[test]
fn the_heart_beats_after_good_runs_only() {
    let (port, heard) = ear();
    let table = "[watchdog]\nheartbeat_url = { env = \"HEART\" }\nafter = \"1s\"\n";
    let home = with(Home::watching(), table).env("HEART", &format!("http://127.0.0.1:{port}/hunter2heart"));
    home.inbox().fault(Fault::inbox(FaultKind::status(500)).repeated(3));
    home.run(&["run", "--once"]).ends(1);
    assert_eq!(heard.load(Ordering::SeqCst), 0, "the inbox was not read");
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(heard.load(Ordering::SeqCst), 1);

    // A daemon that reads everything, with a message that no receiver accepts: overdue after a second.
    home.inbox().fault(Fault::slack(FaultKind::status(503)).repeated(1_000));
    home.waits("c1", "Asha", "Hello?");
    home.edit("pengwatch.toml", "deadline = \"20s\"", "deadline = \"1s\"");
    home.run(&["run", "--once"]).ends(1);
    // Until the message is overdue.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let before = heard.load(Ordering::SeqCst);
    let daemon = home.start(&["run"]);
    eventually("polls", || home.inbox().requests().len() > 8);
    daemon.signal("TERM");
    let ran = daemon.end();
    assert_eq!(heard.load(Ordering::SeqCst), before, "something is overdue");
    assert!(ran.ends(0).raw_stderr.contains("heartbeat.withheld"), "{}", ran.raw_stderr);
    assert!(!ran.raw_stderr.contains("hunter2"), "{}", ran.raw_stderr);

    home.inbox().clear_faults();
    let daemon = home.start(&["run"]);
    eventually("a beat", || heard.load(Ordering::SeqCst) > before);
    daemon.signal("TERM");
    daemon.end().ends(0);
}

#[test]
fn the_heart_does_not_beat_after_a_run_that_did_not_understand_everything() {
    let (port, heard) = ear();
    let table = "[watchdog]\nheartbeat_url = { env = \"HEART\" }\n";
    let home = with(Home::watching(), table).env("HEART", &format!("http://127.0.0.1:{port}/hunter2heart"));
    home.waits("c1", "Asha", "Hello?");
    home.inbox().fault(Fault::inbox(FaultKind::BadRecord { what: BadRecord::Null }).on_page(1).repeated(2));
    let ran = home.run(&["run", "--once"]);
    let words = "inbox main was not read completely: 1 record was not understood. No alert was ended by this";
    assert!(ran.ends(1).stderr.contains(words), "{}", ran.stderr);
    assert_eq!(heard.load(Ordering::SeqCst), 0);
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(heard.load(Ordering::SeqCst), 1);
}

#[test]
fn the_heart_does_not_beat_before_a_walk_over_several_runs_has_come_to_its_end() {
    let (port, heard) = ear();
    let table = "[watchdog]\nheartbeat_url = { env = \"HEART\" }\n";
    let home = with(Home::watching_pages_of(2), table).env("HEART", &format!("http://127.0.0.1:{port}/hunter2heart"));
    home.edit("pengwatch.toml", "deadline = \"20s\"", "deadline = \"2s\"");
    home.edit("rules/waiting.toml", "unreadMessages > 0", "unreadMessages > 5");
    for number in 1..=7 {
        home.waits(&format!("c{number}"), &format!("Customer {number}"), "Hello?");
    }
    home.inbox().fault(Fault::inbox(FaultKind::Delay { ms: 700 }).repeated(1_000));
    let ran = home.run(&["run", "--once"]);
    assert!(ran.ends(0).raw_stderr.contains("heartbeat.withheld"), "{}", ran.raw_stderr);
    assert_eq!(heard.load(Ordering::SeqCst), 0);
    home.inbox().clear_faults();
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(heard.load(Ordering::SeqCst), 1);
}

/// The answers of every command and endpoint while nobody is watched for.
fn nobody_is_watched_for(home: &Home, why: &str) {
    let (port, heard) = ear();
    let listen = self::port();
    let table =
        format!("[watchdog]\nheartbeat_url = {{ env = \"HEART\" }}\n[server]\nlisten = \"127.0.0.1:{listen}\"\n");
    let config = std::fs::read_to_string(home.path("pengwatch.toml")).expect("a file");
    home.write("pengwatch.toml", &format!("{config}\n{table}"));
    let words = format!("nobody would be notified of a customer who waits: {why}\n");
    let with_heart = [("HEART", format!("http://127.0.0.1:{port}/hunter2heart"))];
    let run = |arguments: &[&str]| home.start_also(arguments, &with_heart).end();
    for arguments in [&["run", "--once"][..], &["run", "--dry-run"]] {
        let ran = run(arguments);
        assert!(ran.ends(1).stderr.contains(&words), "{}", ran.stderr);
    }
    let ran = run(&["status"]);
    assert!(ran.ends(1).stdout.contains(&format!("inbox main: {words}")), "{}", ran.stdout);
    let status: serde_json::Value = serde_json::from_str(&run(&["status", "--json"]).stdout).expect("JSON");
    assert_eq!(status["inboxes"][0]["blind"], words.trim_end());

    let daemon = home.start_also(&["run"], &with_heart);
    eventually("the reason", || get(listen, "/readyz") == Some((503, words.clone())));
    let (_, metrics) = get(listen, "/metrics").expect("metrics");
    assert!(metrics.contains("pengwatch_inbox_watched{inbox=\"main\"} 0\n"), "{metrics}");
    assert_eq!(get(listen, "/healthz").map(|(status, _)| status), Some(200));
    daemon.signal("TERM");
    let ran = daemon.end();
    assert!(ran.ends(0).stderr.contains(&format!("heartbeat.withheld: {words}")), "{}", ran.stderr);
    assert_eq!(heard.load(Ordering::SeqCst), 0);
}

#[test]
fn without_a_rule_nobody_is_watched_for() {
    let home = Home::watching();
    std::fs::remove_file(home.path("rules/waiting.toml")).expect("a file");
    nobody_is_watched_for(&home, "there is no rule");
}

#[test]
fn with_rules_that_are_rejected_disabled_or_of_another_inbox_nobody_is_watched_for() {
    let home = Home::watching().file("rules/night.toml", "enabled = false\n[[notify]]\nto = [\"support\"]\n");
    home.edit("rules/waiting.toml", "unreadMessages", "unreadMesages");
    nobody_is_watched_for(&home, "no rule is in use: 1 with mistakes, 1 disabled");

    let home = Home::watching();
    home.edit(
        "pengwatch.toml",
        "[receiver.support]",
        "[inbox.second]\nurl = \"http://127.0.0.1:9\"\ntoken = \"t\"\n\n[receiver.support]",
    );
    home.edit("rules/waiting.toml", "severity", "inboxes = [\"second\"]\nseverity");
    let ran = home.run(&["status"]);
    let words = "inbox main: nobody would be notified of a customer who waits: no rule in use looks at inbox main\n";
    assert!(ran.ends(1).stdout.contains(words) && !ran.stdout.contains("inbox second:"), "{}", ran.stdout);
}

#[test]
fn with_receivers_that_take_nothing_nobody_is_watched_for() {
    let home = Home::watching();
    home.edit("rules/waiting.toml", "\"support\", \"leads\", \"ops\", \"screen\"", "\"support\"");
    home.waits("c1", "Asha", "Hello?");
    home.inbox().fault(Fault::slack(FaultKind::status(404)).repeated(1_000));
    home.run(&["run", "--once"]).ends(1);
    nobody_is_watched_for(&home, "no receiver of the rules for inbox main accepts messages");
}

#[test]
fn a_rule_that_comes_back_is_enough() {
    let listen = port();
    let home = with(Home::watching(), &format!("[server]\nlisten = \"127.0.0.1:{listen}\"\n"));
    let rule = std::fs::read_to_string(home.path("rules/waiting.toml")).expect("a file");
    home.write("rules/waiting.toml", "enabled = false\n[[notify]]\nto = [\"support\"]\n");
    let daemon = home.start(&["run"]);
    eventually("the reason", || get(listen, "/readyz").is_some_and(|(_, body)| body.contains("no rule is in use")));
    home.write("rules/waiting.toml", &rule);
    eventually("the rule", || get(listen, "/readyz") == Some((200, "ok\n".to_owned())));
    daemon.signal("TERM");
    daemon.end().ends(0);
}
