//! Bad input: everything that others write and pengwatch reads, with what must hold for each of it.
//!
//! One module for each thing that is read. Its `read` takes any bytes and panics where something does
//! not hold. libFuzzer calls it with what it makes up (`tests/fuzz/run 600`), and `cargo test` with
//! every file of `corpus/`: what was found once stays found, without a fuzzer.

// Nothing here is shipped.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

pub mod addresses;
pub mod answers;
pub mod bodies;
pub mod conditions;
pub mod config;
pub mod contexts;
pub mod customers;
pub mod mistakes;
pub mod receivers;
pub mod rules;
pub mod smtp;
pub mod stored;
pub mod templates;
pub mod times;

use jiff::Timestamp;

/// Reads any bytes, and panics if an invariant fails.
pub type Read = fn(&[u8]);

/// Every target, by the name of its folder in `corpus/`.
pub const TARGETS: [(&str, Read); 11] = [
    ("addresses", addresses::read),
    ("answers", answers::read),
    ("conditions", conditions::read),
    ("config", config::read),
    ("contexts", contexts::read),
    ("receivers", receivers::read),
    ("rules", rules::read),
    ("smtp", smtp::read),
    ("stored", stored::read),
    ("templates", templates::read),
    ("times", times::read),
];

/// The time of everything here: 2026-06-12T08:20:00Z.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_781_252_400).expect("a time")
}

/// The first line, and what follows: how the corpus writes what comes beside a body.
pub fn first_line(data: &[u8]) -> (&str, &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (line, rest) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    (std::str::from_utf8(line).unwrap_or_default(), rest)
}

/// `429 120`: the status of an answer, and its `Retry-After` if there is one.
pub fn status_line(line: &str) -> (u16, Option<&str>) {
    let (status, asked) = line.split_once(' ').map_or((line, None), |(status, asked)| (status, Some(asked)));
    (status.parse().unwrap_or(200), asked)
}
