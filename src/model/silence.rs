//! Silences, which hold back notifications, but not state.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Alert, Names, text::same};

/// Which alerts are silenced: every matcher that is set must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Matchers {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbox: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// The bot's id or its name in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bot: Option<String>,
    /// One of the contact's tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// `WHATSAPP` and its like, in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// `info`, `warning` or `critical`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
}

impl Matchers {
    /// The matchers that are set, by name.
    pub fn set(&self) -> BTreeMap<&'static str, &str> {
        [
            ("rule", &self.rule),
            ("inbox", &self.inbox),
            ("contact", &self.contact),
            ("bot", &self.bot),
            ("tag", &self.tag),
            ("platform", &self.platform),
            ("severity", &self.severity),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
        .collect()
    }

    /// Whether all matchers fit an alert of a rule of this severity.
    pub fn fit(&self, alert: &Alert, severity: &str, names: &Names) -> bool {
        let bot = alert.contact.bot_id();
        let platform = alert.contact.platform();
        let tags = &alert.contact.profile.user_details.tags;
        self.set().into_iter().all(|(name, wanted)| match name {
            "rule" => same(&alert.rule, wanted),
            "inbox" => same(&alert.inbox, wanted),
            "contact" => alert.contact.id == wanted,
            "bot" => bot == wanted || (!bot.is_empty() && same(names.bot(bot), wanted)),
            "tag" => tags.iter().any(|tag| same(tag, wanted)),
            "platform" => platform.eq_ignore_ascii_case(wanted),
            _ => severity == wanted,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// The store's number.
    pub id: i64,
    pub matchers: Matchers,
    pub created_at: Timestamp,
    /// Time of its end; expiring it by hand sets this.
    pub ends_at: Timestamp,
    pub comment: String,
    pub created_by: String,
}

impl Silence {
    /// Whether it holds notifications back now.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.created_at <= now && now < self.ends_at
    }
}

/// The silence that holds back an alert now, if there is one: the one that ends last.
pub(crate) fn silence_of<'a>(
    silences: &'a [Silence],
    alert: &Alert,
    severity: &str,
    names: &Names,
    now: Timestamp,
) -> Option<&'a Silence> {
    silences
        .iter()
        .filter(|silence| silence.is_active(now) && silence.matchers.fit(alert, severity, names))
        .max_by_key(|silence| silence.ends_at)
}
