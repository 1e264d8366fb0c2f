//! What was seen, what was stored, and now → what begins, what ends, what is owed.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    Observed,
    evaluate::{Judgement, Surroundings, ended_at, judge, reason, waiting_since},
    owe,
};
use crate::{
    model::{Alert, AlertId, Candidate, Changes, Contact, ContactId, Names, Reason, Resolution, Snapshot},
    rules::{Rule, RuleSet},
};

/// Complete walks without a contact that are evidence of its absence.
const ABSENT: u32 = 2;

/// Everything that one tick of one inbox is a function of.
#[derive(Clone, Copy, Debug)]
pub struct Tick<'a> {
    /// The inbox's name.
    pub inbox: &'a str,
    /// The rules as they are now.
    pub rules: &'a RuleSet,
    /// What was stored.
    pub snapshot: &'a Snapshot,
    /// What was seen.
    pub observed: &'a Observed,
    /// Names of agents.
    pub names: &'a Names,
    /// The time.
    pub now: Timestamp,
}

/// What comes of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What is to be committed.
    pub changes: Changes,
    /// Conditions that could not be judged, by rule: the first fault of each.
    pub faults: Vec<(String, String)>,
}

/// One tick. It does not touch the inbox's memory.
pub fn tick(input: Tick<'_>) -> Outcome {
    let mut run = Run {
        input,
        rules: input.rules.of_inbox(input.inbox),
        surroundings: Surroundings { inbox: input.inbox, names: input.names, now: input.now },
        firing: input
            .snapshot
            .alerts
            .iter()
            .filter(|alert| alert.is_firing())
            .map(|alert| (alert.rule.as_str(), alert.contact.id.as_str()))
            .collect(),
        outcome: Outcome::default(),
    };
    run.firing();
    run.contacts();
    run.candidates();
    run.outcome
}

struct Run<'a> {
    input: Tick<'a>,
    rules: Vec<Arc<Rule>>,
    surroundings: Surroundings<'a>,
    /// Rule and contact of what fired before this tick: an episode that ends in it does not begin
    /// anew in it.
    firing: HashSet<(&'a str, &'a str)>,
    outcome: Outcome,
}

impl<'a> Run<'a> {
    /// Alerts that fire: do they still?
    fn firing(&mut self) {
        for alert in self.input.snapshot.alerts.iter().filter(|alert| alert.is_firing()) {
            // A file with mistakes is not an order to end anything.
            if self.input.rules.rejected.contains(&alert.rule) {
                continue;
            }
            let Some(rule) = self.rules.iter().find(|rule| rule.name == alert.rule).cloned() else {
                self.end(alert, None, Reason::RuleRemoved);
                continue;
            };
            match self.input.observed.contacts.get(&alert.contact.contact_id()) {
                Some(contact) => self.seen(&rule, alert, contact),
                None => self.unseen(&rule, alert),
            }
        }
    }

    /// Evidence (a): the contact was seen.
    fn seen(&mut self, rule: &Rule, alert: &Alert, contact: &Contact) {
        let judgement = judge(rule, contact, alert.since, self.surroundings, &mut self.outcome.faults);
        match judgement {
            Judgement::Match => self.keep(rule, alert, contact),
            // What could not be judged, or was not understood, is no evidence.
            Judgement::Unknown => {}
            Judgement::Later | Judgement::No if !rule.trusts(contact) => {}
            Judgement::Later | Judgement::No => {
                let why = if alert.condition == rule.condition() {
                    reason(rule, &alert.contact, contact, alert.since)
                } else {
                    Reason::RuleChanged
                };
                self.end(alert, Some(contact), why);
            }
        }
    }

    fn keep(&mut self, rule: &Rule, alert: &Alert, contact: &Contact) {
        let still = Alert { contact: contact.clone(), missed_walks: 0, condition: rule.condition(), ..alert.clone() };
        if still != *alert {
            self.outcome.changes.alerts.push(still);
        }
    }

    /// Evidence (b): absent from two complete walks.
    fn unseen(&mut self, rule: &Rule, alert: &Alert) {
        let observed = self.input.observed;
        let complete = observed.of(&rule.name).complete;
        if complete == 0 || !observed.lacks(&rule.name, &alert.contact, alert.fired_at) {
            return;
        }
        let missed_walks = alert.missed_walks.saturating_add(complete);
        if missed_walks >= ABSENT {
            let why = if alert.condition == rule.condition() { Reason::Gone } else { Reason::RuleChanged };
            self.end(alert, None, why);
        } else {
            self.outcome.changes.alerts.push(Alert { missed_walks, ..alert.clone() });
        }
    }

    fn end(&mut self, alert: &Alert, contact: Option<&Contact>, reason: Reason) {
        let now = self.input.now;
        let contact = contact.unwrap_or(&alert.contact);
        let ended = Alert {
            contact: contact.clone(),
            missed_walks: 0,
            resolution: Some(Resolution { at: now, ended_at: ended_at(reason, contact, alert.since, now), reason }),
            ..alert.clone()
        };
        // An edit of a rule is nothing that anybody waits to hear of.
        if !matches!(reason, Reason::RuleChanged | Reason::RuleRemoved) {
            self.outcome.changes.owed.extend(owe::at_the_end(&ended, &self.input.snapshot.told, now));
        }
        self.outcome.changes.alerts.push(ended);
    }

    /// Contacts that were seen: does an episode begin?
    fn contacts(&mut self) {
        let known = self.known_candidates();
        for (id, contact) in &self.input.observed.contacts {
            for rule in self.rules.clone() {
                if self.is_firing(&rule.name, id) {
                    continue;
                }
                let candidate = known.get(&(rule.name.as_str(), id)).copied();
                let first_seen = candidate.map_or(self.input.now, |candidate| candidate.first_seen);
                let since = waiting_since(&rule, contact, first_seen, self.input.now);
                match judge(&rule, contact, since, self.surroundings, &mut self.outcome.faults) {
                    Judgement::Match => {
                        self.begin(&rule, contact, since);
                        self.forget(candidate);
                    }
                    Judgement::Later => {
                        let kept = Candidate {
                            inbox: self.input.inbox.to_owned(),
                            rule: rule.name.clone(),
                            contact: contact.clone(),
                            first_seen,
                            missed_walks: 0,
                        };
                        if candidate != Some(&kept) {
                            self.outcome.changes.candidates.push(kept);
                        }
                    }
                    Judgement::Unknown => {}
                    // A field that was not understood is no evidence here either.
                    Judgement::No if !rule.trusts(contact) => {}
                    Judgement::No => self.forget(candidate),
                }
            }
        }
    }

    /// Candidates that were not seen now: time alone may have made them match.
    fn candidates(&mut self) {
        for candidate in &self.input.snapshot.candidates {
            let id = candidate.contact.contact_id();
            if self.input.observed.contacts.contains_key(&id) || self.input.rules.rejected.contains(&candidate.rule) {
                continue;
            }
            let Some(rule) = self.rules.iter().find(|rule| rule.name == candidate.rule).cloned() else {
                self.forget(Some(candidate));
                continue;
            };
            let observed = self.input.observed;
            let complete = observed.of(&rule.name).complete;
            if complete > 0 && observed.lacks(&rule.name, &candidate.contact, candidate.first_seen) {
                let missed_walks = candidate.missed_walks.saturating_add(complete);
                if missed_walks >= ABSENT {
                    self.forget(Some(candidate));
                } else {
                    self.outcome.changes.candidates.push(Candidate { missed_walks, ..candidate.clone() });
                }
                continue;
            }
            // Who is missing may have been answered: no alert on such knowledge.
            if !observed.fresh || candidate.missed_walks > 0 || self.is_firing(&rule.name, &id) {
                continue;
            }
            let since = waiting_since(&rule, &candidate.contact, candidate.first_seen, self.input.now);
            let judgement = judge(&rule, &candidate.contact, since, self.surroundings, &mut self.outcome.faults);
            if judgement == Judgement::Match {
                self.begin(&rule, &candidate.contact, since);
                self.forget(Some(candidate));
            }
        }
    }

    fn begin(&mut self, rule: &Rule, contact: &Contact, since: Timestamp) {
        let now = self.input.now;
        let alert = Alert {
            id: AlertId::of(self.input.inbox, &rule.name, &contact.id, now),
            inbox: self.input.inbox.to_owned(),
            rule: rule.name.clone(),
            contact: contact.clone(),
            since,
            fired_at: now,
            resolution: None,
            missed_walks: 0,
            condition: rule.condition(),
        };
        self.outcome.changes.owed.extend(owe::at_firing(rule, &alert, now));
        self.outcome.changes.alerts.push(alert);
    }

    fn forget(&mut self, candidate: Option<&Candidate>) {
        if let Some(candidate) = candidate {
            self.outcome.changes.dropped.push((candidate.rule.clone(), candidate.contact.contact_id()));
        }
    }

    fn is_firing(&self, rule: &str, contact: &ContactId) -> bool {
        self.firing.contains(&(rule, contact.0.as_str()))
    }

    fn known_candidates(&self) -> BTreeMap<(&'a str, &'a ContactId), &'a Candidate> {
        let Tick { snapshot, observed, .. } = self.input;
        snapshot
            .candidates
            .iter()
            .filter_map(|candidate| {
                let (id, _) = observed.contacts.get_key_value(&candidate.contact.contact_id())?;
                Some(((candidate.rule.as_str(), id), candidate))
            })
            .collect()
    }
}
