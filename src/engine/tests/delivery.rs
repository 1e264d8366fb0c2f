//! What becomes of what is owed to one receiver.

use super::fixtures::{at, customer, noon};
use crate::{
    engine::handover::hand_over,
    model::{Ack, Alert, AlertId, Event, Notification, NotificationId, Owed, Reason, Resolution},
};

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
        // Of several about one alert the first.
        (vec![fired(3, "a"), owed(4, "a", Event::Repeated), fired(5, "a")], vec![3]),
        (vec![owed(1, "a", Event::Repeated)], vec![1]),
        // An end is for those who heard of the beginning.
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
