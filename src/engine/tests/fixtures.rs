//! Rules as their files, contacts as the inbox returns them, and a store that is a plain snapshot.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    diagnose::{Diagnostic, Source},
    engine::{Observed, Tick, TickOutcome, observed::Coverage, tick},
    model::{Alert, Candidate, Changes, Contact, Event, Names, Reason, Snapshot, ToldReceiver},
    rules::{
        Known, Rule, RuleSet,
        compile::{Compiled, compile},
    },
};

pub(super) const INBOX: &str = "main";

/// Noon; customers wrote five minutes before.
pub(super) fn noon() -> Timestamp {
    "2026-06-12T12:00:00Z".parse().unwrap()
}

pub(super) fn at(seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

/// A rule of this text; without `[[notify]]` it notifies `support`.
pub(super) fn rule(name: &str, text: &str) -> Rule {
    let text =
        if text.contains("[[notify]]") { text.to_owned() } else { format!("{text}\n[[notify]]\nto = ['support']") };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let (inboxes, receivers) = (names(&["main", "second"]), names(&["support", "leads", "night"]));
    let templates = names(&["alert", "short"]);
    let known = Known { timezone: None, inboxes: &inboxes, receivers: &receivers, templates: &templates };
    let mut found = Vec::new();
    let compiled = compile(name, &Source::new(format!("{name}.toml"), text), &known, &mut found);
    match compiled {
        Compiled::Rule(rule) if !found.iter().any(Diagnostic::is_error) => *rule,
        other => panic!("{other:?} {found:?}"),
    }
}

pub(super) fn rules(rules: Vec<Rule>) -> RuleSet {
    RuleSet { rules: rules.into_iter().map(Arc::new).collect(), ..RuleSet::default() }
}

/// A rule for customers who wrote and have not been answered.
pub(super) const UNANSWERED: &str =
    "when = 'unreadMessages > 0'\n[filter]\nlastMessageBy = ['user']\nstatus = ['OPEN', 'INPROGRESS']";
/// A live chat that no agent takes; the clock decides.
pub(super) const LIVE: &str =
    "since = 'match'\nwhen = 'lastMessage.by != \"agent\" && waiting > seconds(90)'\n[filter]\nisLiveChatActive = true";

/// A customer who wrote five minutes before noon, with these values at dotted paths instead.
pub(super) fn customer(id: &str, changes: &[(&str, Value)]) -> Contact {
    let mut record = json!({
        "_id": id,
        "status": "OPEN",
        "unreadMessages": 1,
        "userInteracted": true,
        "isUserBlocked": false,
        "isLiveChatActive": false,
        "_agentAssigned": "",
        "lastMessage": { "by": "user", "at": "2026-06-12T11:55:00Z", "text": "Hello?" },
        "profile": { "userDetails": { "name": id, "tags": [] } },
    });
    for (path, value) in changes {
        let (above, name) = path.rsplit_once('.').unwrap_or(("", path));
        let pointer = if above.is_empty() { String::new() } else { format!("/{}", above.replace('.', "/")) };
        record.pointer_mut(&pointer).unwrap()[name] = value.clone();
    }
    Contact::read(record).unwrap()
}

/// An agent's answer a minute before noon.
pub(super) fn answer(side: &str) -> Vec<(&'static str, Value)> {
    vec![("lastMessage.by", json!(side)), ("lastMessage.at", json!("2026-06-12T11:59:00Z"))]
}

/// The result of a poll with these walks of every rule.
pub(super) fn saw(contacts: &[Contact], rules: &RuleSet, coverage: Coverage) -> Observed {
    let mut observed = Observed { fresh: true, ..Observed::default() };
    contacts.iter().cloned().for_each(|contact| observed.see(contact));
    for rule in &rules.rules {
        observed.coverage.insert(rule.name.clone(), coverage);
    }
    observed
}

pub(super) const COMPLETE: Coverage = Coverage { complete: 1, ended: true };
pub(super) const TWICE: Coverage = Coverage { complete: 2, ended: true };
pub(super) const TORN: Coverage = Coverage { complete: 0, ended: true };
pub(super) const FAILED: Coverage = Coverage { complete: 0, ended: false };

/// An inbox over several ticks.
pub(super) struct Scene {
    pub(super) rules: RuleSet,
    pub(super) snapshot: Snapshot,
    /// Alerts that ended.
    pub(super) ended: Vec<Alert>,
    pub(super) now: Timestamp,
}

impl Scene {
    pub(super) fn new(rule: Rule) -> Self {
        Self { rules: rules(vec![rule]), snapshot: Snapshot::default(), ended: Vec::new(), now: noon() }
    }

    /// With this customer's episode, which began at noon and is known to every receiver.
    pub(super) fn firing(rule: Rule, contact: &Contact) -> Self {
        let mut scene = Self::new(rule);
        scene.complete(std::slice::from_ref(contact));
        if scene.snapshot.alerts.is_empty() {
            scene.now = at(91);
            scene.complete(std::slice::from_ref(contact));
        }
        assert_eq!(scene.snapshot.alerts.len(), 1);
        scene
    }

    pub(super) fn tick(&mut self, observed: &Observed) -> TickOutcome {
        let names = Names::default();
        let outcome = tick(Tick {
            inbox: INBOX,
            rules: &self.rules,
            snapshot: &self.snapshot,
            observed,
            names: &names,
            now: self.now,
        });
        apply(&mut self.snapshot, &outcome.changes);
        self.ended.extend(outcome.changes.alerts.iter().filter(|alert| !alert.is_open()).cloned());
        self.snapshot.memory.live_chats.clone_from(&outcome.live_chats);
        self.snapshot.memory.doubt.clone_from(&outcome.doubt);
        outcome
    }

    pub(super) fn poll(&mut self, contacts: &[Contact], coverage: Coverage) -> TickOutcome {
        let observed = saw(contacts, &self.rules, coverage);
        self.tick(&observed)
    }

    pub(super) fn complete(&mut self, contacts: &[Contact]) -> TickOutcome {
        self.poll(contacts, COMPLETE)
    }

    pub(super) fn later(&mut self, seconds: i64) -> &mut Self {
        self.now += SignedDuration::from_secs(seconds);
        self
    }
}

/// Stores an outcome whose notifications are all delivered at once.
pub(super) fn apply(snapshot: &mut Snapshot, changes: &Changes) {
    snapshot.alerts.retain(|known| !changes.vanished.contains(&known.id));
    for alert in &changes.alerts {
        snapshot.alerts.retain(|known| known.id != alert.id);
        if alert.is_open() {
            snapshot.alerts.push(alert.clone());
        } else {
            snapshot.told.retain(|told| told.alert != alert.id);
        }
    }
    let same = |candidate: &Candidate, rule: &str, id: &str| candidate.rule == rule && candidate.contact.id == id;
    for (rule, id) in &changes.dropped {
        snapshot.candidates.retain(|known| !same(known, rule, &id.0));
    }
    for candidate in &changes.candidates {
        snapshot.candidates.retain(|known| !same(known, &candidate.rule, &candidate.contact.id));
        snapshot.candidates.push(candidate.clone());
    }
    for owed in changes.owed.iter().filter(|owed| owed.event.is_of_waiting()) {
        snapshot.told.push(ToldReceiver {
            alert: owed.alert.clone(),
            receiver: owed.receiver.clone(),
            step: owed.step,
            template: owed.template.clone(),
        });
    }
}

/// The one end in an outcome.
pub(super) fn end(outcome: &TickOutcome) -> Option<Reason> {
    let mut ends = outcome.changes.alerts.iter().filter_map(|alert| alert.resolution.as_ref());
    let reason = ends.next().map(|resolution| resolution.reason);
    assert!(ends.next().is_none(), "{outcome:?}");
    reason
}

/// The alerts that began.
pub(super) fn begun<'a>(outcome: &'a TickOutcome, before: &Snapshot) -> Vec<&'a Alert> {
    let new = |alert: &&Alert| alert.is_firing() && !before.alerts.iter().any(|old| old.id == alert.id);
    outcome.changes.alerts.iter().filter(new).collect()
}

/// Event and receiver of everything owed.
pub(super) fn owed(outcome: &TickOutcome) -> Vec<(Event, &str)> {
    outcome.changes.owed.iter().map(|owed| (owed.event, owed.receiver.as_str())).collect()
}
