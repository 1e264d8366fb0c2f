//! Webhooks by the Standard Webhooks specification (standardwebhooks.com).
//!
//! The id is the same in every attempt, so that the other end can drop duplicates; the timestamp, and with it the
//! signature, is the attempt's.

pub(crate) mod format;
pub(crate) mod header;
pub(crate) mod kind;

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use reqwest::Client;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;

use self::header::{check_header, key};
use super::response::{Answer, check_url, exchange, post};
use super::said::{self, Said};
use super::{Ending, Sender, Witness};

use crate::model::{Attempt, Blame, Outcome, OutgoingMessage};

/// A webhook that accepts JSON.
pub(crate) struct Webhook {
    client: Client,
    // A webhook's address may hold a token.
    url: SecretString,
    timeout: Duration,
    /// The proxy on the way, without its secrets.
    proxy: Option<String>,
    headers: HeaderMap,
    key: Option<SecretSlice<u8>>,
}

impl Sender for Webhook {
    fn send<'a>(
        &'a self,
        parcel: &'a OutgoingMessage,
        ending: &'a Ending,
        _: &'a dyn Witness,
    ) -> BoxFuture<'a, Attempt> {
        Box::pin(ending.bound(Self::send(self, parcel)))
    }
}

impl Webhook {
    /// Makes a sender for the address `url`. The client must not follow redirects; its connect timeout should be below
    /// `timeout`, which covers everything up to the end of the answer.
    ///
    /// # Errors
    /// What is wrong with the address, without showing it.
    pub(crate) fn new(client: Client, url: SecretString, timeout: Duration) -> Result<Self, String> {
        check_url(&url)?;
        Ok(Self { client, url, timeout, proxy: None, headers: HeaderMap::new(), key: None })
    }

    /// Signs messages with `secret`, which [`key`] reads.
    ///
    /// # Errors
    /// What is wrong with the secret, without showing it.
    pub(crate) fn signed(mut self, secret: &SecretString) -> Result<Self, String> {
        self.key = Some(key(secret.expose_secret())?.into());
        Ok(self)
    }

    /// Adds a header to every message; `content-type` may be replaced in this way.
    ///
    /// # Errors
    /// What is wrong with the header; its value is not shown.
    pub(crate) fn header(mut self, name: &str, value: &SecretString) -> Result<Self, String> {
        check_header(name)?;
        let key: HeaderName = name.parse().map_err(|_| format!("`{name}` is not the name of a header"))?;
        let mut value = HeaderValue::from_str(value.expose_secret())
            .map_err(|_| format!("the value of the header `{name}` has characters that a header can't hold"))?;
        value.set_sensitive(true);
        self.headers.insert(key, value);
        Ok(self)
    }

    /// Names the proxy on the way, without its secrets, for errors.
    #[must_use]
    pub(crate) fn through(self, proxy: Option<String>) -> Self {
        Self { proxy, ..self }
    }

    /// Posts one message.
    pub(crate) async fn send(&self, parcel: &OutgoingMessage) -> Attempt {
        let Some(payload) = format::payload(&parcel.body) else {
            return super::refusal::wrong_body(&parcel.body);
        };
        let Ok(id) = HeaderValue::from_str(&parcel.id.0) else {
            return super::refusal::rejected(Blame::Payload, "the message's id can't stand in a header");
        };
        let mut headers = self.headers.clone();
        headers.insert("webhook-id", id);
        headers.insert("webhook-timestamp", parcel.now.as_second().into());
        let signature = self.key.as_ref().and_then(|key| sign(key, &parcel.id.0, parcel.now, payload));
        if let Some(signature) = signature.and_then(|signature| HeaderValue::from_str(&signature).ok()) {
            headers.insert("webhook-signature", signature);
        }
        let request = post(&self.client, &self.url, payload.to_owned(), self.timeout).headers(headers);
        match exchange(request, parcel.now, self.proxy.as_deref()).await {
            Ok(answer) => outcome(&answer).into(),
            Err(outcome) => outcome.into(),
        }
    }
}

/// The outcome of an answer from a webhook.
pub fn outcome(answer: &Answer) -> Outcome {
    match answer.status {
        // The status decides, unless the body says no or is an HTML page.
        200..=299 => match Said::of(&answer.body) {
            Said::No(why) => said::no(answer, &why, outcome),
            Said::Page => answer.unclear("the answer is a web page: is there a proxy or a login in between?"),
            Said::Yes | Said::Nothing | Said::Unclear => Outcome::Delivered,
        },
        // A gateway got no answer from the server behind it.
        504 => answer.later("", true),
        408 | 425 | 429 | 500..=599 => answer.later("", false),
        400 | 413 | 415 | 422 => answer.no("", Blame::Payload),
        300..=399 => answer.no("redirects are not followed", Blame::Receiver),
        _ => answer.no("", Blame::Receiver),
    }
}

/// `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.
fn sign(key: &SecretSlice<u8>, id: &str, now: Timestamp, body: &str) -> Option<String> {
    // A key may have any length, so that this does not fail.
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret()).ok()?;
    mac.update(format!("{id}.{}.{body}", now.as_second()).as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhook(..)")
    }
}

#[cfg(test)]
mod tests;
