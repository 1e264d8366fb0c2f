//! `type = "slack"`: its keys, and what it can do.

use std::{sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use toml::{Spanned, Value};
use url::Url;

use super::{Slack, pasted};
use crate::{
    config::keys::{Key, KeyedKind, Keys},
    model::{Address, alert::short_hash},
    receivers::{
        Sender,
        kind::{Delivery, Kind, SEND_TIMEOUT, SenderTools, Way, proxy_to},
    },
};

pub(super) const NAME: &str = "slack";

pub(crate) struct SlackKind;

#[derive(Default, Deserialize)]
#[serde(default)]
struct SlackTable {
    webhook_url: Option<Spanned<Value>>,
    bot_token: Option<Spanned<Value>>,
    channel: Option<Spanned<String>>,
}

impl KeyedKind<Arc<dyn Way>> for SlackKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn keys(&self) -> &'static [Key] {
        const KEYS: [Key; 3] = [Key::secret("webhook_url"), Key::secret("bot_token"), Key::shown("channel")];
        &KEYS
    }

    fn read(&self, keys: &mut Keys<'_>) -> Option<Arc<dyn Way>> {
        let table: SlackTable = keys.table()?;
        if let Some(token) = &table.bot_token {
            keys.no_effect(token.span(), "bot_token");
        }
        if let Some(channel) = &table.channel {
            keys.no_effect(channel.span(), "channel");
        }
        let Some(url) = &table.webhook_url else {
            keys.missing("this Slack receiver has no webhook_url", "add webhook_url = { env = \"SLACK_WEBHOOK_URL\" }");
            return None;
        };
        Some(Arc::new(SlackWay { webhook_url: keys.http_secret("webhook_url", url, pasted::misplaced) }))
    }
}

impl Kind for SlackKind {
    fn delivery(&self) -> Delivery {
        // One message a second for each webhook, and short bursts (<https://docs.slack.dev/apis/web-api/rate-limits>).
        Delivery { pace: Some((Duration::from_secs(1), 3)), in_flight: 1, knows_ids: false, by_person: false }
    }

    fn example(&self) -> Option<&'static str> {
        None
    }
}

/// An incoming webhook; its address is a secret.
#[derive(Debug)]
struct SlackWay {
    webhook_url: SecretString,
}

impl Way for SlackWay {
    fn kind(&self) -> &'static dyn Kind {
        &SlackKind
    }

    fn sender(&self, tools: &SenderTools<'_>) -> Result<Box<dyn Sender>, String> {
        let slack = Slack::new(tools.client.clone(), self.webhook_url.clone(), SEND_TIMEOUT)?;
        Ok(Box::new(slack.through(proxy_to(self))))
    }

    fn address(&self) -> Address {
        vec![format!("slack:{}", short_hash(self.webhook_url.expose_secret()))]
    }

    fn secrets(&self) -> Vec<&str> {
        vec![self.webhook_url.expose_secret()]
    }

    fn url(&self) -> Option<Url> {
        Url::parse(self.webhook_url.expose_secret()).ok()
    }
}
