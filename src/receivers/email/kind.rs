//! `type = "email"`: its keys, and what it can do.

use std::sync::Arc;

use lettre::message::Mailbox;
use secrecy::ExposeSecret;
use serde::Deserialize;
use toml::{Spanned, Value};
use url::Url;

use super::{Email, mailbox, pasted};
use crate::{
    config::keys::{Key, KeyedKind, Keys},
    model::{Address, VIA, alert::short_hash},
    receivers::{
        Sender,
        email::address::{SmtpAddress, check_ehlo},
        kind::{Delivery, Kind, SEND_TIMEOUT, SenderTools, Way},
    },
};

pub(super) const NAME: &str = "email";

pub(crate) struct EmailKind;

#[derive(Default, Deserialize)]
#[serde(default)]
struct EmailTable {
    smtp_url: Option<Spanned<Value>>,
    from: Option<Spanned<String>>,
    to: Option<Spanned<Vec<Spanned<String>>>>,
    ehlo: Option<Spanned<String>>,
}

impl KeyedKind<Arc<dyn Way>> for EmailKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn keys(&self) -> &'static [Key] {
        const KEYS: [Key; 4] = [Key::secret("smtp_url"), Key::shown("from"), Key::shown("to"), Key::shown("ehlo")];
        &KEYS
    }

    fn read(&self, keys: &mut Keys<'_>) -> Option<Arc<dyn Way>> {
        let table: EmailTable = keys.table()?;
        let mut server = None;
        match &table.smtp_url {
            None => {
                keys.missing("this mail receiver has no smtp_url", "add smtp_url = { env = \"SMTP_URL\" }");
            }
            Some(url) => {
                let secret = keys.secret("smtp_url", url);
                // A value that could not be read was already reported; a stand-in lets the rest be checked.
                let text =
                    if secret.expose_secret().is_empty() { "smtp://127.0.0.1:25" } else { secret.expose_secret() };
                match (pasted::misplaced(text), SmtpAddress::parse(text)) {
                    (Some((what, help)), _) => keys.error(url.span(), what, help),
                    (None, Ok(address)) => {
                        if address.is_open_to_others() {
                            let title = "`tls=none`: mails go over the network in the clear, with what customers wrote";
                            let help = "only for a relay inside a network that is yours; else write ?tls=required";
                            keys.warning(url.span(), title, help);
                        }
                        server = Some(address);
                    }
                    (None, Err(reason)) => {
                        keys.error(url.span(), reason, "write it like smtps://user:password@host:465");
                    }
                }
            }
        }
        let from = if let Some(from) = &table.from {
            address(keys, from)
        } else {
            let help = "add from = \"Pengwatch <alerts@example.com>\"";
            keys.missing("this mail receiver has no from", help);
            None
        };
        let to: Vec<Mailbox> = match &table.to {
            Some(to) if !to.get_ref().is_empty() => to.get_ref().iter().filter_map(|one| address(keys, one)).collect(),
            _ => {
                keys.missing("this mail receiver has nobody in `to`", "add to = [\"leads@example.com\"]");
                Vec::new()
            }
        };
        let ehlo = table.ehlo.as_ref().and_then(|name| {
            let checked = check_ehlo(name.get_ref());
            let wrong = |help| keys.error(name.span(), "mail servers do not accept this name", help);
            checked.map_err(wrong).ok().map(|()| name.get_ref().clone())
        });
        Some(Arc::new(EmailWay { smtp: server?, from: from?, to, ehlo }))
    }
}

fn address(keys: &mut Keys<'_>, address: &Spanned<String>) -> Option<Mailbox> {
    mailbox::read(address.get_ref()).map_err(|(title, help)| keys.error(address.span(), title, help)).ok()
}

impl Kind for EmailKind {
    fn delivery(&self) -> Delivery {
        Delivery { pace: None, in_flight: 1, knows_ids: true, by_person: true }
    }

    fn example(&self) -> Option<&'static str> {
        Some(include_str!("example.toml"))
    }
}

#[derive(Debug)]
struct EmailWay {
    /// The mail server, with its login.
    smtp: SmtpAddress,
    from: Mailbox,
    /// Recipients, each with an envelope of its own.
    to: Vec<Mailbox>,
    /// The name for `EHLO`.
    ehlo: Option<String>,
}

impl Way for EmailWay {
    fn kind(&self) -> &'static dyn Kind {
        &EmailKind
    }

    fn sender(&self, tools: &SenderTools<'_>) -> Result<Box<dyn Sender>, String> {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(receiver = tools.receiver, %error, "tls.certificates: some of this machine's cannot be read");
        }
        let roots: Vec<Vec<u8>> = found.certs.into_iter().map(|der| der.to_vec()).collect();
        let email = Email::new(self.smtp.clone(), self.from.clone(), self.to.clone(), SEND_TIMEOUT, &roots)?;
        Ok(Box::new(email.called(self.ehlo.clone())))
    }

    fn address(&self) -> Address {
        let to = self.to.iter().map(|to| format!("mail:{}", to.email));
        to.chain([format!("{VIA}{}", self.smtp)]).collect()
    }

    fn persons(&self) -> Vec<String> {
        self.to.iter().map(|to| to.email.to_string()).collect()
    }

    fn secrets(&self) -> Vec<&str> {
        self.smtp.login.iter().map(|login| login.password.expose_secret()).collect()
    }

    fn fingerprint(&self) -> String {
        let SmtpAddress { host, port, protection, login, .. } = &self.smtp;
        let login = login.as_ref().map(|login| [login.user.as_str(), login.password.expose_secret()]);
        let server = short_hash(&format!("{host} {port} {protection:?}"));
        let login = short_hash(&format!("{login:?}"));
        short_hash(&format!("{server} {login}"))
    }

    fn url(&self) -> Option<Url> {
        None
    }
}
