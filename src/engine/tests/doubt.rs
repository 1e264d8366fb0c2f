//! Which absences are believed, and when.

use super::fixtures::{COMPLETE, Scene, TORN, UNANSWERED, answer, customer, end, rule, saw};
use crate::{
    engine::Observed,
    model::{Contact, ContactId, Reason},
};

/// A firing alert whose customer is not answered.
fn crowd(names: &[&str]) -> Vec<Contact> {
    names.iter().map(|name| customer(name, &[])).collect()
}

fn firing(names: &[&str]) -> Scene {
    let mut scene = Scene::new(rule("r", UNANSWERED));
    scene.complete(&crowd(names));
    assert_eq!(scene.snapshot.alerts.len(), names.len());
    scene
}

/// A walk to an empty page over pages of different sizes.
fn uneven(scene: &Scene, seen: &[&str]) -> Observed {
    let mut observed = saw(&crowd(seen), &scene.rules, COMPLETE);
    observed.uneven.insert("r".to_owned());
    observed
}

fn gone(scene: &Scene) -> Vec<(&str, Reason)> {
    scene
        .ended
        .iter()
        .map(|alert| (alert.contact.id.as_str(), alert.resolution.as_ref().map(|end| end.reason).unwrap()))
        .collect()
}

#[test]
fn most_of_three_or_more_are_doubted_by_table() {
    // Who fires, who is seen, and whether the alerts of the others end after two complete walks.
    for (open, seen, believed) in [
        (vec!["a", "b"], vec![], true),
        (vec!["a", "b", "c"], vec![], false),
        (vec!["a", "b", "c"], vec!["c"], false),
        (vec!["a", "b", "c"], vec!["b", "c"], true),
        (vec!["a", "b", "c", "d"], vec!["c", "d"], true),
        (vec!["a", "b", "c", "d"], vec!["d"], false),
    ] {
        let mut scene = firing(&open);
        for _ in 0..2 {
            scene.later(15).complete(&crowd(&seen));
        }
        let missing = if believed { open.len() - seen.len() } else { 0 };
        assert_eq!(scene.ended.len(), missing, "{open:?} {seen:?}");
        assert_eq!(scene.snapshot.memory.doubt.emptied.is_some(), !believed, "{open:?} {seen:?}");
    }
}

#[test]
fn a_look_up_that_finds_one_who_was_answered_speaks_for_all() {
    let mut scene = firing(&["a", "b", "c"]);
    let mut observed = saw(&[customer("a", &answer("agent"))], &scene.rules, COMPLETE);
    observed.found.insert(ContactId::from("a"));
    scene.later(15).tick(&observed);
    scene.later(15).complete(&[]);
    assert_eq!(gone(&scene), [("a", Reason::AnsweredByAgent), ("b", Reason::Gone), ("c", Reason::Gone)]);
}

#[test]
fn a_look_up_that_finds_one_who_waits_proves_the_walk_wrong() {
    let mut scene = firing(&["a", "b", "c"]);
    for poll in 0..=20 {
        assert_eq!(gone(&scene), [], "poll {poll}");
        let mut observed = saw(&crowd(&["a"]), &scene.rules, COMPLETE);
        observed.found.insert(ContactId::from("a"));
        scene.later(15).tick(&observed);
    }
    // The others were not seen for five minutes.
    assert_eq!(gone(&scene), [("b", Reason::Gone), ("c", Reason::Gone)]);
}

#[test]
fn nobody_is_told_by_time_of_who_is_doubted() {
    let mut scene = Scene::new(rule("r", &format!("for = '10m'\n{UNANSWERED}")));
    let names = ["a", "b", "c", "d"];
    scene.complete(&crowd(&names));
    let mut observed = uneven(&scene, &["a"]);
    scene.later(200).tick(&observed);
    observed = Observed::between_polls();
    let outcome = scene.later(200).tick(&observed);
    assert_eq!(outcome.changes.owed.len(), 1, "{outcome:?}");
}

#[test]
fn uneven_pages_hide_for_five_minutes() {
    let mut scene = firing(&["a", "b"]);
    for _ in 0..20 {
        let observed = uneven(&scene, &["a"]);
        assert_eq!(end(&scene.later(15).tick(&observed)), None);
    }
    let observed = uneven(&scene, &["a"]);
    assert_eq!(end(&scene.later(15).tick(&observed)), Some(Reason::Gone));
    // For a customer who was seen in between, the time begins again.
    let mut scene = firing(&["a", "b"]);
    for _ in 0..40 {
        for seen in [&["a"][..], &["a", "b"]] {
            let observed = uneven(&scene, seen);
            assert_eq!(end(&scene.later(15).tick(&observed)), None);
        }
    }
    assert_eq!(scene.snapshot.memory.doubt, crate::model::Doubt::default());
}

#[test]
fn over_uneven_pages_a_look_up_that_explains_is_enough() {
    let mut scene = firing(&["a", "b", "c"]);
    let mut observed = uneven(&scene, &["c"]);
    observed.see(customer("a", &answer("agent")));
    observed.found.insert(ContactId::from("a"));
    scene.later(15).tick(&observed);
    assert_eq!(gone(&scene), [("a", Reason::AnsweredByAgent)]);
    let observed = uneven(&scene, &["c"]);
    scene.later(15).tick(&observed);
    assert_eq!(gone(&scene)[1..], [("b", Reason::Gone)]);
}

#[test]
fn a_walk_that_did_not_come_to_its_end_changes_no_doubt() {
    let mut scene = firing(&["a", "b", "c"]);
    scene.later(15).complete(&[]);
    let doubt = scene.snapshot.memory.doubt.clone();
    assert!(doubt.emptied.is_some());
    scene.later(15).poll(&[], TORN);
    scene.later(15).tick(&Observed::between_polls());
    assert_eq!(scene.snapshot.memory.doubt, doubt);
    scene.later(15).complete(&crowd(&["a", "b", "c"]));
    assert_eq!(scene.snapshot.memory.doubt, crate::model::Doubt::default());
}
