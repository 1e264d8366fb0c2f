//! The made-up inbox and the sinks.
pub mod smtp;
