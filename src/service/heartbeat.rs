//! The heartbeat: an alarm elsewhere rings when it stops.
//!
//! It is sent only after every inbox was read completely, while nothing in the outbox is overdue, and while there are
//! rules and receivers by which somebody would be notified of a customer. So a heartbeat that arrives means that a
//! waiting customer would not be missed.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};

use super::{lookout::Lookout, metrics::Metrics};
use crate::{
    model::Renewable,
    store::{Store, StoreError},
};

/// The time limit for one ping.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The heartbeat of the whole program.
pub struct Heartbeat {
    pub client: Client,
    /// The address that is pinged; it is a secret.
    pub url: Renewable<SecretString>,
    pub store: Store,
    pub lookout: Arc<Lookout>,
    pub overdue_after: SignedDuration,
    pub metrics: Arc<Metrics>,
}

impl Heartbeat {
    /// Counts and logs that a heartbeat was withheld, and why.
    pub fn withhold(&self, why: &str) {
        self.metrics.beaten("withheld");
        tracing::warn!("heartbeat.withheld: {why}");
    }

    /// Sends one heartbeat, unless nobody is watched for or a message is overdue. Returns whether it was heard.
    ///
    /// # Errors
    /// The store failed.
    pub async fn beat(&self, now: Timestamp) -> Result<bool, StoreError> {
        if let Some(why) = self.lookout.blind().await?.first() {
            self.withhold(why);
            return Ok(false);
        }
        let is_overdue = |since: Timestamp| now.duration_since(since) >= self.overdue_after;
        if self.store.backlogs().await?.values().any(|backlog| backlog.waits_since.is_some_and(is_overdue)) {
            self.withhold("a message in the outbox is overdue");
            return Ok(false);
        }
        // The error's own text would show the address.
        let fault = match self.client.get(self.url.get().expose_secret()).timeout(TIMEOUT).send().await {
            Ok(answer) if answer.status().is_success() => {
                self.metrics.beaten("heard");
                return Ok(true);
            }
            Ok(answer) => format!("HTTP {}", answer.status().as_u16()),
            Err(error) if error.is_timeout() => "no answer in time".to_owned(),
            Err(_) => "it cannot be reached".to_owned(),
        };
        self.metrics.beaten("not_heard");
        tracing::warn!(fault, "heartbeat.not_heard: the next one is sent after the next poll");
        Ok(false)
    }
}
