//! A stream whose reader may stand still, go away or have no room for more: whoever writes to it never waits
//! and never fails.
//!
//! A thread of its own writes what is put in; what finds no place is left out and counted, and the count is
//! said where the gap is. tracing's own appender prints to standard output when its end takes too long, and
//! `println!` panics where nobody reads.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, ErrorKind, Write},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex, MutexGuard};

/// Bytes that wait for the reader at most.
const MOST: usize = 1 << 20;

/// What a piece costs besides its bytes.
const EACH: usize = 64;

/// A stream that takes nothing now, though it could be asked: the pause before it is asked again.
const AGAIN: Duration = Duration::from_millis(20);

/// The words for so many pieces that are missing, as whole lines.
pub(super) type MissingWords = Box<dyn Fn(u64) -> String + Send>;

/// Where pieces of text are put in. Clones are the same stream.
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
    /// What waits, in bytes.
    bytes: usize,
    /// Pieces that found no place since the last one that did.
    left_out: u64,
    /// Pieces that the thread has dealt with.
    dealt_with: u64,
    /// Whether the thread is at one.
    is_busy: bool,
    /// Whether the reader has gone.
    is_gone: bool,
}

enum Piece {
    Text(Vec<u8>),
    /// So many are missing here.
    Gap(u64),
}

impl Outlet {
    /// To `stream`; `gap` words what is missing.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn new(stream: impl Write + Send + 'static, gap: MissingWords) -> io::Result<Self> {
        let outlet = Self(Arc::default());
        let shared = Arc::clone(&outlet.0);
        thread::Builder::new().name("outlet".to_owned()).spawn(move || pour(&shared, stream, &gap))?;
        Ok(outlet)
    }

    /// Puts a piece in, which is written whole or not at all.
    pub fn put(&self, text: &[u8]) {
        let mut queue = self.0.lock();
        // After a gap it goes on when there is room for many: else every other line would be a gap.
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

    /// Waits until everything is written, for `longest` at most, and no longer than `patience` for a reader
    /// that takes nothing.
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

    /// Whether the reader has gone for good, or seems to.
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

    /// The next piece, when there is one.
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
    /// What was left out until now is said here.
    fn mind_the_gap(&mut self) {
        if self.left_out > 0 {
            self.waiting.push_back(Piece::Gap(std::mem::take(&mut self.left_out)));
        }
    }
}

/// Writes for as long as the program runs.
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

/// Writes all of it, however often the stream has to be asked.
///
/// # Errors
/// Why not, and how much was written.
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
            // Whoever shares the stream has set it so.
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

    /// A stream that answers every attempt as it is told to: with how many bytes it takes, or with a fault.
    struct Reader {
        answers: Receiver<Result<usize, ErrorKind>>,
        got: Got,
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Who says nothing any more takes all.
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
        // In whatever pieces, and however often it has to be asked.
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
        // What was cut off ends before the next line begins.
        assert_eq!(all(&outlet, &got), "(1\n(3 missing)\nfour\n");
        assert!(!outlet.is_gone());
    }
}
