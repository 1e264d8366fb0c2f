//! Prints to the terminal, or to whatever writer it is given.

pub(crate) mod format;
pub(crate) mod kind;

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, thread};

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::time::timeout;

use super::{Ending, Sender, Witness};
use crate::model::{Attempt, Outcome, OutgoingMessage};

/// How long a reader of the output may not read before the attempt ends.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Console {
    out: Arc<Mutex<Box<dyn Write + Send>>>,
    /// The outcome of the text being written, if the reader did not take it in time. Locked for a whole message, so
    /// that two messages do not mix their lines.
    before: AsyncMutex<Option<oneshot::Receiver<io::Result<()>>>>,
    patience: Duration,
}

impl Sender for Console {
    fn send<'a>(
        &'a self,
        parcel: &'a OutgoingMessage,
        ending: &'a Ending,
        _: &'a dyn Witness,
    ) -> BoxFuture<'a, Attempt> {
        Box::pin(ending.bound(Self::send(self, parcel)))
    }
}

impl Console {
    /// Prints to `out`.
    pub(crate) fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out: Arc::new(Mutex::new(out)), before: AsyncMutex::default(), patience: PATIENCE }
    }

    pub(crate) async fn send(&self, parcel: &OutgoingMessage) -> Attempt {
        let Some(text) = format::text(&parcel.body) else {
            return super::refusal::wrong_body(&parcel.body);
        };
        let retry = |reason: String, ambiguous| Outcome::Retry { after: None, reason, ambiguous };
        let stands_still = |ambiguous| retry("nobody reads what the console prints".to_owned(), ambiguous);
        let outcome = match timeout(self.patience, self.print(text)).await {
            Ok(Some(Ok(()))) => Outcome::Delivered,
            Ok(Some(Err(error))) => retry(format!("cannot write to the console: {}", error.kind()), false),
            // The reader may still read it later.
            Err(_) => stands_still(true),
            Ok(None) => stands_still(false),
        };
        outcome.into()
    }

    /// Prints a text; `None`: the text before it still waits for a reader.
    async fn print(&self, text: &str) -> Option<io::Result<()>> {
        let mut before = self.before.lock().await;
        if let Some(known) = before.as_mut() {
            // The outcome does not matter any more: the attempt of that text has ended.
            if matches!(known.try_recv(), Err(TryRecvError::Empty)) {
                return None;
            }
            *before = None;
        }
        let (done, written) = oneshot::channel();
        let (out, text) = (Arc::clone(&self.out), format!("{text}\n"));
        // A reader may stop for ever. That must not block another task, nor the program's end, which waits for the
        // runtime's own threads.
        let thread = thread::Builder::new().name("console".to_owned()).spawn(move || {
            let mut out = out.lock();
            let _ = done.send(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
        });
        if let Err(error) = thread {
            return Some(Err(error));
        }
        let written = before.insert(written);
        let result = written.await;
        *before = None;
        Some(result.unwrap_or_else(|_| Err(io::ErrorKind::Other.into())))
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Console(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use parking_lot::Mutex;

    use super::{Console, format};
    use crate::{
        model::{Body, Outcome},
        receivers::{
            slack,
            testing::{parcel, payload_fault},
        },
    };

    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines(text: &str) -> Body {
        format::body(text)
    }

    #[tokio::test]
    async fn prints_lines() {
        let screen = Screen::default();
        let console = Console::new(Box::new(screen.clone()));
        for text in ["one\ntwo", "drei ä"] {
            assert_eq!(console.send(&parcel(lines(text))).await.outcome, Outcome::Delivered);
        }
        assert_eq!(String::from_utf8(screen.0.lock().clone()).unwrap(), "one\ntwo\ndrei ä\n");
    }

    /// A pipe that nobody reads until the test says so.
    struct Full(Receiver<()>, Screen);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_reader_that_stands_still_holds_nobody() {
        let (reads, reader) = channel();
        let screen = Screen::default();
        let patience = Duration::from_millis(50);
        let console = Console { patience, ..Console::new(Box::new(Full(reader, screen.clone()))) };
        let stands_still = |ambiguous| {
            let reason = "nobody reads what the console prints".to_owned();
            Outcome::Retry { after: None, reason, ambiguous }
        };
        assert_eq!(console.send(&parcel(lines("one"))).await.outcome, stands_still(true));
        // Further texts are not queued behind it.
        assert_eq!(console.send(&parcel(lines("two"))).await.outcome, stands_still(false));
        drop(reads);
        let console = Console { patience: Duration::from_secs(10), ..console };
        while console.send(&parcel(lines("three"))).await.outcome != Outcome::Delivered {
            tokio::task::yield_now().await;
        }
        assert_eq!(String::from_utf8(screen.0.lock().clone()).unwrap(), "one\nthree\n");
    }

    #[tokio::test]
    async fn a_broken_pipe_is_tried_again() {
        let attempt = Console::new(Box::new(Closed)).send(&parcel(lines("hunter2"))).await;
        let reason = "cannot write to the console: broken pipe".to_owned();
        assert_eq!(attempt.outcome, Outcome::Retry { after: None, reason, ambiguous: false });
    }

    #[tokio::test]
    async fn takes_its_own_kind_of_body_only() {
        let attempt = Console::new(Box::new(io::stdout())).send(&parcel(slack::format::body("hunter2"))).await;
        payload_fault(&attempt);
    }
}
