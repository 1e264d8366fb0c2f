//! Customers, rules and messages to test with.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    model::{Alert, Body, Contact, Event, Names, Privacy, Reason, Resolution, names::Agent},
    receivers::{
        console::kind::ConsoleKind, email, email::kind::EmailKind, formats, slack, slack::kind::SlackKind,
        webhook::kind::WebhookKind,
    },
    render::{AlertView, Format, MessageView, Rendered, Renderer, RuleWords},
};

pub(crate) const SLACK: &dyn Format = &SlackKind;
pub(crate) const EMAIL: &dyn Format = &EmailKind;
pub(crate) const WEBHOOK: &dyn Format = &WebhookKind;
pub(crate) const CONSOLE: &dyn Format = &ConsoleKind;

/// Every format, by the name of its kind.
pub(crate) const FORMATS: [(&str, &dyn Format); 4] =
    [("slack", SLACK), ("email", EMAIL), ("webhook", WEBHOOK), ("console", CONSOLE)];

/// Only the built-in templates.
pub(crate) fn built_in() -> Renderer {
    Renderer::built_in(&formats())
}

pub(crate) const AGENT: &str = "5fed38e56fb193dcc6c933f5";
pub(crate) const BOT: &str = "6891d66c35b30cd878987865";
pub(crate) const LINK: &str = "https://app.example.com/inbox/{{contact._id}}";

pub(crate) fn now() -> Timestamp {
    "2026-06-12T08:20:52Z".parse().unwrap()
}

pub(crate) fn rule() -> RuleWords {
    RuleWords {
        name: "unanswered".to_owned(),
        description: "A customer wrote and nobody has answered".to_owned(),
        severity: "warning".to_owned(),
        timezone: TimeZone::get("Asia/Kolkata").unwrap(),
    }
}

pub(crate) fn names() -> Names {
    let mut names = Names::default();
    names.agents.insert(AGENT.to_owned(), Agent { name: "Asha".to_owned(), slack: Some("U012AB3CD".to_owned()) });
    names.bots.insert(BOT.to_owned(), "Sales bot".to_owned());
    names.segments.insert("s1".to_owned(), "Returning".to_owned());
    names
}

/// A customer with a value in every field that messages show.
pub(crate) fn ravi() -> Value {
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

/// A customer without a message or a name.
pub(crate) fn nobody() -> Value {
    json!({ "_id": "6a2bbf60b1e0d1b5a9f0c002", "platform": ["WEBSITE"] })
}

/// A customer with the given name and text.
pub(crate) fn customer(id: &str, name: &str, text: &str) -> Value {
    json!({
        "_id": id,
        "platform": ["WEBSITE"],
        "lastMessage": { "by": "user", "at": "2026-06-12T08:13:52.369Z", "text": text },
        "profile": { "userDetails": { "name": name, "tags": [name] } },
    })
}

pub(crate) fn alert(contact: Value, waiting: &str) -> Alert {
    let contact = Contact::read(contact).unwrap();
    let since = now() - waiting.parse::<SignedDuration>().unwrap();
    let begun = Alert::begin("main", "unanswered", contact, since, since);
    Alert { fired_at: Some(since + SignedDuration::from_secs(30)), ..begun }
}

pub(crate) fn resolved(mut alert: Alert, reason: Reason) -> Alert {
    alert.resolution = Some(Resolution { at: now(), ended_at: now() - SignedDuration::from_secs(5), reason });
    alert
}

/// Twelve waiting customers, not sorted.
pub(crate) fn twelve() -> Vec<Alert> {
    (0..12_i64)
        .map(|at| {
            let id = format!("6a2bbf60b1e0d1b5a9f0c1{at:02}");
            let minutes = (at * 5) % 12 * 7 + 3;
            alert(customer(&id, &format!("Customer {at}"), &format!("Question {at}")), &format!("PT{minutes}M"))
        })
        .collect()
}

/// The parts of one message, with defaults for what most tests do not change.
pub(crate) struct Case {
    pub(crate) event: Event,
    pub(crate) alerts: Vec<Alert>,
    pub(crate) privacy: Privacy,
    pub(crate) link: Option<&'static str>,
    pub(crate) max_listed: usize,
    pub(crate) waiting_open: Option<SignedDuration>,
}

impl Case {
    pub(crate) fn fired(alerts: Vec<Alert>) -> Self {
        Self {
            event: Event::Fired,
            alerts,
            privacy: Privacy::Full,
            link: Some(LINK),
            max_listed: 10,
            waiting_open: None,
        }
    }

    pub(crate) fn resolved(alerts: Vec<Alert>) -> Self {
        Self { event: Event::Resolved, ..Self::fired(alerts) }
    }

    pub(crate) fn tell<T>(&self, then: impl FnOnce(&MessageView<'_>) -> T) -> T {
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

    pub(crate) fn render(&self, renderer: &Renderer, template: &str, format: &dyn Format) -> Rendered {
        self.tell(|telling| renderer.render(template, format, telling))
    }

    /// The message from the built-in template, which must not fail.
    pub(crate) fn built_in(&self, format: &dyn Format) -> Body {
        let rendered = self.render(&built_in(), "alert", format);
        assert_eq!(rendered.fault, None);
        rendered.body
    }
}

/// The body as people read it.
pub(crate) fn shown(body: &Body) -> String {
    match (email::format::parts(body), FORMATS.iter().find(|(name, _)| *name == body.kind())) {
        (Some([subject, text, html]), _) => format!("SUBJECT {subject}\n\nTEXT\n{text}\n\nHTML\n{html}"),
        (None, Some((_, format))) => format.preview(body),
        (None, None) => panic!("of what kind? {body:?}"),
    }
}

/// Subject, text and HTML.
pub(crate) fn mail(body: &Body) -> [&str; 3] {
    email::format::parts(body).unwrap()
}

pub(crate) fn slack(body: &Body) -> Value {
    serde_json::from_str(slack::format::payload(body).unwrap()).unwrap()
}
