//! Tests of conditions: the names that they see of a contact, and their verdicts.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    model::{Contact, Names, names::Agent},
    rules::{Condition, ConditionFault, Scope, Verdict},
};

fn noon() -> Timestamp {
    "2026-06-12T12:00:00Z".parse().unwrap()
}

/// A customer who wrote five minutes ago and has waited since then.
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
        // An absent time is longer ago than any other.
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
    let fault = |part: &str, why: &str| Verdict::Fault(ConditionFault { part: part.to_owned(), why: why.to_owned() });
    let nothing = json!({ "_id": "c" });
    for (text, contact, verdict) in [
        ("unreadMessages > 2", ravi(), Verdict::Fails),
        // An absent value of this contact is the empty value.
        ("attributes[\"colour\"] == \"red\"", ravi(), Verdict::Fails),
        ("extra[\"score\"] > 0.1", nothing.clone(), Verdict::Fails),
        ("tags[0] == \"vip\"", nothing.clone(), Verdict::Fails),
        ("extra[\"flag\"]", nothing.clone(), Verdict::Fails),
        ("10 / unreadMessages > 1", nothing.clone(), fault("10 / unreadMessages", "a division by zero")),
        ("isOnline || 10 % unreadMessages == 1", nothing.clone(), fault("10 % unreadMessages", "a division by zero")),
        (
            "unreadMessages * 9223372036854775807 > 0",
            ravi(),
            fault("unreadMessages * 9223372036854775807", "a number grew too large"),
        ),
        (
            "extra[\"score\"] > \"x\"",
            ravi(),
            fault("extra[\"score\"] > \"x\"", "`>` does not work between a number with a fraction and a text"),
        ),
        ("extra[\"score\"]", ravi(), fault("extra[\"score\"]", "it is neither true nor false")),
        (
            "since(extra[\"when\"]) > 5",
            json!({ "_id": "c", "when": "soon, hunter2" }),
            fault("since(extra[\"when\"])", "this is not a time"),
        ),
        (
            "minutes(extra[\"n\"]) > 5",
            json!({ "_id": "c", "n": "hunter2" }),
            fault("minutes(extra[\"n\"])", "this is a text, but a number is wanted"),
        ),
        (
            "since(extra[\"n\"]) > 5",
            json!({ "_id": "c", "n": ["hunter2"] }),
            fault("since(extra[\"n\"])", "this is something else, but a text is wanted"),
        ),
        ("!(int(attributes[\"plan\"]) > 6)", ravi(), fault("int(attributes[\"plan\"])", "this is not a whole number")),
        ("double(attributes.plan) > 6.5", ravi(), fault("double(attributes.plan)", "this is not a number")),
        (
            "name.matches(attributes.plan + extra.odd)",
            json!({ "_id": "c", "odd": "(" }),
            fault("name.matches(attributes.plan + extra.odd)", "`matches` failed"),
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
        // This one does not read the clock.
        ("unreadMessages > 5", false, false),
        ("waiting > minutes(6)", false, true),
        ("waiting > minutes(6) && unreadMessages > 0", false, true),
        // Another part fails, and time alone cannot make it true.
        ("waiting > minutes(6) && unreadMessages > 5", false, false),
        ("waiting > minutes(6) && attributes[\"colour\"] == \"red\"", false, false),
        ("since(lastSeenAt) > hours(2)", false, true),
        // Conditions that can only become false as time passes.
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
    // Conditions that may come true by time alone do come true.
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
        ("name == \"öö\" && status == \"öpen\"", "\"öpen\""),
        ("name == \"öö\" && unreadMessages < 0", "unreadMessages < 0"),
    ] {
        let mistakes = Condition::compile(text).unwrap_err();
        assert_eq!(text.get(mistakes[0].span.clone()), Some(shown), "{text}: {mistakes:?}");
    }
}

#[test]
fn what_is_absent_is_the_empty_value() {
    let nothing = json!({ "_id": "c", "nested": { "a": null } });
    for (text, holds) in [
        ("attributes[\"plan\"] != \"gold\"", true),
        ("!(attributes[\"plan\"] == \"gold\")", true),
        ("attributes.plan != \"gold\"", true),
        ("attributes[\"plan\"] == \"\"", true),
        ("!(attributes.plan in [\"gold\", \"silver\"])", true),
        ("attributes.plan.startsWith(\"g\")", false),
        ("!attributes.plan.contains(\"g\")", true),
        ("size(attributes.plan) == 0", true),
        ("int(attributes[\"size\"]) == 0 && double(attributes.size) < 0.5", true),
        ("since(attributes[\"renewed\"]) > days(30)", true),
        ("has(attributes.plan) || \"plan\" in attributes", false),
        ("tags[0] != \"vip\" && tags[7] == \"\" && platform[0] == \"\"", true),
        ("profile.notes[0].title == \"\" && unreadMessage[3].count == 0", true),
        ("profile.userDetails.attributes[0].value != \"x\"", true),
        ("extra[\"x\"] != \"a\" && extra[\"x\"][\"y\"] != \"a\" && extra.x.y.z == \"\"", true),
        ("extra.nested.a.b == 0 && extra[\"x\"] < 5 && !(extra[\"x\"] > 0.5)", true),
        ("!extra[\"flag\"] && !(extra.flag && isOnline)", true),
        ("extra[\"x\"] + 1 == 1 && extra.x - 0.5 < 0 && -extra.x == 0", true),
        ("extra.list.exists(one, one == \"a\") || \"a\" in extra.list || size(extra.list) > 0", false),
        ("extra[\"list\"][2] == \"\"", true),
        ("extra.text.startsWith(\"a\")", false),
        ("extra.x in [\"a\", \"\"]", true),
        ("extra[\"x\"] == extra[\"y\"] && !(extra.x < extra.y)", true),
        ("(extra.flag ? 1 : 2) == 2", true),
        ("since(extra.at) > days(30) && minutes(extra.n) == 0 && int(extra.n) == 0", true),
        ("has(extra.x) || has(extra.x.y) || has(extra.nested.a.b)", false),
        // `has` of a documented field is true if the field is not empty.
        ("!has(lastMessage.at) && !has(profile.userDetails.contact.email)", true),
        ("has(hasOrdered.status)", false),
    ] {
        let expected = if holds { Verdict::Holds } else { Verdict::Fails };
        assert_eq!(judge(text, &nothing), expected, "{text}");
        assert_eq!(
            judge(&format!("!({text})"), &nothing),
            if holds { Verdict::Fails } else { Verdict::Holds },
            "!({text})"
        );
    }
}

#[test]
fn numbers_of_both_kinds_go_together() {
    for text in [
        "unreadMessages * 1.5 == 3.0",
        "extra[\"score\"] + 1 > 1.4",
        "1 - extra.score == 0.5",
        "int(\"7\") == 7 && int(\" 7 \") == 7 && double(\"0.5\") == 0.5",
        "min(unreadMessages, 1) == 1 && max([1, 5, 3]) == 5",
    ] {
        assert_eq!(judge(text, &ravi()), Verdict::Holds, "{text}");
    }
}

#[test]
fn equal_text_in_two_unicode_forms_is_equal() {
    let (one, two) = ("Andr\u{e9}", "Andre\u{301}");
    for (written, stored) in [(one, two), (two, one)] {
        let contact = json!({
            "_id": "c",
            "lastMessage": { "text": format!("Ol\u{e1}, {stored}!") },
            "profile": { "userDetails": {
                "name": stored, "tags": [stored], "city": stored, "attributes": [{ "key": stored, "value": stored }],
            } },
            stored: stored,
        });
        for text in [
            "name == \"NAME\" && \"NAME\" in tags && tags[0] == \"NAME\"",
            "attributes[\"NAME\"] == \"NAME\" && \"NAME\" in attributes",
            "extra[\"NAME\"] == \"NAME\" && lastMessage.text.contains(\"NAME\")",
            "profile.userDetails.city in [\"x\", \"NAME\"] && tags.exists(tag, tag.startsWith(\"NAME\"))",
        ] {
            let text = text.replace("NAME", written);
            assert_eq!(judge(&text, &contact), Verdict::Holds, "{text}");
        }
    }
}

#[test]
fn a_value_that_is_meant_is_taken() {
    let deleted = json!({ "_id": "c", "status": "DELETED", "platform": ["TEAMS"] });
    for text in ["status == raw(\"DELETED\")", "raw(\"TEAMS\") in platform", "status in [\"OPEN\", raw(\"DELETED\")]"] {
        assert_eq!(judge(text, &deleted), Verdict::Holds, "{text}");
    }
}
