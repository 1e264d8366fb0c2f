//! Customers for conditions and messages.

use jiff::SignedDuration;
use pengwatch::inside::{
    Agent, Alert, AlertView, Contact, Event, MessageView, Names, Privacy, Reason, Resolution, RuleWords,
};
use serde_json::{Value, json};

use super::now;

/// The text of hostile customers. Nothing that pengwatch or an admin writes has `zq` in it.
pub const HOSTILE: &str = "<!zq> </zq> \"}}]} {{zq}} \\ & '\n\u{1b}[31m\u{202e}zq";

pub const AGENT: &str = "5fed38e56fb193dcc6c933f5";
pub const BOT: &str = "6891d66c35b30cd878987865";
pub const LINK: &str = "https://app.example.com/inbox/{{contact._id}}";

/// An empty, a complete and a hostile customer.
pub fn some() -> Vec<Contact> {
    let full = json!({
        "_id": "6a2bbf60b1e0d1b5a9f0c001",
        "platform": ["WHATSAPP"],
        "_botWhatsapp": BOT,
        "_agentAssigned": AGENT,
        "status": "OPEN",
        "segments": ["s1", "s2"],
        "unreadMessages": 2,
        "isLiveChatActive": true,
        "lastSeenAt": "2026-06-12T08:14:00Z",
        "createdAt": "2025-11-30T00:00:00Z",
        "lastMessage": { "by": "user", "at": "2026-06-12T08:13:00Z", "text": "Hello?\nIs anybody there?" },
        "hasOrdered": { "status": true, "lastAt": "2026-05-01T00:00:00Z" },
        "plan": "gold",
        "profile": {
            "userDetails": {
                "name": "Ravi Kumar",
                "contact": { "email": "ravi@example.com", "phone": { "prefix": "+91", "number": "9812345678" } },
                "whatsAppNumber": "919812345678",
                "tags": ["vip", "new"],
                "attributes": [{ "key": "plan", "value": "gold" }],
            },
            "notes": [{ "title": "Note", "description": "Wants a call", "_id": "n1" }],
        },
    });
    let hostile = json!({
        "_id": HOSTILE,
        "platform": [HOSTILE],
        "status": HOSTILE,
        "lastMessage": { "by": HOSTILE, "at": "2026-06-12T08:13:00Z", "text": HOSTILE },
        HOSTILE: { HOSTILE: HOSTILE },
        "profile": {
            "userDetails": {
                "name": HOSTILE, "city": HOSTILE, "tags": [HOSTILE], "attributes": [{ "key": HOSTILE, "value": HOSTILE }],
            },
            "notes": [{ "title": HOSTILE, "description": HOSTILE }],
        },
    });
    read(vec![json!({ "_id": "6a2bbf60b1e0d1b5a9f0c002" }), full, hostile])
}

/// Those that can be read.
pub fn read(records: Vec<Value>) -> Vec<Contact> {
    records.into_iter().filter_map(|record| Contact::read(record).ok()).collect()
}

pub fn names() -> Names {
    let mut names = Names::default();
    names.agents.insert(AGENT.to_owned(), Agent { name: "Asha".to_owned(), slack: Some("U012AB3CD".to_owned()) });
    names.bots.insert(BOT.to_owned(), "Sales bot".to_owned());
    names
}

/// Their alerts; with a reason, ended ones.
pub fn alerts(contacts: &[Contact], end: Option<Reason>) -> Vec<Alert> {
    let one = |(at, contact): (u32, &Contact)| {
        let since = now() - SignedDuration::from_mins(7 + i64::from(at));
        let mut alert = Alert::begin("main", "unanswered", contact.clone(), since, since);
        alert.fired_at = Some(now() - SignedDuration::from_mins(5));
        alert.resolution = end.map(|reason| Resolution { at: now(), ended_at: now(), reason });
        alert
    };
    (0..).zip(contacts).map(one).collect()
}

/// Renders a message about these alerts.
pub fn tell<T>(event: Event, alerts: &[Alert], privacy: Privacy, then: impl FnOnce(&MessageView<'_>) -> T) -> T {
    let rule = RuleWords {
        name: "unanswered".to_owned(),
        description: "A customer wrote and nobody has answered".to_owned(),
        severity: "warning".to_owned(),
        timezone: jiff::tz::TimeZone::get("Asia/Kolkata").expect("a zone"),
    };
    let told: Vec<AlertView<'_>> =
        alerts.iter().map(|alert| AlertView { alert, rule: &rule, waiting_open: None }).collect();
    then(&MessageView {
        event,
        rule: &rule,
        inbox: "main",
        receiver: "support",
        step: 0,
        alerts: &told,
        max_listed: 10,
        privacy,
        names: &names(),
        contact_link: Some(LINK),
        delayed: None,
        now: now(),
    })
}
