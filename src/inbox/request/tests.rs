//! The body against the provider's page: `tests/fixtures/` holds its list of fields and its example.

use jiff::SignedDuration;
use serde_json::Value;

use super::body;
use crate::{
    inbox::testing::{Open, inbox, noon},
    model::{
        Filter,
        filter::{FilterKey, TimeRange, Wanted, When},
    },
    sandbox::validate,
};

const EXAMPLE: &str = include_str!("../../../tests/fixtures/inbox-request.json");
const FIELDS: &str = include_str!("../../../tests/fixtures/inbox-fields.json");

fn documented() -> Vec<String> {
    let fields: Value = serde_json::from_str(FIELDS).unwrap();
    serde_json::from_value(fields["request"].clone()).unwrap()
}

fn paths(value: &Value, prefix: &str, found: &mut Vec<String>) {
    let Value::Object(object) = value else { return };
    for (name, value) in object {
        let path = format!("{prefix}{name}");
        found.push(path.clone());
        paths(value, &format!("{path}."), found);
    }
}

fn everything() -> Filter {
    let list = |text: &str| vec![text.to_owned()];
    let range = TimeRange { start: Some(When::Ago(SignedDuration::from_hours(1))), end: Some(When::At(noon())) };
    let since = Some(When::Ago(SignedDuration::from_hours(24)));
    Filter::default()
        .with(FilterKey::SearchText, "ravi")
        .with(FilterKey::Tags, list("vip"))
        .with(FilterKey::Status, list("OPEN"))
        .with(FilterKey::IsOnline, true)
        .with(FilterKey::BotWebsite, list("b1"))
        .with(FilterKey::BotWhatsapp, list("b2"))
        .with(FilterKey::BotTelegram, list("b3"))
        .with(FilterKey::BotFacebook, list("b4"))
        .with(FilterKey::AgentAssigned, list("a1"))
        .with(FilterKey::Segments, list("s1"))
        .with(FilterKey::LastSeenAt, range)
        .with(FilterKey::CreatedAt, range)
        .with(FilterKey::UserInteracted, true)
        .with(FilterKey::LastMessageBy, list("user"))
        .with(FilterKey::IsLiveChatActive, true)
        .with(FilterKey::HasOrdered, Wanted::Order { placed: true, since })
        .with(FilterKey::IsContact, true)
}

#[test]
fn the_body_has_the_documented_fields_and_no_other() {
    for filter in [Filter::default(), everything()] {
        let mut found = Vec::new();
        paths(&body(&filter, 1, noon()), "", &mut found);
        assert_eq!(found, documented());
    }
}

#[test]
fn the_page_s_example_to_the_byte() {
    let filter = Filter::default().with(FilterKey::UserInteracted, true).with(FilterKey::IsContact, true);
    let listed = filter.listing(Some(vec!["userInteracted".to_owned()]));
    let example: Value = serde_json::from_str(EXAMPLE).unwrap();
    assert_eq!(body(&listed, 1, noon()).to_string(), example.to_string());
}

#[test]
fn an_empty_filter_has_the_documented_empty_values() {
    let mut example: Value = serde_json::from_str(EXAMPLE).unwrap();
    example["applicableFilters"] = Value::Array(Vec::new());
    example["userInteracted"] = Value::Bool(false);
    example["isContact"] = Value::Bool(false);
    example["page"] = Value::from(7);
    assert_eq!(body(&Filter::default(), 7, noon()).to_string(), example.to_string());
}

#[test]
fn a_full_filter_says_and_lists_everything() {
    let body = body(&everything(), 3, noon());
    assert_eq!(body["lastSeenAt"]["startAt"], "2026-06-12T11:00:00.000Z");
    assert_eq!(body["createdAt"]["endsAt"], "2026-06-12T12:00:00.000Z");
    assert_eq!(body["hasOrdered"]["status"], true);
    assert_eq!(body["hasOrdered"]["lastAt"], "2026-06-11T12:00:00.000Z");
    assert_eq!(body["_botTelegram"][0], "b3");
    assert_eq!(body["page"], 3);
    let mut listed: Vec<String> = serde_json::from_value(body["applicableFilters"].clone()).unwrap();
    listed.sort();
    let mut filters: Vec<String> = documented()
        .into_iter()
        .filter(|path| !path.contains('.') && !["applicableFilters", "page", "isExport"].contains(&path.as_str()))
        .collect();
    filters.sort();
    assert_eq!(listed, filters);
}

#[tokio::test]
async fn the_sandbox_demands_the_same_fields_and_takes_the_body() {
    assert_eq!(validate::FIELDS.map(|(path, _)| path.to_owned()).to_vec(), documented());
    let inbox = inbox(10).await;
    for filter in [Filter::default(), everything()] {
        assert!(inbox.client().page(&Open::default(), &filter, 1, noon()).await.unwrap().is_empty());
    }
}
