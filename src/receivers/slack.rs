//! Slack's incoming webhooks.
//!
//! They answer with a status and one word: `200` with `ok` is a yes. Programs that take what Slack takes spell it
//! otherwise, and a proxy on the way likes to say `200` too.

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

/// The words that blame the payload.
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
/// The words that say that nothing will come through here, whatever the status beside them.
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
/// The words beside them that say "later".
const LATER: [&str; 4] = ["rate_limited", "ratelimited", "rollup_error", "internal_error"];

/// A channel's incoming webhook.
pub(crate) struct Slack {
    client: Client,
    // Whoever knows the address can post to the channel.
    url: SecretString,
    timeout: Duration,
    /// The proxy on the way, as people may see it.
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
    /// A sender for the webhook at `url`. The client must not follow redirects; its connect timeout
    /// should be below `timeout`, which covers everything up to the end of the answer.
    ///
    /// # Errors
    /// What is wrong with the address, without showing it.
    pub(crate) fn new(client: Client, url: SecretString, timeout: Duration) -> Result<Self, String> {
        check_url(&url)?;
        Ok(Self { client, url, timeout, proxy: None })
    }

    /// Through this proxy, as people may see it.
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

/// What an answer of Slack means for the message.
pub fn outcome(answer: &Answer) -> Outcome {
    let said = Said::of(&answer.body);
    let text = match &said {
        Said::No(No::Word(word)) if !word.is_empty() => word.as_str(),
        _ => answer.body.trim(),
    };
    let among = |words: &[&'static str]| words.iter().copied().find(|word| *word == text);
    // Anything but a word of Slack's may be anybody's text, and is not repeated.
    let (of_payload, of_receiver, later) = (among(&PAYLOAD), among(&RECEIVER), among(&LATER));
    let word = of_payload.or(of_receiver).or(later).unwrap_or_default();
    match answer.status {
        200..=299 if of_payload.is_some() => answer.no(word, Blame::Payload),
        200..=299 if of_receiver.is_some() => answer.no(word, Blame::Receiver),
        200..=299 if later.is_some() => answer.later(word, false),
        200..=299 => accepted(answer, &said),
        // In spite of a 429 messages are known to arrive, and a gateway says 504 without knowing.
        429 | 504 => answer.later(word, true),
        408 | 500..=599 => answer.later(word, false),
        400 | 413 if of_receiver.is_none() => answer.no(word, Blame::Payload),
        300..=399 => answer.no("redirects are not followed", Blame::Receiver),
        _ => answer.no(word, Blame::Receiver),
    }
}

/// What a status of success means by what was said with it.
fn accepted(answer: &Answer, said: &Said) -> Outcome {
    match said {
        Said::Yes => Outcome::Delivered,
        // "Created", "accepted" and "no content" are the word itself.
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
