//! The stream under lettre's SMTP client: TLS where it is asked for, and replies of limited size, in the form that
//! lettre reads.
//!
//! That client reads lines of any length, and keeps what it has read beyond a reply, also from before TLS. So it gets
//! one line at a time, the rest stays here, and nothing may be left when it sends. This holds under TLS, too; TLS
//! itself limits the size of records, handshake messages and certificates.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::{fmt, io};

use lettre::transport::smtp::client::AsyncTokioStream;
use parking_lot::{Mutex, MutexGuard};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio_rustls::TlsConnector;

use super::failure::SmtpTrouble;
use super::trust::Trust;

/// The longest reply that is read, in bytes. Real replies have some hundred bytes, and lettre parses a reply again with
/// each of its lines.
const REPLY: usize = 8 * 1024;
/// The largest number of lines of a reply, for the same reason.
const LINES: usize = 600;

/// The connection below: TCP or TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// How a server is verified.
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Tls {
    /// Verifies the server `host` by the bundled authorities and `roots` (DER); roots that cannot be read are left out,
    /// since machines have odd ones. Verification cannot be turned off.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub(super) fn new(host: &str, roots: &[Vec<u8>]) -> Result<Self, String> {
        let wrong = "TLS can't be set up";
        let mut trusted = RootCertStore::empty();
        trusted.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
        let own: Vec<CertificateDer<'static>> = roots.iter().map(|der| CertificateDer::from(der.clone())).collect();
        trusted.add_parsable_certificates(own.iter().cloned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let trust = Trust::new(trusted, own, Arc::clone(&provider)).map_err(|_| wrong)?;
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|_| wrong)?.dangerous().with_custom_certificate_verifier(Arc::new(trust));
        let config = config.with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).map_err(|_| wrong)?;
        Ok(Self { config: Arc::new(config), name })
    }
}

/// The bytes of a conversation in both directions. lettre's client does not return its stream, so it gets a clone.
#[derive(Clone)]
pub(super) struct Wire(Arc<Mutex<Inner>>);

struct Inner {
    stream: BufReader<Box<dyn Stream>>,
    /// How many bytes the reply may still have.
    room: usize,
    /// The reply's lines so far.
    lines: usize,
    /// The line that is being received.
    line: Vec<u8>,
    /// What lettre reads next.
    ready: VecDeque<u8>,
}

impl Wire {
    /// A conversation over `stream`.
    pub(super) fn over(stream: impl Stream + 'static) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            stream: BufReader::new(Box::new(stream)),
            room: REPLY,
            lines: 0,
            line: Vec::new(),
            ready: VecDeque::new(),
        })))
    }

    /// Continues under TLS. There must not be a clone any more.
    pub(super) async fn encrypt(self, tls: &Tls) -> Result<Self, SmtpTrouble> {
        let inner = Arc::into_inner(self.0).map(Mutex::into_inner).ok_or_else(SmtpTrouble::no_smtp)?;
        if !(inner.stream.buffer().is_empty() && inner.line.is_empty() && inner.ready.is_empty()) {
            return Err(SmtpTrouble::Broken("the server sent something before TLS began".to_owned()));
        }
        let connector = TlsConnector::from(Arc::clone(&tls.config));
        Ok(Self::over(connector.connect(tls.name.clone(), inner.stream.into_inner()).await?))
    }

    /// Adds a greeting, for a client that waits for one where the server does not send it: after `STARTTLS`.
    pub(super) fn greeted(self) -> Self {
        self.lock().ready = VecDeque::from(*b"220 TLS\r\n");
        self
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock()
    }
}

impl AsyncRead for Wire {
    /// Reads at most one line.
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let inner = &mut *self.lock();
        while inner.ready.is_empty() {
            let said = ready!(Pin::new(&mut inner.stream).poll_fill_buf(cx))?;
            if inner.room == 0 && !said.is_empty() {
                return Poll::Ready(Err(SmtpTrouble::flood().into()));
            }
            let line = said.split_inclusive(|&byte| byte == b'\n').next().unwrap_or_default();
            let line = &line[..line.len().min(inner.room)];
            inner.line.extend_from_slice(line);
            let taken = line.len();
            inner.room -= taken;
            Pin::new(&mut inner.stream).consume(taken);
            let is_whole = inner.line.ends_with(b"\n");
            inner.lines += usize::from(is_whole);
            if inner.lines >= LINES {
                inner.room = 0;
            }
            if is_whole || taken == 0 || inner.room == 0 {
                let line = std::mem::take(&mut inner.line);
                if line.is_empty() {
                    // The connection has ended.
                    return Poll::Ready(Ok(()));
                }
                inner.ready = if is_whole { as_lettre_reads(&line).into() } else { line.into() };
            }
        }
        let part = inner.ready.len().min(into.remaining());
        for byte in inner.ready.drain(..part) {
            // Some servers send other encodings than UTF-8, which lettre requires.
            into.put_slice(&[if byte.is_ascii() { byte } else { b'?' }]);
        }
        Poll::Ready(Ok(()))
    }
}

/// The line in the form that lettre reads. Some servers send `250` without a space, end lines with a line feed alone,
/// and spell what they offer in small letters or, as was usual once, `AUTH=LOGIN`.
fn as_lettre_reads(line: &[u8]) -> Vec<u8> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut read = line.to_vec();
    if line.len() >= 3 && line[..3].iter().all(u8::is_ascii_digit) {
        match read.get_mut(3) {
            None => read.push(b' '),
            Some(b'-') => {}
            Some(other) if other.is_ascii_whitespace() => *other = b' ',
            Some(_) => {}
        }
        if line.starts_with(b"250") {
            read[4..].make_ascii_uppercase();
            if read[4..].starts_with(b"AUTH=") {
                read[8] = b' ';
            }
            // lettre needs a word in the answer to `EHLO`.
            if read[4..].trim_ascii().is_empty() {
                read.extend_from_slice(b"OK");
            }
        }
    }
    read.extend_from_slice(b"\r\n");
    read
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let inner = &mut *self.lock();
        // An answer that comes before its command would be taken for the answer to it, and so would every later one.
        if !(inner.stream.buffer().is_empty() && inner.line.is_empty() && inner.ready.is_empty()) {
            return Poll::Ready(Err(SmtpTrouble::no_smtp().into()));
        }
        (inner.room, inner.lines) = (REPLY, 0);
        Pin::new(&mut inner.stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Wire {
    /// lettre's client does not call this.
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::{LINES, REPLY, Tls, Wire};
    use crate::receivers::email::failure::SmtpTrouble;

    async fn read(wire: &mut Wire) -> std::io::Result<String> {
        let mut bytes = vec![0; 2 * REPLY];
        let taken = wire.read(&mut bytes).await?;
        Ok(String::from_utf8(bytes[..taken].to_vec()).unwrap())
    }

    #[tokio::test]
    async fn no_more_is_taken_than_a_reply_can_be() {
        for words in [&b"2"[..], b"\0\xff", b"250-on and on\r\n", b"250-\n"] {
            let (client, mut server) = duplex(1_024);
            let flood = words.repeat(8_192);
            tokio::spawn(async move { while server.write_all(&flood).await.is_ok() {} });
            let mut wire = Wire::over(client);
            let mut taken = 0;
            let error = loop {
                match read(&mut wire).await {
                    Ok(text) => taken += text.len(),
                    Err(error) => break error,
                }
            };
            // The number of lines is limited, too.
            let right = if words == b"250-\n" { "250-OK\r\n".len() * LINES } else { REPLY };
            assert_eq!(taken, right, "{words:?}");
            assert_eq!((error.kind(), SmtpTrouble::from(&error)), (ErrorKind::InvalidData, SmtpTrouble::flood()));
            // The stream stays closed.
            assert!(read(&mut wire).await.is_err() && wire.write_all(b"QUIT\r\n").await.is_err(), "{words:?}");
        }
    }

    #[tokio::test]
    async fn every_reply_has_room_anew() {
        let (client, mut server) = duplex(2 * REPLY);
        let mut wire = Wire::over(client);
        for _ in 0..3 {
            server.write_all(&vec![b'2'; REPLY]).await.unwrap();
            let mut bytes = vec![0; REPLY];
            wire.read_exact(&mut bytes).await.unwrap();
            wire.write_all(b"NOOP\r\n").await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_line_at_a_time_and_nothing_is_said_while_there_is_more() {
        let (client, mut server) = duplex(1_024);
        let mut wire = Wire::over(client).greeted();
        server.write_all(b"250-\xe4\r\n\n250 b\r\n235 welcome\r\n").await.unwrap();
        for right in ["220 TLS\r\n", "250-?\r\n", "\r\n", "250 B\r\n"] {
            assert_eq!(read(&mut wire).await.unwrap(), right);
        }
        let error = wire.write_all(b"EHLO me\r\n").await.unwrap_err();
        assert_eq!((error.kind(), SmtpTrouble::from(&error)), (ErrorKind::InvalidData, SmtpTrouble::no_smtp()));
        assert_eq!(read(&mut wire).await.unwrap(), "235 welcome\r\n");
        wire.write_all(b"EHLO me\r\n").await.unwrap();
        drop(server);
        assert_eq!(read(&mut wire).await.unwrap(), "");
    }

    #[test]
    fn lines_as_lettre_reads_them() {
        for (line, right) in [
            ("250\r\n", "250 OK\r\n"),
            ("250-\r\n", "250-OK\r\n"),
            ("334\n", "334 \r\n"),
            ("250-auth=login plain\r\n", "250-AUTH LOGIN PLAIN\r\n"),
            ("250-StartTLS\n", "250-STARTTLS\r\n"),
            ("250\tok\r\n", "250 OK\r\n"),
            ("334 VXNlcm5hbWU6\r\n", "334 VXNlcm5hbWU6\r\n"),
            ("550 5.1.1 no such user\r\n", "550 5.1.1 no such user\r\n"),
            ("25\r\n", "25\r\n"),
            ("\r\n", "\r\n"),
        ] {
            assert_eq!(String::from_utf8(super::as_lettre_reads(line.as_bytes())).unwrap(), right, "{line:?}");
        }
    }

    #[tokio::test]
    async fn a_line_in_pieces_is_one() {
        let (client, mut server) = duplex(1_024);
        let mut wire = Wire::over(client);
        let pieces = async {
            for piece in ["25", "0-st", "arttls\r", "\n25", "0\r\n"] {
                server.write_all(piece.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let lines = async { (read(&mut wire).await.unwrap(), read(&mut wire).await.unwrap()) };
        let ((first, second), ()) = tokio::join!(lines, pieces);
        assert_eq!((first.as_str(), second.as_str()), ("250-STARTTLS\r\n", "250 OK\r\n"));
    }

    #[test]
    fn names_that_a_certificate_can_not_have() {
        assert!(Tls::new("mail.example.com", &[]).is_ok() && Tls::new("::1", &[]).is_ok());
        assert_eq!(Tls::new("a b", &[]).err().as_deref(), Some("TLS can't be set up"));
    }
}
