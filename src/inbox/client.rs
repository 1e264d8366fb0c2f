//! One inbox of the API: a request at a time, tried again while that can help.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::{
    InboxError, encoding, request,
    response::{self, Head, Page},
};
use crate::{model::Renewable, rules::Filter};

/// The largest answer that is read, in MiB; a page of 137 long records is far below.
const MAX_MIB: usize = 16;

/// What a request gets at least, however near the deadline is.
const SHORTEST: SignedDuration = SignedDuration::from_millis(100);

/// A longer pause is not waited out in silence: the poll has failed, and the next one waits.
const LONGEST: SignedDuration = SignedDuration::from_mins(1);

/// What lets a request pass: the budget, its memory and the clock, which this room does not know.
pub trait Gate: Send + Sync {
    /// Waits for a slot; [`InboxError::OutOfTime`] where none comes before the deadline.
    fn enter(&self) -> impl Future<Output = Result<(), InboxError>> + Send;
    /// The answer, or the failure, is there.
    fn leave(&self) -> impl Future<Output = ()> + Send;
    /// How the request ended: `ok`, or the fault's name.
    fn ended(&self, _outcome: &'static str) {}
    /// The provider asked for a pause.
    fn hold(&self, pause: SignedDuration) -> impl Future<Output = ()> + Send;
    /// The time.
    fn now(&self) -> Timestamp;
    /// What is left until the deadline, where there is one: no request takes longer.
    fn remaining(&self) -> Option<SignedDuration> {
        None
    }
}

/// How often and how soon a failed request is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Attempts in all.
    pub tries: u32,
    /// The pause before the second one; three times as long before each further one.
    pub first: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { tries: 3, first: Duration::from_millis(500) }
    }
}

/// A client of one inbox.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Renewable<SecretString>,
    timeout: SignedDuration,
    patience: Patience,
    /// Whether anything was ever answered.
    answered: AtomicBool,
}

impl Client {
    /// A client; `http` must not follow redirects, which would take the token along.
    pub fn new(
        http: reqwest::Client,
        base: Url,
        token: impl Into<Renewable<SecretString>>,
        timeout: SignedDuration,
    ) -> Self {
        let token = token.into();
        Self { http, base, token, timeout, patience: Patience::default(), answered: AtomicBool::new(false) }
    }

    /// With other patience, for tests.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// The token as it is now: another one is another `Arc`.
    pub fn token(&self) -> Arc<SecretString> {
        self.token.get()
    }

    /// One page of `filter`, relative times as of `now`.
    ///
    /// # Errors
    /// The fault of the last try.
    pub async fn page(&self, gate: &impl Gate, filter: &Filter, page: u32, now: Timestamp) -> Result<Page, InboxError> {
        let body = request::body(filter, page, now);
        let mut pause = self.patience.first;
        let mut tries = 1;
        let mut before = None;
        loop {
            let error = match self.passed(gate, Method::POST, "inbox/users", Some(&body), response::page).await {
                // The fault says more than that there is no time to try again.
                Err(InboxError::OutOfTime) => return Err(before.unwrap_or(InboxError::OutOfTime)),
                Err(error) => error,
                // Pages after the last one are empty, whatever the total; the first one, and one that more is to
                // follow, are not.
                Ok(found)
                    if found.is_empty()
                        && found.stated.is_some_and(|stated| stated > 0 && (page == 1 || stated == u64::MAX)) =>
                {
                    InboxError::WrongShape { what: "it says that there are records, and `data` is empty" }
                }
                Ok(page) => return Ok(page),
            };
            let too_long = error.retry_after().is_some_and(|wait| wait > LONGEST);
            if tries >= self.patience.tries || too_long || !error.is_passing() {
                return Err(error);
            }
            before = Some(error);
            tokio::time::sleep(pause).await;
            pause *= 3;
            tries += 1;
        }
    }

    /// Names of segments by id; asked for once, since nothing depends on them.
    ///
    /// # Errors
    /// The fault.
    pub async fn segments(&self, gate: &impl Gate) -> Result<BTreeMap<String, String>, InboxError> {
        self.passed(gate, Method::GET, "inbox/segments", None, response::segments).await
    }

    /// One request through the gate.
    async fn passed<T>(
        &self,
        gate: &impl Gate,
        method: Method,
        path: &str,
        body: Option<&Value>,
        read: fn(Head<'_>, &[u8]) -> Result<T, InboxError>,
    ) -> Result<T, InboxError> {
        gate.enter().await?;
        let timeout = gate.remaining().map_or(self.timeout, |left| left.max(SHORTEST).min(self.timeout));
        let answer = match self.once(method, path, body, timeout, gate.now(), read).await {
            // The deadline cut it short, which says nothing of an API that has answered before.
            Err(InboxError::Timeout { .. }) if timeout < self.timeout => {
                Err(if self.answered.load(Ordering::Relaxed) {
                    InboxError::OutOfTime
                } else {
                    // In tenths of a second, as people read it.
                    let millis = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
                    InboxError::Timeout { timeout: SignedDuration::from_millis(millis - millis % 100) }
                })
            }
            answer => answer,
        };
        if answer.is_ok() {
            self.answered.store(true, Ordering::Relaxed);
        }
        gate.leave().await;
        gate.ended(answer.as_ref().map_or_else(InboxError::name, |_| "ok"));
        if let Err(error) = &answer
            && let Some(pause) = error.retry_after()
        {
            gate.hold(pause).await;
        }
        answer
    }

    async fn once<T>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        timeout: SignedDuration,
        now: Timestamp,
        read: fn(Head<'_>, &[u8]) -> Result<T, InboxError>,
    ) -> Result<T, InboxError> {
        let address = format!("{}/{path}", self.base.as_str().trim_end_matches('/'));
        let mut request = self
            .http
            .request(method, address)
            .header(header::AUTHORIZATION, self.authorization()?)
            .header("authtype", "Key")
            .header(header::ACCEPT, "application/json")
            .timeout(timeout.unsigned_abs());
        if let Some(body) = body {
            request = request.json(body);
        }
        let mut answer = request.send().await.map_err(|error| self.fault(&error))?;
        let status = answer.status().as_u16();
        let retry_after =
            answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let content_type =
            answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut bytes = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(None) => break,
                Ok(Some(chunk)) if bytes.len() + chunk.len() > MAX_MIB << 20 => {
                    return Err(InboxError::TooLarge { limit: MAX_MIB });
                }
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                // What the status says is worth more than the rest of an error's body.
                Err(_) if status >= 300 => break,
                Err(error) if error.is_timeout() => return Err(self.fault(&error)),
                Err(_) => return Err(InboxError::Broken),
            }
        }
        let bytes = encoding::utf8(content_type.as_deref(), bytes);
        read(Head { status, retry_after: retry_after.as_deref(), now }, &bytes)
    }

    fn authorization(&self) -> Result<header::HeaderValue, InboxError> {
        let mut value = header::HeaderValue::from_str(&format!("Bearer {}", self.token.get().expose_secret()))
            .map_err(|_| InboxError::TokenRefused { status: 0 })?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// A transport's error without the address, which is the operator's own but may hold a secret.
    fn fault(&self, error: &reqwest::Error) -> InboxError {
        if error.is_timeout() {
            InboxError::Timeout { timeout: self.timeout }
        } else if error.is_connect() {
            InboxError::Unreachable { reason: innermost(error) }
        } else {
            InboxError::Broken
        }
    }
}

/// The cause at the bottom: "connection refused", "certificate has expired".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;
