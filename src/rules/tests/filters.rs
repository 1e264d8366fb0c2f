//! Tests of every filter on this side of the API.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    diagnose::Source,
    model::{Contact, Filter},
    rules::{
        Known,
        compile::{Compiled, compile},
    },
};

fn noon() -> Timestamp {
    "2026-06-12T12:00:00Z".parse().unwrap()
}

fn filter(text: &str) -> Filter {
    let receivers = ["support".to_owned()];
    let known = Known { receivers: &receivers, ..Known::default() };
    let text = format!("[filter]\n{text}\n[[notify]]\nto = ['support']");
    let mut found = Vec::new();
    match compile("r", &Source::new("r.toml", text), &known, &mut found) {
        Compiled::Rule(rule) => rule.filter,
        _ => panic!("{found:?}"),
    }
}

fn contact(mut changes: Value) -> Contact {
    changes["_id"] = json!("c");
    Contact::read(changes).unwrap()
}

#[test]
#[allow(clippy::too_many_lines)]
fn every_filter_by_table() {
    let who = |details: Value| json!({ "profile": { "userDetails": details } });
    let nothing = || json!({});
    // The filter, contacts that pass it, contacts that do not.
    for (text, passing, failing) in [
        ("", vec![nothing()], vec![]),
        ("status = []", vec![nothing()], vec![]),
        ("isOnline = false", vec![nothing(), json!({ "isOnline": true })], vec![]),
        (
            "status = ['OPEN', 'CLOSED']",
            vec![json!({ "status": "OPEN" }), json!({ "status": "CLOSED" })],
            vec![nothing(), json!({ "status": "open" }), json!({ "status": "REVIEW" })],
        ),
        (
            "lastMessageBy = ['user']",
            vec![json!({ "lastMessage": { "by": "user" } })],
            vec![nothing(), json!({ "lastMessage": { "by": "agent" } })],
        ),
        (
            "isOnline = true",
            vec![json!({ "isOnline": true }), json!({ "isOnline": "true" }), json!({ "isOnline": 1 })],
            vec![nothing(), json!({ "isOnline": false })],
        ),
        ("userInteracted = true", vec![json!({ "userInteracted": true })], vec![nothing()]),
        ("isLiveChatActive = true", vec![json!({ "isLiveChatActive": true })], vec![nothing()]),
        ("isContact = true", vec![json!({ "isContact": true })], vec![nothing()]),
        (
            "_agentAssigned = ['a1']",
            vec![json!({ "_agentAssigned": "a1" })],
            vec![nothing(), json!({ "_agentAssigned": "a2" })],
        ),
        (
            "_agentAssigned = ['']",
            vec![nothing(), json!({ "_agentAssigned": null })],
            vec![json!({ "_agentAssigned": "a2" })],
        ),
        (
            "segments = ['s1', 's2']",
            vec![json!({ "segments": ["s9", "s2"] })],
            vec![nothing(), json!({ "segments": ["s9"] })],
        ),
        (
            "tags = ['vip']",
            vec![who(json!({ "tags": ["new", "vip"] }))],
            vec![nothing(), who(json!({ "tags": ["VIP"] }))],
        ),
        (
            "_botWebsite = ['b1']",
            vec![json!({ "_botWebsite": "b1" })],
            vec![nothing(), json!({ "_botWebsite": "b2" }), json!({ "_botTelegram": "b1" })],
        ),
        ("_botWhatsapp = ['b1']", vec![json!({ "_botWhatsapp": "b1" })], vec![nothing()]),
        ("_botTelegram = ['b1']", vec![json!({ "_botTelegram": "b1" })], vec![nothing()]),
        ("_botFacebook = ['b1']", vec![json!({ "_botFacebook": "b1" })], vec![nothing()]),
        // A contact talks with one bot only, so several platforms are alternatives.
        (
            "_botWebsite = ['b1']\n_botTelegram = ['b2']",
            vec![json!({ "_botWebsite": "b1" }), json!({ "_botTelegram": "b2" })],
            vec![nothing(), json!({ "_botWebsite": "b2" })],
        ),
        (
            "lastSeenAt = { startAt = '-1h' }",
            vec![json!({ "lastSeenAt": "2026-06-12T11:00:00Z" }), json!({ "lastSeenAt": "2026-06-12T13:00:00Z" })],
            vec![nothing(), json!({ "lastSeenAt": "2026-06-12T10:59:59Z" }), json!({ "lastSeenAt": "never" })],
        ),
        (
            "lastSeenAt = { endsAt = '-1h' }",
            vec![json!({ "lastSeenAt": "2026-06-12T11:00:00Z" })],
            vec![nothing(), json!({ "lastSeenAt": "2026-06-12T11:00:01Z" })],
        ),
        ("lastSeenAt = { startAt = '', endsAt = '' }", vec![nothing()], vec![]),
        (
            "createdAt = { startAt = '2026-06-01', endsAt = '2026-06-02' }",
            vec![json!({ "createdAt": "2026-06-01T00:00:00Z" }), json!({ "createdAt": "2026-06-02T00:00:00Z" })],
            vec![nothing(), json!({ "createdAt": "2026-06-02T00:00:01Z" })],
        ),
        (
            "hasOrdered = { status = true }",
            vec![json!({ "hasOrdered": { "status": true } })],
            vec![nothing(), json!({ "hasOrdered": { "status": false } })],
        ),
        (
            "hasOrdered = { lastAt = '-7d' }",
            vec![json!({ "hasOrdered": { "status": true, "lastAt": "2026-06-10T00:00:00Z" } })],
            vec![
                nothing(),
                json!({ "hasOrdered": { "status": true } }),
                json!({ "hasOrdered": { "status": true, "lastAt": "2026-06-01T00:00:00Z" } }),
            ],
        ),
        (
            "searchText = 'ravi'",
            vec![
                who(json!({ "name": "Ravi Kumar" })),
                who(json!({ "userProvidedName": "RAVI" })),
                who(json!({ "contact": { "email": "ravi@example.com" } })),
            ],
            vec![nothing(), who(json!({ "name": "Asha" }))],
        ),
        (
            "searchText = '9198'",
            vec![
                who(json!({ "whatsAppNumber": "919812345678" })),
                who(json!({ "contact": { "phone": { "prefix": "+91", "number": "9812345678" } } })),
            ],
            vec![nothing()],
        ),
        (
            "status = ['OPEN']\nisOnline = true",
            vec![json!({ "status": "OPEN", "isOnline": true })],
            vec![json!({ "status": "OPEN" }), json!({ "isOnline": true })],
        ),
        // `applicableFilters` changes the request, not which contacts pass.
        ("isOnline = true\napplicableFilters = []", vec![json!({ "isOnline": true })], vec![nothing()]),
    ] {
        let filter = filter(text);
        for record in passing {
            assert!(filter.passes(&contact(record.clone()), noon()), "{text}: {record}");
        }
        for record in failing {
            assert!(!filter.passes(&contact(record.clone()), noon()), "{text}: {record}");
        }
    }
}

#[test]
fn equal_text_in_two_unicode_forms_passes() {
    let (one, two) = ("Andr\u{e9}", "Andre\u{301}");
    for (written, stored) in [(one, two), (two, one)] {
        let who = contact(json!({
            "status": stored, "segments": [stored],
            "profile": { "userDetails": { "name": format!("{stored} L."), "tags": [stored] } },
        }));
        for text in ["tags = ['X']", "segments = ['X']", "status = [{ raw = 'X' }]", "searchText = 'X l'"] {
            assert!(filter(&text.replace('X', written)).passes(&who, noon()), "{text}");
        }
        assert!(!filter("tags = ['Andre']").passes(&who, noon()));
        // Both forms are the same filter.
        assert_eq!(filter(&format!("tags = ['{one}']")), filter(&format!("tags = ['{two}']")));
    }
}

#[test]
fn what_is_used_is_listed_unless_the_rule_lists_it() {
    for (text, listed) in [
        ("", vec![]),
        ("isOnline = false\nstatus = []", vec![]),
        (
            "status = ['OPEN']\nlastMessageBy = ['user']\nsearchText = 'x'",
            vec!["searchText", "status", "lastMessageBy"],
        ),
        ("hasOrdered = { lastAt = '-7d' }", vec!["hasOrdered"]),
        ("lastSeenAt = { endsAt = '-1h' }\ncreatedAt = { startAt = '-1h' }", vec!["lastSeenAt", "createdAt"]),
        ("status = ['OPEN']\napplicableFilters = []", vec![]),
        ("status = ['OPEN']\napplicableFilters = ['tags']", vec!["tags"]),
    ] {
        assert_eq!(filter(text).applicable(), listed, "{text}");
    }
}

#[test]
fn a_narrowed_filter_is_never_wider() {
    let since: Timestamp = "2026-06-12T11:58:00Z".parse().unwrap();
    for text in [
        "",
        "lastSeenAt = { startAt = '-1h' }",
        "lastSeenAt = { startAt = '-1m' }",
        "status = ['OPEN']\napplicableFilters = ['status']",
    ] {
        let wide = filter(text);
        let narrow = wide.narrowed(since, noon());
        for seen in ["2026-06-12T10:00:00Z", "2026-06-12T11:30:00Z", "2026-06-12T11:58:30Z", "2026-06-12T11:59:30Z"] {
            let contact = contact(json!({ "status": "OPEN", "lastSeenAt": seen }));
            let expected = wide.passes(&contact, noon()) && seen >= "2026-06-12T11:58:00Z";
            assert_eq!(narrow.passes(&contact, noon()), expected, "{text} {seen}");
        }
        assert!(narrow.applicable().contains(&"lastSeenAt".to_owned()), "{text}");
    }
}
