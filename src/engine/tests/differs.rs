//! Filters whose returned records do not pass the check here.

use serde_json::{Value, json};

use super::fixtures::{at, customer, noon, rule};
use crate::{
    engine::{Query, differs::Returned},
    model::snapshot::WalkMemory,
};

fn query(filter: &str) -> Query {
    let rule = rule("waiting", &format!("[filter]\n{filter}"));
    Query { id: "q".to_owned(), filter: rule.filter, rules: vec!["waiting".to_owned()] }
}

/// One walk that returned records with these values.
fn walked(query: &Query, records: &[Vec<(&str, Value)>], memory: &mut WalkMemory) -> Option<String> {
    let mut returned = Returned::default();
    for (number, changes) in records.iter().enumerate() {
        returned.add(&query.filter, &customer(&format!("c{number}"), changes), noon());
    }
    returned.note(query, memory, noon());
    memory.differs.as_ref().filter(|differs| differs.is_told()).map(|differs| differs.what.clone())
}

fn by(side: &str) -> Vec<(&'static str, Value)> {
    vec![("lastMessage.by", json!(side))]
}

#[test]
fn what_differs_is_said_by_key_and_value() {
    let told = |what: &str| Some(format!("what the filter of waiting returns does not pass it here: {what}"));
    for (filter, records, what) in [
        (
            "lastMessageBy = ['user']",
            vec![by("USER")],
            told("`lastMessageBy` asks for `user`, and the API returned `USER`"),
        ),
        // One of several values comes in another spelling, beside records that pass.
        (
            "lastMessageBy = ['user', 'bot']",
            vec![by("bot"), by("bot"), by("User ")],
            told("`lastMessageBy` asks for `user`, and the API returned another spelling of it"),
        ),
        (
            "lastMessageBy = ['user']",
            vec![by("customer"), by("visitor")],
            told("`lastMessageBy` asks for `user`, and all 2 records that the API returned have `customer`, `visitor`"),
        ),
        (
            "status = ['OPEN', 'INPROGRESS']",
            vec![vec![("status", json!("Waiting for us"))], vec![("status", json!("NEW"))]],
            told("`status` asks for `OPEN` or `INPROGRESS`, and all 2 records that the API returned have `NEW`"),
        ),
        (
            "_agentAssigned = ['a1']",
            vec![vec![], vec![("_agentAssigned", json!("A2"))]],
            told("`_agentAssigned` asks for `a1`, and all 2 records that the API returned have `A2`, no value"),
        ),
        (
            "isLiveChatActive = true",
            vec![vec![], vec![]],
            told("`isLiveChatActive` asks for `true`, and all 2 records that the API returned have other values"),
        ),
        (
            "tags = ['a customer']",
            vec![vec![], vec![]],
            told("`tags`: all 2 records that the API returned have other values"),
        ),
        (
            "userInteracted = true\nlastMessageBy = ['bot']",
            vec![by("BOT"), by("BOT")],
            told("`lastMessageBy` asks for `bot`, and the API returned `BOT`"),
        ),
        // No record, records that pass, and one that was answered a moment ago.
        ("lastMessageBy = ['user']", vec![], None),
        ("lastMessageBy = ['user']", vec![by("user"), by("user")], None),
        ("lastMessageBy = ['user']", vec![by("user"), by("agent")], None),
        ("lastMessageBy = ['user']", vec![by("agent")], None),
    ] {
        assert_eq!(walked(&query(filter), &records, &mut WalkMemory::default()), what, "{filter} {records:?}");
    }
}

#[test]
fn one_record_twice_is_no_chance_and_an_empty_answer_says_nothing() {
    let query = query("lastMessageBy = ['user']");
    let mut memory = WalkMemory::default();
    assert_eq!(walked(&query, &[by("customer")], &mut memory), None);
    assert_eq!(walked(&query, &[], &mut memory), None);
    assert!(walked(&query, &[by("customer")], &mut memory).is_some());
    assert!(walked(&query, &[], &mut memory).is_some());
    assert_eq!(walked(&query, &[by("user")], &mut memory), None);
    assert_eq!(memory, WalkMemory::default());
}

#[test]
fn a_filter_that_the_api_does_not_apply_is_none_that_differs() {
    let query = query("lastMessageBy = ['user']");
    let mut memory = WalkMemory::default();
    assert_eq!(walked(&query, &[by("user"), by("agent"), by("bot")], &mut memory), None);
    // At night nobody waits.
    assert_eq!(walked(&query, &[by("agent"), by("bot"), by("bot")], &mut memory), None);
    assert!(walked(&query, &[by("USER"), by("bot")], &mut memory).is_some(), "another spelling is one all the same");
    assert!(at(0) == memory.differs.unwrap().since);
}
