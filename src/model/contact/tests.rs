//! Tests the record against the provider's page, and with records that are not as documented.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Contact, Unreadable};
use crate::{
    inbox::testing::{Open, inbox, noon},
    model::{Filter, field::FieldKind},
};

const FIELDS: &str = include_str!("../../../tests/fixtures/inbox-fields.json");
const EXAMPLE: &str = include_str!("../../../tests/fixtures/inbox-response.json");

fn fields() -> Value {
    serde_json::from_str(FIELDS).unwrap()
}

/// A value of every documented field that is not the empty one.
fn sample(kind: &FieldKind, path: &str) -> Value {
    match kind {
        FieldKind::Text => Value::from(format!("{path}'s text")),
        FieldKind::Number => Value::from(path.len()),
        FieldKind::Flag => Value::from(true),
        FieldKind::Time => Value::from(format!("2026-06-12T08:13:{:02}.369Z", path.len())),
        FieldKind::List(entry) => json!([sample(entry, path), sample(entry, &format!("{path}2"))]),
        FieldKind::Object(fields) => fields
            .iter()
            .map(|(name, kind)| {
                let path = if path.is_empty() { (*name).to_owned() } else { format!("{path}.{name}") };
                ((*name).to_owned(), sample(kind, &path))
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

fn read(mut changes: Value) -> Contact {
    let object = changes.as_object_mut().unwrap();
    object.entry("_id").or_insert_with(|| "c1".into());
    Contact::read(changes).unwrap()
}

#[test]
fn every_documented_field_and_no_other() {
    let documented: BTreeSet<String> = serde_json::from_value(fields()["response"].clone()).unwrap();
    let known: BTreeSet<String> = Contact::kind().paths().into_iter().collect();
    assert_eq!(documented.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "not read");
    // An object that only contains documented fields has no line of its own on the page.
    let around = |path: &String| documented.iter().any(|field| field.starts_with(&format!("{path}.")));
    let invented: Vec<_> = known.difference(&documented).filter(|path| !around(path)).collect();
    assert_eq!(invented, Vec::<&String>::new(), "not on the page");
}

#[test]
fn every_documented_field_of_an_entry_and_no_other() {
    let entries: serde_json::Map<String, Value> = serde_json::from_value(fields()["entries"].clone()).unwrap();
    for (path, names) in entries {
        let kind = Contact::kind();
        let Some(FieldKind::List(entry)) = kind.at(&path.split('.').collect::<Vec<_>>()) else { panic!("{path}") };
        assert_eq!(json!(entry.paths()), names, "{path}");
    }
}

#[test]
fn a_full_record_stays_as_it_is() {
    let mut full = sample(&Contact::kind(), "");
    let contact = Contact::read(full.clone()).unwrap();
    assert!(contact.extra.is_empty(), "{:?}", contact.extra);
    assert!(contact.unreadable_fields.is_empty(), "{:?}", contact.unreadable_fields);
    full["extra"] = json!({});
    assert_eq!(contact.json(), full);
    assert_eq!(Contact::read(full).unwrap(), contact);
}

#[tokio::test]
async fn a_full_record_comes_whole_through_the_wire() {
    let full = sample(&Contact::kind(), "");
    let inbox = inbox(10).await;
    inbox.sandbox.put(full.clone()).unwrap();
    let page = inbox.client().page(&Open::default(), &Filter::default(), 1, noon()).await.unwrap();
    assert_eq!((page.contacts.len(), page.unreadable), (1, 0));
    assert_eq!(page.contacts[0], Contact::read(full).unwrap());
}

#[test]
fn the_page_s_example_is_understood_completely() {
    let example: Value = serde_json::from_str(EXAMPLE).unwrap();
    let contact = Contact::read(example["data"][0].clone()).unwrap();
    assert_eq!((contact.extra.len(), contact.unreadable_fields.len()), (0, 0));
    assert_eq!(contact.last_message.text, "I am here to help you.");
    assert_eq!(contact.unread_message[0].user_id, "5fed38e56fb193dcc6c933f5");
}

#[test]
fn without_anything_a_record_has_the_documented_empty_values() {
    let contact = read(json!({}));
    let mut empty = Contact::kind().empty();
    empty["_id"] = "c1".into();
    empty["extra"] = json!({});
    assert_eq!(contact.json(), empty);
    let nulls: serde_json::Map<String, Value> = match Contact::kind() {
        FieldKind::Object(fields) => fields.into_iter().map(|(name, _)| (name.to_owned(), Value::Null)).collect(),
        _ => panic!("a record is an object"),
    };
    let mut nulls = Value::Object(nulls);
    nulls["_id"] = "c1".into();
    assert_eq!(Contact::read(nulls).unwrap(), contact);
}

#[test]
fn what_cannot_be_anybody_is_unreadable() {
    for (value, why) in [
        (json!("text"), Unreadable::NoObject),
        (json!(null), Unreadable::NoObject),
        (json!([{ "_id": "c1" }]), Unreadable::NoObject),
        (json!({}), Unreadable::NoId),
        (json!({ "_id": "" }), Unreadable::NoId),
        (json!({ "_id": "  " }), Unreadable::NoId),
        (json!({ "_id": null }), Unreadable::NoId),
        (json!({ "_id": ["c1"] }), Unreadable::NoId),
        (json!({ "_id": { "id": "c1" } }), Unreadable::NoId),
    ] {
        assert_eq!(Contact::read(value.clone()), Err(why), "{value}");
    }
    assert_eq!(Contact::read(json!({ "_id": { "$oid": "c1" } })).unwrap().id, "c1");
    assert_eq!(Contact::read(json!({ "_id": 17 })).unwrap().id, "17");
}

#[test]
fn undocumented_fields_are_kept_under_their_path() {
    let given = json!({
        "mood": "calm",
        "lastMessage": { "by": "user", "kind": "IMAGE" },
        "unreadMessage": [{ "userId": "a1", "muted": true }],
        "profile": { "userDetails": { "contact": { "fax": 1 } } },
    });
    let contact = read(given);
    let kept = json!({
        "mood": "calm", "lastMessage.kind": "IMAGE", "unreadMessage.0.muted": true,
        "profile.userDetails.contact.fax": 1,
    });
    assert_eq!(Value::Object(contact.extra.clone()), kept);
    assert!(contact.unreadable_fields.is_empty());
    assert_eq!(Contact::read(contact.json()).unwrap(), contact);
}

#[test]
fn a_field_that_is_itself_called_extra_is_kept() {
    for value in [json!(5), json!("more"), json!(null), json!([1])] {
        let contact = read(json!({ "extra": value }));
        assert_eq!(contact.extra.get("extra"), Some(&value));
        assert_eq!(Contact::read(contact.json()).unwrap(), contact);
    }
}

#[test]
fn what_is_nested_without_end_can_be_kept() {
    // This is the deepest nesting that the JSON of an answer can have.
    let deep = format!("{{\"_id\":\"a\",\"x\":{}{},\"extra\":{{\"y\":1}}}}", "[".repeat(126), "]".repeat(126));
    let contact = Contact::read(serde_json::from_str(&deep).unwrap()).unwrap();
    let kept = contact.json().to_string();
    assert!(Contact::read(serde_json::from_str(&kept).unwrap()).unwrap() == contact);
    assert!(kept.contains(&format!("\"x\":{}null", "[".repeat(32))), "{kept}");
}

#[test]
fn new_enum_values_stay_as_they_are() {
    let contact = read(json!({
        "status": "SNOOZED", "chatBotType": "HYBRID", "platform": ["TEAMS"], "lastMessage": { "by": "supervisor" },
    }));
    assert_eq!((contact.status.as_str(), contact.chat_bot_type.as_str()), ("SNOOZED", "HYBRID"));
    assert_eq!((contact.platform(), contact.last_message.by.as_str()), ("TEAMS".to_owned(), "supervisor"));
    assert!(contact.unreadable_fields.is_empty());
}

#[test]
fn doubts_name_the_field() {
    let contact = read(json!({
        "lastMessage": "yesterday", "unreadMessages": "many", "isImported": [], "status": { "now": "OPEN" },
        "profile": { "userDetails": { "tags": ["vip", { "name": "new" }, null, "old"], "name": ["Ravi"] } },
        "createdAt": "soon",
    }));
    let mut doubts = contact.unreadable_fields.clone();
    doubts.sort();
    let expected = [
        "createdAt",
        "isImported",
        "lastMessage",
        "profile.userDetails.name",
        "profile.userDetails.tags.1",
        "status",
        "unreadMessages",
    ];
    assert_eq!(doubts, expected);
    assert_eq!(contact.profile.user_details.tags, ["vip", "old"]);
}

#[test]
fn of_two_readings_the_newer_one_stays() {
    let at = |at: Value| read(json!({ "updatedAt": at, "status": at }));
    for (first, second, stays) in [
        (json!("2026-06-12T08:00:00Z"), json!("2026-06-12T08:00:01Z"), 2),
        (json!("2026-06-12T08:00:01Z"), json!("2026-06-12T08:00:00Z"), 1),
        (json!("2026-06-12T08:00:00Z"), json!("2026-06-12T08:00:00.000Z"), 2),
        (json!("2026-06-12T08:00:00Z"), json!(""), 2),
        (json!(""), json!("2026-06-12T08:00:00Z"), 2),
        (json!("2026-06-12T08:00:00Z"), json!("soon"), 2),
    ] {
        let (one, two) = (at(first.clone()), at(second.clone()));
        let expected = if stays == 1 { one.clone() } else { two.clone() };
        assert_eq!(one.newer(two).status, expected.status, "{first} {second}");
    }
}

/// Any JSON, often with the documented names.
fn anything() -> impl Strategy<Value = Value> {
    let names: Vec<String> = Contact::kind()
        .paths()
        .iter()
        .map(|path| path.rsplit('.').next().unwrap().to_owned())
        .chain(["extra", "$oid", "$date", "key", "value", "count", "userId"].map(str::to_owned))
        .collect();
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC*".prop_map(Value::from),
        "[0-9]{0,20}".prop_map(Value::from),
        "-?[0-9]{1,9}-0[1-9]-[0-3][0-9]T0[0-9]:00:00(\\.[0-9]{1,9})?(Z|\\+14:00)?".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        let name = prop_oneof![4 => proptest::sample::select(names.clone()), 1 => "[a-z.]{0,6}"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((name, inner), 0..8).prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_panics_and_what_was_read_stays(value in anything(), id in "[a-z0-9]{1,4}") {
        let _ = Contact::read(value.clone());
        let Value::Object(mut object) = value else { return Ok(()) };
        object.insert("_id".to_owned(), id.into());
        let contact = Contact::read(Value::Object(object)).unwrap();
        let _ = (contact.name(), contact.platform(), contact.bot_id().len(), contact.search_text());
        let again = Contact::read(contact.json()).unwrap();
        // What was in doubt has its empty value by now.
        prop_assert!(again.unreadable_fields.is_empty());
        prop_assert_eq!(again.json(), contact.json());
        prop_assert!(again.record == contact.record && again.extra == contact.extra);
    }
}

#[test]
fn a_name_that_shows_nothing_gives_way_to_the_next_best() {
    let contact = |name: &str, given: &str, more: serde_json::Value| {
        let mut details = serde_json::json!({ "name": name, "userProvidedName": given });
        details.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Contact::read(serde_json::json!({ "_id": "c1", "profile": { "userDetails": details } })).unwrap()
    };
    let mail = || serde_json::json!({ "contact": { "email": "asha@example.com" } });
    for nothing in ["   ", "\u{200b}", "\u{3164}", "\u{2800}", "\u{301}", ".", "null", "N/A", "\u{e0041}"] {
        assert_eq!(contact(nothing, "Asha", mail()).name(), "Asha", "{nothing:?}");
        assert_eq!(contact(nothing, nothing, mail()).name(), "asha@example.com", "{nothing:?}");
        assert_eq!(contact(nothing, nothing, serde_json::json!({})).name(), "c1", "{nothing:?}");
        // The contact is not looked up by such a name either.
        assert_eq!(contact(nothing, nothing, serde_json::json!({})).search_text(), None, "{nothing:?}");
        let phone = serde_json::json!({ "contact": { "phone": { "prefix": "+91", "number": "9812345678.0" } } });
        // The inbox knows the number as it came.
        assert_eq!(contact(nothing, nothing, phone).search_text().as_deref(), Some("9812345678.0"));
    }
}
