//! Any text or name of a customer is shown as text, and as nothing else.

use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_oneof, proptest};
use serde_json::Value;

use super::fixtures::{Case, FORMATS, SLACK, alert, built_in, customer, mail, resolved, shown, slack};
use crate::{
    model::{Alert, Reason},
    receivers::{formats, slack::limits},
    render::Renderer,
};

/// The text as `{{…}}` writes it into this file.
fn escaped(file: &str, text: &str) -> String {
    built_in().file(file).unwrap().escaped(text)
}

#[test]
fn escapes() {
    let table = [
        ("<!channel> & co", "&lt;!channel&gt; &amp; co", "&lt;!channel&gt; &amp; co", "<!channel> & co"),
        ("a\"b\\c", "a\\\"b\\\\c", "a&quot;b\\c", "a\"b\\c"),
        ("one\r\ntwo\tthree", "one\\r\\ntwo\\tthree", "one\r\ntwo\tthree", "one  two three"),
        ("it's", "it's", "it&#39;s", "it's"),
        ("\u{1b}[31mred\u{7}", "\\u001b[31mred\\u0007", "\u{1b}[31mred\u{7}", "[31mred"),
        ("&lt;b&gt; &amp;", "&amp;lt;b&amp;gt; &amp;amp;", "&amp;lt;b&amp;gt; &amp;amp;", "&lt;b&gt; &amp;"),
        (":fire: :+1::100:", ":\u{2060}fire: :\u{2060}+1::\u{2060}100:", ":fire: :+1::100:", ":fire: :+1::100:"),
        (
            "at 12:30:45, a:b, https://x.org/:a:",
            "at 12:30:45, a:b, https://x.org/:a:",
            "at 12:30:45, a:b, https://x.org/:a:",
            "at 12:30:45, a:b, https://x.org/:a:",
        ),
        ("{{x}} `=`", "{{x}} `=`", "{{x}} `=`", "{{x}} `=`"),
    ];
    for (given, slack_json, html, console) in table {
        assert_eq!(escaped("slack.json.hbs", given), slack_json);
        assert_eq!(escaped("email.html.hbs", given), html);
        assert_eq!(escaped("console.txt.hbs", given), console);
        assert_eq!(escaped("email.txt.hbs", given), given);
        let json: Value = serde_json::from_str(&format!("\"{}\"", escaped("webhook.json.hbs", given))).unwrap();
        assert_eq!(json, given);
    }
    // A customer cannot turn the direction of the text after theirs; programs get the text unchanged.
    for turned in ["a\u{202e}b", "a\u{2067}b"] {
        for file in built_in().file_names().filter(|name| *name != "webhook.json.hbs") {
            assert_eq!(escaped(file, turned), "ab");
        }
        assert_eq!(escaped("webhook.json.hbs", turned), turned);
    }
}

/// Texts that customers could try, and any others.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[<>&!@#\"'{}\\\\\\[\\]()*_~`|:/;=.a-z \\r\\n\\t]{0,40}",
        prop_oneof![
            "<!channel>",
            "<@U012>",
            "<https://x|y>",
            "\\{\\{x\\}\\}",
            "&amp;",
            "&lt;!here&gt;",
            "\r\nBcc: a@b",
            "👩‍👩‍👧",
            "\u{202e}",
            "\u{0}",
            "\u{2028}",
            "</td><script>",
        ],
        "(&){0,4000}",
        "[<👍]{0,4000}",
    ];
    proptest::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn every_text(value: &Value, then: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => then(text),
        Value::Array(entries) => entries.iter().for_each(|entry| every_text(entry, then)),
        Value::Object(fields) => fields.values().for_each(|value| every_text(value, then)),
        _ => {}
    }
}

fn bare_ampersand(text: &str) -> bool {
    let entities = ["&amp;", "&lt;", "&gt;"];
    text.match_indices('&').any(|(at, _)| !entities.iter().any(|entity| text[at..].starts_with(entity)))
}

/// Removes what our own templates write with `<…>`.
fn without_ours(text: &str) -> String {
    text.replace("<https://app.example.com/inbox/", "")
        .replace("|Open the conversation>", "")
        .replace("<@U012AB3CD>", "")
}

pub(crate) fn within_limits(payload: &Value) -> Result<(), String> {
    let check = |fine: bool, what: &str| if fine { Ok(()) } else { Err(format!("{what}: {payload}")) };
    let text = payload["text"].as_str().unwrap_or_default();
    check(!text.trim().is_empty() && limits::length(text) <= 40_000, "text")?;
    let none = Vec::new();
    let blocks = payload["blocks"].as_array().unwrap_or(&none);
    check(blocks.len() <= 50, "blocks")?;
    for block in blocks {
        let length = |object: &Value| limits::length(object["text"].as_str().unwrap_or_default());
        let most = if block["type"] == "header" { 150 } else { 3_000 };
        check(length(&block["text"]) <= most, "block")?;
        check(block.get("text").is_none_or(|text| length(text) > 0), "empty")?;
        let parts = block["fields"].as_array().or_else(|| block["elements"].as_array()).unwrap_or(&none);
        check(parts.len() <= 10 && parts.iter().all(|part| (1..=2_000).contains(&length(part))), "parts")?;
    }
    let mut all = 0;
    every_text(&Value::from(blocks.clone()), &mut |text| all += limits::length(text));
    check(all <= 16_000, "all")
}

fn cases(name: &str, text: &str) -> Vec<Case> {
    let one = || alert(customer("6a2bbf60b1e0d1b5a9f0c003", name, text), "PT7M");
    let many: Vec<Alert> = (0..3).map(|_| one()).collect();
    let over = |alerts: Vec<Alert>| alerts.into_iter().map(|alert| resolved(alert, Reason::Closed)).collect();
    vec![
        Case::fired(vec![one()]),
        Case::fired(many.clone()),
        Case::resolved(over(vec![one()])),
        Case::resolved(over(many)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_only_text(name in text(), said in text()) {
        let renderer = built_in();
        for case in cases(&name, &said) {
            for (kind, format) in FORMATS {
                let sent = case.render(&renderer, "alert", format);
                prop_assert!(sent.fault.is_none(), "{:?}", sent.fault);
                let plain = case.tell(|telling| renderer.plain(format, telling));
                for body in [sent.body, plain] {
                    match kind {
                        "slack" => {
                            let payload = slack(&body);
                            let fine = within_limits(&payload);
                            prop_assert!(fine.is_ok(), "{fine:?}");
                            let mut torn = None;
                            every_text(&payload, &mut |text| {
                                let text = without_ours(text);
                                let bare = bare_ampersand(&text);
                                if text.contains(['<', '>']) || bare {
                                    torn = Some(text);
                                }
                            });
                            prop_assert!(torn.is_none(), "{torn:?}");
                        }
                        "email" => {
                            let [subject, text, html] = mail(&body);
                            prop_assert!(!subject.contains(['\r', '\n']) && subject.chars().count() <= 200);
                            prop_assert!(!text.contains('\r'));
                            prop_assert!(!html.contains("<script") && !html.contains("</td><script"));
                        }
                        "webhook" => {
                            prop_assert!(serde_json::from_str::<Value>(&shown(&body)).is_ok());
                        }
                        _ => {
                            let text = shown(&body);
                            prop_assert!(text.lines().count() <= 4, "{text:?}");
                            prop_assert!(!text.chars().any(|c| c != '\n' && crate::model::text::is_harmful(c)));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn an_admins_mrkdwn_stays_whole(said in text()) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("own")).unwrap();
        let text = "<https://example.com|here> {{#each alerts}}{{contact.lastMessage.text}} {{name}}{{/each}}";
        std::fs::write(folder.path().join("own/slack.txt.hbs"), text).unwrap();
        let renderer = Renderer::load(folder.path(), &formats(), &mut Vec::new());
        let sent = Case::fired(vec![alert(customer("a", &said, &said), "PT7M")]).render(&renderer, "own", SLACK);
        prop_assert!(sent.fault.is_none());
        let payload = slack(&sent.body);
        let fine = within_limits(&payload);
        prop_assert!(fine.is_ok(), "{fine:?}");
        let mut torn = None;
        every_text(&payload, &mut |text| {
            let text = text.replace("<https://example.com|here>", "");
            if text.contains(['<', '>']) || bare_ampersand(&text) {
                torn = Some(text);
            }
        });
        prop_assert!(torn.is_none(), "{torn:?}");
    }
}
