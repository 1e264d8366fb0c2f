//! Attempts that end before all recipients had their turn.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Server, attempt, body, reaching};
use crate::{
    model::{Outcome, OutgoingMessage},
    receivers::{
        Ending, Nobody,
        testing::{parcel, retry},
    },
    sandbox::smtp::{SinkTrouble, Stage},
};

#[tokio::test]
async fn at_its_end_no_further_recipient_is_begun_and_who_has_the_mail_is_known() {
    let soon = Duration::from_millis(100);
    for by_stop in [true, false] {
        let server = Server::plain().await;
        let email = server.email(&["a@x.org", "b@x.org", "c@x.org"]);
        server.sink.trouble(Stage::End, SinkTrouble::Delay(soon * 3), 1);
        let stop = CancellationToken::new();
        let ending = Ending::new((!by_stop).then_some(soon), stop.clone());
        let asked = async {
            tokio::time::sleep(soon).await;
            if by_stop {
                stop.cancel();
            }
        };
        let parcel = parcel(body());
        let (sent, ()) = tokio::join!(email.send_until(&parcel, &ending, &Nobody), asked);
        let later = retry(None, "no time was left for all recipients", true);
        assert_eq!(sent, attempt(later, &["a@x.org"]), "by stop: {by_stop}");
        let rest = email.send(&OutgoingMessage { settled: sent.settled, ..parcel }).await;
        assert_eq!(rest.outcome, Outcome::Delivered);
        assert_eq!(server.got(), ["a@x.org", "b@x.org", "c@x.org"]);
    }
}

#[tokio::test]
async fn at_its_end_a_conversation_is_given_up_and_who_has_the_mail_is_known() {
    let ends = [
        (true, "stopped before the answer came (b***@x.org)"),
        (false, "no answer in time at the recipient (b***@x.org)"),
    ];
    let given_up = ends.map(|(by_stop, reason)| {
        tokio::spawn(async move {
            let server = Server::plain().await;
            let to = ["a@x.org", "b@x.org", "c@x.org"];
            let email = server.email_within(&to, Duration::from_mins(1));
            server.sink.trouble_for("b@x.org", Stage::Rcpt, SinkTrouble::Delay(Duration::from_mins(1)), 1);
            let (soon, stop) = (Duration::from_millis(300), CancellationToken::new());
            let ending = Ending::new((!by_stop).then_some(soon), stop.clone());
            let parcel = parcel(body());
            let asked = async {
                tokio::time::sleep(soon).await;
                if by_stop {
                    stop.cancel();
                }
            };
            let (sent, ()) = tokio::join!(email.send_until(&parcel, &ending, &Nobody), asked);
            // After a stop it is not known how far the second mail came.
            let reached = if by_stop { &["a@x.org", "b@x.org"][..] } else { &["a@x.org"] };
            assert_eq!(sent, reaching(attempt(retry(None, reason, true), &["a@x.org"]), reached));
            // The dropped conversation is not continued.
            let rest = email.send(&OutgoingMessage { settled: sent.settled, ..parcel }).await;
            assert_eq!((rest.outcome, server.sink.connections()), (Outcome::Delivered, 2));
        })
    });
    for given_up in given_up {
        given_up.await.unwrap();
    }
}
