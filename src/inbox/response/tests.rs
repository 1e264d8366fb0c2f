//! Bodies and statuses → a page or the right error, whatever comes.

mod records;

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Head, page, segments};
use crate::{
    inbox::{InboxError, testing::noon},
    model::pause::spelled,
};

const EXAMPLE: &str = include_str!("../../../tests/fixtures/inbox-response.json");
const SECRET: &str = "a customer's words";

fn head(status: u16) -> Head {
    Head { status, retry_after: None, asked_at: noon() }
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
    let no_object = wrong("it is not an object");
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
        (r#"{"success":true,"data":{"users":[]}}"#, wrong("`data` is not a list")),
        (r#"{"success":true,"data":"a customer's words"}"#, wrong("`data` is not a list")),
        (r#"{"success":true,"data":[],"data":[]}"#, wrong("a field occurs twice")),
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
    let head = Head { retry_after: Some(SignedDuration::from_secs(7)), ..head(200) };
    let error = page(head, limited.as_bytes()).unwrap_err();
    assert_eq!(error.retry_after(), Some(SignedDuration::from_secs(7)));
}

#[test]
fn a_failure_in_a_friendly_coat() {
    let by = |key: &str| InboxError::Contradiction { key: key.to_owned() };
    let refused = |status| InboxError::TokenRefused { status };
    for (beside, error) in [
        (json!({ "error": SECRET }), by("error")),
        (json!({ "error": ["a", "b"] }), by("error")),
        (json!({ "error": 17 }), by("error")),
        (json!({ "error": true }), by("error")),
        (json!({ "error": { "message": SECRET } }), by("error")),
        (json!({ "error": "UNAUTHORIZED" }), refused(401)),
        (json!({ "error": { "code": 403 } }), refused(403)),
        (json!({ "errors": [{ "message": SECRET }] }), by("errors")),
        (json!({ "errorMessage": SECRET }), by("errorMessage")),
        (json!({ "error_code": "E17" }), by("error_code")),
        (json!({ "exception": SECRET }), by("exception")),
        (json!({ "failed": 3 }), by("failed")),
        (json!({ "timed_out": true }), by("timed_out")),
        (json!({ "partial": true }), by("partial")),
        (json!({ "meta": { "_shards": { "failed": 1 } } }), by("failed")),
        (json!({ "message": "Something went wrong", "code": 200 }), by("message")),
        (json!({ "message": ["searchText must be a text", "Bad request"] }), by("message")),
        (json!({ "code": 500 }), by("code")),
        (json!({ "code": "503" }), by("code")),
        (json!({ "code": 0 }), by("code")),
        (json!({ "code": "FAILURE" }), by("code")),
        (json!({ "code": 401 }), refused(401)),
        (json!({ "code": 200, "statusCode": 403 }), refused(403)),
        (json!({ "statusCode": 429 }), InboxError::RateLimited { retry_after: None }),
        (json!({ "statusCode": 400 }), InboxError::BadRequest { code: None }),
        (json!({ "code": 206 }), by("code")),
        (json!({ "status": 503 }), by("status")),
        (json!({ "status": "error" }), by("status")),
        (json!({ "status": "503 Service Unavailable" }), by("status")),
        (json!({ "status": false }), by("status")),
        (json!({ "ok": false }), by("ok")),
        (json!({ "a customer's words": 1, "x error of a customer's words": 1 }), by("a field")),
    ] {
        for data in [json!([]), json!([{ "_id": "c1" }])] {
            let mut body = beside.clone();
            (body["success"], body["data"]) = (json!(true), data);
            assert_eq!(fault(200, &body.to_string()), error, "{body}");
        }
    }
    let body = json!({ "success": true, "data": [], "error": SECRET }).to_string();
    assert_eq!(
        fault(200, &body).to_string(),
        "the API's answer contradicts itself: `success` is true, and `error` says otherwise"
    );
    // A partial answer, or one in progress, is not a complete answer.
    for status in [202, 206] {
        assert_eq!(fault(status, r#"{"success":true,"data":[]}"#), InboxError::Status { status });
    }
}

#[test]
fn what_only_looks_like_a_failure() {
    for beside in [
        json!({ "message": "", "code": 200 }),
        json!({ "message": null, "code": null, "error": null, "errors": [] }),
        json!({ "message": "Contacts fetched successfully", "code": "200" }),
        json!({ "message": "No contacts found", "code": 201, "status": "success" }),
        json!({ "message": "OK, 0 errors", "status": 200, "statusCode": 200.0 }),
        json!({ "error": false, "errorCode": 0, "errorMessage": "", "failed": 0, "exceptions": {} }),
        json!({ "error": { "isError": false, "code": "", "messageKey": "none", "fallbackMessage": "sorry" } }),
        json!({ "error": { "code": 200, "message": "" }, "code": "SUCCESS", "ok": 1 }),
        json!({ "total": 0, "hasMore": false, "meta": { "page": 1, "timeout": 30 }, "status": "active" }),
    ] {
        let mut body = beside.clone();
        (body["success"], body["data"]) = (json!(true), json!([{ "_id": "c1" }]));
        assert_eq!(page(head(200), body.to_string().as_bytes()).map(|page| page.len()), Ok(1), "{body}");
    }
}

#[test]
fn how_many_there_are_where_the_answer_says_so() {
    for (beside, stated) in [
        (json!({}), None),
        (json!({ "total": 45 }), Some(45)),
        (json!({ "total": "45" }), Some(45)),
        (json!({ "pagination": { "total_count": 7 } }), Some(7)),
        (json!({ "hasMore": true, "total": 3 }), Some(u64::MAX)),
        (json!({ "pageInfo": { "hasNextPage": true } }), Some(u64::MAX)),
        (json!({ "hasMore": false }), None),
    ] {
        let mut body = beside.clone();
        (body["success"], body["data"]) = (json!(true), json!([]));
        assert_eq!(page(head(200), body.to_string().as_bytes()).unwrap().stated, stated, "{body}");
    }
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
        // Nobody can mean that, and it must not stop the watcher.
        (Some("99999999999999999999"), hour),
        (Some("Fri, 12 Jun 2099 12:00:30 GMT"), hour),
    ] {
        for status in [429, 503] {
            let retry_after = value.and_then(|value| spelled(value, noon()));
            let error = page(Head { retry_after, ..head(status) }, b"").unwrap_err();
            assert_eq!(error.retry_after().map(|pause| pause.as_secs()), seconds, "{status} {value:?}");
        }
    }
}

#[test]
fn an_answer_that_was_cut_is_none_whatever_its_texts_hold() {
    let whole = EXAMPLE.replace("I am here", "I \"am\" \"here");
    assert_eq!(page(head(200), whole.as_bytes()).map(|page| (page.len(), page.unreadable)), Ok((1, 0)));
    for at in (0..whole.trim_end().len() - 1).filter(|at| whole.is_char_boundary(*at)) {
        assert!(page(head(200), &whole.as_bytes()[..at]).is_err(), "{}", &whole[..at]);
    }
}

#[test]
fn a_byte_order_mark_and_padding_cost_nothing() {
    let body = "\u{feff} {\"success\":true,\"data\":[{\"_id\":\"c1\"}]}\r\n\0\0";
    assert_eq!(page(head(200), body.as_bytes()).unwrap().len(), 1);
}

#[test]
fn names_of_segments() {
    let body = json!({ "success": true, "message": "", "code": 200, "data": [
        { "_id": "s1", "_customer": "x", "segmentName": "Newsletter" },
        { "_id": "s2" }, { "segmentName": "nobody's" }, { "_id": "s3", "segmentName": "" }, null, 5,
    ] });
    let named = segments(head(200), body.to_string().as_bytes()).unwrap();
    assert_eq!(named.into_iter().collect::<Vec<_>>(), [("s1".to_owned(), "Newsletter".to_owned())]);
    let quotes =
        br#"{"success":true,"data":[{"_id":"s1","segmentName":"5" screens"},{"_id":"s2","segmentName":"VIP"}]}"#;
    let named = segments(head(200), quotes).unwrap();
    assert_eq!((named["s1"].as_str(), named["s2"].as_str()), ("5\" screens", "VIP"));
    assert_eq!(segments(head(404), b"").unwrap_err(), InboxError::Status { status: 404 });
}

proptest! {
    #[test]
    fn no_bytes_panic(status in 100_u16..1000, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = page(head(status), &body);
    }

    #[test]
    fn no_cut_is_a_page(at in 0_usize..2000) {
        let whole: Value = serde_json::from_str(EXAMPLE).unwrap();
        let whole = whole.to_string();
        let cut = (0..at.min(whole.len() - 1)).rev().find(|at| whole.is_char_boundary(*at)).unwrap_or(0);
        prop_assert!(page(head(200), &whole.as_bytes()[..cut]).is_err());
    }
}
