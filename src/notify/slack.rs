//! Slack's incoming webhooks.
//!
//! They answer with a status and one word. Only `200` with `ok` is a yes; a proxy on the way likes to
//! say `200` too.

use std::fmt;
use std::time::Duration;

use reqwest::Client;
use secrecy::SecretString;

use super::response::{Answer, check_url, exchange, post};
use crate::model::{Attempt, Body, Fault, Outcome, Parcel};

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
pub struct Slack {
    client: Client,
    // Whoever knows the address can post to the channel.
    url: SecretString,
    timeout: Duration,
}

impl Slack {
    /// A sender for the webhook at `url`. The client must not follow redirects; its connect timeout
    /// should be below `timeout`, which covers everything up to the end of the answer.
    ///
    /// # Errors
    /// What is wrong with the address, without showing it.
    pub fn new(client: Client, url: SecretString, timeout: Duration) -> Result<Self, String> {
        check_url(&url)?;
        Ok(Self { client, url, timeout })
    }

    /// Posts one message.
    pub async fn send(&self, parcel: &Parcel) -> Attempt {
        let Body::Slack { payload } = &parcel.body else {
            return super::wrong_body("slack");
        };
        let request = post(&self.client, &self.url, payload.clone(), self.timeout);
        match exchange(request, parcel.now).await {
            Ok(answer) => outcome(&answer).into(),
            Err(outcome) => outcome.into(),
        }
    }
}

/// What an answer of Slack means for the message.
pub fn outcome(answer: &Answer) -> Outcome {
    let said = answer.body.trim();
    let among = |words: &[&'static str]| words.iter().copied().find(|word| *word == said);
    // Anything but a word of Slack's may be anybody's text, and is not repeated.
    let word = among(&PAYLOAD).or_else(|| among(&RECEIVER)).or_else(|| among(&LATER)).unwrap_or_default();
    match answer.status {
        200 if said == "ok" => Outcome::Delivered,
        200..=299 => answer.later("the answer is not Slack's `ok`: is there a proxy in between?", true),
        // In spite of a 429 messages are known to arrive, and a gateway says 504 without knowing.
        429 | 504 => answer.later(word, true),
        408 | 500..=599 => answer.later(word, false),
        400 | 413 if among(&RECEIVER).is_none() => answer.no(word, Fault::Payload),
        300..=399 => answer.no("redirects are not followed", Fault::Receiver),
        _ => answer.no(word, Fault::Receiver),
    }
}

impl fmt::Debug for Slack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slack(..)")
    }
}

#[cfg(test)]
mod tests;
