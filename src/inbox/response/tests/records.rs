//! Records with a fault: what is understood of them, and of the others on their page.

use serde_json::json;

use super::{fault, head};
use crate::inbox::{InboxError, response::page};

#[test]
fn one_bad_record_does_not_lose_its_page() {
    let good = |id: &str| json!({ "_id": id, "status": "OPEN" });
    for bad in [json!("text"), json!(null), json!(3), json!([]), json!({ "status": "OPEN" }), json!({ "_id": {} })] {
        let body = json!({ "success": true, "data": [good("c1"), bad, good("c2")] }).to_string();
        let page = page(head(200), body.as_bytes()).unwrap();
        let ids: Vec<&str> = page.contacts.iter().map(|contact| contact.id.as_str()).collect();
        assert_eq!((ids, page.unreadable, page.len()), (vec!["c1", "c2"], 1, 3), "{bad}");
    }
}

#[test]
fn half_an_emoji_costs_nobody_the_alert() {
    for (text, meant) in [
        (r"hi \ud83d", "hi \u{fffd}"),
        (r"\ude00 hi", "\u{fffd} hi"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}\u{1f600}"),
        (r"\ud83d\n\u00e9\\ud83d", "\u{fffd}\né\\ud83d"),
        (r"\ud83dé", "\u{fffd}é"),
    ] {
        let body = format!(r#"{{"success":true,"data":[{{"_id":"c1","lastMessage":{{"text":"{text}"}}}}]}}"#);
        let page = page(head(200), body.as_bytes()).unwrap();
        assert_eq!(page.unreadable, 0, "{text}");
        assert_eq!(page.contacts[0].last_message.text, meant, "{text}");
    }
}

/// Reads a page of three records, the second of which is this one: the contacts that were understood, and the number of
/// the others.
fn among_others(record: &[u8]) -> (Vec<String>, usize) {
    let body = [br#"{"success":true,"data":[{"_id":"c1"},"#, record, br#",{"_id":"c3","status":"OPEN"}]}"#].concat();
    let page = page(head(200), &body).unwrap();
    (page.contacts.iter().map(|contact| contact.id.clone()).collect(), page.unreadable)
}

#[test]
fn one_record_s_fault_costs_that_record() {
    let all = || vec!["c1".to_owned(), "c2".to_owned(), "c3".to_owned()];
    let with = |text: &[u8]| [br#"{"_id":"c2","lastMessage":{"text":""#, text, br#""}}"#].concat();
    for text in [
        &b"\\ud800"[..],
        b"\\udc00 and \\ud83d",
        b"NUL \x00 and \\u0000",
        b"tab\tline\r\nend",
        b"latin \xe9, cut \xe2\x82, none \xff\xfe",
        b"escapes \\x41 \\q \\u12 \\\\",
        b"brackets ]}[{ and , and : and \\\" in a text",
        "\u{feff}\u{202e}\u{2028}\u{10ffff}".as_bytes(),
    ] {
        assert_eq!(among_others(&with(text)), (all(), 0), "{}", String::from_utf8_lossy(text));
    }
    let deep = format!(r#"{{"_id":"c2","x":{}1{}}}"#, "[".repeat(50_000), "]".repeat(50_000));
    for record in [
        r#"{"_id":"c2","unreadMessages":1e999,"score":NaN,"rest":-Infinity}"#,
        r#"{"_id":"c2","status":"OPEN","status":"CLOSED","x":1,"x":2}"#,
        &deep,
    ] {
        assert_eq!(among_others(record.as_bytes()), (all(), 0), "{record:.80}");
    }
    for text in [
        &b"he said \"hi\" to us"[..],
        b"a 5\" screen",
        b"\"",
        b"\"\" and \"",
        b"look: \"}\", \"]\" and \"{\"",
        b"one \\\", one \", and \\\\",
        b"half an emoji \\ud83d, 5\" and \x00",
    ] {
        assert_eq!(among_others(&with(text)), (all(), 0), "{}", String::from_utf8_lossy(text));
    }
    for lost in [
        r#"{"_id":"c2""x":1}"#,
        "undefined",
        "{_id:'c2'}",
        "",
        "{]",
        // A quote is missing, so texts and fields cannot be told apart.
        r#"{"_id":"c2","text":"hello}"#,
        r#"{"_id":"c2","text":hello","status":"CLOSED"}"#,
        r#"{"_id":"c2","text":"hello,"status":"CLOSED"}"#,
        r#"{"_id":"c2","lastMessage":{"text":"hello},"status":"CLOSED","tags":["a","b"]}"#,
        r#"{"_id":"c2","text":"C:\","status":"CLOSED"}"#,
        r#"{"_id":"c2","text":"hello"}}"#,
        r#"{"_id":"c2","text":["hello"}"#,
    ] {
        assert_eq!(among_others(lost.as_bytes()), (vec!["c1".to_owned(), "c3".to_owned()], 1), "{lost}");
    }
}

#[test]
fn quotes_cost_neither_the_next_nor_the_last_record_nor_what_stands_beside_them() {
    let bad = [
        r#"{"_id":"b1","text":"hello}"#,
        r#"{"_id":"b2","text":"5" tv","status":"OPEN"}"#,
        r#"{"_id":"b3","text":"a "b"}"#,
    ];
    for order in [[0, 1, 2], [1, 2, 0], [2, 0, 1], [1, 1, 1], [0, 0, 0]] {
        let records = order.map(|which| bad[which]).join(r#",{"_id":"c1"},"#);
        let body = |beside: &str| format!(r#"{{"success":true,"data":[{records}]{beside}}}"#);
        let lost = order.iter().filter(|which| **which == 0).count();
        let read = page(head(200), body(r#","total":7"#).as_bytes()).unwrap();
        assert_eq!((read.len(), read.unreadable, read.stated), (5, lost, Some(7)), "{records}");
        assert!(page(head(200), body("").as_bytes()).is_ok(), "{records}");
        let error = InboxError::Contradiction { key: "errors".to_owned() };
        assert_eq!(fault(200, &body(r#","errors":["x"]"#)), error, "{records}");
    }
}

#[test]
fn what_takes_too_much_memory_is_not_kept() {
    let tiny: Vec<String> = (0..=20_000).map(|index| format!(r#"{{"_id":"{index}"}}"#)).collect();
    let body = format!(r#"{{"success":true,"data":[{}]}}"#, tiny.join(","));
    assert!(body.len() < 1 << 20);
    assert_eq!(page(head(200), body.as_bytes()), Err(InboxError::TooMuch { limit: 8 }));
    // A record that is too large is lost alone; a long text is cut.
    let many = |entry: &str| vec![entry; 300_000].join(",");
    for large in [
        format!(r#"{{"_id":"c2","profile":{{"userDetails":{{"tags":[{}]}}}}}}"#, many("1")),
        format!(r#"{{"_id":"c2","profile":{{"userDetails":{{"attributes":[{}]}}}}}}"#, many("{}")),
        format!(r#"{{"_id":"c2","unknown":[{}]}}"#, many("[]")),
        format!(
            r#"{{"_id":"c2",{}}}"#,
            (0..50_000).map(|index| format!(r#""x{index}":1"#)).collect::<Vec<_>>().join(",")
        ),
        format!(r#"{{"_id":"{}"}}"#, "x".repeat(300)),
    ] {
        assert_eq!(among_others(large.as_bytes()), (vec!["c1".to_owned(), "c3".to_owned()], 1), "{large:.60}");
    }
    let long =
        format!(r#"{{"_id":"c2","lastMessage":{{"text":"{}\"\ud83d"}},"status":"OPEN"}}"#, "é\\n".repeat(1 << 20));
    assert_eq!(among_others(long.as_bytes()).1, 0);
}

#[test]
fn a_number_that_no_computer_has_is_no_evidence() {
    let body = br#"{"success":true,"data":[{"_id":"c1","unreadMessages":1e999,"lastMessage":NaN}]}"#;
    let contact = page(head(200), body).unwrap().contacts.remove(0);
    assert_eq!(
        (contact.unread_messages, contact.unreadable_fields),
        (0, vec!["lastMessage".to_owned(), "unreadMessages".to_owned()])
    );
}
