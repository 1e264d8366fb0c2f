//! Customers, rules and tellings to test with.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    model::{Alert, Body, Contact, Event, Names, Privacy, Reason, Resolution, names::Agent},
    render::{AlertView, Format, MessageView, Rendered, Renderer, RuleWords},
};

pub(super) const AGENT: &str = "5fed38e56fb193dcc6c933f5";
pub(super) const BOT: &str = "6891d66c35b30cd878987865";
pub(super) const LINK: &str = "https://app.example.com/inbox/{{contact._id}}";

pub(super) fn now() -> Timestamp {
    "2026-06-12T08:20:52Z".parse().unwrap()
}

pub(super) fn rule() -> RuleWords {
    RuleWords {
        name: "unanswered".to_owned(),
        description: "A customer wrote and nobody has answered".to_owned(),
        severity: "warning".to_owned(),
        timezone: TimeZone::get("Asia/Kolkata").unwrap(),
    }
}

pub(super) fn names() -> Names {
    let mut names = Names::default();
    names.agents.insert(AGENT.to_owned(), Agent { name: "Asha".to_owned(), slack: Some("U012AB3CD".to_owned()) });
    names.bots.insert(BOT.to_owned(), "Sales bot".to_owned());
    names.segments.insert("s1".to_owned(), "Returning".to_owned());
    names
}

/// A customer with everything.
pub(super) fn ravi() -> Value {
    json!({
        "_id": "6a2bbf60b1e0d1b5a9f0c001",
        "platform": ["WHATSAPP"],
        "_botWhatsapp": BOT,
        "_agentAssigned": AGENT,
        "uuid": "secret-session",
        "status": "OPEN",
        "segments": ["s1"],
        "unreadMessages": 2,
        "lastMessage": { "by": "user", "at": "2026-06-12T08:13:52.369Z", "text": "Hello?\nWhere is my order?" },
        "conversationSummary": { "summary": "secret-summary" },
        "secretExtra": "secret-extra",
        "profile": {
            "userDetails": {
                "name": "Ravi Kumar",
                "picture": "https://secret-picture.example",
                "contact": { "email": "secret@example.com", "phone": { "prefix": "+91", "number": "9812345678" } },
                "whatsAppNumber": "919812345678",
                "telegramUserName": "secret-telegram",
                "userProvidedName": "secret-name",
                "city": "secret-city",
                "tags": ["vip", "new"],
                "attributes": [{ "key": "secret-key", "value": "secret-value" }],
            },
            "notes": [{ "title": "secret-title", "description": "secret-note", "_id": "n1" }],
            "marketing": { "urlsVisited": ["https://secret-page.example"] },
            "device": { "ip": "203.0.113.9", "browser": "secret-browser" },
        },
    })
}

/// A customer who wrote nothing and gave no name.
pub(super) fn nobody() -> Value {
    json!({ "_id": "6a2bbf60b1e0d1b5a9f0c002", "platform": ["WEBSITE"] })
}

/// A customer with the given name and text.
pub(super) fn customer(id: &str, name: &str, text: &str) -> Value {
    json!({
        "_id": id,
        "platform": ["WEBSITE"],
        "lastMessage": { "by": "user", "at": "2026-06-12T08:13:52.369Z", "text": text },
        "profile": { "userDetails": { "name": name, "tags": [name] } },
    })
}

pub(super) fn alert(contact: Value, waiting: &str) -> Alert {
    let contact = Contact::read(contact).unwrap();
    let since = now() - waiting.parse::<SignedDuration>().unwrap();
    let begun = Alert::begin("main", "unanswered", contact, since, since);
    Alert { fired_at: Some(since + SignedDuration::from_secs(30)), ..begun }
}

pub(super) fn resolved(mut alert: Alert, reason: Reason) -> Alert {
    alert.resolution = Some(Resolution { at: now(), ended_at: now() - SignedDuration::from_secs(5), reason });
    alert
}

/// Twelve waiting customers, in no order.
pub(super) fn twelve() -> Vec<Alert> {
    (0..12_i64)
        .map(|at| {
            let id = format!("6a2bbf60b1e0d1b5a9f0c1{at:02}");
            let minutes = (at * 5) % 12 * 7 + 3;
            alert(customer(&id, &format!("Customer {at}"), &format!("Question {at}")), &format!("PT{minutes}M"))
        })
        .collect()
}

/// What one message is to be made of, with what most tests leave as it is.
pub(super) struct Case {
    pub(super) event: Event,
    pub(super) alerts: Vec<Alert>,
    pub(super) privacy: Privacy,
    pub(super) link: Option<&'static str>,
    pub(super) max_listed: usize,
    pub(super) waiting_open: Option<SignedDuration>,
}

impl Case {
    pub(super) fn fired(alerts: Vec<Alert>) -> Self {
        Self {
            event: Event::Fired,
            alerts,
            privacy: Privacy::Full,
            link: Some(LINK),
            max_listed: 10,
            waiting_open: None,
        }
    }

    pub(super) fn resolved(alerts: Vec<Alert>) -> Self {
        Self { event: Event::Resolved, ..Self::fired(alerts) }
    }

    pub(super) fn tell<T>(&self, then: impl FnOnce(&MessageView<'_>) -> T) -> T {
        let (rule, names) = (rule(), names());
        let alerts: Vec<AlertView<'_>> =
            self.alerts.iter().map(|alert| AlertView { alert, rule: &rule, waiting_open: self.waiting_open }).collect();
        then(&MessageView {
            event: self.event,
            rule: &rule,
            inbox: "main",
            receiver: "support",
            step: 0,
            alerts: &alerts,
            max_listed: self.max_listed,
            privacy: self.privacy,
            names: &names,
            contact_link: self.link,
            delayed: None,
            now: now(),
        })
    }

    pub(super) fn render(&self, renderer: &Renderer, template: &str, format: Format) -> Rendered {
        self.tell(|telling| renderer.render(template, format, telling))
    }

    /// The built-in message; it must not have failed.
    pub(super) fn built_in(&self, format: Format) -> Body {
        let rendered = self.render(&Renderer::built_in(), "alert", format);
        assert_eq!(rendered.fault, None);
        rendered.body
    }
}

/// A body as people read it.
pub(super) fn shown(body: &Body) -> String {
    match body {
        Body::Slack { payload } | Body::Webhook { payload } => {
            let value: Value = serde_json::from_str(payload).unwrap();
            serde_json::to_string_pretty(&value).unwrap()
        }
        Body::Email { subject, text, html } => format!("SUBJECT {subject}\n\nTEXT\n{text}\n\nHTML\n{html}"),
        Body::Console { text } => text.clone(),
    }
}

pub(super) fn slack(body: &Body) -> Value {
    let Body::Slack { payload } = body else { panic!("no Slack body") };
    serde_json::from_str(payload).unwrap()
}
