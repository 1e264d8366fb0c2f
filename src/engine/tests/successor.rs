//! Who is told in the place of a receiver that nothing names any more.

use super::fixtures::{at, customer, noon, rule};
use crate::{
    engine::successor::{Roster, Successors, successors},
    model::{Alert, WATCHDOG},
    rules::Rule,
};

fn roster(receivers: &[(&str, Option<&str>)], watchdog: &[&str]) -> Roster {
    let owned = |(name, fallback): &(&str, Option<&str>)| ((*name).to_owned(), fallback.map(str::to_owned));
    Roster {
        fallbacks: receivers.iter().map(owned).collect(),
        watchdog: watchdog.iter().map(ToString::to_string).collect(),
    }
}

fn firing(inbox: &str) -> Alert {
    Alert { fired_at: Some(noon()), ..Alert::begin(inbox, "r", customer("c", &[]), at(-300), noon()) }
}

fn told(rule: Option<&Rule>, receiver: &str, step: u32, roster: &Roster) -> Option<Vec<String>> {
    let who = successors(rule, &firing("main"), (receiver, step), roster, noon())?;
    Some(who.chains.iter().map(|chain| chain.join(">")).collect())
}

#[test]
fn by_table() {
    let all = roster(&[("support", Some("leads")), ("leads", None), ("night", Some("night"))], &[]);
    let one = rule("r", "[[notify]]\nto = ['support']");
    let two = rule("r", "[[notify]]\nto = ['leads']\n[[notify]]\nafter = '1h'\nto = ['night', 'leads']");
    // Noon is in no hours of this one, which is a Friday.
    let closed = rule("r", "[hours]\nopen = ['sat 10:00-14:00']\noutside = 'night'\n[[notify]]\nto = ['leads']");
    for (rule, receiver, step, right) in [
        // It is still named: by a step, by another one, as a fallback, as a stand-in.
        (&one, "support", 0, None),
        (&one, "leads", 0, None),
        (&two, "night", 0, None),
        (&closed, "leads", 0, None),
        (&closed, "night", 0, None),
        // It is not, whether there is such a receiver or not.
        (&one, "night", 0, Some(vec!["support>leads"])),
        (&one, "gone", 0, Some(vec!["support>leads"])),
        (&two, "support", 0, Some(vec!["leads"])),
        (&two, "gone", 1, Some(vec!["night", "leads"])),
        // There are fewer steps than before.
        (&one, "gone", 3, Some(vec!["support>leads"])),
        (&two, "gone", 9, Some(vec!["night", "leads"])),
        (&closed, "support", 0, Some(vec!["night"])),
    ] {
        let right = right.map(|right| right.into_iter().map(str::to_owned).collect());
        assert_eq!(told(Some(rule), receiver, step, &all), right, "{receiver} {step} {:?}", rule.notify);
    }
    // A rule that is not known withdraws nothing.
    assert_eq!(told(None, "gone", 0, &all), None);
    // A fallback that was replaced, and a circle of fallbacks.
    let other = roster(&[("support", Some("night")), ("leads", None), ("night", Some("support"))], &[]);
    assert_eq!(told(Some(&one), "leads", 0, &other), Some(vec!["support>night".to_owned()]));
}

#[test]
fn the_step_and_the_template_are_those_of_now() {
    let all = roster(&[("support", None), ("leads", None)], &[]);
    let rule = rule("r", "[[notify]]\nto = ['leads']\ntemplate = 'short'");
    let right = Successors { chains: vec![vec!["leads".to_owned()]], step: 0, template: "short".to_owned() };
    assert_eq!(successors(Some(&rule), &firing("main"), ("support", 4), &all, noon()), Some(right));
}

#[test]
fn of_the_watchdog_it_is_whom_the_configuration_names() {
    let all = roster(&[("support", None), ("leads", Some("night")), ("night", None)], &["leads"]);
    let who = |receiver| {
        let who = successors(None, &firing(WATCHDOG), (receiver, 0), &all, noon());
        who.map(|who| (who.chains.concat(), who.template))
    };
    assert_eq!((who("leads"), who("night")), (None, None));
    let right = Some((vec!["leads".to_owned(), "night".to_owned()], "alert".to_owned()));
    assert_eq!((who("support"), who("gone")), (right.clone(), right));
}
