//! Tests of the room as a whole.

mod bodies;
mod fixtures;
mod hostile;
mod limits;
mod mistakes;
