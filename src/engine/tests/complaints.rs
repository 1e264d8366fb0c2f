//! Complaints about other systems, each as a test that it does not happen here.

use jiff::SignedDuration;
use serde_json::json;

use super::{
    fixtures::{COMPLETE, INBOX, Scene, customer, end, noon, owed, rule, saw},
    play::{Deed::*, Play, told, when},
};
use crate::{
    engine::{Observed, Tick, TickOutcome, tick},
    model::{Alert, Contact, Event, Names, Privacy, StateLocation},
    render::{
        AlertView, Format, MessageView, RuleWords,
        tests::fixtures::{FORMATS, built_in, shown},
    },
    rules::RuleSet,
    store::Store,
};

const ESCALATES: &str = "for = '2m'\n[filter]\nlastMessageBy = ['user']\n\
    [[notify]]\nto = ['support']\n[[notify]]\nafter = '15m'\nto = ['leads']\nrepeat = '30m'";

/// A watcher that is started again for every tick.
struct Restarting {
    folder: tempfile::TempDir,
    rules: RuleSet,
}

impl Restarting {
    fn new(text: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), rules: super::fixtures::rules(vec![rule("r", text)]) }
    }

    async fn sees(&self, contacts: &[Contact], minutes: i64) -> TickOutcome {
        let store = Store::open(&StateLocation::sqlite(self.folder.path().join("state.db"))).await.unwrap();
        let snapshot = store.snapshot(INBOX).await.unwrap();
        let outcome = tick(Tick {
            inbox: INBOX,
            rules: &self.rules,
            snapshot: &snapshot,
            observed: &saw(contacts, &self.rules, COMPLETE),
            names: &Names::default(),
            now: noon() + SignedDuration::from_mins(minutes),
        });
        store.commit(INBOX, outcome.changes.clone()).await.unwrap();
        store.close().await;
        outcome
    }
}

#[tokio::test]
async fn re_alert_after_restart() {
    let watcher = Restarting::new(ESCALATES);
    let waiting = [customer("c", &[])];
    assert_eq!(told(&watcher.sees(&waiting, 0).await), "support");
    for minutes in 1..10 {
        assert_eq!(told(&watcher.sees(&waiting, minutes).await), "", "{minutes}");
    }
}

#[tokio::test]
async fn reminder_clock_lost_on_restart() {
    let watcher = Restarting::new(ESCALATES);
    // The customer wrote at 11:55.
    let waiting = [customer("c", &[])];
    let mut reminded = Vec::new();
    for minutes in 0..100 {
        let outcome = watcher.sees(&waiting, minutes).await;
        reminded.extend(outcome.changes.owed.iter().filter(|owed| owed.receiver == "leads").map(|_| minutes));
    }
    assert_eq!(reminded, [10, 40, 70]);
}

#[test]
fn resolve_without_a_beginning() {
    for before in [Silence(60), Ack, Poll] {
        let mut play = Play::new(ESCALATES);
        let ends_early = matches!(before, Poll);
        play.performs("nobody was told", &[("10:00:00", Writes, "pending", "")]);
        play.happens(when("10:01:00"), before);
        let outcome = play.happens(when(if ends_early { "10:01:30" } else { "10:10:00" }), Agent);
        assert_eq!(told(&outcome), "", "{before:?}");
    }
}

#[test]
fn escalation_at_midnight() {
    let text = "for = '2m'\n[filter]\nlastMessageBy = ['user']\n[hours]\nopen = ['mon-fri 09:00-18:00']\n\
        [[notify]]\nto = ['support']\n[[notify]]\nafter = '6h'\nto = ['leads']\nrepeat = '1h'";
    Play::new(text).performs(
        "the leads sleep until Monday",
        &[
            ("17:50:00", Writes, "pending", ""),
            ("17:52:00", Tick, "firing", "support"),
            ("23:50:00", Tick, "firing", ""),
            ("+1 00:00:00", Tick, "firing", ""),
            ("+2 00:00:00", Tick, "firing", ""),
            ("+3 08:59:59", Tick, "firing", ""),
            ("+3 09:00:00", Tick, "firing", "leads"),
        ],
    );
}

#[test]
fn window_off_by_the_zones_offset() {
    let text = "[filter]\nlastMessageBy = ['user']\n[hours]\ntimezone = 'Asia/Kolkata'\nopen = ['09:00-18:00']";
    // 09:00 in Kolkata is 03:30 in Greenwich.
    Play::new(text).performs(
        "the shop's morning",
        &[
            ("03:00:00", Writes, "firing", ""),
            ("03:29:59", Tick, "firing", ""),
            ("03:30:00", Tick, "firing", "support"),
        ],
    );
    Play::new(text).performs(
        "the shop's evening",
        &[
            ("12:29:59", Writes, "firing", "support"),
            ("12:30:00", Agent, "answered by an agent", "support:resolved"),
            ("12:31:00", Writes, "firing", ""),
        ],
    );
}

#[test]
fn over_dedupe_that_swallows_a_second_episode() {
    let mut play = Play::new("[filter]\nlastMessageBy = ['user']");
    let mut ids = std::collections::BTreeSet::new();
    for second in 0..10 {
        let at = when("10:00:00") + SignedDuration::from_secs(second * 2);
        assert_eq!(told(&play.happens(at, Writes)), "support");
        ids.insert(play.alert().unwrap().id.clone());
        assert_eq!(told(&play.happens(at + SignedDuration::from_secs(1), Agent)), "support:resolved");
    }
    assert_eq!(ids.len(), 10, "each has an id of its own");
}

#[test]
fn alert_while_the_bot_is_answering() {
    Play::new(ESCALATES).performs(
        "the bot talks with the customer, who never waits for two minutes",
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:00:20", Bot, "", ""),
            ("10:01:30", Writes, "pending", ""),
            ("10:01:50", Bot, "", ""),
            ("10:03:00", Writes, "pending", ""),
            ("10:04:59", Tick, "pending", ""),
            ("10:05:00", Bot, "", ""),
            ("11:00:00", Tick, "", ""),
        ],
    );
}

#[test]
fn a_for_that_a_new_message_resets() {
    Play::new(ESCALATES).performs(
        "who writes every minute is told of after two",
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:01:00", Writes, "pending", ""),
            ("10:01:59", Writes, "pending", ""),
            ("10:02:00", Writes, "firing", "support"),
            ("10:15:00", Writes, "firing", "leads"),
        ],
    );
}

#[test]
fn an_old_repeat_that_outlives_an_edited_rule() {
    let often = "[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support']\nrepeat = '5m'";
    Play::new(often).performs(
        "reminded every five minutes, until the rule says every hour",
        &[
            ("10:00:00", Writes, "firing", "support"),
            ("10:05:00", Tick, "firing", "support:repeated"),
            ("10:10:00", Tick, "firing", "support:repeated"),
            (
                "10:11:00",
                Edit("[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support']\nrepeat = '1h'"),
                "firing",
                "",
            ),
            ("10:15:00", Tick, "firing", ""),
            ("10:59:59", Tick, "firing", ""),
            ("11:00:00", Tick, "firing", "support:repeated"),
            ("11:01:00", Edit("[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support']"), "firing", ""),
            ("12:00:00", Tick, "firing", ""),
        ],
    );
}

/// The text of the message about an end.
fn said(ended: &Alert, format: &dyn Format) -> String {
    let rule = RuleWords {
        name: "r".to_owned(),
        description: String::new(),
        severity: "warning".to_owned(),
        timezone: jiff::tz::TimeZone::UTC,
    };
    let telling = MessageView {
        event: Event::Resolved,
        rule: &rule,
        inbox: INBOX,
        receiver: "support",
        step: 0,
        alerts: &[AlertView { alert: ended, rule: &rule, waiting_open: None }],
        max_listed: 10,
        privacy: Privacy::Full,
        names: &Names::default(),
        contact_link: None,
        delayed: None,
        now: noon(),
    };
    shown(&built_in().render("alert", format, &telling).body)
}

#[test]
fn an_empty_resolved_message() {
    let answered = |by: &str, text: &str| {
        let at = ("lastMessage.at", json!("2026-06-12T11:59:00Z"));
        customer("c", &[("lastMessage.by", json!(by)), at, ("lastMessage.text", json!(text))])
    };
    let nothing_in_it = Contact::read(json!({ "_id": "c" })).unwrap();
    for after in [answered("agent", "Hi"), answered("bot", ""), nothing_in_it] {
        let mut scene = Scene::new(rule("r", "[filter]\nlastMessageBy = ['user']"));
        scene.complete(&[customer("c", &[])]);
        let outcome = scene.later(60).complete(std::slice::from_ref(&after));
        assert_eq!(owed(&outcome), [(Event::Resolved, "support")]);
        // The facts of the message: who, since when, until when, and why.
        let ended = &outcome.changes.alerts[0];
        let resolution = ended.resolution.as_ref().unwrap();
        assert!(end(&outcome).is_some() && !resolution.reason.phrase().is_empty());
        assert!(!ended.contact.name().is_empty() && ended.since < resolution.ended_at);
        // Its text, for every kind of receiver.
        for (kind, format) in FORMATS {
            let said = said(ended, format);
            let reason = resolution.reason.phrase();
            assert!(said.contains(&ended.contact.name()) && said.contains(reason), "{kind} {said}");
        }
    }
    assert_eq!(owed(&Scene::new(rule("r", "[filter]")).tick(&Observed::between_polls())), []);
}
