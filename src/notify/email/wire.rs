//! The bytes of an SMTP conversation: TLS where it is asked for, and replies of a bounded size.
//!
//! What a server says is bounded here, whatever it says and however it is encrypted. TLS has bounds of
//! its own: a record, a handshake message and a certificate have a largest size.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use super::failure::Trouble;

/// The longest reply that is read, in bytes: real ones have some hundred.
const REPLY: usize = 64 * 1024;

/// What bytes go over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// How to be sure of a server.
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Tls {
    /// For the server `host`, trusting the bundled authorities and `roots` (DER); those that can't be
    /// read are left out, as machines have odd ones. There is no way to do without verification.
    ///
    /// # Errors
    /// TLS can't be set up.
    pub fn new(host: &str, roots: &[Vec<u8>]) -> Result<Self, String> {
        let wrong = "TLS can't be set up";
        let mut trusted = RootCertStore::empty();
        trusted.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
        trusted.add_parsable_certificates(roots.iter().map(|der| CertificateDer::from_slice(der)));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|_| wrong)?.with_root_certificates(trusted).with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).map_err(|_| wrong)?;
        Ok(Self { config: Arc::new(config), name })
    }
}

/// What a server said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub code: u16,
    /// Its lines as they came, each with the code.
    text: String,
}

impl Reply {
    /// What its lines say behind the code.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.lines().map(|line| line.get(4..).unwrap_or_default())
    }

    /// The class of its code: 2 is yes, 3 go on, 4 later, 5 no.
    pub fn class(&self) -> u16 {
        self.code / 100
    }
}

/// A conversation's bytes in both directions.
pub(super) struct Wire(BufReader<Box<dyn Stream>>);

impl Wire {
    /// A conversation over `stream`.
    pub fn over(stream: impl Stream + 'static) -> Self {
        Self(BufReader::new(Box::new(stream)))
    }

    /// Connects, without TLS for now.
    pub async fn connect(host: &str, port: u16) -> Result<Self, Trouble> {
        let unknown = || Trouble::Broken("no connection (the host's name was not found)".to_owned());
        let addresses: Vec<_> = lookup_host((host, port)).await.map_err(|_| unknown())?.collect();
        Ok(Self::over(TcpStream::connect(&addresses[..]).await?))
    }

    /// Goes on under TLS.
    pub async fn encrypt(self, tls: &Tls) -> Result<Self, Trouble> {
        // Whoever can write into the connection could otherwise say in the clear what would be taken for
        // the server's words under TLS.
        if !self.0.buffer().is_empty() {
            return Err(Trouble::Broken("something was said ahead of TLS".to_owned()));
        }
        let connector = TlsConnector::from(Arc::clone(&tls.config));
        Ok(Self::over(connector.connect(tls.name.clone(), self.0.into_inner()).await?))
    }

    /// Says something.
    pub async fn say(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        // An answer ahead of the question would be taken for the answer to it, and every later one too.
        if !self.0.buffer().is_empty() {
            return Err(Trouble::no_smtp());
        }
        self.0.write_all(bytes).await?;
        Ok(self.0.flush().await?)
    }

    /// Waits for a whole reply.
    pub async fn reply(&mut self) -> Result<Reply, Trouble> {
        reply(&mut self.0).await
    }

    /// Nothing more will be said.
    pub async fn shut(&mut self) {
        // Nobody waits for an answer to this.
        let _ = self.0.shutdown().await;
    }
}

async fn reply(from: &mut (impl AsyncBufRead + Unpin)) -> Result<Reply, Trouble> {
    let mut bytes = Vec::new();
    let mut code = None;
    loop {
        let begins = bytes.len();
        let room = u64::try_from(REPLY - begins).unwrap_or_default();
        (&mut *from).take(room).read_until(b'\n', &mut bytes).await?;
        let line = &bytes[begins..];
        if line.last() != Some(&b'\n') {
            return Err(if bytes.len() >= REPLY { Trouble::flood() } else { Trouble::no_smtp() });
        }
        let (said, is_last) = head(line).ok_or_else(Trouble::no_smtp)?;
        if *code.get_or_insert(said) != said {
            return Err(Trouble::no_smtp());
        }
        if is_last {
            return Ok(Reply { code: said, text: String::from_utf8_lossy(&bytes).into_owned() });
        }
    }
}

/// The code that a line begins with, and whether it is the last one of its reply.
fn head(line: &[u8]) -> Option<(u16, bool)> {
    let (digits, rest) = line.split_at_checked(3)?;
    let code = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    let is_last = match rest.first()? {
        b'-' => false,
        b' ' | b'\r' | b'\n' => true,
        _ => return None,
    };
    Some((code.parse().ok()?, is_last))
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, BufReader, ReadBuf};

    use super::{REPLY, Tls, head, reply};

    /// Says the same again and again, and counts what is taken.
    struct Endless {
        words: &'static [u8],
        taken: usize,
    }

    impl AsyncRead for Endless {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            into: &mut ReadBuf<'_>,
        ) -> Poll<std::io::Result<()>> {
            while into.remaining() > 0 {
                let byte = self.words[self.taken % self.words.len()];
                into.put_slice(&[byte]);
                self.taken += 1;
            }
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn no_more_is_taken_than_a_reply_can_be() {
        for (words, most) in [
            (&b"2"[..], REPLY),
            (b"\0\xff", REPLY),
            (b"250-on and on\r\n", REPLY),
            (b"250-\n", REPLY),
            // What is no reply is not read further.
            (b"\xff\n", 0),
            (b"250-a\r\n251-b\r\n", 0),
            (b"\n", 0),
        ] {
            let mut from = BufReader::new(Endless { words, taken: 0 });
            let trouble = reply(&mut from).await.unwrap_err();
            // The buffer takes in what it has room for.
            let taken = from.get_ref().taken;
            assert!(taken <= most + 8 * 1024, "{words:?}: {taken} bytes, {trouble:?}");
        }
    }

    #[tokio::test]
    async fn replies_by_table() {
        for (text, right) in [
            ("220 hi\r\n", Some((220, vec!["hi"]))),
            ("220\r\n", Some((220, vec![""]))),
            ("250-a\r\n250-\r\n250 b\r\nmore", Some((250, vec!["a", "", "b"]))),
            ("250-a\n250 b\n", Some((250, vec!["a", "b"]))),
            ("250 ä\u{0}\r\n", Some((250, vec!["ä\u{0}"]))),
            ("250-a\r\n", None),
            ("250-a\r\n550 b\r\n", None),
            ("250 a", None),
            ("25 a\r\n", None),
            ("2500 a\r\n", None),
            ("+50 a\r\n", None),
            ("SSH-2.0-OpenSSH_9.9\r\n", None),
            ("\r\n", None),
            ("", None),
        ] {
            let got = reply(&mut text.as_bytes()).await.ok();
            let got = got.as_ref().map(|reply| (reply.code, reply.lines().collect::<Vec<_>>()));
            assert_eq!(got, right, "{text:?}");
        }
    }

    #[test]
    fn heads() {
        assert_eq!(head(b"250-\xff"), Some((250, false)));
        assert_eq!(head("25ä ".as_bytes()), None);
    }

    #[test]
    fn names_that_a_certificate_can_not_have() {
        assert!(Tls::new("mail.example.com", &[]).is_ok() && Tls::new("::1", &[]).is_ok());
        assert_eq!(Tls::new("a b", &[]).err().as_deref(), Some("TLS can't be set up"));
    }
}
