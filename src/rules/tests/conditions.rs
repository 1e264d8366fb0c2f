//! What conditions see of a contact, and what they say.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    model::{Contact, Names, names::Agent},
    rules::{Condition, Scope, Verdict},
};

fn noon() -> Timestamp {
    "2026-06-12T12:00:00Z".parse().unwrap()
}

/// A customer who wrote five minutes ago and waits since then.
fn ravi() -> Value {
    json!({
        "_id": "c1",
        "platform": ["WHATSAPP"],
        "_agentAssigned": "a1",
        "status": "OPEN",
        "segments": ["s1", "s2"],
        "unreadMessages": 2,
        "isLiveChatActive": true,
        "lastSeenAt": "2026-06-12T11:00:00Z",
        "lastMessage": { "by": "user", "at": "2026-06-12T11:55:00Z", "text": "Where is 5€ \"order\"?" },
        "hasOrdered": { "status": true },
        "score": 0.5,
        "deep": { "er": [1, { "est": true }] },
        "profile": { "userDetails": {
            "name": " Ravi ", "tags": ["vip"],
            "attributes": [{ "key": "plan", "value": "gold" }, { "key": "size", "value": "7" }],
        } },
    })
}

fn judge_at(text: &str, contact: &Value, now: Timestamp) -> (Verdict, bool) {
    let condition = Condition::compile(text).unwrap_or_else(|mistakes| panic!("{text}: {mistakes:?}"));
    let contact = Contact::read(contact.clone()).unwrap();
    let mut names = Names::default();
    names.agents.insert("a1".to_owned(), Agent { name: "Asha".to_owned(), slack: None });
    let since = noon() - SignedDuration::from_secs(300);
    let scope =
        Scope { contact: &contact, since, inbox: "main", names: &names, open: true, missed_live_chat: false, now };
    (condition.judge(scope), condition.may_come_true(scope))
}

fn judge(text: &str, contact: &Value) -> Verdict {
    judge_at(text, contact, noon()).0
}

#[test]
fn what_holds_for_a_full_contact() {
    for text in [
        "true",
        "_id == \"c1\"",
        "unreadMessages == 2 && unreadMessages > 1",
        "status in [\"OPEN\", \"REVIEW\"]",
        "isLiveChatActive && !isImported",
        "platform[0] == \"WHATSAPP\"",
        "\"s2\" in segments",
        "size(segments) == 2",
        "lastMessage.by == \"user\" && lastMessage.text.contains(\"order\")",
        "lastMessage.text.matches(\"[0-9]€\")",
        "hasOrdered.status && hasOrdered.lastAt == \"\"",
        // The derived names.
        "waiting == 300 && waiting >= minutes(5)",
        "inbox == \"main\"",
        "name == \"Ravi\"",
        "agent == \"Asha\"",
        "\"vip\" in tags && tags == profile.userDetails.tags",
        "tags.exists(t, t.startsWith(\"v\"))",
        "attributes[\"plan\"] == \"gold\" && attributes.plan == \"gold\" && int(attributes[\"size\"]) > 6",
        "has(attributes.plan) && !has(attributes.colour)",
        "\"plan\" in attributes && !(\"colour\" in attributes)",
        "open",
        "extra[\"score\"] < 1.0 && extra[\"deep\"].er[1].est",
        // The functions.
        "seconds(90) == 90 && minutes(2) == 120 && hours(1) == 3600 && days(1) == hours(24)",
        "since(lastMessage.at) == 300 && since(lastSeenAt) == hours(1)",
        "days(9223372036854775807) > 0",
    ] {
        assert_eq!(judge(text, &ravi()), Verdict::Holds, "{text}");
    }
}

#[test]
fn what_holds_for_a_contact_with_nothing() {
    for text in [
        "_id == \"c\" && name == \"c\"",
        "status == \"\" && unreadMessages == 0 && !isOnline && lastSeenAt == \"\"",
        "lastMessage.by == \"\" && lastMessage.text == \"\"",
        "size(tags) == 0 && size(segments) == 0 && size(attributes) == 0",
        "agent == \"\"",
        "profile.userDetails.contact.phone.number == \"\"",
        // What never was is longer ago than anything.
        "since(lastMessage.at) > days(100000) && !(since(lastSeenAt) < days(3))",
        "!has(extra.score) && !(\"score\" in extra)",
    ] {
        for contact in
            [json!({ "_id": "c" }), json!({ "_id": "c", "status": null, "profile": null, "lastMessage": "" })]
        {
            assert_eq!(judge(text, &contact), Verdict::Holds, "{text}");
        }
    }
}

#[test]
fn what_fails_or_cannot_be_judged() {
    let fault = |words: &str| Verdict::Fault(words.to_owned());
    let nothing = json!({ "_id": "c" });
    for (text, contact, verdict) in [
        ("unreadMessages > 2", ravi(), Verdict::Fails),
        // What this contact does not have is an ordinary no.
        ("attributes[\"colour\"] == \"red\"", ravi(), Verdict::Fails),
        ("extra[\"score\"] < 1.0", nothing.clone(), Verdict::Fails),
        ("tags[0] == \"vip\"", nothing.clone(), Verdict::Fails),
        ("10 / unreadMessages > 1", nothing.clone(), fault("a division by zero")),
        ("10 % unreadMessages == 1", nothing.clone(), fault("a division by zero")),
        ("unreadMessages * 9223372036854775807 > 0", ravi(), fault("a number grew too large")),
        ("extra[\"score\"] > \"x\"", ravi(), fault("`>` does not work between a number with a fraction and a text")),
        ("extra[\"score\"]", ravi(), fault("the condition is neither true nor false")),
        (
            "since(extra[\"when\"]) > 5",
            json!({ "_id": "c", "when": "soon, hunter2" }),
            fault("`since` failed: this is no time"),
        ),
        (
            "minutes(extra[\"n\"]) > 5",
            json!({ "_id": "c", "n": "hunter2" }),
            fault("this is a text, but a number is wanted"),
        ),
        (
            "since(extra[\"n\"]) > 5",
            json!({ "_id": "c", "n": ["hunter2"] }),
            fault("this is something else, but a text is wanted"),
        ),
    ] {
        assert_eq!(judge(text, &contact), verdict, "{text}");
    }
}

#[test]
fn no_value_of_a_contact_is_repeated() {
    let contact = json!({ "_id": "c", "x": "hunter2", "y": { "hunter2": "hunter2" }, "z": ["hunter2"] });
    for value in ["extra[\"x\"]", "extra[\"y\"]", "extra[\"z\"]"] {
        for text in [
            format!("minutes({value}) > 1"),
            format!("since({value}) > 1"),
            format!("{value} > 1"),
            format!("{value} + 1 > 1"),
            format!("!{value}"),
            format!("-{value} > 1"),
            format!("{value}.contains(1)"),
            format!("{value}.matches(\"(\")"),
            format!("name.matches({value})"),
            format!("int({value}) > 1"),
            format!("double({value}) > 1.0"),
            format!("{value}.foo.bar > 1"),
            format!("{value}[5] > 1"),
            format!("{value}.all(x, x > 1)"),
            format!("{value} in {value}"),
            format!("{{{value}: 1}}.size() > 5"),
            format!("{value} && true"),
            format!("{value} ? true : false"),
            format!("size({value}) > \"a\""),
            format!("max({value}, 1) > 1"),
        ] {
            let Ok(condition) = Condition::compile(&text) else { continue };
            let contact = Contact::read(contact.clone()).unwrap();
            let names = Names::default();
            let scope = Scope {
                contact: &contact,
                since: noon(),
                inbox: "main",
                names: &names,
                open: true,
                missed_live_chat: false,
                now: noon(),
            };
            let said = format!("{:?}", condition.judge(scope));
            assert!(!said.contains("hunter2"), "{text}: {said}");
        }
    }
}

#[test]
fn what_time_alone_may_make_true() {
    for (text, now, later) in [
        // It holds already, or no clock is in it.
        ("unreadMessages > 5", false, false),
        ("waiting > minutes(6)", false, true),
        ("waiting > minutes(6) && unreadMessages > 0", false, true),
        // Another part fails, and no clock mends it.
        ("waiting > minutes(6) && unreadMessages > 5", false, false),
        ("waiting > minutes(6) && attributes[\"colour\"] == \"red\"", false, false),
        ("since(lastSeenAt) > hours(2)", false, true),
        // This can only become false as time passes.
        ("waiting < minutes(4)", false, false),
        ("since(lastMessage.at) < minutes(4) && waiting > minutes(6)", false, false),
        ("since(lastMessage.at) < days(3) && waiting > minutes(6)", false, true),
        ("(waiting > minutes(6) || isOnline) && isLiveChatActive", false, true),
        ("!(waiting < minutes(6))", false, true),
        ("open && unreadMessages > 5", false, false),
    ] {
        let (verdict, may) = judge_at(text, &ravi(), noon());
        assert_eq!((verdict == Verdict::Holds, may), (now, later), "{text}");
    }
    // What is said to come true by time alone does, and nothing else.
    for text in
        ["waiting > minutes(6)", "since(lastSeenAt) > hours(2) && unreadMessages > 0", "!(waiting < minutes(6))"]
    {
        let hours = SignedDuration::from_hours(2);
        assert_eq!(judge_at(text, &ravi(), noon() + hours).0, Verdict::Holds, "{text}");
    }
}

#[test]
fn a_clock_that_runs_backwards_waits_nothing() {
    let before = noon() - SignedDuration::from_hours(1);
    assert_eq!(judge_at("waiting == 0", &ravi(), before).0, Verdict::Holds);
    assert_eq!(judge_at("since(lastMessage.at) < 0", &ravi(), before).0, Verdict::Holds);
}

#[test]
fn what_a_condition_reads_and_whether_it_looks_at_the_clock() {
    for (text, roots, clock) in [
        ("unreadMessages > 0", vec!["unreadMessages"], false),
        ("name == \"x\" || \"vip\" in tags", vec!["profile", "name", "tags"], false),
        ("agent == \"\"", vec!["_agentAssigned"], false),
        ("waiting > 5", vec!["lastMessage"], true),
        ("since(createdAt) > 5", vec!["createdAt"], true),
        ("open", vec![], true),
        ("lastMessage.text.contains(\"since\")", vec!["lastMessage"], false),
    ] {
        let condition = Condition::compile(text).unwrap();
        assert_eq!(condition.looks_at_clock(), clock, "{text}");
        for root in ["unreadMessages", "profile", "_agentAssigned", "lastMessage", "createdAt", "status"] {
            assert_eq!(condition.reads(root), roots.contains(&root), "{text} {root}");
        }
    }
}

#[test]
fn mistakes_behind_letters_of_several_bytes_are_shown_where_they_are() {
    for (text, shown) in [
        ("name == \"öö\" && ünread > 0", "ü"),
        ("name == \"öö\" &&\n\"ö\" == $", "$"),
        ("name == \"öö\" && unreadMesages > 0", "unreadMesages"),
        ("name == \"öö\" && unreadMessages > \"3\"", ">"),
    ] {
        let mistakes = Condition::compile(text).unwrap_err();
        assert_eq!(text.get(mistakes[0].span.clone()), Some(shown), "{text}: {mistakes:?}");
    }
}
