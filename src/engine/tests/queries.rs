//! The fewest queries that serve all rules.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::json;

use super::fixtures::{noon, rule};
use crate::{
    engine::plan,
    model::{
        Contact, Filter,
        filter::{FilterKey, TimeRange, Wanted, When},
    },
    rules::Rule,
};

fn shared(rules: Vec<Rule>) -> Vec<Arc<Rule>> {
    rules.into_iter().map(Arc::new).collect()
}

#[test]
fn rules_share_walks() {
    let one = "[filter]\nstatus = ['OPEN']";
    let two = "[filter]\nstatus = ['OPEN', 'REVIEW']";
    let online = "[filter]\nstatus = ['OPEN']\nisOnline = true";
    let listed = "[filter]\nstatus = ['OPEN']\napplicableFilters = ['status']";
    let all = "description = 'all'";
    for (texts, expected) in [
        (vec![], vec![]),
        (vec![one], vec!["0"]),
        (vec![one, one], vec!["01"]),
        (vec![one, two], vec!["01"]),
        (vec![two, online, one], vec!["012"]),
        (vec![online, one, all], vec!["012"]),
        (vec!["[filter]\nstatus = ['REVIEW']", one], vec!["0", "1"]),
        // A filter with `applicableFilters` has its own walk.
        (vec![one, listed, listed], vec!["0", "12"]),
        (
            vec!["[filter]\nlastSeenAt = { startAt = '-1h' }", "[filter]\nlastSeenAt = { startAt = '-2h' }"],
            vec!["0", "1"],
        ),
    ] {
        let rules = shared(texts.iter().enumerate().map(|(at, text)| rule(&at.to_string(), text)).collect());
        let queries = plan::queries(&rules);
        assert_eq!(queries.iter().map(|query| query.rules.concat()).collect::<Vec<_>>(), expected, "{texts:?}");
    }
}

#[test]
fn different_filters_have_different_ids() {
    let filters = [
        Filter::default(),
        Filter::default().with(FilterKey::AgentAssigned, vec![String::new()]),
        Filter::default().with(FilterKey::Tags, vec![String::new()]),
        Filter::default().with(FilterKey::Tags, vec![String::new(), String::new()]),
        Filter::default().with(FilterKey::Tags, vec!["a".to_owned()]),
        Filter::default().with(FilterKey::Tags, vec!["a".to_owned(), "b".to_owned()]),
        Filter::default().with(FilterKey::Tags, vec!["ab".to_owned()]),
        Filter::default().with(FilterKey::Segments, vec!["a".to_owned()]),
        Filter::default().listing(Some(vec![])),
        Filter::default().listing(Some(vec![String::new()])),
        Filter::default()
            .with(FilterKey::HasOrdered, Wanted::Order { placed: false, since: Some(When::Ago(SignedDuration::ZERO)) }),
    ];
    for (at, one) in filters.iter().enumerate() {
        for (other_at, other) in filters.iter().enumerate() {
            assert_eq!(one.fingerprint() == other.fingerprint(), at == other_at, "{one:?} {other:?}");
        }
    }
}

fn words(of: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop::sample::select(of).prop_map(str::to_owned), 0..3)
}

fn when() -> impl Strategy<Value = Option<When>> {
    prop::sample::select(vec![
        None,
        Some(When::Ago(SignedDuration::from_hours(1))),
        Some(When::Ago(SignedDuration::from_hours(3))),
        Some(When::At(noon() - SignedDuration::from_hours(2))),
    ])
}

prop_compose! {
    fn filter()(
        search_text in prop::sample::select(vec!["", "", "ann", "ANN", "55"]),
        (tags, status, agent_assigned, segments, last_message_by) in
            (words(&["a", "b"]), words(&["OPEN", "CLOSED"]), words(&["x", ""]), words(&["a", "b"]), words(&["user", "bot"])),
        (website, telegram) in (words(&["w"]), words(&["t"])),
        applicable in prop::option::weighted(0.2, words(&["tags"])),
        (start, end, created, ordered_since) in (when(), when(), when(), when()),
        flags in prop::array::uniform5(prop::bool::weighted(0.3)),
    ) -> Filter {
        let [is_online, user_interacted, is_live_chat_active, has_ordered, is_contact] = flags;
        Filter::default()
            .with(FilterKey::SearchText, search_text)
            .with(FilterKey::Tags, tags)
            .with(FilterKey::Status, status)
            .with(FilterKey::IsOnline, is_online)
            .with(FilterKey::BotWebsite, website)
            .with(FilterKey::BotTelegram, telegram)
            .with(FilterKey::AgentAssigned, agent_assigned)
            .with(FilterKey::Segments, segments)
            .with(FilterKey::LastSeenAt, TimeRange { start, end })
            .with(FilterKey::CreatedAt, TimeRange { start: created, end: None })
            .with(FilterKey::UserInteracted, user_interacted)
            .with(FilterKey::LastMessageBy, last_message_by)
            .with(FilterKey::IsLiveChatActive, is_live_chat_active)
            .with(FilterKey::HasOrdered, Wanted::Order { placed: has_ordered, since: ordered_since })
            .with(FilterKey::IsContact, is_contact)
            .listing(applicable)
    }
}

prop_compose! {
    fn contact()(
        name in prop::sample::select(vec!["", "Ann", "Joanna", "Bob"]),
        phone in prop::sample::select(vec!["", "5551", "44"]),
        (tags, segments) in (words(&["a", "b", "c"]), words(&["a", "b"])),
        status in prop::sample::select(vec!["OPEN", "CLOSED", ""]),
        (agent, by) in (prop::sample::select(vec!["x", "", "y"]), prop::sample::select(vec!["user", "bot", ""])),
        (website, telegram) in (prop::sample::select(vec!["w", ""]), prop::sample::select(vec!["t", ""])),
        hours in prop::array::uniform3(0..5_i64),
        flags in prop::array::uniform5(prop::bool::weighted(0.7)),
    ) -> Contact {
        let ago = |hours: i64| if hours == 0 { String::new() } else { (noon() - SignedDuration::from_hours(hours)).to_string() };
        Contact::read(json!({
            "_id": "c", "status": status, "_agentAssigned": agent, "segments": segments,
            "_botWebsite": website, "_botTelegram": telegram, "lastMessage": { "by": by },
            "isOnline": flags[0], "userInteracted": flags[1], "isLiveChatActive": flags[2], "isContact": flags[4],
            "hasOrdered": { "status": flags[3], "lastAt": ago(hours[0]) },
            "lastSeenAt": ago(hours[1]), "createdAt": ago(hours[2]),
            "profile": { "userDetails": { "name": name, "tags": tags, "contact": { "phone": { "number": phone } } } },
        })).unwrap()
    }
}

fn of(filter: Filter, at: usize) -> Arc<Rule> {
    Arc::new(Rule { name: at.to_string(), filter, ..rule("r", "description = ''") })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn what_covers_returns_whatever_the_other_does(
        filters in prop::collection::vec(filter(), 1..6),
        contacts in prop::collection::vec(contact(), 20),
        drop in prop::array::uniform5(any::<bool>()),
    ) {
        let now: Timestamp = noon();
        // A filter without some of its parts covers another one often enough for a meaningful test.
        let mut all = filters.clone();
        for filter in &filters {
            let without = |drop: bool, keys: &[FilterKey], filter: Filter| {
                let keys = if drop { keys } else { &[] };
                keys.iter().fold(filter, |filter, key| filter.without(*key))
            };
            let mut wider = without(drop[0], &[FilterKey::Status], filter.clone());
            wider = without(drop[1], &[FilterKey::IsOnline, FilterKey::HasOrdered], wider);
            wider = without(drop[2], &[FilterKey::LastSeenAt, FilterKey::HasOrdered], wider);
            wider = without(drop[3], &[FilterKey::BotWebsite, FilterKey::BotTelegram, FilterKey::SearchText], wider);
            if drop[4] {
                let tags = wider.get(FilterKey::Tags).map(|tags| tags.list().to_vec()).unwrap_or_default();
                wider = wider.with(FilterKey::Tags, [tags, vec!["b".to_owned()]].concat());
            }
            all.push(wider);
        }
        for wide in &all {
            prop_assert!(wide.covers(wide));
            for narrow in all.iter().filter(|narrow| wide.covers(narrow)) {
                for contact in &contacts {
                    prop_assert!(!narrow.passes(contact, now) || wide.passes(contact, now), "{:?} {:?}", wide, narrow);
                }
            }
        }
    }

    #[test]
    fn every_rule_is_served_by_what_covers_it(filters in prop::collection::vec(filter(), 0..8)) {
        let rules: Vec<_> = filters.into_iter().enumerate().map(|(at, filter)| of(filter, at)).collect();
        let queries = plan::queries(&rules);
        for rule in &rules {
            let serving: Vec<_> = queries.iter().filter(|query| query.rules.contains(&rule.name)).collect();
            prop_assert!(!serving.is_empty());
            prop_assert!(serving.iter().all(|query| query.filter.covers(&rule.filter)));
        }
        for (at, query) in queries.iter().enumerate() {
            let spare = queries.iter().enumerate().any(|(other, wider)| other != at && wider.filter.covers(&query.filter));
            prop_assert!(!spare, "a walk that another one makes needless: {:?}", query);
        }
        prop_assert_eq!(plan::queries(&rules), queries, "the same again");
    }
}
