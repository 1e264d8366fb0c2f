//! Mail over SMTP: one envelope a recipient, so that a bad address keeps nobody else from their mail.
//!
//! The recipients of a message share one connection where it holds. It is our own, not a pool's: only
//! so it is known at which word of the conversation something went wrong, and a conversation that
//! was given up in the middle is never taken up again.

mod compose;
mod connection;
mod failure;
mod verdict;
mod wire;

use std::fmt;
use std::time::Duration;

use lettre::message::Mailbox;
use tokio::time::Instant;

use self::connection::Connection;
use self::failure::{Failure, Stage};
use self::verdict::Verdict;
use self::wire::Tls;
use crate::model::smtp::SmtpAddress;
use crate::model::{Attempt, Body, Fault, Parcel};

/// Mail to the recipients of one receiver.
pub struct Email {
    server: SmtpAddress,
    tls: Tls,
    from: Mailbox,
    to: Vec<Mailbox>,
    timeout: Duration,
}

impl Email {
    /// A sender through `server`, from `from` to each of `to` (`Name <name@example.com>`, or the
    /// address alone), with `timeout` for each of them. Besides the bundled certificate authorities
    /// `roots` (DER) are trusted; those that can't be read are left out, as machines have odd ones.
    ///
    /// # Errors
    /// What is wrong with an address.
    pub fn new(
        server: SmtpAddress,
        from: &str,
        to: &[String],
        timeout: Duration,
        roots: &[Vec<u8>],
    ) -> Result<Self, String> {
        let from = compose::mailbox(from)?;
        let mut mailboxes: Vec<Mailbox> = Vec::new();
        for text in to {
            let mailbox = compose::mailbox(text)?;
            if !mailboxes.iter().any(|other| other.email == mailbox.email) {
                mailboxes.push(mailbox);
            }
        }
        if mailboxes.is_empty() {
            return Err("there is no recipient".to_owned());
        }
        let tls = Tls::new(&server.host, roots)?;
        Ok(Self { server, tls, from, to: mailboxes, timeout })
    }

    /// Mails one message to those recipients that aren't settled.
    ///
    /// An attempt that has to be repeated counts as ambiguous, too, when somebody got the mail: the
    /// receiver was told. Refused recipients are settled once anybody was told; until then they are
    /// tried again with the others, so that "all settled" never means "nobody got it".
    pub async fn send(&self, parcel: &Parcel) -> Attempt {
        let Body::Email { subject, text, html } = &parcel.body else {
            return super::wrong_body("email");
        };
        let mut verdict = Verdict::new(&parcel.settled);
        let mut connection = None;
        let open =
            self.to.iter().filter(|to| !parcel.settled.iter().any(|done| done.as_str() == to.email.as_ref() as &str));
        for to in open {
            let Ok(mail) = compose::mail(&self.from, to, parcel, [subject, text, html]) else {
                return super::rejected(Fault::Payload, "the mail could not be composed");
            };
            let result = self.deliver(&mut connection, to, &mail).await;
            if verdict.add(to, result).is_break() {
                break;
            }
        }
        if let Some(connection) = connection {
            connection.close().await;
        }
        verdict.attempt()
    }

    /// Hands in one mail, over the connection at hand or a new one, which stays if it can be used again.
    async fn deliver(&self, connection: &mut Option<Connection>, to: &Mailbox, mail: &[u8]) -> Result<(), Failure> {
        let by = Instant::now() + self.timeout;
        if let Some(mut used) = connection.take() {
            match used.deliver(&self.from.email, &to.email, mail, by).await {
                // Servers end a connection after so many mails: that is no fault of this one.
                Err(failure) if failure.stage == Stage::Sender && failure.connection_is_lost() => {}
                result => {
                    *connection = used.reusable(&result).await;
                    return result;
                }
            }
        }
        let mut new = Connection::open(&self.server, &self.tls, by).await?;
        let result = new.deliver(&self.from.email, &to.email, mail, by).await;
        *connection = new.reusable(&result).await;
        result
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({:?})", self.server)
    }
}

#[cfg(test)]
mod tests;
