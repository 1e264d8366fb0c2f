//! The `pengwatch` binary: arguments in, error printed once, exit status.

fn main() {}
