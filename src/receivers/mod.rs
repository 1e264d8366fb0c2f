//! Sends messages to their receivers: Slack, mail, a webhook, the console.
//!
//! Each kind is a file with a folder: its keys and abilities (`kind.rs`), its template files, limits and the form of
//! its messages (`format.rs`), the wire, and what its answers mean; [`KINDS`] lists them. This room must not know rules
//! or the store. Bodies come rendered, the HTTP client comes from the caller, and a send returns data by which the
//! engine decides what happens to the message.

pub(crate) mod console;
pub(crate) mod email;
pub(crate) mod ending;
pub(crate) mod kind;
#[cfg(test)]
mod pager;
mod refusal;
pub(crate) mod response;
mod said;
pub(crate) mod sender;
pub(crate) mod slack;
#[cfg(test)]
mod testing;
pub(crate) mod webhook;
pub(crate) mod witness;

use std::{path::Path, sync::Arc};

pub(crate) use ending::Ending;
pub(crate) use kind::{Kind, Output, SenderTools, Way};
pub(crate) use sender::Sender;
pub(crate) use witness::{Nobody, Witness};

use crate::{
    config::{ConfigOf, ReceiverOf, keys::KeyedKind, load, load::Secrets},
    diagnose::Diagnostic,
    render::Format,
};

/// All kinds, in the order in which they are offered.
pub(crate) const KINDS: [&dyn Kind; 4] =
    [&slack::kind::SlackKind, &email::kind::EmailKind, &webhook::kind::WebhookKind, &console::kind::ConsoleKind];

/// The configuration, with receivers of these kinds.
pub type Config = ConfigOf<Arc<dyn Way>>;

/// A receiver of one of these kinds.
pub(crate) type Receiver = ReceiverOf<Arc<dyn Way>>;

/// The environment variables, as a function.
type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads the configuration at `path`; `None` if it has too many mistakes to continue.
pub fn load_config(path: &Path, secrets: Secrets, env: Variables<'_>, found: &mut Vec<Diagnostic>) -> Option<Config> {
    load::load(path, secrets, env, &keyed(&KINDS), found)
}

/// Checks the text of the configuration at `path`, with receivers of `kinds`; `None` if it has too many mistakes to
/// continue.
pub(crate) fn judge_with(
    kinds: &[&'static dyn Kind],
    path: &Path,
    text: String,
    secrets: Secrets,
    env: Variables<'_>,
    found: &mut Vec<Diagnostic>,
) -> Option<Config> {
    load::judge(path, text, secrets, env, &keyed(kinds), found)
}

/// Like [`judge_with`], with all kinds.
pub fn judge_config(
    path: &Path,
    text: String,
    secrets: Secrets,
    env: Variables<'_>,
    found: &mut Vec<Diagnostic>,
) -> Option<Config> {
    judge_with(&KINDS, path, text, secrets, env, found)
}

/// The message formats of all kinds.
pub fn formats() -> Vec<&'static dyn Format> {
    KINDS.iter().map(|kind| *kind as &dyn Format).collect()
}

/// Name and text of the built-in template files, to be copied and edited.
pub(crate) fn built_in_files() -> impl Iterator<Item = (&'static str, &'static str)> {
    KINDS.iter().flat_map(|kind| kind.files()).filter_map(|file| Some((file.name, file.built_in?)))
}

fn keyed(kinds: &[&'static dyn Kind]) -> Vec<&'static dyn KeyedKind<Arc<dyn Way>>> {
    kinds.iter().map(|kind| *kind as &dyn KeyedKind<Arc<dyn Way>>).collect()
}

#[cfg(test)]
mod tests {
    use super::testing::{TIMEOUT, client, parcel, payload_fault};
    use super::{Ending, Nobody, Sender, console::Console, email::Email, slack::Slack, webhook::Webhook};
    use crate::{
        model::{Body, Outcome},
        receivers::{console, email, email::address::SmtpAddress, slack, webhook},
    };

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
            slack::format::body(text()),
            email::format::body(text(), text(), text()),
            webhook::format::body(text()),
            console::format::body(text()),
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
            sent(sender.send(&parcel(console::format::body("")), &Ending::default(), &Nobody));
        }
    }
}
