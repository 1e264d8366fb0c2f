//! What begins an episode, once, and since when the customer waits.

use serde_json::json;

use super::fixtures::{
    COMPLETE, FAILED, LIVE, Scene, TORN, TWICE, UNANSWERED, answer, at, begun, customer, end, noon, owed, rule, rules,
};
use crate::{
    engine::Observed,
    model::{Contact, Event, Reason, Snapshot},
};

/// Begins an episode at noon, and returns the time since when the customer waits.
fn since(text: &str, contact: &Contact) -> jiff::Timestamp {
    let mut scene = Scene::new(rule("r", text));
    let outcome = scene.complete(std::slice::from_ref(contact));
    begun(&outcome, &Snapshot::default())[0].since
}

#[test]
fn an_episode_begins_once() {
    let contact = [customer("c", &[])];
    for coverage in [COMPLETE, TWICE, TORN, FAILED] {
        let mut scene = Scene::new(rule("r", UNANSWERED));
        let outcome = scene.poll(&contact, coverage);
        assert_eq!(owed(&outcome), [(Event::Fired, "support")]);
        let id = scene.snapshot.alerts[0].id.clone();
        for _ in 0..3 {
            assert!(scene.later(15).poll(&contact, coverage).changes.is_empty());
            scene.later(15).tick(&Observed::between_polls());
        }
        assert_eq!(scene.snapshot.alerts[0].id, id);
    }
}

#[test]
fn who_does_not_match_does_not_begin() {
    for changes in [
        answer("agent"),
        answer("bot"),
        vec![("status", json!("CLOSED"))],
        vec![("unreadMessages", json!(0))],
        vec![("lastMessage", json!(null))],
    ] {
        let mut scene = Scene::new(rule("r", UNANSWERED));
        assert!(scene.complete(&[customer("c", &changes)]).changes.is_empty(), "{changes:?}");
    }
}

#[test]
fn waiting_since_by_table() {
    let any = "when = 'unreadMessages > 0'";
    let by_match = "since = 'match'\nwhen = 'unreadMessages > 0'";
    let written = |at: serde_json::Value| vec![("lastMessage.at", at)];
    for (text, changes, expected) in [
        (any, vec![], at(-300)),
        (by_match, vec![], noon()),
        // The last message is not the customer's.
        (any, answer("bot"), noon()),
        (any, vec![("lastMessage", json!(null))], noon()),
        (any, written(json!(null)), noon()),
        (any, written(json!("not a time")), noon()),
        // The API's clock is ahead of ours.
        (any, written(json!("2026-06-12T12:00:09Z")), noon()),
        (any, written(json!("1999-01-01T00:00:00Z")), "1999-01-01T00:00:00Z".parse().unwrap()),
    ] {
        assert_eq!(since(text, &customer("c", &changes)), expected, "{text} {changes:?}");
    }
}

#[test]
fn a_further_message_does_not_reset_the_wait() {
    let mut scene = Scene::firing(rule("r", UNANSWERED), &customer("c", &[]));
    let more = customer("c", &[("unreadMessages", json!(2)), ("lastMessage.at", json!("2026-06-12T12:00:10Z"))]);
    let outcome = scene.later(15).complete(std::slice::from_ref(&more));
    assert_eq!(owed(&outcome), []);
    assert_eq!((scene.snapshot.alerts[0].since, &scene.snapshot.alerts[0].contact), (at(-300), &more));
}

#[test]
fn a_match_after_an_end_is_a_new_episode() {
    let mut scene = Scene::firing(rule("r", UNANSWERED), &customer("c", &[]));
    let first = scene.snapshot.alerts[0].id.clone();
    assert_eq!(end(&scene.later(15).complete(&[customer("c", &answer("agent"))])), Some(Reason::AnsweredByAgent));
    let again = customer("c", &[("lastMessage.at", json!("2026-06-12T12:00:20Z"))]);
    let outcome = scene.later(15).complete(&[again]);
    assert_eq!(owed(&outcome), [(Event::Fired, "support")]);
    assert_ne!(scene.snapshot.alerts[0].id, first);
    assert_eq!(scene.snapshot.alerts[0].since, at(20));
}

#[test]
fn rules_and_inboxes_are_apart() {
    let mut scene = Scene::new(rule("a", UNANSWERED));
    scene.rules = rules(vec![
        rule("a", UNANSWERED),
        rule("b", &format!("inboxes = ['main']\n{UNANSWERED}")),
        rule("c", &format!("inboxes = ['second']\n{UNANSWERED}")),
    ]);
    let outcome = scene.complete(&[customer("x", &[]), customer("y", &[])]);
    let mut seen: Vec<_> = outcome.changes.alerts.iter().map(|alert| (&*alert.rule, &*alert.contact.id)).collect();
    seen.sort_unstable();
    assert_eq!(seen, [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]);
}

#[test]
fn time_alone_makes_a_candidate_match() {
    let live = [customer("c", &[("isLiveChatActive", json!(true))])];
    let between = Observed::between_polls();
    let mut scene = Scene::new(rule("r", LIVE));
    assert_eq!(owed(&scene.complete(&live)), []);
    assert_eq!(scene.snapshot.candidates[0].first_seen, noon());
    assert!(scene.later(90).tick(&between).changes.is_empty());
    let before = scene.snapshot.clone();
    let outcome = scene.later(1).tick(&between);
    assert_eq!(owed(&outcome), [(Event::Fired, "support")]);
    assert_eq!(begun(&outcome, &before)[0].since, noon(), "a wait that began at first sight");
    assert_eq!(scene.snapshot.candidates, []);
    assert!(scene.later(1).tick(&between).changes.is_empty());
}

#[test]
fn a_candidate_by_table() {
    let live = |changes: &[(&'static str, serde_json::Value)]| {
        customer("c", &[&[("isLiveChatActive", json!(true))], changes].concat())
    };
    // What a poll 30 s later saw; whether the candidate stays, and whether it fires at 91 s.
    for (contacts, coverage, kept, tells) in [
        (vec![live(&[])], COMPLETE, true, true),
        (vec![live(&[("unreadMessages", json!(7))])], COMPLETE, true, true),
        (vec![live(&[("lastMessage.by", json!("agent"))])], COMPLETE, false, false),
        (vec![customer("c", &[])], COMPLETE, false, false),
        (vec![], FAILED, true, true),
        (vec![], TORN, true, true),
        // A missing customer may have been answered, so nobody is notified.
        (vec![], COMPLETE, true, false),
        (vec![], TWICE, false, false),
    ] {
        let mut scene = Scene::new(rule("r", LIVE));
        scene.complete(&[live(&[])]);
        let outcome = scene.later(30).poll(&contacts, coverage);
        assert_eq!(owed(&outcome), []);
        assert_eq!(!scene.snapshot.candidates.is_empty(), kept, "{contacts:?} {coverage:?}");
        let outcome = scene.later(61).tick(&Observed::between_polls());
        assert_eq!(!owed(&outcome).is_empty(), tells, "{contacts:?} {coverage:?}");
    }
}

#[test]
fn a_candidate_keeps_its_first_sight() {
    let live = [customer("c", &[("isLiveChatActive", json!(true))])];
    let mut scene = Scene::new(rule("r", LIVE));
    scene.complete(&live);
    scene.later(30).complete(&[]);
    scene.later(30).complete(&live);
    assert_eq!(owed(&scene.later(31).complete(&live)), [(Event::Fired, "support")]);
    assert_eq!(scene.snapshot.alerts[0].since, noon());
}

#[test]
fn nobody_is_told_on_an_inbox_that_does_not_answer() {
    let mut scene = Scene::new(rule("r", LIVE));
    scene.complete(&[customer("c", &[("isLiveChatActive", json!(true))])]);
    let failed = Observed::default();
    assert!(scene.later(200).tick(&failed).changes.is_empty());
    assert_eq!(owed(&scene.later(1).tick(&Observed::between_polls())), [(Event::Fired, "support")]);
}

#[test]
fn candidates_go_with_their_rule_but_not_with_a_broken_file() {
    let live = [customer("c", &[("isLiveChatActive", json!(true))])];
    let mut scene = Scene::new(rule("r", LIVE));
    scene.complete(&live);
    scene.rules = crate::rules::RuleSet { rejected: vec!["r".to_owned()], ..Default::default() };
    assert!(scene.later(100).tick(&Observed::between_polls()).changes.is_empty());
    scene.rules = rules(vec![]);
    scene.later(1).tick(&Observed::between_polls());
    assert_eq!(scene.snapshot.candidates, []);
}
