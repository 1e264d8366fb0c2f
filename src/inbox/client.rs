//! The client of one inbox: one request at a time, tried again while that can help.

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

/// The largest answer that is read, in MiB. A page of 137 long records is far smaller.
const MAX_MIB: usize = 16;

/// The longest body, in bytes, that is searched for a requested pause: an error with HTTP 200 is shorter, a page of
/// records is longer.
const SHORT: usize = 4 * 1024;

/// The least time that a request gets, however near the deadline is.
const SHORTEST: SignedDuration = SignedDuration::from_millis(100);

/// The longest pause that is waited for within a poll. After a longer one the poll has failed, and the next one waits.
const LONGEST: SignedDuration = SignedDuration::from_mins(1);

/// Lets requests pass. Behind it are the budget, its memory and the clock, which this room must not know.
pub trait Gate: Send + Sync {
    /// Waits for a slot.
    ///
    /// # Errors
    /// [`InboxError::OutOfTime`]: there is none before the deadline.
    fn enter(&self) -> impl Future<Output = Result<(), InboxError>> + Send;
    /// Is called when the answer, or the failure, is there.
    fn leave(&self) -> impl Future<Output = ()> + Send;
    /// Is called for an answer that states when it was written.
    fn dated(&self, _dated: Dated) {}
    /// Is called at the end of a request with `ok`, or with the fault's name.
    fn ended(&self, _outcome: &'static str) {}
    /// Is called when the provider asked for a pause.
    fn hold(&self, pause: SignedDuration) -> impl Future<Output = ()> + Send;
    /// The time by this machine's clock.
    fn now(&self) -> Timestamp;
    /// The time by the API's clock, as far as that is known.
    fn api_now(&self) -> Timestamp {
        self.now()
    }
    /// The time until the deadline, if there is one; no request takes longer.
    fn remaining(&self) -> Option<SignedDuration> {
        None
    }
}

/// How often and when a failed request is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The number of attempts, including the first.
    pub tries: u32,
    /// The pause before the second attempt. Before each further attempt it is three times as long.
    pub first: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { tries: 3, first: Duration::from_millis(500) }
    }
}

/// The client of one inbox.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Renewable<SecretString>,
    timeout: SignedDuration,
    patience: Patience,
    /// Whether an answer ever came.
    answered: AtomicBool,
    /// The proxy that requests use, without its login.
    proxy: Option<String>,
}

impl Client {
    /// `http` must not follow redirects, because they would send the token along.
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

    /// Changes the attempts, for tests.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// The present token; a renewed token is another `Arc`.
    pub fn token(&self) -> Arc<SecretString> {
        self.token.get()
    }

    /// Names the proxy that requests use, without its login, in errors of what is on the way.
    #[must_use]
    pub fn through(self, proxy: Option<String>) -> Self {
        Self { proxy, ..self }
    }

    /// Requests one page of `filter`, with relative times as of `now`.
    ///
    /// # Errors
    /// The fault of the last attempt.
    pub async fn page(&self, gate: &impl Gate, filter: &Filter, page: u32, now: Timestamp) -> Result<Page, InboxError> {
        let body = request::body(filter, page, now);
        let mut pause = self.patience.first;
        let mut tries = 1;
        let mut before = None;
        loop {
            let error = match self.passed(gate, Method::POST, "inbox/users", Some(&body), response::page).await {
                // The fault says more than `OutOfTime`.
                Err(InboxError::OutOfTime) => return Err(before.unwrap_or(InboxError::OutOfTime)),
                Err(error) => error,
                // Pages after the last one are empty, whatever the total is. The first page, and a page that more
                // should follow, must not be.
                Ok(found)
                    if found.is_empty()
                        && found.stated.is_some_and(|stated| stated > 0 && (page == 1 || stated == u64::MAX)) =>
                {
                    InboxError::WrongShape { what: "it states that there are records, but `data` is empty" }
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

    /// The names of segments by id. It is requested once only, because nothing depends on it.
    ///
    /// # Errors
    /// The fault.
    pub async fn segments(&self, gate: &impl Gate) -> Result<BTreeMap<String, String>, InboxError> {
        self.passed(gate, Method::GET, "inbox/segments", None, response::segments).await
    }

    /// Makes one request through the gate.
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
            // The deadline ended it, which proves nothing about an API that has answered before.
            Err(InboxError::Timeout { .. }) if timeout < self.timeout => {
                Err(if self.answered.load(Ordering::Relaxed) {
                    InboxError::OutOfTime
                } else {
                    // In tenths of a second, which people can read.
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
                // The status says more than the rest of an error's body.
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
        // A date is compared with the time at which it was written, by the clock that wrote it.
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

    /// A transport's error without the address, which may hold a secret.
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
