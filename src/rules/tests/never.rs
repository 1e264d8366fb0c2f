//! Tests of conditions that can never be true, and of texts that are not conditions: they are reported with the right
//! form. A condition that may be true is never reported.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    diagnose::{Diagnostic, Source},
    model::{Contact, Names},
    rules::{Condition, Known, Scope, Verdict, compile::compile},
};

/// Conditions, each with its mistakes below it: the marked text, what is wrong, and what would be right.
const TABLE: &str = include_str!("never.txt");

/// Every mistake of a condition as `marked text: what is wrong (what would be right)`.
fn mistakes(text: &str) -> Vec<String> {
    let found = Condition::compile(text).err().unwrap_or_default();
    let shown = found.into_iter().map(|mistake| {
        let marked = text.get(mistake.span).expect("the place is in the text");
        format!("    {marked}: {} ({})", mistake.what, mistake.help.unwrap_or_default())
    });
    shown.collect()
}

#[test]
fn mistakes_by_table() {
    let conditions = TABLE.lines().filter(|line| !line.starts_with("    "));
    let said: Vec<String> = conditions.map(|text| format!("{text}\n{}\n", mistakes(text).join("\n"))).collect();
    let said = said.concat();
    if said != TABLE {
        // Printed in the format of the table.
        eprintln!("{said}");
        let differs = said.lines().zip(TABLE.lines()).find(|(said, expected)| said != expected);
        panic!("{differs:#?}");
    }
}

#[test]
fn what_may_be_true_passes() {
    for text in [
        "\"WEBSITE\" in platform && \"website\" in secondaryPlatform",
        "platform == [\"WEBSITE\"] || platform[0] == \"WHATSAPP\"",
        "lastMessage.by == \"\" || lastMessage.by in [\"user\", \"bot\"]",
        "status != \"OPEN\" && status != \"CLOSED\" && status != \"\"",
        "status.startsWith(\"IN\") || status.contains(\"HOLD\") || status.endsWith(raw(\"ED2\"))",
        "name.startsWith(\"A\") && name.startsWith(\"An\") && name.endsWith(\"a\")",
        "!(name == \"Ravi\") && !name.contains(\"x\") && name != agent",
        "agent == \"Asha\" && _agentAssigned != \"\"",
        "unreadMessages > 0 && unreadMessages < 2 && unreadMessages == 1",
        "unreadMessages >= 1.5 && unreadMessages <= 2.5",
        "waiting >= minutes(5) && waiting <= minutes(5)",
        "since(lastMessage.at) < 0",
        "since(lastMessage.at) > days(3) && lastMessage.at == \"\"",
        "since(lastSeenAt) > since(createdAt) && lastSeenAt > createdAt",
        "createdAt > \"2026-01-01\" && createdAt < \"2026-02-01\" && lastSeenAt != \"\"",
        "extra[\"x\"] == 0 && extra[\"x\"] == \"\" && !extra[\"x\"]",
        "extra[\"a\"] > 5 && extra[\"b\"] < 3",
        "!(extra.x > 5) && !(extra.x <= 5)",
        "extra.x - extra.x != 0",
        "double(attributes.x) != double(attributes.y)",
        "tags.exists(t, t == \"a\") && tags.exists(t, t == \"b\")",
        "tags.all(t, t == \"a\" && t == \"b\")",
        "\"a\" in tags && !(\"b\" in tags) && size(tags) == 1",
        "tags == [] || \"vip\" in tags",
        "(isOnline && !isLiveChatActive) || (!isOnline && isLiveChatActive)",
        "isOnline != isLiveChatActive && isOnline == isContact",
        "isOnline ? unreadMessages > 5 : unreadMessages < 0",
        "status == \"OPEN\" || (unreadMessages > 0 && unreadMessages < 0)",
        "attributes[\"plan\"] == \"gold\" && attributes[\"size\"] == \"gold\"",
        "attributes.plan != \"\" && has(attributes.plan) && int(attributes.size) > 5",
        "[lastMessage.by, status] == [\"user\", \"OPEN\"]",
        "lastMessage.by in [status, \"user\"]",
        "waiting / 60 > 5 && (waiting + 30) % 60 == 0 && -waiting < 5",
        "open && inbox == \"main\" && missed_live_chat",
        "profile.notes.exists(note, note.title == \"\" && note.description.contains(\"x\"))",
        "unreadMessage.exists(one, one.count > 5 && one.userId != \"\")",
        "size(tags.filter(tag, tag.startsWith(\"v\"))) > 1",
        "string(unreadMessages) == \"5\" && name + \"x\" == \"Ravix\"",
        "true",
    ] {
        assert_eq!(mistakes(text), Vec::<String>::new(), "{text}");
    }
}

/// Every mistake of a rule as `LINE: what is wrong`.
fn of_rule(text: &str) -> Vec<String> {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let (inboxes, receivers) = (names(&["main", "second"]), names(&["support"]));
    let known = Known { inboxes: &inboxes, receivers: &receivers, ..Known::default() };
    let source = Source::new("r.toml", format!("{text}\n[[notify]]\nto = ['support']"));
    let mut found = Vec::new();
    compile("r", &source, &known, &mut found);
    let shown = |mistake: &Diagnostic| {
        let level = if mistake.is_error() { "" } else { "warning " };
        format!("{level}{}: {}", source.position(mistake.span.start).0, mistake.title)
    };
    found.iter().map(shown).collect()
}

#[test]
fn conditions_against_the_rules_own_filter() {
    let never =
        |part: &str, fact: &str| vec![format!("1: this condition can never be true: `{part}` contradicts {fact}")];
    for (when, filter, part) in [
        ("lastMessage.by == \"agent\"", "lastMessageBy = [\"user\"]", "lastMessage.by == \"agent\""),
        ("lastMessage.by != \"user\"", "lastMessageBy = [\"user\"]", "lastMessage.by != \"user\""),
        ("isOnline && status in [\"CLOSED\"]", "status = [\"OPEN\", \"REVIEW\"]", "status in [\"CLOSED\"]"),
        ("!isLiveChatActive", "isLiveChatActive = true", "!isLiveChatActive"),
        ("isOnline == false", "isOnline = true", "!isOnline"),
        ("size(tags) == 0", "tags = [\"vip\"]", "size(tags) == 0"),
        ("!(\"vip\" in tags)", "tags = [\"vip\"]", "!(\"vip\" in tags)"),
        ("segments == []", "segments = [\"s1\", \"s2\"]", "segments == []"),
        ("_agentAssigned == \"\"", "_agentAssigned = [\"a1\"]", "_agentAssigned == \"\""),
        ("_botWebsite == \"b2\"", "_botWebsite = [\"b1\"]", "_botWebsite == \"b2\""),
        ("!hasOrdered.status", "hasOrdered.status = true", "!hasOrdered.status"),
        ("status.startsWith(\"C\")", "status = [\"OPEN\"]", "status.startsWith(\"C\")"),
    ] {
        let fact = format!("the filter `{filter}`");
        assert_eq!(of_rule(&format!("when = '{when}'\n[filter]\n{filter}")), never(part, &fact), "{when} {filter}");
        assert_eq!(of_rule(&format!("when = '{when}'")), Vec::<String>::new(), "{when}");
    }
    for (when, filter, part, key) in [
        (
            "since(lastSeenAt) > hours(2)",
            "lastSeenAt = { startAt = '-1h' }",
            "since(lastSeenAt) > hours(2)",
            "lastSeenAt",
        ),
        ("since(createdAt) < days(1)", "createdAt = { endsAt = '-7d' }", "since(createdAt) < days(1)", "createdAt"),
        ("createdAt == \"\"", "createdAt = { endsAt = '-7d' }", "createdAt == \"\"", "createdAt"),
        (
            "createdAt < \"2026-01-01\"",
            "createdAt = { startAt = '2026-02-01' }",
            "createdAt < \"2026-01-01\"",
            "createdAt",
        ),
        (
            "hasOrdered.lastAt == \"\"",
            "hasOrdered = { lastAt = '-7d' }",
            "hasOrdered.lastAt == \"\"",
            "hasOrdered.lastAt",
        ),
    ] {
        let fact = format!("the filter `{key}`");
        assert_eq!(of_rule(&format!("when = '{when}'\n[filter]\n{filter}")), never(part, &fact), "{when} {filter}");
    }
    // Conditions and filters that a contact may pass together.
    for (when, filter) in [
        ("lastMessage.by == \"user\"", "lastMessageBy = [\"user\", \"bot\"]"),
        ("!(\"vip\" in tags)", "tags = [\"vip\", \"new\"]"),
        ("since(lastSeenAt) > minutes(59)", "lastSeenAt = { startAt = '-1h' }"),
        ("since(lastSeenAt) >= hours(1)", "lastSeenAt = { startAt = '-1h' }"),
        ("_botWebsite == \"b2\"", "_botWebsite = [\"b1\"]\n_botTelegram = [\"b3\"]"),
        ("status == raw(\"DELETED\")", "status = [{ raw = 'DELETED' }]"),
        ("name != \"Ravi\"", "searchText = 'ravi'"),
    ] {
        assert_eq!(of_rule(&format!("when = '{when}'\n[filter]\n{filter}")), Vec::<String>::new(), "{when} {filter}");
    }
}

#[test]
fn conditions_against_what_else_the_rule_says() {
    let contradicts =
        |part: &str, fact: &str| vec![format!("1: this condition can never be true: `{part}` contradicts {fact}")];
    assert_eq!(of_rule("when = '!open'"), contradicts("!open", "a rule without [hours], which is always open"));
    assert_eq!(of_rule("when = '!open'\n[hours]\nopen = ['mon-fri 09:00-18:00']"), Vec::<String>::new());
    let inboxes = "the rule's inboxes, [\"main\", \"second\"]";
    assert_eq!(of_rule("when = 'inbox == \"mian\"'"), contradicts("inbox == \"mian\"", inboxes));
    assert_eq!(
        of_rule("when = 'inbox == \"main\"'\ninboxes = ['second']"),
        contradicts("inbox == \"main\"", "the rule's inboxes, [\"second\"]")
    );
    assert_eq!(of_rule("when = 'inbox == \"main\"'"), Vec::<String>::new());
    // Ranges that end before they start.
    let turned = "nobody passes this filter: its range ends before it starts";
    for range in ["{ startAt = '-1h', endsAt = '-2h' }", "{ startAt = '2026-02-01', endsAt = '2026-01-01' }"] {
        assert_eq!(of_rule(&format!("[filter]\nlastSeenAt = {range}")), [format!("2: {turned}")]);
    }
    assert_eq!(of_rule("[filter]\ncreatedAt = { startAt = '-2h', endsAt = '-1h' }"), Vec::<String>::new());
}

#[test]
fn what_always_holds_is_a_warning() {
    for text in [
        "isOnline || !isOnline",
        "lastMessage.by != \"user\" || lastMessage.by != \"bot\"",
        "unreadMessages >= 0",
        "name != \"\"",
        "tags == tags",
        "unreadMessages > 5 || unreadMessages < 10",
        "true",
    ] {
        let found = of_rule(&format!("when = '{text}'"));
        assert_eq!(found, ["warning 1: this condition holds for every customer"], "{text}");
    }
    for text in ["isOnline || isContact", "lastMessage.by != \"user\" || status != \"OPEN\"", "since(lastSeenAt) >= 0"]
    {
        assert_eq!(of_rule(&format!("when = '{text}'")), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn hostile_conditions_are_judged_in_time() {
    let many = |part: &str, sign: &str, most: usize| {
        let mut text = part.replace('#', "0");
        for number in 1.. {
            let next = format!("{text} {sign} {}", part.replace('#', &number.to_string()));
            if next.len() > most {
                return text;
            }
            text = next;
        }
        text
    };
    for text in [
        many("(isOnline || unreadMessages == #)", "&&", 1024),
        many("(name == \"#\" || agent == \"#\")", "&&", 1024),
        many("(isOnline == (isContact != isOnline))", "&&", 1024),
        many("isOnline", "==", 300),
        many("unreadMessages in [#]", "||", 1024),
        many("[1,2,3,4,5,6,7,8].exists(x, x > unreadMessages)", "&&", 1024),
        many("name.matches(\"(a*)*b#\")", "&&", 1024),
        format!("{}1{}", "isOnline ? 1 : (".repeat(7), ")".repeat(7)) + " == 1",
    ] {
        let began = std::time::Instant::now();
        let _ = Condition::compile(&text).map(|condition| condition.is_always_true());
        // The limit is for debug builds on a busy machine: the search itself takes milliseconds.
        assert!(began.elapsed().as_secs() < 20, "{} s for {text}", began.elapsed().as_secs());
    }
}

/// Parts from which random conditions are built.
const PARTS: [&str; 44] = [
    "unreadMessages > 0",
    "unreadMessages < 1",
    "unreadMessages >= 2",
    "unreadMessages in [0, 2]",
    "unreadMessages != 1",
    "websiteVisits > unreadMessages",
    "waiting > minutes(5)",
    "waiting <= 300",
    "since(lastSeenAt) < hours(1)",
    "since(lastSeenAt) > days(9)",
    "lastSeenAt == \"\"",
    "lastSeenAt > \"2026-06-12T11:00:00.000Z\"",
    "lastSeenAt < createdAt",
    "has(hasOrdered.lastAt)",
    "isOnline",
    "isImported == false",
    "isOnline != isImported",
    "status == \"OPEN\"",
    "status in [\"OPEN\", \"CLOSED\", \"\"]",
    "status.startsWith(\"O\")",
    "status != raw(\"DELETED\")",
    "size(status) > 4",
    "lastMessage.by == \"user\"",
    "lastMessage.by != \"agent\"",
    "lastMessage.by in [\"bot\", status]",
    "_agentAssigned == \"\"",
    "agent == \"\"",
    "name == \"Ravi\"",
    "name.startsWith(\"R\")",
    "name.endsWith(\"i\")",
    "\"vip\" in tags",
    "size(tags) == 1",
    "tags == []",
    "tags.exists(t, t == \"vip\")",
    "tags.all(t, t != \"vip\")",
    "tags[0] == \"vip\"",
    "\"WHATSAPP\" in platform",
    "attributes.plan == \"gold\"",
    "attributes[\"plan\"] == \"\"",
    "has(attributes.plan)",
    "extra.score > 1",
    "extra.score == \"\"",
    "extra.score < 0.5",
    "(isOnline ? unreadMessages : websiteVisits) > 1",
];

fn condition() -> impl Strategy<Value = String> {
    let part = prop::sample::select(PARTS.to_vec()).prop_map(str::to_owned);
    part.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left} && {right})")),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left} || {right})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(if_, yes, no)| format!("({if_} ? {yes} : {no})")),
            inner.prop_map(|inner| format!("!({inner})")),
        ]
    })
}

fn contact() -> impl Strategy<Value = Value> {
    let one = |values: Vec<Value>| prop::sample::select(values);
    let times = || {
        one(vec![
            json!(""),
            json!("2026-06-12T11:00:00Z"),
            json!("2026-06-12T11:30:00Z"),
            json!("2026-05-01T00:00:00Z"),
        ])
    };
    let counts = || one(vec![json!(0), json!(1), json!(2), json!(3), json!(-4)]);
    let words = (
        one(vec![json!("OPEN"), json!("CLOSED"), json!(""), json!("DELETED"), json!("ONHOLD")]),
        one(vec![json!("user"), json!("agent"), json!("bot"), json!(""), json!("USER")]),
        one(vec![json!("Ravi"), json!(""), json!("Rosa"), json!("Li")]),
        one(vec![json!(""), json!("a1")]),
    );
    let lists = (
        one(vec![json!([]), json!(["vip"]), json!(["vip", "new"]), json!(["new"])]),
        one(vec![json!([]), json!([{ "key": "plan", "value": "gold" }]), json!([{ "key": "plan", "value": "" }])]),
        one(vec![json!(["WHATSAPP"]), json!([]), json!(["WEBSITE"])]),
        one(vec![json!(null), json!(0), json!(0.25), json!(7), json!("x"), json!([1])]),
    );
    ((counts(), counts(), times(), times()), words, lists, (any::<bool>(), any::<bool>())).prop_map(
        |(
            (unread, visits, seen, created),
            (status, by, name, agent),
            (tags, attributes, platform, score),
            (online, imported),
        )| {
            json!({
                "_id": "c", "unreadMessages": unread, "websiteVisits": visits, "lastSeenAt": seen, "createdAt": created,
                "status": status, "lastMessage": { "by": by }, "_agentAssigned": agent, "platform": platform,
                "isOnline": online, "isImported": imported, "score": score,
                "profile": { "userDetails": { "name": name, "tags": tags, "attributes": attributes } },
            })
        },
    )
}

fn verdict(condition: &Condition, contact: &Value, waited: i64) -> Verdict {
    let contact = Contact::read(contact.clone()).unwrap();
    let now: Timestamp = "2026-06-12T12:00:00Z".parse().unwrap();
    condition.judge(Scope {
        contact: &contact,
        since: now - SignedDuration::from_secs(waited),
        inbox: "main",
        names: &Names::default(),
        open: true,
        missed_live_chat: false,
        now,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    /// A condition that is true for a contact is not called impossible, one that is false is not called always true.
    #[test]
    fn what_was_true_once_is_never_called_impossible(
        text in condition(),
        contacts in prop::collection::vec(contact(), 24),
        waited in prop::sample::select(vec![0_i64, 60, 300, 301, 90_000]),
    ) {
        match Condition::compile(&text) {
            Ok(condition) => {
                let always = condition.is_always_true();
                for contact in &contacts {
                    let fails = verdict(&condition, contact, waited) == Verdict::Fails;
                    prop_assert!(!(always && fails), "{} is called always true, but not for {}", text, contact);
                }
            }
            Err(mistakes) => {
                // The opposite of a condition that can never be true is true for every contact.
                let Ok(opposite) = Condition::compile(&format!("!({text})")) else {
                    return Err(TestCaseError::fail(format!("{text} and its opposite: {mistakes:?}")));
                };
                for contact in &contacts {
                    let verdict = verdict(&opposite, contact, waited);
                    prop_assert!(verdict != Verdict::Fails, "{} is refused ({:?}), and true of {}", text, mistakes, contact);
                }
            }
        }
    }
}
