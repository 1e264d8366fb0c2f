//! Tests that any text that is not a condition is refused, without a crash.

use proptest::prelude::*;

use crate::{model::Contact, rules::Condition};

/// Compiles on a thread with a stack as small as that of the program's own, so that a deep recursion would crash.
fn compile(text: &str) -> bool {
    let text = text.to_owned();
    let small = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
    small.spawn(move || Condition::compile(&text).is_ok()).unwrap().join().unwrap()
}

#[test]
fn deep_nesting_returns() {
    for (open, inside, close) in [
        ("(", "true", ")"),
        ("[", "1", "]"),
        ("{1: ", "1", "}"),
        ("!", "true", ""),
        ("-", "1", ""),
        ("size(", "tags", ")"),
        ("true ? true : ", "true", ""),
        ("true || (", "true", ")"),
        ("tags.exists(t, ", "true", ")"),
        ("true && ", "true", ""),
        ("1 + ", "1", " > 0"),
        ("", "tags", "[0]"),
        ("", "extra", ".a"),
        ("(", "", ""),
        ("\"", "", ""),
    ] {
        for depth in [1, 8, 9, 30, 40, 100, 1_000] {
            let text = format!("{}{inside}{}", open.repeat(depth), close.repeat(depth));
            compile(&text.chars().take(1_024).collect::<String>());
            compile(&text);
        }
    }
}

#[test]
fn what_takes_without_end_is_refused() {
    let list = format!("[{}]", vec!["0"; 60].join(","));
    let loops = |depth: usize| format!("{}true{}", format!("{list}.all(x, ").repeat(depth), ")".repeat(depth));
    let doubles = |times: usize| format!("[\"aaaa\"]{}.size() > 0", ".map(x, x + x)".repeat(times));
    assert!(compile(&loops(2)) && !compile(&loops(3)) && !compile(&loops(7)));
    assert!(compile(&doubles(4)) && !compile(&doubles(5)) && !compile(&doubles(28)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_text_returns(text in "\\PC{0,80}") {
        let _ = Condition::compile(&text);
    }

    #[test]
    fn any_words_of_the_language_return(
        words in prop::collection::vec(prop::sample::select(vec![
            "unreadMessages", "lastMessage", ".by", ".at", "tags", "attributes", "extra", "waiting", "since", "minutes",
            "(", ")", "[", "]", "{", "}", ",", ":", "?", "&&", "||", "!", "==", "!=", "<", ">", "in", "+", "-", "*", "/",
            "%", "0", "1", "9223372036854775807", "1.5", "'a'", "\"ä\"", "r'\\'", "b'x'", "true", "null", "t", "size",
            "exists", "all", "map", "has", ".", "matches", "'('", "'a{99999}'", "\n", "//", "\u{0}", "_id", "@now",
        ]), 0..24),
    ) {
        let text = words.join(" ");
        if let Ok(condition) = Condition::compile(&text) {
            let contact = Contact::read(serde_json::json!({ "_id": "c" })).unwrap();
            let now = jiff::Timestamp::UNIX_EPOCH;
            let names = crate::model::Names::default();
            let scope = crate::rules::Scope { contact: &contact, since: now, inbox: "main", names: &names, open: true, missed_live_chat: false, now };
            let _ = (condition.judge(scope), condition.may_come_true(scope));
        }
    }
}
