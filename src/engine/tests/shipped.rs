//! The shipped rules: whom they tell of, after how long, and of whom they do not.

use serde_json::{Value, json};

use super::fixtures::{Scene, customer, end, owed, rule};
use crate::{
    engine::Observed,
    model::{Event, Reason},
};

/// A change of a contact, at a dotted path.
type Changes = Vec<(&'static str, Value)>;

/// A rule, a contact of it, after how many seconds it is told of, and to whom.
struct Shipped {
    name: &'static str,
    text: &'static str,
    contact: Changes,
    after: i64,
    told: &'static [&'static str],
    /// Contacts of whom nobody is told, however long it lasts.
    never: Vec<Changes>,
    /// What ends it, and the reason that is given.
    ends: Vec<(Changes, Reason)>,
}

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
            after: 15 * 60,
            told: &["leads"],
            never: vec![vec![taken.clone()], by("agent")],
            ends: vec![(vec![taken.clone()], Reason::Taken), (by("agent"), Reason::AnsweredByAgent)],
        },
        Shipped {
            name: "bot-left-waiting",
            text: include_str!("../../../rules/bot-left-waiting.toml"),
            contact: promised.clone(),
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

/// A contact who wrote at noon; whoever is imported or silent is told of nowhere.
fn contact(changes: &[(&'static str, Value)]) -> crate::model::Contact {
    let at = ("lastMessage.at", json!("2026-06-12T12:00:00Z"));
    customer("c", &[&[at, ("isImported", json!(false))], changes].concat())
}

fn scene(shipped: &Shipped) -> Scene {
    Scene::new(rule(shipped.name, shipped.text))
}

#[test]
fn each_tells_in_time_and_not_before() {
    for case in shipped() {
        let mut scene = scene(&case);
        let seen = [contact(&case.contact)];
        assert_eq!(owed(&scene.complete(&seen)), [], "{}", case.name);
        assert_eq!(owed(&scene.later(case.after - 1).complete(&seen)), [], "{}", case.name);
        let told: Vec<_> = case.told.iter().map(|receiver| (Event::Fired, *receiver)).collect();
        assert_eq!(owed(&scene.later(1).tick(&Observed::between_polls())), told, "{}", case.name);
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
