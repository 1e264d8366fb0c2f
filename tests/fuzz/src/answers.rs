//! Answers of the API. The first line has the status and `Retry-After`, the rest is the body.

use std::fmt::Debug;

use jiff::SignedDuration;
use pengwatch::inside::{Contact, Head, InboxError, is_harmful, page, segments, spelled};

use super::{first_line, now, status_line};

pub fn read(data: &[u8]) {
    let (line, body) = first_line(data);
    let (status, retry_after) = status_line(line);
    let head = Head { status, retry_after: retry_after.and_then(|value| spelled(value, now())), asked_at: now() };
    let page = named(status, page(head, body));
    for contact in page.iter().flat_map(|page| &page.contacts) {
        check(contact);
    }
    if let Some(page) = page {
        assert!(page.len() <= body.len(), "more records than bytes");
        let names = named(status, segments(head, body)).expect("an envelope that was right for a page");
        assert!(names.iter().all(|(id, name)| !id.is_empty() && !name.is_empty()));
    }
}

/// Only a success status is a success, and errors contain no text of the answer.
fn named<T: Debug>(status: u16, answer: Result<T, InboxError>) -> Option<T> {
    match answer {
        Ok(right) => {
            assert!((200..300).contains(&status), "HTTP {status} as an answer: {right:?}");
            Some(right)
        }
        Err(error) => {
            let words = error.to_string();
            let plain = words.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
            assert!(plain && words.len() < 200, "{words:?}");
            if let Some(pause) = error.retry_after() {
                assert!(pause >= SignedDuration::ZERO && pause <= SignedDuration::from_hours(1), "{pause:?}");
            }
            None
        }
    }
}

/// Every record that is understood can be named, and is the same when it comes back from the store.
pub fn check(contact: &Contact) {
    assert!(!contact.id.trim().is_empty());
    let name = contact.name();
    assert!(!name.is_empty() && name.chars().count() <= 80 && !name.chars().any(is_harmful), "{name:?}");
    assert!(contact.search_text().is_none_or(|text| !text.trim().is_empty()));
    let _ = (contact.platform(), contact.bot_id(), contact.reply_window_ends());

    let kept = contact.json().to_string();
    let again = serde_json::from_str(&kept).unwrap_or_else(|error| panic!("kept, and not read again: {error}"));
    let again = Contact::read(again).expect("a contact");
    assert!(again.record == contact.record, "another record comes back:\n{kept}\n{}", again.json());
    assert!(again.extra.keys().eq(contact.extra.keys()), "other fields come back: {kept}");
    assert!(again.unreadable_fields.is_empty(), "new doubts: {:?}", again.unreadable_fields);
}
