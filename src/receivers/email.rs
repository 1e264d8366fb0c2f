//! Mail over SMTP: one envelope for each recipient, so that a bad address does not keep the others from their mail.
//!
//! Messages and their recipients share one connection, as long as it holds and until [`Email::rest`]. It does not come
//! from a pool: only so it is known at which command a conversation failed, and a conversation that was given up
//! halfway is never continued.

pub(crate) mod address;
mod compose;
mod connection;
mod failure;
pub(crate) mod format;
pub(crate) mod kind;
mod login;
mod mailbox;
mod pasted;
mod reach;
mod trust;
mod verdict;
mod wire;

use std::fmt;

use std::time::Duration;

use futures_util::future::BoxFuture;
use lettre::message::Mailbox;
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use self::connection::Connection;
use self::failure::SmtpFailure;
use self::verdict::RecipientResults;
use self::wire::Tls;
use super::{Ending, Nobody, Sender, Witness};
use crate::{
    model::{Attempt, Blame, OutgoingMessage},
    receivers::email::address::{SmtpAddress, own_name},
};

/// The longest pause after which a connection is used again; after a longer one the server may have closed it.
const RESTED: Duration = Duration::from_mins(1);

/// Mail to the recipients of one receiver.
pub struct Email {
    server: SmtpAddress,
    tls: Tls,
    from: Mailbox,
    to: Vec<Mailbox>,
    /// The name for `EHLO`; `None`: the local address of the connection.
    name: Option<String>,
    timeout: Duration,
    // An attempt takes the connection out, so that an attempt that is dropped halfway drops the connection, too.
    kept: Mutex<Option<Kept>>,
}

/// A connection between two mails.
struct Kept {
    connection: Connection,
    since: Instant,
}

impl Sender for Email {
    fn send<'a>(
        &'a self,
        parcel: &'a OutgoingMessage,
        ending: &'a Ending,
        witness: &'a dyn Witness,
    ) -> BoxFuture<'a, Attempt> {
        Box::pin(self.send_until(parcel, ending, witness))
    }

    fn rest(&self) -> BoxFuture<'_, ()> {
        Box::pin(Self::rest(self))
    }
}

impl Email {
    /// Makes a sender through `server`, from `from` to each of `to`, with `timeout` for each of them. The bundled
    /// certificate authorities and `roots` (DER) are trusted; roots that cannot be read are left out, since machines
    /// have odd ones.
    ///
    /// # Errors
    /// There is no recipient, or TLS cannot be set up.
    pub fn new(
        server: SmtpAddress,
        from: Mailbox,
        to: Vec<Mailbox>,
        timeout: Duration,
        roots: &[Vec<u8>],
    ) -> Result<Self, String> {
        let mut mailboxes: Vec<Mailbox> = Vec::new();
        for mailbox in to {
            if !mailboxes.iter().any(|other| other.email == mailbox.email) {
                mailboxes.push(mailbox);
            }
        }
        if mailboxes.is_empty() {
            return Err("there is no recipient".to_owned());
        }
        let tls = Tls::new(&server.host, roots)?;
        let name = own_name(connection::machine().as_deref(), from.email.domain());
        Ok(Self { server, tls, from, to: mailboxes, name, timeout, kept: Mutex::default() })
    }

    /// Sets the name for `EHLO`; `None`: the machine's name, else the sender's domain.
    #[must_use]
    pub fn called(self, name: Option<String>) -> Self {
        Self { name: name.or(self.name), ..self }
    }

    /// Mails one message to those recipients that are not settled.
    ///
    /// An attempt that has to be repeated also counts as ambiguous when somebody got the mail, because the receiver was
    /// notified then. Refused recipients are settled once anybody was notified; until then they are tried again with
    /// the others, so that "all settled" never means "nobody got it".
    pub async fn send(&self, parcel: &OutgoingMessage) -> Attempt {
        self.send_until(parcel, &Ending::default(), &Nobody).await
    }

    /// Like [`Email::send`], but at `ending` no further recipient is begun: those who have the mail stay settled, the
    /// others are left for another attempt. `witness` is notified of every recipient but the first.
    pub async fn send_until(&self, parcel: &OutgoingMessage, ending: &Ending, witness: &dyn Witness) -> Attempt {
        let Some(parts) = format::parts(&parcel.body) else {
            return super::refusal::wrong_body(&parcel.body);
        };
        let mut verdict = RecipientResults::new(&parcel.settled);
        let is_in = |list: &[String], to: &Mailbox| list.iter().any(|one| one.as_str() == to.email.as_ref() as &str);
        let open = self
            .to
            .iter()
            .filter(|to| !is_in(&parcel.settled, to) && parcel.only.as_ref().is_none_or(|only| is_in(only, to)));
        for (turn, to) in open.enumerate() {
            // The caller has already checked the first recipient.
            if turn > 0 && !ending.allows_more() {
                verdict.put_off("no time was left for all recipients");
                break;
            }
            if turn > 0 && !witness.hears(verdict.progress(to)).await {
                verdict.put_off("the state could not be written between two recipients");
                break;
            }
            let Ok(mail) = compose::mail(&self.from, to, parcel, parts) else {
                return super::refusal::rejected(Blame::Payload, "the mail could not be composed");
            };
            let result = self.deliver(to, &mail, ending).await;
            if verdict.add(to, result).is_break() {
                break;
            }
        }
        verdict.attempt()
    }

    /// Closes the connection; the next mail opens a new one.
    pub async fn rest(&self) {
        // In a statement of its own, so that the lock is not held during `close`.
        let kept = self.kept().take();
        if let Some(kept) = kept {
            kept.connection.close().await;
        }
    }

    /// Hands in one mail. The connection is kept if it can be used again.
    async fn deliver(&self, to: &Mailbox, mail: &[u8], ending: &Ending) -> Result<(), SmtpFailure> {
        let by = ending.by(self.timeout);
        let conversation = async {
            let mut connection = self.begin(by).await?;
            let result = connection.hand_in(&to.email, mail, by).await;
            Ok((connection, result))
        };
        let (connection, result) = tokio::select! {
            biased;
            told = conversation => told?,
            () = ending.after_stop() => return Err(SmtpFailure::stopped()),
        };
        // At the end of the run a connection is not reset, so that the outcome can be recorded at once.
        if (result.is_ok() || ending.allows_more())
            && let Some(connection) = connection.reusable(&result).await
        {
            *self.kept() = Some(Kept { connection, since: Instant::now() });
        }
        result
    }

    /// Returns a connection on which a mail was begun: the kept one or a new one.
    async fn begin(&self, by: Instant) -> Result<Connection, SmtpFailure> {
        let kept = self.kept().take().filter(|kept| kept.since.elapsed() < RESTED);
        if let Some(Kept { mut connection, .. }) = kept {
            // Servers close a connection after some mails or some idle time, with or without a reply. This mail is not
            // to blame for that, and time must be left for another connection.
            let now = Instant::now();
            if connection.begin(&self.from.email, now + by.saturating_duration_since(now) / 4).await.is_ok() {
                return Ok(connection);
            }
        }
        let mut connection = Connection::open(&self.server, &self.tls, self.name.as_deref(), by).await?;
        if let Some(login) = &self.server.login {
            login::log_in(&mut connection, login, by).await?;
        }
        connection.begin(&self.from.email, by).await?;
        Ok(connection)
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock()
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({:?})", self.server)
    }
}

#[cfg(test)]
mod tests;
