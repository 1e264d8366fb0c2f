//! What ends an episode, why, and what does not.

use serde_json::{Value, json};

use super::fixtures::{
    self, COMPLETE, FAILED, INBOX, LIVE, Scene, TORN, TWICE, UNANSWERED, answer, at, customer, end, noon, owed, rule,
};
use crate::{
    engine::{Observed, missing, observed::Coverage},
    model::{Event, Reason},
    rules::RuleSet,
};

const TOLD: [(Event, &str); 1] = [(Event::Resolved, "support")];

#[test]
fn every_reason_by_table() {
    let live = || vec![("isLiveChatActive", json!(true))];
    let over = |more: Vec<(&'static str, Value)>| [vec![("isLiveChatActive", json!(false))], more].concat();
    let unread = "when = 'unreadMessages > 0 && !isUserBlocked'";
    let open = "when = 'status != \"CLOSED\" && unreadMessages > 0'";
    let unassigned = "when = '_agentAssigned == \"\"'";
    let by_bot = "[filter]\nlastMessageBy = [\"bot\"]";
    let tagged = "when = '\"vip\" in tags'";
    let late = vec![("lastMessage.by", json!("agent")), ("lastMessage.at", json!("2026-06-12T11:54:00Z"))];
    let come = vec![("lastMessage.by", json!("agent")), ("lastMessage.at", json!("2026-06-12T12:01:40Z"))];
    let no_time = vec![("lastMessage.by", json!("agent")), ("lastMessage.at", json!(null))];
    let closing = [answer("agent"), vec![("status", json!("CLOSED"))]].concat();
    for (text, before, after, reason) in [
        (UNANSWERED, vec![], answer("agent"), Reason::AnsweredByAgent),
        (UNANSWERED, vec![], answer("bot"), Reason::AnsweredByBot),
        (UNANSWERED, vec![], no_time, Reason::AnsweredByAgent),
        (UNANSWERED, vec![], vec![("status", json!("CLOSED"))], Reason::Closed),
        (open, vec![], vec![("status", json!("CLOSED"))], Reason::Closed),
        (UNANSWERED, vec![], closing, Reason::AnsweredByAgent),
        (UNANSWERED, vec![], vec![("unreadMessages", json!(0))], Reason::Read),
        (unread, vec![], vec![("isUserBlocked", json!(true))], Reason::Blocked),
        // A blocked customer was not answered, whatever was written.
        (unread, vec![], [answer("agent"), vec![("isUserBlocked", json!(true))]].concat(), Reason::Blocked),
        (LIVE, live(), [live(), come.clone()].concat(), Reason::AnsweredByAgent),
        (LIVE, live(), over(vec![]), Reason::LiveChatExpired),
        (LIVE, live(), over(vec![("_agentAssigned", json!("a1"))]), Reason::LiveChatEnded),
        (unassigned, vec![], vec![("_agentAssigned", json!("a1"))], Reason::Taken),
        (
            unassigned,
            vec![],
            [answer("agent"), vec![("_agentAssigned", json!("a1"))]].concat(),
            Reason::AnsweredByAgent,
        ),
        // An assignment is an end only if the rule waits for it.
        (unread, vec![], vec![("_agentAssigned", json!("a1")), ("unreadMessages", json!(0))], Reason::Read),
        (by_bot, answer("bot"), vec![], Reason::WroteAgain),
        (by_bot, answer("bot"), come.clone(), Reason::AnsweredByAgent),
        (tagged, vec![("profile.userDetails.tags", json!(["vip"]))], vec![], Reason::NoLongerMatches),
        (UNANSWERED, vec![], vec![("status", json!("ONHOLD"))], Reason::NoLongerMatches),
        // An answer from before the wait is not an answer to it.
        (UNANSWERED, vec![], late, Reason::NoLongerMatches),
    ] {
        let mut scene = Scene::firing(rule("r", text), &customer("c", &before));
        let outcome = scene.later(60).complete(&[customer("c", &after)]);
        assert_eq!(end(&outcome), Some(reason), "{text} {after:?}");
        assert_eq!(owed(&outcome), TOLD, "{text} {after:?}");
        let again = scene.later(60).complete(&[customer("c", &after)]);
        assert!(again.changes.is_empty(), "over is over: {again:?}");
    }
}

#[test]
fn ended_at_is_the_time_of_the_answer() {
    for (after, ended_at) in [
        (answer("agent"), at(-60)),
        (answer("bot"), at(-60)),
        // Not before the wait, and not in the future.
        (vec![("lastMessage.by", json!("agent")), ("lastMessage.at", json!("2026-06-12T13:00:00Z"))], at(60)),
        (vec![("lastMessage.by", json!("agent")), ("lastMessage.at", json!(null))], at(60)),
        (vec![("status", json!("CLOSED"))], at(60)),
    ] {
        let mut scene = Scene::firing(rule("r", UNANSWERED), &customer("c", &[]));
        let outcome = scene.later(60).complete(&[customer("c", &after)]);
        let resolution = outcome.changes.alerts[0].resolution.clone().unwrap();
        assert_eq!((resolution.at, resolution.ended_at), (at(60), ended_at), "{after:?}");
    }
}

#[test]
fn absence_needs_two_complete_walks() {
    let other = [customer("other", &[("unreadMessages", json!(0))])];
    // Each line: the walks of each poll, and the poll in which the alert ends.
    for (polls, ends_in) in [
        (vec![COMPLETE, COMPLETE], Some(1)),
        (vec![TWICE], Some(0)),
        (vec![TORN; 9], None),
        (vec![FAILED; 9], None),
        (vec![COMPLETE, FAILED, TORN, FAILED], None),
        (vec![COMPLETE, FAILED, TORN, COMPLETE], Some(3)),
        (vec![FAILED, COMPLETE, TORN, COMPLETE], Some(3)),
    ] {
        let mut scene = Scene::firing(rule("r", UNANSWERED), &customer("c", &[]));
        for (number, coverage) in polls.iter().enumerate() {
            let outcome = scene.later(15).poll(&other, *coverage);
            let ended = (ends_in == Some(number)).then_some(Reason::Gone);
            assert_eq!(end(&outcome), ended, "{polls:?}, poll {number}");
            assert_eq!(owed(&outcome), if ended.is_some() { TOLD.to_vec() } else { Vec::new() });
        }
    }
}

#[test]
fn a_sight_in_between_counts_absences_anew() {
    let contact = customer("c", &[]);
    for coverage in [COMPLETE, TORN, FAILED] {
        let mut scene = Scene::firing(rule("r", UNANSWERED), &contact);
        assert_eq!(end(&scene.later(15).complete(&[])), None);
        assert_eq!(scene.snapshot.alerts[0].missed_walks, 1);
        scene.later(15).poll(std::slice::from_ref(&contact), coverage);
        assert_eq!(scene.snapshot.alerts[0].missed_walks, 0);
        assert_eq!(end(&scene.later(15).complete(&[])), None);
        assert_eq!(end(&scene.later(15).complete(&[])), Some(Reason::Gone));
    }
}

#[test]
fn walks_of_other_queries_are_no_evidence() {
    let mut scene = Scene::firing(rule("r", UNANSWERED), &customer("c", &[]));
    let mut observed = Observed { fresh: true, ..Observed::default() };
    observed.coverage.insert("another".to_owned(), TWICE);
    for _ in 0..5 {
        assert!(scene.later(15).tick(&observed).changes.is_empty());
    }
    assert!(scene.later(15).tick(&Observed::between_polls()).changes.is_empty());
}

#[test]
fn a_contact_seen_on_a_walk_that_failed_ends_and_begins() {
    for coverage in [TORN, FAILED] {
        let mut scene = Scene::firing(rule("r", UNANSWERED), &customer("c", &[]));
        let outcome = scene.later(15).poll(&[customer("c", &answer("agent")), customer("new", &[])], coverage);
        assert_eq!(end(&outcome), Some(Reason::AnsweredByAgent));
        assert_eq!(owed(&outcome), [(Event::Resolved, "support"), (Event::Fired, "support")]);
    }
}

#[test]
fn a_file_that_is_rejected_or_missing_leaves_its_alerts_alone() {
    let r = || vec!["r".to_owned()];
    let closed = vec![(String::new(), "permission denied".to_owned())];
    for unsure in [
        RuleSet { rejected: r(), ..RuleSet::default() },
        RuleSet { missing: r(), ..RuleSet::default() },
        RuleSet { closed, ..RuleSet::default() },
    ] {
        let mut scene = Scene::firing(rule("r", UNANSWERED), &customer("c", &[]));
        scene.rules = unsure;
        for contacts in [vec![], vec![customer("c", &answer("agent"))]] {
            let mut observed = super::fixtures::saw(&contacts, &scene.rules, COMPLETE);
            observed.coverage.insert("r".to_owned(), TWICE);
            assert!(scene.later(15).tick(&observed).changes.is_empty());
        }
        // After the rule is corrected, the alert continues.
        scene.rules = super::fixtures::rules(vec![rule("r", UNANSWERED)]);
        assert_eq!(end(&scene.later(15).complete(&[customer("c", &answer("agent"))])), Some(Reason::AnsweredByAgent));
    }
}

#[test]
fn a_removed_disabled_or_edited_rule_ends_without_a_message() {
    let contact = customer("c", &[]);
    let elsewhere = format!("inboxes = ['second']\n{UNANSWERED}");
    let edited = |text: &str| super::fixtures::rules(vec![rule("r", text)]);
    let stricter = UNANSWERED.replace("> 0", "> 1");
    let narrower = format!("{UNANSWERED}\nisOnline = true");
    for (rules, reason) in [
        (RuleSet::default(), Reason::RuleRemoved),
        (RuleSet { disabled: vec!["r".to_owned()], ..RuleSet::default() }, Reason::RuleRemoved),
        (edited(&elsewhere), Reason::RuleRemoved),
        (edited(&stricter), Reason::RuleChanged),
        (edited(&narrower), Reason::RuleChanged),
    ] {
        let mut scene = Scene::firing(rule("r", UNANSWERED), &contact);
        scene.rules = rules;
        let outcome = scene.later(15).complete(std::slice::from_ref(&contact));
        assert_eq!((end(&outcome), owed(&outcome)), (Some(reason), vec![]));
    }
    // A filter that the inbox itself applies makes the contact vanish: judged at complete walks only.
    let mut scene = Scene::firing(rule("r", UNANSWERED), &contact);
    scene.rules = edited(&narrower);
    assert_eq!(end(&scene.later(15).poll(&[], TORN)), None);
    let outcome = scene.later(15).poll(&[], TWICE);
    assert_eq!((end(&outcome), owed(&outcome)), (Some(Reason::RuleChanged), vec![]));
}

#[test]
fn what_an_edit_keeps_ends_with_a_message_later() {
    let contact = customer("c", &[("unreadMessages", json!(2))]);
    let mut scene = Scene::firing(rule("r", UNANSWERED), &contact);
    scene.rules = super::fixtures::rules(vec![rule("r", &UNANSWERED.replace("> 0", "> 1"))]);
    let outcome = scene.later(15).complete(std::slice::from_ref(&contact));
    assert_eq!((end(&outcome), owed(&outcome)), (None, vec![]));
    let outcome = scene.later(15).complete(&[customer("c", &answer("agent"))]);
    assert_eq!((end(&outcome), owed(&outcome)), (Some(Reason::AnsweredByAgent), TOLD.to_vec()));
}

#[test]
fn edits_of_text_and_receivers_change_nothing() {
    let contact = customer("c", &[]);
    for text in [
        format!("description = 'new words'\nseverity = 'critical'\n{UNANSWERED}"),
        format!("{UNANSWERED}\n[[notify]]\nto = ['leads', 'night']"),
        format!("{UNANSWERED}\n[[notify]]\nto = ['support']\ntemplate = 'short'"),
        format!("since = 'match'\n{UNANSWERED}"),
    ] {
        let mut scene = Scene::firing(rule("r", UNANSWERED), &contact);
        scene.rules = super::fixtures::rules(vec![rule("r", &text)]);
        let outcome = scene.later(15).complete(std::slice::from_ref(&contact));
        assert_eq!((end(&outcome), owed(&outcome)), (None, vec![]), "{text}");
        // The end goes to the receivers of the beginning.
        assert_eq!(owed(&scene.later(15).complete(&[customer("c", &answer("agent"))])), TOLD, "{text}");
    }
}

#[test]
fn doubts_are_no_evidence() {
    let strange = json!({ "strange": true });
    for (text, path) in [
        (UNANSWERED, "unreadMessages"),
        (UNANSWERED, "lastMessage"),
        (UNANSWERED, "lastMessage.by"),
        (UNANSWERED, "status"),
        ("when = 'name == \"c\"'", "profile"),
        ("when = '\"vip\" in tags || unreadMessages > 0'", "unreadMessages"),
        ("[filter]\nuserInteracted = true", "userInteracted"),
    ] {
        let mut scene = Scene::firing(rule("r", text), &customer("c", &[]));
        let value = if ["lastMessage.by", "status"].contains(&path) { strange.clone() } else { json!("perhaps") };
        let unclear = customer("c", &[(path, value.clone())]);
        assert_eq!(unclear.unreadable_fields, [path]);
        for _ in 0..3 {
            assert_eq!(end(&scene.later(15).complete(std::slice::from_ref(&unclear))), None, "{text} {path}");
        }
    }
    // An unreadable field that the rule does not use does not matter.
    let mut scene = Scene::firing(rule("r", UNANSWERED), &customer("c", &[]));
    let answered = customer("c", &[answer("agent"), vec![("isOnline", strange)]].concat());
    assert_eq!(end(&scene.later(15).complete(&[answered])), Some(Reason::AnsweredByAgent));
}

#[test]
fn what_cannot_be_judged_neither_begins_nor_ends() {
    let text = "when = 'unreadMessages > 0 && 10 / websiteVisits > 0'";
    let visits = |visits: i64| customer("c", &[("websiteVisits", json!(visits))]);
    let mut scene = Scene::firing(rule("r", text), &visits(1));
    let outcome = scene.later(15).complete(&[visits(0), customer("other", &[])]);
    assert!(outcome.changes.is_empty(), "{outcome:?}");
    let told: Vec<(&str, String)> = outcome.faults.iter().map(|fault| (fault.rule.as_str(), fault.message())).collect();
    assert_eq!(told, [("r", "`10 / websiteVisits` failed for 2 contacts: a division by zero".to_owned())]);
}

#[test]
fn a_condition_that_failed_is_over_when_a_whole_walk_found_nobody_with_it() {
    use crate::{
        engine::{Tick, faults::remember, tick},
        model::{Contact, Names},
    };
    let text = "when = 'unreadMessages > 0 && 10 / websiteVisits > 0'";
    let visits = |id: &str, visits: i64| customer(id, &[("websiteVisits", json!(visits))]);
    let scene = Scene::new(rule("r", text));
    let saw = |contacts: &[Contact], coverage| {
        let observed = fixtures::saw(contacts, &scene.rules, coverage);
        let snapshot = &scene.snapshot;
        let names = Names::default();
        tick(Tick { inbox: INBOX, rules: &scene.rules, snapshot, observed: &observed, names: &names, now: noon() })
            .faults
    };
    let rules = || scene.rules.rules.iter().map(AsRef::as_ref);
    let observed = |coverage| fixtures::saw(&[], &scene.rules, coverage);
    let two = saw(&[visits("a", 0), visits("b", 0), visits("c", 5)], COMPLETE);
    let one = saw(&[visits("a", 0)], TORN);
    let first = remember(&std::collections::BTreeMap::new(), &two, rules(), &observed(COMPLETE), noon());
    assert_eq!((first["r"].contacts, first["r"].since, first["r"].part.as_str()), (2, noon(), "10 / websiteVisits"));
    // A contact that was not seen is not over, and only a complete walk shows that there are fewer.
    assert_eq!(remember(&first, &[], rules(), &observed(TORN), at(15)), first);
    let later = remember(&first, &one, rules(), &observed(TORN), at(15));
    assert_eq!((later["r"].contacts, later["r"].since, later["r"].seen_at), (2, noon(), at(15)));
    assert_eq!(remember(&first, &one, rules(), &observed(COMPLETE), at(15))["r"].contacts, 1);
    assert!(remember(&first, &[], rules(), &observed(COMPLETE), at(15)).is_empty());
    // Another condition, or no rule, ends the fault.
    let edited = rule("r", "when = 'unreadMessages > 0'");
    assert!(remember(&first, &[], [&edited].into_iter(), &observed(TORN), at(15)).is_empty());
    assert!(remember(&first, &[], std::iter::empty(), &observed(TORN), at(15)).is_empty());
}

#[test]
fn a_list_that_is_too_short_is_an_ordinary_no() {
    let text = "when = 'tags[0] == \"vip\"'";
    let tags = |tags: Value| customer("c", &[("profile.userDetails.tags", tags)]);
    let mut scene = Scene::firing(rule("r", text), &tags(json!(["vip"])));
    let outcome = scene.later(15).complete(&[tags(json!([]))]);
    assert_eq!((end(&outcome), outcome.faults), (Some(Reason::NoLongerMatches), vec![]));
}

#[test]
fn one_of_many_rules_ends_alone() {
    let mut scene = Scene::new(rule("a", UNANSWERED));
    scene.rules = super::fixtures::rules(vec![rule("a", UNANSWERED), rule("b", "when = 'unreadMessages > 0'")]);
    assert_eq!(scene.complete(&[customer("c", &[])]).changes.alerts.len(), 2);
    let outcome = scene.later(15).complete(&[customer("c", &[("status", json!("ONHOLD"))])]);
    assert_eq!(end(&outcome), Some(Reason::NoLongerMatches));
    assert_eq!(scene.snapshot.alerts.iter().map(|alert| alert.rule.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn who_is_missing_is_looked_up() {
    let phone = |id: &str, minute: u32| {
        let written = json!(format!("2026-06-12T11:{minute:02}:00Z"));
        customer(id, &[("lastMessage.at", written)])
    };
    let mut scene = Scene::new(rule("r", UNANSWERED));
    let all: Vec<_> = (0..15).map(|at| phone(&format!("c{at:02}"), 40 - at)).collect();
    scene.complete(&all);
    let mut observed = super::fixtures::saw(&all[..2], &scene.rules, TORN);
    let wanted = |scene: &Scene, observed: &Observed| {
        let rules = scene.rules.of_inbox(INBOX);
        let found = missing::to_look_up(&rules, &scene.snapshot, observed);
        found.iter().map(|contact| contact.id.clone()).collect::<Vec<_>>()
    };
    let longest: Vec<String> = (5..15).rev().map(|at| format!("c{at:02}")).collect();
    assert_eq!(wanted(&scene, &observed), longest, "ten at most, the longest waiting first");
    // A failed walk, or a narrow one, proves nothing about missing contacts.
    observed.coverage.insert("r".to_owned(), FAILED);
    assert_eq!(wanted(&scene, &observed), Vec::<String>::new());

    let confirm = |scene: &Scene, coverage: Coverage| {
        let observed = super::fixtures::saw(&all[..2], &scene.rules, coverage);
        missing::rules_to_confirm(&scene.rules.of_inbox(INBOX), &scene.snapshot, &observed).len()
    };
    assert_eq!([FAILED, TORN, COMPLETE, TWICE].map(|coverage| confirm(&scene, coverage)), [0, 0, 1, 0]);
    scene.later(15).complete(&all[..2]);
    assert_eq!(confirm(&scene, COMPLETE), 0, "the walk itself is the second one");
}
