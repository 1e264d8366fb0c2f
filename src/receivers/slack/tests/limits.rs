//! Slack's limits.

use serde_json::{Value, json};

use crate::{
    receivers::slack::limits,
    render::tests::{
        fixtures::{Case, SLACK, slack, twelve},
        hostile::within_limits,
    },
};

fn payload(given: Value) -> Value {
    let Value::Object(given) = given else { panic!("no object") };
    limits::payload(given, "fallback")
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

#[test]
fn too_many_blocks() {
    let blocks: Vec<Value> = (0..60).map(|at| section(&format!("block {at}"))).collect();
    let cut = payload(json!({ "text": "t", "blocks": blocks[..50] }));
    assert_eq!(cut["blocks"].as_array().unwrap().len(), 50);
    assert_eq!(cut["blocks"][49]["text"]["text"], "block 49");
    let cut = payload(json!({ "text": "t", "blocks": blocks }));
    assert_eq!(cut["blocks"].as_array().unwrap().len(), 50);
    assert_eq!(cut["blocks"][49]["elements"][0]["text"], "… and 11 more blocks cut");
}

#[test]
fn too_much_text() {
    let cut = payload(json!({
        "text": "t".repeat(50_000),
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": "h".repeat(200) } },
            { "type": "section", "text": { "type": "mrkdwn", "text": "s".repeat(4_000) },
              "fields": vec![json!({ "type": "mrkdwn", "text": "f".repeat(3_000) }); 2] },
            { "type": "actions", "elements": [
                { "type": "button", "url": "https://example.com", "text": { "type": "plain_text", "text": "b".repeat(100) } },
                { "type": "button", "url": "u".repeat(3_001), "text": { "type": "plain_text", "text": "far" } },
            ] },
        ],
    }));
    let length = |path: &str| limits::length(cut.pointer(path).and_then(Value::as_str).unwrap());
    assert_eq!(length("/text"), 40_000);
    assert_eq!(length("/blocks/0/text/text"), 150);
    assert_eq!(length("/blocks/1/text/text"), 3_000);
    assert_eq!(length("/blocks/1/fields/1/text"), 2_000);
    assert_eq!(length("/blocks/2/elements/0/text/text"), 75);
    assert_eq!(cut["blocks"][2]["elements"].as_array().unwrap().len(), 1);
    assert!(cut["blocks"][0]["text"]["text"].as_str().unwrap().ends_with("h…"));
    let many = payload(json!({ "text": "t", "blocks": vec![section(&"s".repeat(3_000)); 6] }));
    within_limits(&many).unwrap();
    assert_eq!(many["blocks"][4]["elements"][0]["text"], "… and 2 more blocks cut");
}

#[test]
fn what_slack_would_refuse_is_left_out() {
    let cut = payload(json!({
        "text": " ",
        "link_names": true,
        "parse": "full",
        "blocks": [section(""), { "type": "context", "elements": [] }, { "type": "divider" }, "no block"],
    }));
    assert_eq!(
        cut,
        json!({ "text": "fallback", "blocks": [{ "type": "divider" }], "unfurl_links": false, "unfurl_media": false })
    );
    assert_eq!(payload(json!({ "text": "t", "blocks": [] })).get("blocks"), None);
    // An admin's own setting is kept.
    let own = payload(json!({ "text": "t", "unfurl_links": true, "blocks": [
        { "type": "section", "text": { "type": "mrkdwn", "verbatim": false, "text": "x" } },
    ] }));
    assert_eq!((&own["unfurl_links"], &own["blocks"][0]["text"]["verbatim"]), (&json!(true), &json!(false)));
}

#[test]
fn a_cut_leaves_no_half() {
    for (text, most, wanted) in [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("ab &amp; cd", 8, "ab…"),
        ("ab &amp; cd", 9, "ab &amp;…"),
        ("a <https://example.com|b>", 12, "a…"),
        ("1 < 2 and so on", 10, "1 < 2 and…"),
        ("👍👍👍", 5, "👍👍…"),
    ] {
        assert_eq!(limits::cut(text, most), wanted, "{text}");
    }
}

#[test]
fn a_long_list_stays_within_limits() {
    let mut alerts: Vec<_> = twelve().into_iter().cycle().take(120).collect();
    alerts.iter_mut().enumerate().for_each(|(at, alert)| alert.contact.record.id = format!("c{at}"));
    let case = Case { max_listed: 100, ..Case::fired(alerts) };
    let payload = slack(&case.built_in(SLACK));
    within_limits(&payload).unwrap();
    assert!(payload["text"].as_str().unwrap().starts_with("🟠 120 customers are waiting, "));
}
