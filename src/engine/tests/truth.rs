//! Before every attempt: what is sent, what waits, what is withdrawn.

use jiff::{SignedDuration, Timestamp};

use super::fixtures::{at, customer, noon, rule};
use crate::{
    engine::validity::{OwedClaim, Superseded, Validity, judge},
    model::{Ack, Alert, Event, Matchers, Names, PendingResolve, Reason, Resolution, Silence},
    rules::Rule,
};

const OPEN: &str = "[filter]\nlastMessageBy = ['user']";
const CLOSED: &str = "[filter]\nlastMessageBy = ['user']\n[hours]\nopen = ['sat 10:00-14:00']\noutside = 'night'";

fn firing() -> Alert {
    Alert { fired_at: Some(noon()), ..Alert::begin("main", "r", customer("c", &[]), at(-300), noon()) }
}

fn resolved() -> Alert {
    let end = Resolution { at: at(60), ended_at: at(50), reason: Reason::AnsweredByAgent };
    Alert { resolution: Some(end), ..firing() }
}

fn acknowledged() -> Alert {
    Alert { ack: Some(Ack { at: at(60), by: "asha".to_owned(), comment: String::new() }), ..firing() }
}

fn lapsed() -> Alert {
    Alert { lapse: Some(PendingResolve { at: at(60), ended_at: at(50), reason: Reason::AnsweredByAgent }), ..firing() }
}

fn silence(ends_at: Timestamp) -> Silence {
    Silence {
        id: 1,
        matchers: Matchers { rule: Some("r".to_owned()), ..Matchers::default() },
        created_at: noon(),
        ends_at,
        comment: String::new(),
        created_by: String::new(),
    }
}

fn claim<'a>(alert: &'a Alert, rule: &'a Rule, event: Event) -> OwedClaim<'a> {
    OwedClaim {
        alert,
        rule: Some(rule),
        receiver: "support",
        step: 0,
        event,
        told: false,
        partly_settled: false,
        told_of_beginning: false,
    }
}

fn verdict(claim: OwedClaim<'_>, silences: &[Silence]) -> Validity {
    judge(&[claim], silences, &Names::default(), at(90))[0]
}

#[test]
fn one_by_table() {
    let (open, closed) = (rule("r", OPEN), rule("r", CLOSED));
    let (send, hold) = (Validity::Send, Validity::Hold);
    let (ended, acked) = (Validity::Withdraw(Superseded::Ended), Validity::Withdraw(Superseded::Acknowledged));
    let never = Validity::Withdraw(Superseded::NeverTold);
    let (fired, repeated, over) = (Event::Fired, Event::Repeated, Event::Resolved);
    let silenced = [silence(at(91))];
    let (firing, resolved, acknowledged, lapsed) = (firing(), resolved(), acknowledged(), lapsed());
    // Alert, rule, silenced, event, may have been notified of this, was notified of the beginning.
    for (alert, rule, silences, event, told, told_of_beginning, expected) in [
        (&firing, &open, &[][..], fired, false, false, send),
        (&firing, &open, &[], repeated, false, true, send),
        (&resolved, &open, &[], fired, false, false, ended),
        (&resolved, &open, &[], repeated, false, true, ended),
        // If the answer to an attempt was lost, the end is sent instead.
        (&resolved, &open, &[], fired, true, true, ended),
        (&resolved, &open, &[], over, false, true, send),
        (&resolved, &open, &[], over, false, false, never),
        (&acknowledged, &open, &[], fired, false, false, acked),
        (&acknowledged, &open, &[], repeated, false, true, acked),
        (&acknowledged, &open, &[], fired, true, true, send),
        (&lapsed, &open, &[], fired, false, false, hold),
        (&lapsed, &open, &[], repeated, false, true, hold),
        (&firing, &open, &silenced, fired, false, false, hold),
        (&firing, &open, &silenced, fired, true, true, send),
        (&resolved, &open, &silenced, over, false, true, hold),
        (&resolved, &open, &silenced, over, false, false, never),
        (&firing, &closed, &[], fired, false, false, hold),
        (&resolved, &closed, &[], over, false, true, hold),
    ] {
        let claim = OwedClaim { told, told_of_beginning, ..claim(alert, rule, event) };
        assert_eq!(verdict(claim, silences), expected, "{:?} {event:?} {told} {told_of_beginning}", alert.state());
    }
    let night = OwedClaim { receiver: "night", ..claim(&firing, &closed, fired) };
    assert_eq!(verdict(night, &[]), send, "who stands in outside of the hours hears at once");
    let orphan = OwedClaim { rule: None, ..claim(&firing, &closed, fired) };
    assert_eq!(verdict(orphan, &[]), send);
    assert_eq!(verdict(claim(&firing, &open, fired), &[silence(at(90))]), send, "its end has come");
}

#[test]
fn of_several_about_one_alert_one_is_enough() {
    let (open, alert) = (rule("r", OPEN), firing());
    let other = Alert { id: crate::model::AlertId("other".to_owned()), ..firing() };
    let of = |alert, step, event, told| OwedClaim { step, told, ..claim(alert, &open, event) };
    let overtaken = Validity::Withdraw(Superseded::Overtaken);
    for (claims, expected) in [
        // A later step says it.
        (vec![of(&alert, 0, Event::Fired, false), of(&alert, 1, Event::Fired, false)], vec![overtaken, Validity::Send]),
        // The first message says everything that a reminder would.
        (
            vec![of(&alert, 0, Event::Fired, false), of(&alert, 0, Event::Repeated, false)],
            vec![Validity::Send, overtaken],
        ),
        (
            vec![of(&alert, 0, Event::Repeated, false), of(&alert, 0, Event::Repeated, false)],
            vec![overtaken, Validity::Send],
        ),
        // A message that may have arrived is tried further.
        (
            vec![of(&alert, 0, Event::Fired, true), of(&alert, 1, Event::Fired, false)],
            vec![Validity::Send, Validity::Send],
        ),
        (
            vec![of(&alert, 0, Event::Fired, false), of(&other, 1, Event::Fired, false)],
            vec![Validity::Send, Validity::Send],
        ),
    ] {
        assert_eq!(judge(&claims, &[], &Names::default(), at(90)), expected, "{claims:?}");
    }
}

#[test]
fn matchers_by_table() {
    let alert = Alert {
        contact: customer(
            "c",
            &[
                ("platform", serde_json::json!(["WHATSAPP"])),
                ("_botWhatsapp", serde_json::json!("b1")),
                ("profile.userDetails.tags", serde_json::json!(["vip", "new"])),
            ],
        ),
        ..firing()
    };
    let mut names = Names::default();
    names.bots.insert("b1".to_owned(), "Sales bot".to_owned());
    let of = |name: &str, value: &str| {
        let mut matchers = Matchers::default();
        let value = Some(value.to_owned());
        match name {
            "rule" => matchers.rule = value,
            "inbox" => matchers.inbox = value,
            "contact" => matchers.contact = value,
            "bot" => matchers.bot = value,
            "tag" => matchers.tag = value,
            "platform" => matchers.platform = value,
            _ => matchers.severity = value,
        }
        matchers
    };
    for (name, fits, fails) in [
        ("rule", "r", "R"),
        ("inbox", "main", "second"),
        ("contact", "c", "d"),
        ("bot", "b1", "b2"),
        ("bot", "Sales bot", ""),
        ("tag", "vip", "VIP"),
        ("platform", "whatsapp", "telegram"),
        ("severity", "warning", "critical"),
    ] {
        assert!(of(name, fits).fit(&alert, "warning", &names), "{name} {fits}");
        assert!(!of(name, fails).fit(&alert, "warning", &names), "{name} {fails}");
    }
    // All of them must fit.
    let both = Matchers { tag: Some("vip".to_owned()), ..of("rule", "r") };
    assert!(both.fit(&alert, "warning", &names));
    assert!(!Matchers { tag: Some("old".to_owned()), ..both }.fit(&alert, "warning", &names));
    let ended = SignedDuration::from_secs(1);
    assert!(!silence(noon() - ended).is_active(noon()) && silence(noon() + ended).is_active(noon()));
}
