//! No secret and no customer's text in logs, at any level; no secret in any other output.

use pengwatch::{
    inside::{Secrets, load_config},
    sandbox::{
        By, CustomerAction,
        fault::{Fault, FaultKind},
        smtp::Stage,
    },
};

use crate::{
    harness::{Home, TOKEN, eventually, now},
    health::{get_with, port, with},
};

/// Texts that must never be in a log.
const SECRETS: [(&str, &str); 10] = [
    ("the token of the server", "hunter2web"),
    ("the heartbeat's address", "hunter2heart"),
    ("the token", TOKEN),
    ("the Slack address", "hunter2slack"),
    ("the webhook's address", "hunter2hook"),
    ("the mail password", "hunter2mail"),
    ("the webhook's key", "aHVudGVyMndlYmhvb2tzaWduaW5nc2VjcmV0MTI"),
    ("a header's value", "hunter2header"),
    ("the customer's name", "Zebedee"),
    ("the customer's words", "xylophone"),
];

#[track_caller]
fn nothing_leaks(what: &str, text: &str) {
    for (name, secret) in SECRETS {
        if let Some(line) = text.lines().find(|line| line.contains(secret)) {
            panic!("{name} is in {what}: {line}");
        }
    }
}

/// Everything but the console, whose lines are for eyes that may see.
fn home(trace: bool) -> Home {
    let home = Home::watching();
    home.edit("rules/waiting.toml", ", \"screen\"", "");
    home.edit("pengwatch.toml", "\"support\" }", "\"hunter2header\" }");
    home.edit("pengwatch.toml", "deadline = \"20s\"", "deadline = \"2s\"");
    home.waits("c1", "Zebedee", "Where is my xylophone?");
    if trace { home.env("RUST_LOG", "trace") } else { home }
}

/// A run with trouble everywhere.
fn troubled(home: &Home, arguments: &[&str]) {
    let mut said = Vec::new();
    home.inbox().fault(Fault::slack(FaultKind::status(503)));
    home.inbox().fault(Fault::webhook(FaultKind::Reset));
    home.mail().fault(Stage::Rcpt, 451, 1);
    said.push(home.run(arguments));
    for kind in [FaultKind::status(401), FaultKind::Html, FaultKind::HalfJson, FaultKind::status(400)] {
        home.inbox().fault(Fault::inbox(kind));
        said.push(home.run(arguments));
    }
    home.inbox().clear_faults();
    home.inbox().fault(Fault::slack(FaultKind::status(404)));
    home.inbox().fault(Fault::webhook(FaultKind::status(410)));
    home.mail().fault(Stage::Mail, 550, 1);
    home.inbox()
        .act("c1", &CustomerAction::Answer(By::Agent, "Your xylophone is here.".to_owned()), now())
        .expect("a contact");
    said.push(home.run(arguments));
    assert!(said.iter().any(|ran| ran.raw_stderr.contains("message.retry")), "no trouble was had");
    for ran in said {
        nothing_leaks("the log", &ran.all());
    }
}

#[test]
fn one_shot_runs_with_everything_logged() {
    let home = home(true);
    troubled(&home, &["run", "--once"]);
    let ran = home.run(&["run", "--once"]);
    assert!(ran.raw_stderr.contains("TRACE"), "nothing was traced: {}", ran.raw_stderr);
}

#[test]
fn one_shot_runs_in_json() {
    troubled(&home(false), &["run", "--once", "-vv", "--log-format", "json"]);
}

#[test]
fn a_daemon_with_everything_logged() {
    let home = home(true);
    let daemon = home.start(&["run"]);
    eventually("the beginning", || !home.inbox().slack().is_empty() && !home.mail().mails().is_empty());
    daemon.signal("TERM");
    let ran = daemon.end();
    ran.ends(0);
    nothing_leaks("the log", &ran.all());
}

#[test]
fn a_mail_login_that_is_refused() {
    // Only STARTTLS or TLS may carry a password, so the relay must not receive it.
    let home = home(true).env("SMTP_URL", "smtp://me:hunter2mail@127.0.0.1:1?tls=required");
    let ran = home.run(&["run", "--once"]);
    nothing_leaks("the log", &ran.all());
    ran.ends(1);

    let home = self::home(true).env("SMTP_URL", "smtp://me:hunter2mail@mail.example.com");
    let ran = home.run(&["run", "--once"]);
    nothing_leaks("the mistake", &ran.all());
    ran.ends(2);
}

#[test]
fn addresses_and_keys_that_are_wrong() {
    for (name, value) in [
        ("SLACK_WEBHOOK_URL", "htps://hunter2slack"),
        ("SLACK_WEBHOOK_URL", "hunter2slack"),
        ("OPS_WEBHOOK_URL", "https://[hunter2hook"),
        ("WEBHOOK_SECRET", "whsec_hunter2hook!!"),
        ("SMTP_URL", "smtps://me:hunter2mail@"),
        ("TOKEN", "hunter2hook\nline"),
        ("TOKEN", "hunter2hook\u{7f}"),
    ] {
        let home = home(true).env(name, value);
        for arguments in [&["run", "--once"][..], &["run", "--dry-run"], &["check"]] {
            let ran = home.run(arguments);
            nothing_leaks(&format!("{arguments:?} with {name}"), &ran.all());
            assert!(ran.status == Some(1) || ran.status == Some(2), "{name}={value} {arguments:?}: {ran:?}");
        }
    }
}

/// Every kind of secret there is, each in a place where it fails: the error must not show it.
#[test]
fn everything_that_can_be_asked_of_it() {
    let port = port();
    let more = format!(
        "[server]\nlisten = \"127.0.0.1:{port}\"\ntoken = {{ env = \"WEB_TOKEN\" }}\n\
         [watchdog]\nnotify = [\"leads\"]\nheartbeat_url = {{ env = \"HEART\" }}\nafter = \"1s\"\n"
    );
    let home = with(home(true), &more).env("WEB_TOKEN", "hunter2web").env("HEART", "http://127.0.0.1:9/hunter2heart");
    home.inbox().fault(Fault::slack(FaultKind::status(404)).repeated(1_000));
    home.inbox().fault(Fault::webhook(FaultKind::Reset));
    home.mail().fault(Stage::Rcpt, 451, 1);
    home.inbox().fault(Fault::inbox(FaultKind::status(401)));
    let daemon = home.start(&["run"]);
    eventually("an answer", || get_with(port, "/healthz", "").is_some());
    eventually("trouble", || home.run(&["history"]).stdout.contains("receiver-broken"));
    let mut answers = Vec::new();
    for path in ["/healthz", "/readyz", "/metrics", "/", "/nothing"] {
        for headers in ["", "authorization: Bearer hunter2web\r\n", "accept: application/openmetrics-text\r\n"] {
            let (_, body) = get_with(port, path, headers).expect("an answer");
            answers.push((format!("{path} {headers}"), body));
        }
    }
    assert!(answers.iter().any(|(_, body)| body.contains("pengwatch_receiver_broken{receiver=\"support\"} 1")));
    for (what, body) in &answers {
        nothing_leaks(what, body);
    }
    daemon.signal("TERM");
    nothing_leaks("the log", &daemon.end().ends(0).all());

    // These commands show the customers, but not the receivers' addresses.
    let secrets: Vec<_> = SECRETS.iter().filter(|(name, _)| !name.starts_with("the customer")).collect();
    let asked: [&[&str]; 8] = [
        &["history"],
        &["history", "--json"],
        &["status"],
        &["status", "--json"],
        &["outbox", "list"],
        &["outbox", "list", "--json"],
        &["alerts", "--json"],
        &["check"],
    ];
    let mut said: Vec<(String, Vec<u8>)> =
        asked.iter().map(|arguments| (format!("{arguments:?}"), home.run(arguments).all().into_bytes())).collect();
    for file in ["pengwatch.db", "pengwatch.db.lock"] {
        said.push((file.to_owned(), std::fs::read(home.path(file)).expect(file)));
    }
    assert!(said.iter().all(|(_, text)| text.len() > 1), "{said:?}");
    for (what, text) in &said {
        for (name, secret) in &secrets {
            assert!(!text.windows(secret.len()).any(|part| part == secret.as_bytes()), "{name} is in {what}");
        }
    }
}

#[test]
fn what_a_programmer_prints_while_looking_for_a_fault() {
    let home = with(home(false), "[server]\nlisten = \"127.0.0.1:0\"\ntoken = \"hunter2web\"\n");
    home.edit("pengwatch.toml", "token = { env = \"TOKEN\" }", &format!("token = \"{TOKEN}\""));
    let text = std::fs::read_to_string(home.path("pengwatch.toml")).expect("a file");
    home.write(
        "pengwatch.toml",
        &format!("{text}\n[watchdog]\nheartbeat_url = \"https://example.com/hunter2heart\"\n"),
    );
    let env = |name: &str| {
        let known = [
            ("SLACK_WEBHOOK_URL", "https://example.com/hunter2slack"),
            ("SMTP_URL", "smtps://me:hunter2mail@mail.example.com"),
            ("OPS_WEBHOOK_URL", "https://example.com/hunter2hook"),
            ("WEBHOOK_SECRET", "whsec_aHVudGVyMndlYmhvb2tzaWduaW5nc2VjcmV0MTI="),
        ];
        known.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    let mut found = Vec::new();
    let config = load_config(&home.path("pengwatch.toml"), Secrets::Needed, &env, &mut found).expect("a configuration");
    let shown = format!("{config:?} {config:#?} {found:?}");
    assert!(shown.contains("heartbeat_url") && shown.contains("plain text"), "{shown}");
    nothing_leaks("Debug", &shown);
    assert!(!shown.contains("whsec_"), "{shown}");
}
