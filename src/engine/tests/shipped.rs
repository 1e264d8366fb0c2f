//! The shipped rules: which customers they report after which time, and which they do not.

use serde_json::{Value, json};

use super::fixtures::{Scene, customer, end, owed, rule};
use crate::{
    engine::Observed,
    model::{Event, Reason},
};

/// A change of a contact, at a dotted path.
type Changes = Vec<(&'static str, Value)>;

/// A rule, a contact of it, after how many seconds it is reported, and to whom.
struct Shipped {
    name: &'static str,
    text: &'static str,
    contact: Changes,
    /// The contact's earlier record, if it matters.
    before: Option<Changes>,
    after: i64,
    told: &'static [&'static str],
    /// Contacts that are never reported.
    never: Vec<Changes>,
    /// The change that ends it, and the reason.
    ends: Vec<(Changes, Reason)>,
}

#[allow(clippy::too_many_lines)] // a table
fn shipped() -> Vec<Shipped> {
    let by = |side: &str| vec![("lastMessage.by", json!(side)), ("lastMessage.at", json!("2026-06-12T12:10:00Z"))];
    let taken = ("_agentAssigned", json!("66a0f1c2d3e4b5a697880001"));
    let live = ("isLiveChatActive", json!(true));
    let vip = ("profile.userDetails.tags", json!(["new", "vip"]));
    let promised = vec![("lastMessage.by", json!("bot")), ("status", json!("INPROGRESS"))];
    let with = |base: &Changes, more: Changes| [base.clone(), more].concat();
    vec![
        Shipped {
            name: "customer-waiting",
            text: include_str!("../../../rules/customer-waiting.toml"),
            contact: vec![],
            before: None,
            after: 120,
            told: &["support"],
            never: vec![by("bot"), by("agent"), vec![("unreadMessages", json!(0))], vec![("status", json!("ONHOLD"))]],
            ends: vec![
                (by("agent"), Reason::AnsweredByAgent),
                (by("bot"), Reason::AnsweredByBot),
                (vec![("unreadMessages", json!(0))], Reason::Read),
            ],
        },
        Shipped {
            name: "live-chat-waiting",
            text: include_str!("../../../rules/live-chat-waiting.toml"),
            contact: vec![live.clone(), ("lastMessage.by", json!("bot"))],
            before: None,
            after: 90,
            told: &["support", "leads"],
            never: vec![vec![], with(&by("agent"), vec![live.clone()])],
            ends: vec![
                (with(&by("agent"), vec![live.clone()]), Reason::AnsweredByAgent),
                (vec![], Reason::LiveChatExpired),
                (vec![taken.clone()], Reason::LiveChatEnded),
            ],
        },
        Shipped {
            name: "vip-waiting",
            text: include_str!("../../../rules/vip-waiting.toml"),
            // Read, and yet waiting.
            contact: vec![vip.clone(), ("unreadMessages", json!(0))],
            before: None,
            after: 30,
            told: &["leads"],
            never: vec![
                vec![],
                with(&by("agent"), vec![vip.clone()]),
                vec![("profile.userDetails.tags", json!(["v"]))],
            ],
            ends: vec![(with(&by("agent"), vec![vip.clone()]), Reason::AnsweredByAgent)],
        },
        Shipped {
            name: "unassigned-waiting",
            text: include_str!("../../../rules/unassigned-waiting.toml"),
            contact: vec![("unreadMessages", json!(0))],
            before: None,
            after: 60 * 60,
            told: &["leads"],
            never: vec![vec![taken.clone()], by("agent")],
            ends: vec![(vec![taken.clone()], Reason::Taken), (by("agent"), Reason::AnsweredByAgent)],
        },
        Shipped {
            name: "missed-live-chat",
            text: include_str!("../../../rules/missed-live-chat.toml"),
            contact: vec![("lastMessage.by", json!("bot"))],
            before: Some(vec![live.clone()]),
            after: 0,
            told: &["support"],
            // Contacts without a live chat, or with an agent in it.
            never: vec![vec![live.clone()], by("agent"), vec![taken.clone()]],
            ends: vec![
                (by("agent"), Reason::AnsweredByAgent),
                (vec![("status", json!("CLOSED"))], Reason::Closed),
                (vec![live.clone(), ("lastMessage.by", json!("bot"))], Reason::NoLongerMatches),
            ],
        },
        Shipped {
            name: "whatsapp-window-closing",
            text: include_str!("../../../rules/whatsapp-window-closing.toml"),
            contact: vec![("platform", json!(["WHATSAPP"]))],
            before: None,
            after: 22 * 60 * 60,
            told: &["support", "leads"],
            never: vec![vec![("platform", json!(["TELEGRAM"]))], by("agent")],
            ends: vec![(with(&by("agent"), vec![("platform", json!(["WHATSAPP"]))]), Reason::AnsweredByAgent)],
        },
        Shipped {
            name: "bot-left-waiting",
            text: include_str!("../../../rules/bot-left-waiting.toml"),
            contact: promised.clone(),
            before: None,
            after: 5 * 60,
            told: &["support"],
            never: vec![
                vec![("lastMessage.by", json!("bot"))],
                with(&promised, vec![("unreadMessages", json!(0))]),
                with(&promised, vec![live]),
            ],
            ends: vec![
                (with(&promised, by("agent")), Reason::AnsweredByAgent),
                (with(&promised, by("user")), Reason::WroteAgain),
                (with(&promised, vec![("unreadMessages", json!(0))]), Reason::Read),
            ],
        },
    ]
}

/// A contact who wrote at noon. Imported and silent contacts are never reported.
fn contact(changes: &[(&'static str, Value)]) -> crate::model::Contact {
    let at = ("lastMessage.at", json!("2026-06-12T12:00:00Z"));
    customer("c", &[&[at, ("isImported", json!(false))], changes].concat())
}

fn scene(shipped: &Shipped) -> Scene {
    let mut scene = Scene::new(rule(shipped.name, shipped.text));
    if let Some(before) = &shipped.before {
        scene.complete(&[contact(before)]);
        scene.later(15);
    }
    scene
}

#[test]
fn each_tells_in_time_and_not_before() {
    for case in shipped() {
        let mut scene = scene(&case);
        let seen = [contact(&case.contact)];
        let told: Vec<_> = case.told.iter().map(|receiver| (Event::Fired, *receiver)).collect();
        if case.after > 0 {
            assert_eq!(owed(&scene.complete(&seen)), [], "{}", case.name);
            assert_eq!(owed(&scene.later(case.after - 1).complete(&seen)), [], "{}", case.name);
            assert_eq!(owed(&scene.later(1).tick(&Observed::between_polls())), told, "{}", case.name);
        } else {
            assert_eq!(owed(&scene.complete(&seen)), told, "{}", case.name);
        }
        assert_eq!(owed(&scene.later(60).complete(&seen)), [], "{}: once", case.name);
    }
}

#[test]
fn none_tells_of_imports_of_silent_conversations_or_of_others() {
    for case in shipped() {
        let silent = ("lastMessage.at", json!("2026-06-09T11:59:00Z"));
        let strangers = [
            vec![[case.contact.clone(), vec![("isImported", json!(true))]].concat()],
            vec![[case.contact.clone(), vec![silent]].concat()],
            case.never.clone(),
        ];
        for changes in strangers.concat() {
            let mut scene = scene(&case);
            for _ in 0..3 {
                let outcome = scene.later(3_600).complete(&[contact(&changes)]);
                assert_eq!(owed(&outcome), [], "{}: {changes:?}", case.name);
            }
        }
    }
}

#[test]
fn each_says_how_it_ended() {
    for case in shipped() {
        for (changes, reason) in &case.ends {
            let mut scene = scene(&case);
            scene.complete(&[contact(&case.contact)]);
            scene.later(case.after).complete(&[contact(&case.contact)]);
            let outcome = scene.later(60).complete(&[contact(changes)]);
            assert_eq!(end(&outcome), Some(*reason), "{}: {changes:?}", case.name);
        }
    }
}

#[test]
fn who_is_not_answered_is_escalated_until_somebody_takes_it() {
    let text = include_str!("../../../rules/customer-waiting.toml");
    let told_at = |taken_at: i64| {
        let mut scene = Scene::new(rule("customer-waiting", text));
        let mut told = Vec::new();
        for minute in 0..60 * 12 {
            let taken = if minute >= taken_at { vec![("_agentAssigned", json!("a"))] } else { vec![] };
            let outcome = scene.complete(&[contact(&taken)]);
            told.extend(owed(&outcome).into_iter().map(|(event, who)| (minute, event, who.to_owned())));
            scene.later(60);
        }
        told
    };
    let leads = |minute, event| (minute, event, "leads".to_owned());
    let (first, second) = ((2, Event::Fired, "support".to_owned()), leads(15, Event::Fired));
    // An hour, two hours and four hours later, and then no more.
    let repeats = [15 + 60, 15 + 180, 15 + 420].map(|minute| leads(minute, Event::Repeated));
    assert_eq!(told_at(9_999), [vec![first.clone(), second.clone()], repeats.to_vec()].concat());
    assert_eq!(told_at(100), [first.clone(), second, repeats[0].clone()]);
    assert_eq!(told_at(10), [first]);
    assert_eq!(told_at(1), []);
}

#[test]
fn the_reply_window_closes() {
    let text = include_str!("../../../rules/whatsapp-window-closing.toml");
    let mut scene = Scene::new(rule("whatsapp-window-closing", text));
    let seen = [contact(&[("platform", json!(["WHATSAPP"]))])];
    scene.complete(&seen);
    assert_eq!(owed(&scene.later(22 * 3_600).complete(&seen)).len(), 2);
    assert_eq!(end(&scene.later(2 * 3_600 - 1).complete(&seen)), None);
    assert_eq!(end(&scene.later(1).complete(&seen)), Some(Reason::WindowClosed));
}

#[test]
fn every_shipped_rule_is_tried_here() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    let mut tried: Vec<_> = shipped().iter().map(|case| case.name.to_owned()).collect();
    tried.sort();
    assert_eq!(files, tried);
}
