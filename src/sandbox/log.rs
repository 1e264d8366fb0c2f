//! A bounded log of what came in, because a sandbox may run for days.

use std::collections::VecDeque;

/// The most entries that are kept.
const MOST_ENTRIES: usize = 10_000;
/// The most bytes of bodies that are kept: ten thousand bodies of a mebibyte would fill the machine's memory.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// The last entries of their kind, oldest first.
pub(super) struct Log<T> {
    entries: VecDeque<(usize, T)>,
    bytes: usize,
}

impl<T: Clone> Log<T> {
    pub(super) fn new() -> Self {
        Self { entries: VecDeque::new(), bytes: 0 }
    }

    /// Keeps `entry`, whose body has `size` bytes; forgets the oldest entries if there are too many.
    pub(super) fn push(&mut self, size: usize, entry: T) {
        self.entries.push_back((size, entry));
        self.bytes += size;
        while self.entries.len() > MOST_ENTRIES || self.bytes > MOST_BYTES {
            let Some((size, _)) = self.entries.pop_front() else { break };
            self.bytes -= size;
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    pub(super) fn all(&self) -> Vec<T> {
        self.entries.iter().map(|(_, entry)| entry.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Log, MOST_BYTES, MOST_ENTRIES};

    #[test]
    fn the_oldest_are_forgotten() {
        let mut log = Log::new();
        for number in 0..=MOST_ENTRIES {
            log.push(1, number);
        }
        assert_eq!(log.all().len(), MOST_ENTRIES);
        assert_eq!(log.all()[0], 1);
        log.push(MOST_BYTES, 0);
        assert_eq!(log.all(), [0]);
    }
}
