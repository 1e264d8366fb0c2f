//! Tests of the room as a whole.

mod bodies;
mod fixtures;
mod foreign;
mod headlines;
mod hostile;
mod limits;
mod mistakes;
mod watchdog;
