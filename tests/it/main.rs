//! The whole program: the real binary, exact output, real HTTP and SMTP on loopback.

mod check;
mod daemon;
mod demo;
mod dry_run;
mod faults;
mod harness;
mod help;
mod imports;
mod leaks;
mod once;
