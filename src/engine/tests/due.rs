//! Nobody is notified by the clock on outdated knowledge, and a look-up that fails delays nobody for ever.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::json;

use super::fixtures::{LIVE, Scene, UNANSWERED, at, customer, end, owed, rule};
use crate::{
    engine::{
        Observed, Query, TickOutcome,
        due::{DueMoment, DueWalk, allowance, is_time, walks},
        observed::Sights,
    },
    model::{Ack, Contact, Filter, Matchers, Reason, Silence},
};

const HALF_A_MINUTE: &str = "when = 'unreadMessages > 0'\nfor = '30s'\n[filter]\nlastMessageBy = ['user']";

/// The customer writes at noon.
fn at_noon() -> Contact {
    customer("c", &[("lastMessage.at", json!(at(0).to_string()))])
}

/// A moment between two polls: when the contact was last seen, and since when look-ups have been overdue.
fn between(seen_at: Option<i64>, late_at: Option<i64>) -> Observed {
    let seen: BTreeMap<_, _> = seen_at.map(|seconds| ("c".into(), at(seconds))).into_iter().collect();
    Observed { fresh: true, sights: Some(Sights { at: seen, late_at: late_at.map(at) }), ..Observed::default() }
}

/// The same with a look-up that showed this contact just now.
fn shown(contact: &Contact, now: i64) -> Observed {
    let mut observed = between(None, None);
    observed.see_at(contact.clone(), at(now));
    observed
}

fn due(outcome: &TickOutcome) -> Vec<(&str, bool)> {
    outcome.due.iter().map(|due| (due.contact.id.as_str(), due.told)).collect()
}

/// A scene whose contact was polled at noon, `seconds` later.
fn polled(text: &str, seconds: i64) -> Scene {
    let mut scene = Scene::new(rule("r", text));
    scene.complete(&[at_noon()]);
    scene.later(seconds);
    scene
}

#[test]
fn who_falls_due_is_told_on_fresh_knowledge_only() {
    for (seen_at, late_at, told, asked) in [
        // Seen at the poll at noon, and never again.
        (Some(0), None, false, true),
        (None, None, false, true),
        (Some(27), None, false, true),
        // Two seconds old, and newer.
        (Some(28), None, true, false),
        (Some(30), None, true, false),
        // The half minute has been over for five minutes: nobody waits for ever.
        (Some(0), Some(0), false, true),
        (Some(0), Some(29), false, true),
        (Some(0), Some(30), true, true),
        // A customer who was seen since then was not due then.
        (Some(20), Some(10), false, true),
    ] {
        let outcome = polled(HALF_A_MINUTE, 30).tick(&between(seen_at, late_at));
        assert_eq!(owed(&outcome).len(), usize::from(told), "{seen_at:?} {late_at:?}");
        assert_eq!(due(&outcome), if asked { vec![("c", told)] } else { vec![] }, "{seen_at:?} {late_at:?}");
    }
    assert_eq!(due(&polled(HALF_A_MINUTE, 29).tick(&between(Some(0), None))), [], "it is not due");
}

#[test]
fn an_answer_that_a_look_shows_ends_in_silence_or_with_its_end() {
    let answered = customer("c", &[("lastMessage.by", json!("agent")), ("lastMessage.at", json!(at(22).to_string()))]);
    let mut scene = polled(HALF_A_MINUTE, 30);
    let outcome = scene.tick(&shown(&answered, 30));
    assert_eq!((owed(&outcome), outcome.changes.vanished.len(), due(&outcome)), (vec![], 1, vec![]));
    assert!(scene.snapshot.alerts.is_empty());

    let repeats = format!("{HALF_A_MINUTE}\n[[notify]]\nto = ['support']\nrepeat = '1m'");
    let mut scene = polled(&repeats, 30);
    assert_eq!(owed(&scene.tick(&shown(&at_noon(), 30))).len(), 1);
    let outcome = scene.later(60).tick(&between(Some(30), None));
    assert_eq!((owed(&outcome), due(&outcome)), (vec![], vec![("c", false)]), "the repeat is checked as well");
    let outcome = scene.tick(&shown(&answered, 90));
    assert_eq!(end(&outcome), Some(Reason::AnsweredByAgent));
    assert_eq!(owed(&outcome).len(), 1, "its end");
}

#[test]
fn every_kind_of_due_moment_is_checked() {
    let steps = "[[notify]]\nto = ['support']\nafter = '10m'\nrepeat = '1m'";
    let hours = "[hours]\nopen = ['mon-fri 09:00-18:00']\noutside = 'hold'\n[[notify]]\nto = ['support']";
    let saturday = 20 * 3_600;
    for (name, text, seconds) in [
        ("for", HALF_A_MINUTE.to_owned(), 30),
        ("after", format!("{UNANSWERED}\n{steps}"), 600),
        ("a condition with `waiting`", LIVE.replace("since = 'match'\n", ""), 91),
        ("opening", format!("{HALF_A_MINUTE}\n{hours}"), 3 * 24 * 3_600 - 3 * 3_600),
    ] {
        let mut scene = Scene::new(rule("r", &text));
        let mut contact = at_noon().json();
        contact["isLiveChatActive"] = json!(true);
        let contact = Contact::read(contact).unwrap();
        if name == "opening" {
            scene.now = at(saturday);
        }
        assert_eq!(owed(&scene.complete(std::slice::from_ref(&contact))), [], "{name}");
        scene.now = at(seconds - 1);
        assert_eq!(due(&scene.tick(&between(Some(0), None))), [], "{name} is not due");
        scene.later(1);
        let outcome = scene.tick(&between(Some(0), None));
        assert_eq!((owed(&outcome), due(&outcome)), (vec![], vec![("c", false)]), "{name}");
        assert_eq!(owed(&scene.tick(&shown(&contact, seconds))).len(), 1, "{name}");
    }
}

#[test]
fn the_end_of_a_silence_is_a_due_moment() {
    let mut scene = polled(HALF_A_MINUTE, 0);
    scene.snapshot.silences.push(Silence {
        id: 1,
        matchers: Matchers { rule: Some("r".to_owned()), ..Matchers::default() },
        created_at: at(0),
        ends_at: at(600),
        comment: String::new(),
        created_by: String::new(),
    });
    scene.now = at(599);
    assert_eq!(due(&scene.tick(&between(Some(0), Some(299)))), [], "silenced");
    scene.now = at(600);
    // It would have been due long ago without the silence, so the look-up is not overdue.
    let outcome = scene.tick(&between(Some(0), Some(300)));
    assert_eq!((owed(&outcome), due(&outcome)), (vec![], vec![("c", false)]));
    assert_eq!(owed(&scene.later(300).tick(&between(Some(0), Some(600)))).len(), 1);
}

#[test]
fn who_is_taken_or_waits_for_nothing_is_not_asked_for() {
    let mut scene = polled(HALF_A_MINUTE, 30);
    let ack = Ack { at: at(10), by: "asha".to_owned(), comment: String::new() };
    scene.snapshot.alerts[0].ack = Some(ack);
    assert_eq!(due(&scene.tick(&between(Some(0), None))), []);
    // Nobody is notified when it begins to fire, so no look-up is needed.
    let later = format!("{HALF_A_MINUTE}\n[[notify]]\nto = ['support']\nafter = '10m'");
    let mut scene = polled(&later, 30);
    assert_eq!(due(&scene.tick(&between(Some(0), None))), []);
    assert!(scene.snapshot.alerts[0].is_firing());
}

#[test]
fn who_was_missing_once_is_asked_for() {
    let mut scene = polled(HALF_A_MINUTE, 15);
    scene.complete(&[]);
    assert_eq!(scene.snapshot.alerts[0].missed_walks, 1);
    let outcome = scene.later(15).tick(&between(Some(29), None));
    assert_eq!((owed(&outcome), due(&outcome)), (vec![], vec![("c", false)]));
    assert_eq!(owed(&scene.tick(&shown(&at_noon(), 30))).len(), 1, "and told when a look shows that one waits");
}

#[test]
fn early_pages_of_a_long_walk_are_told_and_asked_for_again() {
    let mut scene = polled(HALF_A_MINUTE, 30);
    let mut observed = between(None, None);
    observed.see_at(at_noon(), at(10));
    let outcome = scene.tick(&observed);
    assert_eq!((owed(&outcome).len(), due(&outcome)), (1, vec![("c", true)]));
    // Also a customer whose episode begins in this poll.
    let mut scene = Scene::new(rule("r", HALF_A_MINUTE));
    let outcome = scene.later(40).tick(&observed);
    assert_eq!((owed(&outcome).len(), due(&outcome)), (1, vec![("c", true)]));
}

#[test]
fn scarce_requests_wait_for_company() {
    for (waited, free, limit, asks) in [
        (0, 40, 80, true),
        (0, 39, 80, false),
        (4, 39, 80, false),
        (5, 39, 80, true),
        (5, 0, 80, true),
        (0, 1, 1, true),
        // The clock was set back.
        (-1, 0, 80, true),
    ] {
        assert_eq!(is_time(at(0), free, limit, at(waited)), asks, "{waited} {free} {limit}");
    }
    for (free, spent, limit, allowed) in
        [(80, 0, 80, 40), (80, 39, 80, 1), (80, 40, 80, 0), (7, 0, 80, 3), (1, 0, 80, 0), (2, 0, 2, 1), (0, 0, 80, 0)]
    {
        assert_eq!(allowance(free, spent, limit), allowed, "{free} {spent} {limit}");
    }
}

/// Somebody who is due by rule `r`, was seen last at this second, and can be searched for or not.
fn one(id: &str, last_seen: Option<i64>, searchable: bool) -> DueMoment {
    let last_seen = last_seen.map(|seconds| at(seconds).to_string());
    let name = if searchable { id } else { "" };
    let contact = customer(id, &[("lastSeenAt", json!(last_seen)), ("profile.userDetails.name", json!(name))]);
    DueMoment { rule: "r".to_owned(), contact, since: at(0), told: false }
}

fn query(id: &str, rule: &str) -> Query {
    Query { id: id.to_owned(), filter: Filter::default(), rules: vec![rule.to_owned()] }
}

/// The beginning of the walk's range, its pages, and the contacts that it shows.
fn planned(
    due: &[DueMoment],
    allowance: usize,
    pages: &dyn Fn(usize, Option<Timestamp>) -> usize,
) -> Vec<(Option<i64>, usize, usize)> {
    let second = |since: Timestamp| since.duration_since(at(0)).as_secs();
    let plan = |walk: DueWalk| (walk.since.map(second), walk.pages, walk.shows.len());
    walks(&[query("other", "s"), query("own", "r")], due, allowance, pages).into_iter().map(plan).collect()
}

#[test]
fn the_cheaper_way_is_taken() {
    // A page for every hundred seconds of the range, and 50 in total.
    let pages = |query: usize, since: Option<Timestamp>| {
        assert_eq!(query, 1, "the other query has nobody who is due");
        since.map_or(50, |since| usize::try_from(-since.duration_since(at(0)).as_secs() / 100 + 1).unwrap())
    };
    let three = [one("a", Some(-10), true), one("b", Some(-20), true), one("c", Some(-30), true)];
    let old = one("old", Some(-3_000), true);
    for (name, due, allowance, expected) in [
        ("nobody", vec![], 40, vec![]),
        ("one look-up costs no more than a page", vec![three[0].clone()], 40, vec![]),
        ("one page for three", three.to_vec(), 40, vec![(Some(-30), 1, 3)]),
        ("an old one is looked up", [&three[..], std::slice::from_ref(&old)].concat(), 40, vec![(Some(-30), 1, 3)]),
        ("nothing is free", three.to_vec(), 0, vec![]),
        ("whom only a walk shows", vec![one("x", Some(-250), false)], 40, vec![(Some(-250), 3, 1)]),
        ("and who is too expensive", vec![one("x", Some(-250), false)], 2, vec![]),
        (
            "the near one, not the far one",
            vec![one("x", Some(-10), false), one("far", Some(-9_000), false)],
            40,
            vec![(Some(-10), 1, 1)],
        ),
        ("whose time is not known is on no narrow walk", vec![one("x", None, false)], 60, vec![(None, 50, 1)]),
        ("or is looked up", vec![one("x", None, true)], 60, vec![]),
        ("the same contact twice is one", vec![three[0].clone(), three[0].clone()], 40, vec![]),
    ] {
        assert_eq!(planned(&due, allowance, &pages), expected, "{name}");
    }
}

proptest! {
    #[test]
    fn nobody_is_told_on_old_knowledge_who_is_not_late(
        ages in prop::collection::vec(0_i64..40, 1..12),
        late in prop::option::of(0_i64..60),
        now in 30_i64..400,
    ) {
        let contact = |index: usize| customer(&format!("c{index}"), &[("lastMessage.at", json!(at(0).to_string()))]);
        let contacts: Vec<Contact> = (0..ages.len()).map(contact).collect();
        let mut scene = Scene::new(rule("r", HALF_A_MINUTE));
        scene.complete(&contacts);
        scene.now = at(now);
        let seen = |(index, age): (usize, &i64)| (contacts[index].contact_id(), at(now - age));
        let sights = Sights { at: ages.iter().enumerate().map(seen).collect(), late_at: late.map(at) };
        let observed = Observed { fresh: true, sights: Some(sights), ..Observed::default() };
        let outcome = scene.tick(&observed);
        for (index, age) in ages.iter().enumerate() {
            let id = format!("c{index}");
            let is_late = late.is_some_and(|late| late >= 30 && now - age <= late);
            let told = outcome.changes.alerts.iter().any(|alert| alert.contact.id == id && alert.is_firing());
            let asked = outcome.due.iter().any(|due| due.contact.id == id);
            prop_assert_eq!(told, *age <= 2 || is_late);
            prop_assert_eq!(asked, *age > 2);
        }
    }

    #[test]
    fn a_plan_spends_no_more_than_allowed_and_shows_nobody_twice(
        people in prop::collection::vec((prop::option::of(-5_000_i64..0), any::<bool>()), 0..30),
        allowance in 0_usize..60,
    ) {
        let due: Vec<DueMoment> = people
            .iter()
            .enumerate()
            .map(|(index, (last_seen, searchable))| one(&format!("c{index}"), *last_seen, *searchable))
            .collect();
        let pages = |_: usize, since: Option<Timestamp>| {
            since.map_or(50, |since| usize::try_from(since.duration_since(at(0)).abs() .as_secs() / 100 + 1).unwrap())
        };
        let walks = walks(&[query("a", "r"), query("b", "r")], &due, allowance, &pages);
        prop_assert!(walks.iter().map(|walk| walk.pages).sum::<usize>() <= allowance);
        for walk in &walks {
            prop_assert!(walk.shows.iter().all(|id| walks.iter().filter(|other| other.shows.contains(id)).count() == 1));
            let alone = |due: &&DueMoment| walk.shows.contains(&due.contact.contact_id()) && due.contact.search_text().is_none();
            prop_assert!(walk.pages < walk.shows.len() || due.iter().any(|due| alone(&due)), "{walk:?} saves nothing");
        }
    }
}

#[test]
fn knowledge_is_fresh_for_two_seconds() {
    let observed = between(Some(0), None);
    let later = |millis: i64| at(0) + SignedDuration::from_millis(millis);
    assert!(observed.is_fresh(&"c".into(), later(2_000)) && !observed.is_fresh(&"c".into(), later(2_001)));
}
