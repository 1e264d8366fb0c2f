//! The `pengwatch` binary: arguments in, error printed once, exit status.

use std::process::ExitCode;

use clap::Parser;
use pengwatch::cli::{self, Arguments, Exit};

fn main() -> ExitCode {
    pengwatch::service::http::install_crypto();
    match cli::main(Arguments::parse()) {
        Ok(exit) => exit.into(),
        Err(error) => {
            anstream::eprintln!("error: {error:#}");
            Exit::No.into()
        }
    }
}
