//! One SMTP conversation, and where in it something went wrong.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout, timeout_at};

use crate::model::smtp::{Protection, SmtpAddress};
use crate::notify::response::io_cause;

/// How long goodbyes may take: they matter to nobody.
const GOODBYE: Duration = Duration::from_secs(2);

/// How far a mail came, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// The connection, TLS and the greetings.
    Connect,
    /// The login.
    Login,
    /// `MAIL`.
    Sender,
    /// `RCPT`.
    Recipient,
    /// `DATA`.
    Data,
    /// The mail itself: from here on it may have been accepted.
    Content,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The server said no, or later.
    Code { code: u16, enhanced: Option<String> },
    /// The server and we don't fit: it lacks something that we insist on.
    Unfit(&'static str),
    /// No answer in time.
    Timeout,
    /// The connection could not be made or broke off, or what came is no SMTP.
    Broken(String),
}

/// What went wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub stage: Stage,
    pub trouble: Trouble,
}

impl Failure {
    /// The server's mind is made up.
    pub fn is_final(&self) -> bool {
        matches!(self.trouble, Trouble::Code { code: 500..=599, .. } | Trouble::Unfit(_))
    }

    /// The mail may have been accepted all the same.
    pub fn is_ambiguous(&self) -> bool {
        self.stage == Stage::Content && matches!(self.trouble, Trouble::Timeout | Trouble::Broken(_))
    }

    /// Nothing more comes over this connection.
    pub fn connection_is_lost(&self) -> bool {
        matches!(self.trouble, Trouble::Code { code: 421, .. } | Trouble::Timeout | Trouble::Broken(_))
    }

    fn new(stage: Stage, error: &Error) -> Self {
        let trouble = match error.status() {
            Some(code) => Trouble::Code { code: code.into(), enhanced: enhanced(error) },
            None => Trouble::Broken(cause(error)),
        };
        Self { stage, trouble }
    }
}

/// `550 5.1.1 at the recipient`: nothing of what the server says in words, which may be anything.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.trouble {
            Trouble::Code { code, enhanced: Some(enhanced) } => write!(f, "{code} {enhanced}")?,
            Trouble::Code { code, enhanced: None } => write!(f, "{code}")?,
            Trouble::Unfit(what) => f.write_str(what)?,
            Trouble::Timeout => f.write_str("no answer in time")?,
            Trouble::Broken(cause) => f.write_str(cause)?,
        }
        f.write_str(match self.stage {
            Stage::Connect => " when connecting",
            Stage::Login => " at the login",
            Stage::Sender => " at the sender",
            Stage::Recipient => " at the recipient",
            Stage::Data => " before the text of the mail",
            Stage::Content => " after the text of the mail",
        })
    }
}

/// A server that is ready for mail.
pub(super) struct Connection(AsyncSmtpConnection);

impl Connection {
    /// Connects, encrypts, logs in.
    pub async fn open(server: &SmtpAddress, tls: &TlsParameters, by: Instant) -> Result<Self, Failure> {
        let hello = ClientId::default();
        let unfit = |stage, what| Err(Failure { stage, trouble: Trouble::Unfit(what) });
        let at_once = (server.protection == Protection::Tls).then(|| tls.clone());
        let address = (server.host.as_str(), server.port);
        let opening = AsyncSmtpConnection::connect_tokio1(address, None, &hello, at_once, None);
        let mut smtp = step(Stage::Connect, by, opening).await?;
        if server.protection == Protection::StartTls {
            if !smtp.can_starttls() {
                return unfit(Stage::Connect, "the server offers no STARTTLS");
            }
            step(Stage::Connect, by, smtp.starttls(tls.clone(), &hello)).await?;
        }
        if let Some(login) = &server.login {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            if smtp.server_info().get_auth_mechanism(&mechanisms).is_none() {
                return unfit(Stage::Login, "the server offers no login by PLAIN or LOGIN");
            }
            let credentials = Credentials::new(login.user.clone(), login.password.expose_secret().to_owned());
            step(Stage::Login, by, smtp.auth(&mechanisms, &credentials)).await?;
        }
        Ok(Self(smtp))
    }

    /// Hands in one mail.
    pub async fn deliver(&mut self, from: &Address, to: &Address, mail: &[u8], by: Instant) -> Result<(), Failure> {
        let smtp = &mut self.0;
        step(Stage::Sender, by, smtp.command(Mail::new(Some(from.clone()), Vec::new()))).await?;
        step(Stage::Recipient, by, smtp.command(Rcpt::new(to.clone(), Vec::new()))).await?;
        step(Stage::Data, by, smtp.command(Data)).await?;
        step(Stage::Content, by, smtp.message(mail)).await?;
        Ok(())
    }

    /// Itself, if after this result it is good for another mail.
    pub async fn reusable(mut self, result: &Result<(), Failure>) -> Option<Self> {
        match result {
            Ok(()) => Some(self),
            Err(failure) if failure.connection_is_lost() => None,
            Err(_) => matches!(timeout(GOODBYE, self.0.command(Rset)).await, Ok(Ok(_))).then_some(self),
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        let _ = timeout(GOODBYE, self.0.abort()).await;
    }
}

async fn step<T>(stage: Stage, by: Instant, work: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
    match timeout_at(by, work).await {
        Ok(result) => result.map_err(|error| Failure::new(stage, &error)),
        Err(_) => Err(Failure { stage, trouble: Trouble::Timeout }),
    }
}

/// The enhanced status code (`5.1.1`) that the server's text begins with, if it does.
fn enhanced(error: &Error) -> Option<String> {
    let said = error.source()?.to_string();
    let code = said.split_whitespace().next()?;
    let number = |field: &str| (1..=3).contains(&field.len()) && field.bytes().all(|byte| byte.is_ascii_digit());
    (code.split('.').count() == 3 && code.split('.').all(number)).then(|| code.to_owned())
}

fn cause(error: &Error) -> String {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return format!("no connection ({})", io_cause(error));
        }
        source = error.source();
    }
    if error.is_response() { "no SMTP, or the connection broke off,".to_owned() } else { "no connection".to_owned() }
}
