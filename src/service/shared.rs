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

/// What an admin edits while pengwatch runs.
#[derive(Debug)]
pub struct Live {
    pub rules: RuleSet,
    pub renderer: Renderer,
    /// Rules with mistakes, each with its first mistake as one line.
    pub mistakes: Vec<(String, String)>,
    /// The files' contents just before they were read.
    pub files: Fingerprint,
}

/// A fingerprint of the files' contents; it changes with every edit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    pub rules: String,
    /// The fingerprint of the templates; `None`: they cannot all be read.
    pub templates: Option<String>,
}

/// What all loops read. Edits and names of segments are added while it runs.
pub struct Shared {
    live: ArcSwap<Live>,
    /// Addresses of conversations, by inbox.
    pub links: BTreeMap<String, String>,
    /// The time zone of times in messages.
    pub timezone: TimeZone,
    names: RwLock<Arc<Names>>,
    pub metrics: Arc<Metrics>,
    /// Templates that were rendered since the start; `None`: without a fault, otherwise the fault and when it was first
    /// seen.
    templates: Mutex<BTreeMap<String, Option<(String, Timestamp)>>>,
    /// Who is notified in place of whom.
    pub roster: Roster,
    /// By how much our clock is ahead of each inbox's API.
    ahead: Mutex<BTreeMap<String, SignedDuration>>,
    /// Is notified of the points between two steps.
    pub points: FaultPoints,
}

impl Shared {
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

    /// Marks a point between two steps; a crash here must not lose anything.
    pub fn at(&self, point: &'static str) {
        self.points.iter().for_each(|hear| hear(point));
    }

    /// Remembers by how much our clock is ahead of the clock of this inbox's API.
    pub fn learn_clock(&self, inbox: &str, ahead: SignedDuration) {
        self.ahead.lock().insert(inbox.to_owned(), ahead);
    }

    /// The alert with its times by our clock, as all messages show them.
    pub fn by_our_clock(&self, alert: &Alert) -> Alert {
        let ahead = self.ahead.lock().get(&alert.inbox).copied();
        alert.clone().moved(ahead.unwrap_or_default())
    }

    /// Notes that a template was rendered for a message, and its fault.
    pub fn rendered(&self, template: &str, fault: Option<&str>, now: Timestamp) {
        let mut templates = self.templates.lock();
        let before = templates.get(template).cloned().flatten();
        let since = before.map_or(now, |(_, since)| since);
        templates.insert(template.to_owned(), fault.map(|fault| (fault.to_owned(), since)));
    }

    /// Templates that were rendered since the start; `None`: without a fault, otherwise the fault and when it was first
    /// seen.
    pub fn templates(&self) -> BTreeMap<String, Option<(String, Timestamp)>> {
        self.templates.lock().clone()
    }

    /// Rules and templates as they are now. A step loads them once, and uses these throughout.
    pub fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    /// Replaces rules and templates after an edit.
    pub fn replace(&self, live: Live) {
        self.metrics.reloaded(!live.mistakes.is_empty());
        self.metrics.rules(live.rules.rules.len(), live.mistakes.len());
        self.live.store(Arc::new(live));
    }

    /// The part of a customer's wait in open hours, if the rule counts in open hours.
    pub fn waiting_open(&self, alert: &Alert, now: Timestamp) -> Option<SignedDuration> {
        let live = self.live();
        let hours = live.rules.get(&alert.rule)?.hours.as_ref().filter(|hours| hours.count == Count::Business)?;
        let until = alert.resolution.as_ref().map_or(now, |end| end.ended_at);
        Some(hours.open_between(alert.since, until))
    }

    pub fn names(&self) -> Arc<Names> {
        Arc::clone(&self.names.read())
    }

    /// Adds names of segments.
    pub fn learn_segments(&self, segments: &BTreeMap<String, String>) {
        let mut names = self.names.write();
        if segments.iter().any(|(id, name)| names.segments.get(id) != Some(name)) {
            let mut learned = Names::clone(&names);
            learned.segments.extend(segments.iter().map(|(id, name)| (id.clone(), name.clone())));
            *names = Arc::new(learned);
        }
    }

    /// What messages say about a rule; for a rule that is gone, only its name.
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
