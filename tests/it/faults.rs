//! `run --once` when something is down: a clear line, status 1, and nothing is lost.

use std::time::Duration;

use pengwatch::sandbox::{
    By, CustomerAction, Received,
    fault::{Fault, FaultKind},
    smtp::{SinkTrouble, Stage},
};

use crate::harness::{Home, RULE, Ran, eventually, now};

/// A home with a short deadline.
fn hasty() -> Home {
    let home = Home::watching();
    home.edit("pengwatch.toml", "deadline = \"20s\"", "deadline = \"4s\"");
    home.waits("c1", "Asha", "Hello?");
    home
}

fn accepted(received: &[Received]) -> usize {
    received.iter().filter(|received| received.status == 200).count()
}

/// The lines for operators: without the log's.
fn notes(ran: &Ran) -> Vec<&str> {
    ran.stderr.lines().filter(|line| !line.starts_with("20")).collect()
}

#[test]
fn slack_is_down_and_then_up() {
    let home = hasty();
    home.inbox().fault(Fault::slack(FaultKind::status(503)).repeated(100));
    let ran = home.run(&["run", "--once"]);
    ran.ends(1);
    let notes = notes(&ran);
    assert_eq!(notes.len(), 2, "{}", ran.stderr);
    let line = "receiver support: 1 notification waits in the outbox: ";
    assert!(notes[0].starts_with(line) && notes[0].contains("503"), "{}", notes[0]);
    assert!(notes[0].contains("The next run tries again"), "{}", notes[0]);
    assert_eq!(notes[1], "contacts read 1, alerts begun 1, ended 0, messages sent 3");
    // The other receivers were notified.
    assert_eq!((home.mail().mails().len(), accepted(&home.inbox().webhooks())), (1, 1));

    home.inbox().clear_faults();
    home.edit("pengwatch.toml", "deadline = \"4s\"", "deadline = \"20s\"");
    home.run(&["run", "--once"]).ends(0);
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(accepted(&home.inbox().slack()), 1, "told once");
    assert_eq!((home.mail().mails().len(), accepted(&home.inbox().webhooks())), (1, 1));
}

#[test]
fn a_receiver_that_has_not_answered_by_the_deadline_is_named() {
    let home = hasty();
    home.edit("pengwatch.toml", "deadline = \"4s\"", "deadline = \"1s\"");
    home.inbox().fault(Fault::slack(FaultKind::Delay { ms: 30_000 }));
    let ran = home.run(&["run", "--once"]);
    ran.ends(1);
    let line = "receiver support: 1 notification waits in the outbox: no answer in time. The next run tries again";
    assert!(notes(&ran)[0].starts_with(line), "{}", ran.stderr);
    // The other receivers were notified, and the run did not wait for it.
    assert_eq!((home.mail().mails().len(), accepted(&home.inbox().webhooks())), (1, 1));
    assert!(ran.took < Duration::from_secs(15), "{:?}", ran.took);
    home.edit("pengwatch.toml", "deadline = \"1s\"", "deadline = \"20s\"");
    home.run(&["run", "--once"]).ends(0);
    // It was not known that the first one had arrived.
    assert_eq!(accepted(&home.inbox().slack()), 2);
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(accepted(&home.inbox().slack()), 2);
}

#[test]
fn an_inbox_that_hangs_keeps_nobody_from_being_told() {
    let home = hasty();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let config = std::fs::read_to_string(home.path("pengwatch.toml")).expect("a file");
    let more = format!(
        "[inbox.silent]\nurl = \"http://{address}\"\ntoken = {{ env = \"TOKEN\" }}\n\n\
         [watchdog]\nnotify = [\"leads\"]\nafter = \"1s\"\n"
    );
    home.write("pengwatch.toml", &format!("{config}\n{more}"));
    home.run(&["run", "--once"]).ends(1);
    assert_eq!((accepted(&home.inbox().slack()), accepted(&home.inbox().webhooks())), (1, 1));
    let mut subjects: Vec<_> = home.mail().mails().iter().map(pengwatch::sandbox::smtp::Mail::subject).collect();
    subjects.sort();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert!(subjects[0].starts_with("⚠️ pengwatch cannot read the inbox silent"), "{subjects:?}");
}

#[test]
fn recipients_who_have_a_mail_when_the_deadline_comes_do_not_get_it_again() {
    let home = hasty();
    home.edit("pengwatch.toml", "deadline = \"4s\"", "deadline = \"2s\"");
    home.edit("pengwatch.toml", "[\"leads@example.com\"]", "[\"a@example.com\", \"b@example.com\", \"c@example.com\"]");
    let late = SinkTrouble::Delay(Duration::from_mins(1));
    home.mail().trouble_for("b@example.com", Stage::Rcpt, late, 1);
    let ran = home.run(&["run", "--once"]);
    ran.ends(1);
    assert!(notes(&ran)[0].contains(": no answer in time at the recipient (b***@example.com)."), "{}", ran.stderr);
    home.edit("pengwatch.toml", "deadline = \"2s\"", "deadline = \"20s\"");
    home.run(&["run", "--once"]).ends(0);
    let got: Vec<_> = home.mail().mails().iter().map(|mail| mail.to.join("+")).collect();
    assert_eq!(got, ["a@example.com", "b@example.com", "c@example.com"]);
}

#[test]
fn a_chain_of_dead_receivers_comes_to_its_end_in_one_run() {
    let home = hasty();
    home.edit("pengwatch.toml", "deadline = \"4s\"", "deadline = \"20s\"");
    home.edit("rules/waiting.toml", ", \"leads\", \"ops\", \"screen\"", "");
    let slack = "webhook_url = { env = \"SLACK_WEBHOOK_URL\" }";
    let next = |name: &str| format!("{slack}\nfallback = \"{name}\"");
    let chain = ["second", "third", "fourth"].iter().zip(["third", "fourth", "leads"]);
    let chain = chain.map(|(name, to)| format!("\n\n[receiver.{name}]\ntype = \"slack\"\n{}", next(to)));
    home.edit("pengwatch.toml", slack, &format!("{}{}", next("second"), chain.collect::<String>()));
    home.inbox().fault(Fault::slack(FaultKind::status(404)).repeated(100));
    home.run(&["run", "--once"]).ends(1);
    assert_eq!(home.inbox().slack().len(), 4);
    assert_eq!(home.mail().mails().len(), 1);
}

#[test]
fn stopped_while_it_sends_it_begins_nothing_and_what_is_under_way_ends_soon() {
    let home = Home::watching();
    home.waits("c1", "Asha", "Hello?");
    home.edit("pengwatch.toml", "[\"leads@example.com\"]", "[\"a@example.com\", \"b@example.com\"]");
    home.inbox().fault(Fault::slack(FaultKind::Delay { ms: 60_000 }));
    let slow = SinkTrouble::Delay(Duration::from_secs(2));
    home.mail().trouble_for("a@example.com", Stage::Rcpt, slow, 1);
    let started = home.start(&["run", "--once"]);
    crate::harness::eventually("the requests", || !home.inbox().slack().is_empty() && home.mail().connections() > 0);
    std::thread::sleep(Duration::from_millis(500));
    started.signal("TERM");
    let ran = started.end();
    ran.ends(1);
    assert!(ran.took < Duration::from_millis(11_500), "{:?}", ran.took);
    assert!(
        ran.stderr.contains("receiver support: 1 notification waits in the outbox: no answer in time."),
        "{}",
        ran.stderr
    );
    let got = || home.mail().mails().iter().map(|mail| mail.to.join("+")).collect::<Vec<_>>();
    assert_eq!(got(), ["a@example.com"]);
    home.inbox().clear_faults();
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(got(), ["a@example.com", "b@example.com"]);
}

#[test]
fn retries_of_a_webhook_and_a_mail_carry_the_same_id() {
    let home = hasty();
    home.inbox().fault(Fault::webhook(FaultKind::status(503)).repeated(100));
    // The relay accepts the mail, but its answer is lost.
    home.mail().trouble(Stage::End, SinkTrouble::HangUp, 1);
    home.run(&["run", "--once"]).ends(1);
    home.inbox().clear_faults();
    home.edit("pengwatch.toml", "deadline = \"4s\"", "deadline = \"20s\"");
    home.run(&["run", "--once"]).ends(0);

    let webhooks = home.inbox().webhooks();
    assert!(webhooks.len() >= 2);
    assert_eq!(accepted(&webhooks), 1);
    let ids: Vec<_> = webhooks.iter().map(|webhook| webhook.header("webhook-id")).collect();
    assert!(ids.iter().all(|id| id.is_some() && *id == ids[0]), "{ids:?}");
    let mails = home.mail().mails();
    assert_eq!(mails.len(), 2, "kept by the relay, and sent again since nobody knew");
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
}

/// One run with this fault of the inbox: the line, status 1, and no alert changes.
#[track_caller]
fn inbox_broken(kind: FaultKind, line: &str) {
    let home = Home::watching();
    home.waits("c1", "Asha", "Hello?");
    home.run(&["run", "--once"]).ends(0);
    home.inbox().fault(Fault::inbox(kind).repeated(100));
    let ran = home.run(&["run", "--once"]);
    ran.ends(1);
    assert_eq!(
        notes(&ran),
        [
            format!("inbox main was not read completely: {line}. No alert was ended by this; the next run goes on"),
            "contacts read 0, alerts begun 0, ended 0, messages sent 0".to_owned(),
        ]
    );
    assert_eq!(ran.stdout, "");
    home.inbox().clear_faults();
    home.run(&["run", "--once"]).says(0, "", "contacts read 1, alerts begun 0, ended 0, messages sent 0\n");
    assert_eq!(home.inbox().slack().len(), 1);
}

#[test]
fn the_inbox_fails() {
    inbox_broken(FaultKind::status(500), "the API failed (HTTP 500)");
}

#[test]
fn the_inbox_answers_with_a_web_page() {
    let page =
        FaultKind::Status { code: 200, body: Some("<!DOCTYPE html><html>Log in</html>".to_owned()), retry_after: None };
    inbox_broken(
        page,
        "something between us and the API answered (HTTP 200, a web page): look there, not at the token",
    );
}

#[test]
fn the_inbox_refuses_the_token() {
    inbox_broken(
        FaultKind::status(401),
        "the API refused the token (HTTP 401); check the inbox's `token`, or ask the provider for a new one",
    );
}

#[test]
fn the_inbox_answers_with_half_of_it() {
    inbox_broken(FaultKind::HalfJson, "the API's answer is not valid JSON");
}

#[test]
fn nobody_listens() {
    let home = Home::watching();
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let url = home.url().to_owned();
    home.edit("pengwatch.toml", &format!("url = \"{url}\""), &format!("url = \"http://{port}\""));
    let ran = home.run(&["run", "--once"]);
    ran.ends(1);
    assert!(notes(&ran)[0].starts_with("inbox main was not read completely: the API cannot be reached: "), "{ran:?}");
}

#[test]
fn a_message_that_nobody_takes_is_said() {
    let home = hasty();
    home.inbox().fault(Fault::slack(FaultKind::status(400)).repeated(100));
    let ran = home.run(&["run", "--once"]);
    ran.ends(1);
    assert_eq!(notes(&ran)[0], "messages that no receiver took, and that are not tried again: 1");
}

#[test]
fn stopped_in_the_middle_it_ends_at_once_and_loses_nothing() {
    let home = Home::watching();
    home.waits("c1", "Asha", "Hello?");
    home.inbox().fault(Fault::inbox(FaultKind::Delay { ms: 4_000 }));
    let started = home.start(&["run", "--once"]);
    crate::harness::eventually("the request", || !home.inbox().requests().is_empty());
    started.signal("TERM");
    let ran = started.end();
    ran.ends(1);
    assert!(ran.took.as_secs() < 4, "{:?}", ran.took);
    home.run(&["run", "--once"]).ends(0);
    assert_eq!(home.inbox().slack().len(), 1);
}

#[test]
fn who_was_not_told_of_the_wait_hears_nothing_of_its_end() {
    for daemon in [false, true] {
        let home = Home::watching().file("rules/waiting.toml", &RULE.replace(", \"ops\", \"screen\"", ""));
        home.edit("pengwatch.toml", "to = [\"leads@example.com\"]", "to = [\"a@x.org\", \"b@x.org\", \"c@x.org\"]");
        home.mail().refuse("b@x.org", 451, 1_000);
        home.mail().refuse("c@x.org", 550, 1);
        home.waits("c1", "Asha", "Hello?");
        let running = daemon.then(|| home.start(&["run"]));
        if !daemon {
            home.run(&["run", "--once"]).ends(1);
        }
        eventually("the first mail", || home.mail().mails().len() == 1);
        home.inbox().act("c1", &CustomerAction::Answer(By::Agent, "Yes?".to_owned()), now()).expect("a contact");
        if !daemon {
            home.mail().clear_script();
            home.run(&["run", "--once"]).ends(0);
        }
        eventually("the end", || home.mail().mails().len() == 2);
        if let Some(running) = running {
            running.signal("TERM");
            running.end();
        }
        home.mail().clear_script();
        home.run(&["run", "--once"]).ends(0);
        let got: Vec<_> = home.mail().mails().into_iter().map(|mail| (mail.to.concat(), mail.subject())).collect();
        assert!(got.len() == 2 && got.iter().all(|(to, _)| to == "a@x.org"), "daemon: {daemon}: {got:?}");
        assert!(got[1].1.contains("answered"), "{got:?}");
    }
}
