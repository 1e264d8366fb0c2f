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
    InboxError,
    between::{Seen, between},
    encoding, request,
    response::{self, Head, Page},
};
use crate::{
    model::{Dated, Filter, Renewable, pause::asked},
    net::{
        cause::cause,
        headers::{all, written},
    },
};

/// The largest answer that is read, in MiB; a page of 137 long records is far below.
const MAX_MIB: usize = 16;

/// An error that comes with HTTP 200 is shorter; a page of records is not searched for a pause.
const SHORT: usize = 4 * 1024;

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
    /// An answer came that says when it was written.
    fn dated(&self, _dated: Dated) {}
    /// How the request ended: `ok`, or the fault's name.
    fn ended(&self, _outcome: &'static str) {}
    /// The provider asked for a pause.
    fn hold(&self, pause: SignedDuration) -> impl Future<Output = ()> + Send;
    /// The time, by this machine's clock.
    fn now(&self) -> Timestamp;
    /// The time, by the API's clock as far as that is known.
    fn api_now(&self) -> Timestamp {
        self.now()
    }
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
    /// The proxy that requests go through, as people may see it.
    proxy: Option<String>,
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
        Self {
            http,
            base,
            token,
            timeout,
            patience: Patience::default(),
            answered: AtomicBool::new(false),
            proxy: None,
        }
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

    /// Through this proxy, as people may see it: where something on the way fails, it is named.
    #[must_use]
    pub fn through(self, proxy: Option<String>) -> Self {
        Self { proxy, ..self }
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
        read: fn(Head, &[u8]) -> Result<T, InboxError>,
    ) -> Result<T, InboxError> {
        gate.enter().await?;
        let timeout = gate.remaining().map_or(self.timeout, |left| left.max(SHORTEST).min(self.timeout));
        let answer = match self.once(method, path, body, timeout, gate, read).await {
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
        let answer = answer.map_err(|error| error.through(self.proxy.as_deref()));
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
        gate: &impl Gate,
        read: fn(Head, &[u8]) -> Result<T, InboxError>,
    ) -> Result<T, InboxError> {
        let address = format!("{}/{path}", self.base.as_str().trim_end_matches('/'));
        let target = Url::parse(&address).unwrap_or_else(|_| self.base.clone());
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
        let (sent, asked_at) = (gate.now(), gate.api_now());
        let mut answer = request.send().await.map_err(|error| self.fault(&error))?;
        let came = gate.now();
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
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
        let header = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
        let bytes = encoding::utf8(header("content-type").as_deref(), bytes);
        if let Some(what) = between(Seen { status, header: &header, body: &bytes, asked: &target }) {
            return Err(InboxError::Between { status, what });
        }
        let written = written(&headers);
        if let Some(date) = written {
            gate.dated(Dated { date, sent, came });
        }
        // A date counts from when it was written, by the clock that wrote it.
        let short = if bytes.len() < SHORT { bytes.as_slice() } else { &[] };
        let retry_after = asked(status, &|name| all(&headers, name), short, written.unwrap_or(came));
        read(Head { status, retry_after, asked_at }, &bytes)
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
            InboxError::Unreachable { reason: cause(error) }
        } else {
            InboxError::Broken
        }
    }
}

#[cfg(test)]
mod tests;
