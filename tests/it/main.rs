//! The whole program: the real binary, exact output, real HTTP and SMTP on loopback.

// Nothing here is shipped.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod check;
mod corpus;
mod daemon;
mod demo;
mod deploy;
mod documented;
mod dry_run;
mod fault_points;
mod faults;
mod fresh;
mod harness;
mod health;
mod help;
mod imports;
mod init;
mod kill;
mod leaks;
mod life;
mod memory;
mod metrics;
mod names;
mod once;
mod outbox;
mod proxies;
mod readme;
mod relays;
mod replaced;
mod rules;
mod sandbox;
mod soak;
mod state;
mod talk;
mod watchdog;
