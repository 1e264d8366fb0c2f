//! Recognizes texts that were pasted in place of a Slack webhook's address.

use url::Url;

use crate::config::pasted::SLACK_TOKENS;

/// What is wrong with the address of a Slack webhook, and what would be right.
pub(super) fn misplaced(text: &str) -> Option<(&'static str, &'static str)> {
    const RIGHT: &str = "an incoming webhook of Slack begins with https://hooks.slack.com/services/";
    if SLACK_TOKENS.iter().any(|token| text.starts_with(token)) {
        return Some(("this is a token of Slack, not the address of a webhook", RIGHT));
    }
    let url = Url::parse(text).ok()?;
    let host = url.host_str().unwrap_or_default();
    let is_of = |domain: &str| host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    if host.starts_with("hooks.slack") {
        return match url.path() {
            path if path.starts_with("/services/") && path.trim_end_matches('/').matches('/').count() == 4 => None,
            path if path.starts_with("/workflows/") || path.starts_with("/triggers/") => {
                Some(("this is the address of a workflow, which takes other messages", RIGHT))
            }
            path if path.starts_with("/services") => {
                Some(("a part of the webhook's address is missing", "it ends in three parts: /services/T…/B…/…"))
            }
            _ => Some(("this is not the address of a webhook", RIGHT)),
        };
    }
    if is_of("slack.com") {
        return Some(("this is an address of Slack's pages for people, not of a webhook", RIGHT));
    }
    if is_of("discord.com") || is_of("discordapp.com") {
        return Some(("this is a webhook of Discord, not of Slack", RIGHT));
    }
    if is_of("office.com") || is_of("logic.azure.com") || is_of("powerplatform.com") {
        return Some(("this is a webhook of Microsoft Teams, not of Slack", RIGHT));
    }
    if is_of("chat.googleapis.com") {
        return Some(("this is a webhook of Google Chat, not of Slack", RIGHT));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::misplaced;

    #[test]
    fn addresses_of_another_kind() {
        let said = |text: &str| misplaced(text).map(|(what, _)| what).unwrap_or_default();
        for right in [
            "https://hooks.slack.com/services/T0/B0/x",
            "http://127.0.0.1:8808/services/T/B/x",
            "https://chat.example.com/hooks/x",
        ] {
            assert_eq!(said(right), "");
        }
        for (wrong, what) in [
            ("xoxb-1-2-hunter2", "this is a token of Slack, not the address of a webhook"),
            ("https://app.slack.com/client/T0/C0", "this is an address of Slack's pages for people, not of a webhook"),
            ("https://shop.slack.com/archives/C0", "this is an address of Slack's pages for people, not of a webhook"),
            (
                "https://hooks.slack.com/workflows/T0/A0/1/x",
                "this is the address of a workflow, which takes other messages",
            ),
            ("https://hooks.slack.com/services/T0/B0", "a part of the webhook's address is missing"),
            ("https://discord.com/api/webhooks/1/x", "this is a webhook of Discord, not of Slack"),
            ("https://shop.webhook.office.com/webhookb2/x", "this is a webhook of Microsoft Teams, not of Slack"),
        ] {
            assert_eq!(said(wrong), what, "{wrong}");
        }
    }
}
