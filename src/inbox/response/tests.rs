//! Bodies and statuses → a page or the right error, whatever comes.

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Head, page, segments};
use crate::inbox::{InboxError, testing::noon};

const EXAMPLE: &str = include_str!("../../../tests/fixtures/inbox-response.json");
const SECRET: &str = "a customer's words";

fn head(status: u16) -> Head<'static> {
    Head { status, retry_after: None, now: noon() }
}

fn fault(status: u16, body: &str) -> InboxError {
    let error = page(head(status), body.as_bytes()).unwrap_err();
    assert!(!error.to_string().contains(SECRET), "{error}");
    error
}

#[test]
fn the_page_s_example() {
    let page = page(head(200), EXAMPLE.as_bytes()).unwrap();
    assert_eq!((page.contacts.len(), page.unreadable, page.len()), (1, 0, 1));
}

#[test]
fn statuses() {
    let documented = json!({ "success": false, "error": { "code": "UNAUTHORIZED", "message": SECRET } }).to_string();
    let code = Some("UNAUTHORIZED".to_owned());
    for (status, error) in [
        (301, InboxError::Redirected { status: 301 }),
        (308, InboxError::Redirected { status: 308 }),
        (400, InboxError::BadRequest { code }),
        (401, InboxError::TokenRefused { status: 401 }),
        (403, InboxError::TokenRefused { status: 403 }),
        (404, InboxError::Status { status: 404 }),
        (408, InboxError::Server { status: 408, retry_after: None }),
        (429, InboxError::RateLimited { retry_after: None }),
        (500, InboxError::Server { status: 500, retry_after: None }),
        (502, InboxError::Server { status: 502, retry_after: None }),
        (599, InboxError::Server { status: 599, retry_after: None }),
    ] {
        assert_eq!(fault(status, &documented), error);
        let html = format!("<html>{SECRET}</html>");
        assert_eq!(fault(status, &html).name(), error.name(), "the status counts, whatever the body");
    }
}

#[test]
fn a_200_that_is_none() {
    let wrong = |what| InboxError::WrongShape { what };
    let no_object = wrong("it is no object");
    for (body, error) in [
        ("", InboxError::Empty { status: 200 }),
        (" \r\n", InboxError::Empty { status: 200 }),
        ("\n<!doctype html><p>login</p>", InboxError::Html { status: 200 }),
        ("a customer's words", InboxError::NotJson),
        (r#"{"success":true,"data":[{"_id":"c1"},{"_id":"c"#, InboxError::NotJson),
        (r#"{"success":true,"data":[]} trailing"#, InboxError::NotJson),
        ("null", no_object.clone()),
        ("[]", no_object.clone()),
        (r"[true,[],null,200]", no_object.clone()),
        (r#""text""#, no_object.clone()),
        ("{}", wrong("`success` is missing")),
        (r#"{"data":[]}"#, wrong("`success` is missing")),
        (r#"{"success":null,"data":[]}"#, wrong("`success` is missing")),
        (r#"{"success":"perhaps","data":[]}"#, wrong("`success` is missing")),
        (r#"{"success":true}"#, wrong("`data` is missing")),
        (r#"{"success":true,"data":null}"#, wrong("`data` is missing")),
        (r#"{"success":true,"data":{"users":[]}}"#, wrong("`data` is no list")),
        (r#"{"success":true,"data":"a customer's words"}"#, wrong("`data` is no list")),
        (r#"{"success":true,"data":[],"data":[]}"#, wrong("a field stands there twice")),
    ] {
        assert_eq!(fault(200, body), error, "{body}");
    }
}

#[test]
fn a_200_that_says_it_failed() {
    let unsuccessful = |code: &str| InboxError::Unsuccessful { code: Some(code.to_owned()) };
    for (body, error) in [
        (json!({ "success": false }), InboxError::Unsuccessful { code: None }),
        (json!({ "success": "false", "data": [] }), InboxError::Unsuccessful { code: None }),
        (json!({ "success": 0, "data": [] }), InboxError::Unsuccessful { code: None }),
        (json!({ "success": false, "error": { "code": "SERVER", "statusCode": 500 } }), unsuccessful("SERVER")),
        (json!({ "success": false, "error": { "code": SECRET } }), InboxError::Unsuccessful { code: None }),
        (json!({ "success": false, "error": { "statusCode": 401 } }), InboxError::TokenRefused { status: 401 }),
        (json!({ "success": false, "error": { "statusCode": "403" } }), InboxError::TokenRefused { status: 403 }),
        (json!({ "success": false, "code": 401 }), InboxError::TokenRefused { status: 401 }),
        (json!({ "success": false, "error": { "code": "UNAUTHORIZED" } }), InboxError::TokenRefused { status: 401 }),
        (json!({ "success": false, "error": { "statusCode": 429 } }), InboxError::RateLimited { retry_after: None }),
        (json!({ "success": false, "error": { "statusCode": 400 } }), InboxError::BadRequest { code: None }),
        (
            json!({ "success": true, "data": [], "error": { "statusCode": 401 } }),
            InboxError::TokenRefused { status: 401 },
        ),
    ] {
        assert_eq!(fault(200, &body.to_string()), error, "{body}");
    }
    let limited = json!({ "success": false, "error": { "statusCode": 429 } }).to_string();
    let head = Head { retry_after: Some("7"), ..head(200) };
    let error = page(head, limited.as_bytes()).unwrap_err();
    assert_eq!(error.retry_after(), Some(SignedDuration::from_secs(7)));
}

#[test]
fn a_good_page_in_other_words() {
    for body in [
        r#"{"success":true,"data":[]}"#,
        r#"{"success":"true","message":"","code":"200","data":[],"error":null,"total":0}"#,
        r#"  {"success":1,"data":[],"error":""}  "#,
    ] {
        assert!(page(head(200), body.as_bytes()).unwrap().is_empty(), "{body}");
    }
}

#[test]
fn pauses() {
    let hour = Some(3_600);
    for (value, seconds) in [
        (Some("7"), Some(7)),
        (Some("0"), Some(0)),
        (Some("Fri, 12 Jun 2026 12:00:30 GMT"), Some(30)),
        (Some("Fri, 12 Jun 2026 11:59:00 GMT"), Some(0)),
        (Some("soon"), None),
        (None, None),
        // Nobody can mean that, and a watcher must not go blind by it.
        (Some("99999999999999999999"), hour),
        (Some("Fri, 12 Jun 2099 12:00:30 GMT"), hour),
    ] {
        for status in [429, 503] {
            let error = page(Head { status, retry_after: value, now: noon() }, b"").unwrap_err();
            assert_eq!(error.retry_after().map(|pause| pause.as_secs()), seconds, "{status} {value:?}");
        }
    }
}

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

#[test]
fn names_of_segments() {
    let body = json!({ "success": true, "message": "", "code": 200, "data": [
        { "_id": "s1", "_customer": "x", "segmentName": "Newsletter" },
        { "_id": "s2" }, { "segmentName": "nobody's" }, { "_id": "s3", "segmentName": "" }, null, 5,
    ] });
    let named = segments(head(200), body.to_string().as_bytes()).unwrap();
    assert_eq!(named.into_iter().collect::<Vec<_>>(), [("s1".to_owned(), "Newsletter".to_owned())]);
    assert_eq!(segments(head(404), b"").unwrap_err(), InboxError::Status { status: 404 });
}

proptest! {
    #[test]
    fn no_bytes_panic(status in 100_u16..1000, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = page(head(status), &body);
    }

    #[test]
    fn no_record_panics(raw in r#"[{}\[\]",:\\u8dé0-9a-f ]*"#) {
        let _ = super::record(&raw);
    }

    #[test]
    fn no_cut_is_a_page(at in 0_usize..2000) {
        let whole: Value = serde_json::from_str(EXAMPLE).unwrap();
        let whole = whole.to_string();
        let cut = (0..at.min(whole.len() - 1)).rev().find(|at| whole.is_char_boundary(*at)).unwrap_or(0);
        prop_assert!(page(head(200), &whole.as_bytes()[..cut]).is_err());
    }
}
