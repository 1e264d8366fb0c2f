//! Makes the text of a mail. Whatever a customer wrote, it can't become a header, and what looks as if it were encoded
//! is shown as it is.

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
/// The end of the year 9999, as far as the date of a mail goes.
const LAST_SECOND: i64 = 253_402_300_799;

/// The mail to one recipient, from subject, plain text and HTML.
///
/// # Errors
/// Something is missing.
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
        // Nobody ever sent the mail with this id; that all refer to it makes them one conversation.
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
            let encoded = format!("{} <{}>", words(shown), mailbox.email);
            let name = HeaderName::new_from_ascii_str(name);
            mail.headers_mut().insert_raw(HeaderValue::dangerous_new_pre_encoded(name, shown.to_owned(), encoded));
        }
    }
    Ok(mail.formatted())
}

/// A part of a mail. Servers and mailboxes change lines that begin in some ways, a word of the mailbox's format or a
/// dot; those are encoded.
fn part(kind: ContentType, body: String) -> SinglePart {
    let part = SinglePart::builder().header(kind);
    if body.lines().any(|line| line.starts_with("From ") || line.starts_with('.')) {
        return part.header(ContentTransferEncoding::Base64).body(body);
    }
    part.body(body)
}

/// The subject. lettre writes words of ASCII as they are, encoded words among them; so it is encoded here as a whole
/// where any of it would be read as something else.
fn subject_header(subject: &str) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Subject");
    if looks_encoded(subject) {
        return HeaderValue::dangerous_new_pre_encoded(name, subject.to_owned(), words(subject));
    }
    HeaderValue::new(name, subject.to_owned())
}

/// Whether a mail program would take a part of it for an encoded word (RFC 2047).
fn looks_encoded(text: &str) -> bool {
    text.contains("=?")
}

/// The bytes of an encoded word: with its frame it stays below the 75 characters that one may have, and in a line
/// of a header below 76.
const WORD: usize = 36;

/// The text as encoded words, a line each.
fn words(text: &str) -> String {
    let mut parts = vec![String::new()];
    for c in text.chars() {
        // A character stays in one word.
        if let Some(part) = parts.last_mut().filter(|part| part.len() + c.len_utf8() <= WORD) {
            part.push(c);
        } else {
            parts.push(c.to_string());
        }
    }
    let words: Vec<String> = parts.iter().map(|part| format!("=?utf-8?B?{}?=", STANDARD.encode(part))).collect();
    words.join("\r\n ")
}

/// A subject has no line breaks, whatever kind they are of.
fn one_line(text: &str) -> String {
    let space = |char: char| if char.is_control() || matches!(char, '\u{2028}' | '\u{2029}') { ' ' } else { char };
    let line: String = text.chars().map(space).collect();
    let line = line.trim();
    match line.char_indices().nth(SUBJECT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// One kind of line break: a lone CR is a line end to some servers and none to others, and what
/// stands between could pass for commands.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "")
}

/// An id as it may stand in a `Message-ID`: itself, or where it has odd characters, its hash.
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

/// The times that a mail's date can hold.
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
