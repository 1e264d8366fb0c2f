//! Random histories of a customer, a rule and its edits, silences, restarts and gaps: the times
//! of the polls must not decide who is notified of what.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{
    fixtures::{INBOX, rule},
    play::{Deed, Play, when},
};
use crate::{
    engine::TickOutcome,
    model::{Alert, Event, StateLocation},
    rules::Rule,
    store::Store,
};

/// In seconds, so that short histories are enough.
const TEXTS: [&str; 5] = [
    "for = '20s'\n[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support']\n[[notify]]\nafter = '60s'\nto = ['leads']\nrepeat = '30s'",
    "ack_on = ['assigned']\n[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support']\nrepeat = '25s'",
    "for = '10s'\nkeep_firing_for = '30s'\n[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support']\nrepeat = '20s'",
    "for = '10s'\n[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support']\n\
     [[notify]]\nafter = '40s'\nto = ['night']\n[[notify]]\nafter = '40s'\nto = ['leads']\nrepeat = '20s'\nrepeat_factor = 2.0",
    "since = 'match'\nresolved = false\nfor = '30s'\n[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support', 'leads']\n\
     [[notify]]\nafter = '50s'\nto = ['support']\nrepeat = '15s'\nrepeat_limit = 2",
];

/// Seconds after the beginning, and what happens then.
type Story = Vec<(i64, Deed)>;

fn story() -> impl Strategy<Value = Story> {
    let deed = prop_oneof![
        6 => Just(Deed::Writes),
        3 => Just(Deed::Agent),
        1 => Just(Deed::Bot),
        2 => Just(Deed::Poll),
        1 => Just(Deed::Taken),
        1 => Just(Deed::Missing),
        1 => Just(Deed::Fails),
        1 => Just(Deed::Ack),
        1 => Just(Deed::Break),
        1 => Just(Deed::Rename("r2")),
        1 => Just(Deed::Silence(1)),
        1 => Just(Deed::Expire),
        3 => prop::sample::select(TEXTS.to_vec()).prop_map(Deed::Edit),
    ];
    prop::collection::vec((1..90_i64, deed), 1..14).prop_map(|steps| {
        let mut at = 0;
        let story = steps.into_iter().map(|(gap, deed)| {
            at += gap;
            (at, deed)
        });
        story.collect()
    })
}

fn second(number: i64) -> Timestamp {
    when("10:00:00") + SignedDuration::from_secs(number)
}

/// Something that was owed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Owed {
    alert: String,
    step: u32,
    receiver: String,
    event: Event,
}

/// What one run owed, by second.
type Run = BTreeMap<i64, Vec<Owed>>;

fn owed(outcome: &TickOutcome) -> Vec<Owed> {
    let owed = outcome.changes.owed.iter().map(|owed| Owed {
        alert: owed.alert.0.clone(),
        // An end belongs to the receiver, whichever step notified it.
        step: if owed.event == Event::Resolved { 0 } else { owed.step },
        receiver: owed.receiver.clone(),
        event: owed.event,
    });
    owed.collect()
}

/// Runs a history with additional polls in these seconds; `judge` is called for every moment.
fn run(story: &Story, looks: &BTreeSet<i64>, mut judge: impl FnMut(i64, bool, &Play, &[Owed])) -> Run {
    let mut play = Play::new(TEXTS[0]);
    let deeds: BTreeMap<i64, Deed> = story.iter().copied().collect();
    let moments: BTreeSet<i64> = looks.iter().copied().chain(deeds.keys().copied()).collect();
    let mut run = Run::new();
    for moment in moments {
        let deed = deeds.get(&moment);
        let outcome = play.happens(second(moment), deed.copied().unwrap_or(Deed::Tick));
        let owed = owed(&outcome);
        judge(moment, deed.is_some(), &play, &owed);
        run.insert(moment, owed);
    }
    run
}

fn end(story: &Story) -> i64 {
    story.last().map_or(0, |(at, _)| at + 200)
}

/// (b) nothing is owed twice; (c) nobody is notified of an end without a beginning.
fn is_sane(run: &Run) -> Result<(), TestCaseError> {
    let mut known: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut begun: BTreeSet<(&str, u32, &str)> = BTreeSet::new();
    let mut over: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (moment, owed) in run {
        let mut now: BTreeSet<(&str, &str)> = BTreeSet::new();
        for one in owed {
            let who = (one.alert.as_str(), one.receiver.as_str());
            prop_assert!(now.insert(who), "two at once: {one:?} at {moment}");
            prop_assert!(!over.contains(&who), "after the end: {one:?} at {moment}");
            match one.event {
                Event::Fired => {
                    let first = begun.insert((who.0, one.step, who.1));
                    prop_assert!(first, "a beginning twice: {one:?} at {moment}");
                    known.insert(who);
                }
                Event::Repeated => prop_assert!(
                    begun.iter().any(|(alert, _, _)| *alert == who.0),
                    "a reminder of nothing: {one:?} at {moment}"
                ),
                Event::Resolved => {
                    prop_assert!(known.contains(&who), "an end without a beginning: {one:?} at {moment}");
                    over.insert(who);
                }
            }
            known.insert(who);
        }
    }
    Ok(())
}

/// (d) by the clock of the wall: which steps of an open alert are due by now.
fn due_by_now<'a>(rule: &'a Rule, alert: &'a Alert, now: Timestamp) -> impl Iterator<Item = usize> + 'a {
    let waited = now.duration_since(alert.since);
    rule.notify.iter().enumerate().filter(move |(_, step)| waited >= step.after).map(|(number, _)| number)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(120) })]

    /// (a) to (d).
    #[test]
    fn it_does_not_matter_when_it_is_looked_at(story in story(), looks in prop::collection::btree_set(0..1_400_i64, 0..40)) {
        let end = end(&story);
        let mut wrong = Vec::new();
        let edited: BTreeSet<i64> =
            story.iter().filter(|(_, deed)| matches!(deed, Deed::Edit(_) | Deed::Break)).map(|(at, _)| *at).collect();
        let every_second: BTreeSet<i64> = (0..=end).collect();
        let always = run(&story, &every_second, |moment, _, play, owed| {
            let now = second(moment);
            let Some(alert) = play.alert() else { return };
            let Some(rule) = play.scene.rules.rules.first() else { return };
            let fired = owed.iter().filter(|one| one.event == Event::Fired && one.alert == alert.id.0);
            for one in fired {
                let waited = now.duration_since(alert.since);
                if waited < rule.notify[one.step as usize].after || (edited.is_empty() && waited < rule.r#for) {
                    wrong.push(format!("{moment}: before its time: {one:?}"));
                }
            }
            let silenced = play.scene.snapshot.silences.iter().any(|silence| silence.is_active(now));
            // A customer who was last seen in this state is reported.
            let sure = alert.missed_walks == 0 && alert.lapse.is_none() && alert.ack.is_none() && !silenced;
            let failed = story.iter().any(|(at, deed)| *at == moment && matches!(deed, Deed::Fails | Deed::Break));
            if alert.is_firing() && sure && !failed && alert.rule == rule.name {
                for step in due_by_now(rule, alert, now) {
                    if alert.steps[step].last_at.is_none() {
                        wrong.push(format!("{moment}: step {step} is skipped"));
                    }
                }
            }
        });
        prop_assert!(wrong.is_empty(), "{wrong:?}");
        is_sane(&always)?;

        // The effect of an edit depends on the notifications before it, and on what held them.
        let changes = |deed: &Deed| {
            matches!(deed, Deed::Edit(_) | Deed::Break | Deed::Missing | Deed::Fails | Deed::Silence(_))
        };
        let edits = story.iter().filter(|(_, deed)| changes(deed)).map(|(at, _)| at - 1);
        let looks: BTreeSet<i64> = looks.into_iter().filter(|at| *at < end).chain([end]).chain(edits).collect();
        let sometimes = run(&story, &looks, |_, _, _, _| {});
        is_sane(&sometimes)?;
        let deeds: BTreeSet<i64> = story.iter().map(|(at, _)| *at).collect();
        // A limit of reminders is used up later by who looks later, and `keep_firing_for` keeps only what
        // somebody saw firing.
        let loose = |text: &str| text.contains("repeat_limit") || text.contains("keep_firing_for");
        let strict = !story.iter().any(|(_, deed)| matches!(deed, Deed::Edit(text) if loose(text)));
        let mut before = -1;
        for (moment, owed) in &sometimes {
            let so_far: BTreeSet<&Owed> = always.range(..=*moment).flat_map(|(_, owed)| owed).collect();
            for one in owed.iter().filter(|_| strict) {
                prop_assert!(so_far.contains(one), "{moment}: {one:?} is owed, and was not due");
            }
            // What happens at this very moment may end what fell due since, or what happened before may
            // have kept it back.
            if !deeds.contains(moment) && strict {
                let who = |one: &Owed| (one.alert.clone(), one.receiver.clone());
                let meanwhile = always.range(before + 1..=*moment).flat_map(|(_, owed)| owed);
                let told: BTreeSet<_> = owed.iter().map(who).collect();
                for due in meanwhile {
                    prop_assert!(told.contains(&who(due)), "{moment}: {due:?} was due, and is not owed");
                }
            }
            before = *moment;
        }
    }

    /// (f) a clock that is set, back and forth, causes no second notification, and no end without a beginning.
    #[test]
    fn a_clock_that_is_set_makes_no_false_step(
        story in story(),
        jumps in prop::collection::btree_map(0..60_usize, prop_oneof![-90_i64..90, -400_000_i64..400_000], 0..6),
    ) {
        let mut play = Play::new(TEXTS[0]);
        let deeds: BTreeMap<i64, Deed> = story.iter().copied().collect();
        let moments: BTreeSet<i64> = (0..=end(&story)).step_by(7).chain(deeds.keys().copied()).collect();
        let (mut run, mut set) = (Run::new(), 0);
        for (number, moment) in moments.into_iter().enumerate() {
            set += jumps.get(&number).copied().unwrap_or(0);
            let deed = deeds.get(&moment).copied().unwrap_or(Deed::Tick);
            // No two moments are the same, however the clock is set.
            let number = i64::try_from(number).unwrap();
            let now = second(moment + set) + SignedDuration::from_nanos(number);
            run.insert(number, owed(&play.happens(now, deed)));
        }
        is_sane(&run)?;
    }

    /// (e) a restart at any point changes nothing.
    #[test]
    fn a_restart_changes_nothing(
        story in story(),
        looks in prop::collection::btree_set(0..1_400_i64, 0..20),
        restarts in prop::collection::btree_set(0..60_usize, 0..6),
    ) {
        let end = end(&story);
        let looks: BTreeSet<i64> = looks.into_iter().filter(|at| *at < end).chain([end]).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("state.db");
            let mut store = Store::open(&StateLocation::sqlite(&path)).await.unwrap();
            let mut plain = Play::new(TEXTS[0]);
            let mut stored = Play::new(TEXTS[0]);
            let deeds: BTreeMap<i64, Deed> = story.iter().copied().collect();
            let moments: BTreeSet<i64> = looks.iter().copied().chain(deeds.keys().copied()).collect();
            for (number, moment) in moments.into_iter().enumerate() {
                let deed = deeds.get(&moment).copied().unwrap_or(Deed::Tick);
                let expected = plain.happens(second(moment), deed);
                if restarts.contains(&number) {
                    store.close().await;
                    store = Store::open(&StateLocation::sqlite(&path)).await.unwrap();
                }
                // Silences and acknowledgements are the play's; all else comes from the store.
                let silences = std::mem::take(&mut stored.scene.snapshot.silences);
                let acks: Vec<_> = stored.scene.snapshot.alerts.iter().map(|alert| alert.ack.clone()).collect();
                stored.scene.snapshot = store.snapshot(INBOX).await.unwrap();
                stored.scene.snapshot.silences = silences;
                for (alert, ack) in stored.scene.snapshot.alerts.iter_mut().zip(acks) {
                    alert.ack = ack;
                }
                let came = stored.happens(second(moment), deed);
                store.commit(INBOX, came.changes.clone()).await.unwrap();
                prop_assert_eq!(owed(&came), owed(&expected), "{}", moment);
                let happened = |outcome: &TickOutcome| outcome.changes.history.iter().map(|entry| entry.happened).collect::<Vec<_>>();
                prop_assert_eq!(happened(&came), happened(&expected), "{}", moment);
            }
            Ok(())
        })?;
    }
}

#[test]
fn the_stories_name_rules_that_are_right() {
    for text in TEXTS {
        rule("r", text);
    }
}
