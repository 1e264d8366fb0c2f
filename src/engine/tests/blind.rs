//! Whether anybody would be notified of a customer who begins to wait.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    diagnose::Source,
    engine::blind::{Standing, blind},
    rules::{
        Known, RuleSet,
        compile::{Compiled, compile},
    },
};

fn rules(texts: &[&str]) -> RuleSet {
    let (receivers, inboxes) = (["a".to_owned(), "b".to_owned()], ["main".to_owned(), "second".to_owned()]);
    let known = Known { receivers: &receivers, inboxes: &inboxes, ..Known::default() };
    let mut set = RuleSet::default();
    for (number, text) in texts.iter().enumerate() {
        let name = format!("rule-{number}");
        match compile(&name, &Source::new("r.toml", (*text).to_owned()), &known, &mut Vec::new()) {
            Compiled::Rule(rule) => set.rules.push(Arc::from(rule)),
            Compiled::Disabled => set.disabled.push(name),
            Compiled::Rejected => set.rejected.push(name),
        }
    }
    set
}

fn standing(states: &[(&str, bool, Option<&str>)]) -> BTreeMap<String, Standing> {
    let of = |is_broken, fallback: Option<&str>| Standing { is_broken, fallback: fallback.map(str::to_owned) };
    states.iter().map(|(name, is_broken, fallback)| ((*name).to_owned(), of(*is_broken, *fallback))).collect()
}

const TELLS_A: &str = "[[notify]]\nto = ['a']";

#[test]
fn without_a_rule_in_use_nobody_is_watched_for() {
    let fine = standing(&[("a", false, None)]);
    let why = |texts: &[&str]| blind(&rules(texts), "main", &fine);
    assert_eq!(why(&[]).as_deref(), Some("there is no rule"));
    assert_eq!(why(&["when = 3"]).as_deref(), Some("no rule is in use: 1 with mistakes"));
    let disabled = format!("enabled = false\n{TELLS_A}");
    assert_eq!(why(&[&disabled, &disabled, "x"]).as_deref(), Some("no rule is in use: 1 with mistakes, 2 disabled"));
    let other = format!("inboxes = ['second']\n{TELLS_A}");
    assert_eq!(why(&[&other, &disabled]).as_deref(), Some("no rule in use looks at inbox main"));
    assert_eq!(blind(&rules(&[&other]), "second", &fine), None);
    // Receivers are notified only when the shop opens.
    let closed = format!("{TELLS_A}\n[hours]\nopen = ['mon 09:00-09:01']\noutside = 'hold'");
    assert_eq!(why(&[&closed]), None);
}

#[test]
fn rules_that_tell_only_whoever_takes_nothing_watch_for_nobody() {
    let why = |states: &[(&str, bool, Option<&str>)]| blind(&rules(&[TELLS_A]), "main", &standing(states));
    let nobody = Some("no receiver of the rules for inbox main accepts messages".to_owned());
    assert_eq!(why(&[("a", true, None), ("b", false, None)]), nobody);
    assert_eq!(why(&[("a", true, Some("b")), ("b", false, None)]), None);
    assert_eq!(why(&[("a", true, Some("b")), ("b", true, None)]), nobody);
    assert_eq!(why(&[("a", true, Some("b")), ("b", true, Some("a"))]), nobody);
    // A later step notifies a receiver that works.
    let escalates = rules(&[TELLS_A, "[[notify]]\nto = ['a']\n[[notify]]\nafter = '15m'\nto = ['b']"]);
    assert_eq!(blind(&escalates, "main", &standing(&[("a", true, None), ("b", false, None)])), None);
}
