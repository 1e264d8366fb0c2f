//! Tests of the room as a whole.

mod bodies;
pub(crate) mod fixtures;
mod foreign;
mod headlines;
pub(crate) mod hostile;
mod mistakes;
mod names;
mod watchdog;
