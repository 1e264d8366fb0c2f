//! Mails against a server that misbehaves.

mod decoded;
mod ending;
mod hostile;
mod kept;
mod relays;
mod tls;

use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Email, format};
use crate::{
    model::{Attempt, Blame, Body, MessageId, Outcome, OutgoingMessage},
    receivers::{
        email::address::SmtpAddress,
        slack,
        testing::{TIMEOUT, nobody, parcel, payload_fault, rejected, retry},
    },
    sandbox::smtp::{SinkSettings, SinkTrouble, SmtpSink, Stage},
};

const FROM: &str = "Pengwatch <alerts@example.com>";

struct Server {
    sink: SmtpSink,
    port: u16,
}

impl Server {
    async fn start(settings: SinkSettings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { sink: SmtpSink::start_with(settings, listener, CancellationToken::new()), port }
    }

    async fn plain() -> Self {
        Self::start(SinkSettings::default()).await
    }

    fn email(&self, to: &[&str]) -> Email {
        self.email_within(to, TIMEOUT)
    }

    fn email_within(&self, to: &[&str], timeout: Duration) -> Email {
        email(&format!("smtp://127.0.0.1:{}", self.port), FROM, to, timeout, &[])
    }

    /// The recipients and their numbers of mails, in order.
    fn got(&self) -> Vec<String> {
        self.sink.mails().into_iter().map(|mail| mail.to.join("+")).collect()
    }
}

fn email(url: &str, from: &str, to: &[&str], timeout: Duration, roots: &[Vec<u8>]) -> Email {
    let to = to.iter().map(|to| to.parse().unwrap()).collect();
    Email::new(SmtpAddress::parse(url).unwrap(), from.parse().unwrap(), to, timeout, roots).unwrap()
}

fn body() -> Body {
    format::body("hi", "hello", "<p>hello</p>")
}

/// An attempt in which all settled recipients got the mail.
fn attempt(outcome: Outcome, settled: &[&str]) -> Attempt {
    let settled: Vec<String> = settled.iter().map(ToString::to_string).collect();
    Attempt { reached: settled.clone(), settled, ..outcome.into() }
}

/// The attempt, with only these recipients reached in it.
fn reaching(attempt: Attempt, reached: &[&str]) -> Attempt {
    Attempt { reached: reached.iter().map(ToString::to_string).collect(), ..attempt }
}

fn refusing(attempt: Attempt, refused: &[&str]) -> Attempt {
    Attempt { refused: refused.iter().map(ToString::to_string).collect(), ..attempt }
}

#[tokio::test]
async fn one_envelope_a_recipient_over_one_connection() {
    let server = Server::plain().await;
    let email = server.email(&["a@x.org", "Bea <b@x.org>", "a@x.org", "c@x.org"]);
    let sent = email.send(&parcel(body())).await;
    assert_eq!(sent, attempt(Outcome::Delivered, &["a@x.org", "b@x.org", "c@x.org"]));
    assert_eq!(server.got(), ["a@x.org", "b@x.org", "c@x.org"]);
    assert_eq!(server.sink.connections(), 1);
    let mails = server.sink.mails();
    let to: Vec<_> = mails.iter().filter_map(|mail| mail.header("To")).collect();
    assert_eq!(to, ["a@x.org", "Bea <b@x.org>", "c@x.org"]);
}

#[tokio::test]
async fn the_whole_mail() {
    let server = Server::plain().await;
    let email = server.email(&["a@x.org"]);
    let thread = Some("main/late/42".to_owned());
    let body = format::body("⏰ Jörg waits", "Grüße,\nline\n.\n..dots\n", "<p>Grüße &amp; more</p>");
    email.send(&OutgoingMessage { thread, ..parcel(body) }).await;
    let [mail] = &server.sink.mails()[..] else { panic!("one mail") };
    let header = |name: &str| mail.header(name).unwrap_or_default();
    assert_eq!(mail.from, "alerts@example.com");
    assert_eq!(header("From"), FROM);
    assert_eq!(mail.subject(), "⏰ Jörg waits");
    assert_eq!(header("Message-ID"), "<m1@example.com>");
    assert_eq!(header("Date"), "Thu, 25 Feb 2021 15:42:10 +0000");
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    assert_eq!(header("X-Auto-Response-Suppress"), "All");
    assert_eq!(header("List-Id"), "<pengwatch.example.com>");
    assert_eq!(header("In-Reply-To"), header("References"));
    assert!(header("References").ends_with("@example.com>"), "{mail:?}");
    assert!(header("Content-Type").starts_with("multipart/alternative;"), "{mail:?}");
    assert_eq!(mail.text(), "Grüße,\nline\n.\n..dots");
    assert_eq!(mail.html(), "<p>Grüße &amp; more</p>");
    assert!(mail.data.is_ascii() && mail.data.lines().all(|line| line.len() < 998), "{mail:?}");
}

#[tokio::test]
async fn retries_and_threads_keep_their_ids() {
    let server = Server::plain().await;
    let email = server.email(&["a@x.org", "b@x.org"]);
    let thread = Some("alert-7".to_owned());
    let fired = OutgoingMessage { thread: thread.clone(), ..parcel(body()) };
    let resolved = OutgoingMessage { id: MessageId("m2".to_owned()), ..fired.clone() };
    let digest = OutgoingMessage { id: MessageId("m3".to_owned()), thread: None, ..fired.clone() };
    for parcel in [&fired, &fired, &resolved, &digest] {
        assert_eq!(email.send(parcel).await.outcome, Outcome::Delivered);
    }
    let of = |name: &str| server.sink.mails().iter().map(|mail| mail.header(name)).collect::<Vec<_>>();
    let ids = ["m1", "m1", "m1", "m1", "m2", "m2", "m3", "m3"];
    assert_eq!(of("Message-ID"), ids.map(|id| Some(format!("<{id}@example.com>"))));
    let root = Some("<alert-7@example.com>".to_owned());
    let roots = [vec![root; 6], vec![None; 2]].concat();
    assert_eq!(of("References"), roots);
    assert_eq!(of("In-Reply-To"), roots);
}

#[tokio::test]
async fn without_html_it_is_a_plain_mail() {
    let server = Server::plain().await;
    let body = format::body("", "hello", "");
    server.email(&["a@x.org"]).send(&parcel(body)).await;
    let mail = &server.sink.mails()[0];
    assert!(mail.header("Content-Type").unwrap().starts_with("text/plain"), "{mail:?}");
    assert_eq!(mail.text(), "hello");
}

#[tokio::test]
async fn nothing_that_a_customer_writes_becomes_a_header_or_a_command() {
    let evil = "x\r\nBcc: evil@x.org\r\n\r\n.\r\nMAIL FROM:<evil@x.org>\r\nRCPT TO:<evil@x.org>\n\rRCPT TO:<e@x.org>\r";
    let server = Server::plain().await;
    let from = "\"A\\\"B, <c@d.org>\" <alerts@example.com>";
    let email = email(&format!("smtp://127.0.0.1:{}", server.port), from, &["a@x.org"], TIMEOUT, &[]);
    let all = |text: &str| format::body(text, text, text);
    let odd = OutgoingMessage { id: MessageId(evil.to_owned()), thread: Some(evil.to_owned()), ..parcel(all(evil)) };
    assert_eq!(email.send(&odd).await.outcome, Outcome::Delivered);
    assert_eq!(server.got(), ["a@x.org"]);
    let mail = &server.sink.mails()[0];
    assert_eq!(mail.header("Bcc"), None, "{mail:?}");
    assert!(mail.subject().starts_with("x  Bcc: evil@x.org    .  MAIL FROM"), "{mail:?}");
    assert!(mail.header("Message-ID").unwrap().ends_with("@example.com>"), "{mail:?}");
    assert!(mail.text().contains("\n.\nMAIL FROM:<evil@x.org>\n"), "{mail:?}");
    assert!(!mail.data.replace("\r\n", "").contains(['\r', '\n']), "{mail:?}");
}

#[tokio::test]
async fn a_bad_recipient_stops_nobody_else() {
    let server = Server::plain().await;
    server.sink.refuse("bad@x.org", 550, 9);
    let to = ["a@x.org", "bad@x.org", "c@x.org"];
    let sent = server.email(&to).send(&parcel(body())).await;
    let right = reaching(attempt(Outcome::Delivered, &["a@x.org", "c@x.org", "bad@x.org"]), &["a@x.org", "c@x.org"]);
    assert_eq!(sent, refusing(right, &["550 5.0.0 at the recipient (b***@x.org)"]));
    assert_eq!(server.got(), ["a@x.org", "c@x.org"]);
    assert_eq!(server.sink.connections(), 1);
}

#[tokio::test]
async fn a_retry_is_for_those_who_are_left() {
    let server = Server::plain().await;
    server.sink.refuse("b@x.org", 451, 1);
    server.sink.refuse("bad@x.org", 550, 9);
    let email = server.email(&["a@x.org", "b@x.org", "bad@x.org"]);
    let first = email.send(&parcel(body())).await;
    let reason = "451 4.0.0 at the recipient (b***@x.org)";
    let right = reaching(attempt(retry(None, reason, true), &["a@x.org", "bad@x.org"]), &["a@x.org"]);
    assert_eq!(first, refusing(right, &["550 5.0.0 at the recipient (b***@x.org)"]));
    let second = email.send(&OutgoingMessage { settled: first.settled, ..parcel(body()) }).await;
    assert_eq!(second, reaching(attempt(Outcome::Delivered, &["a@x.org", "bad@x.org", "b@x.org"]), &["b@x.org"]));
    assert_eq!(server.got(), ["a@x.org", "b@x.org"]);
    email.rest().await;
    let third = email.send(&OutgoingMessage { settled: second.settled.clone(), ..parcel(body()) }).await;
    assert_eq!(third, reaching(second, &[]));
    assert_eq!(server.sink.connections(), 1, "nobody is left: nobody is called");
}

#[tokio::test]
async fn nobody_told_is_never_everybody_settled() {
    let server = Server::plain().await;
    server.sink.refuse("a@x.org", 550, 9);
    server.sink.refuse("b@x.org", 450, 1);
    server.sink.refuse("b@x.org", 550, 1);
    let email = server.email(&["a@x.org", "b@x.org"]);
    let first = email.send(&parcel(body())).await;
    assert_eq!(first, attempt(retry(None, "450 4.0.0 at the recipient (b***@x.org)", false), &[]));
    let second = email.send(&OutgoingMessage { settled: first.settled, ..parcel(body()) }).await;
    let reason = "550 5.0.0 at the recipient (a***@x.org), and 1 more";
    assert_eq!(second, attempt(rejected(Blame::Receiver, reason), &[]));
}

#[tokio::test]
async fn who_is_refused_after_others_were_told_is_named_once() {
    let server = Server::plain().await;
    server.sink.refuse("bad@x.org", 450, 1);
    server.sink.refuse("bad@x.org", 550, 9);
    server.sink.refuse("worse@x.org", 550, 9);
    let email = server.email(&["a@x.org", "bad@x.org", "worse@x.org"]);
    let first = email.send(&parcel(body())).await;
    assert_eq!(first.refused, ["550 5.0.0 at the recipient (w***@x.org)"]);
    let second = email.send(&OutgoingMessage { settled: first.settled, ..parcel(body()) }).await;
    let right = reaching(attempt(Outcome::Delivered, &["a@x.org", "worse@x.org", "bad@x.org"]), &[]);
    assert_eq!(second, refusing(right, &["550 5.0.0 at the recipient (b***@x.org)"]));
}

#[tokio::test]
async fn every_stage_by_table() {
    let receiver = |reason| rejected(Blame::Receiver, reason);
    let payload = |reason| rejected(Blame::Payload, reason);
    let later = |reason| retry(None, reason, false);
    for (stage, code, outcome) in [
        (Stage::Greeting, 421, later("421 4.0.0 when connecting")),
        (Stage::Greeting, 450, later("450 4.0.0 when connecting")),
        (Stage::Greeting, 554, receiver("554 5.0.0 when connecting")),
        (Stage::Mail, 421, later("421 4.0.0 at the sender")),
        (Stage::Mail, 451, later("451 4.0.0 at the sender")),
        (Stage::Mail, 530, receiver("530 5.0.0 at the sender")),
        (Stage::Mail, 550, receiver("550 5.0.0 at the sender")),
        (Stage::Rcpt, 421, later("421 4.0.0 at the recipient (a***@x.org)")),
        (Stage::Rcpt, 450, later("450 4.0.0 at the recipient (a***@x.org)")),
        (Stage::Rcpt, 550, receiver("550 5.0.0 at the recipient (a***@x.org)")),
        (Stage::Data, 451, later("451 4.0.0 before the text of the mail (a***@x.org)")),
        (Stage::Data, 554, receiver("554 5.0.0 before the text of the mail (a***@x.org)")),
        (Stage::End, 421, later("421 4.0.0 after the text of the mail (a***@x.org)")),
        (Stage::End, 451, later("451 4.0.0 after the text of the mail (a***@x.org)")),
        (Stage::End, 552, payload("552 5.0.0 after the text of the mail (a***@x.org)")),
        (Stage::End, 554, payload("554 5.0.0 after the text of the mail (a***@x.org)")),
    ] {
        let server = Server::plain().await;
        server.sink.fault(stage, code, 1);
        let email = server.email(&["a@x.org"]);
        assert_eq!(email.send(&parcel(body())).await, attempt(outcome, &[]), "{stage:?} {code}");
        assert!(server.got().is_empty());
        assert_eq!(email.send(&parcel(body())).await.outcome, Outcome::Delivered, "{stage:?} {code}");
    }
}

/// The reason of the attempt, and whether the mail may have arrived.
async fn troubled(stage: Stage, trouble: SinkTrouble, timeout: Duration) -> (String, bool) {
    let server = Server::plain().await;
    server.sink.trouble(stage, trouble, 1);
    let sent = server.email_within(&["a@x.org"], timeout).send(&parcel(body())).await;
    let Outcome::Retry { reason, ambiguous, .. } = sent.outcome else { panic!("{stage:?} {trouble:?}: {sent:?}") };
    (reason, ambiguous)
}

#[tokio::test]
async fn cut_or_silent_it_is_ambiguous_only_after_the_mail() {
    let stages = [Stage::Greeting, Stage::Mail, Stage::Rcpt, Stage::Data, Stage::End];
    let silent = SinkTrouble::Delay(Duration::from_mins(1));
    // All the waits run at once.
    let waits = stages.map(|stage| tokio::spawn(troubled(stage, silent, Duration::from_secs(1))));
    for (stage, wait) in stages.into_iter().zip(waits) {
        let (reason, ambiguous) = wait.await.unwrap();
        assert!(reason.starts_with("no answer in time "), "{stage:?}: {reason}");
        assert_eq!(ambiguous, stage == Stage::End, "{stage:?}: {reason}");

        let (reason, ambiguous) = troubled(stage, SinkTrouble::HangUp, TIMEOUT).await;
        assert!(reason.contains("connection"), "{stage:?}: {reason}");
        assert_eq!(ambiguous, stage == Stage::End, "{stage:?}: {reason}");
    }
}

#[tokio::test]
async fn one_who_takes_the_connection_down_stops_nobody_else() {
    for (stage, trouble) in [
        (Stage::Rcpt, SinkTrouble::HangUp),
        (Stage::Rcpt, SinkTrouble::Code(421)),
        (Stage::End, SinkTrouble::HangUp),
        (Stage::Rcpt, SinkTrouble::Delay(Duration::from_mins(1))),
    ] {
        let server = Server::plain().await;
        server.sink.trouble_for("a@x.org", stage, trouble, 1);
        let timeout = if matches!(trouble, SinkTrouble::Delay(_)) { Duration::from_secs(1) } else { TIMEOUT };
        let email = server.email_within(&["a@x.org", "b@x.org"], timeout);
        let sent = email.send(&parcel(body())).await;
        assert!(matches!(sent.outcome, Outcome::Retry { ambiguous: true, .. }), "{stage:?} {trouble:?}: {sent:?}");
        assert_eq!(sent.settled, ["b@x.org"], "{stage:?} {trouble:?}");
    }
}

#[tokio::test]
async fn a_server_that_takes_so_many_mails_a_connection() {
    let server = Server::plain().await;
    let email = server.email(&["a@x.org", "b@x.org", "c@x.org"]);
    server.sink.trouble_for("b@x.org", Stage::End, SinkTrouble::Code(451), 1);
    let first = email.send(&parcel(body())).await;
    assert_eq!(first.settled, ["a@x.org", "c@x.org"], "{first:?}");
    assert_eq!(server.sink.connections(), 1);

    // The second mail meets a closed connection; the third shares the second one's new connection.
    for trouble in [SinkTrouble::Code(421), SinkTrouble::HangUp] {
        let server = Server::plain().await;
        let email = server.email(&["a@x.org", "b@x.org", "c@x.org"]);
        server.sink.trouble(Stage::Mail, SinkTrouble::Delay(Duration::ZERO), 1);
        server.sink.trouble(Stage::Mail, trouble, 1);
        assert_eq!(email.send(&parcel(body())).await.outcome, Outcome::Delivered, "{trouble:?}");
        assert_eq!(server.sink.connections(), 2);
    }
}

#[tokio::test]
async fn a_text_that_one_of_many_dislikes_is_that_ones_matter() {
    let server = Server::plain().await;
    server.sink.trouble_for("b@x.org", Stage::End, SinkTrouble::Code(552), 1);
    let sent = server.email(&["a@x.org", "b@x.org"]).send(&parcel(body())).await;
    let right = reaching(attempt(Outcome::Delivered, &["a@x.org", "b@x.org"]), &["a@x.org"]);
    assert_eq!(sent, refusing(right, &["552 5.0.0 after the text of the mail (b***@x.org)"]));

    server.sink.fault(Stage::End, 554, 2);
    let sent = server.email(&["a@x.org", "b@x.org"]).send(&parcel(body())).await;
    let reason = "554 5.0.0 after the text of the mail (a***@x.org), and 1 more";
    assert_eq!(sent, attempt(rejected(Blame::Payload, reason), &[]));
}

#[tokio::test]
async fn nobody_there() {
    let url = nobody().await.replace("http:", "smtp:");
    let sent = email(&url, FROM, &["a@x.org", "b@x.org"], TIMEOUT, &[]).send(&parcel(body())).await;
    let reason = "no connection (connection refused) when connecting";
    assert_eq!(sent, attempt(retry(None, reason, false), &[]));
}

#[test]
fn somebody_must_get_it() {
    let server = SmtpAddress::parse("smtp://127.0.0.1").unwrap();
    let nobody = Email::new(server, FROM.parse().unwrap(), Vec::new(), TIMEOUT, &[]);
    assert!(nobody.err().unwrap().contains("no recipient"));
}

#[tokio::test]
async fn takes_its_own_kind_of_body_only() {
    let email = email("smtp://127.0.0.1:9", FROM, &["a@x.org"], TIMEOUT, &[]);
    payload_fault(&email.send(&parcel(slack::format::body("hunter2"))).await);
}
