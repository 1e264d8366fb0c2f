//! Mail to several recipients: the end goes to exactly those who got the beginning.

use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::bench::Bench;
use crate::receivers::email::kind::EmailKind;
use crate::receivers::webhook::kind::WebhookKind;
use crate::{
    model::{Ack, DeliveryStep, Event},
    sandbox::smtp::{SinkTrouble, SmtpSink, Stage},
};

const ALL: [&str; 3] = ["a@x.org", "b@x.org", "c@x.org"];
const ALWAYS: usize = 1_000;

/// Faults of the sink: for whom, at which stage, which one, how often.
type Script = Vec<(&'static str, Stage, SinkTrouble, usize)>;

struct Mails {
    bench: Bench,
    sink: SmtpSink,
}

impl Mails {
    async fn to(persons: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut bench = Bench::new().await;
        bench.mail_port = Some(listener.local_addr().unwrap().port());
        bench.speak(&EmailKind);
        let sink = SmtpSink::start(listener, CancellationToken::new());
        let mut mails = Self { bench, sink };
        mails.configure(persons);
        mails
    }

    /// Configures these recipients from now on.
    fn configure(&mut self, persons: &[&str]) {
        self.bench.settings.persons = persons.iter().map(ToString::to_string).collect();
    }

    /// Does rounds until a deferred mail has had its second try.
    async fn rounds(&self, rounds: usize) {
        for _ in 0..rounds {
            self.bench.round().await;
            self.bench.advance(10);
        }
    }

    /// The recipients of each kind of mail since the last call, in order.
    fn got(&self) -> String {
        let mails = self.sink.mails();
        self.sink.forget_mails();
        let kind = |subject: &str| if subject.contains("answered") { "over" } else { "waits" };
        let mails = mails.iter().map(|mail| format!("{} {}", kind(&mail.subject()), &mail.to[0][..1]));
        mails.collect::<Vec<_>>().join(", ")
    }

    async fn end(&self, contact: &str) -> String {
        self.bench.resolve(contact).await;
        self.rounds(3).await;
        self.got()
    }
}

#[tokio::test]
async fn the_end_is_for_those_who_were_told() {
    let later = SinkTrouble::Code(450);
    let cases: [(&str, Script, &str, &str); 7] = [
        ("one deferred", vec![("b@x.org", Stage::Rcpt, later, ALWAYS)], "waits a, waits c", "over a, over c"),
        (
            "refused for good",
            vec![("b@x.org", Stage::Rcpt, SinkTrouble::Code(550), 1)],
            "waits a, waits c",
            "over a, over c",
        ),
        (
            "the text refused",
            vec![("c@x.org", Stage::End, SinkTrouble::Code(552), 1)],
            "waits a, waits b",
            "over a, over b",
        ),
        (
            "mixed, over several attempts",
            vec![("a@x.org", Stage::Rcpt, later, ALWAYS), ("b@x.org", Stage::Data, later, 1)],
            "waits c, waits b",
            "over b, over c",
        ),
        // The sink keeps a mail whose answer gets lost: its recipient gets the beginning twice and the end once.
        (
            "may have got it",
            vec![("b@x.org", Stage::End, SinkTrouble::HangUp, 1), ("c@x.org", Stage::Rcpt, later, ALWAYS)],
            "waits a, waits b, waits b",
            "over a, over b",
        ),
        ("nobody", ALL.map(|to| (to, Stage::Rcpt, later, ALWAYS)).to_vec(), "", ""),
        ("everybody", vec![], "waits a, waits b, waits c", "over a, over b, over c"),
    ];
    for (name, script, told, over) in cases {
        let mails = Mails::to(&ALL).await;
        for (to, stage, trouble, times) in script {
            mails.sink.trouble_for(to, stage, trouble, times);
        }
        mails.bench.fire("a").await;
        mails.rounds(2).await;
        assert_eq!(mails.got(), told, "{name}");
        // From now on every address accepts everything.
        mails.sink.clear_script();
        assert_eq!(mails.end("a").await, over, "{name}");
        assert_eq!(mails.bench.owed(Event::Resolved).await, 0, "{name}");
    }
}

#[tokio::test]
async fn recipients_that_the_configuration_gained_or_lost() {
    for (now, over) in [
        (&["a@x.org", "b@x.org", "c@x.org"][..], "over a, over b"),
        (&["b@x.org", "c@x.org"], "over b"),
        (&["c@x.org"], ""),
    ] {
        let mut mails = Mails::to(&["a@x.org", "b@x.org"]).await;
        mails.bench.fire("a").await;
        mails.rounds(1).await;
        assert_eq!(mails.got(), "waits a, waits b");
        mails.configure(now);
        assert_eq!(mails.end("a").await, over, "{now:?}");
        assert_eq!(mails.bench.owed(Event::Resolved).await, 0, "{now:?}");
    }
}

#[tokio::test]
async fn a_reminder_reaches_more_persons_than_the_first_message() {
    let mails = Mails::to(&ALL).await;
    mails.sink.refuse("b@x.org", 450, 1);
    mails.sink.refuse("c@x.org", 450, ALWAYS);
    mails.bench.fire("a").await;
    mails.rounds(1).await;
    mails.bench.remind("a").await;
    mails.rounds(2).await;
    // Recipients of the first message get the reminder, too, and the others get one message.
    assert_eq!(mails.got(), "waits a, waits a, waits b");
    mails.sink.clear_script();
    assert_eq!(mails.end("a").await, "over a, over b");
    assert_eq!(mails.bench.states().await, ["superseded", "superseded", "delivered"]);
}

#[tokio::test]
async fn who_was_not_told_before_somebody_took_it_hears_nothing_of_it() {
    let mails = Mails::to(&ALL).await;
    mails.sink.refuse("c@x.org", 450, 1);
    mails.bench.fire("a").await;
    mails.rounds(1).await;
    let alert = mails.bench.store.snapshot("main").await.unwrap().alerts[0].id.clone();
    let ack = Ack { at: mails.bench.now(), by: "asha".to_owned(), comment: String::new() };
    mails.bench.store.acknowledge(alert, ack).await.unwrap();
    mails.rounds(2).await;
    assert_eq!(mails.got(), "waits a, waits b");
    assert_eq!(mails.end("a").await, "over a, over b");
}

#[tokio::test]
async fn after_a_kill_in_the_middle_of_a_mail_it_is_known_who_has_it() {
    let mails = Mails::to(&ALL).await;
    mails.bench.fire("a").await;
    let store = &mails.bench.store;
    let parcels = mails.bench.deliverer().preview().await.unwrap();
    let (message, of) = (parcels[0].id.clone(), |person: &str| vec![person.to_owned()]);
    store.record(DeliveryStep::Attempting { message: message.clone(), trying: of("a@x.org") }).await.unwrap();
    let (reached, settled) = (of("a@x.org"), of("a@x.org"));
    store.record(DeliveryStep::GoesOn { message, reached, settled, trying: of("b@x.org") }).await.unwrap();
    store.recover(mails.bench.now()).await.unwrap();
    mails.bench.resolve("a").await;
    mails.rounds(1).await;
    assert_eq!(mails.got(), "over a, over b", "the first has it, the second may have it, the third has not");
}

#[tokio::test]
async fn a_kill_before_the_first_envelope_has_told_nobody() {
    let mails = Mails::to(&ALL).await;
    mails.bench.fire("a").await;
    let message = mails.bench.deliverer().preview().await.unwrap()[0].id.clone();
    mails.bench.store.record(DeliveryStep::Attempting { message, trying: Vec::new() }).await.unwrap();
    mails.bench.store.recover(mails.bench.now()).await.unwrap();
    assert_eq!(mails.end("a").await, "");
}

#[tokio::test]
async fn what_is_written_down_between_two_recipients_is_known_to_the_next_process() {
    let mails = Mails::to(&ALL).await;
    mails.bench.fire("a").await;
    mails.sink.trouble_for("c@x.org", Stage::End, SinkTrouble::Delay(std::time::Duration::from_mins(1)), 1);
    let deliverer = mails.bench.deliverer();
    let attempt = tokio::spawn(async move { deliverer.run_once(&super::Limits::default()).await });
    while mails.sink.mails().len() < 3 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    attempt.abort();
    let _ = attempt.await;
    mails.bench.store.recover(mails.bench.now()).await.unwrap();
    mails.bench.advance(SignedDuration::from_mins(1).as_secs());
    mails.bench.round().await;
    // What was in flight comes twice, nothing else.
    assert_eq!(mails.got(), "waits a, waits b, waits c, waits c");
}

#[tokio::test]
async fn ends_for_different_persons_are_different_mails() {
    let mails = Mails::to(&["a@x.org", "b@x.org"]).await;
    mails.bench.fire("a").await;
    mails.rounds(1).await;
    mails.sink.refuse("a@x.org", 450, ALWAYS);
    mails.bench.fire_for("s", "b", &["support"]).await;
    mails.rounds(1).await;
    mails.sink.clear_script();
    mails.got();
    mails.bench.resolve("a").await;
    mails.bench.resolve("b").await;
    mails.rounds(1).await;
    let mails: Vec<_> = mails.sink.mails().iter().map(|mail| (mail.to[0].clone(), mail.text())).collect();
    let about = |to: &str, who: &str| mails.iter().filter(|(one, text)| one == to && text.contains(who)).count();
    let counts = [about("a@x.org", "Customer a"), about("a@x.org", "Customer b"), about("b@x.org", "Customer a")];
    assert_eq!((counts, about("b@x.org", "Customer b")), ([1, 0, 1], 1), "{mails:?}");
}

#[tokio::test]
async fn another_kind_of_receiver_under_the_same_name_was_not_told() {
    let mut mails = Mails::to(&["a@x.org"]).await;
    mails.bench.fire("a").await;
    mails.rounds(1).await;
    mails.bench.speak(&WebhookKind);
    mails.configure(&["webhook"]);
    mails.bench.resolve("a").await;
    mails.rounds(1).await;
    assert_eq!((mails.bench.got().len(), mails.bench.owed(Event::Resolved).await), (0, 0));
}
