//! Tests of every filter on this side: what passes, which filters one walk may serve, and the fingerprints.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Bots, Filter, TimeRange, When};
use crate::model::Contact;

fn now() -> Timestamp {
    "2026-06-12T12:00:00Z".parse().unwrap()
}

fn contact(fields: Value) -> Contact {
    let mut fields = fields;
    fields["_id"] = "c1".into();
    Contact::read(fields).unwrap()
}

fn list(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn hour() -> TimeRange {
    TimeRange { start: Some(When::Ago(SignedDuration::from_hours(1))), end: None }
}

/// One filter each, and a record that passes it; an empty record passes none of them.
fn each() -> Vec<(Filter, Value)> {
    let of = Filter::default;
    let details = |details: Value| json!({ "profile": { "userDetails": details } });
    vec![
        (Filter { tags: list(&["vip", "new"]), ..of() }, details(json!({ "tags": ["old", "new"] }))),
        (Filter { status: list(&["OPEN", "REVIEW"]), ..of() }, json!({ "status": "REVIEW" })),
        (Filter { is_online: true, ..of() }, json!({ "isOnline": true })),
        (Filter { bots: Bots { website: list(&["b"]), ..Bots::default() }, ..of() }, json!({ "_botWebsite": "b" })),
        (Filter { bots: Bots { whatsapp: list(&["b"]), ..Bots::default() }, ..of() }, json!({ "_botWhatsapp": "b" })),
        (Filter { bots: Bots { telegram: list(&["b"]), ..Bots::default() }, ..of() }, json!({ "_botTelegram": "b" })),
        (Filter { bots: Bots { facebook: list(&["b"]), ..Bots::default() }, ..of() }, json!({ "_botFacebook": "b" })),
        (Filter { agent_assigned: list(&["a"]), ..of() }, json!({ "_agentAssigned": "a" })),
        (Filter { segments: list(&["s"]), ..of() }, json!({ "segments": ["r", "s"] })),
        (Filter { last_seen_at: hour(), ..of() }, json!({ "lastSeenAt": "2026-06-12T11:00:00Z" })),
        (Filter { created_at: hour(), ..of() }, json!({ "createdAt": "2026-06-12T11:59:59Z" })),
        (Filter { user_interacted: true, ..of() }, json!({ "userInteracted": true })),
        (Filter { last_message_by: list(&["user"]), ..of() }, json!({ "lastMessage": { "by": "user" } })),
        (Filter { is_live_chat_active: true, ..of() }, json!({ "isLiveChatActive": true })),
        (Filter { has_ordered: true, ..of() }, json!({ "hasOrdered": { "status": true } })),
        (
            Filter { ordered_since: Some(When::Ago(SignedDuration::from_hours(1))), ..of() },
            json!({ "hasOrdered": { "status": true, "lastAt": "2026-06-12T11:30:00Z" } }),
        ),
        (Filter { is_contact: true, ..of() }, json!({ "isContact": true })),
        (Filter { search_text: "RAVI".to_owned(), ..of() }, details(json!({ "name": "Mr. Ravi Kumar" }))),
    ]
}

#[test]
fn each_filter_holds_back_what_does_not_pass() {
    for (filter, fields) in each() {
        let root = fields.as_object().unwrap().keys().next().unwrap().clone();
        assert!(filter.passes(&contact(fields.clone()), now()), "{fields}");
        assert!(!filter.passes(&contact(json!({})), now()), "{fields}");
        assert!(Filter::default().passes(&contact(fields), now()));
        assert!(filter.reads(&root) && !Filter::default().reads(&root), "{root}");
        assert_eq!(filter.applicable().len(), 1, "{root}");
    }
}

#[test]
fn a_walk_serves_what_it_covers_and_nothing_else() {
    let all = each();
    for (index, (filter, _)) in all.iter().enumerate() {
        assert!(Filter::default().covers(filter) && filter.covers(filter) && !filter.covers(&Filter::default()));
        for (other, _) in all.iter().skip(index + 1) {
            assert!(!filter.covers(other) && !other.covers(filter), "{filter:?} {other:?}");
            assert_ne!(filter.fingerprint(), other.fingerprint());
        }
    }
    let wide = Filter { status: list(&["OPEN", "REVIEW"]), ..Filter::default() };
    let narrow = Filter { status: list(&["OPEN"]), is_online: true, ..Filter::default() };
    assert!(wide.covers(&narrow) && !narrow.covers(&wide));
    let listed = Filter { applicable_filters: Some(list(&["status"])), ..wide.clone() };
    assert!(listed.covers(&listed.clone()) && !listed.covers(&narrow) && !Filter::default().covers(&listed));
}

#[test]
fn listing_no_filter_is_not_leaving_the_list_out() {
    let none = Filter { applicable_filters: Some(Vec::new()), ..Filter::default() };
    assert_ne!(none.fingerprint(), Filter::default().fingerprint());
}

#[test]
fn a_search_finds_phones_however_they_are_written() {
    let phone = |prefix: &str| {
        let phone = json!({ "prefix": prefix, "number": "9812345678" });
        contact(json!({ "profile": { "userDetails": { "contact": { "phone": phone } } } }))
    };
    for search in ["9812345678", "919812345678", "+919812345678", " 98123 ".trim_end(), "45678"] {
        let filter = Filter { search_text: search.to_owned(), ..Filter::default() };
        assert!(filter.passes(&phone("+91"), now()) && filter.passes(&phone("91"), now()), "{search}");
        assert!(!filter.passes(&contact(json!({})), now()), "{search}");
    }
}

#[test]
fn a_narrow_query_is_within_its_own_range() {
    let since: Timestamp = "2026-06-12T11:30:00Z".parse().unwrap();
    let start = |filter: &Filter| filter.last_seen_at.start.map(|start| start.at(now()));
    assert_eq!(start(&Filter::default().narrowed(since, now())), Some(since));
    let own = Filter { last_seen_at: hour(), ..Filter::default() };
    assert_eq!(start(&own.narrowed(since, now())), Some(since));
    let later = TimeRange { start: Some(When::At("2026-06-12T11:45:00Z".parse().unwrap())), end: None };
    let own = Filter { last_seen_at: later, ..Filter::default() };
    assert_eq!(start(&own.narrowed(since, now())), Some("2026-06-12T11:45:00Z".parse().unwrap()));
    let listed = Filter { applicable_filters: Some(list(&["tags"])), ..Filter::default() };
    assert_eq!(listed.narrowed(since, now()).applicable(), ["tags", "lastSeenAt"]);
}

fn some_filter() -> impl Strategy<Value = Filter> {
    proptest::sample::subsequence((0..each().len()).collect::<Vec<_>>(), 0..4).prop_map(|chosen| {
        let (all, mut filter) = (each(), Filter::default());
        for index in chosen {
            let other = all[index].0.clone();
            match index {
                0 => filter.tags = other.tags,
                1 => filter.status = other.status,
                2 => filter.is_online = true,
                3..=6 => filter.bots = other.bots,
                7 => filter.agent_assigned = other.agent_assigned,
                8 => filter.segments = other.segments,
                9 => filter.last_seen_at = other.last_seen_at,
                10 => filter.created_at = other.created_at,
                11 => filter.user_interacted = true,
                12 => filter.last_message_by = other.last_message_by,
                13 => filter.is_live_chat_active = true,
                14 => filter.has_ordered = true,
                15 => filter.ordered_since = other.ordered_since,
                16 => filter.is_contact = true,
                _ => filter.search_text = other.search_text,
            }
        }
        filter
    })
}

proptest! {
    #[test]
    fn whatever_passes_the_covered_passes_the_covering(
        one in some_filter(), two in some_filter(), chosen in proptest::collection::vec(any::<bool>(), 18),
    ) {
        let mut fields = json!({});
        for ((_, own), _) in each().into_iter().zip(chosen).filter(|(_, chosen)| *chosen) {
            for (name, value) in own.as_object().unwrap() {
                fields[name] = value.clone();
            }
        }
        let contact = contact(fields);
        if one.covers(&two) && two.passes(&contact, now()) {
            prop_assert!(one.passes(&contact, now()));
        }
        prop_assert_eq!(one == two, one.fingerprint() == two.fingerprint());
    }
}
