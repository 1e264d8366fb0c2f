//! A store with alerts, and a webhook that answers by a script.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    clock::{Clock, ManualClock},
    engine::{delivery_settings::DeliverySettings, escalation, group::GroupBy},
    model::{
        ALERT, Alert, Changes, Contact, DeliveryStep, Event, MessageId, Names, Privacy, Reason, Renewable, Resolution,
        StateLocation,
    },
    receivers::{
        Kind, Sender,
        email::{Email, address::SmtpAddress},
        formats,
        slack::Slack,
        webhook::{Webhook, kind::WebhookKind},
    },
    render::Renderer,
    rules::RuleSet,
    service::{
        deliverer::{Delivered, Deliverer, Inboxes, Layout, Limits, PutOff},
        pace::SendPace,
        shared::{Fingerprint, Live, Shared},
    },
    store::{Store, tests::fixtures::notification},
};

const TIMEOUT: Duration = Duration::from_secs(10);

/// One answer of the receiver; after the script it accepts everything.
#[derive(Clone, Copy, Debug)]
pub(super) enum Says {
    Status(u16),
    /// With this body instead of `ok`.
    Text(u16, &'static str),
    RetryAfter(u32),
    HangsUp,
    /// Accepts after so much time.
    Slowly(Duration),
    /// Accepts a moment after so many requests are open at once.
    Together(usize),
}

/// One attempt as the receiver saw it.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub(super) id: String,
    pub(super) body: String,
    /// The number of attempts in the store at that moment.
    pub(super) attempts_stored: Option<u32>,
    /// How many requests were open at that moment, this one included.
    pub(super) open: usize,
}

pub(super) struct Bench {
    pub(super) store: Store,
    pub(super) settings: DeliverySettings,
    kind: &'static dyn Kind,
    pub(super) layout: Layout,
    pub(super) got: Arc<Mutex<Vec<Got>>>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) script: Arc<Mutex<VecDeque<Says>>>,
    /// The port of a mail server, for a receiver of that kind.
    pub(super) mail_port: Option<u16>,
    url: String,
    client: reqwest::Client,
    _folder: Option<tempfile::TempDir>,
}

impl Bench {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StateLocation::sqlite(folder.path().join("state.db"))).await.unwrap();
        let clock = Arc::new(ManualClock::at("2026-06-12T12:00:00Z".parse().unwrap()));
        Self { _folder: Some(folder), ..Self::on(store, clock, "support").await }
    }

    /// A bench with another receiver on the same store.
    pub(super) async fn beside(other: &Self, receiver: &str) -> Self {
        Self::on(other.store.clone(), Arc::clone(&other.clock), receiver).await
    }

    async fn on(store: Store, clock: Arc<ManualClock>, receiver: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (got, script) = (Arc::<Mutex<Vec<Got>>>::default(), Arc::<Mutex<VecDeque<Says>>>::default());
        tokio::spawn(serve(listener, store.clone(), receiver.to_owned(), Arc::clone(&script), Arc::clone(&got)));
        let settings = DeliverySettings {
            receiver: receiver.to_owned(),
            fallback: None,
            persons: vec!["webhook".to_owned()],
            by_person: false,
            knows_ids: true,
            group: GroupBy::Rule,
            give_up_after: SignedDuration::from_hours(24),
            in_flight: 1,
        };
        let layout =
            Layout { format: &WebhookKind, template: ALERT.to_owned(), max_listed: 10, privacy: Privacy::Full };
        Self {
            store,
            kind: &WebhookKind,
            settings,
            layout,
            got,
            clock,
            script,
            mail_port: None,
            url,
            client: client(),
            _folder: None,
        }
    }

    /// Makes it a receiver of this kind from now on.
    pub(super) fn speak(&mut self, kind: &'static dyn Kind) {
        self.kind = kind;
        self.layout.format = kind;
        self.settings.by_person = kind.delivery().by_person;
        self.settings.knows_ids = kind.delivery().knows_ids;
    }

    pub(super) fn deliverer(&self) -> Deliverer {
        let links = BTreeMap::new();
        let shared = Shared::new(
            Live {
                rules: RuleSet::default(),
                renderer: Renderer::built_in(&formats()),
                mistakes: Vec::new(),
                files: Fingerprint::default(),
            },
            links,
            TimeZone::UTC,
            Names::default(),
        );
        Deliverer {
            settings: self.settings.clone(),
            layout: self.layout.clone(),
            sender: Renewable::from(self.sender()),
            store: self.store.clone(),
            clock: self.clock.clone(),
            shared: Arc::new(shared),
            pace: Arc::new(SendPace::free()),
            inboxes: Inboxes::default(),
            put_off: PutOff::default(),
        }
    }

    fn sender(&self) -> Box<dyn Sender> {
        match self.kind.name() {
            "slack" => Box::new(Slack::new(self.client.clone(), self.url.clone().into(), TIMEOUT).unwrap()),
            "email" => Box::new(self.email()),
            _ => Box::new(Webhook::new(self.client.clone(), self.url.clone().into(), TIMEOUT).unwrap()),
        }
    }

    fn email(&self) -> Email {
        let server = SmtpAddress::parse(&format!("smtp://127.0.0.1:{}", self.mail_port.unwrap())).unwrap();
        let to = self.settings.persons.iter().map(|person| person.parse().unwrap()).collect();
        Email::new(server, "p@x.org".parse().unwrap(), to, TIMEOUT, &[]).unwrap()
    }

    /// Owes another message of the first step.
    pub(super) async fn remind(&self, contact: &str) {
        let open = self.store.snapshot("main").await.unwrap().alerts;
        let alert = open.into_iter().find(|alert| alert.contact.id == contact).unwrap();
        let owed = vec![notification(&alert, &self.settings.receiver, Event::Repeated, self.now())];
        self.store.commit("main", Changes { owed, ..Changes::default() }).await.unwrap();
    }

    pub(super) async fn round(&self) -> Delivered {
        self.deliverer().run_once(&Limits::default()).await.unwrap()
    }

    pub(super) fn script(&self, says: &[Says]) {
        self.script.lock().extend(says);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether so much time has passed since the beginning.
    pub(super) fn clock_is_past(&self, elapsed: SignedDuration) -> bool {
        self.now() >= "2026-06-12T12:00:00Z".parse::<Timestamp>().unwrap() + elapsed
    }

    pub(super) fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    pub(super) async fn fire(&self, contact: &str) {
        self.fire_for("r", contact, &["support"]).await;
    }

    pub(super) async fn fire_for(&self, rule: &str, contact: &str, receivers: &[&str]) {
        let now = self.now();
        let contact = Contact::read(json!({ "_id": contact })).unwrap();
        let alert = Alert { fired_at: Some(now), ..Alert::begin("main", rule, contact, now, now) };
        let owed = receivers.iter().map(|receiver| notification(&alert, receiver, Event::Fired, now)).collect();
        let changes = Changes { owed, alerts: vec![alert], ..Changes::default() };
        self.store.commit("main", changes).await.unwrap();
    }

    pub(super) async fn resolve(&self, contact: &str) {
        let now = self.now();
        let snapshot = self.store.snapshot("main").await.unwrap();
        let mut alert = snapshot.alerts.iter().find(|alert| alert.contact.id == contact).unwrap().clone();
        alert.resolution = Some(Resolution { at: now, ended_at: now, reason: Reason::AnsweredByAgent });
        let owed = escalation::at_the_end(&alert, &snapshot.told, now);
        self.store.commit("main", Changes { alerts: vec![alert], owed, ..Changes::default() }).await.unwrap();
    }

    /// Lets the process die between the first attempt and its answer, and another one take over.
    pub(super) async fn crash_in_an_attempt(&self) -> String {
        let parcels = self.deliverer().preview().await.unwrap();
        let message = MessageId(parcels[0].id.0.clone());
        let trying = self.settings.persons.clone();
        self.store.record(DeliveryStep::Attempting { message: message.clone(), trying }).await.unwrap();
        self.store.recover(self.now()).await.unwrap();
        message.0
    }

    pub(super) fn got(&self) -> Vec<Got> {
        self.got.lock().clone()
    }

    /// Every attempt: event, contacts in the order of the message, how many more.
    pub(super) fn messages(&self) -> Vec<(String, Vec<String>, usize)> {
        let read = |got: &Got| {
            let body: Value = serde_json::from_str(&got.body).unwrap();
            let contacts = body["alerts"].as_array().unwrap().iter();
            let contacts = contacts.map(|alert| alert["contact"]["_id"].as_str().unwrap().to_owned()).collect();
            let more = usize::try_from(body["more"].as_u64().unwrap()).unwrap();
            (body["event"].as_str().unwrap().to_owned(), contacts, more)
        };
        self.got.lock().iter().map(read).collect()
    }

    /// The states of all notifications, in the order in which they were owed.
    pub(super) async fn states(&self) -> Vec<String> {
        self.store.notifications().await.unwrap().into_iter().map(|(_, state)| state).collect()
    }

    pub(super) async fn owed(&self, event: Event) -> usize {
        let open = self.store.open_of(&self.settings.receiver).await.unwrap();
        open.owed.iter().filter(|owed| owed.notification.event == event).count()
    }
}

fn client() -> reqwest::Client {
    // Another test may have installed it first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().tls_certs_only([]).redirect(reqwest::redirect::Policy::none());
    builder.no_proxy().build().unwrap()
}

async fn serve(
    listener: TcpListener,
    store: Store,
    receiver: String,
    script: Arc<Mutex<VecDeque<Says>>>,
    got: Arc<Mutex<Vec<Got>>>,
) {
    let opened = Arc::new(AtomicUsize::new(0));
    while let Ok((stream, _)) = listener.accept().await {
        let (store, receiver, opened) = (store.clone(), receiver.clone(), Arc::clone(&opened));
        tokio::spawn(answer(stream, store, receiver, Arc::clone(&script), Arc::clone(&got), opened));
    }
}

async fn answer(
    mut stream: TcpStream,
    store: Store,
    receiver: String,
    script: Arc<Mutex<VecDeque<Says>>>,
    got: Arc<Mutex<Vec<Got>>>,
    opened: Arc<AtomicUsize>,
) {
    let Some((id, body)) = request(&mut stream).await else { return };
    let open = opened.fetch_add(1, Ordering::SeqCst) + 1;
    let stored = store.open_of(&receiver).await.unwrap().messages;
    let attempts_stored = stored.iter().find(|(message, _)| message.id.0 == id).map(|(message, _)| message.attempts);
    let says = {
        let mut script = script.lock();
        got.lock().push(Got { id, body, attempts_stored, open });
        script.pop_front().unwrap_or(Says::Status(200))
    };
    let text = if let Says::Text(_, text) = says { text } else { "ok" };
    let (status, more) = match says {
        Says::HangsUp => {
            opened.fetch_sub(1, Ordering::SeqCst);
            return;
        }
        Says::Slowly(time) => {
            tokio::time::sleep(time).await;
            (200, String::new())
        }
        Says::Together(requests) => {
            let all = async {
                while opened.load(Ordering::SeqCst) < requests {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            };
            let _ = tokio::time::timeout(Duration::from_secs(10), all).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            (200, String::new())
        }
        Says::Status(status) | Says::Text(status, _) => (status, String::new()),
        Says::RetryAfter(seconds) => (429, format!("retry-after: {seconds}\r\n")),
    };
    opened.fetch_sub(1, Ordering::SeqCst);
    let answer =
        format!("HTTP/1.1 {status} Said\r\n{more}content-length: {}\r\nconnection: close\r\n\r\n{text}", text.len());
    let _ = stream.write_all(answer.as_bytes()).await;
}

/// The id and the body of a request.
async fn request(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        let mut more = [0; 4_096];
        let read = stream.read(&mut more).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&more[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let header = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
        };
        if body.len() >= header("content-length")?.parse().ok()? {
            return Some((header("webhook-id").unwrap_or_default(), body.to_owned()));
        }
    }
}
