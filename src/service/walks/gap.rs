//! Why not everything of an inbox was read, or is believed.

use std::fmt;

/// More pages than any inbox within the budget has.
pub(crate) const MOST_PAGES: u32 = 2_000;

/// More customers than a walk over several polls remembers to have seen.
pub(super) const MOST_SEEN: usize = 200_000;

/// Why a poll that failed nothing has not read everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incomplete {
    /// Records that were not understood.
    Unreadable(usize),
    /// Pages that repeated what had come.
    Torn,
    /// Pages that differ in size.
    Uneven,
    /// Most of those who waited are gone at once: how many, of how many.
    Emptied(usize, usize),
    /// More pages than any inbox has.
    TooLong,
    /// More MiB than are kept.
    TooLarge(usize),
    /// More is new than a narrow walk may read: the next polls go on.
    Behind,
}

impl Incomplete {
    /// Whether the next poll does not make it good by itself.
    pub fn is_fault(self) -> bool {
        self != Self::Behind
    }
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(1) => f.write_str("1 record was not understood"),
            Self::Unreadable(count) => write!(f, "{count} records were not understood"),
            Self::Torn => f.write_str("the API's pages repeat what had come, twice"),
            Self::Uneven => f.write_str("the API's pages differ in size, and may hide customers"),
            Self::Emptied(gone, open) => {
                write!(f, "{gone} of {open} customers whose alerts fire are gone at once, and no look-up finds anybody")
            }
            Self::TooLong => write!(f, "the API gives more than {MOST_PAGES} pages or {MOST_SEEN} customers"),
            Self::TooLarge(mebibytes) => {
                write!(f, "the API gives more than the {mebibytes} MiB of memory that a poll keeps")
            }
            Self::Behind => f.write_str("more is new than could be read"),
        }
    }
}
