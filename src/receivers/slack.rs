//! Slack's incoming webhooks.
//!
//! They answer with a status and one word: `200` with `ok` is a yes. Programs that accept Slack's payloads spell a yes
//! otherwise, and a proxy on the way may answer `200` as well.

pub(crate) mod format;
pub(crate) mod kind;
pub(crate) mod limits;
pub(crate) mod markup;
mod pasted;

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::Client;
use secrecy::SecretString;

use super::response::{Answer, check_url, exchange, post};
use super::said::{self, No, Said};
use super::{Ending, Sender, Witness};
use crate::model::{Attempt, Blame, Outcome, OutgoingMessage};

/// Words of an answer that blame the payload.
const PAYLOAD: [&str; 11] = [
    "invalid_payload",
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_attachments",
    "missing_text_or_fallback_or_attachments",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_text",
    "too_many_attachments",
    "user_not_found",
    "cannot_parse_attachment",
];
/// Words that mean that no message will be accepted here, whatever the status.
const RECEIVER: [&str; 12] = [
    "action_prohibited",
    "channel_is_archived",
    "channel_not_found",
    "invalid_token",
    "no_active_hooks",
    "no_service",
    "no_service_id",
    "no_team",
    "posting_to_general_channel_denied",
    "restricted_action",
    "team_disabled",
    "user_is_inactive",
];
/// Words that mean "later" with a status of success.
const LATER: [&str; 4] = ["rate_limited", "ratelimited", "rollup_error", "internal_error"];

/// A channel's incoming webhook.
pub(crate) struct Slack {
    client: Client,
    // Everybody who knows the address can post to the channel.
    url: SecretString,
    timeout: Duration,
    /// The proxy on the way, without its secrets.
    proxy: Option<String>,
}

impl Sender for Slack {
    fn send<'a>(
        &'a self,
        parcel: &'a OutgoingMessage,
        ending: &'a Ending,
        _: &'a dyn Witness,
    ) -> BoxFuture<'a, Attempt> {
        Box::pin(ending.bound(Self::send(self, parcel)))
    }
}

impl Slack {
    /// Makes a sender for the webhook at `url`. The client must not follow redirects; its connect timeout should be
    /// below `timeout`, which covers everything up to the end of the answer.
    ///
    /// # Errors
    /// What is wrong with the address, without showing it.
    pub(crate) fn new(client: Client, url: SecretString, timeout: Duration) -> Result<Self, String> {
        check_url(&url)?;
        Ok(Self { client, url, timeout, proxy: None })
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
        let request = post(&self.client, &self.url, payload.to_owned(), self.timeout);
        match exchange(request, parcel.now, self.proxy.as_deref()).await {
            Ok(answer) => outcome(&answer).into(),
            Err(outcome) => outcome.into(),
        }
    }
}

/// The outcome of an answer from Slack.
pub fn outcome(answer: &Answer) -> Outcome {
    let said = Said::of(&answer.body);
    let text = match &said {
        Said::No(No::Word(word)) if !word.is_empty() => word.as_str(),
        _ => answer.body.trim(),
    };
    let among = |words: &[&'static str]| words.iter().copied().find(|word| *word == text);
    // Only words of Slack's own are repeated; others may be any text.
    let (of_payload, of_receiver, later) = (among(&PAYLOAD), among(&RECEIVER), among(&LATER));
    let word = of_payload.or(of_receiver).or(later).unwrap_or_default();
    match answer.status {
        200..=299 if of_payload.is_some() => answer.no(word, Blame::Payload),
        200..=299 if of_receiver.is_some() => answer.no(word, Blame::Receiver),
        200..=299 if later.is_some() => answer.later(word, false),
        200..=299 => accepted(answer, &said),
        // Messages with a 429 are known to arrive nevertheless, and a gateway that answers 504 does not know the
        // outcome.
        429 | 504 => answer.later(word, true),
        408 | 500..=599 => answer.later(word, false),
        400 | 413 if of_receiver.is_none() => answer.no(word, Blame::Payload),
        300..=399 => answer.no("redirects are not followed", Blame::Receiver),
        _ => answer.no(word, Blame::Receiver),
    }
}

/// The outcome of an answer with a status of success.
fn accepted(answer: &Answer, said: &Said) -> Outcome {
    match said {
        Said::Yes => Outcome::Delivered,
        // "Created", "accepted" and "no content" mean yes by themselves.
        Said::Nothing if matches!(answer.status, 201 | 202 | 204 | 205) => Outcome::Delivered,
        Said::No(why) => said::no(answer, why, outcome),
        Said::Nothing | Said::Page | Said::Unclear => {
            answer.unclear("the answer is neither Slack's `ok` nor another yes: is there a proxy in between?")
        }
    }
}

impl fmt::Debug for Slack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slack(..)")
    }
}

#[cfg(test)]
mod tests;
