//! Live chats that nobody took, as far as polls saw them.

use serde_json::{Value, json};

use super::fixtures::{Scene, begun, customer, rule};
use crate::{engine::Observed, model::Snapshot};

const MISSED: &str = "since = 'match'\nwhen = 'missed_live_chat'\n[filter]\nstatus = ['OPEN']";

fn seen(live: bool, by: &str, more: &[(&str, Value)]) -> crate::model::Contact {
    customer("c", &[&[("isLiveChatActive", json!(live)), ("lastMessage.by", json!(by))], more].concat())
}

#[test]
fn missed_by_table() {
    let none: &[(&str, Value)] = &[];
    let taken: &[(&str, Value)] = &[("_agentAssigned", json!("asha"))];
    for (what, sights, missed) in [
        ("no chat at all", vec![(false, "user", none)], false),
        ("it lasts", vec![(true, "user", none), (true, "bot", none)], false),
        ("it ended by itself", vec![(true, "user", none), (false, "user", none)], true),
        ("the bot spoke, no agent did", vec![(true, "user", none), (true, "bot", none), (false, "bot", none)], true),
        ("an agent spoke in it", vec![(true, "user", none), (true, "agent", none), (false, "agent", none)], false),
        ("an agent had taken it", vec![(true, "user", none), (false, "user", taken)], false),
        ("an agent wrote afterwards", vec![(true, "user", none), (false, "user", none), (false, "agent", none)], false),
        (
            "and then the customer again",
            vec![(true, "user", none), (false, "agent", none), (false, "user", none)],
            false,
        ),
        ("another chat began", vec![(true, "user", none), (false, "user", none), (true, "user", none)], false),
        (
            "and was missed, too",
            vec![(true, "user", none), (false, "user", none), (true, "user", none), (false, "user", none)],
            true,
        ),
    ] {
        let mut scene = Scene::new(rule("r", MISSED));
        for (live, by, more) in sights {
            scene.later(15).complete(&[seen(live, by, more)]);
        }
        assert_eq!(!scene.snapshot.alerts.is_empty(), missed, "{what}");
    }
}

#[test]
fn a_chat_that_was_missed_is_told_of_once_and_forgotten_after_three_days() {
    let mut scene = Scene::new(rule("r", MISSED));
    scene.complete(&[seen(true, "user", &[])]);
    let outcome = scene.later(60).complete(&[seen(false, "user", &[])]);
    assert_eq!(begun(&outcome, &Snapshot::default()).len(), 1);
    assert!(scene.later(60).complete(&[seen(false, "user", &[])]).changes.owed.is_empty());
    assert_eq!(scene.snapshot.memory.live_chats.len(), 1);
    scene.later(3 * 24 * 3_600).tick(&Observed::between_polls());
    assert!(scene.snapshot.memory.live_chats.is_empty());
}

#[test]
fn what_was_not_understood_changes_nothing() {
    let mut scene = Scene::new(rule("r", MISSED));
    scene.complete(&[seen(true, "user", &[])]);
    let before = scene.snapshot.memory.live_chats.clone();
    scene.later(60).complete(&[customer("c", &[("isLiveChatActive", json!("perhaps"))])]);
    assert_eq!(scene.snapshot.memory.live_chats, before);
}
