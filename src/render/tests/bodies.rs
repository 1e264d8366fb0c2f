//! Every built-in body, as it is sent.

use super::fixtures::{Case, FORMATS, WEBHOOK, alert, built_in, customer, nobody, ravi, resolved, shown, twelve};
use crate::{
    model::{Privacy, Reason},
    render::{AlertView, MessageView, RuleWords},
};

const HOSTILE: &str =
    "<!channel> <https://evil.example|bank> \"{{x}}\" \\ line\r\nBcc: a@b \u{202e}txet\u{200f} 👩‍👩‍👧 *b* @here </td>";

fn cases() -> Vec<(&'static str, Case)> {
    let answered = |alert| resolved(alert, Reason::AnsweredByAgent);
    let long = format!("{HOSTILE}{}", "long ".repeat(2_000));
    vec![
        ("fired_one", Case::fired(vec![alert(ravi(), "PT7M")])),
        ("fired_list", Case::fired(twelve())),
        ("resolved_one", Case::resolved(vec![answered(alert(ravi(), "PT7M5S"))])),
        (
            "resolved_list",
            Case::resolved(vec![
                answered(alert(ravi(), "PT7M5S")),
                resolved(alert(nobody(), "PT2H"), Reason::LiveChatExpired),
            ]),
        ),
        ("masked", Case { privacy: Privacy::Masked, ..Case::fired(vec![alert(ravi(), "PT7M")]) }),
        ("id", Case { privacy: Privacy::Id, link: None, ..Case::fired(vec![alert(ravi(), "PT7M")]) }),
        ("nobody", Case { link: None, ..Case::fired(vec![alert(nobody(), "PT26H")]) }),
        ("just_now", Case::fired(vec![alert(ravi(), "PT3S")])),
        (
            "right_to_left",
            Case::fired(vec![alert(
                customer("6a2bbf60b1e0d1b5a9f0c004", "مریم رضایی", "سلام، سفارش من کجاست؟"),
                "PT7M",
            )]),
        ),
        (
            "three",
            Case::fired(vec![
                alert(ravi(), "PT12M"),
                alert(nobody(), "PT5M"),
                alert(customer("6a2bbf60b1e0d1b5a9f0c005", "ליאור כהן", "שלום"), "PT42M"),
            ]),
        ),
        ("missed", Case::resolved(vec![resolved(alert(ravi(), "PT7M5S"), Reason::LiveChatExpired)])),
        ("taken", Case::resolved(vec![resolved(alert(ravi(), "PT7M5S"), Reason::Taken)])),
        ("hostile", Case::fired(vec![alert(customer("6a2bbf60b1e0d1b5a9f0c003", HOSTILE, &long), "PT7M")])),
    ]
}

fn snapshot(name: &str, body: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name.to_lowercase(), body));
}

#[test]
fn every_built_in_body() {
    for (name, case) in cases() {
        for (kind, format) in FORMATS {
            let body = shown(&case.built_in(format));
            snapshot(&format!("{name}_{kind}"), &body);
        }
    }
}

#[test]
fn every_plain_body() {
    for (name, case) in cases() {
        for (kind, format) in FORMATS {
            let body = shown(&case.tell(|telling| built_in().plain(format, telling)));
            snapshot(&format!("plain_{name}_{kind}"), &body);
        }
    }
}

#[test]
fn the_plain_webhook_has_the_keys_of_the_template() {
    for (_, case) in cases() {
        let plain = case.tell(|telling| built_in().plain(WEBHOOK, telling));
        assert_eq!(shown(&plain), shown(&case.built_in(WEBHOOK)));
    }
}

#[test]
fn nothing_hidden_is_in_any_body() {
    for privacy in [Privacy::Masked, Privacy::Id] {
        let case = Case { privacy, ..Case::fired(vec![alert(ravi(), "PT7M")]) };
        for (kind, format) in FORMATS {
            let plain = case.tell(|telling| built_in().plain(format, telling));
            for body in [case.built_in(format), plain] {
                let body = shown(&body);
                for hidden in ["secret", "Kumar", "my order", "98123", "203.0"] {
                    assert!(!body.contains(hidden), "{privacy:?} {kind} shows {hidden}:\n{body}");
                }
            }
        }
    }
}

#[test]
fn several_rules_are_all_named() {
    let alerts = [alert(ravi(), "PT7M"), alert(nobody(), "PT6M")];
    Case::fired(alerts.to_vec()).tell(|telling| {
        let other = RuleWords { name: "missed-chat".to_owned(), ..telling.rule.clone() };
        let told = [
            AlertView { alert: &alerts[0], rule: telling.rule, waiting_open: None },
            AlertView { alert: &alerts[1], rule: &other, waiting_open: None },
        ];
        let telling = MessageView { alerts: &told, ..*telling };
        let renderer = built_in();
        for (_, format) in FORMATS {
            for body in [renderer.render("alert", format, &telling).body, renderer.plain(format, &telling)] {
                let body = shown(&body);
                assert!(body.contains("unanswered") && body.contains("missed-chat"), "{body}");
            }
        }
    });
}
