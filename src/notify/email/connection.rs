//! One SMTP conversation.
//!
//! It is our own: only so it is known at which word something went wrong, nothing that a server says is
//! read without a bound, and nothing that came in the clear is believed under TLS.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::Address;
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout, timeout_at};

use super::failure::{Failure, Stage, Trouble};
use super::wire::{Reply, Tls, Wire};
use crate::model::smtp::{Login, Protection, SmtpAddress};

/// How long goodbyes may take: they matter to nobody.
const GOODBYE: Duration = Duration::from_secs(2);

/// The classes of replies that say yes, and go on.
const YES: u16 = 2;
const GO_ON: u16 = 3;

/// A server that is ready for mail.
pub(super) struct Connection {
    wire: Wire,
    offers: Offers,
}

/// What a server offers, as far as it matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Offers {
    starttls: bool,
    /// Logins.
    plain: bool,
    login: bool,
}

impl Connection {
    /// Connects, encrypts, logs in.
    pub async fn open(server: &SmtpAddress, tls: &Tls, by: Instant) -> Result<Self, Failure> {
        let mut wire = step(Stage::Connect, by, Wire::connect(&server.host, server.port)).await?;
        if server.protection == Protection::Tls {
            wire = step(Stage::Connect, by, wire.encrypt(tls)).await?;
        }
        step(Stage::Connect, by, async { expect(wire.reply().await?, &[YES]) }).await?;
        let mut connection = Self { wire, offers: Offers::default() };
        connection.hello(by).await?;
        if server.protection == Protection::StartTls {
            if !connection.offers.starttls {
                return unfit(Stage::Connect, "the server offers no STARTTLS");
            }
            connection.ask(Stage::Connect, by, "STARTTLS", &[YES]).await?;
            let wire = step(Stage::Connect, by, connection.wire.encrypt(tls)).await?;
            connection = Self { wire, offers: Offers::default() };
            connection.hello(by).await?;
        }
        if let Some(login) = &server.login {
            connection.log_in(login, by).await?;
        }
        Ok(connection)
    }

    async fn hello(&mut self, by: Instant) -> Result<(), Failure> {
        let reply = self.ask(Stage::Connect, by, &format!("EHLO {}", own_name()), &[YES]).await?;
        self.offers = offers(&reply);
        Ok(())
    }

    async fn log_in(&mut self, login: &Login, by: Instant) -> Result<(), Failure> {
        let (user, password) = (login.user.as_str(), login.password.expose_secret());
        let words = if self.offers.plain {
            let both = STANDARD.encode(format!("\0{user}\0{password}"));
            // Some servers overhear what stands beside the command, and ask for it.
            vec![format!("AUTH PLAIN {both}"), both]
        } else if self.offers.login {
            vec!["AUTH LOGIN".to_owned(), STANDARD.encode(user), STANDARD.encode(password)]
        } else {
            return unfit(Stage::Login, "the server offers no login by PLAIN or LOGIN");
        };
        for word in words {
            if self.ask(Stage::Login, by, &word, &[YES, GO_ON]).await?.class() == YES {
                return Ok(());
            }
        }
        Err(Failure { stage: Stage::Login, trouble: Trouble::no_smtp() })
    }

    /// Begins a mail.
    pub async fn begin(&mut self, from: &Address, by: Instant) -> Result<(), Failure> {
        self.ask(Stage::Sender, by, &format!("MAIL FROM:<{from}>"), &[YES]).await?;
        Ok(())
    }

    /// Hands in the mail that was begun.
    pub async fn hand_in(&mut self, to: &Address, mail: &[u8], by: Instant) -> Result<(), Failure> {
        self.ask(Stage::Recipient, by, &format!("RCPT TO:<{to}>"), &[YES]).await?;
        self.ask(Stage::Data, by, "DATA", &[GO_ON]).await?;
        self.exchange(Stage::Content, by, &ended(mail), &[YES]).await?;
        Ok(())
    }

    /// Itself, if after this result it is good for another mail.
    pub async fn reusable(mut self, result: &Result<(), Failure>) -> Option<Self> {
        match result {
            Ok(()) => Some(self),
            Err(failure) if failure.connection_is_lost() => None,
            Err(failure) => {
                let by = Instant::now() + GOODBYE;
                self.ask(failure.stage, by, "RSET", &[YES]).await.is_ok().then_some(self)
            }
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        let goodbye = async {
            if self.wire.say(b"QUIT\r\n").await.is_ok() {
                let _ = self.wire.reply().await;
            }
            self.wire.shut().await;
        };
        let _ = timeout(GOODBYE, goodbye).await;
    }

    /// One command, which is one line, and the reply to it.
    async fn ask(&mut self, stage: Stage, by: Instant, line: &str, right: &[u16]) -> Result<Reply, Failure> {
        self.exchange(stage, by, format!("{line}\r\n").as_bytes(), right).await
    }

    async fn exchange(&mut self, stage: Stage, by: Instant, bytes: &[u8], right: &[u16]) -> Result<Reply, Failure> {
        let said = async {
            self.wire.say(bytes).await?;
            expect(self.wire.reply().await?, right)
        };
        step(stage, by, said).await
    }
}

async fn step<T>(stage: Stage, by: Instant, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Failure> {
    let done = timeout_at(by, work).await.unwrap_or(Err(Trouble::Timeout));
    done.map_err(|trouble| Failure { stage, trouble })
}

fn unfit<T>(stage: Stage, what: &'static str) -> Result<T, Failure> {
    Err(Failure { stage, trouble: Trouble::Unfit(what) })
}

/// A reply of one of these classes; a yes to another question is no answer.
fn expect(reply: Reply, right: &[u16]) -> Result<Reply, Trouble> {
    match reply.class() {
        class if right.contains(&class) => Ok(reply),
        4 | 5 => Err(Trouble::Code { code: reply.code, enhanced: enhanced(&reply) }),
        _ => Err(Trouble::no_smtp()),
    }
}

/// The enhanced status code (`5.1.1`) that the server's text begins with, if it does.
fn enhanced(reply: &Reply) -> Option<String> {
    let code = reply.lines().next()?.split_whitespace().next()?;
    let number = |field: &str| (1..=3).contains(&field.len()) && field.bytes().all(|byte| byte.is_ascii_digit());
    (code.split('.').count() == 3 && code.split('.').all(number)).then(|| code.to_owned())
}

/// Reads the answer to `EHLO`.
fn offers(reply: &Reply) -> Offers {
    let mut offers = Offers::default();
    for line in reply.lines() {
        let mut words = line.split_ascii_whitespace();
        match words.next().map(str::to_ascii_uppercase).as_deref() {
            Some("STARTTLS") => offers.starttls = true,
            Some("AUTH") => {
                for word in words {
                    offers.plain |= word.eq_ignore_ascii_case("PLAIN");
                    offers.login |= word.eq_ignore_ascii_case("LOGIN");
                }
            }
            _ => {}
        }
    }
    offers
}

/// What we call ourselves; names with odd signs are refused by servers.
fn own_name() -> String {
    let name = hostname::get().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if !name.is_empty() && name.bytes().all(plain) { name } else { "[127.0.0.1]".to_owned() }
}

/// A mail as it travels: a dot alone in a line ends it, so every dot that begins a line is doubled.
fn ended(mail: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(mail.len() + 64);
    let mut line_begins = true;
    for &byte in mail {
        if line_begins && byte == b'.' {
            bytes.push(b'.');
        }
        // A lone line feed is a line end to some servers and none to others.
        if byte == b'\n' && bytes.last() != Some(&b'\r') {
            bytes.push(b'\r');
        }
        bytes.push(byte);
        line_begins = byte == b'\n';
    }
    if !line_begins {
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b".\r\n");
    bytes
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, duplex};
    use tokio::time::Instant;

    use super::{Connection, Offers, Wire, ended};
    use crate::model::smtp::Login;
    use crate::notify::testing::TIMEOUT;

    #[tokio::test]
    async fn logins_by_table() {
        let (plain, user, password) = ("AHUAcHc=", "dQ==", "cHc=");
        let with_plain = format!("AUTH PLAIN {plain}");
        for (offer, answers, asked, right) in [
            ("AUTH PLAIN LOGIN", vec!["235 in"], vec![with_plain.as_str()], true),
            ("AUTH LOGIN plain", vec!["334", "235 in"], vec![&with_plain, plain], true),
            ("auth XOAUTH2 Login", vec!["334 user", "334 word", "235 in"], vec!["AUTH LOGIN", user, password], true),
            ("AUTH LOGIN", vec!["334 user", "535 5.7.8 no"], vec!["AUTH LOGIN", user], false),
            ("AUTH PLAIN", vec!["334", "334"], vec![&with_plain, plain], false),
            ("AUTH XOAUTH2", vec![], vec![], false),
            ("SIZE 5", vec![], vec![], false),
        ] {
            let (client, server) = duplex(1_024);
            let mut connection = Connection { wire: Wire::over(client), offers: Offers::default() };
            let script = [vec!["250-hi"], vec![offer], answers].concat();
            let heard = tokio::spawn(answer(server, script.iter().map(ToString::to_string).collect()));
            let by = Instant::now() + TIMEOUT;
            connection.hello(by).await.unwrap();
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
            if let Some(answer) = answers.next() {
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    }

    #[test]
    fn dots() {
        for (mail, right) in [
            ("a\r\n", "a\r\n.\r\n"),
            ("a", "a\r\n.\r\n"),
            ("", ".\r\n"),
            (".\r\n..\r\na.b\r\n.c", "..\r\n...\r\na.b\r\n..c\r\n.\r\n"),
            ("a\n.\nb\r\n", "a\r\n..\r\nb\r\n.\r\n"),
        ] {
            assert_eq!(String::from_utf8(ended(mail.as_bytes())).unwrap(), right, "{mail:?}");
        }
    }
}
