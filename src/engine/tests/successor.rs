//! Who is notified in place of a receiver that no rule names any more.

use super::fixtures::{at, customer, noon, rule};
use crate::{
    engine::successor::{Roster, Successors, changes, pass_on, successors},
    model::{Alert, Left, NotificationId, ReceiverChange, WATCHDOG},
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
    // Noon on this Friday is outside of these hours.
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
fn of_a_chain_the_first_to_whom_it_was_not_given_up_is_told() {
    let all = roster(&[("leads", Some("night")), ("night", Some("owner")), ("owner", None)], &[]);
    let rule = rule("r", "[[notify]]\nto = ['leads']");
    // Who has heard of it or is to, and whether that was given up.
    for (heard, right) in [
        (&[][..], &["leads"][..]),
        (&[("gone", false), ("owner", false)], &["leads"]),
        (&[("leads", true)], &["night"]),
        (&[("leads", true), ("night", true)], &["owner"]),
        (&[("leads", false)], &[]),
        (&[("leads", true), ("night", false)], &[]),
        (&[("leads", true), ("night", true), ("owner", true)], &[]),
    ] {
        let heard = heard.iter().map(|(name, given_up)| ((*name).to_owned(), *given_up)).collect();
        let left = Left { id: NotificationId(7), step: 4, alert: firing("main"), heard };
        let passed = pass_on(Some(&rule), &left, "gone", &all, noon()).unwrap();
        let to: Vec<&str> = passed.to.iter().map(String::as_str).collect();
        assert_eq!((passed.id, &to[..], passed.step), (NotificationId(7), right, 0), "{:?}", left.heard);
        assert_eq!(pass_on(Some(&rule), &left, "leads", &all, noon()), None, "it is still named");
    }
}

#[test]
fn a_receiver_is_known_by_how_it_is_reached() {
    let at = |name: &str, address: &[&str]| (name.to_owned(), address.iter().map(ToString::to_string).collect());
    let renamed = |from: &str, to: &str| vec![ReceiverChange::Renamed { from: from.to_owned(), to: to.to_owned() }];
    let moved = vec![ReceiverChange::Moved("support".to_owned())];
    for (known, now, right) in [
        (vec![at("support", &["slack:1"])], vec![at("support", &["slack:1"])], vec![]),
        (vec![at("support", &["slack:1"])], vec![at("support", &["slack:2"])], moved.clone()),
        (vec![at("support", &["mail:a", "via:x"])], vec![at("support", &["mail:a", "via:y"])], moved),
        // Its address was never recorded.
        (vec![at("support", &[])], vec![at("support", &["slack:1"])], vec![]),
        (vec![at("support", &["slack:1"])], vec![at("help", &["slack:1"])], renamed("support", "help")),
        (vec![at("support", &["slack:1"])], vec![at("help", &["webhook:1"])], vec![]),
        // Of several receivers, the one that shares the most addresses; the same relay alone does not count.
        (
            vec![at("support", &["mail:a", "mail:b", "via:x"])],
            vec![at("one", &["mail:a", "via:y"]), at("two", &["mail:a", "mail:b"])],
            renamed("support", "two"),
        ),
        (vec![at("support", &["mail:a", "via:x"])], vec![at("help", &["mail:c", "via:x"])], vec![]),
        // One that was there before is another receiver, unless it reaches exactly the same.
        (
            vec![at("support", &["mail:a", "mail:b"]), at("leads", &["mail:a", "mail:c"])],
            vec![at("leads", &["mail:a", "mail:c"])],
            vec![],
        ),
        (
            vec![at("support", &["mail:a", "via:x"]), at("leads", &["mail:a", "via:y"])],
            vec![at("leads", &["mail:a", "via:y"])],
            renamed("support", "leads"),
        ),
    ] {
        assert_eq!(changes(&known, &now), right, "{known:?} {now:?}");
    }
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
