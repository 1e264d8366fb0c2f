//! Sample messages with which every template is tried before it is used.
//!
//! They find what the check of names cannot: JSON that an empty list breaks, a helper that gets the wrong kind of
//! value. All texts are made up.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    diagnose::{Diagnostic, Source},
    model::{Alert, Contact, Event, Names, Privacy, Reason, Resolution, names::Agent},
};

use super::{AlertView, MessageView, RuleWords, file::TemplateFile, mistakes, places::Places, renderer::Renderer};

const AGENT: &str = "5fed38e56fb193dcc6c933f5";
const BOT: &str = "6891d66c35b30cd878987865";
const HOSTILE: &str = "\"}}]} <!channel> {{text}} \\ \n</td> & '\u{202e}";

/// Tries a file with every sample; returns `false` if it fails with one of them, which is then reported.
pub(super) fn try_out(
    renderer: &Renderer,
    folder: &str,
    file: TemplateFile,
    source: &Arc<Source>,
    found: &mut Vec<Diagnostic>,
) -> bool {
    for (what, event, alerts, listed) in samples() {
        let rule = rule();
        let told: Vec<AlertView<'_>> =
            alerts.iter().map(|alert| AlertView { alert, rule: &rule, waiting_open: None }).collect();
        let names = names();
        let telling = MessageView {
            event,
            rule: &rule,
            inbox: "main",
            receiver: "support",
            step: 0,
            alerts: &told,
            max_listed: listed,
            privacy: Privacy::Full,
            names: &names,
            contact_link: None,
            delayed: None,
            now: now(),
        };
        if let Err(failure) = renderer.try_file(folder, file, &telling) {
            let places = Places::new(&source.text);
            let place = match failure.place {
                Some((line, column)) => places.tag(places.byte(line, column)),
                None => 0..0,
            };
            let wording = mistakes::sample_failed(&failure.what, failure.given.as_deref());
            found.push(Diagnostic::error(source, place, wording).label(format!("tried with {what}")));
            return false;
        }
    }
    true
}

fn now() -> Timestamp {
    // 2026-06-12T08:20:00Z; any fixed time would do.
    Timestamp::from_second(1_781_252_400).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn rule() -> RuleWords {
    RuleWords {
        name: "unanswered".to_owned(),
        description: "A customer wrote and nobody has answered".to_owned(),
        severity: "warning".to_owned(),
        timezone: TimeZone::UTC,
    }
}

fn names() -> Names {
    let mut names = Names::default();
    names.agents.insert(AGENT.to_owned(), Agent { name: "Asha".to_owned(), slack: Some("U012AB3CD".to_owned()) });
    names.bots.insert(BOT.to_owned(), "Sales bot".to_owned());
    names
}

/// A description, the event, the alerts, and how many of them are listed.
fn samples() -> Vec<(&'static str, Event, Vec<Alert>, usize)> {
    let many = || vec![alert(&full("a")), alert(&bare("b")), alert(&hostile("c"))];
    let over = |alerts: Vec<Alert>| alerts.into_iter().map(resolved).collect::<Vec<_>>();
    vec![
        ("one waiting customer", Event::Fired, vec![alert(&full("a"))], 10),
        ("a customer of whom nothing is known", Event::Fired, vec![alert(&bare("b"))], 10),
        ("a customer with hostile texts", Event::Fired, vec![alert(&hostile("c"))], 10),
        ("three waiting customers", Event::Fired, many(), 10),
        ("more customers than are listed", Event::Fired, many(), 2),
        ("a customer who still waits", Event::Repeated, vec![alert(&full("a"))], 10),
        ("three customers who still wait", Event::Repeated, many(), 10),
        ("one answered customer", Event::Resolved, over(vec![alert(&full("a"))]), 10),
        ("an answered customer of whom nothing is known", Event::Resolved, over(vec![alert(&bare("b"))]), 10),
        ("three answered customers", Event::Resolved, over(many()), 10),
    ]
}

fn full(id: &str) -> Value {
    json!({
        "_id": id,
        "platform": ["WHATSAPP"],
        "_botWhatsapp": BOT,
        "_agentAssigned": AGENT,
        "status": "OPEN",
        "segments": ["s1", "s2"],
        "unreadMessages": 2,
        "lastMessage": { "by": "user", "at": "2026-06-12T08:13:00Z", "text": "Hello?\nIs anybody there?" },
        "profile": {
            "userDetails": {
                "name": "Ravi Kumar",
                "contact": { "email": "ravi@example.com", "phone": { "prefix": "+91", "number": "9812345678" } },
                "whatsAppNumber": "919812345678",
                "city": "Pune",
                "tags": ["vip", "new"],
                "attributes": [{ "key": "plan", "value": "gold" }],
            },
            "notes": [{ "title": "Note", "description": "Wants a call", "_id": "n1" }],
        },
    })
}

fn bare(id: &str) -> Value {
    json!({ "_id": id })
}

fn hostile(id: &str) -> Value {
    json!({
        "_id": id,
        "platform": [HOSTILE],
        "lastMessage": { "by": "user", "at": "2026-06-12T08:13:00Z", "text": HOSTILE },
        "profile": {
            "userDetails": { "name": HOSTILE, "city": HOSTILE, "tags": [HOSTILE] },
            "notes": [{ "title": HOSTILE, "description": HOSTILE }],
        },
    })
}

fn alert(contact: &Value) -> Alert {
    let contact = Contact::read(contact.clone()).unwrap_or_else(|_| Contact {
        record: crate::model::contact::Record::default(),
        extra: serde_json::Map::new(),
        unreadable_fields: Vec::new(),
    });
    let since = now() - SignedDuration::from_mins(7);
    let begun = Alert::begin("main", "unanswered", contact, since, since);
    Alert { fired_at: Some(now() - SignedDuration::from_mins(5)), ..begun }
}

fn resolved(mut alert: Alert) -> Alert {
    alert.resolution = Some(Resolution { at: now(), ended_at: now(), reason: Reason::AnsweredByAgent });
    alert
}
