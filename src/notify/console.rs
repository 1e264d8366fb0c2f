//! Prints to the terminal, or to whatever writer it is given.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use crate::model::{Attempt, Body, Outcome, Parcel};

/// The console.
pub struct Console {
    // Behind a mutex, so that two messages don't mix their lines; never held over an `.await`.
    out: Mutex<Box<dyn Write + Send>>,
}

impl Console {
    /// Prints to `out`.
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out: Mutex::new(out) }
    }

    /// Prints to standard output.
    pub fn stdout() -> Self {
        Self::new(Box::new(io::stdout()))
    }

    /// Prints one message.
    pub fn send(&self, parcel: &Parcel) -> Attempt {
        let Body::Console { text } = &parcel.body else {
            return super::wrong_body("console");
        };
        match self.print(text) {
            Ok(()) => Outcome::Delivered.into(),
            Err(error) => Outcome::Retry {
                after: None,
                reason: format!("the console takes nothing: {}", error.kind()),
                ambiguous: false,
            }
            .into(),
        }
    }

    fn print(&self, text: &str) -> io::Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // In one piece: `println!` would panic on a closed pipe, and pieces mix with other output.
        out.write_all(format!("{text}\n").as_bytes())?;
        out.flush()
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
    use std::sync::{Arc, Mutex};

    use super::Console;
    use crate::model::{Body, Outcome};
    use crate::notify::testing::{parcel, payload_fault};

    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
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
        Body::Console { text: text.to_owned() }
    }

    #[test]
    fn prints_lines() {
        let screen = Screen::default();
        let console = Console::new(Box::new(screen.clone()));
        for text in ["one\ntwo", "drei ä"] {
            assert_eq!(console.send(&parcel(lines(text))).outcome, Outcome::Delivered);
        }
        assert_eq!(String::from_utf8(screen.0.lock().unwrap().clone()).unwrap(), "one\ntwo\ndrei ä\n");
    }

    #[test]
    fn a_broken_pipe_is_tried_again() {
        let attempt = Console::new(Box::new(Closed)).send(&parcel(lines("hunter2")));
        let reason = "the console takes nothing: broken pipe".to_owned();
        assert_eq!(attempt.outcome, Outcome::Retry { after: None, reason, ambiguous: false });
    }

    #[test]
    fn takes_its_own_kind_of_body_only() {
        let attempt = Console::stdout().send(&parcel(Body::Slack { payload: "hunter2".to_owned() }));
        payload_fault(&attempt);
    }
}
