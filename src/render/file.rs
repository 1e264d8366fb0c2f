//! The files that a template folder may hold.

use super::escape::Escape;

/// One kind of file in `templates/NAME/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum File {
    /// The whole Slack payload.
    SlackJson,
    /// Only the text of a Slack message, in mrkdwn.
    SlackText,
    /// A mail's subject.
    EmailSubject,
    /// A mail's HTML part.
    EmailHtml,
    /// A mail's plain part.
    EmailText,
    /// A webhook's body.
    Webhook,
    /// The console's lines.
    Console,
}

impl File {
    /// Every kind.
    pub(super) const ALL: [Self; 7] = [
        Self::SlackJson,
        Self::SlackText,
        Self::EmailSubject,
        Self::EmailHtml,
        Self::EmailText,
        Self::Webhook,
        Self::Console,
    ];

    /// The file's name in the folder.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SlackJson => "slack.json.hbs",
            Self::SlackText => "slack.txt.hbs",
            Self::EmailSubject => "email.subject.hbs",
            Self::EmailHtml => "email.html.hbs",
            Self::EmailText => "email.txt.hbs",
            Self::Webhook => "webhook.json.hbs",
            Self::Console => "console.txt.hbs",
        }
    }

    /// How `{{…}}` is escaped in it.
    pub(super) fn escape(self) -> Escape {
        match self {
            Self::SlackJson => Escape::SlackJson,
            Self::SlackText => Escape::Slack,
            Self::EmailSubject | Self::EmailText => Escape::Nothing,
            Self::EmailHtml => Escape::Html,
            Self::Webhook => Escape::Json,
            Self::Console => Escape::Console,
        }
    }

    /// The built-in text; none for `slack.txt.hbs`, which `slack.json.hbs` serves for.
    pub(super) fn built_in(self) -> Option<&'static str> {
        match self {
            Self::SlackJson => Some(include_str!("../../templates/alert/slack.json.hbs")),
            Self::SlackText => None,
            Self::EmailSubject => Some(include_str!("../../templates/alert/email.subject.hbs")),
            Self::EmailHtml => Some(include_str!("../../templates/alert/email.html.hbs")),
            Self::EmailText => Some(include_str!("../../templates/alert/email.txt.hbs")),
            Self::Webhook => Some(include_str!("../../templates/alert/webhook.json.hbs")),
            Self::Console => Some(include_str!("../../templates/alert/console.txt.hbs")),
        }
    }
}

/// Characters of a subject.
pub(super) const SUBJECT: usize = 200;

/// A path below `contact.extra` that a template uses.
pub(super) type ExtraPath = Vec<String>;
