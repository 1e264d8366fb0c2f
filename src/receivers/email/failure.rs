//! What can go wrong in an SMTP conversation, and where.

use std::error::Error;
use std::{fmt, io, iter};

use lettre::transport::smtp;

use crate::net::cause::io_cause;

/// How far a mail came, in order.
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

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SmtpTrouble {
    /// The server said no, or later.
    Code { code: u16, enhanced: Option<String> },
    /// The server and we don't fit: it lacks something that we insist on.
    Unfit(&'static str),
    /// No answer in time.
    Timeout,
    /// The word to stop came before the answer.
    Stopped,
    /// The connection could not be made or broke off, or what came is no SMTP.
    Broken(String),
}

impl SmtpTrouble {
    /// What came is not what a mail server says here.
    pub(super) fn no_smtp() -> Self {
        Self::Broken("unexpected reply or lost connection".to_owned())
    }

    /// More came than any mail server says.
    pub(super) fn flood() -> Self {
        Self::Broken("an answer without end".to_owned())
    }
}

impl From<&io::Error> for SmtpTrouble {
    fn from(error: &io::Error) -> Self {
        // Our own side of the stream says what it means.
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

/// Nothing of what the server says in words, which may be anything.
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

/// What went wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SmtpFailure {
    pub stage: SmtpStage,
    pub trouble: SmtpTrouble,
}

impl SmtpFailure {
    /// The conversation was given up in the middle, nobody knows where.
    pub(super) fn stopped() -> Self {
        Self { stage: SmtpStage::Content, trouble: SmtpTrouble::Stopped }
    }

    /// The server's mind is made up.
    pub(super) fn is_final(&self) -> bool {
        matches!(self.trouble, SmtpTrouble::Code { code: 500..=599, .. } | SmtpTrouble::Unfit(_))
    }

    /// The mail may have been accepted all the same.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.stage == SmtpStage::Content
            && matches!(self.trouble, SmtpTrouble::Timeout | SmtpTrouble::Stopped | SmtpTrouble::Broken(_))
    }

    /// Nothing more comes over this connection.
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
