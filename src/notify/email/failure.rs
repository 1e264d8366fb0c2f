//! What can go wrong in an SMTP conversation, and where.

use std::fmt;
use std::io;

use crate::notify::response::io_cause;

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

impl Trouble {
    /// What came is not what a mail server says here.
    pub fn no_smtp() -> Self {
        Self::Broken("no SMTP, or the connection broke off,".to_owned())
    }

    /// More came than any mail server says.
    pub fn flood() -> Self {
        Self::Broken("an answer without end".to_owned())
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Broken(format!("no connection ({})", io_cause(&error)))
    }
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
