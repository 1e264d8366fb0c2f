//! What the loops share: rules, templates, names.

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use parking_lot::{Mutex, RwLock};

use super::metrics::Metrics;
use crate::{
    engine::successor::Roster,
    model::{Alert, Names},
    render::{Renderer, RuleWords},
    rules::{RuleSet, Severity, hours::Count},
    store::FaultPoints,
};

/// What an admin edits while it runs.
#[derive(Debug)]
pub struct Live {
    pub rules: RuleSet,
    pub renderer: Renderer,
    /// Rules with mistakes, each with the first of them as one line.
    pub mistakes: Vec<(String, String)>,
    /// What the files held just before they were read.
    pub files: Fingerprint,
}

/// What the files hold: an edit makes it another one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    pub rules: String,
    /// Of the templates; `None`: they cannot all be read.
    pub templates: Option<String>,
}

/// What all loops read; edits and names of segments come in while running.
pub struct Shared {
    live: ArcSwap<Live>,
    /// Addresses of conversations, by inbox.
    pub links: BTreeMap<String, String>,
    /// The zone of times in messages.
    pub timezone: TimeZone,
    names: RwLock<Arc<Names>>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Templates that were rendered since the start: with the fault and its time, or well.
    templates: Mutex<BTreeMap<String, Option<(String, Timestamp)>>>,
    /// Who is told in whose place.
    pub roster: Roster,
    /// By how much our clock is ahead of each inbox's API.
    ahead: Mutex<BTreeMap<String, SignedDuration>>,
    /// Who hears of the points between two steps.
    pub points: FaultPoints,
}

impl Shared {
    /// What is shared, with the names of the configuration.
    pub fn new(live: Live, links: BTreeMap<String, String>, timezone: TimeZone, names: Names) -> Self {
        let metrics = Arc::<Metrics>::default();
        metrics.rules(live.rules.rules.len(), live.mistakes.len());
        Self {
            live: ArcSwap::from_pointee(live),
            links,
            timezone,
            names: RwLock::new(Arc::new(names)),
            metrics,
            templates: Mutex::default(),
            roster: Roster::default(),
            ahead: Mutex::default(),
            points: None,
        }
    }

    /// A point between two steps: a crash here must lose nothing.
    pub fn at(&self, point: &'static str) {
        self.points.iter().for_each(|hear| hear(point));
    }

    /// Our clock is ahead of the API's of this inbox by so much.
    pub fn learn_clock(&self, inbox: &str, ahead: SignedDuration) {
        self.ahead.lock().insert(inbox.to_owned(), ahead);
    }

    /// An alert with its times by our clock, which is what all that is sent goes by.
    pub fn by_our_clock(&self, alert: &Alert) -> Alert {
        let ahead = self.ahead.lock().get(&alert.inbox).copied();
        alert.clone().moved(ahead.unwrap_or_default())
    }

    /// A template was rendered for a message, with a fault or without.
    pub fn rendered(&self, template: &str, fault: Option<&str>, now: Timestamp) {
        let mut templates = self.templates.lock();
        let before = templates.get(template).cloned().flatten();
        let since = before.map_or(now, |(_, since)| since);
        templates.insert(template.to_owned(), fault.map(|fault| (fault.to_owned(), since)));
    }

    /// Templates that were rendered since the start: with the fault and its time, or well.
    pub fn templates(&self) -> BTreeMap<String, Option<(String, Timestamp)>> {
        self.templates.lock().clone()
    }

    /// Rules and templates as they are now: one look at them is used for all of a step.
    pub fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    /// Rules and templates were edited.
    pub fn replace(&self, live: Live) {
        self.metrics.reloaded(!live.mistakes.is_empty());
        self.metrics.rules(live.rules.rules.len(), live.mistakes.len());
        self.live.store(Arc::new(live));
    }

    /// How much of a customer's wait was in open hours, where the rule counts in them.
    pub fn waiting_open(&self, alert: &Alert, now: Timestamp) -> Option<SignedDuration> {
        let live = self.live();
        let hours = live.rules.get(&alert.rule)?.hours.as_ref().filter(|hours| hours.count == Count::Business)?;
        let until = alert.resolution.as_ref().map_or(now, |end| end.ended_at);
        Some(hours.open_between(alert.since, until))
    }

    /// The names as they are now.
    pub fn names(&self) -> Arc<Names> {
        Arc::clone(&self.names.read())
    }

    /// Takes names of segments in.
    pub fn learn_segments(&self, segments: &BTreeMap<String, String>) {
        let mut names = self.names.write();
        if segments.iter().any(|(id, name)| names.segments.get(id) != Some(name)) {
            let mut learned = Names::clone(&names);
            learned.segments.extend(segments.iter().map(|(id, name)| (id.clone(), name.clone())));
            *names = Arc::new(learned);
        }
    }

    /// What messages say of a rule; of one that is gone, its name.
    pub fn words(&self, rule: &str) -> RuleWords {
        let live = self.live();
        let known = live.rules.get(rule);
        RuleWords {
            name: rule.to_owned(),
            description: known.map(|rule| rule.description.clone()).unwrap_or_default(),
            severity: known.map_or(Severity::default(), |rule| rule.severity).name().to_owned(),
            timezone: self.timezone.clone(),
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("live", &self.live).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        diagnose::Source,
        model::{Contact, Reason, Resolution},
        rules::{
            Known,
            compile::{Compiled, compile},
        },
    };

    fn shared(clock: &str) -> Shared {
        let text = format!("[hours]\nopen = ['mon-fri 09:00-18:00']\nclock = '{clock}'\n[[notify]]\nto = ['support']");
        let receivers = ["support".to_owned()];
        let known = Known { receivers: &receivers, ..Known::default() };
        let Compiled::Rule(rule) = compile("r", &Source::new("r.toml", text), &known, &mut Vec::new()) else {
            panic!()
        };
        let rules = RuleSet { rules: vec![Arc::from(rule)], ..RuleSet::default() };
        let live = Live {
            rules,
            renderer: Renderer::built_in(&crate::receivers::formats()),
            mistakes: Vec::new(),
            files: Fingerprint::default(),
        };
        Shared::new(live, BTreeMap::new(), TimeZone::UTC, Names::default())
    }

    #[test]
    fn the_part_of_a_wait_in_open_hours() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        // From a Friday evening to the Monday morning after it.
        let (wrote, now) = (at("2026-06-12T17:50:00Z"), at("2026-06-15T09:37:00Z"));
        let contact = Contact::read(serde_json::json!({ "_id": "c" })).unwrap();
        let firing = Alert::begin("main", "r", contact, wrote, wrote);
        assert_eq!(shared("business").waiting_open(&firing, now), Some(SignedDuration::from_mins(47)));
        assert_eq!(shared("wall").waiting_open(&firing, now), None);
        let ended_at = at("2026-06-12T17:55:00Z");
        let end = Resolution { at: now, ended_at, reason: Reason::AnsweredByAgent };
        let over = Alert { resolution: Some(end), ..firing.clone() };
        assert_eq!(shared("business").waiting_open(&over, now), Some(SignedDuration::from_mins(5)));
        let other = Alert { rule: "gone".to_owned(), ..firing };
        assert_eq!(shared("business").waiting_open(&other, now), None);
    }
}
