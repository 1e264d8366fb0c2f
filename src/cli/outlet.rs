//! An output stream whose reader may stop reading, close it or have a full disk: writing to it never waits and never
//! fails.
//!
//! A thread writes what is put in. What has no room is left out and counted, and the count is written at the gap.
//! tracing's own appender prints to standard output when its end takes too long, and `println!` panics if nobody reads.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, ErrorKind, Write},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex, MutexGuard};

/// The most bytes that wait for the reader.
const MOST: usize = 1 << 20;

/// The memory of a piece besides its bytes.
const EACH: usize = 64;

/// The pause before the next attempt at a stream that accepts nothing at the moment.
const AGAIN: Duration = Duration::from_millis(20);

/// Makes the text for this number of missing pieces, as complete lines.
pub(super) type MissingWords = Box<dyn Fn(u64) -> String + Send>;

/// The end into which pieces of text are put. Clones share the stream.
#[derive(Clone)]
pub struct Outlet(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Something was put in.
    filled: Condvar,
    /// Something was written, or given up.
    moved: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Piece>,
    /// The size of what waits, in bytes.
    bytes: usize,
    /// The number of pieces that had no room since the last one that had.
    left_out: u64,
    /// The number of pieces that the thread has written or given up.
    dealt_with: u64,
    /// Whether the thread is writing a piece.
    is_busy: bool,
    /// Whether the reader has closed the stream.
    is_gone: bool,
}

enum Piece {
    Text(Vec<u8>),
    /// This number of pieces is missing here.
    Gap(u64),
}

impl Outlet {
    /// Writes to `stream`; `gap` makes the text for missing pieces.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn new(stream: impl Write + Send + 'static, gap: MissingWords) -> io::Result<Self> {
        let outlet = Self(Arc::default());
        let shared = Arc::clone(&outlet.0);
        thread::Builder::new().name("outlet".to_owned()).spawn(move || pour(&shared, stream, &gap))?;
        Ok(outlet)
    }

    /// Puts a piece in, which is written completely or not at all.
    pub fn put(&self, text: &[u8]) {
        let mut queue = self.0.lock();
        // After a gap it continues only when there is room for many pieces; otherwise every other line would be a gap.
        let most = if queue.left_out > 0 { MOST / 2 } else { MOST };
        if queue.bytes + text.len() + EACH > most {
            queue.left_out += 1;
            self.0.filled.notify_one();
            return;
        }
        queue.mind_the_gap();
        queue.bytes += text.len() + EACH;
        queue.waiting.push_back(Piece::Text(text.to_vec()));
        self.0.filled.notify_one();
    }

    /// Puts a line in.
    pub fn line(&self, line: &str) {
        self.put(format!("{line}\n").as_bytes());
    }

    /// Waits until everything is written: for `longest` at most, and no longer than `patience` for a reader that reads
    /// nothing.
    pub fn flush(&self, patience: Duration, longest: Duration) {
        let began = Instant::now();
        let mut queue = self.0.lock();
        let mut seen = (queue.dealt_with, Instant::now());
        while queue.is_busy || !queue.waiting.is_empty() || queue.left_out > 0 {
            if queue.dealt_with != seen.0 {
                seen = (queue.dealt_with, Instant::now());
            }
            let left = longest.saturating_sub(began.elapsed()).min(patience.saturating_sub(seen.1.elapsed()));
            if left.is_zero() {
                return;
            }
            self.0.moved.wait_for(&mut queue, left);
        }
    }

    /// Whether the reader has closed the stream, or seems to have.
    pub fn is_gone(&self) -> bool {
        self.0.lock().is_gone
    }
}

impl Write for Outlet {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.put(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outlet(..)")
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock()
    }

    /// Waits for the next piece.
    fn next(&self) -> Piece {
        let mut queue = self.lock();
        loop {
            if queue.waiting.is_empty() {
                queue.mind_the_gap();
            }
            if let Some(piece) = queue.waiting.pop_front() {
                if let Piece::Text(text) = &piece {
                    queue.bytes -= text.len() + EACH;
                }
                queue.is_busy = true;
                return piece;
            }
            self.filled.wait(&mut queue);
        }
    }
}

impl Queue {
    /// The number of pieces that were left out until now is written here.
    fn mind_the_gap(&mut self) {
        if self.left_out > 0 {
            self.waiting.push_back(Piece::Gap(std::mem::take(&mut self.left_out)));
        }
    }
}

/// Writes until the program ends.
fn pour(shared: &Shared, mut stream: impl Write, gap: &MissingWords) {
    let (mut missing, mut is_torn) = (0, false);
    loop {
        let (text, lost) = match shared.next() {
            Piece::Text(text) => (text, 1),
            Piece::Gap(count) => {
                missing += count;
                (Vec::new(), 0)
            }
        };
        let mut whole = if is_torn { b"\n".to_vec() } else { Vec::new() };
        if missing > 0 {
            whole.extend_from_slice(gap(missing).as_bytes());
        }
        whole.extend_from_slice(&text);
        let mut is_gone = false;
        match write_patiently(&mut stream, &whole) {
            Ok(()) => (missing, is_torn) = (0, false),
            Err((error, written)) => {
                is_gone = error.kind() == ErrorKind::BrokenPipe;
                is_torn |= written > 0;
                missing += lost;
            }
        }
        let mut queue = shared.lock();
        queue.is_gone = is_gone;
        queue.is_busy = false;
        queue.dealt_with += 1;
        shared.moved.notify_all();
    }
}

/// Writes all of it, in as many attempts as the stream needs.
///
/// # Errors
/// The reason, and how much was written.
pub(super) fn write_patiently(stream: &mut impl Write, bytes: &[u8]) -> Result<(), (io::Error, usize)> {
    let mut written = 0;
    let mut is_flushed = false;
    while !is_flushed {
        let done = if written < bytes.len() {
            stream.write(&bytes[written..]).and_then(|count| {
                written += count;
                if count == 0 { Err(ErrorKind::WriteZero.into()) } else { Ok(()) }
            })
        } else {
            stream.flush().map(|()| is_flushed = true)
        };
        match done {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Another program that shares the stream has set it so.
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(AGAIN),
            Err(error) => return Err((error, written)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A stream with a scripted answer to every attempt: the number of bytes that it accepts, or a fault.
    struct Reader {
        answers: Receiver<Result<usize, ErrorKind>>,
        got: Got,
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // After the script it accepts everything.
            let most = self.answers.recv().unwrap_or(Ok(usize::MAX))?;
            let taken = &bytes[..most.min(bytes.len())];
            self.got.lock().extend_from_slice(taken);
            Ok(taken.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    type Answers = Sender<Result<usize, ErrorKind>>;
    type Got = Arc<Mutex<Vec<u8>>>;

    fn outlet() -> (Outlet, Answers, Got) {
        let (answer, answers) = channel();
        let got = Got::default();
        let reader = Reader { answers, got: Arc::clone(&got) };
        let outlet = Outlet::new(reader, Box::new(|count| format!("({count} missing)\n"))).unwrap();
        (outlet, answer, got)
    }

    fn all(outlet: &Outlet, got: &Mutex<Vec<u8>>) -> String {
        let long = Duration::from_mins(1);
        outlet.flush(long, long);
        String::from_utf8(got.lock().clone()).unwrap()
    }

    #[test]
    fn nothing_is_lost_where_somebody_reads() {
        let (outlet, answer, got) = outlet();
        // In any pieces, and in any number of attempts.
        for taken in [Ok(2), Err(ErrorKind::WouldBlock), Err(ErrorKind::Interrupted), Ok(1)] {
            answer.send(taken).unwrap();
        }
        drop(answer);
        let lines: Vec<String> = (0..2_000).map(|number| format!("line {number}\n")).collect();
        for line in &lines {
            outlet.put(line.as_bytes());
        }
        assert_eq!(all(&outlet, &got), lines.concat());
    }

    #[test]
    fn who_does_not_read_holds_nobody_and_hears_how_much_is_missing() {
        let (outlet, answer, got) = outlet();
        let line = [b"x".repeat(1_023), b"\n".to_vec()].concat();
        for _ in 0..3_000 {
            outlet.put(&line);
        }
        let began = Instant::now();
        outlet.flush(Duration::from_millis(20), Duration::from_mins(1));
        assert!(began.elapsed() < Duration::from_secs(30), "a reader that takes nothing was waited for");
        drop(answer);
        let long = Duration::from_mins(1);
        outlet.flush(long, long);
        outlet.put(b"again\n");
        let text = all(&outlet, &got);
        let kept = text.lines().filter(|line| line.starts_with('x')).count();
        assert!((900..1_100).contains(&kept), "{kept}");
        assert!(text.ends_with(&format!("x\n({} missing)\nagain\n", 3_000 - kept)), "{}", &text[text.len() - 99..]);
    }

    #[test]
    fn a_full_disk_and_a_gone_reader_cost_what_they_refuse() {
        let (outlet, answer, got) = outlet();
        for refused in [Err(ErrorKind::StorageFull), Ok(2), Err(ErrorKind::StorageFull), Err(ErrorKind::BrokenPipe)] {
            answer.send(refused).unwrap();
        }
        for line in ["one\n", "two\n", "three\n"] {
            outlet.put(line.as_bytes());
        }
        let long = Duration::from_mins(1);
        outlet.flush(long, long);
        assert!(outlet.is_gone());
        drop(answer);
        outlet.put(b"four\n");
        // A line that was cut off ends before the next line begins.
        assert_eq!(all(&outlet, &got), "(1\n(3 missing)\nfour\n");
        assert!(!outlet.is_gone());
    }
}
