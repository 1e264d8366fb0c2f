//! Books that balance, and each kind of disagreement.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Balance, DemoLedger, Records};
use crate::{
    model::{Alert, AlertId, Contact, Event, Notification, Reason, Resolution},
    sandbox::{Happening, Received},
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

fn wrote() -> Happening {
    Happening::Wrote { id: "c1".into(), name: "Ravi".into(), platform: "WEBSITE".into(), text: "Hello?".into() }
}

fn answered() -> Happening {
    let (id, name, by_name) = ("c1".into(), "Ravi".into(), "Asha".into());
    Happening::Answered { id, name, by_name, after: SignedDuration::ZERO }
}

fn by_bot() -> Happening {
    Happening::BotAnswered { id: "c1".into(), name: "Ravi".into(), text: "Hi".into() }
}

fn expired() -> Happening {
    Happening::LiveChatExpired { id: "c1".into(), name: "Ravi".into(), after: SignedDuration::ZERO }
}

/// The watcher's records; its methods add an episode that fires, and ends, at a given second.
#[derive(Clone, Default)]
struct Watcher {
    episodes: Vec<Alert>,
    owed: Vec<(Notification, String)>,
    slack: Vec<Received>,
}

impl Watcher {
    fn fires(mut self, second: i64) -> Self {
        let contact = Contact::read(json!({ "_id": "c1", "profile": { "userDetails": { "name": "Ravi" } } })).unwrap();
        let id = AlertId(format!("a{second}"));
        let begun = Alert::begin("demo", "customer-waiting", contact, at(second), at(second));
        self.episodes.push(Alert { id, fired_at: Some(at(second)), ..begun });
        self.tells(second, Event::Fired, "delivered")
    }

    fn ends(mut self, second: i64) -> Self {
        let alert = self.episodes.last_mut().unwrap();
        alert.resolution = Some(Resolution { at: at(second), ended_at: at(second), reason: Reason::AnsweredByAgent });
        self.tells(second, Event::Resolved, "delivered")
    }

    fn tells(mut self, second: i64, event: Event, state: &str) -> Self {
        let alert = self.episodes.last().unwrap();
        let notification = Notification {
            alert: alert.id.clone(),
            rule: alert.rule.clone(),
            inbox: alert.inbox.clone(),
            receiver: "support".into(),
            step: 0,
            event,
            template: "alert".into(),
            due_at: at(second),
        };
        self.owed.push((notification, state.to_owned()));
        let (path, headers) = (String::new(), Vec::new());
        self.slack.push(Received { at: at(second), path, headers, body: "User ID `c1`".into(), status: 200 });
        self
    }
}

/// The balance at second 100, with a patience of ten seconds.
fn balance(story: &[(i64, Happening)], watcher: &Watcher) -> Balance {
    let mut ledger = DemoLedger::new(SignedDuration::from_secs(10));
    for (second, happening) in story {
        ledger.enter(at(*second), happening);
    }
    let Watcher { episodes, owed, slack } = watcher;
    ledger.balance(at(100), &Records { episodes, owed, slack })
}

#[test]
fn books_that_balance() {
    let told = Watcher::default().fires(13).ends(33);
    for (story, watcher, due, over) in [
        (vec![], Watcher::default(), 0, 0),
        (vec![(10, wrote()), (30, answered())], told.clone(), 1, 1),
        (vec![(10, wrote()), (30, by_bot())], told.clone(), 1, 1),
        // A wait shorter than the patience may be notified or not: it depends on when the poll was.
        (vec![(10, wrote()), (19, answered())], Watcher::default(), 0, 0),
        (vec![(10, wrote()), (19, answered())], Watcher::default().fires(13).ends(20), 0, 0),
        // Two messages with silence of nine seconds after each.
        (vec![(10, wrote()), (19, wrote()), (28, answered())], Watcher::default(), 0, 0),
        (vec![(10, wrote()), (20, wrote()), (21, answered())], Watcher::default().fires(13).ends(22), 1, 1),
        // An expired live chat is not an answer.
        (vec![(80, wrote()), (85, expired())], Watcher::default().fires(83), 1, 0),
        // The end came too late for its notification to be required.
        (vec![(80, wrote()), (95, answered())], Watcher::default().fires(83), 1, 0),
        // The same customer waits twice and is notified twice.
        (vec![(10, wrote()), (30, answered()), (50, wrote()), (70, answered())], told.clone().fires(53).ends(71), 2, 2),
    ] {
        let balance = balance(&story, &watcher);
        assert_eq!((balance.due, balance.over, balance.wrong), (due, over, Vec::<String>::new()));
    }
}

#[test]
fn books_that_do_not() {
    let story = [(10, wrote()), (30, answered())];
    let told = Watcher::default().fires(13);
    let withdrawn = |event| {
        let mut watcher = told.clone().ends(33);
        watcher.owed.iter_mut().filter(|(owed, _)| owed.event == event).for_each(|(_, state)| *state = "owed".into());
        watcher.slack.pop();
        watcher
    };
    let mut deaf = told.clone().ends(33);
    deaf.slack.iter_mut().for_each(|received| received.status = 503);
    for (watcher, wrong) in [
        (Watcher::default(), "Ravi was told of 0 times, not once"),
        (Watcher::default().fires(13).ends(33).fires(35).ends(36), "Ravi was told of 2 times, not once"),
        (withdrawn(Event::Fired), "Ravi waited, and Slack does not know"),
        (withdrawn(Event::Resolved), "the wait of Ravi is over, and Slack does not know"),
        (told, "the wait of Ravi is over, and Slack does not know"),
        (deaf, "Ravi: 2 messages to Slack, which got 0"),
    ] {
        assert_eq!(balance(&story, &watcher).wrong, [wrong]);
    }
}
