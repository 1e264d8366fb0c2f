//! Whole polls: a made-up inbox on the wire, a store in a file, a clock that is moved by hand.

mod clock;
mod clocks;
mod doubt;
mod due;
mod ends;
mod faults;
mod model;
mod narrow;
mod story;
mod uneven;

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Polled, Poller};
use crate::{
    clock::Clock,
    diagnose::Source,
    engine::reach::Mode,
    inbox::testing::{Inbox, inbox, noon},
    model::{Event, Names, StateLocation, time::iso},
    render::Renderer,
    rules::{
        Known, Rule, RuleSet,
        compile::{Compiled, compile},
    },
    service::{
        api_clock::ApiClock,
        gate::BudgetGate,
        shared::{Fingerprint, Live, Shared},
    },
    store::Store,
};

/// Waiting customers; an answered or closed contact vanishes from this list.
const WAITING: &str = r#"
when = "unreadMessages > 0"
[filter]
lastMessageBy = ["user"]
status = ["OPEN", "INPROGRESS"]
[[notify]]
to = ["support"]
"#;

/// Live chats that are 90 s old.
const LIVE: &str = r#"
since = "match"
when = 'lastMessage.by != "agent" && waiting > seconds(90)'
[filter]
isLiveChatActive = true
[[notify]]
to = ["support"]
"#;

/// A rule of this text.
fn rule(name: &str, text: &str) -> Rule {
    let (inboxes, receivers, templates) =
        (["main".to_owned()], ["support".to_owned(), "leads".to_owned()], ["alert".to_owned()]);
    let known = Known { timezone: None, inboxes: &inboxes, receivers: &receivers, templates: &templates };
    let mut found = Vec::new();
    match compile(name, &Source::new(format!("rules/{name}.toml"), text), &known, &mut found) {
        Compiled::Rule(rule) => *rule,
        other => panic!("{other:?} {found:?}"),
    }
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// A customer who has waited for a minute; each has a phone number of their own.
fn waiting(index: usize) -> Value {
    let at = iso(noon() - seconds(60 + i64::try_from(index).unwrap()));
    json!({
        "_id": format!("c{index:03}"), "platform": ["WHATSAPP"], "status": "OPEN", "userInteracted": true,
        "unreadMessages": 1, "lastMessage": { "at": at, "text": "Hello?", "by": "user" },
        "profile": { "userDetails": { "name": "Ravi", "contact": { "phone": { "number": format!("98{index:03}00000") } } } },
        "updatedAt": at,
    })
}

/// An alert that is over.
#[derive(Debug, PartialEq)]
struct Ended {
    contact: String,
    reason: String,
    at: Timestamp,
}

struct Bench {
    folder: tempfile::TempDir,
    inbox: Inbox,
    poller: Poller,
}

impl Bench {
    /// A bench with pages of five, and so many waiting customers.
    async fn new(rules: &[(&str, &str)], customers: usize) -> Self {
        let inbox = inbox(5).await;
        let clock: Arc<dyn Clock> = inbox.clock.clone();
        Self::by(rules, customers, inbox, clock).await
    }

    /// The same, with a clock that may differ from the API's.
    async fn by(rules: &[(&str, &str)], customers: usize, inbox: Inbox, clock: Arc<dyn Clock>) -> Self {
        for index in 0..customers {
            inbox.sandbox.put(waiting(index)).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StateLocation::sqlite(folder.path().join("state.db"))).await.unwrap();
        let rules = rules.iter().map(|(name, text)| Arc::new(rule(name, text))).collect();
        let rules = RuleSet { rules, ..RuleSet::default() };
        let shared = Shared::new(
            Live {
                rules,
                renderer: Renderer::built_in(&crate::receivers::formats()),
                mistakes: Vec::new(),
                files: Fingerprint::default(),
            },
            BTreeMap::new(),
            TimeZone::UTC,
            Names::default(),
        );
        let api_clock = Arc::new(ApiClock::new(clock.clone(), SignedDuration::ZERO));
        let gate = BudgetGate::open("main", 10_000, clock, store.clone(), None).await.unwrap();
        let poller = Poller {
            inbox: "main".to_owned(),
            client: inbox.client(),
            gate: gate.measured(api_clock.clone()),
            sweep_every: SignedDuration::from_mins(5),
            most_bytes: 16 << 20,
            requests_per_poll: 1_000,
            store,
            clock: api_clock,
            shared: Arc::new(shared),
            knowledge: super::Knowledge::default(),
            looking: tokio::sync::Mutex::default(),
            judging: tokio::sync::Mutex::default(),
        };
        Self { folder, inbox, poller }
    }

    fn advance(&self, by: i64) {
        self.inbox.clock.advance(seconds(by));
    }

    fn now(&self) -> Timestamp {
        self.inbox.clock.now()
    }

    /// Polls as a daemon, 15 s later.
    async fn poll(&self) -> Polled {
        self.advance(15);
        self.run(Mode::Daemon).await
    }

    /// Polls as a daemon, and expects that everything was read.
    async fn good(&self) -> Polled {
        let polled = self.poll().await;
        assert_eq!(polled.failure, None);
        polled
    }

    async fn run(&self, mode: Mode) -> Polled {
        self.inbox.sandbox.clear_logs();
        self.poller.run_once(mode, &|_| {}).await.unwrap()
    }

    /// The contacts whose alerts fire.
    async fn firing(&self) -> Vec<String> {
        let mut firing: Vec<String> = self
            .poller
            .store
            .snapshot("main")
            .await
            .unwrap()
            .alerts
            .iter()
            .map(|alert| alert.contact.id.clone())
            .collect();
        firing.sort();
        firing
    }

    /// The numbers of notifications of the beginning and of the end.
    async fn told(&self) -> (usize, usize) {
        let owed = self.poller.store.notifications().await.unwrap();
        let of = |event: Event| owed.iter().filter(|(owed, _)| owed.event == event).count();
        (of(Event::Fired), of(Event::Resolved))
    }

    fn ended(&self) -> Vec<Ended> {
        let db = Connection::open(self.folder.path().join("state.db")).unwrap();
        let sql = "SELECT contact_id, reason, ended_at FROM alert WHERE resolved_at IS NOT NULL ORDER BY contact_id";
        let mut rows = db.prepare(sql).unwrap();
        let read = |row: &rusqlite::Row<'_>| {
            let at = Timestamp::from_microsecond(row.get(2)?).unwrap();
            Ok(Ended { contact: row.get(0)?, reason: row.get(1)?, at })
        };
        rows.query_map([], read).unwrap().map(Result::unwrap).collect()
    }

    /// The contacts that ended for this reason.
    fn ended_by(&self, reason: &str) -> Vec<String> {
        self.ended().into_iter().filter(|ended| ended.reason == reason).map(|ended| ended.contact).collect()
    }

    /// The number of look-ups in the last poll.
    fn look_ups(&self) -> usize {
        self.inbox.sandbox.requests().iter().filter(|body| body["searchText"] != "").count()
    }
}

fn all(total: usize) -> Vec<String> {
    (0..total).map(|index| format!("c{index:03}")).collect()
}

#[tokio::test]
async fn a_waiting_customer_fires_once() {
    let bench = Bench::new(&[("waiting", WAITING)], 1).await;
    let polled = bench.good().await;
    assert_eq!((polled.contacts, polled.fired, polled.resolved, polled.owed), (1, 1, 0, 1));
    let alert = bench.poller.store.snapshot("main").await.unwrap().alerts.remove(0);
    assert_eq!((alert.since, alert.fired_at), (noon() - seconds(60), Some(bench.now())));
    for _ in 0..5 {
        let polled = bench.good().await;
        assert_eq!((polled.contacts, polled.fired, polled.resolved, polled.owed), (1, 0, 0, 0));
    }
    assert_eq!(bench.told().await, (1, 0));
    // A further message belongs to the same wait.
    let write = crate::sandbox::CustomerAction::Write(Some("Anybody?".to_owned()));
    bench.inbox.sandbox.act("c000", &write, bench.now()).unwrap();
    bench.good().await;
    let alert = bench.poller.store.snapshot("main").await.unwrap().alerts.remove(0);
    assert_eq!((alert.since, alert.contact.last_message.text.as_str()), (noon() - seconds(60), "Anybody?"));
    assert_eq!(bench.told().await, (1, 0));
}

#[tokio::test]
async fn a_rule_without_contacts_does_not_unlearn_the_page_size() {
    let bench = Bench::new(&[("waiting", WAITING), ("live", LIVE)], 13).await;
    bench.good().await;
    assert_eq!(bench.inbox.sandbox.requests().len(), 4 + 1, "to an empty page each");
    for _ in 0..3 {
        bench.good().await;
        assert_eq!(bench.inbox.sandbox.requests().len(), 3 + 1, "the short page is the last one");
        assert_eq!(bench.poller.store.snapshot("main").await.unwrap().memory.page_size, Some(5));
    }
    bench.advance(300);
    bench.good().await;
    assert_eq!(bench.inbox.sandbox.requests().len(), 4 + 1, "to be confirmed now and then");
    assert_eq!(bench.firing().await, all(13));
}

#[tokio::test]
async fn names_of_segments_appear_when_given_and_are_not_needed() {
    use crate::sandbox::{Fault, FaultKind, Place, customers::SEGMENTS};
    let bench = Bench::new(&[("waiting", WAITING)], 0).await;
    let with_segment = |index: usize| {
        let mut contact = waiting(index);
        contact["segments"] = json!([SEGMENTS[0].0]);
        contact
    };
    let asked = |bench: &Bench| bench.inbox.sandbox.log().iter().filter(|one| one.path == "/inbox/segments").count();
    bench.good().await;
    assert_eq!(asked(&bench), 0, "nobody needs a name");
    for (index, code) in [404, 500].into_iter().enumerate() {
        bench.inbox.sandbox.fault(Fault::at(Place::Segments, FaultKind::status(code)));
        bench.inbox.sandbox.put(with_segment(index)).unwrap();
        assert_eq!(bench.good().await.fired, 1);
        assert_eq!(asked(&bench), 1);
        bench.inbox.sandbox.clear_faults();
        bench.inbox.sandbox.put(with_segment(10 + index)).unwrap();
        assert_eq!(bench.good().await.fired, 1);
        assert_eq!(asked(&bench), 0, "not again within the hour");
        bench.advance(3_600);
    }
    bench.inbox.sandbox.put(with_segment(2)).unwrap();
    bench.good().await;
    assert_eq!(bench.poller.shared.names().segment(SEGMENTS[0].0), SEGMENTS[0].1);
    bench.advance(3_600);
    bench.inbox.sandbox.put(with_segment(3)).unwrap();
    bench.good().await;
    assert_eq!(asked(&bench), 0, "known already");
}
