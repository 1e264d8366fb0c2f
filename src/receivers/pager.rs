//! A made-up kind, for tests alone: what one file and one entry in a list give to a kind.

use std::{path::Path, sync::Arc};

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use toml::{Spanned, Value};
use url::Url;

use super::{Ending, KINDS, Kind, Sender, SenderTools, Way, Witness, judge_with, kind::Delivery};
use crate::{
    config::{
        keys::{Key, KeyedKind, Keys},
        load::Secrets,
    },
    diagnose::{Diagnostic, draw::draw},
    model::{Address, Attempt, Outcome, OutgoingMessage, alert::short_hash},
};

struct PagerKind;

#[derive(Default, Deserialize)]
#[serde(default)]
struct PagerTable {
    pager_key: Option<Spanned<Value>>,
    room: Option<Spanned<String>>,
}

impl KeyedKind<Arc<dyn Way>> for PagerKind {
    fn name(&self) -> &'static str {
        "pager"
    }

    fn keys(&self) -> &'static [Key] {
        const KEYS: [Key; 2] = [Key::secret("pager_key"), Key::shown("room")];
        &KEYS
    }

    fn read(&self, keys: &mut Keys<'_>) -> Option<Arc<dyn Way>> {
        let table: PagerTable = keys.table()?;
        let Some(key) = &table.pager_key else {
            keys.missing("this pager has no pager_key", "add pager_key = { env = \"PAGER_KEY\" }");
            return None;
        };
        let room = table.room.map(Spanned::into_inner).unwrap_or_default();
        Some(Arc::new(Pager { key: keys.secret("pager_key", key), room }))
    }
}

impl Kind for PagerKind {
    fn delivery(&self) -> Delivery {
        Delivery { pace: None, in_flight: 2, knows_ids: true, by_person: false }
    }
}

#[derive(Clone, Debug)]
struct Pager {
    key: SecretString,
    room: String,
}

impl Way for Pager {
    fn kind(&self) -> &'static dyn Kind {
        &PagerKind
    }

    fn sender(&self, _: &SenderTools<'_>) -> Result<Box<dyn Sender>, String> {
        if self.room == "closed" { Err("this room is closed".to_owned()) } else { Ok(Box::new(self.clone())) }
    }

    fn address(&self) -> Address {
        vec![format!("pager:{}", short_hash(self.key.expose_secret()))]
    }

    fn secrets(&self) -> Vec<&str> {
        vec![self.key.expose_secret()]
    }

    fn url(&self) -> Option<Url> {
        None
    }
}

impl Sender for Pager {
    fn send<'a>(&'a self, _: &'a OutgoingMessage, _: &'a Ending, _: &'a dyn Witness) -> BoxFuture<'a, Attempt> {
        Box::pin(std::future::ready(Outcome::Delivered.into()))
    }
}

const INBOX: &str = "[inbox.main]\ntoken = { env = \"TOKEN\" }\n";

/// What a configuration with this receiver means, and what is said of it.
fn judged(receiver: &str) -> (Option<Arc<dyn Way>>, Vec<String>) {
    let kinds: Vec<&'static dyn Kind> = KINDS.into_iter().chain([&PagerKind as &dyn Kind]).collect();
    let mut found = Vec::new();
    let text = format!("{INBOX}[receiver.duty]\n{receiver}\n");
    let env = |name: &str| Some(format!("hunter2{name}"));
    let config = judge_with(&kinds, Path::new("pengwatch.toml"), text, Secrets::Needed, &env, &mut found);
    let drawn: Vec<String> =
        found.iter().filter(|one| one.is_error()).map(|one: &Diagnostic| draw(one, false)).collect();
    assert!(drawn.iter().all(|one| !one.contains("hunter2")), "{drawn:?}");
    (config.and_then(|config| config.receivers.into_iter().next()).map(|receiver| receiver.way), drawn)
}

#[test]
fn it_is_configured_by_keys_of_its_own() {
    let (way, mistakes) = judged("type = \"pager\"\npager_key = { env = \"PAGER\" }\nroom = \"night\"");
    assert_eq!(mistakes, Vec::<String>::new());
    let way = way.unwrap();
    assert_eq!((way.secrets(), way.persons()), (vec!["hunter2PAGER"], vec!["pager".to_owned()]));
    assert!(format!("{way:?}").contains("night") && !format!("{way:?}").contains("hunter2"));
    assert_eq!(way.kind().delivery().in_flight, 2);
}

#[test]
fn its_mistakes_are_an_admins() {
    for (receiver, parts) in [
        ("type = \"pager\"", vec!["this pager has no pager_key", "add pager_key ="]),
        ("type = \"pagr\"", vec!["there is no receiver type `pagr`", "did you mean `pager`?"]),
        ("room = \"a\"", vec!["has no type", "\"console\" or \"pager\""]),
        (
            "type = \"pager\"\npager_key = { env = \"P\" }\nrom = \"a\"",
            vec!["unknown key `rom`", "did you mean `room`?"],
        ),
        (
            "type = \"pager\"\npager_key = { env = \"P\" }\nroom = 5",
            vec!["this is a number, expected a text in quotes"],
        ),
        (
            "type = \"pager\"\npager_key = { env = \"P\" }\nwebhook_url = \"hunter2\"",
            vec!["`webhook_url` belongs to type = \"slack\", not \"pager\"", "webhook_url = \"*******\""],
        ),
        (
            "type = \"console\"\nroom = \"a\"",
            vec!["`room` belongs to type = \"pager\", not \"console\"", "room = \"a\""],
        ),
        // Its secret is hidden where a mistake stands in the same line, and what is no secret is shown.
        ("type = \"console\"\npager_key = \"hunter2\"", vec!["`pager_key` belongs to", "pager_key = \"*******\""]),
    ] {
        let (_, mistakes) = judged(receiver);
        let said = mistakes.join("\n");
        for part in parts {
            assert!(said.contains(part), "{part} is not in:\n{said}");
        }
    }
}
