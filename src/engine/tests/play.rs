//! A play: one customer, one rule, and lines of what happens at what time, with the state of the alert
//! and who is owed what after each.

use jiff::{SignedDuration, Timestamp, civil::Time, tz::TimeZone};
use serde_json::json;

use super::fixtures::{COMPLETE, FAILED, Scene, customer, rule, rules};
use crate::{
    engine::{Observed, TickOutcome},
    model::{Ack, Alert, Contact, Matchers, Silence, State},
    rules::RuleSet,
};

/// What happens.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    /// A poll that sees everything, and nothing else.
    Poll,
    /// A moment between two polls.
    Tick,
    /// The customer writes; a poll sees it.
    Writes,
    /// An agent answers; a poll sees it.
    Agent,
    /// The bot answers; a poll sees it.
    Bot,
    /// An agent is assigned; a poll sees it.
    Taken,
    /// The conversation has this status; a poll sees it.
    Status(&'static str),
    /// Missing from a complete walk, and not found.
    Missing,
    /// A poll that fails.
    Fails,
    /// The rule's text is this one now.
    Edit(&'static str),
    /// The rule's file has this name now.
    Rename(&'static str),
    /// The rule's file is gone or disabled.
    Remove,
    /// The rule's file has mistakes.
    Break,
    /// The rule is silenced for this number of minutes.
    Silence(i64),
    /// The silences are ended.
    Expire,
    /// Somebody acknowledges.
    Ack,
}

/// Time (of 2026-06-12, a Friday; `+1 ` is the day after), what happens, the alert's state then, and
/// who is owed what: `support leads:repeated`; events other than `fired` are named.
pub(super) type Line = (&'static str, Deed, &'static str, &'static str);

/// One customer and one rule through time.
pub(super) struct Play {
    pub(super) scene: Scene,
    contact: Contact,
    text: String,
    name: String,
}

impl Play {
    /// The customer has not written yet.
    pub(super) fn new(text: &str) -> Self {
        let mut scene = Scene::new(rule("r", text));
        scene.now = when("00:00:00");
        let contact = customer("c", &[("unreadMessages", json!(0)), ("lastMessage.by", json!("bot"))]);
        Self { scene, contact, text: text.to_owned(), name: "r".to_owned() }
    }

    /// Performs the lines, and names the first one with an unexpected result.
    #[track_caller]
    pub(super) fn performs(&mut self, what: &str, lines: &[Line]) {
        for (time, deed, state, owed) in lines {
            let outcome = self.happens(when(time), *deed);
            let came = (self.state(&outcome), told(&outcome));
            assert_eq!(came, ((*state).to_owned(), (*owed).to_owned()), "{what}: at {time}, {deed:?}");
        }
    }

    /// One thing happens.
    pub(super) fn happens(&mut self, at: Timestamp, deed: Deed) -> TickOutcome {
        self.scene.now = at;
        let written = |by: &str, unread: i64| {
            vec![
                ("lastMessage.by", json!(by)),
                ("lastMessage.at", json!(at.to_string())),
                ("unreadMessages", json!(unread)),
            ]
        };
        match deed {
            Deed::Writes => self.changes(&written("user", 1)),
            Deed::Agent => self.changes(&written("agent", 0)),
            Deed::Bot => self.changes(&written("bot", 1)),
            Deed::Taken => self.changes(&[("_agentAssigned", json!("asha"))]),
            Deed::Status(status) => self.changes(&[("status", json!(status))]),
            Deed::Edit(text) => {
                self.text = text.to_owned();
                self.scene.rules = rules(vec![rule(&self.name, &self.text)]);
            }
            Deed::Rename(name) => {
                self.name = name.to_owned();
                self.scene.rules = rules(vec![rule(&self.name, &self.text)]);
            }
            Deed::Remove => self.scene.rules = RuleSet::default(),
            Deed::Break => {
                self.scene.rules = RuleSet { rejected: vec![self.name.clone()], ..RuleSet::default() };
            }
            Deed::Silence(minutes) => {
                let id = i64::try_from(self.scene.snapshot.silences.len()).unwrap();
                self.scene.snapshot.silences.push(Silence {
                    id,
                    matchers: Matchers { rule: Some(self.name.clone()), ..Matchers::default() },
                    created_at: at,
                    ends_at: at + SignedDuration::from_mins(minutes),
                    comment: String::new(),
                    created_by: String::new(),
                });
            }
            Deed::Expire => self.scene.snapshot.silences.iter_mut().for_each(|silence| silence.ends_at = at),
            Deed::Ack => {
                let ack = Ack { at, by: "asha".to_owned(), comment: String::new() };
                self.scene.snapshot.alerts.iter_mut().for_each(|alert| alert.ack = Some(ack.clone()));
            }
            Deed::Poll | Deed::Tick | Deed::Missing | Deed::Fails => {}
        }
        match deed {
            Deed::Missing => self.scene.poll(&[], COMPLETE),
            Deed::Fails => {
                let observed = Observed { fresh: false, ..super::fixtures::saw(&[], &self.scene.rules, FAILED) };
                self.scene.tick(&observed)
            }
            Deed::Poll | Deed::Writes | Deed::Agent | Deed::Bot | Deed::Taken | Deed::Status(_) => {
                let contact = self.contact.clone();
                self.scene.poll(&[contact], COMPLETE)
            }
            _ => self.scene.tick(&Observed::between_polls()),
        }
    }

    fn changes(&mut self, changes: &[(&str, serde_json::Value)]) {
        let mut record = self.contact.json();
        for (path, value) in changes {
            let pointer = format!("/{}", path.replace('.', "/"));
            *record.pointer_mut(&pointer).unwrap() = value.clone();
        }
        self.contact = Contact::read(record).unwrap();
    }

    /// The alert, if there is an open one.
    pub(super) fn alert(&self) -> Option<&Alert> {
        self.scene.snapshot.alerts.first()
    }

    /// `resolved` in the tick in which it ends, with the reason.
    fn state(&self, outcome: &TickOutcome) -> String {
        let ended = outcome.changes.alerts.iter().find_map(|alert| alert.resolution.as_ref());
        match (ended, self.alert().map(Alert::state)) {
            (Some(end), _) => end.reason.phrase().to_owned(),
            (None, Some(State::Firing)) if self.alert().is_some_and(|alert| alert.lapse.is_some()) => {
                "lapsed".to_owned()
            }
            (None, Some(state)) => state.name().to_owned(),
            (None, None) => String::new(),
        }
    }
}

/// A time of the play.
pub(super) fn when(text: &str) -> Timestamp {
    let (days, time) = match text.split_once(' ') {
        Some((days, time)) => (days.parse().unwrap(), time),
        None => (0, text),
    };
    let day = jiff::civil::date(2026, 6, 12).saturating_add(jiff::Span::new().days(days));
    day.to_datetime(time.parse::<Time>().unwrap()).to_zoned(TimeZone::UTC).unwrap().timestamp()
}

/// Who is owed what, by name.
pub(super) fn told(outcome: &TickOutcome) -> String {
    let mut told: Vec<String> = outcome
        .changes
        .owed
        .iter()
        .map(|owed| match owed.event {
            crate::model::Event::Fired => owed.receiver.clone(),
            event => format!("{}:{}", owed.receiver, event.name()),
        })
        .collect();
    told.sort();
    told.join(" ")
}
