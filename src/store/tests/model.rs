//! Random work on the store and on a plain model of it, with crashes: both return the same answers.
//!
//! The model keeps lists in memory and looks through them; it knows no table, key or query. It is long because
//! it has every kind of work beside its meaning for the lists.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::prelude::*;

use super::fixtures::{TestDriver, TestState, alert, at, message, notification, resolved};
use crate::{
    model::{
        Alert, AttemptRecord, Change, Changes, DeliveryStep, Event, HandOver, Message, MessageId, Notification,
        NotificationId, Open, Owed, Passed, ReceiverState, ToldReceiver, Waiting,
    },
    store::Store,
};

const RECEIVERS: [&str; 2] = ["support", "leads"];
/// The recipients of a mail.
const PERSONS: [&str; 3] = ["a@example.com", "b@example.com", "c@example.com"];

#[derive(Clone, Debug)]
enum Work {
    Begin(usize),
    End(usize),
    Compose {
        receiver: usize,
        most: usize,
        /// Out of other messages, too.
        anew: bool,
    },
    Hold {
        receiver: usize,
        which: usize,
    },
    HandOver(usize),
    /// For good.
    PassOn(usize),
    Replay(usize),
    Drop(usize),
    Attempt(usize, Persons),
    /// The next recipient of a mail.
    GoesOn(usize, Persons, Persons),
    Deliver(usize, Persons),
    Again {
        which: usize,
        plain: bool,
        ambiguous: bool,
        settled: Persons,
        reached: Persons,
    },
    Die(usize, Persons),
    Supersede {
        receiver: usize,
        which: Vec<usize>,
    },
    Recover,
    /// To one receiver only.
    Interrupt(usize),
    Prune,
    /// The process is killed, perhaps in the middle of an attempt, and another one opens the store.
    Crash,
}

/// By number, who of them.
type Persons = Vec<usize>;

fn persons() -> impl Strategy<Value = Persons> {
    prop::sample::subsequence(vec![0, 1, 2], 0..3)
}

fn names(persons: &[usize]) -> Vec<String> {
    persons.iter().map(|person| PERSONS[*person].to_owned()).collect()
}

fn work() -> impl Strategy<Value = Work> {
    let which = 0..6_usize;
    prop_oneof![
        4 => (0..4_usize).prop_map(Work::Begin),
        3 => (0..4_usize).prop_map(Work::End),
        4 => (0..2_usize, 1..4_usize, any::<bool>())
            .prop_map(|(receiver, most, anew)| Work::Compose { receiver, most, anew }),
        1 => (0..2_usize, which.clone()).prop_map(|(receiver, which)| Work::Hold { receiver, which }),
        1 => (0..2_usize).prop_map(Work::HandOver),
        1 => (0..2_usize).prop_map(Work::PassOn),
        1 => which.clone().prop_map(Work::Replay),
        1 => which.clone().prop_map(Work::Drop),
        3 => (which.clone(), persons()).prop_map(|(which, trying)| Work::Attempt(which, trying)),
        2 => (which.clone(), persons(), persons()).prop_map(|(which, has, next)| Work::GoesOn(which, has, next)),
        2 => (which.clone(), persons()).prop_map(|(which, reached)| Work::Deliver(which, reached)),
        2 => (which.clone(), any::<(bool, bool)>(), persons(), persons())
            .prop_map(|(which, (plain, ambiguous), settled, reached)| {
                Work::Again { which, plain, ambiguous, settled, reached }
            }),
        1 => (which.clone(), persons()).prop_map(|(which, reached)| Work::Die(which, reached)),
        2 => (0..2_usize, prop::collection::vec(which, 1..3))
            .prop_map(|(receiver, which)| Work::Supersede { receiver, which }),
        1 => Just(Work::Recover),
        1 => (0..2_usize).prop_map(Work::Interrupt),
        1 => Just(Work::Prune),
        1 => Just(Work::Crash),
    ]
}

/// What is owed to every receiver.
async fn opens(store: &Store) -> Vec<Open> {
    let mut opens = Vec::new();
    for receiver in RECEIVERS {
        opens.push(store.open_of(receiver).await.unwrap());
    }
    opens
}

/// Records a step; the deliverer's own bookkeeping of the step equals what is read afterwards.
async fn record(store: &Store, step: DeliveryStep) {
    let mut known = opens(store).await;
    store.record(step.clone()).await.unwrap();
    for open in &mut known {
        open.apply(&step);
    }
    assert_eq!(known, opens(store).await, "after {step:?}");
}

async fn attempted(store: &Store, record: AttemptRecord) {
    let mut known = opens(store).await;
    store.attempted(record.clone()).await.unwrap();
    for (open, receiver) in known.iter_mut().zip(RECEIVERS) {
        open.apply(&record.recorded);
        if receiver == record.receiver {
            open.reception = record.reception.clone();
        }
    }
    assert_eq!(known, opens(store).await, "after {record:?}");
}

#[derive(Clone, Debug)]
struct Entry {
    id: i64,
    notification: Notification,
    state: &'static str,
    message: Option<MessageId>,
    told: bool,
    /// Who got it, or may have got it.
    persons: BTreeSet<String>,
    tried_since: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct Sent {
    message: Message,
    settled: Vec<String>,
    state: &'static str,
    in_flight: bool,
    trying: Vec<String>,
    died_at: Option<Timestamp>,
}

#[derive(Default)]
struct Model {
    alerts: Vec<Alert>,
    entries: Vec<Entry>,
    messages: Vec<Sent>,
    receptions: BTreeMap<String, ReceiverState>,
    now: i64,
    made: usize,
}

impl Model {
    fn now(&self) -> Timestamp {
        at(self.now)
    }

    fn owed(&self, receiver: &str) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.state == "owed" && entry.notification.receiver == receiver)
    }

    fn alert(&self, entry: &Entry) -> &Alert {
        self.alerts.iter().find(|alert| alert.id == entry.notification.alert).unwrap()
    }

    fn told_of_beginning(&self, alert: &Alert, receiver: &str) -> bool {
        self.entries.iter().any(|entry| {
            let of = &entry.notification;
            of.alert == alert.id && of.receiver == receiver && of.event == Event::Fired && entry.told
        })
    }

    /// The persons who are notified of an end.
    fn audience(&self, alert: &Alert, receiver: &str) -> Vec<String> {
        let told = |entry: &&Entry| {
            let of = &entry.notification;
            of.alert == alert.id && of.receiver == receiver && of.event == Event::Fired && entry.told
        };
        let persons: BTreeSet<&String> = self.entries.iter().filter(told).flat_map(|entry| &entry.persons).collect();
        persons.into_iter().cloned().collect()
    }

    fn is_partly_settled(&self, entry: &Entry) -> bool {
        self.messages.iter().any(|sent| entry.message.as_ref() == Some(&sent.message.id) && !sent.settled.is_empty())
    }

    fn open(&self, receiver: &str) -> Open {
        let owed = self.owed(receiver).map(|entry| Owed {
            id: NotificationId(entry.id),
            notification: entry.notification.clone(),
            alert: self.alert(entry).clone(),
            message: entry.message.clone(),
            told: entry.told,
            partly_settled: self.is_partly_settled(entry),
            told_of_beginning: self.told_of_beginning(self.alert(entry), receiver),
            audience: (entry.notification.event == Event::Resolved).then(|| self.audience(self.alert(entry), receiver)),
            tried_since: entry.tried_since,
        });
        let due = self.messages.iter().filter(|sent| sent.state == "due" && sent.message.receiver == receiver);
        let mut due: Vec<_> = due.map(|sent| (sent.message.clone(), sent.settled.clone())).collect();
        // A replayed message is as new as one that is composed then.
        due.sort_by_key(|(message, _)| message.created_at);
        Open {
            owed: owed.collect(),
            messages: due,
            silences: Vec::new(),
            reception: self.receptions.get(receiver).cloned().unwrap_or_default(),
        }
    }

    fn told(&self) -> Vec<ToldReceiver> {
        let told = |entry: &&Entry| {
            let fired = entry.notification.event == Event::Fired && self.alert(entry).is_firing();
            fired && (entry.told || entry.state == "owed")
        };
        let of = |entry: &Entry| ToldReceiver {
            alert: entry.notification.alert.clone(),
            receiver: entry.notification.receiver.clone(),
            step: entry.notification.step,
            template: entry.notification.template.clone(),
        };
        self.entries.iter().filter(told).map(of).collect()
    }

    fn waiting(&self) -> Vec<Waiting> {
        let mut waiting = Vec::new();
        for receiver in ["leads", "support"] {
            let notifications = self.owed(receiver).count();
            let due = self.messages.iter().filter(|sent| sent.state == "due" && sent.message.receiver == receiver);
            let next = due.min_by_key(|sent| sent.message.next_at);
            if notifications > 0 {
                waiting.push(Waiting {
                    receiver: receiver.to_owned(),
                    notifications,
                    next_at: next.map(|sent| {
                        let pause = self.receptions.get(receiver).and_then(|reception| reception.not_before);
                        pause.map_or(sent.message.next_at, |pause| pause.max(sent.message.next_at))
                    }),
                    last_error: String::new(),
                });
            }
        }
        waiting
    }

    fn add(&mut self, alert: &Alert, event: Event, receivers: &[&str]) -> Vec<Notification> {
        let now = self.now();
        let owed: Vec<_> = receivers.iter().map(|receiver| notification(alert, receiver, event, now)).collect();
        for notification in &owed {
            self.push(notification.clone());
        }
        owed
    }

    /// Does the work on both.
    #[allow(clippy::too_many_lines)]
    async fn step(&mut self, store: &mut Store, state: &TestState, work: &Work) {
        self.now += 1;
        match work {
            Work::Begin(who) => {
                let id = format!("c{who}");
                if self.alerts.iter().any(|alert| alert.contact.id == id && alert.is_firing()) {
                    return;
                }
                let new = alert(&id, self.now());
                self.alerts.push(new.clone());
                let owed = self.add(&new, Event::Fired, &RECEIVERS);
                store.commit("main", Changes { alerts: vec![new], owed, ..Changes::default() }).await.unwrap();
            }
            Work::End(who) => {
                let (id, now, told) = (format!("c{who}"), self.now(), self.told());
                let firing = self.alerts.iter_mut().find(|alert| alert.contact.id == id && alert.is_firing());
                let Some(firing) = firing else { return };
                *firing = resolved(firing, now);
                let ended = firing.clone();
                let receivers = RECEIVERS
                    .into_iter()
                    .filter(|receiver| told.iter().any(|told| told.alert == ended.id && told.receiver == *receiver));
                let receivers: Vec<&str> = receivers.collect();
                let owed = self.add(&ended, Event::Resolved, &receivers);
                store.commit("main", Changes { alerts: vec![ended], owed, ..Changes::default() }).await.unwrap();
            }
            Work::Compose { receiver, most, anew } => {
                let receiver = RECEIVERS[*receiver];
                let free = self.owed(receiver).filter(|entry| entry.message.is_none() || (*anew && !entry.told));
                let ids: Vec<i64> = free.take(*most).map(|entry| entry.id).collect();
                if ids.is_empty() {
                    return;
                }
                self.made += 1;
                let now = self.now();
                let new = message(&format!("m{}", self.made), receiver, now);
                for entry in self.entries.iter_mut().filter(|entry| ids.contains(&entry.id)) {
                    entry.message = Some(new.id.clone());
                    entry.tried_since.get_or_insert(now);
                }
                let sent = Sent {
                    message: new.clone(),
                    settled: Vec::new(),
                    state: "due",
                    in_flight: false,
                    trying: Vec::new(),
                    died_at: None,
                };
                self.messages.push(sent);
                self.drop_empty();
                let ids = ids.into_iter().map(NotificationId).collect();
                record(store, DeliveryStep::Composed { message: new, ids }).await;
            }
            Work::Hold { receiver, which } => {
                let Some(id) = self.owed(RECEIVERS[*receiver]).nth(*which).map(|entry| entry.id) else { return };
                for entry in self.entries.iter_mut().filter(|entry| entry.id == id) {
                    (entry.message, entry.tried_since) = (None, None);
                }
                self.drop_empty();
                record(store, DeliveryStep::Held { ids: vec![NotificationId(id)] }).await;
            }
            Work::HandOver(from) => {
                let (from, to) = (RECEIVERS[*from], RECEIVERS[1 - *from]);
                let knows = |entry: &Entry| {
                    let about = |other: &&Entry| {
                        let of = &other.notification;
                        of.alert == entry.notification.alert && of.receiver == to && of.event == Event::Fired
                    };
                    self.entries.iter().filter(about).any(|other| other.state != "superseded")
                };
                let lasts = |entry: &&Entry| self.alert(entry).is_firing() && entry.notification.event == Event::Fired;
                let over = self.owed(from).filter(lasts).filter(|entry| !knows(entry)).cloned();
                let mut over: Vec<Entry> = over.collect();
                over.dedup_by(|one, other| one.notification.alert == other.notification.alert);
                let ids = self.owed(from).filter(lasts).map(|entry| NotificationId(entry.id)).collect();
                let now = self.now();
                for Entry { notification, .. } in &over {
                    let notification = Notification { receiver: to.to_owned(), due_at: now, ..notification.clone() };
                    self.push(notification);
                }
                let handed = HandOver { to: to.to_owned(), ids };
                assert_eq!(store.hand_over(handed, now).await.unwrap(), over.len());
            }
            Work::PassOn(from) => {
                let (from, to, now) = (RECEIVERS[*from], RECEIVERS[1 - *from], self.now());
                let left = |entry: &&Entry| {
                    let of = &entry.notification;
                    let is_left = matches!(entry.state, "owed" | "dead") && of.event == Event::Fired;
                    is_left && of.receiver == from && self.alert(entry).is_firing()
                };
                let left: Vec<Entry> = self.entries.iter().filter(left).cloned().collect();
                let mut owed = 0;
                let mut passed = Vec::new();
                for entry in left {
                    let knows = |other: &Entry| {
                        let of = &other.notification;
                        let of_it = of.alert == entry.notification.alert && of.receiver == to;
                        of_it && of.event == Event::Fired && (other.state != "superseded" || other.told)
                    };
                    if !self.entries.iter().any(knows) {
                        let heir = Notification { receiver: to.to_owned(), due_at: now, ..entry.notification.clone() };
                        self.push(heir);
                        owed += 1;
                    }
                    self.withdraw(&entry);
                    let Notification { step, template, .. } = entry.notification;
                    let to = vec![to.to_owned()];
                    passed.push(Passed { id: NotificationId(entry.id), to, step, template });
                }
                let here: Vec<_> = store.left_by(from).await.unwrap().iter().map(|left| left.id).collect();
                assert_eq!(here, passed.iter().map(|passed| passed.id).collect::<Vec<_>>());
                assert_eq!(store.pass_on(passed, now).await.unwrap(), owed);
            }
            Work::Replay(which) => {
                let now = self.now();
                let mut kept = self.messages.iter_mut().filter(|sent| matches!(sent.state, "due" | "dead"));
                let Some(sent) = kept.nth(*which) else { return };
                let id = sent.message.id.clone();
                if let Some(reception) = self.receptions.get_mut(&sent.message.receiver) {
                    reception.not_before = reception.not_before.map(|at| at.min(now));
                }
                sent.message.next_at = now;
                if sent.state == "dead" {
                    sent.state = "due";
                    (sent.message.created_at, sent.message.attempts, sent.message.plain) = (now, 0, false);
                    let gone = |entry: &&mut Entry| entry.state == "dead" && entry.message.as_ref() == Some(&id);
                    for entry in self.entries.iter_mut().filter(gone) {
                        (entry.state, entry.tried_since) = ("owed", Some(now));
                    }
                }
                assert_eq!(store.replay(id, now).await.unwrap(), Change::Yes);
            }
            Work::Drop(which) => {
                let now = self.now();
                let mut kept = self.messages.iter_mut().filter(|sent| matches!(sent.state, "due" | "dead"));
                let Some(sent) = kept.nth(*which) else { return };
                let (id, flies, trying) = (sent.message.id.clone(), sent.in_flight, sent.trying.clone());
                (sent.state, sent.in_flight) = ("superseded", false);
                let left = |entry: &&mut Entry| matches!(entry.state, "owed" | "dead");
                for entry in self.entries.iter_mut().filter(left) {
                    if entry.message.as_ref() == Some(&id) {
                        if flies && entry.state == "owed" {
                            entry.told = true;
                            entry.persons.extend(trying.clone());
                        }
                        entry.state = "superseded";
                    }
                }
                assert_eq!(store.drop_message(id.clone(), now).await.unwrap(), Change::Yes);
                assert_eq!(store.replay(id, now).await.unwrap(), Change::No);
            }
            Work::Attempt(which, trying) => {
                let trying = names(trying);
                let Some(sent) = self.due(*which) else { return };
                sent.in_flight = true;
                sent.message.attempts += 1;
                sent.trying.clone_from(&trying);
                let message = sent.message.id.clone();
                record(store, DeliveryStep::Attempting { message, trying }).await;
            }
            Work::GoesOn(which, has, next) => {
                let (reached, settled, trying) = (names(has), names(has), names(next));
                let Some(sent) = self.due(*which) else { return };
                (sent.settled, sent.trying) = (settled.clone(), trying.clone());
                let message = sent.message.id.clone();
                if !reached.is_empty() {
                    self.tell(&message, &reached);
                }
                record(store, DeliveryStep::GoesOn { message, reached, settled, trying }).await;
            }
            Work::Deliver(which, reached) => {
                let (now, reached) = (self.now(), names(reached));
                let Some(message) = self.due(*which).map(|sent| sent.message.id.clone()) else { return };
                self.tell(&message, &reached);
                let Some(message) = self.close(*which, "delivered") else { return };
                let receiver = self.receiver(&message);
                self.receptions.insert(receiver.clone(), ReceiverState::default());
                let recorded = DeliveryStep::Delivered { message: message.clone(), at: now, reached };
                let refused = vec!["550 at the recipient".to_owned()];
                let reception = ReceiverState::default();
                attempted(
                    store,
                    AttemptRecord { recorded, at: now, message, refused, receiver, reception, handed: None },
                )
                .await;
            }
            Work::Die(which, reached) => {
                let (now, reached) = (self.now(), names(reached));
                let Some(message) = self.due(*which).map(|sent| sent.message.id.clone()) else { return };
                if !reached.is_empty() {
                    self.tell(&message, &reached);
                }
                let Some(message) = self.close(*which, "dead") else { return };
                self.messages
                    .iter_mut()
                    .filter(|sent| sent.message.id == message)
                    .for_each(|sent| sent.died_at = Some(now));
                let reason = String::new();
                let ambiguous = !reached.is_empty();
                let dead = DeliveryStep::Dead { message, at: now, reason, ambiguous, settled: Vec::new(), reached };
                record(store, dead).await;
            }
            Work::Again { which, plain, ambiguous, settled, reached } => {
                let next_at = at(self.now + 7);
                let (settled, reached) = (names(settled), names(reached));
                let Some(sent) = self.due(*which) else { return };
                sent.in_flight = false;
                sent.settled.clone_from(&settled);
                sent.message.next_at = next_at;
                sent.message.plain |= plain;
                sent.message.ambiguous |= ambiguous;
                let message = sent.message.id.clone();
                if *ambiguous || !settled.is_empty() {
                    self.tell(&message, &reached);
                }
                let (plain, ambiguous, reason) = (*plain, *ambiguous, String::new());
                let now = self.now();
                let failing = ReceiverState {
                    failing_since: Some(now),
                    broken_at: plain.then_some(now),
                    not_before: ambiguous.then_some(next_at),
                    last_error: "HTTP 503".to_owned(),
                };
                let receiver = self.receiver(&message);
                self.receptions.insert(receiver.clone(), failing.clone());
                let again = message.clone();
                let recorded = DeliveryStep::Again {
                    message: again,
                    now,
                    at: next_at,
                    plain,
                    ambiguous,
                    settled,
                    reached,
                    reason,
                };
                let (refused, reception) = (Vec::new(), failing);
                attempted(
                    store,
                    AttemptRecord { recorded, at: now, message, refused, receiver, reception, handed: None },
                )
                .await;
            }
            Work::Supersede { receiver, which } => {
                let all: Vec<i64> = self.owed(RECEIVERS[*receiver]).map(|entry| entry.id).collect();
                let ids: Vec<i64> = which.iter().filter_map(|which| all.get(*which)).copied().collect();
                if ids.is_empty() {
                    return;
                }
                for entry in self.entries.iter_mut().filter(|entry| ids.contains(&entry.id)) {
                    entry.state = "superseded";
                }
                self.drop_empty();
                let ids = ids.into_iter().map(|id| (NotificationId(id), "ended")).collect();
                record(store, DeliveryStep::Superseded { ids, at: at(0) }).await;
            }
            Work::Interrupt(receiver) => {
                self.interrupt(Some(RECEIVERS[*receiver]));
                store.interrupted(RECEIVERS[*receiver], self.now()).await.unwrap();
            }
            Work::Recover => {
                self.interrupt(None);
                store.recover(self.now()).await.unwrap();
            }
            Work::Prune => {
                let before = at(self.now - 5);
                let owes = |alert: &Alert| {
                    self.entries.iter().any(|entry| entry.notification.alert == alert.id && entry.state == "owed")
                };
                let old = |alert: &&Alert| alert.resolution.as_ref().is_some_and(|end| end.at < before);
                let gone: Vec<_> =
                    self.alerts.iter().filter(old).filter(|alert| !owes(alert)).map(|alert| alert.id.clone()).collect();
                self.alerts.retain(|alert| !gone.contains(&alert.id));
                self.entries.retain(|entry| !gone.contains(&entry.notification.alert));
                // A given-up message without notifications is deleted as well.
                let told: Vec<_> = self.entries.iter().filter_map(|entry| entry.message.clone()).collect();
                let old = |sent: &Sent| sent.died_at.is_some_and(|at| at < before);
                self.messages.retain(|sent| sent.state != "dead" || !old(sent) || told.contains(&sent.message.id));
                assert_eq!(store.prune(before).await.unwrap(), gone.len());
            }
            Work::Crash => {
                *store = state.open().await;
                self.interrupt(None);
                store.recover(self.now()).await.unwrap();
            }
        }
    }

    fn push(&mut self, notification: Notification) {
        // The database uses the number after the highest that is left.
        let id = self.entries.iter().map(|entry| entry.id).max().unwrap_or(0) + 1;
        let persons = BTreeSet::new();
        let state = "owed";
        self.entries.push(Entry { id, notification, state, message: None, told: false, persons, tried_since: None });
    }

    /// Others are notified in its place; a given-up message without other notifications is deleted.
    fn withdraw(&mut self, gone: &Entry) {
        for entry in self.entries.iter_mut().filter(|entry| entry.id == gone.id) {
            entry.state = "superseded";
        }
        self.drop_empty();
        let dead: Vec<_> = self
            .entries
            .iter()
            .filter(|entry| entry.state == "dead")
            .filter_map(|entry| entry.message.clone())
            .collect();
        for sent in self.messages.iter_mut().filter(|sent| sent.state == "dead") {
            if gone.message.as_ref() == Some(&sent.message.id) && !dead.contains(&sent.message.id) {
                sent.state = "superseded";
            }
        }
    }

    /// A message without notifications is deleted.
    fn drop_empty(&mut self) {
        let left: Vec<MessageId> = self.owed_messages();
        for sent in self.messages.iter_mut().filter(|sent| sent.state == "due") {
            if !left.contains(&sent.message.id) {
                (sent.state, sent.in_flight) = ("superseded", false);
            }
        }
    }

    fn receiver(&self, message: &MessageId) -> String {
        self.messages.iter().find(|sent| sent.message.id == *message).unwrap().message.receiver.clone()
    }

    fn due(&mut self, which: usize) -> Option<&mut Sent> {
        self.messages.iter_mut().filter(|sent| sent.state == "due").nth(which)
    }

    fn close(&mut self, which: usize, state: &'static str) -> Option<MessageId> {
        let sent = self.due(which)?;
        (sent.state, sent.in_flight) = (state, false);
        let message = sent.message.id.clone();
        for entry in &mut self.entries {
            if entry.state == "owed" && entry.message.as_ref() == Some(&message) {
                entry.state = state;
            }
        }
        Some(message)
    }

    fn tell(&mut self, message: &MessageId, persons: &[String]) {
        let of = |entry: &&mut Entry| entry.state == "owed" && entry.message.as_ref() == Some(message);
        for entry in self.entries.iter_mut().filter(of) {
            entry.told = true;
            entry.persons.extend(persons.iter().cloned());
        }
    }

    fn interrupt(&mut self, receiver: Option<&str>) {
        let of = |sent: &Sent| receiver.is_none_or(|receiver| sent.message.receiver == receiver);
        let flying = self.messages.iter().filter(|sent| sent.in_flight && sent.state == "due" && of(sent));
        let flying: Vec<(MessageId, Vec<String>)> =
            flying.map(|sent| (sent.message.id.clone(), sent.trying.clone())).collect();
        for (message, trying) in flying {
            for sent in self.messages.iter_mut().filter(|sent| sent.message.id == message) {
                sent.in_flight = false;
                // A mail whose first envelope has not begun has reached nobody.
                sent.message.ambiguous |= !trying.is_empty();
            }
            if !trying.is_empty() {
                self.tell(&message, &trying);
            }
        }
    }

    fn owed_messages(&self) -> Vec<MessageId> {
        self.entries.iter().filter(|entry| entry.state == "owed").filter_map(|entry| entry.message.clone()).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn the_outbox_is_what_a_plain_list_is(works in prop::collection::vec(work(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let state = TestDriver::Sqlite.fresh();
        runtime.block_on(async {
            let mut store = state.open().await;
            let mut model = Model::default();
            for work in &works {
                model.step(&mut store, &state, work).await;
                for receiver in RECEIVERS {
                    let open = model.open(receiver);
                    prop_assert_eq!(&store.open_of(receiver).await.unwrap(), &open, "after {:?}", work);
                    for (message, _) in &open.messages {
                        let told = model.entries.iter().filter(|entry| entry.message.as_ref() == Some(&message.id));
                        let told: Vec<_> = told.map(|entry| entry.notification.alert.clone()).collect();
                        let about = |owed: &&Owed| told.contains(&owed.alert.id);
                        let part: Vec<Owed> = open.owed.iter().filter(about).cloned().collect();
                        prop_assert_eq!(store.open_for(receiver, &message.id).await.unwrap().owed, part);
                    }
                }
                let snapshot = store.snapshot("main").await.unwrap();
                let mut firing: Vec<_> = model.alerts.iter().filter(|alert| alert.is_firing()).cloned().collect();
                firing.sort_by(|one, other| (one.since, &one.id).cmp(&(other.since, &other.id)));
                prop_assert_eq!(snapshot.alerts, firing);
                prop_assert_eq!(snapshot.told, model.told());
                prop_assert_eq!(store.waiting().await.unwrap(), model.waiting());
                let states = store.notifications().await.unwrap();
                let plain: Vec<_> =
                    model.entries.iter().map(|entry| (entry.notification.clone(), entry.state.to_owned())).collect();
                prop_assert_eq!(states, plain);
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}
