//! One conversation of the mail sink.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::{Mail, SinkTrouble, SmtpSink, Stage};

/// The longest line.
const LINE: u64 = 64 * 1024;
/// The longest mail.
const MAIL: usize = 1024 * 1024;
/// The most recipients of a mail.
const RECIPIENTS: usize = 100;
/// The longest silence.
const IDLE: Duration = Duration::from_mins(1);

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

struct Session<'a> {
    sink: &'a SmtpSink,
    stream: BufReader<Box<dyn Stream>>,
    encrypted: bool,
    known: bool,
    from: Option<String>,
    to: Vec<String>,
}

/// Whether the conversation continues.
enum Next {
    Line,
    HangUp,
}

/// Talks until one side ends the conversation.
pub(super) async fn run(sink: &SmtpSink, stream: TcpStream) {
    // The client notices whatever goes wrong here.
    let _ = talk(sink, stream).await;
}

async fn talk(sink: &SmtpSink, stream: TcpStream) -> io::Result<()> {
    let settings = &sink.settings;
    let (stream, encrypted): (Box<dyn Stream>, bool) = match &settings.tls {
        Some(tls) if settings.implicit => (encrypt(tls, stream).await?, true),
        _ => (Box::new(stream), false),
    };
    let known = settings.login.is_none();
    let stream = BufReader::new(stream);
    let mut session = Session { sink, stream, encrypted, known, from: None, to: Vec::new() };
    let mut next = session.at(Stage::Greeting, "220 sandbox ESMTP").await?;
    while matches!(next, Next::Line) {
        let Some(line) = session.line().await? else { break };
        let line = String::from_utf8_lossy(&line).into_owned();
        let (verb, rest) = line.split_once(' ').unwrap_or((line.as_str(), ""));
        if verb.eq_ignore_ascii_case("STARTTLS") {
            if session.encrypted {
                next = session.say("503 TLS is on").await?;
                continue;
            }
            let Some(tls) = &settings.tls else {
                next = session.say("502 no TLS here").await?;
                continue;
            };
            session.say("220 go on").await?;
            // Unencrypted bytes that were sent ahead are dropped with the buffer.
            let stream = BufReader::new(encrypt(tls, session.stream.into_inner()).await?);
            session = Session { sink, stream, encrypted: true, known, from: None, to: Vec::new() };
            next = Next::Line;
            continue;
        }
        next = session.answer(verb, rest).await?;
    }
    session.stream.get_mut().shutdown().await
}

async fn encrypt(tls: &Arc<ServerConfig>, stream: impl Stream + 'static) -> io::Result<Box<dyn Stream>> {
    let accepted = timeout(IDLE, TlsAcceptor::from(tls.clone()).accept(stream)).await;
    Ok(Box::new(accepted.map_err(io::Error::from)??))
}

impl Session<'_> {
    async fn answer(&mut self, verb: &str, rest: &str) -> io::Result<Next> {
        match verb.to_ascii_uppercase().as_str() {
            "HELO" => {
                self.sink.greeted(rest);
                self.say("250 sandbox").await
            }
            "EHLO" => {
                self.sink.greeted(rest);
                let offered = self.offered();
                self.say(&offered).await
            }
            "AUTH" => self.auth(rest).await,
            "NOOP" => self.say("250 yes").await,
            "RSET" => {
                self.reset();
                self.say("250 forgotten").await
            }
            "QUIT" => {
                self.say("221 bye").await?;
                Ok(Next::HangUp)
            }
            _ if !self.known => self.say("530 5.7.0 log in first").await,
            "MAIL" => match path(rest, "FROM:") {
                Some(from) if self.from.is_none() => {
                    self.from = Some(from);
                    self.at(Stage::Mail, "250 sender ok").await
                }
                Some(_) => self.say("503 one mail at a time").await,
                None => self.say("501 MAIL FROM:<address>").await,
            },
            "RCPT" => self.rcpt(rest).await,
            "DATA" => self.data().await,
            _ => self.say("500 what?").await,
        }
    }

    fn offered(&self) -> String {
        let mut lines = vec!["sandbox".to_owned(), "8BITMIME".to_owned(), format!("SIZE {MAIL}")];
        if self.sink.settings.tls.is_some() && !self.encrypted {
            lines.push("STARTTLS".to_owned());
        } else if self.sink.settings.login.is_some() {
            lines.push("AUTH PLAIN LOGIN".to_owned());
        }
        let last = lines.len() - 1;
        let dash = |index| if index == last { ' ' } else { '-' };
        let lines = lines.iter().enumerate().map(|(index, line)| format!("250{}{line}", dash(index)));
        lines.collect::<Vec<_>>().join("\r\n")
    }

    async fn auth(&mut self, rest: &str) -> io::Result<Next> {
        let (mechanism, first) = rest.split_once(' ').unwrap_or((rest, ""));
        let given = match (mechanism.to_ascii_uppercase().as_str(), first) {
            ("PLAIN", "") => self.ask("").await?,
            ("PLAIN", first) => Some(first.to_owned()),
            ("LOGIN", first) => {
                let user = if first.is_empty() { self.ask("VXNlcm5hbWU6").await? } else { Some(first.to_owned()) };
                let password = self.ask("UGFzc3dvcmQ6").await?;
                // In the form of PLAIN.
                let decoded = user.as_deref().and_then(decode).zip(password.as_deref().and_then(decode));
                decoded.map(|(user, password)| STANDARD.encode(format!("\0{user}\0{password}")))
            }
            _ => return self.say("504 PLAIN or LOGIN").await,
        };
        let expected = self.sink.settings.login.as_ref().map(|(user, password)| format!("\0{user}\0{password}"));
        if given.as_deref().and_then(decode) == expected {
            self.known = true;
            self.at(Stage::Auth, "235 welcome").await
        } else {
            self.at(Stage::Auth, "535 5.7.8 no").await
        }
    }

    async fn ask(&mut self, challenge: &str) -> io::Result<Option<String>> {
        self.say(&format!("334 {challenge}")).await?;
        Ok(self.line().await?.map(|line| String::from_utf8_lossy(&line).into_owned()))
    }

    async fn rcpt(&mut self, rest: &str) -> io::Result<Next> {
        let Some(to) = path(rest, "TO:") else { return self.say("501 RCPT TO:<address>").await };
        if self.from.is_none() {
            return self.say("503 MAIL first").await;
        }
        if self.to.len() >= RECIPIENTS {
            return self.say("452 too many recipients").await;
        }
        self.to.push(to);
        let trouble = self.to.last().and_then(|to| self.sink.next(Stage::Rcpt, std::slice::from_ref(to)));
        if let Some(SinkTrouble::Code(_)) = trouble {
            self.to.pop();
        }
        self.meet(trouble, "250 recipient ok").await
    }

    async fn data(&mut self) -> io::Result<Next> {
        let Some(from) = self.from.clone().filter(|_| !self.to.is_empty()) else {
            return self.say("503 MAIL and RCPT first").await;
        };
        match self.sink.next(Stage::Data, &self.to) {
            Some(SinkTrouble::Delay(delay)) => sleep(delay).await,
            trouble @ Some(_) => return self.meet(trouble, "").await,
            None => {}
        }
        self.say("354 go on, end with a dot").await?;
        let mut data = Vec::new();
        let mut fits = true;
        loop {
            let Some(line) = self.line().await? else { return Ok(Next::HangUp) };
            if line == b"." {
                break;
            }
            let line = line.strip_prefix(b".").unwrap_or(&line);
            fits = fits && data.len() + line.len() + 2 <= MAIL;
            if fits {
                data.extend_from_slice(line);
                data.extend_from_slice(b"\r\n");
            }
        }
        if !fits {
            self.reset();
            return self.say("552 5.3.4 too long").await;
        }
        let trouble = self.sink.next(Stage::End, &self.to);
        let mail = Mail { from, to: std::mem::take(&mut self.to), data: String::from_utf8_lossy(&data).into_owned() };
        self.reset();
        if matches!(trouble, Some(SinkTrouble::Code(_))) {
            self.sink.refuse_mail();
        } else {
            self.sink.keep(mail);
        }
        self.meet(trouble, "250 kept").await
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }

    async fn at(&mut self, stage: Stage, right: &str) -> io::Result<Next> {
        let trouble = self.sink.next(stage, &self.to);
        if let (Stage::Mail, Some(SinkTrouble::Code(_))) = (stage, trouble) {
            self.reset();
        }
        self.meet(trouble, right).await
    }

    async fn meet(&mut self, trouble: Option<SinkTrouble>, right: &str) -> io::Result<Next> {
        match trouble {
            None => self.say(right).await,
            Some(SinkTrouble::HangUp) => Ok(Next::HangUp),
            Some(SinkTrouble::Delay(delay)) => {
                sleep(delay).await;
                self.say(right).await
            }
            Some(SinkTrouble::Code(code)) => {
                self.say(&format!("{code} {}.0.0 as it was scripted", code / 100)).await?;
                Ok(if code == 421 { Next::HangUp } else { Next::Line })
            }
        }
    }

    async fn say(&mut self, line: &str) -> io::Result<Next> {
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).await?;
        self.stream.get_mut().flush().await?;
        Ok(Next::Line)
    }

    /// The next line without its end; `None` at the end, or if the line is too long or too late.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let mut limited = (&mut self.stream).take(LINE);
        let Ok(read) = timeout(IDLE, limited.read_until(b'\n', &mut line)).await else { return Ok(None) };
        read?;
        if line.pop() != Some(b'\n') {
            return Ok(None);
        }
        line.pop_if(|byte| *byte == b'\r');
        Ok(Some(line))
    }
}

/// The address in `FROM:<…> PARAMETERS`.
fn path(text: &str, keyword: &str) -> Option<String> {
    let (start, rest) = text.split_at_checked(keyword.len())?;
    let (address, _) = rest.trim_start().strip_prefix('<')?.split_once('>')?;
    start.eq_ignore_ascii_case(keyword).then(|| address.to_owned())
}

fn decode(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()
}
