//! What becomes of one alert in one tick: pending, firing, lapsed, resolved; and who is notified.

use jiff::Timestamp;

use super::{
    doubt::{Absence, Doubts},
    due::{self, DueMoment},
    evaluate::{JudgeContext, Judgement, ended_at, judge, reaction, reason},
    faults::RuleFault,
    input::{ABSENT, Tick},
};
use crate::{
    engine::escalation,
    model::{
        Ack, Alert, Changes, Contact, Entry, Happened, Notification, PendingResolve, Reason, Resolution,
        silence::silence_of,
    },
    rules::Rule,
};

/// What is known of whether an open alert still matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// It no longer matches, or that is in doubt.
    No,
    /// It matched when it was last seen, which may be long ago.
    Then,
    /// It matches.
    Now,
}

/// One alert on its way through a tick.
pub(super) struct AlertUpdate<'a> {
    input: Tick<'a>,
    surroundings: JudgeContext<'a>,
    /// The alert as it was stored; `None` if it begins now.
    before: Option<&'a Alert>,
    alert: Alert,
    /// Whether it was pending and no longer matches, so that it is forgotten.
    vanished: bool,
    owed: Vec<Notification>,
    history: Vec<Entry>,
    /// Set if people are notified by the clock on knowledge that is not fresh, now or after a look at the inbox.
    due: Option<DueMoment>,
}

impl<'a> AlertUpdate<'a> {
    /// Takes up an alert as it was stored.
    pub(super) fn of(alert: &'a Alert, input: Tick<'a>, surroundings: JudgeContext<'a>) -> Self {
        let mut life = Self { before: Some(alert), ..Self::new(alert.clone(), input, surroundings) };
        // The clock is believed over stored times only after the inbox has answered.
        if input.observed.fresh {
            life.alert.set_right(input.snapshot.memory.was_ahead(input.now), input.now);
        }
        life
    }

    /// Begins an episode now.
    pub(super) fn begin(
        rule: &Rule,
        contact: &Contact,
        since: Timestamp,
        input: Tick<'a>,
        surroundings: JudgeContext<'a>,
    ) -> Self {
        let alert = Alert {
            version: rule.version.clone(),
            steps: escalation::from_the_start(rule),
            ..Alert::begin(input.inbox, &rule.name, contact.clone(), since, input.now)
        };
        Self::new(alert, input, surroundings)
    }

    fn new(alert: Alert, input: Tick<'a>, surroundings: JudgeContext<'a>) -> Self {
        Self {
            input,
            surroundings,
            before: None,
            alert,
            vanished: false,
            owed: Vec::new(),
            history: Vec::new(),
            due: None,
        }
    }

    /// Advances the alert by one tick.
    pub(super) fn advance(&mut self, rule: Option<&Rule>, doubts: &Doubts<'_>, faults: &mut Vec<RuleFault>) {
        let Some(rule) = rule else { return self.end(None, Reason::RuleRemoved) };
        self.follow_edits(rule);
        let known = match self.input.observed.contacts.get(&self.alert.contact.contact_id()) {
            Some(contact) => self.seen(rule, contact, faults),
            None => self.unseen(rule, doubts),
        };
        self.lapse_ends(rule);
        match known {
            Known::No => {}
            Known::Now => {
                self.fire_if_due(rule);
                self.note_due();
            }
            Known::Then => self.come_of_age_unseen(rule),
        }
    }

    /// Follows an edit of the rule or a renamed file: the alert goes on under the new values.
    fn follow_edits(&mut self, rule: &Rule) {
        let now = self.input.now;
        if self.alert.rule != rule.name {
            let from = std::mem::replace(&mut self.alert.rule, rule.name.clone());
            self.tell_history(Happened::RuleRenamed, "", format!("from {from}"));
        }
        let version = &rule.version;
        if self.alert.version.file == version.file {
            return;
        }
        let same_condition = self.matched_this(rule);
        let same_timing = self.alert.version.timing == version.timing;
        if !same_timing {
            self.alert.steps = escalation::after_an_edit(rule, &self.alert, &self.input.snapshot.told, now);
        }
        self.alert.version.file.clone_from(&version.file);
        self.alert.version.timing.clone_from(&version.timing);
        let what = [(same_condition, "filter or condition"), (same_timing, "for, steps or hours")];
        let changed: Vec<&str> = what.iter().filter(|(same, _)| !same).map(|(_, what)| *what).collect();
        let detail = if changed.is_empty() { "text only".to_owned() } else { changed.join("; ") };
        self.tell_history(Happened::RuleEdited, "", detail);
    }

    /// Evidence (a): the contact was seen.
    fn seen(&mut self, rule: &Rule, contact: &Contact, faults: &mut Vec<RuleFault>) -> Known {
        // If the clock was set back, it is judged as of its beginning, because nothing is known from before.
        let began_at = self.alert.fired_at.unwrap_or(self.alert.first_seen);
        let surroundings = JudgeContext { now: self.surroundings.now.max(began_at), ..self.surroundings };
        match judge(rule, contact, self.alert.since, surroundings, faults) {
            Judgement::Match => {
                self.alert.contact = contact.clone();
                self.alert.missed_walks = 0;
                self.alert.version.condition.clone_from(&rule.version.condition);
                if self.alert.lapse.take().is_some() {
                    self.tell_history(Happened::Returned, "", "");
                }
                self.acknowledge_by_reaction(rule, contact);
                Known::Now
            }
            // What could not be judged or was not understood is not evidence.
            Judgement::Unknown => Known::No,
            Judgement::Later | Judgement::No if !rule.trusts(contact) => Known::No,
            Judgement::Later | Judgement::No => {
                let why = if self.matched_this(rule) {
                    reason(rule, &self.alert.contact, contact, self.alert.since, self.input.now)
                } else {
                    Reason::RuleChanged
                };
                self.no_longer(rule, Some(contact), why);
                Known::No
            }
        }
    }

    /// Evidence (b): absence from two complete walks.
    fn unseen(&mut self, rule: &Rule, doubts: &Doubts<'_>) -> Known {
        let observed = self.input.observed;
        if let Some(absence) = doubts.absence(&rule.name, &self.alert.contact, self.alert.first_seen) {
            self.alert.missed_walks = match absence {
                Absence::Walks(walks) => self.alert.missed_walks.saturating_add(walks),
                // Meanwhile nobody is notified by time alone.
                Absence::Doubted => 1,
            };
            if self.alert.missed_walks >= ABSENT {
                let why = if self.matched_this(rule) { Reason::Gone } else { Reason::RuleChanged };
                self.no_longer(rule, None, why);
            }
            return Known::No;
        }
        if !self.matched_this(rule) || !observed.fresh {
            return Known::No;
        }
        let fresh = observed.is_fresh(&self.alert.contact.contact_id(), self.input.now);
        // A contact that was missing once may have been answered.
        match (fresh && self.alert.missed_walks == 0, observed.sights.is_some()) {
            (true, _) => Known::Now,
            (false, true) => Known::Then,
            (false, false) => Known::No,
        }
    }

    /// Whether filter and condition are the ones that the alert was last seen to match.
    fn matched_this(&self, rule: &Rule) -> bool {
        self.alert.version.condition == rule.version.condition
    }

    fn no_longer(&mut self, rule: &Rule, contact: Option<&Contact>, why: Reason) {
        if self.alert.lapse.is_some() {
            return;
        }
        if self.alert.is_firing() && !rule.keep_firing_for.is_zero() && !is_quiet(why) {
            if let Some(contact) = contact {
                self.alert.contact = contact.clone();
            }
            let now = self.input.now;
            let happened_at = ended_at(why, &self.alert.contact, self.alert.since, now);
            self.alert.lapse = Some(PendingResolve { at: now, ended_at: happened_at, reason: why });
            return self.tell_history(Happened::Lapsed, "", why.name());
        }
        self.end(contact, why);
    }

    /// Resolves the alert when `keep_firing_for` has passed.
    fn lapse_ends(&mut self, rule: &Rule) {
        let now = self.input.now;
        let Some(lapse) = self.alert.lapse.clone() else { return };
        if self.alert.is_open() && now.duration_since(lapse.at) >= rule.keep_firing_for {
            self.resolve(lapse.reason, lapse.ended_at);
        }
    }

    fn end(&mut self, contact: Option<&Contact>, why: Reason) {
        if let Some(contact) = contact {
            self.alert.contact = contact.clone();
        }
        if self.alert.fired_at.is_none() {
            self.vanished = true;
            return self.tell_history(Happened::Vanished, "", why.name());
        }
        let happened_at = ended_at(why, &self.alert.contact, self.alert.since, self.input.now);
        self.resolve(why, happened_at);
    }

    fn resolve(&mut self, reason: Reason, ended_at: Timestamp) {
        let now = self.input.now;
        self.alert.missed_walks = 0;
        self.alert.lapse = None;
        self.alert.resolution = Some(Resolution { at: now, ended_at, reason });
        self.tell_history(Happened::Resolved, "", reason.name());
        let told_of_ends = self.input.rules.get(&self.alert.rule).is_none_or(|rule| rule.resolved);
        // Nobody waits for news about an edit of a rule.
        if is_quiet(reason) || !told_of_ends {
            return;
        }
        for owed in escalation::at_the_end(&self.alert, &self.input.snapshot.told, now) {
            self.history.push(escalation::entry(&self.alert, &owed, now));
            self.owed.push(owed);
        }
    }

    fn acknowledge_by_reaction(&mut self, rule: &Rule, contact: &Contact) {
        if self.alert.ack.is_some() {
            return;
        }
        if let Some((by, comment)) = reaction(rule, &self.alert, contact, self.input.names) {
            self.tell_history(Happened::Acknowledged, &by, comment.clone());
            self.alert.ack = Some(Ack { at: self.input.now, by, comment });
        }
    }

    /// Judges an alert that matched when it was last seen. Nobody is notified on that knowledge alone, unless the inbox
    /// could not be asked for too long.
    fn come_of_age_unseen(&mut self, rule: &Rule) {
        let Tick { snapshot, names, now, observed, .. } = self.input;
        let (silences, id) = (snapshot.silences.as_slice(), self.alert.contact.contact_id());
        let tells = |at| due::tells(rule, &self.alert, (silences, names), at);
        if !tells(now) {
            // Firing is harmless where nobody is notified.
            if self.alert.missed_walks == 0 {
                self.fire_if_due(rule);
            }
            return;
        }
        // A contact that is missing from a complete walk waits for the next one.
        let is_known = self.alert.missed_walks == 0;
        let told = observed.late_at(&id).filter(|at| is_known && self.alert.first_seen <= *at).is_some_and(tells);
        if told {
            self.fire_if_due(rule);
        }
        self.is_due(told);
    }

    /// Notes a due moment if this poll saw the contact a while ago and somebody is notified now.
    pub(super) fn note_due(&mut self) {
        let Tick { observed, now, .. } = self.input;
        if self.tells() && !observed.is_fresh(&self.alert.contact.contact_id(), now) {
            self.is_due(true);
        }
    }

    /// Whether somebody is notified now that the customer waits.
    pub(super) fn tells(&self) -> bool {
        self.owed.iter().any(|owed| owed.event.is_of_waiting())
    }

    pub(super) fn alert(&self) -> &Alert {
        &self.alert
    }

    /// Notes that the inbox must be asked; `told`: people are notified even without that.
    fn is_due(&mut self, told: bool) {
        let Alert { rule, contact, since, .. } = &self.alert;
        self.due = Some(DueMoment { rule: rule.clone(), contact: contact.clone(), since: *since, told });
    }

    /// Fires an alert that is known to match, if it is due, and adds what is owed.
    pub(super) fn fire_if_due(&mut self, rule: &Rule) {
        let now = self.input.now;
        if !self.alert.is_open() || self.vanished || self.alert.lapse.is_some() {
            return;
        }
        if self.alert.fired_at.is_none() {
            if rule.elapsed(self.alert.since, now) < rule.r#for {
                if self.before.is_none() {
                    self.tell_history(Happened::Pending, "", "");
                }
                return;
            }
            // The time is when it fell due, not when it was looked at: the grids of the steps begin there.
            let due = rule.after(self.alert.since, rule.r#for).unwrap_or(now);
            self.alert.fired_at = Some(due.max(self.alert.first_seen).min(now));
            self.tell_history(Happened::Firing, "", "");
        }
        let silences = &self.input.snapshot.silences;
        let severity = rule.severity.name();
        if self.alert.ack.is_some() || silence_of(silences, &self.alert, severity, self.input.names, now).is_some() {
            return;
        }
        let due = escalation::by_steps(rule, &mut self.alert, now);
        self.owed.extend(due.owed);
        self.history.extend(due.history);
    }

    fn tell_history(&mut self, happened: Happened, who: &str, detail: impl Into<String>) {
        self.history.push(Entry::of(&self.alert, happened, self.input.now).who(who).detail(detail));
    }

    /// Adds the result to what is to be committed.
    pub(super) fn into_changes(self, changes: &mut Changes, due: &mut Vec<DueMoment>) {
        due.extend(self.due);
        changes.history.extend(self.history);
        if self.vanished {
            // An alert that was never stored need not be forgotten.
            changes.vanished.extend(self.before.map(|alert| alert.id.clone()));
            return;
        }
        changes.owed.extend(self.owed);
        if self.before != Some(&self.alert) {
            changes.alerts.push(self.alert);
        }
    }
}

/// Whether an end is not reported to anybody.
fn is_quiet(reason: Reason) -> bool {
    matches!(reason, Reason::RuleChanged | Reason::RuleRemoved)
}
