//! The first line of every message: who, how long and where; or how it ended.

use jiff::SignedDuration;
use serde_json::Value;

use super::fixtures::{
    AGENT, CONSOLE, Case, EMAIL, SLACK, alert, built_in, customer, mail, nobody, now, ravi, resolved, shown, slack,
    twelve,
};
use crate::{
    model::{Alert, Event, Privacy, Reason},
    render::Format,
};

fn named(id: u32, name: &str, waiting: &str) -> Alert {
    alert(customer(&format!("6a2bbf60b1e0d1b5a9f0d{id:03}"), name, "Hello?"), waiting)
}

fn ends(reasons: &[Reason]) -> Case {
    let names = ["Asha", "Bob", "Chloé", "Dina", "Ede"];
    let minutes = ["PT50M", "PT40M", "PT30M", "PT20M", "PT10M"];
    let alerts = reasons.iter().enumerate().map(|(at, reason)| {
        let id = u32::try_from(at).unwrap();
        resolved(named(id, names[at], minutes[at]), *reason)
    });
    Case::resolved(alerts.collect())
}

fn repeated(alerts: Vec<Alert>) -> Case {
    Case { event: Event::Repeated, ..Case::fired(alerts) }
}

fn open_hours(minutes: i64) -> Case {
    let waiting_open = Some(SignedDuration::from_mins(minutes));
    Case { waiting_open, ..Case::fired(vec![named(1, "Bob", "PT15H2M")]) }
}

/// A customer whose last message is as old as the wait.
fn whatsapp(waiting: &str) -> Case {
    let mut contact = ravi();
    let wrote = now() - waiting.parse::<SignedDuration>().unwrap();
    contact["lastMessage"]["at"] = wrote.to_string().into();
    Case::fired(vec![alert(contact, waiting)])
}

/// Every kind of message and its first line.
fn table() -> Vec<(Case, &'static str)> {
    let by = Reason::AnsweredByAgent;
    let one = |alert: Alert| Case::fired(vec![alert]);
    let taken = resolved(alert(ravi(), "PT12M5S"), Reason::Taken);
    vec![
        (one(alert(ravi(), "PT7M")), "🟠 Ravi Kumar has waited 7 min on WhatsApp"),
        (one(alert(ravi(), "PT9S")), "🟠 Ravi Kumar is waiting on WhatsApp"),
        (one(alert(ravi(), "PT10S")), "🟠 Ravi Kumar has waited 10 s on WhatsApp"),
        (one(alert(nobody(), "PT26H")), "🟠 Customer 6a2bbf60b1e0d1b5a9f0c002 has waited 1 d 2 h on Website"),
        (one(alert(serde_json::json!({ "_id": "c1" }), "PT7M")), "🟠 Customer c1 has waited 7 min on main"),
        (one(named(1, "مریم رضایی", "PT7M")), "🟠 \u{2068}مریم رضایی\u{2069} has waited 7 min on Website"),
        // A reminder, open hours, and the end of WhatsApp's reply window.
        (repeated(vec![named(1, "Bob", "PT37M")]), "🟠 Bob is still waiting: 37 min on Website"),
        (
            repeated(vec![named(1, "Bob", "PT37M"), named(2, "Dina", "PT38M")]),
            "🟠 2 customers are still waiting, Dina the longest: 38 min on Website",
        ),
        (open_hours(47), "🟠 Bob has waited 15 h 2 min (47 min of open hours) on Website"),
        (open_hours(15 * 60 + 2), "🟠 Bob has waited 15 h 2 min on Website"),
        (whatsapp("PT21H59M"), "🟠 Ravi Kumar has waited 21 h 59 min on WhatsApp"),
        (whatsapp("PT22H1M"), "🟠 Ravi Kumar has waited 22 h 1 min on WhatsApp; the reply window closes in 1 h 59 min"),
        (whatsapp("PT25H"), "🟠 Ravi Kumar has waited 1 d 1 h on WhatsApp"),
        // Characters with which a customer could turn the line's direction are removed.
        (one(named(1, "\u{2067}Bob\u{202e}", "PT7M")), "🟠 Bob has waited 7 min on Website"),
        (
            one(named(1, &"Donaudampfschiff".repeat(6), "PT7M")),
            "🟠 DonaudampfschiffDonaudampfschiffDonaudampfschiffDonaudampfs… has waited 7 min on Website",
        ),
        (
            Case::fired(vec![named(1, "Bob", "PT3M"), named(2, "ליאור", "PT42M"), named(3, "Chloé", "PT5M")]),
            "🟠 3 customers are waiting, \u{2068}ליאור\u{2069} the longest: 42 min on Website",
        ),
        (Case::fired(twelve()), "🟠 12 customers are waiting, Customer 7 the longest: 1 h 20 min on Website"),
        // Two rules may list the same customer.
        (Case::fired(vec![named(1, "Bob", "PT3M"), named(1, "Bob", "PT2M")]), "🟠 Bob has waited 3 min on Website"),
        (Case { privacy: Privacy::Masked, ..one(alert(ravi(), "PT7M")) }, "🟠 R. K. has waited 7 min on WhatsApp"),
        (
            Case { privacy: Privacy::Id, ..one(alert(ravi(), "PT7M")) },
            "🟠 Customer 6a2bbf60b1e0d1b5a9f0c001 has waited 7 min on main",
        ),
        (
            Case::resolved(vec![resolved(alert(ravi(), "PT12M5S"), by)]),
            "✅ Ravi Kumar: answered by Asha after 12 min (WhatsApp)",
        ),
        (Case::resolved(vec![taken]), "⚪ Ravi Kumar: taken by Asha after 12 min (WhatsApp)"),
        (ends(&[Reason::LiveChatExpired]), "⚠️ Asha: live chat expired unanswered after 49 min (Website)"),
        (ends(&[by, Reason::Closed]), "✅ 2 customers are no longer waiting: Asha and Bob"),
        (ends(&[by, Reason::Read, by]), "⚪ 3 customers are no longer waiting: Asha, Bob and Chloé"),
        (
            ends(&[by, Reason::Read, by, Reason::LiveChatExpired, by]),
            "⚠️ 5 customers are no longer waiting: Asha, Bob, Chloé and 2 more",
        ),
    ]
}

#[test]
fn every_format_begins_with_the_same_line() {
    let renderer = built_in();
    for (case, line) in table() {
        for plain in [false, true] {
            let body = |format: &dyn Format| {
                if plain { case.tell(|telling| renderer.plain(format, telling)) } else { case.built_in(format) }
            };
            let mailed = body(EMAIL);
            let [subject, text, _] = mail(&mailed);
            assert_eq!(subject, line);
            assert_eq!(text.lines().next(), Some(line));
            let payload = slack(&body(SLACK));
            assert_eq!(payload["text"].as_str().and_then(|text| text.lines().next()), Some(line));
            if let Some(first) = payload.pointer("/blocks/0/text/text").and_then(Value::as_str) {
                assert_eq!(first.lines().next(), Some(line));
            }
            // The console does not know how terminals treat direction marks.
            let flat: String = line.chars().filter(|c| !('\u{2066}'..='\u{2069}').contains(c)).collect();
            let text = shown(&body(CONSOLE));
            assert!(text.starts_with(&flat), "{text}");
        }
        let mailed = case.built_in(EMAIL);
        let [_, _, html] = mail(&mailed);
        assert!(html.contains(&format!("\n{line}\n")), "{html}");
    }
}

#[test]
fn what_they_wrote_comes_next_and_then_how_to_reach_them() {
    let mut ravi = ravi();
    ravi["profile"]["userDetails"]["contact"]["email"] = "ravi@example.com".into();
    let case = Case::fired(vec![alert(ravi, "PT7M")]);
    let order = ["Where is my order?", "6a2bbf60b1e0d1b5a9f0c001", "+91 98123 45678", "ravi@example.com"];
    let mailed = case.built_in(EMAIL);
    let [_, text, html] = mail(&mailed).map(str::to_owned);
    let blocks = slack(&case.built_in(SLACK))["blocks"].to_string();
    // Before that stands the preview line that mail programs show beside the subject.
    let html = html.split("white-space:pre-wrap").nth(1).unwrap().to_owned();
    for text in [text, blocks, html] {
        let places: Vec<_> =
            order.iter().map(|part| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"))).collect();
        assert!(places.is_sorted(), "{places:?} in {text}");
    }
}

#[test]
fn sixty_are_told_of_by_ten_and_a_number() {
    let sixty = (0..60).map(|at| named(at, &format!("Customer {at}"), &format!("PT{}M", at + 1)));
    let case = Case::fired(sixty.collect());
    for format in [SLACK, EMAIL, CONSOLE] {
        let body = shown(&case.built_in(format));
        assert!(body.contains("60 customers are waiting, Customer 59 the longest: 1 h on Website"), "{body}");
        assert!(body.contains("Customer 50") && !body.contains("Customer 49"), "{body}");
        assert!(body.contains("… and 50 more"), "{body}");
    }
}

#[test]
fn an_agent_without_a_name_is_an_agent() {
    let mut stranger = ravi();
    stranger["_agentAssigned"] = "somebody-else".into();
    assert_ne!(AGENT, "somebody-else");
    let case = Case::resolved(vec![resolved(alert(stranger, "PT12M5S"), Reason::Taken)]);
    assert_eq!(mail(&case.built_in(EMAIL))[0], "⚪ Ravi Kumar: taken by an agent after 12 min (WhatsApp)");
}
