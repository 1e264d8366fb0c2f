//! Failures in an SMTP conversation, and the stage at which they happened.

use std::error::Error;
use std::{fmt, io, iter};

use lettre::transport::smtp;

use crate::net::cause::io_cause;

/// The stages of a conversation, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SmtpStage {
    /// The connection, TLS and the greetings.
    Connect,
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

/// The cause of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SmtpTrouble {
    /// The server refused, for now or for good.
    Code { code: u16, enhanced: Option<String> },
    /// The server lacks something that we require.
    Unfit(&'static str),
    /// No answer came in time.
    Timeout,
    /// The stop signal came before the answer.
    Stopped,
    /// The connection could not be made or was lost, or the reply is not SMTP.
    Broken(String),
}

impl SmtpTrouble {
    /// The reply is not what a mail server may send here.
    pub(super) fn no_smtp() -> Self {
        Self::Broken("unexpected reply or lost connection".to_owned())
    }

    /// The reply is longer than any mail server's.
    pub(super) fn flood() -> Self {
        Self::Broken("an answer that does not end".to_owned())
    }
}

impl From<&io::Error> for SmtpTrouble {
    fn from(error: &io::Error) -> Self {
        // Errors of our own stream carry their meaning.
        let ours = error.get_ref().and_then(|inner| inner.downcast_ref::<Self>());
        ours.cloned().unwrap_or_else(|| Self::Broken(format!("no connection ({})", io_cause(error))))
    }
}

impl From<io::Error> for SmtpTrouble {
    fn from(error: io::Error) -> Self {
        Self::from(&error)
    }
}

impl From<SmtpTrouble> for io::Error {
    fn from(trouble: SmtpTrouble) -> Self {
        Self::new(io::ErrorKind::InvalidData, trouble)
    }
}

impl From<smtp::Error> for SmtpTrouble {
    fn from(error: smtp::Error) -> Self {
        if let Some(code) = error.status() {
            return Self::Code { code: code.into(), enhanced: enhanced(&error) };
        }
        let io = iter::successors(error.source(), |&error| error.source()).find_map(|error| error.downcast_ref());
        io.map_or_else(Self::no_smtp, |io: &io::Error| Self::from(io))
    }
}

/// The enhanced status code (`5.1.1`) that the server's text begins with, if it does.
fn enhanced(error: &smtp::Error) -> Option<String> {
    let said = error.source()?.to_string();
    let code = said.split_whitespace().next()?;
    let number = |field: &str| (1..=3).contains(&field.len()) && field.bytes().all(|byte| byte.is_ascii_digit());
    (code.split('.').count() == 3 && code.split('.').all(number)).then(|| code.to_owned())
}

impl Error for SmtpTrouble {}

/// Does not show what the server says in words, which may be any text.
impl fmt::Display for SmtpTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { code, enhanced: Some(enhanced) } => write!(f, "{code} {enhanced}"),
            Self::Code { code, enhanced: None } => write!(f, "{code}"),
            Self::Unfit(what) => f.write_str(what),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Stopped => f.write_str("stopped before the answer came"),
            Self::Broken(cause) => f.write_str(cause),
        }
    }
}

/// A failure, and the stage at which it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SmtpFailure {
    pub stage: SmtpStage,
    pub trouble: SmtpTrouble,
}

impl SmtpFailure {
    /// The conversation was given up halfway, at an unknown stage.
    pub(super) fn stopped() -> Self {
        Self { stage: SmtpStage::Content, trouble: SmtpTrouble::Stopped }
    }

    /// Whether another attempt would fail the same way.
    pub(super) fn is_final(&self) -> bool {
        matches!(self.trouble, SmtpTrouble::Code { code: 500..=599, .. } | SmtpTrouble::Unfit(_))
    }

    /// Whether the mail may have been accepted nevertheless.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.stage == SmtpStage::Content
            && matches!(self.trouble, SmtpTrouble::Timeout | SmtpTrouble::Stopped | SmtpTrouble::Broken(_))
    }

    /// Whether the connection cannot be used any more.
    pub(super) fn connection_is_lost(&self) -> bool {
        matches!(
            self.trouble,
            SmtpTrouble::Code { code: 421, .. } | SmtpTrouble::Timeout | SmtpTrouble::Stopped | SmtpTrouble::Broken(_)
        )
    }
}

/// `550 5.1.1 at the recipient`.
impl fmt::Display for SmtpFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trouble.fmt(f)?;
        if self.trouble == SmtpTrouble::Stopped {
            return Ok(());
        }
        f.write_str(match self.stage {
            SmtpStage::Connect => " when connecting",
            SmtpStage::Login => " at the login",
            SmtpStage::Sender => " at the sender",
            SmtpStage::Recipient => " at the recipient",
            SmtpStage::Data => " before the text of the mail",
            SmtpStage::Content => " after the text of the mail",
        })
    }
}
