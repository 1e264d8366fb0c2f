//! Brings messages to their receivers: Slack, mail, a webhook, the console.
//!
//! Knows the wire and how each kind of receiver says yes, no and later; knows nothing of rules, of
//! templates or of what is stored. Bodies come rendered, secrets and the HTTP client come from the
//! caller, and what a send gives is data: [`Attempt`], from which the engine decides what becomes of the message.

pub(crate) mod console;
pub(crate) mod email;
pub(crate) mod ending;
mod refusal;
pub(crate) mod response;
mod said;
pub(crate) mod sender;
pub(crate) mod slack;
#[cfg(test)]
mod testing;
pub(crate) mod webhook;
pub(crate) mod witness;

pub(crate) use console::Console;
pub(crate) use email::Email;
pub(crate) use ending::Ending;
pub(crate) use sender::Sender;
pub(crate) use slack::Slack;
pub(crate) use webhook::Webhook;
pub(crate) use witness::{Nobody, Witness};

#[cfg(test)]
mod tests {
    use super::testing::{TIMEOUT, client, parcel, payload_fault};
    use super::{Console, Email, Ending, Nobody, Sender, Slack, Webhook};
    use crate::model::smtp::SmtpAddress;
    use crate::model::{Body, Outcome};

    fn senders() -> [Box<dyn Sender>; 4] {
        let server = SmtpAddress::parse("smtp://127.0.0.1:9").unwrap();
        let (from, to) = ("p@example.com".parse().unwrap(), vec!["a@example.com".parse().unwrap()]);
        [
            Box::new(Slack::new(client(), "http://127.0.0.1:9/hunter2".into(), TIMEOUT).unwrap()),
            Box::new(Email::new(server, from, to, TIMEOUT, &[]).unwrap()),
            Box::new(Webhook::new(client(), "http://127.0.0.1:9/hunter2".into(), TIMEOUT).unwrap()),
            Box::new(Console::new(Box::new(std::io::sink()))),
        ]
    }

    fn bodies() -> [Body; 4] {
        let text = || "hunter2".to_owned();
        [
            Body::Slack { payload: text() },
            Body::Email { subject: text(), text: text(), html: text() },
            Body::Webhook { payload: text() },
            Body::Console { text: text() },
        ]
    }

    #[tokio::test]
    async fn every_sender_takes_its_own_kind_only() {
        for (index, sender) in senders().into_iter().enumerate() {
            for (kind, body) in bodies().into_iter().enumerate() {
                let shown = format!("{sender:?}");
                let parcel = parcel(body);
                let attempt = sender.send(&parcel, &Ending::default(), &Nobody).await;
                if kind == index {
                    let known = matches!(attempt.outcome, Outcome::Delivered | Outcome::Retry { .. });
                    assert!(known, "{shown}: {attempt:?}");
                } else {
                    payload_fault(&attempt);
                }
                assert!(!format!("{shown} {attempt:?}").contains("hunter2"), "{shown}: {attempt:?}");
            }
        }
    }

    #[tokio::test]
    async fn senders_can_be_shared_between_tasks() {
        fn shared<T: Send + Sync + ?Sized>(_: &T) {}
        fn sent<T: Send>(_: T) {}
        for sender in senders() {
            shared(&*sender);
            sent(sender.send(&parcel(Body::Console { text: String::new() }), &Ending::default(), &Nobody));
        }
    }
}
