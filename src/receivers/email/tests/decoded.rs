//! Mails as a mail program shows them: a parser that is not ours decodes headers and parts.

use mail_parser::{HeaderValue, MessageParser};

use super::{FROM, Server, email};
use crate::receivers::{
    email::format,
    testing::{TIMEOUT, parcel},
};

/// A decoded mail: subject, sender, recipient, plain text, HTML.
struct Shown {
    subject: String,
    from: String,
    to: String,
    text: String,
    html: String,
    raw: String,
}

async fn shown(from: &str, to: &str, [subject, text, html]: [&str; 3]) -> Shown {
    let server = Server::plain().await;
    let url = format!("smtp://127.0.0.1:{}", server.port);
    let body = format::body(subject, text, html);
    email(&url, from, &[to], TIMEOUT, &[]).send(&parcel(body)).await;
    let raw = server.sink.mails().pop().expect("a mail").data;
    let mail = MessageParser::default().parse(raw.as_bytes()).expect("a mail that can be read");
    let name = |address: &HeaderValue<'_>| match address {
        HeaderValue::Address(address) => address.first().and_then(|first| first.name()).unwrap_or_default().to_owned(),
        other => panic!("{other:?}"),
    };
    let lines = |text: Option<std::borrow::Cow<'_, str>>| text.unwrap_or_default().replace("\r\n", "\n");
    Shown {
        subject: mail.subject().unwrap_or_default().to_owned(),
        from: name(mail.header("From").expect("a sender")),
        to: name(mail.header("To").expect("a recipient")),
        text: lines(mail.body_text(0)).trim_end().to_owned(),
        html: lines(mail.body_html(0)).trim_end().to_owned(),
        raw,
    }
}

/// Texts that a mail program could misread.
const ODD: [&str; 22] = [
    "=?utf-8?b?aHVudGVyMg==?=",
    "=?UTF-8?Q?hunter=32?= waits",
    "=?iso-8859-1?q?=C4?==?utf-8?b?aHVudGVyMg==?=",
    "Jörg =?utf-8?b?aHVudGVyMg==?= 👩‍👩‍👧 waits",
    "=?utf-8?b?",
    "=?",
    "a =?x?= b",
    "=3D=20=0A soft=",
    "&lt;b&gt; &amp; &#60;",
    "From hell",
    ".",
    "..",
    ". QUIT",
    "-- ",
    "begin 644 x.txt",
    "a  b\tc",
    "\"quoted\", (a comment), <a@x.org>; b@x.org",
    "a\\b",
    "ümläut only",
    "\u{202e}turned\u{2066}",
    "e\u{301} \u{fb01} ／＠",
    "very long: Wolfeschlegelsteinhausenbergerdorff-Wolfeschlegelsteinhausenbergerdorff-Wolfeschlegelsteinhausenbergerdorff, =?utf-8?b?aHVudGVyMg==?= and again Wolfeschlegelsteinhausenbergerdorff",
];

#[tokio::test]
async fn a_subject_is_shown_as_it_is_written() {
    for odd in ODD {
        for subject in [odd.to_owned(), format!("⏰ {odd}, 7 min")] {
            let shown = shown(FROM, "a@x.org", [&subject, "t", ""]).await;
            let right = subject.trim().replace('\t', " ");
            assert_eq!(shown.subject, right, "{}", shown.raw);
            let header = shown.raw.split("\r\n\r\n").next().unwrap_or_default();
            assert!(header.is_ascii() && header.lines().all(|line| line.len() <= 200), "{header}");
        }
    }
}

#[tokio::test]
async fn both_parts_are_shown_as_they_are_written() {
    for odd in ODD {
        let text = format!("{odd}\nFrom there\n{odd}\n.\n{}\nthe end", odd.repeat(60));
        let html = format!("<p>{text}</p>");
        let shown = shown(FROM, "a@x.org", ["s", &text, &html]).await;
        assert_eq!((shown.text.as_str(), shown.html.as_str()), (text.as_str(), html.as_str()), "{}", shown.raw);
        assert!(shown.raw.is_ascii() && shown.raw.lines().all(|line| line.len() < 998), "{}", shown.raw);
        // No line is one that a server or a mailbox would change.
        let body = shown.raw.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        assert!(!body.lines().any(|line| line.starts_with("From ") || line.starts_with('.')), "{body}");
    }
}

#[tokio::test]
async fn names_of_the_configuration_are_shown_as_they_are_written() {
    for name in ["=?utf-8?b?aHVudGVyMg==?=", "Pengwatch", "Jörg =?x?q?y?=", "Jörg, Leitung", "Customer \"Care\"", "a.b"]
    {
        let quoted = format!("\"{}\" <a@x.org>", name.replace('"', "\\\""));
        let shown = shown(&quoted, &quoted, ["s", "t", ""]).await;
        assert_eq!((shown.from.as_str(), shown.to.as_str()), (name, name), "{}", shown.raw);
    }
}
