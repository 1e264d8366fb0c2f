//! Tests of every filter on this side: what passes, which filters one walk may serve, and the fingerprints.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};
use strum::VariantArray;

use super::{Filter, FilterKey, TimeRange, Wanted, When};
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

fn with(key: FilterKey, wanted: impl Into<Wanted>) -> Filter {
    Filter::default().with(key, wanted)
}

/// One filter each, and a record that passes it; an empty record passes none of them.
fn each() -> Vec<(Filter, Value)> {
    let details = |details: Value| json!({ "profile": { "userDetails": details } });
    let order = |placed, since| with(FilterKey::HasOrdered, Wanted::Order { placed, since });
    vec![
        (with(FilterKey::Tags, list(&["vip", "new"])), details(json!({ "tags": ["old", "new"] }))),
        (with(FilterKey::Status, list(&["OPEN", "REVIEW"])), json!({ "status": "REVIEW" })),
        (with(FilterKey::IsOnline, true), json!({ "isOnline": true })),
        (with(FilterKey::BotWebsite, list(&["b"])), json!({ "_botWebsite": "b" })),
        (with(FilterKey::BotWhatsapp, list(&["b"])), json!({ "_botWhatsapp": "b" })),
        (with(FilterKey::BotTelegram, list(&["b"])), json!({ "_botTelegram": "b" })),
        (with(FilterKey::BotFacebook, list(&["b"])), json!({ "_botFacebook": "b" })),
        (with(FilterKey::AgentAssigned, list(&["a"])), json!({ "_agentAssigned": "a" })),
        (with(FilterKey::Segments, list(&["s"])), json!({ "segments": ["r", "s"] })),
        (with(FilterKey::LastSeenAt, hour()), json!({ "lastSeenAt": "2026-06-12T11:00:00Z" })),
        (with(FilterKey::CreatedAt, hour()), json!({ "createdAt": "2026-06-12T11:59:59Z" })),
        (with(FilterKey::UserInteracted, true), json!({ "userInteracted": true })),
        (with(FilterKey::LastMessageBy, list(&["user"])), json!({ "lastMessage": { "by": "user" } })),
        (with(FilterKey::IsLiveChatActive, true), json!({ "isLiveChatActive": true })),
        (order(true, None), json!({ "hasOrdered": { "status": true } })),
        (
            order(false, Some(When::Ago(SignedDuration::from_hours(1)))),
            json!({ "hasOrdered": { "status": true, "lastAt": "2026-06-12T11:30:00Z" } }),
        ),
        (with(FilterKey::IsContact, true), json!({ "isContact": true })),
        (with(FilterKey::SearchText, "RAVI"), details(json!({ "name": "Mr. Ravi Kumar" }))),
    ]
}

#[test]
fn every_key_is_tried() {
    let tried: BTreeSet<FilterKey> =
        each().iter().flat_map(|(filter, _)| filter.used().map(|(key, _)| key).collect::<Vec<_>>()).collect();
    assert_eq!(tried.into_iter().collect::<Vec<_>>(), FilterKey::VARIANTS);
}

#[test]
fn the_fingerprints_of_a_stored_state_stay() {
    let time = When::At("2026-06-12T08:00:00Z".parse().unwrap());
    let full = with(FilterKey::SearchText, "ravi")
        .with(FilterKey::Tags, list(&["vip", "new"]))
        .with(FilterKey::Status, list(&["OPEN"]))
        .with(FilterKey::IsOnline, true)
        .with(FilterKey::BotTelegram, list(&["t"]))
        .with(FilterKey::AgentAssigned, list(&["a"]))
        .with(FilterKey::Segments, list(&["s"]))
        .with(
            FilterKey::LastSeenAt,
            TimeRange { start: Some(When::Ago(SignedDuration::from_hours(1))), end: Some(time) },
        )
        .with(FilterKey::CreatedAt, hour())
        .with(FilterKey::LastMessageBy, list(&["user"]))
        .with(FilterKey::HasOrdered, Wanted::Order { placed: false, since: Some(time) })
        .with(FilterKey::IsContact, true);
    for (filter, expected) in [
        (Filter::default(), "||||||||||||||||00000"),
        (
            full.clone(),
            "ravi|vip;new;|OPEN;|||t;||a;|s;|user;||-3600000|2026-06-12T08:00:00Z|-3600000||2026-06-12T08:00:00Z|10001",
        ),
        (
            full.listing(Some(list(&["tags"])))
                .with(FilterKey::HasOrdered, Wanted::Order { placed: true, since: None }),
            "ravi|vip;new;|OPEN;|||t;||a;|s;|user;|=tags;|-3600000|2026-06-12T08:00:00Z|-3600000|||10011",
        ),
    ] {
        let readable = filter.fingerprint().replace('\u{1f}', ";").replace('\u{1e}', "|");
        assert_eq!(readable, expected);
    }
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
    let wide = with(FilterKey::Status, list(&["OPEN", "REVIEW"]));
    let narrow = with(FilterKey::Status, list(&["OPEN"])).with(FilterKey::IsOnline, true);
    assert!(wide.covers(&narrow) && !narrow.covers(&wide));
    let listed = wide.clone().listing(Some(list(&["status"])));
    assert!(listed.covers(&listed.clone()) && !listed.covers(&narrow) && !Filter::default().covers(&listed));
}

#[test]
fn listing_no_filter_is_not_leaving_the_list_out() {
    let none = Filter::default().listing(Some(Vec::new()));
    assert_ne!(none.fingerprint(), Filter::default().fingerprint());
}

#[test]
fn a_search_finds_phones_however_they_are_written() {
    let phone = |prefix: &str| {
        let phone = json!({ "prefix": prefix, "number": "9812345678" });
        contact(json!({ "profile": { "userDetails": { "contact": { "phone": phone } } } }))
    };
    for search in ["9812345678", "919812345678", "+919812345678", " 98123 ".trim_end(), "45678"] {
        let filter = with(FilterKey::SearchText, search);
        assert!(filter.passes(&phone("+91"), now()) && filter.passes(&phone("91"), now()), "{search}");
        assert!(!filter.passes(&contact(json!({})), now()), "{search}");
    }
}

#[test]
fn a_narrow_query_is_within_its_own_range() {
    let since: Timestamp = "2026-06-12T11:30:00Z".parse().unwrap();
    let start = |filter: &Filter| filter.last_seen_at().start.map(|start| start.at(now()));
    assert_eq!(start(&Filter::default().narrowed(since, now())), Some(since));
    let own = with(FilterKey::LastSeenAt, hour());
    assert_eq!(start(&own.narrowed(since, now())), Some(since));
    let later = TimeRange { start: Some(When::At("2026-06-12T11:45:00Z".parse().unwrap())), end: None };
    let own = with(FilterKey::LastSeenAt, later);
    assert_eq!(start(&own.narrowed(since, now())), Some("2026-06-12T11:45:00Z".parse().unwrap()));
    let listed = Filter::default().listing(Some(list(&["tags"])));
    assert_eq!(listed.narrowed(since, now()).applicable(), ["tags", "lastSeenAt"]);
}

fn some_filter() -> impl Strategy<Value = Filter> {
    proptest::sample::subsequence((0..each().len()).collect::<Vec<_>>(), 0..4).prop_map(|chosen| {
        let all = each();
        let parts = chosen.into_iter().flat_map(|index| all[index].0.used());
        parts.fold(Filter::default(), |filter, (key, wanted)| filter.with(key, wanted.clone()))
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
