//! The loops: they read the clock, call the pure rooms, and talk to the outside.

pub mod clock;
