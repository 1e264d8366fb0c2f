//! A month in which everything fails now and then: the inbox, the receivers, the process. At the end the books
//! must balance.
//!
//! The loops themselves run, against servers on loopback, by a clock that is moved by hand. A crash unwinds out of
//! the middle of whatever is under way, in the thread of the store as well, and another process takes over. It is
//! long because the month and its books belong together.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Bytes, http::StatusCode, routing::post};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use pengwatch::{
    clock::{Clock, ManualClock},
    inside::{
        Alert, App, Dependencies, Diagnostic, Event, Happened, HistoryQuery, Limits, Mode, Patience, Secrets, Sources,
        StateLocation, Store, WATCHDOG, iso, load_config,
    },
    sandbox::{
        By, CustomerAction, Sandbox, Settings,
        fault::{BadRecord, Fault, FaultKind},
        smtp::{SinkTrouble, SmtpSink, Stage},
    },
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const CUSTOMERS: usize = 24;
const STEP: SignedDuration = SignedDuration::from_mins(30);
const STEPS: usize = 30 * 24 * 2;
/// Complete polls within which everybody who waits is seen, and falls due.
const ENOUGH_READS: usize = 3;
/// A customer who waits longer than every outage is reported, whatever happens.
const LONGER_THAN_ANY: SignedDuration = SignedDuration::from_hours(9);

const CONFIG: &str = r#"
state = "sqlite:state.db"
[inbox.main]
url = "INBOX"
token = "soak"
poll_every = "1m"
[receiver.ops]
type = "webhook"
url = "RECEIVERS/ops"
group = "contact"
fallback = "leads"
give_up_after = "4h"
[receiver.digest]
type = "webhook"
url = "RECEIVERS/digest"
max_listed = 100
give_up_after = "4h"
[receiver.staff]
type = "email"
smtp_url = "smtp://MAIL"
from = "p@x.org"
to = ["a@x.org", "b@x.org", "c@x.org"]
group = "contact"
give_up_after = "4h"
[receiver.leads]
type = "webhook"
url = "RECEIVERS/leads"
max_listed = 100
[watchdog]
notify = ["leads"]
"#;

const RULE: &str = r#"
when = "unreadMessages > 0"
for = "2m"
[filter]
lastMessageBy = ["user"]
status = ["OPEN", "INPROGRESS"]
[[notify]]
to = ["ops", "digest", "staff"]
[[notify]]
after = "1h"
to = ["leads"]
repeat = "2h"
repeat_limit = 2
"#;

/// Pseudo-random numbers from a seed.
#[derive(Clone)]
struct Dice(Arc<Mutex<u64>>);

impl Dice {
    fn below(&self, most: u64) -> u64 {
        let mut state = self.0.lock();
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % most
    }

    fn one_in(&self, many: u64) -> bool {
        self.below(many) == 0
    }

    fn of<T: Clone>(&self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).expect("small")].clone()
    }
}

/// How a receiver behaves for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Fine,
    Flaky,
    Down,
    Gone,
    /// It is not known what arrived.
    Foggy,
}

/// What one receiver accepted.
#[derive(Default)]
struct Taken {
    /// By alert: the numbers of beginnings and ends.
    told: BTreeMap<String, (usize, usize)>,
    /// Of the watchdog, by problem and state.
    watchdog: BTreeMap<(String, String), usize>,
}

struct Receiver {
    mood: Mutex<Mood>,
    taken: Mutex<Taken>,
    dice: Dice,
}

impl Receiver {
    fn hear(&self, body: &Bytes) -> StatusCode {
        let mood = *self.mood.lock();
        let answer = match mood {
            Mood::Fine => StatusCode::OK,
            Mood::Flaky => self.dice.of(&[StatusCode::OK, StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE]),
            Mood::Down => StatusCode::SERVICE_UNAVAILABLE,
            Mood::Gone => StatusCode::GONE,
            Mood::Foggy => self.dice.of(&[StatusCode::OK, StatusCode::GATEWAY_TIMEOUT]),
        };
        // A gateway that times out may have passed it on.
        if answer == StatusCode::OK || (answer == StatusCode::GATEWAY_TIMEOUT && self.dice.one_in(2)) {
            self.take(&serde_json::from_slice(body).expect("a body"));
        }
        answer
    }

    fn take(&self, body: &Value) {
        let mut taken = self.taken.lock();
        if body["event"] == "watchdog" {
            for problem in body["problems"].as_array().expect("problems") {
                let text = |key: &str| problem[key].as_str().expect("a text").to_owned();
                *taken.watchdog.entry((text("problem"), text("state"))).or_default() += 1;
            }
            return;
        }
        for alert in body["alerts"].as_array().expect("alerts") {
            let told = taken.told.entry(alert["id"].as_str().expect("an id").to_owned()).or_default();
            if body["event"] == "resolved" { told.1 += 1 } else { told.0 += 1 }
        }
    }
}

/// The truth about one wait of one customer.
#[derive(Clone, Debug)]
struct Wait {
    customer: usize,
    from: Timestamp,
    answered: Option<Timestamp>,
}

struct Month {
    clock: Arc<ManualClock>,
    dice: Dice,
    sandbox: Sandbox,
    receivers: BTreeMap<&'static str, Arc<Receiver>>,
    mail: SmtpSink,
    /// By alert and recipient of a mail: the numbers of beginnings and ends.
    mails: BTreeMap<(String, String), (usize, usize)>,
    folder: tempfile::TempDir,
    waits: Vec<Wait>,
    /// When the customer who waits gets an answer.
    answers: BTreeMap<usize, Timestamp>,
    crashes: usize,
    /// When everything of the inbox was read.
    read_at: Arc<Mutex<Vec<Timestamp>>>,
}

impl Month {
    /// People write and are answered.
    fn people(&mut self, calm: bool) {
        let now = self.clock.now();
        for customer in 0..CUSTOMERS {
            let id = format!("c{customer:02}");
            match self.answers.get(&customer) {
                Some(at) if *at <= now => {
                    self.sandbox
                        .act(&id, &CustomerAction::Answer(By::Agent, "Yes?".to_owned()), now)
                        .expect("a contact");
                    self.answers.remove(&customer);
                    let wait = self.waits.iter_mut().rev().find(|wait| wait.customer == customer).expect("a wait");
                    wait.answered = Some(now);
                }
                None if !calm && self.dice.one_in(30) => {
                    let minutes = self.dice.of(&[5, 20, 45, 90, 240, 700]);
                    self.writes(customer, minutes);
                }
                _ => {}
            }
        }
    }

    /// A customer writes, and gets an answer after so many minutes.
    fn writes(&mut self, customer: usize, minutes: i64) {
        let (id, now) = (format!("c{customer:02}"), self.clock.now());
        self.sandbox.act(&id, &CustomerAction::Write(Some("Hello?".to_owned())), now).expect("a contact");
        self.answers.insert(customer, now + SignedDuration::from_mins(minutes));
        self.waits.push(Wait { customer, from: now, answered: None });
    }

    /// Everybody who waits gets an answer next.
    fn answer_everybody(&mut self) {
        let now = self.clock.now();
        self.answers.values_mut().for_each(|at| *at = now);
    }

    /// What goes wrong from now on.
    fn weather(&self, calm: bool) {
        for receiver in self.receivers.values() {
            let mut mood = receiver.mood.lock();
            if calm || (*mood != Mood::Fine && self.dice.one_in(20)) {
                *mood = Mood::Fine;
            } else if *mood == Mood::Fine && self.dice.one_in(80) {
                *mood = self.dice.of(&[Mood::Flaky, Mood::Down, Mood::Gone, Mood::Foggy]);
            }
        }
        if calm || self.dice.one_in(20) {
            self.mail.clear_script();
        } else if self.dice.one_in(30) {
            let to = self.dice.of(&["a@x.org", "b@x.org", "c@x.org"]);
            let times = usize::try_from(self.dice.below(40)).expect("small") + 1;
            match self.dice.below(4) {
                0 => self.mail.trouble_for(to, Stage::End, SinkTrouble::HangUp, times.min(4)),
                1 => self.mail.trouble(Stage::Mail, SinkTrouble::Code(451), times),
                _ => self.mail.trouble_for(to, Stage::Rcpt, SinkTrouble::Code(450), times),
            }
        }
        if calm || self.dice.one_in(6) {
            self.sandbox.clear_faults();
        } else if self.dice.one_in(12) {
            let kind = self.dice.of(&[
                FaultKind::status(500),
                FaultKind::status(401),
                FaultKind::too_many(30),
                FaultKind::Html,
                FaultKind::Empty,
                FaultKind::HalfJson,
                FaultKind::Cut,
                FaultKind::NoSuccess,
                FaultKind::DataNoArray,
                FaultKind::BadRecord { what: BadRecord::Null },
                FaultKind::BadRecord { what: BadRecord::WithoutId },
            ]);
            self.sandbox.fault(Fault::inbox(kind).repeated(u32::try_from(self.dice.below(40)).expect("small") + 1));
        }
    }

    /// Reads the mails that came. All that are about one customer refer to the alert.
    fn read_mails(&mut self) {
        for mail in self.mail.mails() {
            let alert = mail.header("References").unwrap_or_else(|| panic!("about whom? {mail:?}"));
            let alert = alert.trim_matches(['<', '>']).split('@').next().unwrap_or_default().to_owned();
            let read = self.mails.entry((alert, mail.to[0].clone())).or_default();
            if mail.subject().contains("wait") { read.0 += 1 } else { read.1 += 1 }
        }
        self.mail.forget_mails();
    }

    /// A process that may die at any point between two steps.
    async fn start(&self, mortal: bool) -> App {
        let store = Store::open(&StateLocation::sqlite(self.folder.path().join("state.db"))).await.expect("the state");
        store.recover(self.clock.now()).await.expect("to recover");
        let mut found = Vec::new();
        let config = load_config(&self.folder.path().join("pengwatch.toml"), Secrets::Needed, &|_| None, &mut found);
        let config = config.expect("a configuration");
        let live = Sources::of(&config).read(&mut found);
        assert!(
            found.iter().all(|one| !one.is_error()),
            "{:?}",
            found.iter().map(Diagnostic::line).collect::<Vec<_>>()
        );
        let dice = self.dice.clone();
        let crash = move |_: &'static str| {
            if dice.one_in(1_000) {
                // A crash is not reported.
                std::panic::resume_unwind(Box::new(()));
            }
        };
        let surroundings = Dependencies {
            clock: self.clock.clone(),
            output: Arc::new(Mutex::new(std::io::sink())),
            store,
            deadline: None,
            patience: Patience { tries: 3, first: Duration::ZERO },
            points: mortal.then(|| Arc::new(crash) as Arc<dyn Fn(&'static str) + Send + Sync>),
        };
        App::build(&config, live, surroundings).await.expect("an app")
    }

    /// Runs a process for some minutes; returns whether it still runs.
    async fn live(app: Arc<App>, clock: Arc<ManualClock>, read_at: Arc<Mutex<Vec<Timestamp>>>) -> bool {
        let work = tokio::spawn(async move {
            for poller in &app.pollers {
                let polled = poller.run_once(Mode::Daemon, &|_| {}).await.map_err(drop)?;
                if polled.complete {
                    read_at.lock().push(clock.now());
                }
            }
            for pause in [0, 1, 3] {
                clock.advance(SignedDuration::from_mins(pause));
                if let Some(watchdog) = &app.watchdog {
                    watchdog.run_once().await.map_err(drop)?;
                }
                for deliverer in &app.deliverers {
                    deliverer.run_once(&Limits::default()).await.map_err(drop)?;
                }
            }
            Ok::<(), ()>(())
        });
        matches!(work.await, Ok(Ok(())))
    }

    async fn pass(&mut self, steps: usize, calm: bool) {
        let mut app: Option<Arc<App>> = None;
        let mut nobody_runs = 0;
        for _ in 0..steps {
            let until = self.clock.now() + STEP;
            self.people(calm);
            self.weather(calm);
            if !calm && nobody_runs == 0 && self.dice.one_in(300) {
                nobody_runs = self.dice.below(12);
                app = None;
            }
            if nobody_runs > 0 && !calm {
                nobody_runs -= 1;
            } else {
                let running = match app.take() {
                    Some(app) => app,
                    None => Arc::new(self.start(!calm).await),
                };
                if Self::live(Arc::clone(&running), self.clock.clone(), Arc::clone(&self.read_at)).await {
                    app = Some(running);
                } else {
                    self.crashes += 1;
                }
            }
            self.read_mails();
            self.sandbox.clear_logs();
            self.clock.advance(until.duration_since(self.clock.now()).max(SignedDuration::ZERO));
        }
    }
}

async fn month(seed: u64) -> Month {
    let clock = Arc::new(ManualClock::at("2026-06-01T00:00:00Z".parse().expect("a time")));
    let dice = Dice(Arc::new(Mutex::new(seed)));
    let inbox = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let settings = Settings { token: "soak".to_owned(), ..Settings::default() };
    let running = Sandbox::start(settings, clock.clone(), inbox, CancellationToken::new()).expect("a sandbox");
    for customer in 0..CUSTOMERS {
        let contact = json!({
            "_id": format!("c{customer:02}"), "platform": ["WHATSAPP"], "status": "OPEN", "userInteracted": true,
            "unreadMessages": 0, "lastMessage": { "at": iso(clock.now()), "text": "Hi.", "by": "agent" },
            "profile": { "userDetails": { "whatsAppNumber": format!("4930{customer:06}") } },
        });
        running.sandbox().put(contact).expect("a contact");
    }

    let receiver = |name| {
        let receiver = Receiver { mood: Mutex::new(Mood::Fine), taken: Mutex::default(), dice: dice.clone() };
        (name, Arc::new(receiver))
    };
    let receivers = BTreeMap::from(["ops", "digest", "leads"].map(receiver));
    let mut routes = Router::new();
    for (name, receiver) in &receivers {
        let receiver = Arc::clone(receiver);
        routes = routes.route(&format!("/{name}"), post(async move |body: Bytes| receiver.hear(&body)));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, routes).await });

    // A crash of the process needs no disk: what was written is there.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let folder = folder.expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let relay = listener.local_addr().expect("an address").to_string();
    let mail = SmtpSink::start(listener, CancellationToken::new());
    let config = CONFIG.replace("INBOX", running.url()).replace("RECEIVERS", &format!("http://{address}"));
    let config = config.replace("MAIL", &relay);
    write(folder.path(), "pengwatch.toml", &config);
    write(folder.path(), "rules/waiting.toml", RULE);
    Month {
        clock,
        dice,
        sandbox: running.sandbox(),
        receivers,
        mail,
        mails: BTreeMap::new(),
        folder,
        waits: Vec::new(),
        answers: BTreeMap::new(),
        crashes: 0,
        read_at: Arc::default(),
    }
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

/// Nobody is overlooked for longer than an outage lasts. A customer who was answered and wrote again between polls
/// still
/// has the same alert.
fn nobody_is_overlooked(month: &Month, episodes: &[Alert]) {
    for wait in &month.waits {
        let answered = wait.answered.expect("an answer");
        let covers = |alert: &Alert| {
            let end = alert.resolution.as_ref().map_or(Timestamp::MAX, |end| end.at);
            alert.contact.id == format!("c{:02}", wait.customer) && alert.since < answered && end >= wait.from
        };
        let read_at = month.read_at.lock();
        let reads = read_at.iter().filter(|at| **at >= wait.from && **at < answered).count();
        let long = answered.duration_since(wait.from) >= LONGER_THAN_ANY && reads >= ENOUGH_READS;
        assert!(!long || episodes.iter().any(covers), "nobody was told of {wait:?}");
    }
}

/// Checks every promise by the store, by what the receivers accepted, and by the truth.
async fn balance(month: &Month) {
    let store = Store::open(&StateLocation::sqlite(month.folder.path().join("state.db"))).await.expect("the state");
    let episodes = store.episodes().await.expect("episodes");
    let notifications = store.notifications().await.expect("notifications");
    let mut unknown: BTreeMap<(String, String), usize> = BTreeMap::new();
    // Alerts whose mail was interrupted by a crash: the next recipient may have it.
    let mut cut_off = BTreeSet::new();
    for customer in 0..CUSTOMERS {
        let asked = HistoryQuery { contact: Some(format!("c{customer:02}")), ..HistoryQuery::default() };
        for entry in store.history(asked).await.expect("a history") {
            if entry.happened == Happened::Ambiguous {
                if entry.who == "staff" && entry.detail.contains("cut off") {
                    cut_off.insert(entry.alert.0.clone());
                }
                *unknown.entry((entry.alert.0, entry.who)).or_default() += 1;
            }
        }
    }
    let unknown_of =
        |alert: &str, receiver: &str| unknown.get(&(alert.to_owned(), receiver.to_owned())).copied().unwrap_or(0);
    let taken = |receiver: &str, alert: &str| {
        if receiver == "staff" {
            // Of several recipients the one who read most.
            let read = month.mails.iter().filter(|((of, _), _)| of == alert).map(|(_, read)| *read);
            return read.fold((0, 0), |most, read| (most.0.max(read.0), most.1.max(read.1)));
        }
        let taken = month.receivers[receiver].taken.lock();
        taken.told.get(alert).copied().unwrap_or_default()
    };

    // Nothing is left over, and nothing is lost: what counts as delivered has arrived.
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    let mut owed: BTreeMap<(&str, &str, bool), Vec<&str>> = BTreeMap::new();
    for (notification, state) in &notifications {
        assert_ne!(state, "owed", "{notification:?}");
        if notification.inbox == WATCHDOG {
            continue;
        }
        *states.entry(state).or_default() += 1;
        let over = notification.event == Event::Resolved;
        owed.entry((&notification.alert.0, &notification.receiver, over)).or_default().push(state);
    }
    for ((alert, receiver, over), states) in &owed {
        let (waiting, ended) = taken(receiver, alert);
        let came = if *over { ended } else { waiting };
        let delivered = states.iter().filter(|state| **state == "delivered").count();
        assert!(came >= delivered, "lost: {alert} to {receiver}, over: {over}, {states:?}, {came} came");
        // Nothing twice, but where an answer got lost or a process died in the middle of an attempt.
        // A mail that some recipients have is given up for the others.
        let parted = if *receiver == "staff" { states.iter().filter(|state| **state == "dead").count() } else { 0 };
        let most = delivered + unknown_of(alert, receiver) + parted;
        assert!(came <= most, "twice: {alert} to {receiver}, over: {over}, {states:?}, {came} came, {most} may");
        let may_know = waiting > 0 || unknown_of(alert, receiver) > 0;
        assert!(!over || ended == 0 || may_know, "an end alone: {alert} to {receiver}");
        // A receiver of the beginning gets the end, or its failure was reported.
        if !over && delivered > 0 {
            let ends = owed.get(&(*alert, *receiver, true)).cloned().unwrap_or_default();
            assert!(ends.iter().any(|state| *state != "superseded"), "no end: {alert} to {receiver}: {ends:?}");
        }
    }

    // Person by person: the end is for exactly those who read of the beginning, or may have read of it.
    assert!(month.mails.values().any(|(waits, _)| *waits > 0), "no mail at all");
    for ((alert, person), (waits, ends)) in &month.mails {
        assert!(*ends == 0 || *waits > 0 || cut_off.contains(alert), "an end alone: {alert} to {person}");
        let states = owed.get(&(alert.as_str(), "staff", true)).cloned().unwrap_or_default();
        if *waits > 0 {
            assert!(states.iter().any(|state| *state != "superseded"), "no end: {alert} to {person}: {states:?}");
        }
        let has_it = *ends > 0 || *waits == 0;
        assert!(has_it || !states.contains(&"delivered"), "no end: {alert} to {person}: {states:?}");
    }

    // Nothing false: no alert of somebody who did not wait, and no end before the answer.
    let mut seen = BTreeSet::new();
    for alert in &episodes {
        if alert.inbox == WATCHDOG {
            let what = alert.contact.json();
            assert!(!alert.is_open(), "a trouble that has no end: {} {}: {what}", alert.rule, alert.contact.id);
            continue;
        }
        let is_of = |wait: &Wait| {
            alert.contact.id == format!("c{:02}", wait.customer)
                && alert.since >= wait.from
                && wait.answered.is_none_or(|answered| alert.since < answered)
        };
        let at = month.waits.iter().position(is_of).unwrap_or_else(|| panic!("nobody waited: {alert:?}"));
        let end = alert.resolution.as_ref().unwrap_or_else(|| panic!("it has no end: {alert:?}"));
        let answered = month.waits[at].answered.expect("an answer");
        assert!(end.at >= answered, "a false end: {alert:?}, answered at {answered}");
        assert!(seen.insert(at), "two alerts of one wait: {alert:?}");
    }
    nobody_is_overlooked(month, &episodes);
    // What was given up was reported, as was every other trouble.
    let told = month.receivers["leads"].taken.lock().watchdog.clone();
    let problems = |problem: &str, state: &str| told.get(&(problem.to_owned(), state.to_owned())).copied().unwrap_or(0);
    for problem in ["inbox-unreadable", "token-refused", "receiver-broken"] {
        let (started, ended) = (problems(problem, "started"), problems(problem, "ended"));
        assert!(started > 0 && ended > 0, "{problem} was never told: {told:?}");
    }
    // The month had enough cases.
    assert!(states.get("dead").is_some_and(|dead| *dead > 0), "nothing was ever given up: {states:?}");
    assert!(states["delivered"] > 1_000 && episodes.len() > 300, "hardly anything happened: {states:?}");
    assert!(month.crashes > 30, "hardly a crash: {}", month.crashes);
    println!("{} waits, {} episodes, {} crashes, {states:?}, {told:?}", seen.len(), episodes.len(), month.crashes);
}

#[test]
fn a_month_of_faults_ends_with_its_books_balanced() {
    let seed = std::env::var("SOAK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        pengwatch::net::install_crypto();
        let mut month = month(seed).await;
        month.pass(STEPS, false).await;
        // Then two days in peace: everybody is answered, and one more customer waits for so long that every receiver
        // gets a message. That a receiver to which a message was given up works again is shown by nothing else.
        month.answer_everybody();
        month.pass(24 * 2, true).await;
        month.writes(0, 4 * 60);
        month.pass(24 * 2, true).await;
        balance(&month).await;
    });
}
