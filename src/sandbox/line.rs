//! A connection that can be cut in the middle, which an HTTP server does not offer.
//!
//! A handler decides what happens to its connection, and says it through a [`Cutter`]; the stream does it when the
//! server writes the answer.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// What happens to the bytes that the server writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// They are sent.
    Sent,
    /// The head is sent, and this number of bytes of the body.
    Cut { body: usize },
    /// This number of further bytes is sent.
    Left(usize),
    /// The connection ends as if the process had died: with a plain end of the stream, or a reset.
    Dead { reset: bool },
}

/// Through it a handler cuts its own connection.
#[derive(Clone, Debug)]
pub(super) struct Cutter(Arc<Mutex<Fate>>);

impl Cutter {
    fn fate(&self) -> Fate {
        *self.0.lock()
    }

    fn set(&self, fate: Fate) {
        *self.0.lock() = fate;
    }

    /// Sends the head of the answer and `body` bytes, then ends the connection.
    pub(super) fn cut_after(&self, body: usize) {
        self.set(Fate::Cut { body });
    }

    /// Ends the connection instead of answering.
    pub(super) fn drop_line(&self, reset: bool) {
        self.set(Fate::Dead { reset });
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for Cutter {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.io().cutter.clone()
    }
}

/// A listener whose connections can be cut.
pub(super) struct CuttableListener(pub(super) TcpListener);

impl Listener for CuttableListener {
    type Io = CuttableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (CuttableStream, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Small answers that wait for one another would slow down every test. It also works without.
        let _ = stream.set_nodelay(true);
        (CuttableStream { stream, cutter: Cutter(Arc::new(Mutex::new(Fate::Sent))) }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// One connection.
pub(super) struct CuttableStream {
    stream: TcpStream,
    cutter: Cutter,
}

/// Where the body begins in the first bytes of an answer: the server writes a head in one piece.
fn head_length(bytes: &[u8]) -> usize {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4)
}

impl AsyncRead for CuttableStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let left = match self.cutter.fate() {
            Fate::Sent => return Pin::new(&mut self.stream).poll_write(cx, bytes),
            Fate::Cut { body } => head_length(bytes) + body,
            Fate::Left(left) => left,
            Fate::Dead { reset } => {
                if reset {
                    let _ = self.stream.set_zero_linger();
                }
                0
            }
        };
        if left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let now = &bytes[..left.min(bytes.len())];
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, now))?;
        self.cutter.set(Fate::Left(left - written));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
