//! `type = "webhook"`: its keys, and what it can do.

use std::{collections::BTreeMap, sync::Arc};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use toml::{Spanned, Value};
use url::Url;

use super::{
    Webhook,
    header::{check_header, key},
};
use crate::{
    config::keys::{Key, KeyedKind, Keys},
    model::{Address, alert::short_hash, text::fits_header},
    receivers::{
        Sender,
        kind::{Delivery, Kind, SEND_TIMEOUT, SenderTools, Way, proxy_to},
    },
};

pub(super) const NAME: &str = "webhook";

pub(crate) struct WebhookKind;

#[derive(Default, Deserialize)]
#[serde(default)]
struct WebhookTable {
    url: Option<Spanned<Value>>,
    secret: Option<Spanned<Value>>,
    headers: BTreeMap<Spanned<String>, Spanned<Value>>,
}

impl KeyedKind<Arc<dyn Way>> for WebhookKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn keys(&self) -> &'static [Key] {
        const KEYS: [Key; 3] = [Key::secret("url"), Key::secret("secret"), Key::secret("headers")];
        &KEYS
    }

    fn read(&self, keys: &mut Keys<'_>) -> Option<Arc<dyn Way>> {
        let table: WebhookTable = keys.table()?;
        let Some(url) = &table.url else {
            keys.missing("this webhook has no url", "add url = { env = \"OPS_WEBHOOK_URL\" }");
            return None;
        };
        let headers = table.headers.iter().map(|(name, value)| {
            if let Err(reason) = check_header(name.get_ref()) {
                keys.error(name.span(), reason, "take it out, or correct its name");
            }
            let secret: SecretString = match value.get_ref() {
                // A header's value is usually not a secret, so plain text is allowed without a warning.
                toml::Value::String(text) => text.as_str().into(),
                _ => keys.secret_as_it_is(name.get_ref(), value),
            };
            if !fits_header(secret.expose_secret()) {
                let title =
                    format!("the value of the header `{}` has characters that a header can't hold", name.get_ref());
                keys.error(value.span(), title, "a header holds letters, digits and signs of ASCII on one line");
            }
            (name.get_ref().clone(), secret)
        });
        let headers = headers.collect();
        let secret = table.secret.as_ref().map(|value| {
            let secret = keys.secret("secret", value);
            // A secret that could not be read was already reported.
            if !secret.expose_secret().is_empty()
                && let Err(reason) = key(secret.expose_secret())
            {
                keys.error(value.span(), reason, "copy it from the receiving side");
            }
            secret
        });
        Some(Arc::new(WebhookWay { url: keys.http_secret("url", url, misplaced), secret, headers }))
    }
}

impl Kind for WebhookKind {
    fn delivery(&self) -> Delivery {
        Delivery { pace: None, in_flight: 8, knows_ids: true, by_person: false }
    }

    fn example(&self) -> Option<&'static str> {
        Some(include_str!("example.toml"))
    }
}

/// A receiver that accepts webhooks.
#[derive(Debug)]
struct WebhookWay {
    url: SecretString,
    /// The secret for signatures.
    secret: Option<SecretString>,
    /// Further headers; their values may be secrets.
    headers: Vec<(String, SecretString)>,
}

impl Way for WebhookWay {
    fn kind(&self) -> &'static dyn Kind {
        &WebhookKind
    }

    fn sender(&self, tools: &SenderTools<'_>) -> Result<Box<dyn Sender>, String> {
        let webhook = Webhook::new(tools.client.clone(), self.url.clone(), SEND_TIMEOUT)?;
        let mut webhook = webhook.through(proxy_to(self));
        if let Some(secret) = &self.secret {
            webhook = webhook.signed(secret)?;
        }
        for (name, value) in &self.headers {
            webhook = webhook.header(name, value)?;
        }
        Ok(Box::new(webhook))
    }

    fn address(&self) -> Address {
        vec![format!("webhook:{}", short_hash(self.url.expose_secret()))]
    }

    fn secrets(&self) -> Vec<&str> {
        std::iter::once(&self.url).chain(&self.secret).map(ExposeSecret::expose_secret).collect()
    }

    fn fingerprint(&self) -> String {
        let headers = self.headers.iter().map(|(_, value)| value.expose_secret());
        let secret = self.secret.as_ref().map_or("", ExposeSecret::expose_secret);
        let parts: Vec<&str> = [self.url.expose_secret(), secret].into_iter().chain(headers).collect();
        short_hash(&parts.join("\0"))
    }

    fn url(&self) -> Option<Url> {
        Url::parse(self.url.expose_secret()).ok()
    }
}

/// What is wrong with the address if it is one of Slack's, and what would be right.
fn misplaced(text: &str) -> Option<(&'static str, &'static str)> {
    let host = Url::parse(text).ok()?.host_str().unwrap_or_default().to_owned();
    (host == "hooks.slack.com").then_some((
        "this is a webhook of Slack, which takes other messages",
        "write type = \"slack\" and webhook_url in place of url",
    ))
}

#[cfg(test)]
mod tests {
    use super::misplaced;

    #[test]
    fn a_webhook_of_slack_is_of_another_kind() {
        assert!(misplaced("https://hooks.slack.com/services/T0/B0/x").is_some());
        assert!(misplaced("https://ops.example.com").is_none());
    }
}
