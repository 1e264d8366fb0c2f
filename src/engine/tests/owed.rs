//! Who is owed what, and what becomes one message.

use super::fixtures::{Scene, UNANSWERED, answer, customer, owed, rule};
use crate::{
    engine::group::{GroupBy, group},
    model::{AlertId, Event, Notification},
};

fn notify(steps: &[&str]) -> String {
    let steps: Vec<String> = steps.iter().map(|step| format!("[[notify]]\n{step}")).collect();
    format!("{UNANSWERED}\n{}", steps.join("\n"))
}

#[test]
fn every_receiver_once_by_the_latest_step_that_names_it() {
    for (steps, expected) in [
        (vec!["to = ['support']"], vec![("support", 0, "alert")]),
        (vec!["to = ['support', 'leads']"], vec![("support", 0, "alert"), ("leads", 0, "alert")]),
        (vec!["to = ['support', 'support']"], vec![("support", 0, "alert")]),
        (
            vec!["to = ['support', 'leads']", "to = ['support']\ntemplate = 'short'"],
            vec![("leads", 0, "alert"), ("support", 1, "short")],
        ),
    ] {
        let contact = customer("c", &[]);
        let mut scene = Scene::new(rule("r", &notify(&steps)));
        let outcome = scene.complete(std::slice::from_ref(&contact));
        let told = |outcome: &crate::engine::TickOutcome, event: Event| {
            let mut told: Vec<(String, u32, String)> = Vec::new();
            for owed in &outcome.changes.owed {
                assert_eq!((owed.event, owed.rule.as_str(), owed.inbox.as_str()), (event, "r", "main"));
                assert_eq!(owed.due_at, super::fixtures::noon());
                told.push((owed.receiver.clone(), owed.step, owed.template.clone()));
            }
            told
        };
        let expected: Vec<_> =
            expected.iter().map(|(to, step, template)| ((*to).to_owned(), *step, (*template).to_owned())).collect();
        assert_eq!(told(&outcome, Event::Fired), expected, "{steps:?}");
        let outcome = scene.complete(&[customer("c", &answer("agent"))]);
        assert_eq!(told(&outcome, Event::Resolved), expected, "the end goes the same ways: {steps:?}");
    }
}

#[test]
fn the_end_goes_to_those_told_only() {
    let text = notify(&["to = ['support', 'leads', 'night']"]);
    for told in [vec![], vec!["leads"], vec!["support", "night"]] {
        let mut scene = Scene::firing(rule("r", &text), &customer("c", &[]));
        scene.snapshot.told.retain(|known| told.contains(&known.receiver.as_str()));
        let outcome = scene.later(15).complete(&[customer("c", &answer("agent"))]);
        let expected: Vec<_> = told.iter().map(|receiver| (Event::Resolved, *receiver)).collect();
        assert_eq!(owed(&outcome), expected);
    }
}

#[test]
fn groups_by_table() {
    let item = |alert: &str, rule: &str, step: u32, event: Event, template: &str, inbox: &str| Notification {
        alert: AlertId(alert.to_owned()),
        rule: rule.to_owned(),
        inbox: inbox.to_owned(),
        receiver: "support".to_owned(),
        step,
        event,
        template: template.to_owned(),
        due_at: super::fixtures::noon(),
    };
    let items = [
        item("a", "r", 0, Event::Fired, "alert", "main"),
        item("b", "r", 0, Event::Fired, "alert", "main"),
        item("c", "s", 0, Event::Fired, "alert", "main"),
        item("d", "r", 1, Event::Fired, "alert", "main"),
        item("e", "r", 0, Event::Resolved, "alert", "main"),
        item("f", "r", 0, Event::Fired, "short", "main"),
        item("g", "r", 0, Event::Fired, "alert", "second"),
        item("h", "r", 0, Event::Fired, "alert", "main"),
        // A reminder and a first message are separate messages.
        item("i", "r", 0, Event::Repeated, "alert", "main"),
        item("j", "r", 0, Event::Repeated, "alert", "main"),
    ];
    for (by, expected) in [
        (GroupBy::Rule, vec!["abh", "c", "d", "e", "f", "g", "ij"]),
        (GroupBy::Contact, vec!["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]),
        (GroupBy::Receiver, vec!["abcdfh", "e", "g", "ij"]),
    ] {
        let groups: Vec<String> = group(items.iter().collect(), by, |item| item, |_| None)
            .into_iter()
            .map(|group| group.iter().map(|item| item.alert.0.as_str()).collect())
            .collect();
        assert_eq!(groups, expected, "{by:?}");
    }
    assert!(group(Vec::<Notification>::new(), GroupBy::Rule, |item| item, |_| None).is_empty());
}
