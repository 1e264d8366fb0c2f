//! Stored times that have to move because the machine's clock was wrong.

use jiff::{SignedDuration, Timestamp};

/// A kind of stored time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredTime {
    /// Before this time a receiver is not tried.
    ReceiverPause,
    /// Since then a receiver has failed.
    ReceiverFailing,
    ReceiverBroken,
    /// The next attempt of a message that is not delivered yet.
    NextAttempt,
    /// When a message that is not delivered yet was composed: its age decides whether it is given up.
    OpenMessage,
    Message,
    MessageClosed,
    /// Since then something that is still owed is tried.
    OwedTried,
    Tried,
    /// The beginning of a silence. Its end moves along, so that it lasts as long as before.
    Silence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeChange {
    By(SignedDuration),
    To(Timestamp),
}

/// Which times are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeBound {
    Before(Timestamp),
    After(Timestamp),
}

/// One change of all stored times of a kind that are within a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeMove {
    pub time: StoredTime,
    pub change: TimeChange,
    pub only: TimeBound,
}
