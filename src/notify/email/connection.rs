//! One SMTP conversation, and where in it something went wrong.
//!
//! It is led by lettre's client, over a stream of ours that bounds what a server says.

use std::fmt::Display;
use std::net::Ipv4Addr;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset, Starttls};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Response, Severity};
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout, timeout_at};

use super::failure::{Failure, Stage, Trouble};
use super::reach;
use super::wire::{Tls, Wire};
use crate::model::smtp::{Login, Protection, SmtpAddress};

/// How long goodbyes may take: they matter to nobody.
const GOODBYE: Duration = Duration::from_secs(2);

const YES: Severity = Severity::PositiveCompletion;
const GO_ON: Severity = Severity::PositiveIntermediate;

/// A server that is ready for mail.
pub(super) struct Connection(Box<AsyncSmtpConnection>);

impl Connection {
    /// Connects, encrypts, logs in.
    pub async fn open(server: &SmtpAddress, tls: &Tls, by: Instant) -> Result<Self, Failure> {
        let within = by.saturating_duration_since(Instant::now());
        let stream = step(Stage::Connect, by, reach::connect(&server.host, server.port, within)).await?;
        let mut wire = Wire::over(stream);
        if server.protection == Protection::Tls {
            wire = step(Stage::Connect, by, wire.encrypt(tls)).await?;
        }
        let mut connection = Self::greet(wire.clone(), by).await?;
        if server.protection == Protection::StartTls {
            if !connection.0.can_starttls() {
                return unfit(Stage::Connect, "the server offers no STARTTLS");
            }
            connection.ask(Stage::Connect, by, Starttls, YES).await?;
            // Not by lettre's own way to go on: under TLS, too, its client is to read from our stream.
            drop(connection);
            let encrypted = step(Stage::Connect, by, wire.encrypt(tls)).await?;
            connection = Self::greet(encrypted.greeted(), by).await?;
        }
        if let Some(login) = &server.login {
            connection.log_in(login, by).await?;
        }
        Ok(connection)
    }

    /// Hears the greeting and says ours.
    async fn greet(wire: Wire, by: Instant) -> Result<Self, Failure> {
        let (wire, hello) = (Box::new(wire), hello());
        step(Stage::Connect, by, AsyncSmtpConnection::connect_with_transport(wire, &hello))
            .await
            .map(|smtp| Self(Box::new(smtp)))
    }

    async fn log_in(&mut self, login: &Login, by: Instant) -> Result<(), Failure> {
        let mechanisms = [Mechanism::Plain, Mechanism::Login];
        if self.0.server_info().get_auth_mechanism(&mechanisms).is_none() {
            return unfit(Stage::Login, "the server offers no login by PLAIN or LOGIN");
        }
        let credentials = Credentials::new(login.user.clone(), login.password.expose_secret().to_owned());
        step(Stage::Login, by, expect(YES, self.0.auth(&mechanisms, &credentials))).await
    }

    /// Begins a mail.
    pub async fn begin(&mut self, from: &Address, by: Instant) -> Result<(), Failure> {
        self.ask(Stage::Sender, by, Mail::new(Some(from.clone()), Vec::new()), YES).await
    }

    /// Hands in the mail that was begun.
    pub async fn hand_in(&mut self, to: &Address, mail: &[u8], by: Instant) -> Result<(), Failure> {
        self.ask(Stage::Recipient, by, Rcpt::new(to.clone(), Vec::new()), YES).await?;
        self.ask(Stage::Data, by, Data, GO_ON).await?;
        // lettre ends the last line.
        let mail = mail.strip_suffix(b"\r\n").unwrap_or(mail);
        step(Stage::Content, by, expect(YES, self.0.message(mail))).await
    }

    /// Itself, if after this result it is good for another mail.
    pub async fn reusable(mut self, result: &Result<(), Failure>) -> Option<Self> {
        match result {
            Ok(()) => Some(self),
            Err(failure) if failure.connection_is_lost() => None,
            Err(failure) => {
                let by = Instant::now() + GOODBYE;
                self.ask(failure.stage, by, Rset, YES).await.is_ok().then_some(self)
            }
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        let _ = timeout(GOODBYE, self.0.abort()).await;
    }

    async fn ask(&mut self, stage: Stage, by: Instant, what: impl Display, right: Severity) -> Result<(), Failure> {
        step(stage, by, expect(right, self.0.command(what))).await
    }
}

async fn step<T, E: Into<Trouble>>(
    stage: Stage,
    by: Instant,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure> {
    let done = timeout_at(by, work).await.map_or(Err(Trouble::Timeout), |done| done.map_err(Into::into));
    done.map_err(|trouble| Failure { stage, trouble })
}

fn unfit<T>(stage: Stage, what: &'static str) -> Result<T, Failure> {
    Err(Failure { stage, trouble: Trouble::Unfit(what) })
}

/// A yes to another question is no answer; to lettre every yes is one.
async fn expect(right: Severity, answer: impl Future<Output = Result<Response, Error>>) -> Result<(), Trouble> {
    if answer.await?.code().severity == right { Ok(()) } else { Err(Trouble::no_smtp()) }
}

/// What we call ourselves; names with odd signs are refused by servers.
fn hello() -> ClientId {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    match ClientId::default() {
        ClientId::Domain(name) if name.is_empty() || !name.bytes().all(plain) => ClientId::Ipv4(Ipv4Addr::LOCALHOST),
        own => own,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, duplex};
    use tokio::time::Instant;

    use super::{Connection, Wire};
    use crate::model::smtp::Login;
    use crate::notify::testing::TIMEOUT;

    #[tokio::test]
    async fn logins_by_table() {
        let (plain, user, password) = ("AUTH PLAIN AHUAcHc=", "dQ==", "cHc=");
        let (ask_user, ask_password) = ("334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6");
        for (offer, answers, asked, right) in [
            ("AUTH PLAIN LOGIN", vec!["235 in"], vec![plain], true),
            ("AUTH XOAUTH2 LOGIN", vec![ask_user, ask_password, "235 in"], vec!["AUTH LOGIN", user, password], true),
            ("AUTH LOGIN", vec![ask_user, "535 5.7.8 no"], vec!["AUTH LOGIN", user, "QUIT"], false),
            ("AUTH LOGIN", vec!["334 gibberish"], vec!["AUTH LOGIN"], false),
            // "Go on" is no yes.
            ("AUTH PLAIN", vec!["354 more"], vec![plain], false),
            ("AUTH XOAUTH2", vec![], vec![], false),
            ("SIZE 5", vec![], vec![], false),
        ] {
            let (client, server) = duplex(1_024);
            let script = [vec!["250-hi"], vec![offer], answers].concat();
            let heard = tokio::spawn(answer(server, script.iter().map(ToString::to_string).collect()));
            let by = Instant::now() + TIMEOUT;
            let mut connection = Connection::greet(Wire::over(client).greeted(), by).await.unwrap();
            let login = Login { user: "u".to_owned(), password: "pw".into() };
            assert_eq!(connection.log_in(&login, by).await.is_ok(), right, "{offer}");
            drop(connection);
            assert_eq!(heard.await.unwrap(), asked, "{offer}");
        }
    }

    /// Answers a client: the first two lines to its `EHLO`, then one line each; gives what else it said.
    async fn answer(stream: tokio::io::DuplexStream, script: Vec<String>) -> Vec<String> {
        let mut stream = BufReader::new(stream);
        let mut heard = Vec::new();
        let hello = format!("{}\r\n250 {}\r\n", script[0], script[1]);
        let mut answers = std::iter::once(hello).chain(script[2..].iter().map(|line| format!("{line}\r\n")));
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return heard[1..].to_vec();
            }
            heard.push(line.trim_end().to_owned());
            let answer = answers.next().unwrap_or_else(|| "221 bye\r\n".to_owned());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }
}
