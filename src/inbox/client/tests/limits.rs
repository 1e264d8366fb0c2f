//! Answers that are too large, or too slow.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::json;

use super::{answering, ask, fault};
use crate::inbox::{
    InboxError,
    testing::{FLOODS, Open, bomb, client, flooding, raw, trickling, within},
};

#[tokio::test]
async fn an_answer_without_end_is_not_read() {
    let mut answer = b"HTTP/1.1 200 OK\r\n\r\n{\"success\":true,\"data\":[".to_vec();
    answer.extend(std::iter::repeat_n(b' ', 1 << 20));
    let (error, tries) = fault(&client(&raw(answer, 1_000).await)).await;
    assert_eq!((&error, tries), (&InboxError::TooLarge { limit: 16 }, 3));
    assert!(error.to_string().contains("16 MiB"), "{error}");
}

#[tokio::test]
async fn a_large_text_within_bounds_is_read_and_cut() {
    let note = "x".repeat(10 << 20);
    let body = json!({ "success": true, "data": [{ "_id": "c1", "lastMessage": { "text": note } }] }).to_string();
    let server = answering(200, &[], &body).await;
    let page = ask(&client(&server.url()), &Open::default()).await.unwrap();
    assert_eq!(page.contacts[0].last_message.text, "x".repeat(64 << 10));
}

#[tokio::test]
async fn what_gzip_makes_of_an_answer_counts() {
    // 17 KiB on the wire, and 4 MiB that would inflate to 4 GiB.
    for mebibytes in [17, 4_096] {
        let answer = bomb(mebibytes);
        assert!(answer.len() < mebibytes * 8 * 1024, "{}", answer.len());
        let (error, tries) = fault(&client(&raw(answer, 0).await)).await;
        assert_eq!((error, tries), (InboxError::TooLarge { limit: 16 }, 3), "{mebibytes}");
    }
}

#[tokio::test]
async fn a_trickle_ends_within_the_timeout() {
    let timeout = SignedDuration::from_millis(150);
    for (head, word) in [
        ("", "H"),
        ("HTTP/1.1 200 OK\r\nx: ", "y"),
        ("HTTP/1.1 200 OK\r\n\r\n", " "),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\n \r\n"),
        // Without end, and without anything that could be an answer.
        ("", "HTTP/1.1 100 Continue\r\n\r\n"),
    ] {
        let url = trickling(head, word).await;
        let began = Instant::now();
        let error = ask(&within(&url, timeout), &Open::default()).await.unwrap_err();
        assert!(matches!(error, InboxError::Timeout { .. } | InboxError::Broken), "{head}{word}: {error:?}");
        // Three attempts.
        assert!(began.elapsed() < Duration::from_secs(5), "{head}{word}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_flood_that_is_no_body_is_not_read() {
    for (head, word) in FLOODS {
        let began = Instant::now();
        let (error, tries) = fault(&client(&flooding(head, word).await)).await;
        assert_eq!((&error, tries), (&InboxError::Broken, 3), "{head}{word}");
        assert!(began.elapsed() < Duration::from_secs(10), "{head}{word}: {:?}", began.elapsed());
    }
    // Interim answers take no memory, only time.
    let timeout = SignedDuration::from_millis(150);
    let url = flooding("", "HTTP/1.1 100 Continue\r\n\r\n").await;
    let began = Instant::now();
    assert!(ask(&within(&url, timeout), &Open::default()).await.is_err());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_answer_in_another_encoding_is_read() {
    let record = r#"{"success":true,"data":[{"_id":"c1","profile":{"userDetails":{"name":"José"}}}]}"#;
    let latin: Vec<u8> = record.chars().map(|character| u8::try_from(character).unwrap()).collect();
    let utf16: Vec<u8> = "\u{feff}".encode_utf16().chain(record.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let marked = ["\u{feff}", record].concat().into_bytes();
    for (content_type, body) in [
        ("application/json; charset=iso-8859-1", latin),
        ("application/json", utf16),
        ("application/json; charset=utf-8", marked),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n\r\n").into_bytes();
        let url = raw([head, body].concat(), 0).await;
        let page = ask(&client(&url), &Open::default()).await.unwrap();
        assert_eq!(page.contacts[0].name(), "José", "{content_type}");
    }
}
