//! Composes the text of a mail. What a customer wrote cannot become a header, and text that looks encoded is shown as
//! it is.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use lettre::error;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use sha2::{Digest, Sha256};

use crate::model::OutgoingMessage;

/// The longest subject, in characters: longer ones become header lines that servers refuse.
const SUBJECT: usize = 250;
/// The end of the year 9999, the latest date that a mail can have.
const LAST_SECOND: i64 = 253_402_300_799;

/// Composes the mail to one recipient, from subject, plain text and HTML.
///
/// # Errors
/// A part of the mail is missing.
pub(super) fn mail(
    from: &Mailbox,
    to: &Mailbox,
    parcel: &OutgoingMessage,
    [subject, text, html]: [&str; 3],
) -> Result<Vec<u8>, error::Error> {
    let domain = from.email.domain();
    let header = |name, value: String| HeaderValue::new(HeaderName::new_from_ascii_str(name), value);
    let mut mail = Message::builder()
        .from(from.clone())
        .to(to.clone())
        .message_id(Some(format!("<{}@{domain}>", id(&parcel.id.0))))
        .date(date(parcel.now))
        .raw_header(header("Auto-Submitted", "auto-generated".to_owned()))
        .raw_header(header("X-Auto-Response-Suppress", "All".to_owned()))
        .raw_header(header("List-Id", format!("<pengwatch.{domain}>")))
        .raw_header(subject_header(&one_line(subject)));
    if let Some(thread) = &parcel.thread {
        // No mail has this id. All mails of an alert refer to it, which makes them one conversation.
        let root = format!("<{}@{domain}>", id(thread));
        mail = mail.in_reply_to(root.clone()).references(root);
    }
    let text = part(ContentType::TEXT_PLAIN, lines(text));
    let mut mail = if html.is_empty() {
        mail.singlepart(text)?
    } else {
        let html = part(ContentType::TEXT_HTML, lines(html));
        mail.multipart(MultiPart::alternative().singlepart(text).singlepart(html))?
    };
    for (name, mailbox) in [("From", from), ("To", to)] {
        if let Some(shown) = mailbox.name.as_deref().filter(|shown| looks_encoded(shown)) {
            let encoded = format!("{} <{}>", encoded_words(shown), mailbox.email);
            let name = HeaderName::new_from_ascii_str(name);
            mail.headers_mut().insert_raw(HeaderValue::dangerous_new_pre_encoded(name, shown.to_owned(), encoded));
        }
    }
    Ok(mail.formatted())
}

/// A part of a mail. Servers and mailboxes change lines that begin with a dot or with a word of the mailbox format;
/// such parts are encoded.
fn part(kind: ContentType, body: String) -> SinglePart {
    let part = SinglePart::builder().header(kind);
    if body.lines().any(|line| line.starts_with("From ") || line.starts_with('.')) {
        return part.header(ContentTransferEncoding::Base64).body(body);
    }
    part.body(body)
}

/// The subject. lettre writes ASCII words as they are, encoded words among them, so the whole subject is encoded here
/// if any part of it would be decoded.
fn subject_header(subject: &str) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Subject");
    if looks_encoded(subject) {
        return HeaderValue::dangerous_new_pre_encoded(name, subject.to_owned(), encoded_words(subject));
    }
    HeaderValue::new(name, subject.to_owned())
}

/// Whether a mail program would decode a part of it as an encoded word (RFC 2047).
fn looks_encoded(text: &str) -> bool {
    text.contains("=?")
}

/// The bytes in an encoded word. With its frame, a word must not exceed 75 characters, and a header line with it 76.
const WORD: usize = 36;

/// The text as encoded words, each on its own line.
fn encoded_words(text: &str) -> String {
    let mut parts = vec![String::new()];
    for c in text.chars() {
        // The bytes of a character stay in one word.
        if let Some(part) = parts.last_mut().filter(|part| part.len() + c.len_utf8() <= WORD) {
            part.push(c);
        } else {
            parts.push(c.to_string());
        }
    }
    let words: Vec<String> = parts.iter().map(|part| format!("=?utf-8?B?{}?=", STANDARD.encode(part))).collect();
    words.join("\r\n ")
}

/// Replaces line breaks of all kinds, which a subject must not have.
fn one_line(text: &str) -> String {
    let space = |char: char| if char.is_control() || matches!(char, '\u{2028}' | '\u{2029}') { ' ' } else { char };
    let line: String = text.chars().map(space).collect();
    let line = line.trim();
    match line.char_indices().nth(SUBJECT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// Makes all line breaks the same: some servers end a line at a lone CR and others do not, so that the text after it
/// could pass for commands.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "")
}

/// An id that may be used in a `Message-ID`: itself, or its hash if it has other characters.
fn id(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !text.is_empty() && text.len() <= 64 && text.bytes().all(plain) {
        return text.to_owned();
    }
    Sha256::digest(text).iter().take(16).fold(String::new(), |mut hex, byte| {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The time within the range that a mail's date can have.
fn date(now: Timestamp) -> SystemTime {
    let seconds = u64::try_from(now.as_second().clamp(0, LAST_SECOND)).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

#[cfg(test)]
mod tests {
    use super::{id, lines, one_line};

    #[test]
    fn subjects() {
        assert_eq!(one_line(" a\r\nBcc: b\tc\u{2028}d\u{85}e\0 "), "a  Bcc: b c d e");
        assert_eq!(one_line(&"ä".repeat(400)), format!("{}…", "ä".repeat(250)));
    }

    #[test]
    fn ids() {
        assert_eq!(id("01J-x_9"), "01J-x_9");
        for odd in ["", "a b", "a>b", "a@b", "ä", "a\r\nb", &"a".repeat(65)] {
            assert_eq!(id(odd).len(), 32, "{odd}");
        }
        assert_ne!(id("main/late/1"), id("main/late/2"));
    }

    #[test]
    fn line_breaks() {
        assert_eq!(lines("a\r\nb\rc\nd\0\r.\r"), "a\nb\nc\nd\n.\n");
    }
}
