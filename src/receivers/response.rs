//! Shared by Slack and webhooks: posts JSON, reads an answer of any size, and names failures without showing the
//! address.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};

use crate::model::pause;
use crate::model::{Blame, Outcome};
use crate::net::cause::cause;
use crate::net::headers::{all, written};

/// The limit for the part of an answer that is read.
const BODY_LIMIT: usize = 64 * 1024;
/// The longest `Retry-After` that is obeyed, so that a mistake at the other end does not silence us for a day.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// An answer with any status.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    /// How long it asks to wait, within limits.
    pub retry_after: Option<SignedDuration>,
    /// The beginning of its body.
    pub body: String,
}

impl Answer {
    /// Makes an answer from the status, the header `Retry-After` and the beginning of the body.
    pub fn new(status: u16, asked: Option<&str>, body: &[u8], now: Timestamp) -> Self {
        let retry_after = asked.and_then(|value| pause::spelled(value, now)).map(|wait| wait.min(LONGEST_WAIT));
        Self { status, retry_after, body: String::from_utf8_lossy(body).into_owned() }
    }

    /// A retry, for a reason that begins with the status.
    pub(super) fn later(&self, why: &str, ambiguous: bool) -> Outcome {
        Outcome::Retry { after: self.retry_after, reason: self.reason(why), ambiguous }
    }

    /// A rejection, for a reason that begins with the status.
    pub(super) fn no(&self, why: &str, fault: Blame) -> Outcome {
        Outcome::Rejected { reason: self.reason(why), fault }
    }

    /// An unclear outcome, for a reason that begins with the status.
    pub(super) fn unclear(&self, why: &str) -> Outcome {
        Outcome::Unclear { reason: self.reason(why) }
    }

    fn reason(&self, why: &str) -> String {
        if why.is_empty() { format!("HTTP {}", self.status) } else { format!("HTTP {}: {why}", self.status) }
    }
}

/// Checks an address, which is a secret.
///
/// # Errors
/// What would be right; it does not contain any part of the address.
pub(super) fn check_url(url: &SecretString) -> Result<(), String> {
    match Url::parse(url.expose_secret()) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(()),
        _ => Err("this is not a web address: it should begin with `https://`".to_owned()),
    }
}

/// Makes a request with a JSON body.
pub(super) fn post(client: &Client, url: &SecretString, json: String, timeout: Duration) -> RequestBuilder {
    client.post(url.expose_secret()).timeout(timeout).header("content-type", "application/json").body(json)
}

/// Sends a request and reads the answer.
///
/// # Errors
/// The outcome for the message if there is no answer.
pub(super) async fn exchange(request: RequestBuilder, now: Timestamp, proxy: Option<&str>) -> Result<Answer, Outcome> {
    let mut response = request.send().await.map_err(|error| through(no_answer(&error), proxy))?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let mut body = Vec::new();
    // The status has arrived, so a body that is cut off counts as a short one.
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = BODY_LIMIT - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() >= BODY_LIMIT {
            break;
        }
    }
    if status == 407 {
        let reason = "HTTP 407: a proxy on the way wants a login".to_owned();
        return Err(through(Outcome::Rejected { reason, fault: Blame::Receiver }, proxy));
    }
    let asked = pause::asked(status, &|name| all(&headers, name), &body, written(&headers).unwrap_or(now));
    Ok(Answer { retry_after: asked.map(|wait| wait.min(LONGEST_WAIT)), ..Answer::new(status, None, &body, now) })
}

/// Adds the proxy to the reason, since it may be to blame.
fn through(outcome: Outcome, proxy: Option<&str>) -> Outcome {
    match (outcome, proxy) {
        (Outcome::Retry { after, reason, ambiguous }, Some(proxy)) => {
            Outcome::Retry { after, reason: format!("{reason}, through the proxy {proxy}"), ambiguous }
        }
        (Outcome::Rejected { reason, fault }, Some(proxy)) => {
            Outcome::Rejected { reason: format!("{reason}, through the proxy {proxy}"), fault }
        }
        (outcome, _) => outcome,
    }
}

/// The outcome of a request without an answer. The error's own text shows the address, so it is not used.
fn no_answer(error: &reqwest::Error) -> Outcome {
    let retry = |reason: String, ambiguous| Outcome::Retry { after: None, reason, ambiguous };
    if error.is_builder() {
        return Outcome::Rejected { reason: "the request could not be made".to_owned(), fault: Blame::Receiver };
    }
    if error.is_connect() {
        return retry(format!("cannot connect: {}", cause(error)), false);
    }
    // From here on the request may have been sent.
    if error.is_timeout() { retry("no answer in time".to_owned(), true) } else { retry(broke_off(error), true) }
}

fn broke_off(error: &reqwest::Error) -> String {
    format!("the connection broke off: {}", cause(error))
}

#[cfg(test)]
mod tests;
