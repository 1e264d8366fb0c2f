//! One SMTP conversation; errors say at which stage it failed.
//!
//! It uses lettre's client over our own stream, which limits what a server may send.

use std::fmt::Display;
use std::net::IpAddr;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset, Starttls};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Response, Severity};
use tokio::time::{Instant, timeout, timeout_at};

use super::failure::{SmtpFailure, SmtpStage, SmtpTrouble};
use super::reach;
use super::wire::{Tls, Wire};
use crate::{
    model::shutdown::GOODBYE,
    receivers::email::address::{Protection, SmtpAddress},
};

const YES: Severity = Severity::PositiveCompletion;
const GO_ON: Severity = Severity::PositiveIntermediate;

/// A connection to a server that is ready for mail, or for a login if it asks for one.
pub(super) struct Connection(Box<AsyncSmtpConnection>);

impl Connection {
    /// Connects and encrypts.
    pub(super) async fn open(
        server: &SmtpAddress,
        tls: &Tls,
        name: Option<&str>,
        by: Instant,
    ) -> Result<Self, SmtpFailure> {
        let within = by.saturating_duration_since(Instant::now());
        let stream = step(SmtpStage::Connect, by, reach::connect(&server.host, server.port, within)).await?;
        let hello = name.map_or_else(|| literal(stream.local_addr().ok().map(|own| own.ip())), str::to_owned);
        let mut wire = Wire::over(stream);
        if server.protection == Protection::Tls {
            wire = step(SmtpStage::Connect, by, wire.encrypt(tls)).await?;
        }
        let mut connection = Self::greet(wire.clone(), &hello, by).await?;
        if server.protection == Protection::StartTls {
            if !connection.0.can_starttls() {
                return unfit(SmtpStage::Connect, "the server offers no STARTTLS");
            }
            connection.ask(SmtpStage::Connect, by, Starttls, YES).await?;
            // lettre's own STARTTLS is not used, since its client must read from our stream under TLS, too.
            drop(connection);
            let encrypted = step(SmtpStage::Connect, by, wire.encrypt(tls)).await?;
            connection = Self::greet(encrypted.greeted(), &hello, by).await?;
        }
        Ok(connection)
    }

    /// Reads the greeting and sends `EHLO`.
    pub(super) async fn greet(wire: Wire, hello: &str, by: Instant) -> Result<Self, SmtpFailure> {
        let (wire, hello) = (Box::new(wire), ClientId::Domain(hello.to_owned()));
        step(SmtpStage::Connect, by, AsyncSmtpConnection::connect_with_transport(wire, &hello))
            .await
            .map(|smtp| Self(Box::new(smtp)))
    }

    /// Begins a mail.
    pub(super) async fn begin(&mut self, from: &Address, by: Instant) -> Result<(), SmtpFailure> {
        self.ask(SmtpStage::Sender, by, Mail::new(Some(from.clone()), Vec::new()), YES).await
    }

    /// Hands in the mail that was begun.
    pub(super) async fn hand_in(&mut self, to: &Address, mail: &[u8], by: Instant) -> Result<(), SmtpFailure> {
        self.ask(SmtpStage::Recipient, by, Rcpt::new(to.clone(), Vec::new()), YES).await?;
        self.ask(SmtpStage::Data, by, Data, GO_ON).await?;
        // lettre adds the last line end.
        let mail = mail.strip_suffix(b"\r\n").unwrap_or(mail);
        step(SmtpStage::Content, by, expect(YES, self.0.message(mail))).await
    }

    /// Returns the connection if it can be used for another mail after this result.
    pub(super) async fn reusable(mut self, result: &Result<(), SmtpFailure>) -> Option<Self> {
        match result {
            Ok(()) => Some(self),
            Err(failure) if failure.connection_is_lost() => None,
            Err(failure) => {
                let by = Instant::now() + GOODBYE;
                self.ask(failure.stage, by, Rset, YES).await.is_ok().then_some(self)
            }
        }
    }

    pub(super) async fn close(mut self) {
        let _ = timeout(GOODBYE, self.0.abort()).await;
    }

    /// Sends a line of the login; returns the answer if its code is not an error.
    pub(super) async fn say(&mut self, by: Instant, line: &str) -> Result<Response, SmtpFailure> {
        step(SmtpStage::Login, by, self.0.command(format!("{line}\r\n"))).await
    }

    /// Whether the server offers this login mechanism.
    pub(super) fn offers(&self, mechanism: Mechanism) -> bool {
        self.0.server_info().supports_auth_mechanism(mechanism)
    }

    async fn ask(
        &mut self,
        stage: SmtpStage,
        by: Instant,
        what: impl Display,
        right: Severity,
    ) -> Result<(), SmtpFailure> {
        step(stage, by, expect(right, self.0.command(what))).await
    }
}

async fn step<T, E: Into<SmtpTrouble>>(
    stage: SmtpStage,
    by: Instant,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, SmtpFailure> {
    let done = timeout_at(by, work).await.map_or(Err(SmtpTrouble::Timeout), |done| done.map_err(Into::into));
    done.map_err(|trouble| SmtpFailure { stage, trouble })
}

pub(super) fn unfit<T>(stage: SmtpStage, what: &'static str) -> Result<T, SmtpFailure> {
    Err(SmtpFailure { stage, trouble: SmtpTrouble::Unfit(what) })
}

/// Expects one kind of success code; lettre accepts any success code as the answer to any command.
async fn expect(right: Severity, answer: impl Future<Output = Result<Response, Error>>) -> Result<(), SmtpTrouble> {
    if answer.await?.code().severity == right { Ok(()) } else { Err(SmtpTrouble::no_smtp()) }
}

/// The host name of this machine.
pub(super) fn machine() -> Option<String> {
    match ClientId::default() {
        ClientId::Domain(name) => Some(name),
        _ => None,
    }
}

/// The local address in the form that `EHLO` uses in place of a name.
fn literal(own: Option<IpAddr>) -> String {
    match own {
        Some(IpAddr::V4(ip)) => format!("[{ip}]"),
        Some(IpAddr::V6(ip)) => format!("[IPv6:{ip}]"),
        None => "[127.0.0.1]".to_owned(),
    }
}
