//! Random histories against a plain slow model that knows the truth of every contact.
//!
//! The model does not look at alerts as the engine does. It keeps what an observer with a notebook
//! would: which customers must be firing, how often each was missed, who was notified of which episode.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::json;

use super::fixtures::{INBOX, apply, noon, rule};
use crate::{
    engine::{Observed, Tick, observed::Coverage, tick},
    model::{Alert, AlertId, Changes, Contact, Event, InboxMemory, Names, Reason, Snapshot, StateLocation},
    rules::RuleSet,
    store::Store,
};

const PEOPLE: usize = 4;

/// The truth about one customer.
#[derive(Clone, Debug)]
struct Person {
    by: &'static str,
    closed: bool,
    gone: bool,
    odd: bool,
    wrote: Timestamp,
}

impl Person {
    fn contact(&self, number: usize) -> Contact {
        let status = if self.odd { json!({ "odd": 1 }) } else { json!(if self.closed { "CLOSED" } else { "OPEN" }) };
        Contact::read(json!({
            "_id": format!("c{number}"),
            "status": status,
            "lastMessage": { "by": self.by, "at": self.wrote.to_string() },
        }))
        .unwrap()
    }
}

/// The versions of the one rule: its text, and its meaning in Rust.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Version {
    Waiting,
    WaitingToldOthers,
    NotAgent,
    Rejected,
    Removed,
}

impl Version {
    fn rules(self) -> RuleSet {
        let text = match self {
            Self::Waiting => "[filter]\nlastMessageBy = ['user']\nstatus = ['OPEN']",
            Self::WaitingToldOthers => {
                "[filter]\nlastMessageBy = ['user']\nstatus = ['OPEN']\n[[notify]]\nto = ['leads', 'night']"
            }
            Self::NotAgent => "when = 'lastMessage.by != \"agent\"'\n[filter]\nstatus = ['OPEN']",
            Self::Rejected => return RuleSet { rejected: vec!["r".to_owned()], ..RuleSet::default() },
            Self::Removed => return RuleSet::default(),
        };
        super::fixtures::rules(vec![rule("r", text)])
    }

    fn is_true_of(self, person: &Person) -> bool {
        let open = !person.closed && !person.odd;
        match self {
            Self::Waiting | Self::WaitingToldOthers => open && person.by == "user",
            Self::NotAgent => open && person.by != "agent",
            Self::Rejected | Self::Removed => false,
        }
    }

    fn receivers(self) -> BTreeSet<String> {
        match self {
            Self::WaitingToldOthers => ["leads", "night"].map(str::to_owned).into(),
            _ => ["support".to_owned()].into(),
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Writes(usize, &'static str),
    Closes(usize, bool),
    Goes(usize, bool),
    Odd(usize, bool),
    Edit(Version),
    /// Which of the contacts that the inbox would return are seen, and how many walks were complete.
    Poll {
        seen: [bool; PEOPLE],
        complete: u32,
        failed: bool,
    },
    Between,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..PEOPLE;
    let version = prop::sample::select(vec![
        Version::Waiting,
        Version::Waiting,
        Version::WaitingToldOthers,
        Version::NotAgent,
        Version::Rejected,
        Version::Removed,
    ]);
    prop_oneof![
        4 => (who.clone(), prop::sample::select(vec!["user", "agent", "bot"])).prop_map(|(who, by)| Step::Writes(who, by)),
        1 => (who.clone(), any::<bool>()).prop_map(|(who, closed)| Step::Closes(who, closed)),
        1 => (who.clone(), any::<bool>()).prop_map(|(who, gone)| Step::Goes(who, gone)),
        1 => (who, any::<bool>()).prop_map(|(who, odd)| Step::Odd(who, odd)),
        1 => version.prop_map(Step::Edit),
        8 => (any::<[bool; PEOPLE]>(), 0..3_u32, prop::bool::weighted(0.2))
            .prop_map(|(seen, complete, failed)| Step::Poll { seen, complete, failed }),
        1 => Just(Step::Between),
        1 => Just(Step::Restart),
    ]
}

/// What the observer noted about one customer's episode.
#[derive(Debug)]
struct Note {
    alert: AlertId,
    told: BTreeSet<String>,
    missed: u32,
    /// The version that it was last seen matching.
    version: Version,
}

/// All customers, the rule and the notebook.
struct World {
    now: Timestamp,
    people: Vec<Person>,
    version: Version,
    notes: BTreeMap<usize, Note>,
    /// Since when most of three or more are gone at once, and in how many polls.
    emptied: Option<(Timestamp, u32)>,
    fired: BTreeSet<(AlertId, String)>,
    store: Store,
    folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StateLocation::sqlite(folder.path().join("state.db"))).await.unwrap();
        let person = Person { by: "bot", closed: false, gone: false, odd: false, wrote: noon() };
        Self {
            now: noon(),
            people: vec![person; PEOPLE],
            version: Version::Waiting,
            notes: BTreeMap::new(),
            emptied: None,
            fired: BTreeSet::new(),
            store,
            folder,
        }
    }

    async fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        self.now += SignedDuration::from_secs(15);
        match step {
            Step::Writes(who, by) => {
                self.people[*who].by = by;
                self.people[*who].wrote = self.now;
            }
            Step::Closes(who, closed) => self.people[*who].closed = *closed,
            Step::Goes(who, gone) => self.people[*who].gone = *gone,
            Step::Odd(who, odd) => self.people[*who].odd = *odd,
            Step::Edit(version) => self.version = *version,
            Step::Restart => {
                self.store = Store::open(&StateLocation::sqlite(self.folder.path().join("state.db"))).await.unwrap();
            }
            Step::Between => self.judge(Observed::between_polls(), &BTreeSet::new(), 0).await?,
            Step::Poll { seen, complete, failed } => {
                let complete = if *failed { 0 } else { *complete };
                let mut observed = Observed { fresh: !failed, ..Observed::default() };
                observed.coverage.insert("r".to_owned(), Coverage { complete, ended: !failed });
                let mut sighted = BTreeSet::new();
                for (number, person) in self.people.iter().enumerate() {
                    // A complete walk returns everybody who passes the inbox's own filter.
                    let given = complete > 0 && self.version.is_true_of(person);
                    if !person.gone && (given || seen[number]) {
                        observed.see(person.contact(number));
                        sighted.insert(number);
                    }
                }
                self.judge(observed, &sighted, complete).await?;
            }
        }
        Ok(())
    }

    /// By how many walks whoever is absent counts as missed now: most of three or more gone at once are doubted until
    /// that has lasted for three polls and five minutes.
    fn absences(&mut self, sighted: &BTreeSet<usize>, complete: u32) -> Absences {
        if complete == 0 {
            return Absences::Missed(0);
        }
        let is_ruled = !matches!(self.version, Version::Rejected | Version::Removed);
        let open = if is_ruled { self.notes.len() } else { 0 };
        let gone = self.notes.keys().filter(|number| !sighted.contains(number)).count();
        if open < 3 || gone * 2 <= open {
            self.emptied = None;
            return Absences::Missed(complete);
        }
        let (since, polls) = self.emptied.take().map_or((self.now, 1), |(since, polls)| (since, polls + 1));
        if polls >= 3 && self.now.duration_since(since) >= SignedDuration::from_mins(5) {
            return Absences::Missed(2);
        }
        self.emptied = Some((since, polls));
        Absences::Doubted
    }

    /// One tick, judged by the notebook.
    async fn judge(
        &mut self,
        observed: Observed,
        sighted: &BTreeSet<usize>,
        complete: u32,
    ) -> Result<(), TestCaseError> {
        let rules = self.version.rules();
        let before = self.store.snapshot(INBOX).await.unwrap();
        let names = Names::default();
        let outcome = tick(Tick {
            inbox: INBOX,
            rules: &rules,
            snapshot: &before,
            observed: &observed,
            names: &names,
            now: self.now,
        });
        let memory = InboxMemory { doubt: outcome.doubt.clone(), ..before.memory.clone() };
        let changes = Changes { memory: Some(memory), ..outcome.changes.clone() };
        self.store.commit(INBOX, changes).await.unwrap();
        let after = self.store.snapshot(INBOX).await.unwrap();
        let mut plainly = before.clone();
        apply(&mut plainly, &outcome.changes);
        prop_assert_eq!(ids(&plainly), ids(&after), "the store keeps what the engine said");

        let owed = |event: Event, alert: &AlertId| -> Vec<String> {
            let of = outcome.changes.owed.iter().filter(|owed| owed.event == event && owed.alert == *alert);
            of.map(|owed| owed.receiver.clone()).collect()
        };
        let absences = self.absences(sighted, complete);
        let mut accounted = 0;
        for number in 0..PEOPLE {
            let id = format!("c{number}");
            let firing: Vec<&Alert> = after.alerts.iter().filter(|alert| alert.contact.id == id).collect();
            prop_assert!(firing.len() <= 1, "twice: {:?}", firing);
            let is_true = sighted.contains(&number) && self.version.is_true_of(&self.people[number]);
            let Some(note) = self.notes.get_mut(&number) else {
                // Without a noted episode, one begins exactly when a matching contact is seen.
                prop_assert_eq!(firing.len() == 1, is_true, "{}", id);
                if let Some(alert) = firing.first() {
                    let told = owed(Event::Fired, &alert.id);
                    accounted += told.len();
                    for receiver in &told {
                        prop_assert!(self.fired.insert((alert.id.clone(), receiver.clone())), "told twice");
                    }
                    let told: BTreeSet<String> = told.into_iter().collect();
                    prop_assert_eq!(&told, &self.version.receivers());
                    let note = Note { alert: alert.id.clone(), told, missed: 0, version: self.version };
                    self.notes.insert(number, note);
                }
                continue;
            };
            // Evidence, by the contract.
            let unread = sighted.contains(&number) && self.people[number].odd;
            let expected = if self.version == Version::Rejected {
                Fate::Lives
            } else if self.version == Version::Removed {
                Fate::EndsSilently
            } else if is_true {
                note.missed = 0;
                note.version = self.version;
                Fate::Lives
            } else if unread {
                Fate::Lives
            } else {
                note.missed = match absences {
                    _ if sighted.contains(&number) => 2,
                    Absences::Missed(walks) => note.missed + walks,
                    Absences::Doubted => 1,
                };
                let other = |version: Version| version == Version::NotAgent;
                match note.missed {
                    0 | 1 => Fate::Lives,
                    _ if other(note.version) != other(self.version) => Fate::EndsSilently,
                    _ => Fate::Ends,
                }
            };
            let alert = note.alert.clone();
            let lives = firing.first().is_some_and(|firing| firing.id == alert);
            prop_assert_eq!(lives, expected == Fate::Lives, "{}: {:?}", id, expected);
            prop_assert!(lives || firing.is_empty(), "an end and a beginning at once");
            let ended: BTreeSet<String> = owed(Event::Resolved, &alert).into_iter().collect();
            let due = if expected == Fate::Ends { note.told.clone() } else { BTreeSet::new() };
            accounted += due.len();
            prop_assert_eq!(ended, due, "the end goes to those told");
            if let Some(end) = outcome.changes.alerts.iter().find(|ended| ended.id == alert && !ended.is_firing()) {
                let reason = end.resolution.as_ref().map(|resolution| resolution.reason);
                let silent = matches!(reason, Some(Reason::RuleChanged | Reason::RuleRemoved));
                prop_assert_eq!(silent, expected == Fate::EndsSilently);
            }
            if !lives {
                self.notes.remove(&number);
            }
        }
        prop_assert_eq!(outcome.changes.owed.len(), accounted, "nothing else is owed");
        Ok(())
    }
}

/// The walks that a contact who is absent from a poll has missed.
#[derive(Clone, Copy, Debug)]
enum Absences {
    Missed(u32),
    Doubted,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Lives,
    Ends,
    EndsSilently,
}

fn ids(snapshot: &Snapshot) -> BTreeSet<String> {
    let alerts = snapshot.alerts.iter().map(|alert| alert.id.0.clone());
    alerts.chain(snapshot.told.iter().map(|told| format!("{} {}", told.alert, told.receiver))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn nothing_lost_nothing_twice_nothing_false(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in &steps {
                world.step(step).await?;
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}
