//! `[receiver.NAME]`: which keys belong to which type, and whether they make sense.

use lettre::message::Mailbox;
use secrecy::{ExposeSecret, SecretString};
use toml::Spanned;

use super::{Group, Receiver, ReceiverKind, load::Loader, mailbox, pasted, shape::ReceiverTable};
use crate::{
    diagnose::nearest::did_you_mean,
    model::{
        Privacy,
        smtp::{self, SmtpAddress},
        webhook,
    },
};

const TYPES: [&str; 4] = ["slack", "email", "webhook", "console"];

impl Loader<'_, '_> {
    /// Judges one receiver; `None` where its type is not known.
    pub(super) fn receiver(
        &mut self,
        name: &Spanned<String>,
        table: Spanned<ReceiverTable>,
        all: &[String],
    ) -> Option<Receiver> {
        let span = table.span();
        let table = table.into_inner();
        let Some(kind) = &table.r#type else {
            let title = format!("the receiver `{}` has no type", name.get_ref());
            self.error(span, title, "add type = \"slack\", \"email\", \"webhook\" or \"console\"");
            return None;
        };
        if !TYPES.contains(&kind.get_ref().as_str()) {
            let help = did_you_mean(kind.get_ref(), TYPES).unwrap_or_default();
            self.error(kind.span(), format!("there is no receiver type `{}`", kind.get_ref()), help);
            return None;
        }
        self.foreign_keys(kind.get_ref(), &table);
        if let Some(fallback) = &table.fallback {
            if fallback.get_ref() == name.get_ref() {
                self.error(fallback.span(), "a receiver cannot be its own fallback", "name another one");
            }
            self.known_receiver(fallback, all);
        }
        let group = self.one_of("group", table.group.as_ref(), &Group::NAMES);
        let privacy = self.one_of("privacy", table.privacy.as_ref(), &Privacy::NAMES);
        let max_listed = table.max_listed.as_ref().map_or(10, |most| *most.get_ref());
        if let Some(most) = &table.max_listed
            && !(1..=100).contains(&max_listed)
        {
            self.error(most.span(), "`max_listed` is from 1 to 100", "10 is a good number");
        }
        let give_up_after = self.duration(table.give_up_after.clone(), "24h", "1s");
        let kind = match kind.get_ref().as_str() {
            "slack" => self.slack(span, &table)?,
            "email" => self.email(span, &table)?,
            "webhook" => self.webhook(span, &table)?,
            _ => ReceiverKind::Console,
        };
        Some(Receiver {
            name: name.get_ref().clone(),
            kind,
            fallback: table.fallback.map(Spanned::into_inner),
            template: self.template(table.template),
            group,
            max_listed: usize::try_from(max_listed).unwrap_or(10).max(1),
            give_up_after,
            privacy,
        })
    }

    fn one_of<T: Copy + Default>(&mut self, key: &str, value: Option<&Spanned<String>>, names: &[(&str, T)]) -> T {
        let Some(value) = value else { return T::default() };
        if let Some((_, meant)) = names.iter().find(|(name, _)| name == value.get_ref()) {
            return *meant;
        }
        let help = did_you_mean(value.get_ref(), names.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        self.error(value.span(), format!("`{}` is no value of `{key}`", value.get_ref()), help.unwrap_or_default());
        T::default()
    }

    /// A key of another type would silently do nothing.
    fn foreign_keys(&mut self, kind: &str, table: &ReceiverTable) {
        let keys = [
            ("slack", "webhook_url", table.webhook_url.as_ref().map(Spanned::span)),
            ("slack", "bot_token", table.bot_token.as_ref().map(Spanned::span)),
            ("slack", "channel", table.channel.as_ref().map(Spanned::span)),
            ("email", "smtp_url", table.smtp_url.as_ref().map(Spanned::span)),
            ("email", "from", table.from.as_ref().map(Spanned::span)),
            ("email", "to", table.to.as_ref().map(Spanned::span)),
            ("email", "ehlo", table.ehlo.as_ref().map(Spanned::span)),
            ("webhook", "url", table.url.as_ref().map(Spanned::span)),
            ("webhook", "secret", table.secret.as_ref().map(Spanned::span)),
            ("webhook", "headers", table.headers.keys().next().map(Spanned::span)),
        ];
        for (owner, key, span) in keys {
            if let Some(span) = span
                && owner != kind
            {
                let title = format!("`{key}` belongs to type = \"{owner}\", not \"{kind}\"");
                self.error(span, title, "take it out, or change the type");
            }
        }
    }

    fn slack(&mut self, span: std::ops::Range<usize>, table: &ReceiverTable) -> Option<ReceiverKind> {
        if let Some(token) = &table.bot_token {
            self.no_effect(token.span(), "bot_token");
        }
        if let Some(channel) = &table.channel {
            self.no_effect(channel.span(), "channel");
        }
        let Some(url) = &table.webhook_url else {
            self.error(
                span,
                "this Slack receiver has no webhook_url",
                "add webhook_url = { env = \"SLACK_WEBHOOK_URL\" }",
            );
            return None;
        };
        Some(ReceiverKind::Slack { webhook_url: self.http_secret("webhook_url", url, pasted::slack) })
    }

    fn email(&mut self, span: std::ops::Range<usize>, table: &ReceiverTable) -> Option<ReceiverKind> {
        let mut server = None;
        match &table.smtp_url {
            None => {
                self.error(span.clone(), "this mail receiver has no smtp_url", "add smtp_url = { env = \"SMTP_URL\" }");
            }
            Some(url) => {
                let secret = self.secret("smtp_url", url);
                // One that could not be read was reported; a stand-in lets the rest be judged.
                let text =
                    if secret.expose_secret().is_empty() { "smtp://127.0.0.1:25" } else { secret.expose_secret() };
                match (pasted::smtp(text), SmtpAddress::parse(text)) {
                    (Some((what, help)), _) => self.error(url.span(), what, help),
                    (None, Ok(address)) => {
                        if address.is_open_to_others() {
                            let title = "`tls=none`: mails go over the network in the clear, with what customers wrote";
                            let help = "only for a relay inside a network that is yours; else write ?tls=required";
                            self.warning(url.span(), title, help);
                        }
                        server = Some(address);
                    }
                    (None, Err(reason)) => {
                        self.error(url.span(), reason, "write it like smtps://user:password@host:465");
                    }
                }
            }
        }
        let from = if let Some(from) = &table.from {
            self.mailbox(from)
        } else {
            let help = "add from = \"Pengwatch <alerts@example.com>\"";
            self.error(span.clone(), "this mail receiver has no from", help);
            None
        };
        let to: Vec<Mailbox> = match &table.to {
            Some(to) if !to.get_ref().is_empty() => {
                to.get_ref().iter().filter_map(|address| self.mailbox(address)).collect()
            }
            _ => {
                self.error(span, "this mail receiver has nobody in `to`", "add to = [\"leads@example.com\"]");
                Vec::new()
            }
        };
        let ehlo = table.ehlo.as_ref().and_then(|name| {
            let checked = smtp::check_ehlo(name.get_ref());
            let wrong = |help| self.error(name.span(), "this is no name that a mail server takes", help);
            checked.map_err(wrong).ok().map(|()| name.get_ref().clone())
        });
        Some(ReceiverKind::Email { smtp: server?, from: from?, to, ehlo })
    }

    fn mailbox(&mut self, address: &Spanned<String>) -> Option<Mailbox> {
        mailbox::read(address.get_ref()).map_err(|(title, help)| self.error(address.span(), title, help)).ok()
    }

    fn webhook(&mut self, span: std::ops::Range<usize>, table: &ReceiverTable) -> Option<ReceiverKind> {
        let Some(url) = &table.url else {
            self.error(span, "this webhook has no url", "add url = { env = \"OPS_WEBHOOK_URL\" }");
            return None;
        };
        let headers = table.headers.iter().map(|(name, value)| {
            if let Err(reason) = webhook::check_header(name.get_ref()) {
                self.error(name.span(), reason, "take it out, or correct its name");
            }
            let secret: SecretString = match value.get_ref() {
                // A header's value is mostly no secret, so that plain text needs no warning.
                toml::Value::String(text) => text.as_str().into(),
                _ => self.secret_as_it_is(name.get_ref(), value),
            };
            if !webhook::fits_header(secret.expose_secret()) {
                let title =
                    format!("the value of the header `{}` has characters that a header can't hold", name.get_ref());
                self.error(value.span(), title, "a header holds letters, digits and signs of ASCII on one line");
            }
            (name.get_ref().clone(), secret)
        });
        let headers = headers.collect();
        let secret = table.secret.as_ref().map(|value| {
            let secret = self.secret("secret", value);
            // One that could not be read was reported.
            if !secret.expose_secret().is_empty()
                && let Err(reason) = webhook::key(secret.expose_secret())
            {
                self.error(value.span(), reason, "take it as the receiving side gives it");
            }
            secret
        });
        Some(ReceiverKind::Webhook { url: self.http_secret("url", url, pasted::webhook), secret, headers })
    }
}
