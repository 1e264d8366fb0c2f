//! A month of an inbox with 200 customers and a clock that is moved by hand, against a plain model that
//! goes through every wait minute by minute and knows no alert.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::fixtures::{COMPLETE, Scene, customer, rule};
use crate::model::{Contact, Event};

const RULE: &str = "for = '2m'\nack_on = ['assigned']\n[filter]\nlastMessageBy = ['user']\n\
    [hours]\nopen = ['mon-fri 09:00-18:00', 'sat 10:00-14:00']\nholidays = ['2026-06-15']\n\
    [[notify]]\nto = ['support']\n[[notify]]\nafter = '15m'\nto = ['leads']\nrepeat = '1h'\nrepeat_limit = 3";

const CUSTOMERS: u64 = 200;
const DAYS: i64 = 30;
const DAY: i64 = 24 * 60 * 60;

/// One customer's wait, in seconds since the beginning of the month.
#[derive(Clone, Copy, Debug)]
struct Wait {
    customer: u64,
    wrote: i64,
    /// When an agent took the conversation; the customer may wait on.
    taken: Option<i64>,
    answered: i64,
}

/// Pseudo-random numbers, the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn seconds(&mut self, most: u64) -> i64 {
        i64::try_from(self.below(most)).unwrap()
    }
}

fn waits() -> Vec<Wait> {
    let mut chance = Chance(7);
    let mut waits = Vec::new();
    for customer in 0..CUSTOMERS {
        let mut at = chance.seconds(2 * 86_400);
        while at < DAYS * DAY {
            // Most are answered within minutes; some wait for hours, a few for a day.
            let most = [300, 300, 1_500, 7_200, 12_000, 40_000][usize::try_from(chance.below(6)).unwrap()];
            let answered = at + 1 + chance.seconds(most);
            let taken = (chance.below(3) == 0).then(|| at + 1 + chance.seconds(most)).filter(|taken| *taken < answered);
            waits.push(Wait { customer, wrote: at, taken, answered });
            at = answered + 60 + chance.seconds(3 * 86_400);
        }
    }
    waits
}

/// Minute of the month, customer, receiver, event.
type Told = BTreeSet<(i64, u64, &'static str, &'static str)>;

/// 2026-06-01 was a Monday.
fn is_open(second: i64) -> bool {
    let (day, of_day) = (second / DAY, second % DAY);
    let hours = match day % 7 {
        0..=4 => 9 * 3_600..18 * 3_600,
        5 => 10 * 3_600..14 * 3_600,
        _ => 0..0,
    };
    day != 14 && hours.contains(&of_day)
}

/// The notifications that the rule's text demands.
fn plainly(waits: &[Wait]) -> Told {
    let mut told = Told::new();
    for wait in waits {
        let (mut support, mut leads, mut reminders, mut slots) = (false, false, 0, 0);
        let mut minute = (wait.wrote + 59) / 60;
        while minute * 60 < wait.answered {
            let now = minute * 60;
            let waited = now - wait.wrote;
            // An agent who took it before it was first seen has not reacted to anything.
            let seen_at = (wait.wrote + 59) / 60 * 60;
            let acknowledged = wait.taken.is_some_and(|taken| taken <= now && taken > seen_at);
            if is_open(now) && !acknowledged {
                if waited >= 120 && !support {
                    support = true;
                    told.insert((minute, wait.customer, "support", "fired"));
                }
                let passed = (waited - 900).div_euclid(3_600);
                if waited >= 900 && !leads {
                    (leads, slots) = (true, passed);
                    told.insert((minute, wait.customer, "leads", "fired"));
                } else if leads && passed > slots && reminders < 3 {
                    (slots, reminders) = (passed, reminders + 1);
                    told.insert((minute, wait.customer, "leads", "repeated"));
                }
            }
            minute += 1;
        }
        for (receiver, knows) in [("support", support), ("leads", leads)] {
            if knows {
                told.insert((minute, wait.customer, receiver, "resolved"));
            }
        }
    }
    told
}

fn moment(second: i64) -> Timestamp {
    "2026-06-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

/// The record of a customer: waiting, taken, or answered.
fn record(wait: &Wait, now: i64) -> Contact {
    let (by, at) = if wait.answered <= now { ("agent", wait.answered) } else { ("user", wait.wrote) };
    let taken = wait.taken.is_some_and(|taken| taken <= now);
    customer(
        &wait.customer.to_string(),
        &[
            ("lastMessage.by", json!(by)),
            ("lastMessage.at", json!(moment(at).to_string())),
            ("_agentAssigned", json!(if taken { "asha" } else { "" })),
        ],
    )
}

/// What the engine owes, polled every minute: the inbox shows who waits, and a look-up who was answered.
fn by_the_engine(waits: &[Wait]) -> Told {
    let mut scene = Scene::new(rule("r", RULE));
    let mut told = Told::new();
    let mut by_minute: BTreeMap<i64, Vec<Contact>> = BTreeMap::new();
    for wait in waits {
        let versions = [wait.wrote, wait.taken.unwrap_or(wait.wrote), wait.answered].map(|at| record(wait, at));
        for minute in (wait.wrote + 59) / 60..=(wait.answered + 59) / 60 {
            let taken = wait.taken.is_some_and(|taken| taken <= minute * 60);
            let version = if wait.answered <= minute * 60 { 2 } else { usize::from(taken) };
            by_minute.entry(minute).or_default().push(versions[version].clone());
        }
    }
    for (minute, seen) in by_minute {
        scene.now = moment(minute * 60);
        for owed in scene.poll(&seen, COMPLETE).changes.owed {
            let alert = scene.snapshot.alerts.iter().find(|alert| alert.id == owed.alert);
            let ended = || scene.ended.iter().find(|alert| alert.id == owed.alert);
            let customer = alert.or_else(ended).unwrap().contact.id.parse().unwrap();
            let receiver = if owed.receiver == "support" { "support" } else { "leads" };
            let new = told.insert((minute, customer, receiver, owed.event.name()));
            assert!(new, "twice: {owed:?}");
        }
        scene.ended.clear();
    }
    told
}

#[test]
fn a_month_comes_out_as_the_plain_model_says() {
    let waits = waits();
    let (expected, came) = (plainly(&waits), by_the_engine(&waits));
    let count = |told: &Told, event: Event| told.iter().filter(|(_, _, _, name)| *name == event.name()).count();
    let counts = |told: &Told| [Event::Fired, Event::Repeated, Event::Resolved].map(|event| count(told, event));
    assert_eq!(counts(&came), counts(&expected));
    assert_eq!(came.symmetric_difference(&expected).next(), None);
    // The month had enough cases.
    let [fired, repeated, resolved] = counts(&came);
    assert!(waits.len() > 2_000 && fired > 1_500 && repeated > 300 && resolved == fired, "{:?}", counts(&came));
}
