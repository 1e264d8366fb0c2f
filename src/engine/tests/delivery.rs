//! The actions for what is owed to one receiver.

use jiff::SignedDuration;

use super::fixtures::{at, customer, noon};
use crate::{
    engine::{
        delivery::{Action, Moment, Round, RoundStage, UnderWay},
        delivery_settings::DeliverySettings,
        group::GroupBy,
        handover::hand_over,
        validity::Superseded,
    },
    model::{
        Ack, Alert, AlertId, Blame, DeliveryStep, Event, HandOver, Message, MessageId, Names, Notification,
        NotificationId, Open, Outcome, Owed, PendingResolve, Reason, ReceiverState, Resolution,
    },
    rules::RuleSet,
};

fn settings() -> DeliverySettings {
    DeliverySettings {
        receiver: "support".to_owned(),
        fallback: Some("leads".to_owned()),
        persons: vec!["webhook".to_owned()],
        by_person: false,
        knows_ids: true,
        group: GroupBy::Rule,
        give_up_after: SignedDuration::from_hours(24),
        in_flight: 2,
    }
}

/// The actions at this number of seconds after noon.
fn actions(round: &mut Round<'_>, stage: RoundStage, seconds: i64) -> Vec<Action> {
    let (rules, names) = (RuleSet::default(), Names::default());
    round.actions(stage, Moment { rules: &rules, names: &names, now: at(seconds) })
}

/// The actions, one line each.
fn words(actions: &[Action]) -> Vec<String> {
    let numbers = |ids: &[NotificationId]| ids.iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join(",");
    let word = |action: &Action| match action {
        Action::Withdraw(owed) => {
            let each = owed.iter().map(|(owed, why)| format!("{} {}", owed.id.0, why.name()));
            format!("withdraw {}", each.collect::<Vec<_>>().join(","))
        }
        Action::Hold(ids) => format!("hold {}", numbers(ids)),
        Action::Break(_) => "break".to_owned(),
        Action::Compose { ids, .. } => format!("compose {}", numbers(ids)),
        Action::Send => "send".to_owned(),
        Action::HandOver(handed) => format!("hand {} to {}", numbers(&handed.ids), handed.to),
        Action::GiveUp { reason, .. } => reason.clone(),
    };
    actions.iter().map(word).collect()
}

/// A message that was made a second before noon.
fn message(id: &str, attempts: u32) -> Message {
    Message {
        id: MessageId(id.to_owned()),
        receiver: "support".to_owned(),
        created_at: at(-1),
        attempts,
        next_at: at(-1),
        ambiguous: false,
        plain: false,
        last_error: String::new(),
    }
}

/// In a message, and tried since a second before noon.
fn within(mut owed: Owed, message: &str) -> Owed {
    owed.message = Some(MessageId(message.to_owned()));
    owed.tried_since = Some(at(-1));
    owed
}

fn lapsed(mut owed: Owed) -> Owed {
    owed.alert.lapse = Some(PendingResolve { at: at(60), ended_at: at(50), reason: Reason::AnsweredByAgent });
    owed
}

/// A receiver that has failed since noon, and was found broken five minutes later.
fn broken() -> ReceiverState {
    ReceiverState {
        failing_since: Some(noon()),
        broken_at: Some(at(300)),
        not_before: None,
        last_error: "HTTP 503".to_owned(),
    }
}

/// Begins the next attempt.
fn begin(round: &mut Round<'_>, seconds: i64) -> Option<UnderWay> {
    let id = round.next(at(seconds))?;
    round.begin(&id, &[]).map(|(attempt, _)| attempt)
}

fn failed() -> Outcome {
    Outcome::Retry { after: None, reason: "HTTP 503".to_owned(), ambiguous: false }
}

#[test]
fn before_the_attempts_what_cannot_be_said_goes_and_the_rest_becomes_messages() {
    let owed = vec![
        fired(1, "a"),
        over(fired(2, "b")),
        acknowledged(within(fired(3, "c"), "m1")),
        lapsed(within(fired(4, "d"), "m2")),
        lapsed(fired(5, "e")),
        fired(6, "f"),
        within(fired(7, "g"), "m3"),
    ];
    let messages = ["m1", "m2", "m3"].map(|id| (message(id, 1), Vec::new()));
    let open = Open { owed, messages: messages.into(), ..Open::default() };
    let settings = settings();
    let mut round = Round::of(open, &settings);
    let done = actions(&mut round, RoundStage::BeforeAttempts, 0);
    assert_eq!(words(&done), ["withdraw 2 ended,3 acknowledged", "hold 4", "compose 1,6", "send"]);
    assert_eq!(round.held(), 2);
    let due: Vec<_> = round.messages_due().iter().map(|(message, _)| message.attempts).collect();
    assert_eq!(due, [1, 0], "m3, then what was composed");
    // Both may be under way at once.
    assert_eq!(round.most_under_way(), 2);
    let (first, second) = (begin(&mut round, 0).unwrap(), begin(&mut round, 0).unwrap());
    assert_eq!((first.message.id.0.as_str(), first.told.len(), second.told.len()), ("m3", 1, 2));
    assert!(begin(&mut round, 0).is_none());
    for attempt in [&first, &second] {
        let end = round.end(attempt, Outcome::Delivered.into(), at(1));
        assert!(matches!(end.record.recorded, DeliveryStep::Delivered { .. }));
    }
    assert_eq!(words(&actions(&mut round, RoundStage::AfterAttempts, 2)), [""; 0]);
    assert_eq!(round.next_at(), None);
}

#[test]
fn what_is_over_when_its_turn_comes_is_withdrawn() {
    let settings = settings();
    let mut round = Round::of(Open { owed: vec![fired(1, "a")], ..Open::default() }, &settings);
    actions(&mut round, RoundStage::BeforeAttempts, 0);
    let id = round.next(at(0)).unwrap();
    let fresh = Open { owed: vec![over(within(fired(1, "a"), &id.0))], ..Open::default() };
    let (rules, names) = (RuleSet::default(), Names::default());
    let done = round.renew(&id, fresh, Moment { rules: &rules, names: &names, now: at(1) });
    assert!(matches!(&done[..], [Action::Withdraw(gone)] if gone[0].1 == Superseded::Ended));
    assert_eq!((round.told_by(&id).len(), round.messages_due().len()), (0, 0));
    assert!(round.begin(&id, &[]).is_none());
}

#[test]
fn a_receiver_that_fails_for_five_minutes_is_broken_without_an_attempt() {
    let settings = settings();
    let failing = ReceiverState { failing_since: Some(noon()), ..ReceiverState::default() };
    let pause = Message { next_at: at(3_600), ..message("m1", 4) };
    let open = Open {
        owed: vec![within(fired(1, "a"), "m1"), fired(2, "b")],
        messages: vec![(pause, Vec::new())],
        reception: ReceiverState { not_before: Some(at(3_600)), ..failing },
        ..Open::default()
    };
    for (seconds, right, at_the_end) in [
        (299, vec!["compose 2", "send"], vec![]),
        (300, vec!["break", "compose 1,2", "send"], vec!["hand 1,2 to leads"]),
    ] {
        let mut round = Round::of(open.clone(), &settings);
        assert_eq!(words(&actions(&mut round, RoundStage::BeforeAttempts, seconds)), right);
        // It asked for a pause of an hour, and nothing is tried before its end.
        assert!(begin(&mut round, seconds).is_none());
        assert_eq!(words(&actions(&mut round, RoundStage::AfterAttempts, seconds)), at_the_end);
        let again = if at_the_end.is_empty() { 300 } else { 3_600 };
        assert_eq!(round.next_at(), Some(at(again)));
    }
}

#[test]
fn a_broken_receiver_is_tried_once_and_its_fallback_notified() {
    let settings = settings();
    let told = Owed { told: true, ..within(fired(3, "c"), "m2") };
    let open = Open {
        owed: vec![within(fired(1, "a"), "m1"), fired(2, "b"), told],
        messages: vec![(message("m1", 7), Vec::new()), (message("m2", 1), Vec::new())],
        reception: broken(),
        ..Open::default()
    };
    let mut round = Round::of(open.clone(), &settings);
    // What the receiver may have got stays in its message.
    assert_eq!(words(&actions(&mut round, RoundStage::BeforeAttempts, 600)), ["compose 1,2", "send"]);
    assert_eq!(round.most_under_way(), 1);
    let probe = begin(&mut round, 600).unwrap();
    assert_eq!(probe.message.attempts, 0, "the one that was tried least");
    let end = round.end(&probe, failed().into(), at(601));
    assert!(end.was_broken && end.record.reception.is_broken() && end.record.handed.is_none());
    assert!(begin(&mut round, 601).is_none(), "the others wait");
    assert_eq!(words(&actions(&mut round, RoundStage::AfterAttempts, 601)), ["hand 1,2,3 to leads"]);
    assert!(round.next_at().is_some_and(|next| next > at(690) && next < at(750)), "{:?}", round.next_at());
    // After one success the others follow at once.
    let mut round = Round::of(open, &settings);
    actions(&mut round, RoundStage::BeforeAttempts, 600);
    let probe = begin(&mut round, 600).unwrap();
    let end = round.end(&probe, Outcome::Delivered.into(), at(601));
    assert!(end.was_broken && !end.record.reception.is_broken());
    assert_eq!(begin(&mut round, 601).unwrap().message.id.0, "m2");
    assert_eq!(words(&actions(&mut round, RoundStage::AfterAttempts, 601)), [""; 0]);
}

#[test]
fn what_a_broken_receiver_has_not_accepted_for_a_day_is_given_up_after_an_attempt() {
    let settings = settings();
    let told = Owed { told: true, ..within(fired(2, "b"), "m2") };
    let open = Open {
        owed: vec![within(fired(1, "a"), "m1"), told],
        messages: vec![(message("m1", 7), Vec::new()), (message("m2", 9), Vec::new())],
        reception: ReceiverState { not_before: Some(at(90_000)), ..broken() },
        ..Open::default()
    };
    let day = 24 * 3_600;
    for (seconds, right) in [
        (day - 2, vec!["hand 1,2 to leads"]),
        (day, vec!["hand 1,2 to leads", "compose 1", "given up: HTTP 503", "given up: HTTP 503"]),
    ] {
        let mut round = Round::of(open.clone(), &settings);
        assert_eq!(words(&actions(&mut round, RoundStage::BeforeAttempts, seconds)), ["send"]);
        assert_eq!(words(&actions(&mut round, RoundStage::AfterAttempts, seconds)), right);
    }
}

#[test]
fn what_an_attempt_comes_to_by_table() {
    let settings = settings();
    let refused = |fault| Outcome::Rejected { reason: "no".to_owned(), fault };
    let pause =
        Outcome::Retry { after: Some(SignedDuration::from_secs(60)), reason: "429".to_owned(), ambiguous: false };
    let plain = Message { plain: true, ..message("m1", 1) };
    // Message, outcome, decision, plain, whether the fallback is notified.
    for (message, outcome, step, handed) in [
        (message("m1", 0), Outcome::Delivered, "delivered", false),
        (message("m1", 0), pause, "again 60", false),
        (message("m1", 0), refused(Blame::Payload), "plain 0", false),
        (plain, refused(Blame::Payload), "dead", true),
    ] {
        let open =
            Open { owed: vec![within(fired(1, "a"), "m1")], messages: vec![(message, Vec::new())], ..Open::default() };
        let mut round = Round::of(open, &settings);
        actions(&mut round, RoundStage::BeforeAttempts, 0);
        let attempt = begin(&mut round, 0).unwrap();
        let record = round.end(&attempt, outcome.into(), noon()).record;
        let found = match &record.recorded {
            DeliveryStep::Delivered { .. } => "delivered".to_owned(),
            DeliveryStep::Again { at, plain, .. } => {
                format!("{} {}", if *plain { "plain" } else { "again" }, at.duration_since(noon()).as_secs())
            }
            DeliveryStep::Dead { .. } => "dead".to_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(found, step);
        let to_leads = HandOver { to: "leads".to_owned(), ids: vec![NotificationId(1)] };
        assert_eq!(record.handed, handed.then_some(to_leads), "{step}");
        assert_eq!(round.messages_due().is_empty(), matches!(step, "delivered" | "dead"));
        assert!(round.next(noon()).is_none(), "each is tried once a round");
    }
}

#[test]
fn a_yes_from_before_a_pause_does_not_end_it() {
    let settings = settings();
    let open = Open {
        owed: vec![within(fired(1, "a"), "m1"), within(fired(2, "b"), "m2")],
        messages: vec![(message("m1", 0), Vec::new()), (message("m2", 0), Vec::new())],
        ..Open::default()
    };
    let mut round = Round::of(open, &settings);
    actions(&mut round, RoundStage::BeforeAttempts, 0);
    let (first, second) = (begin(&mut round, 0).unwrap(), begin(&mut round, 0).unwrap());
    let pause =
        Outcome::Retry { after: Some(SignedDuration::from_secs(60)), reason: "429".to_owned(), ambiguous: false };
    let asked = round.end(&first, pause.into(), at(1)).record.reception;
    assert_eq!(asked.not_before, Some(at(61)));
    assert_eq!(round.end(&second, Outcome::Delivered.into(), at(2)).record.reception, asked);
}

/// Owed to `support` about an alert of this contact.
fn owed(id: i64, contact: &str, event: Event) -> Owed {
    let begun = Alert::begin("main", "r", customer(contact, &[]), at(-300), noon());
    let alert = Alert { id: AlertId(contact.to_owned()), fired_at: Some(noon()), ..begun };
    let notification = Notification {
        alert: alert.id.clone(),
        rule: "r".to_owned(),
        inbox: "main".to_owned(),
        receiver: "support".to_owned(),
        step: 0,
        event,
        template: "alert".to_owned(),
        due_at: noon(),
    };
    Owed {
        id: NotificationId(id),
        notification,
        alert,
        message: None,
        told: false,
        partly_settled: false,
        told_of_beginning: event == Event::Resolved,
        audience: None,
        tried_since: None,
    }
}

fn fired(id: i64, contact: &str) -> Owed {
    owed(id, contact, Event::Fired)
}

fn over(mut owed: Owed) -> Owed {
    owed.alert.resolution = Some(Resolution { at: at(60), ended_at: at(50), reason: Reason::AnsweredByAgent });
    owed
}

fn acknowledged(mut owed: Owed) -> Owed {
    owed.alert.ack = Some(Ack { at: at(60), by: "asha".to_owned(), comment: String::new() });
    owed
}

#[test]
fn what_goes_over_to_the_fallback_by_table() {
    for (owed, handed) in [
        (vec![], vec![]),
        (vec![fired(1, "a"), fired(2, "b")], vec![1, 2]),
        // Of several notifications about one alert, the first.
        (vec![fired(3, "a"), owed(4, "a", Event::Repeated), fired(5, "a")], vec![3]),
        (vec![owed(1, "a", Event::Repeated)], vec![1]),
        // An end is for receivers that were notified of the beginning.
        (vec![over(owed(1, "a", Event::Resolved)), fired(2, "b")], vec![2]),
        (vec![over(fired(1, "a")), acknowledged(fired(2, "b"))], vec![]),
    ] {
        let ids: Vec<_> = handed.into_iter().map(NotificationId).collect();
        let found = hand_over(&owed, Some("leads"));
        assert!(found.iter().all(|handed| handed.to == "leads"));
        assert_eq!(found.map(|handed| handed.ids).unwrap_or_default(), ids);
        assert_eq!(hand_over(&owed, None), None);
    }
}
