//! One tick: makes what begins, changes, ends and is owed out of what was seen, what was stored, and now.
//!
//! A tick goes through the open alerts, then through the contacts that were seen, then through the candidates that were
//! not seen. What becomes of one alert is in [`life`].

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    doubt::{Absence, Doubts},
    due::{self, DueMoment},
    evaluate::{JudgeContext, Judgement, judge, waiting_since},
    faults::{self, RuleFault},
    input::{ABSENT, Tick},
    life::AlertUpdate,
    live_chats,
};
use crate::{
    engine::escalation,
    model::{
        Alert, Candidate, Changes, ContactId, Doubt, Snapshot,
        clocks::right,
        snapshot::{ConditionFailed, LiveChat},
    },
    rules::Rule,
};

/// The result of a tick.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TickOutcome {
    /// What is to be committed.
    pub changes: Changes,
    /// Conditions that could not be judged in this tick.
    pub faults: Vec<RuleFault>,
    /// Conditions that could not be judged in this tick or before, for the inbox's memory.
    pub conditions: BTreeMap<String, ConditionFailed>,
    /// Live chats to which no agent has written, for the inbox's memory.
    pub live_chats: BTreeMap<String, LiveChat>,
    /// Absences that are not believed yet, for the inbox's memory.
    pub doubt: Doubt,
    /// The contacts about which the inbox is asked before people are notified.
    pub due: Vec<DueMoment>,
}

/// Runs one tick. It does not change the inbox's memory.
pub(crate) fn tick(input: Tick<'_>) -> TickOutcome {
    let live_chats = live_chats::remember(&input.snapshot.memory.live_chats, input.observed, input.now);
    let surroundings = JudgeContext { inbox: input.inbox, names: input.names, live_chats: &live_chats, now: input.now };
    let rules = input.rules.of_inbox(input.inbox);
    let doubts = Doubts::of(&rules, input.snapshot, input.observed, input.now);
    let mut run = Run {
        input,
        rules: rules.clone(),
        doubts: &doubts,
        surroundings,
        open: HashSet::new(),
        outcome: TickOutcome::default(),
    };
    run.alerts();
    run.contacts();
    run.candidates();
    let outcome = run.outcome;
    let known = &input.snapshot.memory.conditions;
    let rules = run.rules.iter().map(AsRef::as_ref);
    let conditions = faults::remember(known, &outcome.faults, rules, input.observed, input.now);
    TickOutcome { live_chats, conditions, doubt: doubts.into_memory(), ..outcome }
}

struct Run<'a> {
    input: Tick<'a>,
    rules: Vec<Arc<Rule>>,
    doubts: &'a Doubts<'a>,
    surroundings: JudgeContext<'a>,
    /// Rule and contact of what was open before this tick: an episode that ends in a tick does not begin again in it.
    open: HashSet<(String, String)>,
    outcome: TickOutcome,
}

impl<'a> Run<'a> {
    /// Advances the alerts that were open.
    fn alerts(&mut self) {
        let snapshot = self.input.snapshot;
        self.open = snapshot.alerts.iter().map(|alert| (alert.rule.clone(), alert.contact.id.clone())).collect();
        for alert in &snapshot.alerts {
            // A file with mistakes, or one that may come back, does not end anything.
            if self.input.rules.leaves_alone(&alert.rule) {
                continue;
            }
            let rule = self.rule_of(&alert.rule, &alert.version.file, &alert.contact.id);
            if let Some(rule) = &rule {
                self.open.insert((rule.name.clone(), alert.contact.id.clone()));
            }
            let mut update = AlertUpdate::of(alert, self.input, self.surroundings);
            update.advance(rule.as_deref(), self.doubts, &mut self.outcome.faults);
            update.into_changes(&mut self.outcome.changes, &mut self.outcome.due);
        }
    }

    /// The rule of this name, or the one that its file was renamed to: the same text under a new name, without an alert
    /// of its own for this contact.
    fn rule_of(&self, name: &str, file: &str, contact: &str) -> Option<Arc<Rule>> {
        if let Some(rule) = self.rules.iter().find(|rule| rule.name == name) {
            return Some(Arc::clone(rule));
        }
        if self.input.rules.get(name).is_some() {
            return None;
        }
        let rule = self.rules.iter().find(|rule| rule.version.file == file)?;
        (!self.open.contains(&(rule.name.clone(), contact.to_owned()))).then(|| Arc::clone(rule))
    }

    /// Begins episodes for contacts that were seen.
    fn contacts(&mut self) {
        let known = self.known_candidates();
        for (id, contact) in &self.input.observed.contacts {
            for rule in self.rules.clone() {
                if self.is_open(&rule.name, id) {
                    continue;
                }
                let candidate = known.get(&(rule.name.clone(), id.clone())).copied();
                // The time may have been stored by a clock that was ahead.
                let first_seen = candidate.map_or(self.input.now, |known| self.right(known.first_seen));
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
                            file: rule.version.file.clone(),
                            contact: contact.clone(),
                            first_seen,
                            missed_walks: 0,
                        };
                        if candidate != Some(&kept) {
                            self.forget(candidate.filter(|candidate| candidate.rule != rule.name));
                            self.outcome.changes.candidates.push(kept);
                        }
                    }
                    Judgement::Unknown => {}
                    // A field that was not understood is not evidence here either.
                    Judgement::No if !rule.trusts(contact) => {}
                    Judgement::No => self.forget(candidate),
                }
            }
        }
    }

    /// Judges candidates that were not seen now, because time alone may have made them match.
    fn candidates(&mut self) {
        for candidate in &self.input.snapshot.candidates {
            let id = candidate.contact.contact_id();
            if self.input.observed.contacts.contains_key(&id) || self.input.rules.leaves_alone(&candidate.rule) {
                continue;
            }
            let Some(rule) = self.rule_of(&candidate.rule, &candidate.file, &id.0) else {
                self.forget(Some(candidate));
                continue;
            };
            let observed = self.input.observed;
            if let Some(absence) = self.doubts.absence(&rule.name, &candidate.contact, candidate.first_seen) {
                let missed_walks = match absence {
                    Absence::Walks(walks) => candidate.missed_walks.saturating_add(walks),
                    Absence::Doubted => 1,
                };
                if missed_walks >= ABSENT {
                    self.forget(Some(candidate));
                } else {
                    self.outcome.changes.candidates.push(Candidate { missed_walks, ..candidate.clone() });
                }
                continue;
            }
            if observed.fresh && !self.is_open(&rule.name, &id) {
                self.ripen(&rule, candidate);
            }
        }
    }

    /// Begins an episode if time alone has made a candidate match. Nobody is notified on old knowledge, unless the
    /// inbox could not be asked for too long.
    fn ripen(&mut self, rule: &Rule, candidate: &Candidate) {
        let Tick { snapshot, observed, names, now, .. } = self.input;
        let (contact, id) = (&candidate.contact, candidate.contact.contact_id());
        let first_seen = self.right(candidate.first_seen);
        let since = waiting_since(rule, contact, first_seen, now);
        let mut matches = |at: Timestamp| {
            let then = JudgeContext { now: at, ..self.surroundings };
            judge(rule, contact, since, then, &mut self.outcome.faults) == Judgement::Match
        };
        if !matches(now) {
            if first_seen < candidate.first_seen {
                self.outcome.changes.candidates.push(Candidate { first_seen, ..candidate.clone() });
            }
            return;
        }
        let late = observed.late_at(&id).filter(|at| first_seen <= *at && matches(*at));
        let mut update = AlertUpdate::begin(rule, contact, since, self.input, self.surroundings);
        update.fire_if_due(rule);
        // A contact that is missing may have been answered.
        let missing = candidate.missed_walks > 0;
        if update.tells() && observed.sights.is_some() && (missing || !observed.is_fresh(&id, now)) {
            let untold =
                Alert { first_seen, fired_at: None, steps: escalation::from_the_start(rule), ..update.alert().clone() };
            let told = !missing && late.is_some_and(|at| due::tells(rule, &untold, (&snapshot.silences, names), at));
            self.outcome.due.push(DueMoment { rule: rule.name.clone(), contact: contact.clone(), since, told });
            if !told {
                return;
            }
        } else if missing {
            return;
        }
        update.into_changes(&mut self.outcome.changes, &mut Vec::new());
        self.forget(Some(candidate));
    }

    /// Begins an episode with a contact that was seen.
    fn begin(&mut self, rule: &Rule, contact: &crate::model::Contact, since: Timestamp) {
        let mut update = AlertUpdate::begin(rule, contact, since, self.input, self.surroundings);
        update.fire_if_due(rule);
        update.note_due();
        update.into_changes(&mut self.outcome.changes, &mut self.outcome.due);
    }

    /// The time of first sight, corrected if a clock that was ahead stored it.
    fn right(&self, first_seen: Timestamp) -> Timestamp {
        let now = self.input.now;
        right(first_seen, self.input.snapshot.memory.was_ahead(now), now)
    }

    fn forget(&mut self, candidate: Option<&Candidate>) {
        if let Some(candidate) = candidate {
            self.outcome.changes.dropped.push((candidate.rule.clone(), candidate.contact.contact_id()));
        }
    }

    fn is_open(&self, rule: &str, contact: &ContactId) -> bool {
        self.open.contains(&(rule.to_owned(), contact.0.clone()))
    }

    /// Candidates of contacts that were seen, under the current names of their rules.
    fn known_candidates(&self) -> BTreeMap<(String, ContactId), &'a Candidate> {
        let Tick { snapshot, observed, .. } = self.input;
        let mut known = BTreeMap::new();
        for candidate in &snapshot.candidates {
            let id = candidate.contact.contact_id();
            if observed.contacts.contains_key(&id) {
                let rule = self.rule_of(&candidate.rule, &candidate.file, &id.0);
                let name = rule.map_or_else(|| candidate.rule.clone(), |rule| rule.name.clone());
                known.insert((name, id), candidate);
            }
        }
        known
    }
}

/// Whether time alone can change something of this inbox before the next poll.
pub(crate) fn time_matters(snapshot: &Snapshot) -> bool {
    !snapshot.candidates.is_empty() || !snapshot.alerts.is_empty()
}
