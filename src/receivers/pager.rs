//! A made-up kind, for tests only: it shows what a kind gets for one file and one entry in a list.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use toml::{Spanned, Value};
use url::Url;

use super::{Ending, Kind, Output, Sender, SenderTools, Way, Witness, kind::Delivery, refusal::wrong_body};
use crate::{
    config::keys::{Key, KeyedKind, Keys},
    model::{Address, Attempt, Body, Outcome, OutgoingMessage, alert::short_hash},
    render::{Content, Format, Plain, TemplateFile, TemplateTexts},
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
        Some(Arc::new(Pager { key: keys.secret("pager_key", key), room, line: None }))
    }
}

impl Format for PagerKind {
    fn files(&self) -> &'static [TemplateFile] {
        const FILES: [TemplateFile; 1] = [TemplateFile {
            name: "pager.txt.hbs",
            escape: |text| text.replace('#', ""),
            content: Content::Text,
            built_in: Some("{{headline}} #{{count}}"),
        }];
        &FILES
    }

    fn body(&self, texts: &dyn TemplateTexts) -> Result<Body, String> {
        Ok(Body::new("pager", [("text", texts.text("pager.txt.hbs")?)]))
    }

    fn plain(&self, plain: &Plain) -> Body {
        Body::new("pager", [("text", plain.subject.clone())])
    }

    fn preview(&self, body: &Body) -> String {
        format!("on the pager: {}", body.part("pager", "text").unwrap_or_default())
    }
}

impl Kind for PagerKind {
    fn delivery(&self) -> Delivery {
        Delivery { pace: None, in_flight: 2, knows_ids: true, by_person: false }
    }

    fn example(&self) -> Option<&'static str> {
        Some("#[receiver.duty]\n#type = \"pager\"\n")
    }
}

#[derive(Clone)]
struct Pager {
    key: SecretString,
    room: String,
    line: Option<Output>,
}

impl std::fmt::Debug for Pager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pager({})", self.room)
    }
}

impl Way for Pager {
    fn kind(&self) -> &'static dyn Kind {
        &PagerKind
    }

    fn sender(&self, tools: &SenderTools<'_>) -> Result<Box<dyn Sender>, String> {
        if self.room == "closed" {
            return Err("this room is closed".to_owned());
        }
        Ok(Box::new(Self { line: Some(Arc::clone(tools.output)), ..self.clone() }))
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
    fn send<'a>(&'a self, message: &'a OutgoingMessage, _: &'a Ending, _: &'a dyn Witness) -> BoxFuture<'a, Attempt> {
        let Some(text) = message.body.part("pager", "text") else {
            return Box::pin(std::future::ready(wrong_body(&message.body)));
        };
        let line = self.line.as_ref().unwrap();
        let outcome = match line.lock().write_all(format!("PAGE {text}\n").as_bytes()) {
            Ok(()) => Outcome::Delivered,
            Err(_) => Outcome::Retry { after: None, reason: "the line is busy".to_owned(), ambiguous: false },
        };
        Box::pin(std::future::ready(outcome.into()))
    }
}

mod tests;
